"""`venvbuild promote`: moves an alias to a build."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from venvbuild import builds
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.run import Uploaded, recorded_work_dir
from venvbuild.settings import Settings
from venvbuild.stores import store_of


@click.command("promote", short_help="Let an alias of a build's environment point to it: sales@prod.")
@click.argument("names", nargs=-1, required=True, metavar="[VERSION] ALIAS")
@options.with_store
@options.with_work_dir
@options.with_config
@options.as_json
def command(names: tuple[str, ...], **given: Any) -> None:
    """Let ALIAS, of the environment that VERSION is a build of, point to that build; its history stays.

    VERSION may also be ENV@ALIAS or ENV@latest: `promote sales@staging prod`. Without VERSION it is the build that the
    work dir holds, when all its steps have ended.
    """
    if len(names) > 2:
        raise UsageError("promote takes a version and an alias", where=" ".join(names[2:])[:80], fix="leave that out")
    settings = options.load(given)
    version = names[0] if len(names) == 2 else _of_work_dir(settings)
    store = store_of(settings)
    move = builds.promote(store, builds.find(store, version), names[-1])
    if given["as_json"]:
        output.print_json(asdict(move))
    else:
        before = f"  (before: {move.previous})" if move.previous else ""
        output.print_data(f"{move.env_name}@{move.alias}  {move.venv_version}  {move.moved_at}{before}")


def _of_work_dir(settings: Settings) -> str:
    folder = Path(settings.work_dir or options.DEFAULT_WORK_DIR)
    work = recorded_work_dir(folder)
    if not work or not work.has_ended("register"):
        raise UsageError(
            "no registered build is here",
            where=str(folder),
            why="an alias points to builds that readers find",
            fix="run the steps up to register first, or name the version: promote VERSION ALIAS",
        )
    return work.result(Uploaded).metadata["venv_version"]
