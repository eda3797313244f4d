"""The whole file: its lines judged one by one, and what only shows between them (`comparisons`).

    lines    bytes -> Lines             decoded, joined, nothing hidden
    joined   files -> Joined            with those that its `-r` lines include
    pins     Line -> Pin, options or Fault    (markers, faults, foreign_lines, locations, options, system_packages)
    here     Joined -> Requirements     -> normalised(), the copy that pip and uv read
    pylock   bytes -> Pylock            -> selection, a file of the pins that are wanted of it

A pin is `name[extras]==version [; marker] [--hash=...]`. Everything else is refused, all of it in one run. What is
accepted means the same to pip and to uv; where the two differ, the line is refused or written out of the difference.
Source: PEP 503 (names), PEP 440 (versions), PEP 508 (lines), pip's requirements file format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from venvbuild.errors import Problem, RequirementsRefused, UsageError, VenvBuildError
from venvbuild.requirements import joined, nearby
from venvbuild.requirements.comparisons import contradictions, missing_hashes, remarks
from venvbuild.requirements.documents import is_pylock_name, recognised, without_project
from venvbuild.requirements.faults import VERSION_WANTED, Fault, with_command
from venvbuild.requirements.foreign_lines import is_merge_mark
from venvbuild.requirements.joined import MAX_BYTES, Joined, NoSuchFile, Part, TooLarge
from venvbuild.requirements.lines import Line
from venvbuild.requirements.options import Answer, OptionLine, Options, Sources
from venvbuild.requirements.pins import Pin, judge_line
from venvbuild.requirements.selection import Selection, refuse_choice, selected
from venvbuild.requirements.system_packages import system_package
from venvbuild.text import count_text, shown

MAX_FILE_BYTES = MAX_BYTES
# A binary file has a problem in every line; more than this nobody reads, and a job's log should not hold.
_MAX_PROBLEMS = 10_000


_PROJECTS = ("EDITABLE", "LOCAL_PATH")
_OPEN = ("UNPINNED", "WILDCARD_PIN")
"""The rules of lines that name a project on this machine."""

_Place = Line | Pin
"""What a fault is about: both know their file and line."""


@dataclass(frozen=True)
class Suggested:
    """Versions for what a file leaves open."""

    versions: Mapping[str, str]
    """PEP 503 name -> version; what could not be found in time is left out."""
    fit: Collection[str] = ()
    """The names whose version was resolved together with the pins; else it is the newest."""


Suggest = Callable[[Sequence[tuple[str, str]], Sequence[str]], Suggested]
"""From (PEP 503 name, specifier) pairs and the pins beside them (`name[extra]==1.0`)."""


class SaidSize(NamedTuple):
    """What a lock says of the size of a file."""

    size_bytes: int
    where: str
    """`pylock.toml:7`, of the package."""
    line: int


@dataclass(frozen=True)
class Requirements:
    """A requirements file that was accepted."""

    path: str
    """As messages show it."""
    sha256: str
    """Of what was given, in hex: `pylock`, or else `content`."""
    pins: tuple[Pin, ...]
    """In the order of the file, repetitions included."""
    warnings: tuple[Problem, ...]
    content: bytes = field(default=b"", repr=False)
    """The given bytes; of a file that includes others, what they were joined to."""
    parts: tuple[Part, ...] = ()
    """Where the lines of `content` come from; empty when it is one file."""
    pylock: bytes = field(default=b"", repr=False)
    """The pylock.toml that was given and whose pins `content` has; empty when it was no such file."""

    @property
    def active(self) -> tuple[Pin, ...]:
        """The pins whose marker holds on the target."""
        return tuple(pin for pin in self.pins if pin.holds)

    @property
    def sizes(self) -> dict[str, SaidSize]:
        """What a pylock.toml says of the files of its pins, by file name; nothing of any other file."""
        if not self.pylock:
            return {}
        from venvbuild.requirements.pylock import read_pylock

        pins = {(pin.canonical_name, pin.line) for pin in self.pins}
        entries = [one for one in read_pylock(self.pylock, self.path).entries if (one.name, one.line) in pins]
        return {
            file.name: SaidSize(file.size_bytes, f"{self.path}:{entry.line}", entry.line)
            for entry in entries
            for file in (*entry.wheels, *([entry.sdist] if entry.sdist else []))
            if file.size_bytes is not None
        }

    def normalised(self) -> str:
        """The copy for pip and uv: a line for each pin in the order of the file, equal ones merged with all extras."""
        merged: dict[tuple[str, Version, str | None, tuple[str, ...]], Pin] = {}
        for pin in self.pins:
            # by what they mean: `1.0` and `1.0.0` are one version; pins with other markers or hashes stay apart
            key = (pin.canonical_name, Version(pin.version), pin.marker, pin.hashes)
            first = merged.get(key)
            merged[key] = replace(first, extras=tuple(sorted({*first.extras, *pin.extras}))) if first else pin
        return "".join(f"{pin.as_requirement()}\n" for pin in merged.values())


def read(
    path: Path,
    environment: Mapping[str, str],
    suggest: Suggest | None = None,
    sources: Sources | None = None,
    selection: Selection | None = None,
) -> Requirements:
    """The requirements in the file at `path` and those that it includes; see `parse`.

    Of a pylock.toml, which is known by its name (PEP 751), those packages that `selection` wants.

    Raises:
        UsageError: there is no such file (names the pinned ones that are near), it is no regular file, or it cannot be
            read. Extras or groups are wanted, and it is no pylock.toml.
        RequirementsRefused: over `MAX_FILE_BYTES` (told by its size, before it is read), or as `parse`.
    """
    sources, selection = sources or Sources(), selection or Selection()
    try:
        return _read(path, None, environment, suggest, sources, selection)
    except NoSuchFile as error:

        def is_pinned(other: Path) -> bool:
            try:
                _read(other, nearby.MAX_BYTES, environment, None, sources, selection)
            except VenvBuildError:
                return False
            return True

        fix = nearby.way_out(path, is_pinned, environment["python_version"])
        what = "there is no such requirements file"
        raise UsageError.of([replace(error.problems[0], what=what, fix=fix)]) from error


def _read(
    path: Path,
    max_bytes: int | None,
    environment: Mapping[str, str],
    suggest: Suggest | None,
    sources: Sources,
    selection: Selection,
) -> Requirements:
    name = shown(str(path), 200)
    try:
        if is_pylock_name(path.name):
            content = joined.content_of(path, name, max_bytes or MAX_FILE_BYTES)
            return _of_pylock(content, name, environment, sources, selection)
        whole = joined.of_file(path, max_bytes)
    except TooLarge as exc:
        raise _too_large(name, exc.size_bytes, is_pylock=is_pylock_name(path.name)) from None
    refuse_choice(selection, name)
    return _accepted(whole, name, _judge(whole, environment), suggest, sources)


def _of_pylock(
    content: bytes, name: str, environment: Mapping[str, str], sources: Sources, selection: Selection
) -> Requirements:
    # Only here: most files are none, and what reads it takes as long to load as all the rest.
    from venvbuild.requirements.pylock import read_pylock

    pinned = selected(read_pylock(content, name), environment, selection)
    # Judged as any other file, too: what is accepted means the same to pip and to uv.
    whole = joined.of_bytes(pinned.content, name, pinned.parts)
    accepted = _accepted(whole, name, _judge(whole, environment), None, sources)
    return replace(accepted, sha256=hashlib.sha256(content).hexdigest(), pylock=content)


def parse(
    content: bytes,
    name: str,
    environment: Mapping[str, str],
    suggest: Suggest | None = None,
    sources: Sources | None = None,
) -> Requirements:
    """The requirements in `content`, or every reason why it is refused.

    `name` is the file as messages show it. `environment` is the target's marker environment, as
    `packaging.markers.default_environment()` gives it there. `suggest` is asked once, for all packages whose line
    lacks a version, so that the fix can name one; it answers for those it can and raises nothing. An option line that
    names one of `sources` changes nothing, and is accepted.

    Raises:
        RequirementsRefused: with a `Problem` for each line that is not an exact pin, in the order of the file.
    """
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(name, len(content))
    whole = joined.of_bytes(content, name)
    return _accepted(whole, name, _judge(whole, environment), suggest, sources or Sources())


def reread(content: bytes, name: str, environment: Mapping[str, str], parts: Sequence[Part] = ()) -> Requirements:
    """The requirements in `content`, which was accepted once: its option lines are not judged again.

    `parts` are those that it was accepted with; without, its lines are those of one file.

    Raises:
        RequirementsRefused: it is not what was accepted.
    """
    whole = joined.of_bytes(content, name, parts)
    return _accepted(whole, name, replace(_judge(whole, environment), options=()), None, Sources())


@dataclass(frozen=True)
class _Judged:
    """What the lines of a file turned out to be."""

    python: str
    """The target's, `3.11`."""
    pins: tuple[Pin, ...]
    faults: tuple[tuple[_Place, Fault], ...]
    options: tuple[OptionLine, ...]
    documents: frozenset[str]
    """The files that are another tool's: each has one fault, and nothing else of it counts."""
    is_merging: bool


