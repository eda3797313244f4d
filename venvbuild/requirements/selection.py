"""What of a pylock.toml is wanted: the packages for one Python and platform, with extras and groups, as pins.

They become a requirements file with every hash that the file has of them, of other platforms too: whoever builds the
same for another one needs these. Where a line of it came from is told by its parts.
Source: PEP 751, "Installation".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.requirements.documents import without_project
from venvbuild.requirements.joined import Part
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild.requirements.pylock import Entry, Pylock

_MINORS = range(8, 21)
"""Of Python 3, where one is looked for that a file is for."""
_FEW = 10


@dataclass(frozen=True)
class Selection:
    """What is wanted."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Beside those that are installed by default."""
    sdists: Collection[str] | None = ()
    """Canonical names that may be built from source; None: nothing can be."""
    tags: Collection[str] = ()
    """Of the wheels that the target takes; empty: not judged."""


@dataclass(frozen=True)
class Pinned:
    """The pins, as a requirements file."""

    content: bytes
    parts: tuple[Part, ...]
    """Which line of the pylock.toml each is of."""


def refuse_choice(selection: Selection, name: str) -> None:
    """Raise `UsageError` where extras or groups are asked of a file that has none."""
    for flag, names in (("--extra", selection.extras), ("--group", selection.groups)):
        if names:
            raise UsageError(
                f"{flag} {shown(names[0], 40)} is asked of a requirements file",
                where=flag,
                why=f"{name} is one, and only a pylock.toml has extras and groups to choose from",
                fix=f"leave {flag} out, or name a pylock.toml with -r",
            )


def selected(lock: Pylock, environment: Mapping[str, str], selection: Selection) -> Pinned:
    """The packages of `lock` that are wanted.

    Raises:
        RequirementsRefused: the file is not for this target, is wrong, or wants what cannot be had from an index; with
            every reason.
    """
    chooser = _Chooser(lock, environment, selection)
    problems = [*lock.problems, *chooser.against_target()]
    wanted: dict[str, Entry] = {}
    for entry in lock.entries:
        holds = chooser.holds(entry)
        if isinstance(holds, Problem):
            problems.append(holds)
        elif holds:
            problems += chooser.faults(entry, wanted.get(entry.name))
            wanted.setdefault(entry.name, entry)
    if problems:
        raise RequirementsRefused.of(sorted(problems, key=lambda problem: problem.line or 0))
    if not wanted:
        raise RequirementsRefused(
            "there is nothing to install",
            where=lock.name,
            why="no package of the file is for this target",
            fix=lock.again,
            rule="EMPTY",
        )
    return _pinned(lock, tuple(wanted.values()), chooser)


