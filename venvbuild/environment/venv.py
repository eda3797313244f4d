"""A virtual environment with exactly what its closure says, which works wherever it is moved."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from venvbuild.environment import witness
from venvbuild.environment.closure import Closure
from venvbuild.environment.diagnosis import explain_files
from venvbuild.environment.empty import EmptyVenv
from venvbuild.environment.fidelity import make_faithful
from venvbuild.environment.overlaps import settle_overlaps
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.reading import Reading
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import IndexUnavailable, IntegrityError, Problem, ResolutionError, of_disk
from venvbuild.files import write_whole
from venvbuild.installed import (
    INSTALL_RECORDS,
    Distribution,
    Manifest,
    corrected,
    distributions_of,
    relocated_scripts,
    site_packages,
    site_packages_folders,
)
from venvbuild.interpreters import Interpreter, changed_scripts
from venvbuild.package_index import WheelContents
from venvbuild.parallel import begin
from venvbuild.process import CommandFailed
from venvbuild.retrying import DELAYS_S, tries
from venvbuild.text import count_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Environment:
    """A venv in its place."""

    path: Path
    interpreter: Interpreter
    overlaps: Mapping[str, tuple[str, ...]]
    """Paths, relative to the venv, that several distributions own; the last name's content is there."""
    wheels: Mapping[str, WheelContents]
    """What was installed, by canonical name; without those that the index did not give."""
    installed: Sequence[Distribution]
    """The closure's own distributions, by metadata that is the wheels'."""
    manifest: Manifest
    """What was read of its files, the last that was done to it."""

    @property
    def site_packages(self) -> Path:
        """Its `lib/pythonX.Y/site-packages`."""
        return site_packages(self.path, self.interpreter.version)