def _accepted(whole: Joined, name: str, judged: _Judged, suggest: Suggest | None, sources: Sources) -> Requirements:
    pins, faults = judged.pins, [*judged.faults, *_between(judged, name if whole.parts else "")]
    pinned = {pin.canonical_name: bool(pin.hashes) for pin in pins}
    answers = list(Options(judged.options, pinned, sources).answers())
    faults = _pinned_elsewhere(_within_limits(faults, answers), pins)
    faults += ((answer.line, answer.fault) for answer in answers if not answer.is_note)
    # all before any is raised: nobody should mend fourteen pins in fourteen runs
    problems = [
        _problem(place, fault, judged.python) for place, fault in _complete(_exported(faults, whole), pins, suggest)
    ]
    problems += (
        problem for file, text in whole.texts.items() if file not in judged.documents for problem in text.problems
    )
    if not problems and not pins:
        problems.append(
            Problem(
                "there is nothing to install",
                name,
                "the file has no requirement",
                "write at least one name==version",
                "EMPTY",
            )
        )
    if problems:
        raise RequirementsRefused.of(_limited(_in_order(problems, whole), name))
    warnings = [problem for text in whole.texts.values() for problem in text.warnings]
    warnings += (_problem(answer.line, answer.fault, judged.python) for answer in answers)
    warnings += (_problem(pin, fault, judged.python) for pin, fault in remarks(pins))
    warnings = [*_joined_note(whole, name), *_in_order(warnings, whole)]
    digest = hashlib.sha256(whole.content).hexdigest()
    return Requirements(name, digest, pins, tuple(warnings), whole.content, whole.parts)


