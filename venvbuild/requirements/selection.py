"""What of a pylock.toml is wanted: the packages for one Python and platform, with extras and groups, as pins.

They become a requirements file with every hash that the file has of them, of other platforms too: whoever builds the
same for another one needs these. Where a line of it came from is told by its parts.
Source: PEP 751, "Installation".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from packaging import tags
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.requirements.documents import without_project
from venvbuild.requirements.joined import Part
from venvbuild.requirements.markers import Undecidable, holds_in_lock
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild.requirements.pylock import Entry, LockedFile, Pylock

PYTHONS = tuple(f"3.{minor}" for minor in range(8, 16))
"""That environments are made for, and that may be advised."""
_MICRO = 20
"""Of a Python that may be advised: about the last, as `requires-python` has a lower bound more often than an upper one.
"""
_OF_TARGET = frozenset({"NO_WHEEL", "REQUIRES_PYTHON", "ENVIRONMENTS", "EMPTY"})
"""The rules of problems that another Python or platform may not have."""
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
    pythons: Collection[str] = PYTHONS
    """X.Y of those that may be advised."""
    platforms: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Machines that `--platform` may name, `aarch64`, and the tags of the same Python there; one: the target's."""


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
    wanted, found = chooser.chosen()
    problems = [*lock.problems, *chooser.advised(found)]
    if problems:
        raise RequirementsRefused.of(sorted(problems, key=lambda problem: problem.line or 0))
    return _pinned(lock, wanted, chooser)


class _Found(NamedTuple):
    """Something that is against the choice."""

    of: str
    """The package; empty: the file."""
    problem: Problem

    @property
    def kind(self) -> tuple[str, str]:
        """The same of another Python."""
        return self.of, self.problem.rule


