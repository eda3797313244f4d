"""`venvbuild get`: an environment, here, now, intact."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import uv

from venvbuild import builds, interpreters, rebuilding, rehoming, restore
from venvbuild.commands import options, words
from venvbuild.errors import UsageError
from venvbuild.fragment_cache import FragmentCache
from venvbuild.interpreters import Interpreter
from venvbuild.settings import Settings
from venvbuild.steps import size_text, store_of
from venvbuild.supply import Sources, Supply


@click.command("get", short_help="Restore a build's environment: get sales@latest ./venv")
@click.argument("version", required=False)
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from-archive",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Restore from this .tar.gz instead of a store; VERSION is then left out.",
)
@click.option("--compile", "compiles", is_flag=True, help="Make the bytecode too, as checked-hash.")
@click.option(
    "--rebuild", "rebuilds", is_flag=True, help="Install the build's lock here instead; for another platform."
)
@options.with_store
@options.with_index
@options.with_config
@options.as_json
def command(
    version: str | None,
    target: Path | None,
    from_archive: Path | None,
    compiles: bool,
    rebuilds: bool,
    **given: Any,
) -> None:
    """Restore the environment of a build at TARGET, which becomes the environment: TARGET/bin/python.

    VERSION may also be ENV@ALIAS or ENV@latest. Only what the fragment cache lacks is fetched. TARGET must be absent,
    empty, or made by `get`. With --rebuild the packages of the build's lock are installed from the index, with their
    hashes, for a Python of this machine.
    """
    settings = options.load(given)
    here = replace(machine(settings), compiles=compiles)
    if from_archive is not None:
        if rebuilds:
            raise UsageError(
                "--rebuild needs the lock of a build, and an archive has none",
                where="--from-archive",
                fix="name the build in its store: venvbuild get VERSION TARGET --rebuild",
            )
        if version is None or target is not None:
            raise UsageError("with --from-archive there is one argument, the target", fix="leave out the version")
        restored = restore.from_archive(from_archive, Path(version), here)
    elif version is None or target is None:
        raise UsageError("a build and a target are needed", fix="venvbuild get sales@latest ./venv")
    else:
        store = store_of(settings)
        name = builds.find(store, version)
        restored = (
            rebuilding.rebuild(store, name, target, here, partial(_supply, settings))
            if rebuilds
            else restore.get(store, name, target, here)
        )
    if given["as_json"]:
        words.print_json(asdict(restored))
    else:
        what = restored.venv_version or str(from_archive)
        how = "  rebuilt from its lock" if restored.rebuilt else ""
        words.print_data(f"{what}  {restored.target}  Python {restored.python_full_version} ({restored.python}){how}")


def machine(settings: Settings) -> restore.Machine:
    """This machine, as restoring needs it; what is fetched is told on stderr."""
    return restore.Machine(
        find_interpreter, FragmentCache(settings.folders.cache / "fragments"), rehoming.glibc_here(), _Fetched()
    )


def _supply(settings: Settings, interpreter: Interpreter, scratch: Path) -> Supply:
    """Packages from where this process is configured to get them."""
    for note in settings.notes:
        words.say(f"WARNING: {note}")
    words.say(f"installing the lock for Python {interpreter.full_version} on {interpreter.platform}")
    return Supply.of(
        Sources.of(settings), interpreter, settings, os.environ, timeout_s=settings["timeout_s"], scratch=scratch
    )


def find_interpreter(python_version: str) -> Interpreter:
    """The Python X.Y of this machine that an environment is re-homed to."""
    environ = os.environ
    return interpreters.find(
        python_version, anything_will_do=False, environ=environ, uv=Path(uv.find_uv_bin())
    ).interpreter


class _Fetched:
    """A bar on a terminal, and at the end one line: what was fetched and what the cache saved."""

    def __call__(self, fetched: int, wanted: int, total: int) -> None:
        is_terminal = sys.stderr.isatty()
        if fetched < wanted and is_terminal:
            filled = words.BAR_WIDTH * fetched // wanted
            bar = "#" * filled + "." * (words.BAR_WIDTH - filled)
            words.say(f"\r\033[K[{bar}] {size_text(fetched)} of {size_text(wanted)}", end="")
        elif fetched == wanted:
            clear = "\r\033[K" if is_terminal else ""
            words.say(
                f"{clear}fetched {size_text(wanted)} of {size_text(total)}, {size_text(total - wanted)} from the cache"
            )