class _Chooser:
    """Judges a file and its packages for one target."""

    def __init__(self, lock: Pylock, environment: Mapping[str, str], selection: Selection) -> None:
        self._lock, self._selection = lock, selection
        # `3.13.0+` of a Python that somebody built between two releases
        self._full = environment["python_full_version"].rstrip("+")
        self._plain = environment
        self.target = (
            f"Python {environment['python_version']} on {environment['sys_platform']}_"
            + (environment["platform_machine"])
        )
        self.extras, self._unknown_extras = _known(selection.extras, lock.extras)
        groups = (*lock.dependency_groups, *lock.default_groups)
        self.groups, self._unknown_groups = _known(selection.groups, groups)
        self._environment: dict[str, str | frozenset[str]] = {
            **environment,
            "extras": frozenset(self.extras),
            "dependency_groups": frozenset((*lock.default_groups, *self.groups)),
        }

    def against_target(self) -> Iterator[Problem]:
        """What is against the file as a whole."""
        lock = self._lock
        for flag, unknown, known in (
            ("--extra", self._unknown_extras, lock.extras),
            ("--group", self._unknown_groups, lock.dependency_groups),
        ):
            for name in unknown:
                kind = flag.removeprefix("--")
                yield Problem(
                    f"there is no {kind} {shown(name, 40)}",
                    lock.name,
                    f"it has {shown(', '.join(sorted(known)), 200)}" if known else "it has none",
                    f"correct {flag}" if known else f"leave {flag} out",
                    f"NO_SUCH_{kind.upper()}",
                )
        if lock.requires_python is not None and not self._admits(lock.requires_python):
            yield Problem(
                f"it is for Python {shown(str(lock.requires_python), 60)}",
                lock.name,
                f"{self._full} is asked for",
                self._another_python(lock.requires_python),
                "REQUIRES_PYTHON",
            )
        if lock.environments and not any(self._is_met(marker) for marker in lock.environments):
            yield Problem(
                f"it is not for {self.target}",
                lock.name,
                "it is for " + shown(" or ".join(map(str, lock.environments[:3])), 300),
                lock.again,
                "ENVIRONMENTS",
            )

    def _is_met(self, marker: Marker) -> bool:
        try:
            return marker.evaluate(self._plain, context="requirement")
        except (UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError):
            return False

    def _admits(self, specifier: SpecifierSet) -> bool:
        # the interpreter itself may be a release candidate
        return specifier.contains(self._full, prereleases=True)

    def _another_python(self, specifier: SpecifierSet) -> str:
        others = [f"3.{minor}" for minor in _MINORS if not self._full.startswith(f"3.{minor}.")]
        versions = [version for version in others if specifier.contains(f"{version}.99")]
        return f"build with --python {versions[0]}, or {self._lock.again}" if versions else self._lock.again

    def holds(self, entry: Entry) -> bool | Problem:
        """Whether the package is meant for the target; a problem where its marker does not tell."""
        if entry.marker is None:
            return True
        try:
            return entry.marker.evaluate(self._environment, context="lock_file")
        except (UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError) as error:
            return self._problem(
                entry, f"the marker of {entry.name} cannot be judged", shown(str(error), 200), "correct it", "MARKER"
            )

    def faults(self, entry: Entry, first: Entry | None) -> Iterator[Problem]:
        """What is against a package that is meant for the target; `first` is another of its name."""
        if first is not None:
            yield self._problem(
                entry,
                f"{entry.name} is listed twice for {self.target}: also on line {first.line}",
                "one environment has one version of a package, and exactly one entry is to hold",
                f"{self._lock.again}, or remove one of the two",
                "DUPLICATE_CONFLICT",
            )
        if entry.requires_python is not None and not self._admits(entry.requires_python):
            yield self._problem(
                entry,
                f"{entry.name} is for Python {shown(str(entry.requires_python), 60)}",
                f"{self._full} is asked for",
                self._another_python(entry.requires_python),
                "REQUIRES_PYTHON",
            )
        if entry.source:
            yield self._of_source(entry)
        elif not entry.version:
            why = "its files are of several versions"
            yield self._problem(entry, f"{entry.name} has no version", why, self._lock.again, "UNPINNED")
        else:
            yield from self._without_wheel(entry)

    def _of_source(self, entry: Entry) -> Problem:
        fix = f"release it to the index as a version, ask for that, and {self._lock.again}"
        if entry.source == "directory":
            left_out = without_project(self._lock.text, "pylock.toml")
            fix = left_out or f"leave the project itself out, or {fix}"
        return self._problem(
            entry,
            f"{entry.name} comes from {_SPOKEN[entry.source]}",
            "nothing holds what is there tomorrow, and packages come from the index",
            fix,
            entry.source.upper(),
        )

    def _without_wheel(self, entry: Entry) -> Iterator[Problem]:
        sdists, tags = self._selection.sdists, self._selection.tags
        if any(not tags or not wheel.tags.isdisjoint(tags) for wheel in entry.wheels):
            return
        if entry.sdist and sdists is not None and entry.name in sdists:
            return
        may_build = entry.sdist is not None and sdists is not None
        yield self._problem(
            entry,
            f"{entry.name}=={entry.version} has no wheel for {self.target}" + (", only source" if entry.sdist else ""),
            "source is built only where that is allowed by name" if may_build else _listed(entry),
            f"build with --allow-sdist {entry.name}, or {self._lock.again}" if may_build else self._lock.again,
            "NO_WHEEL",
        )

    def _problem(self, entry: Entry, what: str, why: str, fix: str, rule: str) -> Problem:
        return Problem.at(self._lock.name, entry.line, what, why, fix, rule)


_SPOKEN = {"vcs": "a repository", "directory": "a folder", "archive": "an archive at an address"}


def _listed(entry: Entry) -> str:
    """The tags that there are wheels for."""
    tags = sorted({tag for wheel in entry.wheels for tag in wheel.tags})
    if not tags:
        return "it has source only, and nothing is built here"
    more = f" and {len(tags) - _FEW} more" if len(tags) > _FEW else ""
    return shown(f"it has wheels for {', '.join(tags[:_FEW])}{more}", 400)


def _known(asked: tuple[str, ...], there: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The names of `there` that are asked for, as the file writes them, and those that it does not have."""
    names = {canonicalize_name(one): one for one in there}
    known = [names[canonicalize_name(one)] for one in asked if canonicalize_name(one) in names]
    return sorted(set(known)), [one for one in dict.fromkeys(asked) if canonicalize_name(one) not in names]


def _pinned(lock: Pylock, entries: tuple[Entry, ...], chooser: _Chooser) -> Pinned:
    lines = [f"# The pins of pylock.given.toml for {chooser.target}, written by venvbuild."]
    chosen = [f"--extra {name}" for name in chooser.extras] + [f"--group {name}" for name in chooser.groups]
    if chosen:
        lines.append(f"# With {', '.join(map(shown, chosen))}.")
    parts = []
    for entry in entries:
        files = [*entry.wheels, *([entry.sdist] if entry.sdist else [])]
        parts.append(Part(len(lines) + 1, lock.name, entry.line))
        hashes = sorted({file.digest for file in files})
        lines += " \\\n    --hash=".join((f"{entry.name}=={entry.version}", *hashes)).split("\n")
    return Pinned("".join(f"{line}\n" for line in lines).encode(), tuple(parts))