class _Chooser:
    """Judges a file and its packages for one target."""

    def __init__(self, lock: Pylock, environment: Mapping[str, str], selection: Selection) -> None:
        self._lock, self._selection = lock, selection
        # `3.13.0+` of a Python that somebody built between two releases
        self._full = environment["python_full_version"].rstrip("+")
        self._given = environment
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
        # Of what the file does not say so that it can be read, nothing is missing: that is told, and nothing after it.
        self._names = {
            "extras": None if "extras" in lock.unread else lock.extras,
            "dependency_groups": None if lock.unread & {"dependency-groups", "default-groups"} else groups,
        }

    def chosen(self) -> tuple[tuple[Entry, ...], list[_Found]]:
        """The packages that are wanted, each name once, and what is against that."""
        found = [_Found("", problem) for problem in self._against_target()]
        wanted: dict[str, Entry] = {}
        for entry in self._lock.entries:
            holds = self._holds(entry)
            if isinstance(holds, Problem):
                found.append(_Found(entry.name, holds))
            elif holds:
                found += [_Found(entry.name, problem) for problem in self._faults(entry, wanted.get(entry.name))]
                wanted.setdefault(entry.name, entry)
            elif entry.leads_out:
                found.append(_Found(entry.name, entry.leads_out))
        if not wanted and not found and not self._lock.problems:
            why = "no package of the file is for this target"
            empty = Problem("there is nothing to install", self._lock.name, why, self._lock.again, "EMPTY")
            found.append(_Found("", empty))
        return tuple(wanted.values()), found

    def advised(self, found: Sequence[_Found]) -> Iterator[Problem]:
        """The problems, with the flag that helps where one does: with it the problem is gone, and no other comes."""
        kinds = {one.kind for one in found}
        for one in found:
            helps = one.problem.rule in _OF_TARGET
            others = self._of_others.items() if helps else ()
            left = {flag: len(there) for flag, there in others if there <= kinds - {one.kind}}
            best = min(left, key=lambda flag: left[flag], default="")
            yield replace(one.problem, fix=_with_flag(best, one.problem.fix)) if best else one.problem

    @cached_property
    def _of_others(self) -> dict[str, set[tuple[str, str]]]:
        """What is against the choice with another Python, the nearest first, or on another platform."""
        if self._given.get("implementation_name") != "cpython":
            return {}
        here = self._given["python_version"]

        def distance(version: str) -> tuple[int, int]:
            return abs(_minor(version) - _minor(here)), -_minor(version)

        others = sorted({*self._selection.pythons} - {here}, key=distance)
        chosen = {f"--python {version}": self._with(version).chosen() for version in others}
        for machine, those in self._selection.platforms.items():
            other = replace(self._selection, tags=those)
            there = _Chooser(self._lock, {**self._given, "platform_machine": machine}, other)
            chosen[f"--platform {machine}"] = there.chosen()
        return {flag: {one.kind for one in found} for flag, (wanted, found) in chosen.items() if wanted}

    def _with(self, version: str) -> _Chooser:
        """The same for another Python X.Y on this machine."""
        full = f"{version}.{_MICRO}"
        more = {"python_version": version, "python_full_version": full, "implementation_version": full}
        other = replace(self._selection, tags=_tags_of(version, self._selection.tags))
        return _Chooser(self._lock, {**self._given, **more}, other)

    def _against_target(self) -> Iterator[Problem]:
        """What is against the file as a whole."""
        lock = self._lock
        for flag, unknown, known, names in (
            ("--extra", self._unknown_extras, lock.extras, self._names["extras"]),
            ("--group", self._unknown_groups, lock.dependency_groups, self._names["dependency_groups"]),
        ):
            for name in unknown if names is not None else ():
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
                lock.again,
                "REQUIRES_PYTHON",
            )
        yield from self._of_environments()

    def _of_environments(self) -> Iterator[Problem]:
        """What is against the target in the environments that the file is for: it has to be one of them."""
        lock, doubts = self._lock, dict[str, str]()
        for marker in map(str, lock.environments):
            try:
                if holds_in_lock(marker, self._environment, self._names):
                    return
            except (Undecidable, RecursionError) as error:
                doubts[marker] = _reason(error)
        if doubts:
            marker, why = next(iter(doubts.items()))
            what = f"nobody can say whether it is for {self.target}: of its environments {shown(marker, 120)}"
            yield Problem(what, lock.name, why, f"correct it, or {lock.again}", "MARKER")
        elif lock.environments:
            yield Problem(
                f"it is not for {self.target}",
                lock.name,
                "it is for " + shown(" or ".join(map(str, lock.environments[:3])), 300),
                lock.again,
                "ENVIRONMENTS",
            )

    def _admits(self, specifier: SpecifierSet) -> bool:
        # the interpreter itself may be a release candidate
        return specifier.contains(self._full, prereleases=True)

    def _holds(self, entry: Entry) -> bool | Problem:
        """Whether the package is meant for the target; a problem where its marker does not tell."""
        if not entry.marker:
            return True
        try:
            return holds_in_lock(entry.marker, self._environment, self._names)
        except (Undecidable, RecursionError) as error:
            what = f"nobody can say whether {entry.name} is meant: its marker is {shown(entry.marker, 120)}"
            return self._problem(entry, what, _reason(error), f"correct it, or {self._lock.again}", "MARKER")

    def _faults(self, entry: Entry, first: Entry | None) -> Iterator[Problem]:
        """What is against a package that is meant for the target; `first` is another of its name."""
        if entry.faults:
            yield from entry.faults
            return
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
                self._lock.again,
                "REQUIRES_PYTHON",
            )
        if entry.source:
            yield self._of_source(entry)
        elif not entry.version:
            why = "its files are of several versions"
            yield self._problem(entry, f"{entry.name} has no version", why, self._lock.again, "UNPINNED")
        else:
            yield from self._of_files(entry)

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

    def _of_files(self, entry: Entry) -> Iterator[Problem]:
        """What is against the files of which one is wanted; what is wrong with others matters to nobody here."""
        fitting = [wheel for wheel in entry.wheels if self._fits(wheel)]
        sdist, sdists = entry.sdist, self._selection.sdists
        if not fitting and sdist and sdists is not None and entry.name in sdists:
            fitting = [sdist]
        if fitting:
            yield from _faults_of(fitting)
            return
        # One of those may be for the target, or be what is built instead.
        yield from _faults_of(wheel for wheel in entry.wheels if not wheel.tags)
        yield from _faults_of([sdist] if sdist and sdists is not None else [])
        if sdist or any(wheel.tags for wheel in entry.wheels):
            yield self._without_wheel(entry)

    def _fits(self, wheel: LockedFile) -> bool:
        tags = self._selection.tags
        return not tags or not wheel.tags.isdisjoint(tags)

    def _without_wheel(self, entry: Entry) -> Problem:
        builds = self._selection.sdists is not None
        may_build = builds and entry.sdist is not None and entry.sdist.fault is None
        why = [self._listed(entry)] if any(wheel.tags for wheel in entry.wheels) else []
        why += ["source is built only where that is allowed by name"] if may_build else []
        why += [] if builds else ["nothing is built from source here"]
        return self._problem(
            entry,
            f"{entry.name}=={entry.version} has no wheel for {self.target}" + (", only source" if entry.sdist else ""),
            "; ".join(why) or "what there is cannot be taken",
            f"build with --allow-sdist {entry.name}, or {self._lock.again}" if may_build else self._lock.again,
            "NO_WHEEL",
        )

    def _listed(self, entry: Entry) -> str:
        """The tags that there are wheels for, those of this platform first."""
        ours = {tag.rpartition("-")[2] for tag in self._selection.tags} - {"any"}
        tags_there = {tag for wheel in entry.wheels for tag in wheel.tags}
        found = sorted(tags_there, key=lambda tag: (tag.rpartition("-")[2] not in ours, tag))
        more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
        return shown(f"it has wheels for {', '.join(found[:_FEW])}{more}", 400)

    def _problem(self, entry: Entry, what: str, why: str, fix: str, rule: str) -> Problem:
        return Problem.at(self._lock.name, entry.line, what, why, fix, rule)


