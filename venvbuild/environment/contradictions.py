"""Why pins cannot be resolved together: what they need, walked through level by level on the index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.environment.diagnosis import version_of, why_not
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem, ResolutionError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import PackageIndex, Project
from venvbuild.parallel import each

# Projects looked at before giving up; far beyond any real closure, but a hostile index could name new ones for ever.
_WALK_LIMIT = 1000


@dataclass
class Diagnosis:
    """What the walk through the pins' requirements found."""

    contradictions: list[Problem] = field(default_factory=list)
    """Requirements which no set of versions meets while the pins stand."""
    extras: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The extras that anyone asks of a name."""


def explain(wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> Diagnosis:
    """Why these pins cannot be resolved together.

    Empty contradictions mean that the index offers every pin and no contradiction was found.

    Raises:
        IndexUnavailable, UsageError: the index is the reason (6, 2).
        ResolutionError: a pin, or something that the pins need, is not there for this Python and platform; names each.
        IntegrityError: the index gives other bytes than it promises.
    """
    projects = dict(zip((pin.name for pin in wanted), each(index.project, [pin.name for pin in wanted]), strict=True))
    # First, since a pin that is not there makes every other question about it meaningless.
    problems = [problem for pin in wanted for problem in why_not(pin, projects[pin.name], interpreter)]
    if problems:
        raise ResolutionError.of(problems)
    return _Walk(wanted, index, interpreter).run()


class _Walk:
    """Follows what the pins need, level by level; for a name nobody pinned, the newest version that all allow."""

    def __init__(self, wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> None:
        self._pins = {pin.name: pin for pin in wanted}
        self._index, self._interpreter = index, interpreter
        self._found = Diagnosis()
        self._asked: dict[str, list[tuple[str, Requirement]]] = defaultdict(list)
        """By name: who asks, and for what."""
        self._read: dict[tuple[str, str], list[str]] = {}

    def run(self) -> Diagnosis:
        for pin in self._pins.values():
            self._found.extras[pin.name] |= pin.extras
        todo = {(pin.name, extra) for pin in self._pins.values() for extra in ("", *pin.extras)}
        done: set[tuple[str, str]] = set()
        while todo and len(done) < _WALK_LIMIT:
            done |= todo
            # Only to have asked all at once: `_needs` asks again, one by one, and is answered from memory.
            each(self._requires_of, sorted({name for name, _ in todo}))
            todo = {(name, extra) for pair in sorted(todo) for name, extra in self._needs(*pair)} - done
        self._judge()
        return self._found

    def _needs(self, name: str, extra: str) -> Iterator[tuple[str, str]]:
        version, lines = self._chosen(name), self._requires_of(name)
        for line in lines:
            requirement = _requirement(line, extra, self._interpreter.marker_environment)
            if requirement is None:
                continue
            needed = canonicalize_name(requirement.name)
            self._asked[needed].append((f"{name} {version}", requirement))
            extras = {canonicalize_name(wanted) for wanted in requirement.extras}
            self._found.extras[needed] |= extras
            yield needed, ""
            yield from ((needed, wanted) for wanted in extras)

    def _requires_of(self, name: str) -> list[str]:
        """The Requires-Dist lines of the version chosen for `name`; none when it has no wheel to read them from."""
        version = self._chosen(name)
        if version is None:
            return []
        if (name, str(version)) not in self._read:
            project = self._index.project(name)
            wheels = project.wheels(version, self._interpreter.ranks) if project else []
            # The best wheel alone, which is the one that would be installed.
            self._read[name, str(version)] = self._index.requirements_of(wheels[0]) if wheels else []
        return self._read[name, str(version)]

    def _chosen(self, name: str) -> Version | None:
        project = self._index.project(name)
        if project is None:
            return None
        if name in self._pins:
            return version_of(self._pins[name], project)
        return _installable(project, _merged(self._asked[name]), self._interpreter)

    def _judge(self) -> None:
        missing: list[Problem] = []
        for name, asked in sorted(self._asked.items()):
            if name in self._pins:
                self._found.contradictions += self._against_pin(self._pins[name], asked)
            elif self._chosen(name) is None:
                missing += self._not_there(name, asked)
        if missing:
            raise ResolutionError.of(missing)

    def _against_pin(self, pin: Wanted, asked: list[tuple[str, Requirement]]) -> list[Problem]:
        return [
            Problem(
                f"{who} needs {requirement.name}{requirement.specifier}, {pin.name} {pin.version} is pinned",
                pin.where,
                rule="CONFLICT",
                fix=f"pin a {pin.name} that meets {requirement.specifier}, or another "
                f"version of {who.partition(' ')[0]}",
                line=pin.line,
            )
            for who, requirement in _unique(asked)
            if requirement.url is None and not requirement.specifier.contains(pin.version, prereleases=True)
        ]

    def _not_there(self, name: str, asked: list[tuple[str, Requirement]]) -> list[Problem]:
        """No version serves all who ask for `name`: nobody's fault but theirs together, or not there for one alone."""
        project = self._index.project(name)
        for who, requirement in _unique(asked):
            alone = f"{requirement.name}{requirement.specifier}"
            if project is None:
                return [
                    Problem(
                        f"{who} needs {alone}, and the index has no package {name!r}",
                        rule="NO_SUCH_PROJECT",
                        fix="is this the right index? does it mirror PyPI?",
                    )
                ]
            if _installable(project, requirement.specifier, self._interpreter) is None:
                return [
                    Problem(
                        f"{who} needs {alone}, and no such version has a wheel for Python "
                        f"{self._interpreter.version} on {self._interpreter.platform}",
                        rule="NO_WHEEL",
                        fix=f"choose another version of {who.partition(' ')[0]}, or another Python",
                    )
                ]
        askers = ", ".join(
            f"{who} needs {requirement.name}{requirement.specifier}" for who, requirement in _unique(asked)
        )
        self._found.contradictions.append(
            Problem(
                askers,
                why=f"no version of {name} meets all of them",
                rule="CONFLICT",
                fix=f"change one of these pins, or pin {name} to choose",
            )
        )
        return []


def _unique(asked: list[tuple[str, Requirement]]) -> list[tuple[str, Requirement]]:
    return sorted(
        {(who, str(requirement)): (who, requirement) for who, requirement in asked}.values(),
        key=lambda pair: (pair[0], str(pair[1])),
    )


def _merged(asked: Iterable[tuple[str, Requirement]]) -> SpecifierSet:
    merged = SpecifierSet()
    for _, requirement in asked:
        merged &= requirement.specifier
    return merged


def _installable(project: Project, specifier: SpecifierSet, interpreter: Interpreter) -> Version | None:
    """The newest version within `specifier` with a wheel for this interpreter; pre-releases only as a last resort."""

    def serves(version: Version) -> bool:
        return any(file.allows_python(interpreter.full_version) for file in project.wheels(version, interpreter.ranks))

    newest_first = sorted(specifier.filter(project.versions, prereleases=True), reverse=True)
    # As PEP 440 has it: a pre-release only where there is no other.
    final = [version for version in newest_first if not version.is_prerelease]
    pre = [version for version in newest_first if version.is_prerelease]
    return next(filter(serves, final), None) or next(filter(serves, pre), None)


def _requirement(line: str, extra: str, environment: Mapping[str, str]) -> Requirement | None:
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