def _judge(whole: Joined, environment: Mapping[str, str]) -> _Judged:
    pins: list[Pin] = []
    faults: list[tuple[_Place, Fault]] = [*whole.faults]
    options: list[OptionLine] = []
    documents: dict[str, Fault | None] = {}
    is_merging = False
    for line in whole.lines:
        if documents and documents.get(line.file):
            continue  # a page of HTML has nothing else to say, but hundreds of lines
        judged = judge_line(line, environment)
        if isinstance(judged, Pin):
            pins.append(judged)
        elif isinstance(judged, OptionLine):
            options.append(judged)
        else:
            if line.file not in documents:
                documents[line.file] = recognised(whole.texts[line.file].text, line.file)
            is_merging |= is_merge_mark(line.text)
            faults.append((line, documents[line.file] or judged))
    others = frozenset(name for name, fault in documents.items() if fault)
    if others:  # what was found in one of them before it was known is no requirement of anybody's
        pins = [pin for pin in pins if pin.file not in others]
        options = [one for one in options if one.line.file not in others]
        faults = [
            (place, fault) for place, fault in faults if place.file not in others or fault == documents[place.file]
        ]
    return _Judged(environment["python_version"], tuple(pins), tuple(faults), tuple(options), others, is_merging)


def _between(judged: _Judged, joined_from: str) -> Iterator[tuple[_Place, Fault]]:
    """The faults that no pin has alone; `joined_from` is the file that includes others, if one does."""
    of_the_system = [(pin, fault) for pin in judged.pins if (fault := system_package(pin.name, pin.version))]
    yield from of_the_system
    going = {pin for pin, _ in of_the_system}
    yield from missing_hashes([pin for pin in judged.pins if pin not in going], joined_from)
    if not judged.is_merging:  # both sides of a merge contradict each other; that is its one problem
        yield from contradictions(judged.pins)


def _exported(faults: list[tuple[_Place, Fault]], whole: Joined) -> list[tuple[_Place, Fault]]:
    """The faults; where a tool wrote the project itself into its export, with the command that leaves it out."""
    fixes = {
        file: without_project(whole.texts[file].text)
        for file in {place.file for place, fault in faults if fault.rule in _PROJECTS}
    }
    return [
        (place, replace(fault, fix=fixes[place.file]) if fault.rule in _PROJECTS and fixes[place.file] else fault)
        for place, fault in faults
    ]


