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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from venvbuild.environment import ages, build_failures
from venvbuild.environment.ages import Rules
from venvbuild.environment.allowed import Allowed, first_right
from venvbuild.environment.alternatives import help_without_build
from venvbuild.environment.barred import refused_needs
from venvbuild.environment.contradictions import neighbours_of
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.sizes import refuse_other_size
from venvbuild.environment.wanted import wanted_by
from venvbuild.errors import IntegrityError, Problem, RequirementsRefused, ResolutionError
from venvbuild.package_index import File
from venvbuild.process import CommandFailed
from venvbuild.requirements import Pin, Requirements

log = logging.getLogger(__name__)

WHEELS = "wheels"
# What a project without `[build-system]` is built with (PEP 518).
_LEGACY = ("setuptools", "wheel")
# Anybody may have written it, and it is read into memory.
_PYPROJECT_LIMIT = 1 << 20
_PLACE = "[build-system] requires"


def build_sdists(requirements: Requirements, source: PackageSource, rules: Rules | None = None) -> PackageSource:
    """The source with a wheel of each of its `sdists` that has none for this platform, in the folder `wheels`.

    Raises:
        RequirementsRefused: a pin, or what an sdist is built with, may not be installed by `rules`.
        ResolutionError: there is no such sdist, or it cannot be built. IntegrityError: other bytes than promised.
        IndexUnavailable, UsageError: the index is the reason.
    """
    rules = rules or Rules()
    # code of theirs is run before all is resolved
    ages.judge_sources(requirements, source, rules)
    folder = source.scratch / WHEELS
    # A wheel of an earlier run would be taken for one of these.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    pins = {pin.canonical_name: pin for pin in requirements.active}
    built: dict[str, _Built] = {}
    failed: list[Problem] = []
    chosen = {name: found for name in source.sdists if (found := _sdist(pins[name], source))}
    ages.judge_sources(requirements, source, rules, chosen)
    for name, found in chosen.items():
        try:
            built[name] = _build_one(found, pins[name], requirements, source, folder, rules)
        except ResolutionError as error:
            # The others are tried all the same, for nobody should learn of them one run after the other.
            failed += error.problems
    if failed:
        raise ResolutionError.of(failed)
    return replace(
        source,
        built={name: f"sha256:{hashlib.sha256(one.wheel.read_bytes()).hexdigest()}" for name, one in built.items()},
        wheels=(folder,),
        sources={name: one.sdist for name, one in built.items()},
        tools=frozenset().union(*(one.tools for one in built.values())),
    )


@dataclass(frozen=True)
class _Built:
    """A wheel, what it was made of, and with what."""

    wheel: Path
    sdist: File
    """With its digest."""
    tools: frozenset[str]
    """Canonical names."""


def _sdist(pin: Pin, source: PackageSource) -> File | None:
    """The sdist of the pinned version; None when there is nothing to build.

    A wheel fits this platform, unless the pin has the hash of the sdist and not its; or there is no such version: the
    resolution will say so.
    """
    project = source.index.project(pin.canonical_name)
    exact = SpecifierSet(f"=={pin.version}")
    files = [file for file in project.files if exact.contains(file.version, prereleases=True)] if project else []
    # of several one that is not yanked
    sdist = min((file for file in files if not file.is_wheel), key=lambda file: file.yanked is not None, default=None)
    fitting = [file for file in files if file.rank(source.interpreter.ranks) is not None]
    if fitting and (not pin.hashes or sdist is None or _allowed(pin, fitting, source).hashes):
        return None
    found = _allowed(pin, [sdist], source) if sdist and pin.hashes else None
    if fitting and found and not found.hashes:
        return None
    if found and sdist and not found.hashes:
        raise IntegrityError(
            f"{sdist.filename} has none of the hashes given",
            where=pin.where,
            line=pin.line,
            why=found.text,
            fix="compare the hashes with those of the index; one of the two is out of date",
            rule="WRONG_BYTES",
        )
    return sdist


def _allowed(pin: Pin, files: Sequence[File], source: PackageSource) -> Allowed:
    """Which of the files the hashes of the pin allow."""
    told = tuple(f"sha256:{file.sha256}" for file in files if file.sha256)
    kept = tuple(one for one in told if one in pin.hashes)
    read = first_right(() if kept else files, pin.hashes, source.index)
    return Allowed(kept or ((read.sha256,) if read.file else ()), read.seen or told)


