"""Which releases a build may hold: old enough, not withdrawn where that is refused, of no project in quarantine.

Judged by what the index tells (PEP 592, 700, 792): of pins before anything is done, of all else when it is resolved.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from venvbuild.builds import read_lock
from venvbuild.environment import standing
from venvbuild.environment.alternatives import newest, written
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.package_source import IndexAccess, PackageSource, package_index
from venvbuild.environment.standing import Standing
from venvbuild.environment.tries import OutOfTries, Question, Tries
from venvbuild.environment.wanted import Wanted, wanted_by
from venvbuild.environment.yanked import judged
from venvbuild.errors import Problem, RequirementsRefused, VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, MinAge, PackageIndex, Release, ReleaseCache, ReleasedFile
from venvbuild.requirements import Requirements
from venvbuild.text import shown

log = logging.getLogger(__name__)

_MAX_REASON = 300
# Where no verdict depends on it, an index that hangs is not waited for.
_PATIENCE_S = 3.0
_SECONDS_TO_TRY = 60.0
_MOST_NEEDERS = 5
_LET = "let it be used all the same: VENVBUILD_YANKED=warn; or choose a version with wheels"


@dataclass(frozen=True)
class Rules:
    """What is asked of releases."""

    min_age: MinAge | None = None
    refuses_yanked: bool = False

    @classmethod
    def of(cls, min_age_days: int, min_age_except: Iterable[str], yanked: str, started_at: str) -> Rules:
        """By the settings of these names; `started_at` is when the build began."""
        return cls(MinAge.of(min_age_days, min_age_except, started_at), yanked == "refuse")

    def admit(self, name: str, file: ReleasedFile) -> bool:
        """Whether this file of a project (canonical name) may be installed, as far as its age goes."""
        return self.min_age is None or self.min_age.admits(name, file.uploaded_at)

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


def judge_pins(
    requirements: Requirements,
    access: IndexAccess,
    interpreter: Interpreter,
    rules: Rules,
    sdists: Collection[str] = (),
) -> Verdict:
    """The verdict on the pins whose marker holds, the pip of every environment among them; of the `sdists` (canonical
    names) on their source, where no wheel fits.

    An index that cannot be asked fails nothing, where `rules` do not need it: what comes next will tell.

    Raises:
        IndexUnavailable, UsageError: it cannot be asked, and `rules` need it.
    """
    index = package_index(access, timeout_s=None if rules.need_the_index else _PATIENCE_S)
    cache = ReleaseCache(access.settings.folders.cache / "releases")
    wanted = wanted_by(requirements, interpreter, sdists)
    found = standing.ask([(one.name, one.version, ()) for one in wanted], index, cache)
    if found.failure and not rules.need_the_index:
        log.warning("whether pins are yanked or in quarantine was not looked at: %s", found.failure)
    return Judging(found, index, interpreter, rules).verdict(wanted)


def judge_sources(
    requirements: Requirements, source: PackageSource, rules: Rules, chosen: Mapping[str, File] | None = None
) -> None:
    """Refuse what `judge_pins` would, where code of a pin is about to run; of the `chosen` (by canonical name) that
    file. Raises as that does.
    """
    wanted = wanted_by(requirements, source.interpreter, source.sdists)
    found = standing.ask([(one.name, one.version, ()) for one in wanted], source.index, source.release_cache)
    Judging(found, source.index, source.interpreter, rules, sources=chosen or {}).verdict(wanted).enforce()


def judge_closure(
    closure: Closure, found: Standing, requirements: Requirements, source: PackageSource, rules: Rules
) -> Verdict:
    """The verdict on all that is to be installed. Raises as `judge_pins` does."""
    pins = {one.name: one for one in wanted_by(requirements, source.interpreter, source.sdists)}
    wanted = [replace(pins.get(one.name) or Wanted(one.name, ""), version=one.version) for one in closure.distributions]
    judging = Judging(found, source.index, source.interpreter, rules, sources=source.sources)
    verdict = judging.verdict(wanted)
    if any(not one.where for one in verdict.refused):
        needers = _needers(pins.values(), source)
        verdict = judging.verdict([replace(one, where=one.where or needers_text(one.name, needers)) for one in wanted])
    return verdict


def judge_lock(closure: Closure, where: str, source: PackageSource) -> Verdict:
    """The verdict on a lock that was judged when it was made, and is installed once more: what is in quarantine is
    refused, what was withdrawn since is warned of. An index that cannot be asked fails nothing.
    """
    index = source.index.hurried(_PATIENCE_S)
    asked = [(one.name, one.version, one.hashes) for one in closure.distributions]
    found = standing.ask(asked, index, source.release_cache)
    if found.failure:
        log.warning("whether packages are yanked or in quarantine was not looked at: %s", found.failure)
    wanted = [Wanted(one.name, one.version, where=where, hashes=frozenset(one.hashes)) for one in closure.distributions]
    return Judging(found, index, source.interpreter, Rules()).verdict(wanted)


def judge_tools(lock: str, where: str, source: PackageSource, rules: Rules) -> Closure:
    """What something is built with, by the lock of it, without the files that may not be installed.

    Raises:
        RequirementsRefused: some of it may not be; IndexUnavailable, UsageError as in `judge_pins`.
    """
    closure = Closure(tuple(LockedDistribution(*one) for one in read_lock(lock)), (), is_forced=False)
    found = standing.of_closure(closure, source)
    wanted = [Wanted(one.name, one.version, where=where) for one in closure.distributions]
    verdict = Judging(found, source.index, source.interpreter, rules, are_pinned=False).verdict(wanted)
    # Nobody writes another version into somebody's source.
    refused = tuple(replace(one, fix=_LET) if one.rule == "YANKED" else one for one in verdict.refused)
    for warning in replace(verdict, refused=refused).enforce():
        log.warning("%s", replace(warning, fix="").as_line())
    return without_refused_files(closure, found, rules)


def without_refused_files(closure: Closure, found: Standing, rules: Rules) -> Closure:
    """The closure without the hashes of files that are too new or yanked, where others of the version may be installed.

    So of a version of which some files are yanked one of the others is installed, as pip does it.

    Raises:
        RequirementsRefused: a package has no hash left, as the index tells those of new files only.
    """
    kept, refused = [], []
    for one in closure.distributions:
        release = found.releases.get(one.name)
        files = [file for file in release.files if f"sha256:{file.sha256}" in one.hashes] if release else []
        old = [file for file in files if rules.admit(one.name, file)]
        good = [file for file in old if file.yanked is None] or old
        # the same bytes may be in two places
        dropped = {file.sha256 for file in files} - {file.sha256 for file in good}
        hashes = tuple(digest for digest in one.hashes if digest.removeprefix("sha256:") not in dropped)
        kept.append(replace(one, hashes=hashes))
        if one.hashes and not hashes:
            what = f"of {one.name}=={one.version} no file is known that is old enough"
            why = "the index does not tell the digests of its older files"
            refused.append(Problem(what, "", why, _exception(one.name), "TOO_NEW"))
    if refused:
        raise RequirementsRefused.of(refused)
    return replace(closure, distributions=tuple(kept))


def _needers(pins: Iterable[Wanted], source: PackageSource) -> Mapping[str, Sequence[str]]:
    with contextlib.suppress(OutOfTries):
        question = Question(tuple(one.at(one.version) for one in pins))
        return Tries(source, _SECONDS_TO_TRY).ask(question).needers
    return {}


def needers_text(name: str, needers: Mapping[str, Sequence[str]]) -> str:
    """`needed by app, lib`; empty for what nobody needs."""
    names = needers.get(name, ())
    return f"needed by {', '.join(names[:_MOST_NEEDERS])}" if names else ""


@dataclass
class Judging:
    """The verdict on releases, by what the index told of them."""

    standing: Standing
    index: PackageIndex
    """Which hides what is too new."""
    interpreter: Interpreter
    rules: Rules
    are_pinned: bool = True
    """Whether a line can be written with another version."""
    sources: Mapping[str, File] = field(default_factory=dict)
    """What is built, by canonical name, where that is known."""

    def verdict(self, wanted: Sequence[Wanted]) -> Verdict:
        """That on these. Raises as `judge_pins` does."""
        if self.standing.failure and self.rules.need_the_index:
            raise self.standing.failure
        refused, warnings = list[Problem](), list[Problem]()
        silent = list[str]()
        for one in wanted:
            release = self.standing.releases.get(one.name)
            if release is None:
                continue
            if release.status and release.status.word == "quarantined":
                refused.append(quarantined(one, release.status.reason))
                continue
            files = self._candidates(release, one) if self._matters(release) else ()
            # `1` may be pinned, and `1.0` be there
            meant = replace(one, version=release.found or one.version)
            withdrawn = judged(meant, self._reasons(one, files), self.index, self.interpreter)
            (refused if self.rules.refuses_yanked else warnings).extend(withdrawn)
            for problem in self._age(meant, files):
                if problem.rule == "NO_TIME":
                    silent.append(one.name)
                (warnings if problem.rule == "EXCEPTED" else refused).append(problem)
        # pip, which every index has, among them: of one package it may be that one's own affair
        if "pip" in silent and not self._tells_times():
            refused = [one for one in refused if one.rule != "NO_TIME"] + [self._no_times(silent)]
        return Verdict(tuple(refused), tuple(warnings))

    def _matters(self, release: Release) -> bool:
        """Whether anything may be found: to read the names of all files takes a while."""
        return self.rules.min_age is not None or any(file.yanked is not None for file in release.files)

    def _candidates(self, release: Release, one: Wanted) -> Sequence[ReleasedFile]:
        """The files of which one would be installed: the wheels that fit, else the source where it may be built, else
        all; with hashes, of those.
        """
        chosen = self.sources.get(one.name)
        if chosen and (built := [file for file in release.files if file.filename == chosen.filename]):
            return built
        named = [file for file in release.files if f"sha256:{file.sha256}" in one.hashes] or release.files
        sources = [file for file in named if one.sdist_allowed and not file.filename.endswith(".whl")]
        return [file for file in named if _fits(file.filename, self.interpreter)] or sources or named

    def _reasons(self, one: Wanted, files: Sequence[ReleasedFile]) -> Sequence[str | None]:
        """Why those are yanked that may be installed otherwise; None for one that is not."""
        old = [file for file in files if self.rules.admit(one.name, file)] or files
        # what has no digest cannot be kept from being installed
        return [file.yanked for file in old if file.yanked is not None and not file.sha256] or [
            file.yanked for file in old
        ]

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
        ways = [f"build it from {age.old_enough_at(times[0])} on", _exception(one.name)]
        older = self._older(one)
        if self.are_pinned:
            ways.insert(0, older)
        elif found := re.match("write (.*), the newest that is old enough", older):
            # An older version is no advice: with one of those it could have been resolved.
            why += f"; the newest that is old enough, {found[1]}, does not do"
        yield Problem(said, one.where, why, "; or ".join(ways), "TOO_NEW", one.line)

    def _older(self, one: Wanted) -> str:
        try:
            project = self.index.project(one.name)
        except VenvBuildError:
            return f"pin an older version of {one.name}; the index does not answer now, so which there are is not known"
        found = newest(project, self.interpreter, SpecifierSet()) if project else None
        if found is None and one.name == "pip":
            return "use an index that has an older pip, which every environment gets: VENVBUILD_INDEX_URL"
        if found is None:
            return f"leave out {one.name}, of which no version is old enough"
        pin = replace(one, hashes=frozenset()) if one.line is None else one
        return f"write {written(pin, [found])}, the newest that is old enough"

    def _tells_times(self) -> bool:
        return any(file.uploaded_at for release in self.standing.releases.values() for file in release.files)

    def _no_times(self, names: Sequence[str]) -> Problem:
        age = self.rules.min_age
        assert age
        return Problem(
            "the index tells no upload times",
            self.index.url,
            f"min_age_days is {age.days}, and without them no age is known",
            "use an index that has pages of JSON with upload-time (PEP 691, PEP 700), or set min_age_days to 0; or "
            + _exception(*names),
            "NO_TIMES",
        )


def _exception(*names: str) -> str:
    said = "; ".join(f"{name}: REASON" for name in sorted(names))
    return f"say why {'it' if len(names) == 1 else 'each'} may be newer: VENVBUILD_MIN_AGE_EXCEPT='{said}'"


def quarantined(one: Wanted, reason: str) -> Problem:
    """That the project is in quarantine, and what the index says of it."""
    said = shown(" ".join(reason.split()), _MAX_REASON)
    return Problem(
        f"{one.name} is quarantined",
        one.where,
        said or "the index says that it is unsafe to use, and gives no reason",
        f"use another package than {one.name}"
        if one.name != "pip"
        else "use an index that has a pip which is safe, as every environment gets one: VENVBUILD_INDEX_URL",
        "QUARANTINED",
        line=one.line,
    )


def _fits(filename: str, interpreter: Interpreter) -> bool:
    try:
        _, _, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return False
    return any(str(tag) in interpreter.ranks for tag in tags)
