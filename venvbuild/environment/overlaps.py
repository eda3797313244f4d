"""Files that several distributions own: installers let either win, here it is always the last by name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from venvbuild.environment.closure import Closure
from venvbuild.environment.package_source import PackageSource
from venvbuild.files import write_whole
from venvbuild.installed import distributions_of, owners


def settle_overlaps(
    venv: Path, closure: Closure, source: PackageSource, install: Callable[..., None]
) -> dict[str, tuple[str, ...]]:
    """Installers unpack side by side, so of two owners of a path either may win; make it the last by name, always."""
    installed = distributions_of(venv, source.interpreter.version, with_damage=False)
    shared = owners(installed)
    locked = {one.name for one in closure.distributions}
    of_winners: dict[str, list[Path]] = {}
    for path, names in shared.items():
        winner = next((name for name in reversed(names) if name in locked), None)
        # A RECORD may claim any path; what lies outside is not ours to change.
        if winner and path.is_relative_to(venv):
            of_winners.setdefault(winner, []).append(path)
    for name, paths in of_winners.items():
        # In an environment of its own: to install it again over this one would start the Python of an environment that
        # is not empty any more, which runs the packages' `.pth` files.
        with tempfile.TemporaryDirectory(prefix=".alone-", dir=venv.parent) as folder:
            alone = Path(folder, "venv")
            alone.mkdir()
            install(_only(closure, name), venv=alone)
            for path in paths:
                _take(alone / path.relative_to(venv), path, alone, venv)
    return {os.path.relpath(path, venv): names for path, names in shared.items()}


def _only(closure: Closure, name: str) -> Closure:
    """One distribution, with the pip that may have to install it."""
    return replace(closure, distributions=tuple(one for one in closure.distributions if one.name in (name, "pip")))


def _take(source: Path, target: Path, alone: Path, venv: Path) -> None:
    """Give `target` the bytes and the mode of `source`; where a script names its environment, that is this one."""
    if source.is_file() and not source.is_symlink():  # else a RECORD claims what its wheel does not have
        content = source.read_bytes()
        if source.parent == alone / "bin":
            content = content.replace(os.fsencode(alone), os.fsencode(venv))  # its first line names the other
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content, mode=source.stat().st_mode)