def _reason(error: Undecidable | RecursionError) -> str:
    return str(error) if isinstance(error, Undecidable) else "it is nested too deeply"


_SPOKEN = {"vcs": "a repository", "directory": "a folder", "archive": "an archive"}


def _faults_of(files: Iterable[LockedFile]) -> Iterator[Problem]:
    return (file.fault for file in files if file.fault)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _tags_of(version: str, those: Collection[str]) -> frozenset[str]:
    """The tags of Python `version` on the machine where the target's Python has `those`; none where these are not
    judged."""
    platforms = sorted({tag.rpartition("-")[2] for tag in those} - {"any"})
    number, name = (3, _minor(version)), f"cp3{_minor(version)}"
    if not those:
        return frozenset()
    specific = tags.cpython_tags(number, abis=[name], platforms=platforms)
    generic = tags.compatible_tags(number, interpreter=name, platforms=platforms)
    return frozenset(map(str, (*specific, *generic)))


def _known(asked: tuple[str, ...], there: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The names of `there` that are asked for, as the file writes them, and those that it does not have."""
    names = {canonicalize_name(one): one for one in there}
    known = [names[canonicalize_name(one)] for one in asked if canonicalize_name(one) in names]
    return sorted(set(known)), [one for one in dict.fromkeys(asked) if canonicalize_name(one) not in names]


def _with_flag(flag: str, fix: str) -> str:
    """The fix, behind the one of the flag: `build with --python 3.12, or lock again ...`."""
    return f"build with {flag}, or {fix.replace('build with ', 'with ')}"


def _pinned(lock: Pylock, entries: tuple[Entry, ...], chooser: _Chooser) -> Pinned:
    lines = [f"# The pins of pylock.given.toml for {chooser.target}, written by venvbuild."]
    chosen = [f"--extra {name}" for name in chooser.extras] + [f"--group {name}" for name in chooser.groups]
    if chosen:
        lines.append(f"# With {', '.join(map(shown, chosen))}.")
    parts = []
    for entry in entries:
        files = [*entry.wheels, *([entry.sdist] if entry.sdist else [])]
        parts.append(Part(len(lines) + 1, lock.name, entry.line))
        hashes = sorted({file.digest for file in files if file.digest})
        lines += " \\\n    --hash=".join((f"{entry.name}=={entry.version}", *hashes)).split("\n")
    return Pinned("".join(f"{line}\n" for line in lines).encode(), tuple(parts))
