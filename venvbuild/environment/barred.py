"""What keeps pins from being resolved: what they need and may not get, as it is too new, withdrawn or in quarantine.

The resolver passes over what is too new, and takes a withdrawn version only of a name that somebody asks for himself.
What has to be let in for an answer is tried, and the least that does is told.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.environment import standing
from venvbuild.environment.ages import Judging, Rules, needers_text, quarantined
from venvbuild.environment.alternatives import NEW_HASHES, unfit
from venvbuild.environment.contradictions import Walk
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.standing import Standing
from venvbuild.environment.tries import Answer, OutOfTries, Question, Tries, fewest
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem, VenvBuildError
from venvbuild.package_index import Project

_SECONDS = 60.0
# Each costs a try.
_MOST_YANKED = 20
_MOST_OTHERS = 6
_MOST_CHANGED = 3
# uv: `dep[x]==1.0 was yanked (reason: ...)`, `dep<=1.2 was yanked`, `all versions of dep were yanked`
_YANKED = re.compile(
    r"(?<![\w.-])([A-Za-z0-9][\w.-]*?)(?:\[[\w,.-]*\])?((?:(?:[<>]=?|==)[\w.!+*]+,?)*) (?:was|were) yanked\b", re.ASCII
)
# what the resolver says: `<=1.0+cu`; no specifier may
_LOCAL = re.compile(r"([<>]=?)([\w.!*]+)\+[\w.]+")
_OF_AGE = ("TOO_NEW", "NO_TIME", "NO_TIMES")


def refused_needs(
    lines: Sequence[str],
    source: PackageSource,
    rules: Rules,
    *,
    judged: Collection[str] = (),
    constraints: Sequence[str] = (),
    places: Mapping[str, str] | None = None,
    hashed: bool = False,
) -> list[Problem]:
    """What `lines` need that may not be built, where they cannot be resolved for that reason; else empty.

    Names that are `judged` already are not told of. `source` was asked why before. `places` has the lines of a file
    (`wanted.in:3`) by canonical name; `hashed`: each line of it has hashes.
    """
    named = places or {}
    told = source.index.in_quarantine
    # where a project still offers its files, the verdict on the closure tells
    hidden = [name for name in told if (project := source.index.told(name)) and not project.files]
    search = _Search(lines, constraints, source, rules, NEW_HASHES if hashed else "")
    if hidden:
        needers = search.needers_of(hidden)
        return [
            quarantined(Wanted(name, "", where=named.get(name) or needers_text(name, needers)), told[name])
            for name in sorted(hidden)
        ]
    if not rules.need_the_index:
        return []
    with contextlib.suppress(OutOfTries):
        return search.problems(judged, named)
    return []


class _Search:
    """One search; its tries share their time, and raise `OutOfTries` when there is none left."""

    def __init__(
        self, lines: Sequence[str], constraints: Sequence[str], source: PackageSource, rules: Rules, of_hashes: str
    ) -> None:
        self._lines, self._constraints = tuple(lines), tuple(constraints)
        self._source, self._rules, self._of_hashes = source, rules, of_hashes
        self._ends = time.monotonic() + _SECONDS

    def needers_of(self, names: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Who needs what cannot be resolved at all, by canonical name, as far as pins lead there."""
        walk = Walk([*self._pins.values()], self._source.index, self._source.interpreter)
        with contextlib.suppress(VenvBuildError, ValueError):  # a version that is not there; worth no failure
            walk.run()
        return {name: sorted({ask.who for ask in walk.asked.get(name, ())}) for name in names}

    def problems(self, judged: Collection[str], places: Mapping[str, str]) -> list[Problem]:
        """What has to be let in, by the rules that bar it; empty where that does not help."""
        yanked = self._yanked() if self._rules.refuses_yanked else []
        answer = self._asked(yanked, None)
        if answer.versions is None:
            return []
        yanked = fewest(yanked, lambda some: self._asked(some, None).versions is not None)
        new = self._too_new(answer.versions, judged)
        if new and self._asked(yanked, ()).versions is None:
            new = fewest(new, lambda some: self._asked(yanked, some).versions is not None)
            answer = self._asked(yanked, new)
        else:
            new = []
        return list(self._told(answer, yanked, new, places))

    def _asked(self, yanked: Sequence[str], new: Sequence[str] | None) -> Answer:
        """The answer with these versions and the new files of these names let in; of None, of all names."""
        age = self._rules.min_age
        if age and new is not None:
            age = replace(age, reasons={**age.reasons, **dict.fromkeys(new, "")})
        installer = replace(self._source.installer, min_age=None if new is None else age)
        question = Question(self._lines, constraints=(*self._constraints, *yanked))
        return self._tries(replace(self._source, installer=installer)).ask(question)

    def _tries(self, source: PackageSource) -> Tries:
        return Tries(source, self._ends - time.monotonic())

    def _yanked(self) -> list[str]:
        """Withdrawn versions, `name==version`, with which there may be an answer."""
        found: dict[str, list[str]] = {}  # of each name the first is tried
        others = _MOST_OTHERS
        for _ in range(_MOST_YANKED):
            answer = self._asked([versions[0] for versions in found.values()], None)
            if answer.versions is not None:
                break
            named = self._named(answer.said)
            if named.keys() - found.keys():
                found = {**named, **found}
            elif not others or not _go_on(found):
                break
            else:
                others -= 1
        return [versions[0] for versions in found.values()]

    def _named(self, said: str) -> dict[str, list[str]]:
        """By name, those that the resolver's words say are withdrawn, the best first; whether it is so, the index tells
        later.
        """
        versions: dict[str, set[Version]] = {}
        for bare, bounds in _YANKED.findall(" ".join(said.split())):
            name = canonicalize_name(bare)
            with contextlib.suppress(VenvBuildError, InvalidSpecifier):  # of one of several; and they are words
                project = self._source.index.told(name)
                within = SpecifierSet(_LOCAL.sub(_of_public, bounds).rstrip(","))
                there = within.filter(self._served(project) if project else (), prereleases=True)
                versions.setdefault(name, set()).update(there)
        return {
            # nobody is advised a pre-release where a final one does
            name: [f"{name}=={one}" for one in sorted(there, key=_goodness, reverse=True)]
            for name, there in versions.items()
            if there
        }

    def _served(self, project: Project) -> list[Version]:
        """The versions that can be installed here, withdrawn or not."""
        python = self._source.interpreter.full_version
        return [
            version
            for version in project.versions
            if any(one.allows_python(python) for one in project.wheels(version, self._source.interpreter.ranks))
        ]

    def _too_new(self, versions: Mapping[str, str], judged: Collection[str]) -> list[str]:
        if self._rules.min_age is None:
            return []
        asked = [Wanted(name, version) for name, version in versions.items() if name not in judged]
        judging = self._judging(self._standing(asked))
        return [one.name for one in asked if any(found.rule in _OF_AGE for found in judging.verdict([one]).refused)]

    def _standing(self, asked: Sequence[Wanted], doubted: Collection[str] = ()) -> Standing:
        releases = [(one.name, one.version, ()) for one in asked]
        return standing.ask(releases, self._source.index, self._source.release_cache, doubted)

    def _judging(self, found: Standing) -> Judging:
        return Judging(found, self._source.index, self._source.interpreter, self._rules, are_pinned=False)

    # --- told

    def _told(
        self, answer: Answer, yanked: Sequence[str], new: Sequence[str], places: Mapping[str, str]
    ) -> Iterator[Problem]:
        withdrawn = [one.partition("==")[0] for one in yanked]
        needed = [
            Wanted(name, version, where=places.get(name) or needers_text(name, answer.needers))
            for name, version in (answer.versions or {}).items()
            if name in {*withdrawn, *new}
        ]
        judging = self._judging(self._standing(needed, withdrawn))
        for one in needed:
            for problem in judging.verdict([one]).refused:
                if problem.rule == "YANKED":
                    line = f"{one.name}=={one.version}{self._of_hashes}"
                    ways = [*self._changed(one.name, yanked, answer), f"{_LET_IN} {line}"]
                    yield replace(problem, fix="; or ".join(ways))
                else:
                    yield problem

    def _changed(self, name: str, yanked: Sequence[str], answer: Answer) -> Iterator[str]:
        """The pin to change, above what is needed, and the version with which it is not; tried."""
        others = tuple(one for one in yanked if not one.startswith(f"{name}=="))
        for pin in self._pins_above(name, answer.needers)[:_MOST_CHANGED]:
            stays = [one.at(one.version) for one in self._pins.values() if one is not pin]
            lines = [line for line in self._lines if canonicalize_name(Requirement(line).name) not in self._pins]
            limits = (*self._constraints, *others)
            project = self._source.index.project(pin.name)
            others_than = [Version(pin.version), *(unfit(project, self._source.interpreter) if project else ())]
            free = "".join(f",!={version}" for version in others_than)
            above, below = ((*lines, *stays, f"{pin.bare}{way}{pin.version}{free}") for way in (">=", "<"))
            asked = [Question(above, constraints=limits, lowest=True), Question(below, constraints=limits)]
            for one in self._tries(self._source).ask_each(asked):
                if one and one.versions:
                    line = f"{pin.at(one.versions[pin.name])}{self._of_hashes}"
                    yield f"write {line}; tried: with it the other pins stay as they are"
                    return

    @cached_property
    def _pins(self) -> dict[str, Wanted]:
        """Those of the lines that are one exact version, by canonical name."""
        found: dict[str, Wanted] = {}
        for line in self._lines:
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            exact = [one.version for one in requirement.specifier if one.operator == "==" and "*" not in one.version]
            if len(exact) == 1 == len(requirement.specifier):
                found[name] = Wanted(name, exact[0], frozenset(requirement.extras))
        return found

    def _pins_above(self, name: str, needers: Mapping[str, Sequence[str]]) -> list[Wanted]:
        """The pins by which it is needed, the nearest first."""
        names = [name]
        for one in names:
            names += [needer for needer in needers.get(one, ()) if needer not in names]
        return [self._pins[one] for one in names[1:] if one in self._pins]


_LET_IN = "let it be built, with VENVBUILD_YANKED=warn and a line that pins it: write"


def _goodness(version: Version) -> tuple[bool, Version]:
    return not version.is_prerelease, version


def _of_public(bound: re.Match[str]) -> str:
    """The bound without its local part; below `1.0+cu` is also `1.0`."""
    return f"{bound[1].replace('<=', '<').replace('<', '<=')}{bound[2]}"


def _go_on(found: dict[str, list[str]]) -> bool:
    """Turn to the next version, of the name that came last and has one; those that came after it may come again."""
    for name in list(found):
        if len(found[name]) > 1:
            del found[name][0]
            return True
        del found[name]
    return False
