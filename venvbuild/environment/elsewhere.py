"""What pins come to on a Python and platform that need not be here: resolved by uv, with every wheel that fits.

No source: what has no wheel for the target is refused. Why uv failed is asked of this machine and of the index, as
for an environment (`closure`); where both have nothing to say, uv's own words are told.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.environment.allowed import Allowed, first_right
from venvbuild.environment.alternatives import installable, near, other_pythons
from venvbuild.environment.contradictions import explain
from venvbuild.environment.listing import wheel_of
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.sizes import refuse_other_sizes
from venvbuild.environment.wanted import Wanted, wanted_by
from venvbuild.environment.yanked import yanked
from venvbuild.errors import IndexUnavailable, IntegrityError, Problem, ResolutionError
from venvbuild.package_index import File
from venvbuild.process import CommandFailed
from venvbuild.requirements import Requirements
from venvbuild.retrying import retried
from venvbuild.text import shown


@dataclass(frozen=True)
class Offered:
    """One distribution of the set, and its wheels for the target."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    wheels: tuple[File, ...]
    """In no order; each with its sha256, told by the index or read."""


@dataclass(frozen=True)
class Resolved:
    """The whole set."""

    distributions: tuple[Offered, ...]
    """Sorted by name."""
    is_from_cache: bool
    """Whether the index did not answer, and uv's cache did."""
    warnings: tuple[Problem, ...]
    """Of versions that their publishers withdrew."""


def resolve_elsewhere(
    requirements: Requirements,
    platform: str,
    source: PackageSource,
    *,
    constraints: Sequence[str] = (),
    pythons: Collection[str] = (),
    wait: Callable[[float], None] = time.sleep,
) -> Resolved:
    """What the pins whose marker holds need on the Python of `source` and uv's `platform`.

    `constraints` are `name==version` lines which hold for what comes in; `pythons` those (X.Y) that may be advised.
    When the index is away, uv's cache is asked.

    Raises:
        ResolutionError: a pin or what it needs is not there for the target, or they contradict each other.
        IndexUnavailable: the index is away and the cache does not do. UsageError: the index refuses.
        IntegrityError: no file has a hash that the pin gives, the index names none, or another size than the lock.
    """
    resolution = _Resolution(requirements, platform, source, tuple(constraints), frozenset(pythons))
    return retried(resolution.resolve, wait, curable=IndexUnavailable)


