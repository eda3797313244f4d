"""A virtual environment with exactly what its closure says, which works wherever it is moved."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from venvbuild.closure import Closure
from venvbuild.diagnosis import Wanted, explain_files
from venvbuild.errors import IndexUnavailable, Problem, ResolutionError
from venvbuild.installed import INSTALL_RECORDS, corrected, distributions_in, owners, relocatable, site_packages
from venvbuild.interpreters import Interpreter
from venvbuild.process import CommandFailed
from venvbuild.supply import Supply

log = logging.getLogger(__name__)

_TRIES = 3


@dataclass(frozen=True)
class Environment:
    """A venv in its place."""

    path: Path
    interpreter: Interpreter
    overlaps: Mapping[str, tuple[str, ...]]
    """Paths, relative to the venv, that several distributions own; the last name's content is there."""

    @property
    def site_packages(self) -> Path:
        """Its `lib/pythonX.Y/site-packages`."""
        return site_packages(self.path, self.interpreter.version)


def create(
    closure: Closure,
    supply: Supply,
    target: Path,
    *,
    with_pip: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> Environment:
    """Install `closure` into a new venv at `target`, by uv or (`with_pip`) by the venv's own pip.

    The venv is made beside `target` and renamed when it is whole; what stood at `target` before is replaced.

    Raises:
        ResolutionError, IndexUnavailable, UsageError, IntegrityError: a file of the closure is not there, the index
            fails, refuses, or gives wrong bytes; found out by asking the index, whoever installed.
    """
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        install = partial(_install_patiently, supply=supply, with_pip=with_pip, wait=wait)
        install(closure, venv=building)
        overlaps = _settle_overlaps(building, closure, supply, install)
        _make_relocatable(building, site_packages(building, supply.interpreter.version))
        _replace(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Environment(target, supply.interpreter, overlaps)


def _install_patiently(
    closure: Closure, supply: Supply, venv: Path, *, with_pip: bool, wait: Callable[[float], None]
) -> None:
    """Several tries; raises as `create` does."""
    for attempt in range(1, _TRIES + 1):
        try:
            _install(closure, supply, venv, with_pip=with_pip)
            return
        except CommandFailed as failure:
            _explain(failure, closure, supply, last=attempt == _TRIES)
            log.warning("the installer failed; trying again (%d of %d)", attempt + 1, _TRIES)
            # A link may be refused where a copy is not, as of somebody else's file.
            supply = replace(supply, installer=replace(supply.installer, shares_cache=False))
            wait(2.0**attempt)


def _install(closure: Closure, supply: Supply, venv: Path, *, with_pip: bool) -> None:
    shutil.rmtree(venv)
    supply.installer.make_venv(supply.interpreter, venv)
    with _written(closure.text(), venv) as lock:
        if with_pip:
            pip = [one for one in closure.distributions if one.name == "pip"]
            with _written(Closure(tuple(pip), (), is_forced=False).text(), venv) as pip_lock:
                supply.installer.install(pip_lock, venv)
            supply.installer.install_with_pip(lock, venv, find_links=supply.wheels)
        else:
            supply.installer.install(lock, venv, find_links=supply.wheels)


@contextlib.contextmanager
def _written(text: str, venv: Path) -> Iterator[Path]:
    """A file with `text` beside `venv`, gone afterwards."""
    descriptor, name = tempfile.mkstemp(prefix=".lock-", suffix=".txt", dir=venv.parent)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield path
    finally:
        path.unlink()


def _explain(failure: CommandFailed, closure: Closure, supply: Supply, *, last: bool) -> None:
    """Raise what the failure means, or return when trying again may help."""
    supply.installer.judge_locally(failure, supply.scratch)
    wanted = [
        Wanted(one.name, one.version, hashes=frozenset(one.hashes))
        for one in closure.distributions
        if one.name not in supply.built
    ]
    try:
        explain_files(wanted, supply.index, supply.interpreter)
    except IndexUnavailable:
        if last:
            raise
        return
    if last:
        raise ResolutionError.of(
            [
                Problem(
                    "the closure cannot be installed",
                    why=" ".join(failure.output.split())[-1500:],
                    fix="read the installer's words; the index itself answers well",
                )
            ]
        ) from failure


def _settle_overlaps(
    venv: Path, closure: Closure, supply: Supply, install: Callable[..., None]
) -> dict[str, tuple[str, ...]]:
    """Installers unpack side by side, so of two owners of a path either may win; make it the last by name, always.

    What it has there comes from an environment of its own. To install it again over this one would start the Python of
    an environment that is not empty any more, which runs the packages' `.pth` files.
    """
    installed = distributions_in([site_packages(venv, supply.interpreter.version)], with_damage=False)
    shared = owners(installed)
    locked = {one.name for one in closure.distributions}
    of_winners: dict[str, list[Path]] = {}
    for path, names in shared.items():
        winner = next((name for name in reversed(names) if name in locked), None)
        if winner and path.is_relative_to(venv):
            of_winners.setdefault(winner, []).append(path)
    for name, paths in of_winners.items():
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
            content = content.replace(os.fsencode(alone), os.fsencode(venv))
        target.parent.mkdir(parents=True, exist_ok=True)
        _rewrite(target, content, source.stat().st_mode)


def _make_relocatable(venv: Path, packages: Path) -> None:
    """Rewrite what holds the venv's present path, drop the installer's notes, and keep each RECORD true."""
    scripts = (path for path in (venv / "bin").iterdir() if path.is_file() and not path.is_symlink())
    rewritten = {path: relocatable(path.read_bytes(), [str(venv)]) for path in scripts}
    written = {path: content for path, content in rewritten.items() if content is not None}
    dropped = [path for name in INSTALL_RECORDS for path in packages.glob(f"*.dist-info/{name}")]
    for path, content in written.items():
        _rewrite(path, content, path.stat().st_mode)
    for path in dropped:
        path.unlink()
    for record in packages.glob("*.dist-info/RECORD") if written or dropped else ():
        text = corrected(
            record.read_text("utf-8"),
            {os.path.relpath(path, packages): content for path, content in written.items()},
            {os.path.relpath(path, packages) for path in dropped},
        )
        if text is not None:
            _rewrite(record, text.encode(), record.stat().st_mode)


def _rewrite(path: Path, content: bytes, mode: int) -> None:
    """Give `path` other bytes, and no other name of the file: it may be a hard link into the installer's cache."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode & 0o7777)
    os.replace(name, path)


def _replace(building: Path, target: Path) -> None:
    """Put the new venv in its place; an old one is moved out of the way first and removed last."""
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        if target.exists():
            target.rename(old / target.name)
        building.rename(target)
    finally:
        shutil.rmtree(old, ignore_errors=True)