def _build_one(
    sdist: File, pin: Pin, requirements: Requirements, source: PackageSource, wheels: Path, rules: Rules
) -> _Built:
    with tempfile.TemporaryDirectory(prefix=".sdist-", dir=source.scratch) as name:
        scratch = Path(name)
        home, fetched = scratch / "home", scratch / sdist.filename
        home.mkdir()
        # By us, who have the credentials: what is built next must not need any.
        digest = source.index.download(sdist, fetched)
        refuse_other_size(sdist.filename, fetched.stat().st_size, source.sizes)
        try:
            python, tools = _build_environment(fetched, source, scratch, rules)
            log.info("building %s, its code runs now", sdist.filename)
            source.installer.build_wheel(fetched, python, wheels, home)
        except CommandFailed as failure:
            raise ResolutionError.of(
                [
                    Problem(
                        f"{sdist.filename} cannot be built",
                        pin.where,
                        why=build_failures.cause(failure.output),
                        fix=_instead(pin, requirements, source, build_failures.missing(failure.output)),
                        rule="NO_WHEEL",
                        line=pin.line,
                    )
                ]
            ) from failure
    # The folder is shared by all sdists, and only the build itself knows what it calls its wheel.
    wheel = max(wheels.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)
    return _Built(wheel, replace(sdist, sha256=digest), tools)


def _instead(pin: Pin, requirements: Requirements, source: PackageSource, missing: str) -> str:
    """What to do where the source cannot be built."""
    index, interpreter = source.index, source.interpreter
    wanted = wanted_by(requirements, interpreter, source.sdists)
    own = next(one for one in wanted if one.name == pin.canonical_name)
    neighbours = neighbours_of([own], wanted, index, interpreter)[own.name]
    return help_without_build(own, index.project(own.name), interpreter, missing, neighbours)


def _build_environment(sdist: Path, source: PackageSource, scratch: Path, rules: Rules) -> tuple[Path, frozenset[str]]:
    """The Python of a venv with what the sdist says it is built with, and the names of that: wheels only, installed
    before any of its code runs.
    """
    # As copies: the sdist's code may write to them, and a link would lead into the installer's cache.
    installer = replace(source.installer, shares_cache=False)
    venv, wanted, lock = scratch / "venv", scratch / "build-requires.in", scratch / "build-requires.txt"
    source.installer.make_venv(source.interpreter, venv)
    tools = frozenset[str]()
    needs = [_plain(line, sdist.name) for line in _build_requires(sdist)]
    if needs:
        wanted.write_text("".join(f"{line}\n" for line in needs), "utf-8")
        try:
            source.installer.compile(wanted, lock, source.interpreter)
            # no byte of them is here yet
            judged = ages.judge_tools(lock.read_text("utf-8"), f"{sdist.name}: {_PLACE}", source, rules)
            lock.write_text(judged.text(), "utf-8")
            installer.install(lock, venv)
            tools = frozenset(one.name for one in judged.distributions)
        except CommandFailed as failure:
            source.installer.judge_locally(failure, source.scratch)
            for line in needs:
                source.index.project(canonicalize_name(Requirement(line).name))  # an index that is away says so here
            if refused := refused_needs(needs, source, rules):
                raise RequirementsRefused.of(_of_tool(one, sdist.name) for one in refused) from failure
            raise
    return venv / "bin" / "python", tools


def _of_tool(refused: Problem, sdist: str) -> Problem:
    # Of what a tool needs nobody can write a line.
    fix = "choose a version with wheels, or one that is built otherwise" if refused.rule == "YANKED" else refused.fix
    return replace(refused, where=f"{sdist}: {_PLACE}", fix=fix)


def _plain(line: str, sdist: str) -> str:
    # The file is the sdist's own: an option or URL in it would steer the installer, which has the index's credentials.
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url:
        raise ResolutionError(
            f"{sdist} wants to be built with {line[:80]!a}, which is no plain requirement",
            where=f"pyproject.toml: {_PLACE}",
            fix="choose a version with wheels",
            rule="NO_WHEEL",
        )
    return str(requirement)


def _build_requires(sdist: Path) -> tuple[str, ...]:
    """`[build-system] requires` of an sdist; what it lacks or cannot be read is built the old way."""
    try:
        # Read, never unpacked: nothing of it may be written outside of the process that builds it.
        with tarfile.open(sdist) as archive:
            top = archive.next()
            member = archive.getmember(f"{top.name.split('/')[0]}/pyproject.toml") if top else None
            content = archive.extractfile(member) if member and member.size <= _PYPROJECT_LIMIT else None
            table = tomllib.loads(content.read().decode("utf-8"))["build-system"] if content else {}
        return tuple(str(line) for line in table["requires"])
    except (KeyError, ValueError, TypeError, tarfile.TarError, OSError):
        return _LEGACY
