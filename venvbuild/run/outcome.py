"""What became of a run, read from its work dir for those who tell people: reports and notifications.

A run that was refused or stopped has an outcome too. All text in it is redacted, printable and of bounded length, so
whoever writes it down has only the rules of his format to keep.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.builds import Metadata, places
from venvbuild.errors import ConflictsFound, RequirementsRefused
from venvbuild.installed import distributions_of
from venvbuild.run import reported, summary, workdir
from venvbuild.run.reported import Reported
from venvbuild.run.results import Checked, Created, Uploaded
from venvbuild.run.summary import Summary
from venvbuild.run.workdir import STEPS, VENV, Failure, Remembered, WorkDir
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild import requirements

_MAX_TEXT = 2000  # of one sentence; the longest honest one, a resolver's explanation, has a few hundred
_MAX_LOG_LINE = 500
_LAST_LINES = 40
_LOG_TAIL_BYTES = 1 << 16
_AT_A_LINE = re.compile(r"(?P<file>[^:]+):(?P<line>[1-9][0-9]{0,6}): (?P<what>.*)", re.DOTALL)
_LOG_RECORD = re.compile(r"[0-9-]{10}T[0-9:]{8}Z (?P<text>.*)")


@dataclass(frozen=True)
class Complaint:
    """Something that is wrong, for a person to mend."""

    what: str
    where: str = ""
    """`requirements.txt:7`, a URL, a file; may be empty."""
    why: str = ""
    fix: str = ""
    kind: str = ""
    """The type of a conflict (`version`, `missing`); `pins` for pins that contradict each other; `warning` for what was
    warned of; else empty."""
    chain: tuple[str, ...] = ()
    """How a conflict comes about: from a pin to the package in question."""
    packages: tuple[str, ...] = ()
    """PEP 503 names of those that a conflict is about."""
    line: int | None = None
    """Of the requirements file, from 1: the pin that it is about, or that leads there."""

    @property
    def headline(self) -> str:
        """What, after the place where that is no line of the requirements file."""
        return f"{self.where}: {self.what}" if self.where and self.line is None else self.what

    @property
    def text(self) -> str:
        """The headline, then how it comes about, why and fix, a line each."""
        chain = " -> ".join(self.chain) if len(self.chain) > 1 else ""
        parts = (("", self.headline), ("by: ", chain), ("why: ", self.why), ("fix: ", self.fix))
        return "\n".join(label + part for label, part in parts if part)


@dataclass(frozen=True)
class Step:
    """One of the seven."""

    name: str
    status: str
    """`passed`, `failed`, `not ended` (cut short, or at work) or `not run`."""
    seconds: float | None


@dataclass(frozen=True)
class Pin:
    """A line of the requirements file."""

    name: str
    """PEP 503."""
    requirement: str
    """`kedro[extra]==0.19.1`."""
    version: str
    line: int
    """0 when it stands in a file that is included."""
    status: str
    """`installed` at its version, `differs`, `absent`, `not meant` (its marker is false here), or `not run`."""
    found: str = ""
    """The version that is installed instead."""
    where: str = ""
    """`requirements.txt:7`."""


@dataclass(frozen=True)
class Package:
    """An installed distribution."""

    name: str
    version: str
    size_bytes: int | None
    """By its RECORD; None when that is not known."""
    needs: tuple[str, ...]
    """Names of installed packages, sorted; empty before `inspect`."""
    is_pinned: bool
    """Whether the requirements file names it."""


@dataclass(frozen=True)
class Outcome:
    """One run."""

    summary: Summary
    requirements_file: str
    """As it was given to `check`; empty when not even that is known."""
    exit_code: int
    """0 unless a step failed; of one that was aborted nothing more is known."""
    steps: tuple[Step, ...]
    problems: tuple[Complaint, ...]
    """Why the run failed, other than by conflicts."""
    conflicts: tuple[Complaint, ...]
    notes: tuple[Complaint, ...]
    """What was warned of, and what inspection noticed; no run fails for it."""
    pins: tuple[Pin, ...]
    """In the order of the file; empty when it was refused."""
    packages: tuple[Package, ...]
    """By name; empty before `create` has ended."""
    build_url: str
    source_revision: str
    metadata: Metadata | None
    """Of the committed build."""
    last_lines: tuple[str, ...]
    """Of build.log."""
    ended_at: str
    """When the last of its steps ended, or began if it has not ended; UTC, `2025-07-22T08:30:00Z`; may be empty."""

    @property
    def is_failed(self) -> bool:
        """Whether the run did not come to its end."""
        return self.summary.stopped_at is not None

    @property
    def verdict(self) -> str:
        """`conflict free`, `3 conflicts`, `stopped at create`, in a few words for a headline."""
        return self.summary.description.split(", ")[0] if self.is_failed else self.summary.conflicts_text

    @property
    def seconds(self) -> float | None:
        """What its steps took; None of a run that did not come to its end."""
        # how long a step took that failed nobody knows, and without it the sum would mislead
        return None if self.is_failed else sum(step.seconds or 0 for step in self.steps)

    @property
    def size_bytes(self) -> int:
        """Of all packages."""
        return sum(package.size_bytes or 0 for package in self.packages)


def outcome_of(folder: Path) -> Outcome | None:
    """The outcome of the run in a work dir; None when no run has begun in it."""
    work, found = workdir.recorded_work_dir(folder), summary.summary_of(folder)
    if work is None or found is None:
        return None
    is_refused = found.stopped_at == "check"
    failure = work.failure or Failure(step="", exit_code=0, problems=[])
    asked = work.asked
    blank = Outcome(
        summary=replace(
            found, env_name=_text(found.env_name) or None, python_version=_text(found.python_version) or None
        ),
        requirements_file=_text(asked.get("requirements")),
        exit_code=failure["exit_code"],
        steps=() if is_refused else tuple(_step(name, work) for name in STEPS),
        problems=tuple(_problem(one, asked) for one in failure["problems"]),
        conflicts=(),
        notes=(),
        pins=(),
        packages=(),
        build_url=_text(asked.get("build_url")),
        source_revision=_text(asked.get("source_revision")),
        metadata=None,
        last_lines=_last_lines(folder / places.BUILD_LOG),
        ended_at=_text(work.changed_at),
    )
    if is_refused:
        # what lies there, the log too, is of an earlier run
        steps = tuple(Step(name, "failed" if name == "check" else "not run", None) for name in STEPS)
        return replace(blank, steps=steps, last_lines=())
    return _with_what_was_made(blank, folder, work, is_conflict=failure["exit_code"] == ConflictsFound.exit_code)


def _with_what_was_made(blank: Outcome, folder: Path, work: WorkDir, *, is_conflict: bool) -> Outcome:
    pins = _Pins.read(folder, work)
    packages = _packages(folder, work, pins) if work.has_ended("create") else ()
    findings = reported.findings(folder) if summary.has_inspected(work) else None
    noticed = [(one["is_failure"], _finding(one, pins)) for one in findings or ()]
    conflicts = tuple(complaint for is_failure, complaint in noticed if is_failure)
    if is_conflict and not conflicts:
        # found by the resolver, at `create`: there is no environment yet whose findings could be read
        conflicts = tuple(replace(one, kind="pins") for one in blank.problems)
    return replace(
        blank,
        problems=() if is_conflict else blank.problems,
        conflicts=conflicts,
        notes=(*_warnings(work), *(complaint for is_failure, complaint in noticed if not is_failure)),
        pins=tuple(pins.judged({one.name: one.version for one in packages}, has_run=work.has_ended("create"))),
        packages=packages,
        metadata=work.result(Uploaded).metadata if work.has_ended("upload") else None,
    )


def _text(text: Any, limit: int = _MAX_TEXT) -> str:
    return shown(str(text), limit) if text else ""


def _step(name: str, work: WorkDir) -> Step:
    if work.has_ended(name):
        return Step(name, "passed", work.duration_s(name))
    if work.failure and work.failure["step"] == name:
        return Step(name, "failed", None)
    return Step(name, "not ended" if work.begun == name else "not run", None)


def _problem(one: Remembered, asked: Mapping[str, object]) -> Complaint:
    what, where, why, fix = map(_text, (one["what"], one["where"], one["why"], one["fix"]))
    # a problem of another file has a line of that one
    line = one.get("line")
    is_of_the_file = one["where"] == f"{asked.get('requirements')}:{line}"
    return Complaint(what, where, why, fix, line=line if is_of_the_file else None)


def _finding(one: Reported, pins: _Pins) -> Complaint:
    top = one["chain"][0].partition(" ")[0] if one["chain"] else one["distribution"]
    pin = pins.pin_of(top) or pins.pin_of(one["distribution"])
    return Complaint(
        what=_text(one["sentence"]),
        where=pin.where if pin else "",
        fix=_text(one["fix"]),
        kind=_text(one["type"]),
        chain=tuple(map(_text, one["chain"])),
        packages=tuple(_name(text) for text in (one["distribution"], one["requirement"], one["found"]) if text),
        line=pins.line_of(pin) if pin else None,
    )


def _warnings(work: WorkDir) -> Iterator[Complaint]:
    """What `check` and `create` warned of."""
    lines = [*(work.result(Checked).said if work.has_ended("check") else ())]
    lines += work.result(Created).said if work.has_ended("create") else ()
    for line in lines:
        said, _, why = line.partition("; why: ")
        found = _AT_A_LINE.fullmatch(said)
        is_of_the_file = found and found["file"] == os.path.basename(str(work.asked.get("requirements")))
        yield Complaint(
            _text(found["what"] if found else said),
            _text(f"{found['file']}:{found['line']}") if found else "",
            _text(why),
            kind="warning",
            line=int(found["line"]) if found and is_of_the_file else None,
        )


def _name(text: str) -> str:
    """`httpcore` of `httpcore[http2]==1.*` and of `httpcore 0.18.0`."""
    return canonicalize_name(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0])


def pinned(content: bytes, python_full_version: str) -> dict[str, str]:
    """The pins of a requirements file that count for this Python: version by PEP 503 name.

    Raises:
        RequirementsRefused: it is not what `check` accepts.
    """
    return {pin.canonical_name: pin.version for pin in _parsed(content, python_full_version) if pin.holds}


def _parsed(
    content: bytes, full: str, parts: Sequence[tuple[int, str, int]] = (), name: str = places.REQUIREMENTS
) -> tuple[requirements.Pin, ...]:
    # Only here: a step that goes on is of this room too, and starts sooner without.
    from packaging.markers import default_environment

    from venvbuild import requirements

    # The interpreter is not asked again: it may be gone, and of what it told only its version differs from ours.
    target = {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": ".".join(full.split(".")[:2]),
        "python_full_version": full,
        "implementation_version": full,
    }
    return requirements.reread(content, name, target, [requirements.Part(*part) for part in parts]).pins


@dataclass(frozen=True)
class _Pins:
    """The pins of the work dir's copy of the file."""

    file: str
    pins: tuple[requirements.Pin, ...]

    @classmethod
    def read(cls, folder: Path, work: WorkDir) -> Self:
        name = _text(work.asked["requirements"])
        recorded = work.recorded
        try:
            content = (folder / places.REQUIREMENTS).read_bytes()
            return cls(name, _parsed(content, recorded.python_full_version, recorded.requirements_parts, name))
        except (OSError, RequirementsRefused):  # changed by hand since
            return cls(name, ())

    def pin_of(self, name: str) -> requirements.Pin | None:
        """The pin of `name`; one whose marker holds before one whose does not."""
        found = [pin for pin in self.pins if pin.canonical_name == canonicalize_name(name)]
        return min(found, key=lambda pin: not pin.holds, default=None)

    def line_of(self, pin: requirements.Pin) -> int | None:
        """Its line in the requirements file; None when it stands in one that is included."""
        return pin.line if pin.file == self.file else None

    def judged(self, installed: Mapping[str, str], *, has_run: bool) -> Iterable[Pin]:
        for pin in self.pins:
            found = installed.get(pin.canonical_name)
            status = "absent" if found is None else "installed" if _is_equal(found, pin.version) else "differs"
            if not pin.holds:
                status = "not meant"
            elif not has_run:
                status = "not run"
            bare = replace(pin, hashes=(), marker=None).as_requirement()
            yield Pin(
                pin.canonical_name,
                _text(bare),
                pin.version,
                self.line_of(pin) or 0,
                status,
                _text(found) if status == "differs" else "",
                _text(pin.where),
            )