def create(
    closure: Closure,
    source: PackageSource,
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
    # Beside the target: rename works within one file system only.
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        install = partial(_install_patiently, source=source, with_pip=with_pip, wait=wait)
        remembered = begin(partial(witness.remember, closure, source))  # while we wait for the installer
        base = install(closure, venv=building)
        with Reading(building, base, package_count=len(closure.distributions)) as reading:
            installed = distributions_of(building, source.interpreter.version, with_damage=False)
            overlaps = settle_overlaps(building, installed, closure, install)
            reading.forget(overlaps)
            log.info("comparing %s with their wheels", count_text(len(closure.distributions), "package"))
            own: Sequence[Distribution] = closure.among(installed)
            wheels = witness.ask(closure, own, source, remembered())
            compared = building, reading, own, wheels
            read, own = make_faithful(*compared, closure, source, install, has_cache=not with_pip)
        log.info("making the environment relocatable")
        folders = site_packages_folders(building, source.interpreter.version)
        shared = [path for path in overlaps if path.startswith("bin/")]
        manifest = Manifest(read.completed(building, _make_relocatable(building, folders, source.interpreter, shared)))
        _replace(building, target)
    except OSError as error:
        # now, as what is removed makes room
        raise of_disk(error, str(target)) or error from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Environment(target, source.interpreter, overlaps, wheels, own, manifest)


def _install_patiently(
    closure: Closure, source: PackageSource, venv: Path, *, with_pip: bool, wait: Callable[[float], None]
) -> EmptyVenv:
    """Several tries; what was in the venv before its packages. Raises as `create` does."""
    last = 1 + len(DELAYS_S)
    failed: CommandFailed | None = None
    with tempfile.TemporaryDirectory(prefix=".cache-", dir=venv.parent) as fresh:
        for number in tries(DELAYS_S, wait):
            try:
                base = _install(closure, source, venv, with_pip=with_pip)
                if failed and number == last:  # else the cache is not known to have been the reason
                    _blame_cache(failed, closure)
                return base
            except CommandFailed as failure:
                failed = failure
                _explain(failure, closure, source, last=number == last)
                log.warning("the installer failed; trying again (%d of %d)", number + 1, last)
                # A link may be refused where a copy is not, as of somebody else's file.
                source = replace(source, installer=replace(source.installer, shares_cache=False))
                if number + 1 == last:
                    log.info("the last try is with an empty cache")
                    source = replace(source, installer=source.installer.with_cache(Path(fresh)))
    raise AssertionError  # the last try raises


def _blame_cache(failure: CommandFailed, closure: Closure) -> None:
    """Say that the installer's cache may be what failed it, as an empty one has helped."""
    # its words only help to find the names; what is in the cache is judged by what comes without it
    names = [one.name for one in closure.distributions]
    named = [name for name in names if _spelled(name).search(failure.output)]
    log.warning(
        "the installer fails with its cache and not with an empty one; `%s` mends the cache",
        " --package ".join(["venvbuild cache prune", *(named or names)]),
    )


def _spelled(name: str) -> re.Pattern[str]:
    """A canonical name as it stands in a sentence or a file's name, but not in a longer name."""
    spelled = name.replace("-", "[-_.]+")
    return re.compile(rf"(?i)(?<![\w.-]){spelled}(?!\w|[-_.]+[a-z])")


def _install(closure: Closure, source: PackageSource, venv: Path, *, with_pip: bool) -> EmptyVenv:
    """Install it; what was there before any package."""
    shutil.rmtree(venv)  # a try before may have left half of it
    source.installer.make_venv(source.interpreter, venv)
    base = EmptyVenv.of(venv)
    with _written(closure.text(), venv) as lock:
        if with_pip:
            pip = [one for one in closure.distributions if one.name == "pip"]
            alone = Closure(tuple(pip), (), is_forced=False)
            with _written(alone.text(), venv) as pip_lock:
                # By uv: ensurepip would bring the pip of that Python, not the one in the closure.
                source.installer.install(pip_lock, venv)
            _hold(alone, source, venv, base)  # before it runs, and writes what no wheel tells
            source.installer.install_with_pip(lock, venv, find_links=source.wheels)
        else:
            source.installer.install(lock, venv, find_links=source.wheels)
    return base


def _hold(closure: Closure, source: PackageSource, venv: Path, base: EmptyVenv) -> None:
    """Let what uv has installed be what its wheels have. Raises as `create` does."""
    with Reading(venv, base) as reading:
        installed = closure.among(distributions_of(venv, source.interpreter.version, with_damage=False))
        wheels = witness.ask(closure, installed, source, witness.remember(closure, source))
        make_faithful(venv, reading, installed, wheels, closure, source, partial(_install, with_pip=False))


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


def _explain(failure: CommandFailed, closure: Closure, source: PackageSource, *, last: bool) -> None:
    """Raise what the failure means, or return when trying again may help."""
    source.installer.judge_locally(failure, source.scratch)
    wanted = [
        Wanted(one.name, one.version, where=one.where, hashes=frozenset(one.hashes), line=one.line)
        for one in closure.distributions
        if one.name not in source.built  # no index has those
    ]
    try:
        explain_files(wanted, source.index, source.interpreter)
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


def _make_relocatable(
    venv: Path, folders: Sequence[Path], interpreter: Interpreter, shared: Sequence[str] = ()
) -> set[str]:
    """Rewrite what holds the venv's present path, drop the installer's notes, and keep each RECORD true, also of the
    scripts that are `shared` by several distributions.

    The files that were written or dropped, relative to the venv.
    """
    found = relocated_scripts(venv, [str(venv)])
    if found.problems:
        raise IntegrityError.of(found.problems)
    written = {venv / name: content for one in found.scripts for name, content, _ in one.files}
    # uv's notes hold times and paths of this machine.
    dropped = [path for at in folders for name in INSTALL_RECORDS for path in at.glob(f"*.dist-info/{name}")]
    stood = {*(one.launcher for one in found.scripts), *shared}
    replaced = {venv / name: (venv / name).read_bytes() for name in stood if os.path.isfile(venv / name)}
    for one in found.scripts:
        for name, content, mode in one.files:
            (venv / name).parent.mkdir(exist_ok=True)
            # Never in place: the file may be a hard link into the installer's cache.
            write_whole(venv / name, content, mode=mode)
    read = {one.place: (venv / one.place).read_bytes() for one in found.scripts}
    changed = list(changed_scripts(interpreter, found.meanings(read)))
    if changed:
        raise IntegrityError.of(changed)
    for path in dropped:
        path.unlink()
    touched = {*written, *dropped}
    for packages in folders if touched or shared else ():
        ours = {os.path.relpath(path, packages): content for path, content in written.items()}
        were = {os.path.relpath(path, packages): content for path, content in replaced.items()}
        gone = {os.path.relpath(path, packages) for path in dropped}
        beside = found.beside(os.path.relpath(packages, venv))
        for record in packages.glob("*.dist-info/RECORD"):
            text = corrected(record.read_text("utf-8"), ours, gone, beside, were)
            if text is not None:
                write_whole(record, text.encode(), mode=record.stat().st_mode)
                touched.add(record)
    return {os.path.relpath(path, venv) for path in touched}


def _replace(building: Path, target: Path) -> None:
    """Put the new venv in its place; an old one is moved out of the way first and removed last."""
    # rename(2) puts no folder in the place of one that is not empty.
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        if target.exists():
            target.rename(old / target.name)
        building.rename(target)
    finally:
        shutil.rmtree(old, ignore_errors=True)
