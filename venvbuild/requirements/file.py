"""The whole file: its lines judged one by one, and what only shows between them.

    lines   bytes -> Lines          decoded, joined, nothing hidden
    pins    Line -> Pin or Fault    (markers, faults)
    here    Pins -> Requirements    -> normalised(), the copy that pip and uv read

A pin is `name[extras]==version [; marker] [--hash=...]`. Everything else is refused, all of it in one run. What is
accepted means the same to pip and to uv; where the two differ, the line is refused or written out of the difference.
Source: PEP 503 (names), PEP 440 (versions), PEP 508 (lines), pip's requirements file format.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.version import InvalidVersion, Version

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.requirements.faults import (
    COMPILE,
    FILE_WANTED,
    VERSION_WANTED,
    Fault,
    is_merge_mark,
    is_other_document,
    with_command,
)
from venvbuild.requirements.lines import Line, read_lines
from venvbuild.requirements.pins import Pin, judge_line
from venvbuild.text import shown

MAX_FILE_BYTES = 10_000_000
# A binary file has a problem in every line; more than this nobody reads, and a job's log should not hold.
_MAX_PROBLEMS = 10_000

_TOOLS = frozenset({"pip", "setuptools", "wheel", "distribute"})

Newest = Callable[[Sequence[tuple[str, str]]], Mapping[str, str]]
"""From (PEP 503 name, specifier) pairs to the newest version of each name that it could find in time."""


@dataclass(frozen=True)
class Requirements:
    """A requirements file that was accepted."""

    path: str
    """As messages show it."""
    sha256: str
    """Of the given bytes, in hex."""
    pins: tuple[Pin, ...]
    """In the order of the file, repetitions included."""
    warnings: tuple[Problem, ...]
    content: bytes = field(default=b"", repr=False)
    """The given bytes."""

    @property
    def active(self) -> tuple[Pin, ...]:
        """The pins whose marker holds on the target."""
        return tuple(pin for pin in self.pins if pin.holds)

    def normalised(self) -> str:
        """The copy for pip and uv: a line for each pin in the order of the file, equal ones merged with all extras."""
        merged: dict[tuple[str, Version, str | None, tuple[str, ...]], Pin] = {}
        for pin in self.pins:
            # by what they mean: `1.0` and `1.0.0` are one version; pins with other markers or hashes stay apart
            key = (pin.canonical_name, Version(pin.version), pin.marker, pin.hashes)
            first = merged.get(key)
            merged[key] = replace(first, extras=tuple(sorted({*first.extras, *pin.extras}))) if first else pin
        return "".join(f"{pin.as_requirement()}\n" for pin in merged.values())


def read(path: Path, environment: Mapping[str, str], newest: Newest | None = None) -> Requirements:
    """The requirements in the file at `path`; see `parse`.

    Raises:
        UsageError: there is no such file, it is no regular file, or it cannot be read.
        RequirementsRefused: over `MAX_FILE_BYTES` (told by its size, before it is read), or as `parse`.
    """
    name = shown(str(path), 200)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise UsageError(f"it is {kind}", where=name, fix="name the requirements file with -r FILE")
        if status.st_size > MAX_FILE_BYTES:
            # by its size, unread: a file of gigabytes must not fill the memory first
            raise _too_large(name, status.st_size)
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)  # it may have grown since
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(
            f"the requirements file cannot be read: {reason}",
            where=name,
            fix="name it with -r FILE, or check its permissions",
        ) from exc
    return parse(content, name, environment, newest)


def parse(content: bytes, name: str, environment: Mapping[str, str], newest: Newest | None = None) -> Requirements:
    """The requirements in `content`, or every reason why it is refused.

    `name` is the file as messages show it. `environment` is the target's marker environment, as
    `packaging.markers.default_environment()` gives it there. `newest` is asked once, for all packages whose line
    lacks a version, so that the fix can name one; it answers for those it can and raises nothing.

    Raises:
        RequirementsRefused: with one `Problem` a line that is not an exact pin, in the order of the file.
    """
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(name, len(content))
    text = read_lines(content, name)
    pins, faults = _judge(text.lines, environment)
    # all before any is raised: nobody should mend fourteen pins in fourteen runs
    completed = _complete(faults, newest)
    problems = [*text.problems, *(_problem(fault, name, line, environment) for line, fault in completed)]
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
        raise RequirementsRefused.of(_limited(sorted(problems, key=_line_number), name))
    warnings = [*text.warnings, *(_problem(fault, name, line, environment) for line, fault in _warnings(pins))]
    warnings.sort(key=_line_number)
    digest = hashlib.sha256(content).hexdigest()
    return Requirements(name, digest, pins, tuple(warnings), content)


def _judge(lines: Iterable[Line], environment: Mapping[str, str]) -> tuple[tuple[Pin, ...], list[tuple[int, Fault]]]:
    pins: list[Pin] = []
    faults: list[tuple[int, Fault]] = []
    is_merging = False
    for line in lines:
        judged = judge_line(line, environment)
        if isinstance(judged, Pin):
            pins.append(judged)
            continue
        faults.append((line.number, judged))
        is_merging |= is_merge_mark(line.text)
        if not pins and len(faults) == 1 and is_other_document(line.text):
            return (), faults  # a page of HTML has nothing else to say, but hundreds of lines
    faults.extend(_missing_hashes(pins))
    if not is_merging:  # both sides of a merge contradict each other; that is its one problem
        faults.extend(_contradictions(pins))
    return tuple(pins), faults


def _missing_hashes(pins: Sequence[Pin]) -> Iterator[tuple[int, Fault]]:
    """Pins without hashes in a file that has some."""
    # Whatever their markers: a hash on any line makes pip ask for one on every line it installs, uv only checks those
    # that are there; and the verdict on a file should not depend on the target.
    hashed = next((pin for pin in pins if pin.hashes), None)
    for pin in pins:
        if hashed and not pin.hashes:
            yield (
                pin.line,
                Fault(
                    "HASH_MISSING",
                    f"{shown(pin.as_requirement())} has no hash",
                    f"line {hashed.line} has one, and all have or none has",
                    f"add all hashes: {COMPILE} -o {FILE_WANTED} {FILE_WANTED}",
                ),
            )


def _contradictions(pins: Sequence[Pin]) -> Iterator[tuple[int, Fault]]:
    """Pins of one name that hold together on the target and differ, each told against the first of its name."""
    firsts: dict[str, Pin] = {}
    for pin in pins:
        # a pin that does not hold here meets nobody: `a==1; python_version<"3.9"` beside `a==2` is how it is meant
        first = firsts.setdefault(pin.canonical_name, pin) if pin.holds else pin
        if first is pin:
            continue
        if Version(first.version) != Version(pin.version):
            yield (
                pin.line,
                Fault(
                    "DUPLICATE_CONFLICT",
                    f"{_written(pin)} contradicts {_written(first)} on line {first.line}",
                    "one environment has one version of a package",
                    "keep one of the two lines",
                ),
            )
        elif first.hashes and pin.hashes and first.hashes != pin.hashes:
            # seen: pip checks the list of the first line, uv that of the last
            yield (
                pin.line,
                Fault(
                    "HASH_CONFLICT",
                    f"{_written(pin)} has other hashes than on line {first.line}",
                    "pip checks the first list, uv the last",
                    "keep one of the two lines, with all hashes",
                ),
            )


def _complete(faults: list[tuple[int, Fault]], newest: Newest | None) -> list[tuple[int, Fault]]:
    """The faults with the newest version in their fixes, as far as `newest` knows it."""
    # each package once: the index is asked over the network
    wanted = tuple(dict.fromkeys((fault.name, fault.specifier) for _, fault in faults if fault.name))
    versions = newest(wanted) if newest and wanted else {}
    return [(line, _with_version(fault, versions.get(fault.name, ""))) for line, fault in faults]


def _with_version(fault: Fault, version: str) -> Fault:
    try:
        return replace(fault, fix=fault.fix.replace(VERSION_WANTED, str(Version(version))))
    except InvalidVersion:  # the index said something odd, or nothing
        return fault


def _warnings(pins: Sequence[Pin]) -> Iterator[tuple[int, Fault]]:
    lines_of: dict[tuple[str, Version, tuple[str, ...], str | None], list[int]] = {}
    for pin in pins:
        version = Version(pin.version)
        lines_of.setdefault((pin.canonical_name, version, pin.extras, pin.marker), []).append(pin.line)
        if not pin.holds:
            yield (
                pin.line,
                Fault(
                    "MARKER_FALSE",
                    f"{_written(pin)} is not installed here",
                    shown(f"false is: {pin.marker}"),
                    "nothing to do if that is meant",
                ),
            )
        if version.is_prerelease:
            yield (
                pin.line,
                Fault(
                    "PRERELEASE",
                    f"{_written(pin)} is a pre-release",
                    "it was not meant for production",
                    "pin a final release if there is one",
                ),
            )
        if pin.canonical_name in _TOOLS:
            yield (
                pin.line,
                Fault(
                    "TOOL_PIN",
                    f"{_written(pin)} pins an installer",
                    "it changes the environment only",
                    "remove it unless your code imports it",
                ),
            )
    for (name, version, *_), lines in lines_of.items():
        if len(lines) > 1:
            listed = shown(", ".join(map(str, lines[:20])))
            yield (
                lines[1],
                Fault(
                    "DUPLICATE",
                    f"{shown(name)}=={version} stands on {len(lines)} lines: {listed}",
                    "once is enough",
                    "keep one of them",
                ),
            )


def _written(pin: Pin) -> str:
    return f"{shown(pin.name)}=={pin.version}"


def _problem(fault: Fault, name: str, line: int, environment: Mapping[str, str]) -> Problem:
    fix = with_command(fault.fix, name, environment)
    return Problem.at(name, line, fault.what, fault.why, fix, fault.rule)


def _line_number(problem: Problem) -> int:
    return problem.line or 0


def _limited(problems: list[Problem], name: str) -> list[Problem]:
    more = len(problems) - _MAX_PROBLEMS
    if more <= 0:
        return problems
    rest = Problem(f"{more} more lines are refused", name, "nobody reads more", "check that this is the right file")
    return [*problems[:_MAX_PROBLEMS], rest]


def _too_large(name: str, size_bytes: int) -> RequirementsRefused:
    return RequirementsRefused(
        f"the file has {size_bytes:,} bytes",
        where=name,
        why=f"at most {MAX_FILE_BYTES:,} are read",
        fix="check that this is the requirements file",
        rule="TOO_LONG",
    )
