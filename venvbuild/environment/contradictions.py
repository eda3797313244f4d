"""What pins need, walked through level by level on the index, and where that contradicts the pins themselves.

For a name that nobody pinned the walk takes the newest version that all allow, where a resolver would go back to an
older one. So only what pins need themselves is certain here (`Walk.contradictions`); of the rest `conflicts` and
`missing` ask the resolver.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.environment.alternatives import Neighbours, pythons_of
from venvbuild.environment.diagnosis import version_of, why_not
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem, ResolutionError, VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import PackageIndex, Project
from venvbuild.parallel import each

# Projects looked at before giving up; far beyond any real closure, but a hostile index could name new ones for ever.
_WALK_LIMIT = 1000


@dataclass(frozen=True)
class Ask:
    """Somebody needs something."""

    who: str
    """Canonical (PEP 503)."""
    version: str
    """Of `who`."""
    requirement: Requirement

    @property
    def label(self) -> str:
        """`needy 1.0`."""
        return f"{self.who} {self.version}"

    @property
    def needs(self) -> str:
        """`other<2,>=1`, as its metadata writes it."""
        return f"{self.requirement.name}{self.requirement.specifier}"

    def admits(self, version: str) -> bool:
        """Whether that version would do; of a URL nobody knows."""
        return self.requirement.url is not None or self.requirement.specifier.contains(version, prereleases=True)


@dataclass(frozen=True)
class Contradiction:
    """What pins need themselves and cannot get, whatever is chosen for the packages that nobody pinned."""

    needed: str
    """Canonical name of what they disagree on."""
    asks: tuple[Ask, ...]
    """Of pins; one where `needed` is a pin too, all who ask where it is none."""


def explain(wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> Walk:
    """The walk from these pins, which has yet to begin, when the index offers every one of them.

    Raises:
        IndexUnavailable, UsageError: the index is the reason (6, 2).
        ResolutionError: a pin is not there for this Python and platform; names each.
        IntegrityError: the index gives other bytes than it promises.
    """
    # First, since a pin that is not there makes every other question about it meaningless.
    refused = _refused(wanted, index, interpreter)
    bad = [pin for pin in wanted if refused[pin.name]]
    if not bad:
        return Walk(wanted, index, interpreter)
    if all(problem.rule == "NO_SUCH_PROJECT" for pin in bad for problem in refused[pin.name]):
        raise ResolutionError.of(problem for pin in bad for problem in refused[pin.name])
    neighbours = neighbours_of(bad, wanted, index, interpreter)

    def told(pin: Wanted) -> list[Problem]:
        return list(why_not(pin, index.project(pin.name), interpreter, neighbours[pin.name]))

    raise ResolutionError.of(problem for problems in each(told, bad) for problem in problems)


def neighbours_of(
    bad: Sequence[Wanted], wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter
) -> dict[str, Neighbours]:
    """What those of the pins that can be installed say of each of the `bad` ones, by its name; raises as `explain`."""
    refused = _refused(wanted, index, interpreter)
    names = {pin.name for pin in bad}
    walk = Walk([pin for pin in wanted if not refused[pin.name] and pin.name not in names], index, interpreter)
    walk.begin(walk.pins)
    pythons = _pythons(wanted, index, interpreter)
    return {pin.name: walk.neighbours(pin, pythons) for pin in bad}


def _refused(wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> dict[str, Sequence[Problem]]:
    """Why each cannot be installed; nothing where it can."""
    names = [pin.name for pin in wanted]
    projects = dict(zip(names, each(index.project, names), strict=True))
    return {pin.name: list(why_not(pin, projects[pin.name], interpreter)) for pin in wanted}


def _pythons(wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> list[str]:
    """The other Pythons that all pins have wheels for, but for those that no wheel serves on any."""
    groups = []
    for pin in wanted:
        project = index.project(pin.name)
        with contextlib.suppress(ValueError):  # no such version
            files = project.files_of(version_of(pin, project)) if project else []
            groups += [files] if pythons_of([files], interpreter) else []
    return pythons_of(groups, interpreter)


class Walk:
    """Follows what the pins need; for a name nobody pinned, the newest version that all allow."""

    def __init__(self, wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> None:
        self.pins = {pin.name: pin for pin in wanted}
        """By canonical name."""
        self.extras: dict[str, set[str]] = defaultdict(set)
        """The extras that anyone asks of a name."""
        self.asked: dict[str, list[Ask]] = defaultdict(list)
        """By canonical name: who asks, in the order of the levels."""
        self.index, self.interpreter = index, interpreter
        self._read: dict[tuple[str, str], list[str]] = {}
        self._chosen: dict[tuple[str, str], Version | None] = {}

    def begin(self, names: Iterable[str]) -> None:
        """Only what these pins need themselves."""
        self._walk({*names}, to_the_end=False)

    def run(self) -> None:
        """All of it, to the end."""
        self._walk({*self.pins}, to_the_end=True)

    def _walk(self, starts: Collection[str], *, to_the_end: bool) -> None:
        self.asked.clear()
        for pin in self.pins.values():
            self.extras[pin.name] |= pin.extras
        todo = {(name, extra) for name in starts for extra in ("", *self.pins[name].extras)}
        done: set[tuple[str, str]] = set()
        while todo and len(done) < _WALK_LIMIT:
            done |= todo
            # Only to have asked all at once: `_needs` asks again, one by one, and is answered from memory.
            each(self._requires_of, sorted({name for name, _ in todo}))
            found = {(name, extra) for pair in sorted(todo) for name, extra in self._needs(*pair)} - done
            todo = found if to_the_end else {(name, extra) for name, extra in found if name in starts}

    def _needs(self, name: str, extra: str) -> Iterator[tuple[str, str]]:
        version, lines = self.chosen(name), self._requires_of(name)
        for line in lines:
            requirement = needed_by(line, extra, self.interpreter.marker_environment)
            if requirement is None:
                continue
            needed = canonicalize_name(requirement.name)
            self.asked[needed].append(Ask(name, str(version), requirement))
            extras = {canonicalize_name(wanted) for wanted in requirement.extras}
            self.extras[needed] |= extras
            yield needed, ""
            yield from ((needed, wanted) for wanted in extras)

    def _requires_of(self, name: str) -> list[str]:
        """The Requires-Dist lines of the version chosen for `name`; none when it has no wheel to read them from."""
        version = self.chosen(name)
        if version is None:
            return []
        if (name, str(version)) not in self._read:
            project = self.index.project(name)
            wheels = project.wheels(version, self.interpreter.ranks) if project else []
            # The best wheel alone, which is the one that would be installed.
            self._read[name, str(version)] = self.index.requirements_of(wheels[0]) if wheels else []
        return self._read[name, str(version)]

    def chosen(self, name: str) -> Version | None:
        """The version of `name` that the walk goes on from; None where none will do."""
        project = self.index.project(name)
        if project is None:
            return None
        if name in self.pins:
            return version_of(self.pins[name], project)
        specifier = merged(self.asked[name])
        key = (name, str(specifier))
        if key not in self._chosen:
            self._chosen[key] = serving(project, specifier, self.interpreter)
        return self._chosen[key]

    def of(self, pins: Sequence[Wanted]) -> Walk:
        """The walk of some of the pins, the others being packages that nobody pinned."""
        walk = Walk(pins, self.index, self.interpreter)
        walk._read, walk._chosen = self._read, self._chosen
        walk.run()
        return walk

    def neighbours(self, pin: Wanted, pythons: Collection[str]) -> Neighbours:
        """What the pins of this walk, which has begun, say of one that is not among them."""
        project = self.index.project(pin.name)
        asks = [ask for ask in self.asked.get(pin.name, ()) if ask.who in self.pins]

        def admits(version: Version) -> bool:
            if not all(ask.admits(str(version)) for ask in asks):
                return False
            with contextlib.suppress(VenvBuildError):  # what cannot be read is told where it is needed
                wheels = project.wheels(version, self.interpreter.ranks) if project else []
                lines = self.index.requirements_of(wheels[0]) if wheels else []
                return all(self._is_met(line, extra) for line in lines for extra in ("", *pin.extras))
            return True

        return Neighbours(tuple(sorted({ask.label for ask in asks})), admits, pythons)

    def _is_met(self, line: str, extra: str) -> bool:
        """Whether the pins do what a Requires-Dist line asks of them."""
        requirement = needed_by(line, extra, self.interpreter.marker_environment)
        needed = self.pins.get(canonicalize_name(requirement.name)) if requirement else None
        return requirement is None or needed is None or requirement.specifier.contains(needed.version, prereleases=True)

    def contradictions(self) -> list[Contradiction]:
        """Those between pins, by the name they disagree on."""
        found = []
        for name, asks in sorted(self.asked.items()):
            of_pins = unique(ask for ask in asks if ask.who in self.pins)
            pin = self.pins.get(name)
            if pin:
                found += [Contradiction(name, (ask,)) for ask in of_pins if not ask.admits(pin.version)]
            elif len({ask.who for ask in of_pins}) > 1 and self._only_together(name, of_pins):
                found.append(Contradiction(name, tuple(of_pins)))
        return found

    def _only_together(self, name: str, asks: Sequence[Ask]) -> bool:
        """Whether each can have its version of `name`, and all of them none."""
        project = self.index.project(name)
        return (
            project is not None
            and serving(project, merged(asks), self.interpreter) is None
            and all(serving(project, ask.requirement.specifier, self.interpreter) for ask in asks)
        )

    def unmet(self) -> list[Ask]:
        """What the walk came upon that a pin does not meet, asked by whomever: true of these versions only."""
        return [
            ask
            for name, asks in sorted(self.asked.items())
            for ask in unique(asks)
            if name in self.pins and not ask.admits(self.pins[name].version)
        ]

    def chain(self, name: str) -> list[Ask]:
        """From a pin to `name`, an ask for each step, the shortest way; empty for what nobody asks for."""
        steps: list[Ask] = []
        while self.asked.get(name) and (not steps or steps[0].who not in self.pins) and len(steps) < _WALK_LIMIT:
            steps.insert(0, self.asked[name][0])
            name = steps[0].who
        return steps


def unique(asks: Iterable[Ask]) -> list[Ask]:
    """Each once, by who asks and for what."""
    return sorted(
        {(ask.label, str(ask.requirement)): ask for ask in asks}.values(),
        key=lambda ask: (ask.label, str(ask.requirement)),
    )


def merged(asks: Iterable[Ask]) -> SpecifierSet:
    """What meets all of them."""
    specifiers = SpecifierSet()
    for ask in asks:
        specifiers &= ask.requirement.specifier
    return specifiers


def serving(project: Project, specifier: SpecifierSet, interpreter: Interpreter) -> Version | None:
    """The newest version within `specifier` with a wheel for this interpreter; pre-releases only as a last resort."""

    def serves(version: Version) -> bool:
        return any(file.allows_python(interpreter.full_version) for file in project.wheels(version, interpreter.ranks))

    newest_first = sorted(specifier.filter(project.versions, prereleases=True), reverse=True)
    # As PEP 440 has it: a pre-release only where there is no other.
    final = [version for version in newest_first if not version.is_prerelease]
    pre = [version for version in newest_first if version.is_prerelease]
    return next(filter(serves, final), None) or next(filter(serves, pre), None)


def needed_by(line: str, extra: str, environment: Mapping[str, str]) -> Requirement | None:
    """The requirement of a Requires-Dist line when it holds for `extra` on this environment; None otherwise."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    if requirement.marker is None:
        return requirement if not extra else None
    try:
        if requirement.marker.evaluate({**environment, "extra": ""}):
            return requirement if not extra else None
        return requirement if extra and requirement.marker.evaluate({**environment, "extra": extra}) else None
    except (
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ):  # a marker that cannot be judged, as in `inspection.dependencies`
        return None
