"""`venvbuild promote`: moves an alias to a build, or back from one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from venvbuild import builds
from venvbuild.builds import Metadata, Move
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.run import Uploaded, recorded_work_dir
from venvbuild.settings import Settings
from venvbuild.stores import Store, store_of


@click.command("promote", short_help="Let an alias of a build's environment point to it: sales@prod; or --undo that.")
@click.argument("names", nargs=-1, required=True, metavar="[BUILD] ALIAS")
@click.option("--undo", "undoes", is_flag=True, help="Take the last move back: promote --undo sales@prod")
@click.option(
    "--env-name", "wanted_env_name", metavar="NAME", help="The environment, for a build that is of none itself."
)
@options.with_store
@options.with_work_dir
@options.with_config
@options.as_json
def command(names: tuple[str, ...], undoes: bool, **given: Any) -> None:
    """Let ALIAS, of the environment that BUILD is of, point to that build; its history stays.

    BUILD is a version, ENV@ALIAS, ENV@latest or ENV@ALIAS~N: `promote sales@staging prod`. Without BUILD it is the one
    that the work dir holds, when all its steps have ended.

    With --undo ENV@ALIAS points to the build again that it named before its last move; that is a move, too. ALIAS alone
    is one that names the build of the work dir.
    """
    settings = options.load(given)
    store = store_of(settings)
    move = (_taken_back if undoes else _moved)(store, settings, names, given["wanted_env_name"])
    if given["as_json"]:
        output.print_json(asdict(move))
    else:
        before = f"  (before: {move.previous})" if move.previous else ""
        output.print_data(f"{move.env_name}@{move.alias}  {move.venv_version}  {move.moved_at}{before}")


def _moved(store: Store, settings: Settings, names: tuple[str, ...], env_name: str | None) -> Move:
    if len(names) > 2:
        raise UsageError("promote takes a build and an alias", where=" ".join(names[2:])[:80], fix="leave that out")
    if len(names) == 2:
        return builds.promote(store, builds.find(store, names[0]), names[1], env_name=env_name)
    ours = _of_work_dir(settings, "name the build: promote BUILD ALIAS")
    return builds.promote(store, ours["venv_version"], names[0], env_name=env_name)


def _taken_back(store: Store, settings: Settings, names: tuple[str, ...], env_name: str | None) -> Move:
    if len(names) > 1 or env_name is not None:
        raise UsageError(
            "--undo takes an alias, and no build or --env-name",
            where="--undo",
            why="it goes back to the build that the alias named before",
            fix="promote --undo ENV@ALIAS",
        )
    of, at, alias = names[0].partition("@")
    if at:
        return builds.undo(store, of, alias)
    ours = _of_work_dir(settings, "name the environment: promote --undo ENV@ALIAS")
    # Only what this run did: somebody may have moved it on since.
    return builds.undo(store, ours["env_name"], names[0], only_from=ours["venv_version"])


def _of_work_dir(settings: Settings, otherwise: str) -> Metadata:
    folder = Path(settings.work_dir or options.DEFAULT_WORK_DIR)
    work = recorded_work_dir(folder)
    if not work or not work.has_ended("register"):
        raise UsageError(
            "no registered build is here",
            where=str(folder),
            why="an alias points to builds that readers find",
            fix=f"run the steps up to register first, or {otherwise}",
        )
    return work.result(Uploaded).metadata
