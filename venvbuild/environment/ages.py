"""Which releases a build may hold: old enough, not withdrawn where that is refused, of no project in quarantine.

Judged by what the index tells (PEP 592, 700, 792): of pins before anything is done, of all else when it is resolved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from venvbuild.environment import standing
from venvbuild.environment.alternatives import newest, written
from venvbuild.environment.closure import Closure
from venvbuild.environment.package_source import IndexAccess, PackageSource, package_index
from venvbuild.environment.standing import Standing
from venvbuild.environment.tries import OutOfTries, Question, Tries
from venvbuild.environment.wanted import Wanted, wanted_by
from venvbuild.environment.yanked import judged
from venvbuild.errors import Problem, RequirementsRefused, VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import MinAge, PackageIndex, Release, ReleaseCache, ReleasedFile
from venvbuild.requirements import Requirements
from venvbuild.text import shown

_MAX_REASON = 300
# Where no verdict depends on it, an index that hangs is not waited for.
_PATIENCE_S = 3.0
_SECONDS_TO_TRY = 60.0


@dataclass(frozen=True)
class Rules:
    """What is asked of releases."""

    min_age: MinAge | None = None
    refuses_yanked: bool = False

    @classmethod
    def of(cls, min_age_days: int, min_age_except: Iterable[str], yanked: str, started_at: str) -> Rules:
        """By the settings of these names; `started_at` is when the build began."""
        return cls(MinAge.of(min_age_days, min_age_except, started_at), yanked == "refuse")

    @property
    def need_the_index(self) -> bool:
        """Whether nothing may be built of which the index tells nothing."""
        return self.min_age is not None or self.refuses_yanked


@dataclass(frozen=True)
class Verdict:
    """What was found."""

    refused: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def enforce(self) -> tuple[Problem, ...]:
        """The warnings.

        Raises:
            RequirementsRefused: something may not be built.
        """
        if self.refused:
            raise RequirementsRefused.of(self.refused)
        return self.warnings


def judge_pins(requirements: Requirements, access: IndexAccess, interpreter: Interpreter, rules: Rules) -> Verdict:
    """The verdict on the pins whose marker holds, the pip of every environment among them.

    An index that cannot be asked fails nothing, where `rules` do not need it: what comes next will tell.

    Raises:
        IndexUnavailable, UsageError: it cannot be asked, and `rules` need it.
    """
    index = package_index(access, timeout_s=None if rules.need_the_index else _PATIENCE_S)
    cache = ReleaseCache(access.settings.folders.cache / "releases")
    wanted = wanted_by(requirements, interpreter, ())
    found = standing.ask([(one.name, one.version, ()) for one in wanted], index, cache)
    return _Judging(found, index, interpreter, rules).verdict(wanted)


def judge_closure(
    closure: Closure, found: Standing, requirements: Requirements, source: PackageSource, rules: Rules
) -> Verdict:
    """The verdict on all that is to be installed. Raises as `judge_pins` does."""
    pins = {one.name: one for one in wanted_by(requirements, source.interpreter, source.sdists)}
    wanted = [replace(pins.get(one.name) or Wanted(one.name, ""), version=one.version) for one in closure.distributions]
    return _Judging(found, source.index, source.interpreter, rules).verdict(wanted)


def without_new_files(closure: Closure, found: Standing, rules: Rules) -> Closure:
    """The closure without the hashes of files that are too new, for one that is old enough has others beside them."""
    if rules.min_age is None:
        return closure
    kept = []
    for one in closure.distributions:
        release = found.releases.get(one.name)
        new = {
            f"sha256:{file.sha256}"
            for file in (release.files if release else ())
            if not rules.min_age.admits(one.name, file.uploaded_at)
        }
        kept.append(replace(one, hashes=tuple(digest for digest in one.hashes if digest not in new)))
    return replace(closure, distributions=tuple(kept))


def refused_needs(lines: Sequence[str], judged: Collection[str], source: PackageSource, rules: Rules) -> list[Problem]:
    """What `lines` need that may not be built, where they cannot be resolved for that reason; else empty.

    Names that are `judged` already are not told of. `source` was asked why before.
    """
    told = source.index.in_quarantine
    # where a project still offers its files, the verdict on the closure tells
    hidden = [name for name in told if (project := source.index.told(name)) and not project.files]
    if hidden or rules.min_age is None:
        return [_quarantined(Wanted(name, ""), told[name]) for name in sorted(hidden)]
    free = replace(source, installer=replace(source.installer, min_age=None))
    answer = None
    with contextlib.suppress(OutOfTries):
        answer = Tries(free, _SECONDS_TO_TRY).ask(Question(tuple(lines)))
    if answer is None or answer.versions is None:
        return []
    needed = [Wanted(name, version) for name, version in answer.versions.items() if name not in judged]
    found = standing.ask([(one.name, one.version, ()) for one in needed], source.index, source.release_cache)
    refused = _Judging(found, source.index, source.interpreter, rules).verdict(needed).refused
    return [replace(one, fix=_later(one)) for one in refused if one.rule in ("TOO_NEW", "NO_TIME", "NO_TIMES")]


def _later(problem: Problem) -> str:
    # An older version is no advice: with one of those it could have been resolved.
    return problem.fix.partition("; or ")[2] if problem.rule == "TOO_NEW" else problem.fix


@dataclass
class _Judging:
    """One verdict."""

    standing: Standing
    index: PackageIndex
    """Which hides what is too new."""
    interpreter: Interpreter
    rules: Rules

    def verdict(self, wanted: Sequence[Wanted]) -> Verdict:
        if self.standing.failure and self.rules.need_the_index:
            raise self.standing.failure
        refused, warnings = list[Problem](), list[Problem]()
        silent = list[Wanted]()
        for one in wanted:
            release = self.standing.releases.get(one.name)
            if release is None:
                continue
            if release.status and release.status.word == "quarantined":
                refused.append(_quarantined(one, release.status.reason))
                continue
            files = self._candidates(release, one.hashes) if self._matters(release) else ()
            # `1` may be pinned, and `1.0` be there
            meant = replace(one, version=release.found or one.version)
            withdrawn = judged(meant, [file.yanked for file in files], self.index, self.interpreter)
            (refused if self.rules.refuses_yanked else warnings).extend(withdrawn)
            for problem in self._age(meant, files):
                if problem.rule == "NO_TIME":
                    silent.append(one)
                (warnings if problem.rule == "EXCEPTED" else refused).append(problem)
        if silent and not self._tells_times():
            refused = [one for one in refused if one.rule != "NO_TIME"] + [self._no_times()]
        return Verdict(tuple(refused), tuple(warnings))

    def _matters(self, release: Release) -> bool:
        """Whether anything may be found: to read the names of all files takes a while."""
        return self.rules.min_age is not None or any(file.yanked is not None for file in release.files)

    def _candidates(self, release: Release, hashes: Collection[str]) -> Sequence[ReleasedFile]:
        """The files of which one would be installed: the wheels that fit, else all; with hashes, of those."""
        named = [file for file in release.files if f"sha256:{file.sha256}" in hashes] or release.files
        return [file for file in named if _fits(file.filename, self.interpreter)] or named

    def _age(self, one: Wanted, files: Sequence[ReleasedFile]) -> Iterator[Problem]:
        age = self.rules.min_age
        if age is None or not files or any(age.is_old_enough(file.uploaded_at) for file in files):
            return
        times = sorted(file.uploaded_at for file in files if file.uploaded_at)
        label = one.at(one.version)
        said = f"{label} was uploaded {times[0]}" if times else f"the index does not tell when {label} was uploaded"
        if one.name in age.reasons:
            what = f"{said}, which is allowed though min_age_days is {age.days}"
            yield Problem(what, one.where, age.reasons[one.name], rule="EXCEPTED", line=one.line)
            return
        if not times:
            why = f"min_age_days is {age.days}, and the age of this is not known"
            yield Problem(said, one.where, why, _exception(one.name), "NO_TIME", one.line)
            return
        why = f"min_age_days is {age.days}, and what came after {age.latest} is too new for this build"
        ways = [self._older(one), f"build it from {age.old_enough_at(times[0])} on", _exception(one.name)]
        yield Problem(said, one.where, why, "; or ".join(ways), "TOO_NEW", one.line)

    def _older(self, one: Wanted) -> str:
        project = None
        with contextlib.suppress(VenvBuildError):
            project = self.index.project(one.name)
        found = newest(project, self.interpreter, SpecifierSet()) if project else None
        if found is None:
            return f"leave out {one.name}, of which no version is old enough"
        pin = replace(one, hashes=frozenset()) if one.line is None else one
        return f"write {written(pin, [found])}, the newest that is old enough"

    def _tells_times(self) -> bool:
        return any(file.uploaded_at for release in self.standing.releases.values() for file in release.files)

    def _no_times(self) -> Problem:
        age = self.rules.min_age
        assert age
        return Problem(
            "the index tells no upload times",
            self.index.url,
            f"min_age_days is {age.days}, and without them no age is known",
            "use an index that has pages of JSON with upload-time (PEP 691, PEP 700), or set min_age_days to 0",
            "NO_TIMES",
        )


def _exception(name: str) -> str:
    return f"say why it may be newer: VENVBUILD_MIN_AGE_EXCEPT='{name}: REASON'"


def _quarantined(one: Wanted, reason: str) -> Problem:
    said = shown(" ".join(reason.split()), _MAX_REASON)
    return Problem(
        f"{one.name} is quarantined",
        one.where,
        said or "the index says that it is unsafe to use, and gives no reason",
        f"use another package than {one.name}",
        "QUARANTINED",
        line=one.line,
    )


def _fits(filename: str, interpreter: Interpreter) -> bool:
    try:
        _, _, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return False
    return any(str(tag) in interpreter.ranks for tag in tags)