def _pinned_elsewhere(faults: list[tuple[_Place, Fault]], pins: Sequence[Pin]) -> list[tuple[_Place, Fault]]:
    """The faults; what is open and has a pin on another line, which it admits, can go."""
    pinned = {pin.canonical_name: pin for pin in pins if pin.holds}
    return [
        (place, replace(fault, fix=f"remove the line: line {pinned[fault.name].line} pins it", name=""))
        if fault.rule in _OPEN
        and fault.name in pinned
        and SpecifierSet(fault.specifier).contains(pinned[fault.name].version, prereleases=True)
        else (place, fault)
        for place, fault in faults
    ]


def _within_limits(faults: list[tuple[_Place, Fault]], answers: Sequence[Answer]) -> list[tuple[_Place, Fault]]:
    """The faults; beside a line `-c`, whose file may not allow the newest version, open ones have the fix of that."""
    limits = next((one.fault for one in answers if one.fault.rule == "NESTED_FILE"), None)
    return [
        (place, replace(fault, fix=limits.fix, name="") if limits and fault.rule in _OPEN else fault)
        for place, fault in faults
    ]


def _complete(
    faults: list[tuple[_Place, Fault]], pins: Sequence[Pin], suggest: Suggest | None
) -> list[tuple[_Place, Fault]]:
    """The faults with a version in their fixes, as far as `suggest` knows one."""
    # each package once: the index is asked over the network
    wanted = tuple(dict.fromkeys((fault.name, fault.specifier) for _, fault in faults if fault.name))
    if not suggest or not wanted:
        return faults
    beside = tuple(dict.fromkeys(pin.bare for pin in pins if pin.holds))
    suggested = suggest(wanted, beside)
    is_alone = len(wanted) + len(beside) == 1
    return [
        (place, _with_version(fault, suggested.versions, is_sure=is_alone or fault.name in suggested.fit))
        for place, fault in faults
    ]


def _with_version(fault: Fault, versions: Mapping[str, str], *, is_sure: bool) -> Fault:
    if VERSION_WANTED not in fault.fix:
        return fault
    try:
        version = str(Version(versions.get(fault.name, "")))
    except InvalidVersion:  # the index said something odd, or nothing
        return replace(fault, fix=f"{fault.fix}; the index named none in time")
    more = "" if is_sure else ", the newest; whether it fits the other lines is not known"
    return replace(fault, fix=fault.fix.replace(VERSION_WANTED, version) + more)


def _problem(place: _Place, fault: Fault, python: str) -> Problem:
    """`python` is the target's, `3.11`."""
    line = place.number if isinstance(place, Line) else place.line
    fix = with_command(fault.fix, place.file, python)
    return Problem.at(place.file, line, fault.what, fault.why, fix, fault.rule)


def _in_order(problems: Iterable[Problem], whole: Joined) -> list[Problem]:
    """By file, and in it by line; what is about a file as a whole comes first."""
    order = {name: number for number, name in enumerate(whole.texts)}

    def place(problem: Problem) -> tuple[int, int]:
        file = problem.where.rpartition(":")[0] if problem.line else problem.where
        return order[file], problem.line or 0

    return sorted(problems, key=place)


def _joined_note(whole: Joined, name: str) -> Iterator[Problem]:
    _, *included = whole.texts
    if included:
        yield Problem(
            f"the file is joined with {count_text(len(included), 'file')} that it includes: "
            + shown(", ".join(included), 200),
            name,
            "a build keeps one file",
            "nothing to do; the joined file is the build's requirements.txt",
            "JOINED",
        )


def _limited(problems: list[Problem], name: str) -> list[Problem]:
    more = len(problems) - _MAX_PROBLEMS
    if more <= 0:
        return problems
    rest = Problem(f"{more} more lines are refused", name, "nobody reads more", "check that this is the right file")
    return [*problems[:_MAX_PROBLEMS], rest]


def _too_large(name: str, size_bytes: int, *, is_pylock: bool = False) -> RequirementsRefused:
    return RequirementsRefused(
        f"the file has {size_bytes:,} bytes",
        where=name,
        why=f"at most {MAX_FILE_BYTES:,} are read",
        fix="check that this is the pylock.toml" if is_pylock else "check that this is the requirements file",
        rule="TOO_LONG",
    )
