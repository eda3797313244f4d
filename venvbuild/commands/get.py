"""`venvbuild get`: an environment, here, now, intact."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import click

from venvbuild import builds, restore
from venvbuild.archive import FragmentCache
from venvbuild.commands import options, words
from venvbuild.environment import IndexAddresses, PackageSource
from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter, find_interpreter
from venvbuild.machine import glibc_here
from venvbuild.restore import Restored, RestoreOptions
from venvbuild.settings import Settings
from venvbuild.stores import store_of
from venvbuild.text import size_text


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
    with _Fetched() as on_fetch:
        here = replace(machine(settings), on_fetch=on_fetch, compiles=compiles)
        restored = _restored(version, target, from_archive, rebuilds, settings, here)
    if given["as_json"]:
        words.print_json(asdict(restored))
    else:
        what = restored.venv_version or str(from_archive)
        how = "  rebuilt from its lock" if restored.rebuilt else ""
        words.print_data(f"{what}  {restored.target}  Python {restored.python_full_version} ({restored.python}){how}")


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
                fix="name the build in its store: venvbuild get VERSION TARGET --rebuild",
            )
        if version is None or target is not None:
            raise UsageError("with --from-archive there is one argument, the target", fix="leave out the version")
        return restore.from_archive(archive, Path(version), here)
    if version is None or target is None:
        raise UsageError("a build and a target are needed", fix="venvbuild get sales@latest ./venv")
    store = store_of(settings)
    name = builds.find(store, version)
    if rebuilds:
        return restore.rebuild(store, name, target, here, partial(_source, settings))
    return restore.get(store, name, target, here)


def machine(settings: Settings) -> RestoreOptions:
    """This machine, as restoring needs it; nobody is told what is fetched."""
    return RestoreOptions(
        find_interpreter, FragmentCache(settings.folders.cache / "fragments"), glibc_here(), lambda *_: None
    )


def _source(settings: Settings, interpreter: Interpreter, scratch: Path) -> PackageSource:
    """Packages from where this process is configured to get them."""
    for note in settings.notes:
        words.say(f"WARNING: {note}")
    words.say(f"installing the lock for Python {interpreter.full_version} on {interpreter.platform}")
    return PackageSource.of(
        IndexAddresses.of(settings), interpreter, settings, os.environ, timeout_s=settings["timeout_s"], scratch=scratch
    )


class _Fetched:
    """A bar on a terminal, and at the end one timed line: what was fetched and what the cache saved."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, before an error is told."""
        self._clear()

    def __call__(self, fetched: int, wanted: int, total: int) -> None:
        if fetched == 0:
            self._began = time.monotonic()
        if fetched < wanted and self._is_terminal:
            filled = words.BAR_WIDTH * fetched // wanted
            bar = "#" * filled + "." * (words.BAR_WIDTH - filled)
            words.say(f"\r\033[K[{bar}] {size_text(fetched)} of {size_text(wanted)}", end="")
        elif fetched == wanted:
            self._clear()
            words.say(
                f"fetched {size_text(wanted)} of {size_text(total)}, {size_text(total - wanted)} from the cache, "
                f"in {time.monotonic() - self._began:.1f} s"
            )

    def _clear(self) -> None:
        if self._is_terminal:
            words.say("\r\033[K", end="")
