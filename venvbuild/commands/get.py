"""`venvbuild get`: an environment, here, now, intact."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from venvbuild import builds, restore
from venvbuild.console import options, output
from venvbuild.console.progress import FetchProgress
from venvbuild.environment import IndexAccess, PackageSource
from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter
from venvbuild.restore import Kernel, Restored, RestoreOptions
from venvbuild.settings import Settings
from venvbuild.stores import store_of


@click.command("get", short_help="Restore a build's environment: get sales@latest ./venv")
@click.argument("version", required=False, metavar="BUILD")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from-archive",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Restore from this .tar.gz instead of a store; BUILD is then left out.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Run it on this Python, not on the first that fits.",
)
@click.option("--compile", "compiles", is_flag=True, help="Make the bytecode too, as checked-hash.")
@click.option(
    "--rebuild", "rebuilds", is_flag=True, help="Install the build's lock here instead; for another platform."
)
@click.option("--kernel", metavar="NAME", help="Make it a kernel of Jupyter too, by this name.")
@options.with_store
@options.with_index
@options.with_config
@options.as_json
def command(
    version: str | None,
    target: Path | None,
    from_archive: Path | None,
    python: Path | None,
    compiles: bool,
    rebuilds: bool,
    kernel: str | None,
    **given: Any,
) -> None:
    """Restore the environment of a build at TARGET, which becomes the environment: TARGET/bin/python.

    BUILD is a version, ENV@ALIAS, ENV@latest or ENV@ALIAS~N. Only what the fragment cache lacks is fetched. TARGET must
    be absent, empty, or made by `get`. An archive that `tar -czf` made of an environment of `python -m venv` will do,
    too: its scripts are made relocatable, and what cannot move is named. With --rebuild the packages of the build's
    lock are installed from the index, with their hashes, for a Python of this machine. With --kernel Jupyter finds it
    by that name; the environment must have ipykernel.
    """
    settings = options.load(given)
    with FetchProgress() as on_fetch:
        here = replace(RestoreOptions.of(settings), on_fetch=on_fetch, compiles=compiles)
        here = here.with_python(python) if python else here
        if kernel is not None:
            here = replace(here, kernel=Kernel.of(kernel, os.environ))
        restored = _restored(version, target, from_archive, rebuilds, settings, here)
    if restored.kernel:
        output.say(f"kernel {restored.kernel}")
    for problem in (*restored.cannot_move, *restored.warnings):
        output.say(f"warning: {problem.as_line()}")
    if given["as_json"]:
        problems = {
            "cannot_move": [one.as_json() for one in restored.cannot_move],
            "warnings": [one.as_json() for one in restored.warnings],
        }
        output.print_json({**asdict(restored), **problems})
    else:
        what = restored.venv_version or str(from_archive)
        how = "  rebuilt from its lock" if restored.rebuilt else ""
        output.print_data(f"{what}  {restored.target}  Python {restored.python_full_version} ({restored.python}){how}")


def _restored(
    version: str | None,
    target: Path | None,
    archive: Path | None,
    rebuilds: bool,
    settings: Settings,
    here: RestoreOptions,
) -> Restored:
    if archive is not None:
        if rebuilds:
            raise UsageError(
                "--rebuild needs the lock of a build, and an archive has none",
                where="--from-archive",
                fix="name the build in its store: venvbuild get BUILD TARGET --rebuild",
            )
        if version is None or target is not None:
            raise UsageError("with --from-archive there is one argument, the target", fix="leave out the version")
        # Of two optional arguments click fills the first, so the target is in `version`.
        return restore.from_archive(archive, Path(version), here)
    if version is None or target is None:
        raise UsageError("a build and a target are needed", fix="venvbuild get sales@latest ./venv")
    store = store_of(settings)
    # Once, here: while it is restored the alias may move.
    name = builds.find(store, version)
    if rebuilds:
        return restore.rebuild(store, name, target, here, partial(_source, settings))
    return restore.get(store, name, target, here)


def _source(settings: Settings, interpreter: Interpreter, scratch: Path) -> PackageSource:
    """Packages from where this process is configured to get them."""
    # Indexes that are configured and not followed: the wrong one may be the reason when a package is not found.
    for note in settings.notes:
        output.say(f"WARNING: {note}")
    output.say(f"installing the lock for Python {interpreter.full_version} on {interpreter.platform}")
    return PackageSource.of(
        IndexAccess.of(settings, os.environ), interpreter, timeout_s=settings.timeout_s, scratch=scratch
    )
