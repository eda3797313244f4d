"""Wheels built from the source distributions that the user allowed, one name at a time.

The sdist is fetched and checked by us, with the index's credentials. Its code then runs in a second process that has
none: no credential in environment or argv, an empty HOME, no network asked for. What files of this user and instance
metadata hold is not contained (docs/security.md).
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tarfile
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from venvbuild.errors import IntegrityError, Problem, ResolutionError
from venvbuild.package_index import File
from venvbuild.process import CommandFailed
from venvbuild.requirements import Pin, Requirements
from venvbuild.supply import Supply

log = logging.getLogger(__name__)

WHEELS = "wheels"
_LEGACY = ("setuptools", "wheel")
"""What a project without `[build-system]` is built with (PEP 518)."""
_PYPROJECT_LIMIT = 1 << 20


def build(requirements: Requirements, supply: Supply) -> Supply:
    """The supply with a wheel of each of its `sdists` that has none for this platform, in the folder `wheels`.

    Raises:
        ResolutionError: there is no such sdist, or it cannot be built. IntegrityError: other bytes than promised.
        IndexUnavailable, UsageError: the index is the reason.
    """
    folder = supply.scratch / WHEELS
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    pins = {pin.canonical_name: pin for pin in requirements.active}
    built = {}
    for name in supply.sdists:
        found = _sdist(pins[name], supply, requirements.path)
        if found is not None:
            wheel = _build_one(found, supply, folder)
            built[name] = "sha256:" + hashlib.sha256(wheel.read_bytes()).hexdigest()
    return replace(supply, built=built, wheels=(folder,))


def _sdist(pin: Pin, supply: Supply, path: str) -> File | None:
    """The sdist of the pinned version; None when there is nothing to build.

    A wheel fits this platform, or there is no such version: the resolution will say so.
    """
    project = supply.index.project(pin.canonical_name)
    exact = SpecifierSet(f"=={pin.version}")
    files = [file for file in project.files if exact.contains(file.version, prereleases=True)] if project else []
    if any(file.rank(supply.interpreter.ranks) is not None for file in files):
        return None
    sdist = next((file for file in files if not file.is_wheel), None)
    if sdist and pin.hashes and f"sha256:{sdist.sha256}" not in pin.hashes:
        raise IntegrityError(
            f"{sdist.filename} has none of the hashes given",
            where=f"{path}:{pin.line}",
            fix="compare the hashes with those of the index; one of the two is out of date",
            rule="WRONG_BYTES",
        )
    return sdist


def _build_one(sdist: File, supply: Supply, wheels: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix=".sdist-", dir=supply.scratch) as name:
        scratch = Path(name)
        home, source = scratch / "home", scratch / sdist.filename
        home.mkdir()
        supply.index.download(sdist, source)
        try:
            python = _build_environment(source, supply, scratch)
            log.info("building %s, its code runs now", sdist.filename)
            supply.installer.build_wheel(source, python, wheels, home)
        except CommandFailed as failure:
            raise ResolutionError.of(
                [
                    Problem(
                        f"{sdist.filename} cannot be built",
                        where="--allow-sdist",
                        why=" ".join(failure.output.split())[-1500:],
                        fix="choose a version with wheels, or install what its build needs",
                        rule="NO_WHEEL",
                    )
                ]
            ) from failure
    return max(wheels.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


def _build_environment(sdist: Path, supply: Supply, scratch: Path) -> Path:
    """A venv with what the sdist says it is built with: wheels only, installed before any of its code runs.

    They are copies: the sdist's code may write to them, and they must not be the installer's cache.
    """
    installer = replace(supply.installer, shares_cache=False)
    venv, wanted, lock = scratch / "venv", scratch / "build-requires.in", scratch / "build-requires.txt"
    supply.installer.make_venv(supply.interpreter, venv)
    needs = [_plain(line, sdist.name) for line in _build_requires(sdist)]
    if needs:
        wanted.write_text("".join(f"{line}\n" for line in needs), "utf-8")
        try:
            supply.installer.compile(wanted, lock, supply.interpreter)
            installer.install(lock, venv)
        except CommandFailed as failure:
            supply.installer.judge_locally(failure, supply.scratch)
            for line in needs:
                supply.index.project(canonicalize_name(Requirement(line).name))  # an index that is away says so here
            raise
    return venv / "bin" / "python"


def _plain(line: str, sdist: str) -> str:
    """A build requirement as we write it ourselves: an option or URL in it would steer the installer, which has the
    index's credentials, and this file is the sdist's own."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url:
        raise ResolutionError(
            f"{sdist} wants to be built with {line[:80]!a}, which is no plain requirement",
            where="pyproject.toml: [build-system] requires",
            fix="choose a version with wheels",
            rule="NO_WHEEL",
        )
    return str(requirement)


def _build_requires(sdist: Path) -> tuple[str, ...]:
    """`[build-system] requires` of an sdist; what it lacks or cannot be read is built the old way."""
    try:
        with tarfile.open(sdist) as archive:
            top = archive.next()
            member = archive.getmember(f"{top.name.split('/')[0]}/pyproject.toml") if top else None
            content = archive.extractfile(member) if member and member.size <= _PYPROJECT_LIMIT else None
            table = tomllib.loads(content.read().decode("utf-8"))["build-system"] if content else {}
        return tuple(str(line) for line in table["requires"])
    except (KeyError, ValueError, TypeError, tarfile.TarError, OSError):
        return _LEGACY