@dataclass(frozen=True)
class _Resolution:
    requirements: Requirements
    platform: str
    source: PackageSource
    constraints: tuple[str, ...]
    pythons: frozenset[str]

    def resolve(self) -> Resolved:
        try:
            return self._resolved(is_offline=False)
        except CommandFailed as failure:
            self.source.installer.judge_locally(failure, self.source.scratch)
            try:
                self._explain()
            except IndexUnavailable:
                try:
                    return self._resolved(is_offline=True)
                except CommandFailed:
                    pass
                raise
            raise ResolutionError.of([_said_by_uv(failure)]) from failure

    def _resolved(self, *, is_offline: bool) -> Resolved:
        folder, python = self.source.scratch, self.source.interpreter.version
        wanted, output, limits = folder / "to-resolve.in", folder / "pylock.toml", folder / "limits.txt"
        wanted.write_text("".join(f"{pin.bare}\n" for pin in self.requirements.active), "utf-8")
        limits.write_text("".join(f"{line}\n" for line in self.constraints), "utf-8")
        said = self.source.installer.list_wheels(
            wanted,
            output,
            python,
            self.platform,
            constraints=limits if self.constraints else None,
            offline=is_offline,
        )
        found = tomllib.loads(output.read_text("utf-8")).get("packages", [])
        offered = [_offered(package) for package in found]
        kept = tuple(sorted(self._with_hashes(offered), key=lambda one: one.name))
        refuse_other_sizes((file for one in kept for file in one.wheels), self.requirements.sizes)
        return Resolved(kept, is_offline, tuple(self._yanked(kept, said)))

    def _yanked(self, offered: Sequence[Offered], said: str) -> list[Problem]:
        pins = {one.name: one for one in wanted_by(self.requirements, self.source.interpreter, ())}
        exact = [
            replace(pins.get(one.name) or Wanted(one.name, ""), version=one.version, extras=frozenset())
            for one in offered
        ]
        return yanked(exact, said, self.source.index, self.source.interpreter)

    def _with_hashes(self, offered: Iterable[Offered]) -> Iterator[Offered]:
        """Of the wheels those with a hash that the file gives, where it gives any."""
        given: dict[str, set[str]] = {}
        places = {}
        for pin in self.requirements.active:
            if pin.hashes:
                given.setdefault(pin.canonical_name, set()).update(pin.hashes)
                places[pin.canonical_name] = pin
        for one in offered:
            allowed = given.get(one.name)
            hashed = [file for file in one.wheels if file.sha256]
            wheels = tuple(file for file in hashed if allowed is None or f"sha256:{file.sha256}" in allowed)
            read = None
            if not wheels and allowed:
                best = sorted(one.wheels, key=lambda file: file.rank(self.source.interpreter.ranks) or 0)
                read = first_right(best, allowed, self.source.index)
                wheels = (replace(read.file, sha256=read.sha256.removeprefix("sha256:")),) if read.file else ()
            if not wheels and allowed is None:
                raise _not_hashed(one)
            if not wheels:
                pin = places[one.name]
                raise IntegrityError(
                    f"no wheel of {one.name} {one.version} for the target has one of the hashes given",
                    where=pin.where,
                    line=pin.line,
                    why=Allowed((), (read and read.seen) or tuple(f"sha256:{file.sha256}" for file in hashed)).text,
                    fix="compare the hashes with those of the index, and add those of the wheels for the target",
                    rule="WRONG_BYTES",
                )
            yield replace(one, wheels=wheels)

    def _explain(self) -> None:
        """Raise what the index says of the pins, if anything is wrong with one of them or with it."""
        # the pip of environments is not in a ZIP
        wanted = [
            one
            for one in wanted_by(self.requirements, self.source.interpreter, ())
            if one.name != "pip" or one.where != "the pip of every environment"
        ]
        try:
            explain(wanted, self.source.index, self.source.interpreter)
        except ResolutionError as error:
            raise ResolutionError.of(self._advised(problem) for problem in error.problems) from error

    def _advised(self, problem: Problem) -> Problem:
        """The same, with what helps where nothing is built from source."""
        if problem.rule not in ("NO_WHEEL", "REQUIRES_PYTHON"):
            return problem
        pin = next((pin for pin in self.requirements.active if pin.where == problem.where), None)
        project = self.source.index.project(pin.canonical_name) if pin else None
        if pin is None or project is None:
            return problem
        interpreter = self.source.interpreter
        versions = near(Version(pin.version), installable(project, interpreter))
        ways = [f"pin {' or '.join(f'{pin.canonical_name}=={one}' for one in versions)}"] if versions else []
        exact = SpecifierSet(f"=={pin.version}")
        files = [file for file in project.files if exact.contains(file.version, prereleases=True)]
        others = [one for one in other_pythons(files, interpreter) if one in self.pythons]
        ways += [f"take a Python that it has a wheel for: --python {others[0]}"] if others else []
        return replace(problem, fix="; or ".join(ways) or "leave it out: no version of it has a wheel for the target")


def _offered(package: Mapping[str, Any]) -> Offered:
    name, version = canonicalize_name(package["name"]), str(package.get("version", ""))
    wheels = tuple(file for wheel in package.get("wheels", ()) for file in wheel_of(wheel))
    if not wheels:
        raise ResolutionError(
            f"{name}=={version} has no wheel for the target",
            fix="pin another version, or choose another Python or platform",
            rule="NO_WHEEL",
        )
    return Offered(name, version, wheels)


def _not_hashed(one: Offered) -> IntegrityError:
    return IntegrityError(
        f"the index names no sha256 of {one.name} {one.version}",
        why="nothing is taken without one, where its pin gives no hash either",
        fix=f"pin it with a hash of its wheel, of any kind: {one.name}=={one.version} --hash=sha512:...; or ask who "
        "runs the index to name sha256",
        rule="NOT_HASHED",
    )


def _said_by_uv(failure: CommandFailed) -> Problem:
    said = " ".join(failure.output.replace("╰─▶", "").replace("×", "").split())
    return Problem(
        "the set cannot be resolved for the target",
        why=shown(said, 1500),
        rule="UNSATISFIABLE",
        fix="change the pins it names",
    )