def _is_equal(found: str, version: str) -> bool:
    try:
        # `1.0` is pinned and `1.0.0` installed: that is the pin
        return Version(found) == Version(version)
    except InvalidVersion:
        return False


def _packages(folder: Path, work: WorkDir, pins: _Pins) -> tuple[Package, ...]:
    version = work.recorded.python_version
    sizes: dict[str, int | None] = {}
    # without a look at every file: only the sizes in RECORD are wanted
    for one in distributions_of(folder / VENV, version, with_damage=False):
        if one.pin:
            known = None if one.record is None else sum(row.size or 0 for row in one.record)
            sizes[one.pin] = known
    has_reports = summary.has_inspected(work)
    # where the environment is gone; the reports know no sizes
    if not sizes and has_reports:
        sizes = dict.fromkeys(reported.packages(folder) or ())
    needs = reported.needs(folder) if has_reports else {}
    pinned = {pin.canonical_name for pin in pins.pins if pin.holds}
    names = [(pin, *pin.split("==", 1)) for pin in sorted(sizes)]
    return tuple(
        Package(_text(name), _text(number), sizes[pin], needs.get(name, ()), name in pinned)
        for pin, name, number in names
    )


def _last_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            # it may begin inside a character
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    lines = list(_telling(re.split(r"\r\n|\n|\r", text)))
    return tuple(shown(line, _MAX_LOG_LINE) for line in lines[-_LAST_LINES:])


def _telling(lines: Iterable[str]) -> Iterator[str]:
    # without the commands that were run, some of which are a page long: what they said tells more
    is_command = False
    for line in lines:
        begun = _LOG_RECORD.match(line)
        is_command = begun["text"].startswith("DEBUG + ") if begun else is_command
        if line.strip() and not is_command:
            yield line
