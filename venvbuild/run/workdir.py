"""The folder of one run: what each step made, remembered so that the next step, maybe another process, can go on.

`venvbuild-work.json` is written first and holds, for every step that ended well, what it started from, what it made
(with a fingerprint of each file) and what it found. A step is up to date when all of that still holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeVar

from venvbuild import __version__
from venvbuild.errors import UsageError, of_disk
from venvbuild.files import fingerprint, remove, write_whole
from venvbuild.run.results import STEP_OF, Recorded, StepResult, from_json

R = TypeVar("R")

RECORD = "venvbuild-work.json"
NORMALISED = "requirements.normalised.txt"
VENV = "venv"
WHEELS = "wheels.json"
"""What is known of the wheel of each distribution, which `inspect` puts into packages.json."""
ARCHIVE = "venv.tar.gz"
REPORT = "report"
STEPS = ("check", "create", "inspect", "pack", "describe", "upload", "register")
_SCHEMA_VERSION = 1


class Remembered(TypedDict):
    """A problem that ended a step, without secrets."""

    what: str
    where: str
    why: str
    fix: str
    line: NotRequired[int | None]
    """Of the file that `where` names; a run of an older version of the tool did not tell."""


class Failure(TypedDict):
    """Why a step did not end well."""

    step: str
    exit_code: int
    problems: list[Remembered]
    asked: NotRequired[dict[str, object]]
    """For `check`: the settings of the run that it refused, as far as they are known."""


class WorkDir:
    """A work dir; made by `open_work_dir`, which holds its lock, or by `recorded_work_dir`, to look at."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self._record = record

    @property
    def recorded(self) -> Recorded:
        """The run as `check` accepted it.

        Raises:
            UsageError: the record is not whole.
        """
        return self._read(Recorded, self._record["settings"])

    @property
    def asked(self) -> Mapping[str, object]:
        """The same as far as it is known, also of a run that `check` refused: for those who tell of it."""
        failure = self.failure
        return {**self._record["settings"], **(failure.get("asked", {}) if failure else {})}

    def result(self, record: type[R]) -> R:
        """What a step found: `Packed` is of `pack`. The step must be up to date.

        Raises:
            UsageError: the record is not whole.
        """
        return self._read(record, self._record["steps"][STEP_OF[record]]["result"])

    def result_as_json(self, step: str) -> Mapping[str, object]:
        """The same as plain values, for a program."""
        return self._record["steps"][step]["result"]  # type: ignore[no-any-return]

    def _read(self, record: type[R], values: object) -> R:
        try:
            return from_json(record, values)
        except ValueError as error:
            raise _unreadable(self.path) from error

    def has_ended(self, step: str) -> bool:
        """Whether `step` ended well when it last ran; what it made may have changed since."""
        return step in self._record["steps"]

    @property
    def begun(self) -> str | None:
        """The step that was begun last and has not ended well: it failed, was cut short, or is at work."""
        return self._record.get("running")

    def duration_s(self, step: str) -> float:
        """Seconds that `step` took when it last ran."""
        return self._record["steps"][step]["duration_s"]  # type: ignore[no-any-return]

    @property
    def failure(self) -> Failure | None:
        """Why the step that was begun last did not end well: `step`, `exit_code`, `problems`; None when it did.

        For `check` also `asked`: the settings of the run that it refused, as far as they are known.
        """
        return self._record.get("failed")

    @property
    def changed_at(self) -> str:
        """When a step last began or ended, in UTC, `2025-07-22T08:30:00Z`; empty in a record of an older tool."""
        return self._record.get("changed_at", "")  # type: ignore[no-any-return]

    def start(self, recorded: Recorded | None) -> None:
        """Begin a run: everything of an earlier one goes, then the record is written, before anything else.

        None: a run that was refused."""
        # killed on the way, the folder must still be known as ours, by its record
        for entry in self.path.iterdir():
            if entry.name != RECORD:
                remove(entry)
        self._record = {
            "schema_version": _SCHEMA_VERSION,
            "tool_version": __version__,
            "settings": asdict(recorded) if recorded else {},
            "steps": {},
        }
        self._save()

    def begin(self, step: str) -> None:
        """Note which step is at work, for the message to a second one; its own earlier record goes."""
        # what a step that was killed left under a temporary name; the lock is ours, so nobody is at it
        for leftover in self.path.glob(".*"):
            remove(leftover)
        self._record["running"] = step
        # those of the steps after it too: they tell of what is being replaced
        for stale in STEPS[STEPS.index(step) :]:
            self._record["steps"].pop(stale, None)
        self._record.pop("failed", None)
        self._save()

    def fail(self, step: str, exit_code: int, problems: Sequence[Remembered]) -> None:
        """Remember why `step`, which was begun, did not end well; `problems` hold no secret."""
        self._record["failed"] = {"step": step, "exit_code": exit_code, "problems": [dict(one) for one in problems]}
        self._save()

    def refuse(self, exit_code: int, problems: Sequence[Remembered], asked: Mapping[str, object]) -> None:
        """Remember why `check` did not even begin the run that was `asked` for; what an earlier run made stays."""
        if "schema_version" not in self._record:
            self.start(None)
        self.fail("check", exit_code, problems)
        self._record["failed"]["asked"] = dict(asked)
        self._save()

    def accept(self) -> None:
        """Forget a refusal: the run that is here is asked for again."""
        if self._record.pop("failed", None):
            self._save()

    def finish(self, step: str, *, key: str, outputs: Sequence[str], result: StepResult, duration_s: float) -> None:
        """Remember a step that ended well; `outputs` are names in the work dir, files or folders."""
        self._record.pop("running", None)
        self._record["steps"][step] = {
            "key": key,
            # so that it counts as stale when the step before it runs again, even if that makes the same files
            "after": self._mark(_before(step)),
            "result": asdict(result),
            "duration_s": round(duration_s, 3),
            "outputs": {name: fingerprint(self.path / name) for name in outputs},
        }
        self._save()

    def is_up_to_date(self, step: str, key: str | None = None) -> bool:
        """Whether `step` ended well, from what is there now (and from the same `key`), and all it made is as it was."""
        done = self._record["steps"].get(step)
        if not done or (key is not None and done["key"] != key) or done["after"] != self._mark(_before(step)):
            return False
        return all(fingerprint(self.path / name) == mark for name, mark in done["outputs"].items())

    def require(self, step: str) -> None:
        """Refuse to run `step` unless every step before it is up to date.

        Raises:
            UsageError: names the first step that has to run.
        """
        for earlier in STEPS[: STEPS.index(step)]:
            if not self.is_up_to_date(earlier):
                raise UsageError(
                    f"`{step}` needs what `{earlier}` makes, and that is missing or changed since",
                    where=str(self.path),
                    fix=f"run: venvbuild {earlier} --work-dir {self.path}",
                    rule="STALE",
                )

    def _mark(self, step: str | None) -> str:
        """Changes whenever `step` has run again."""
        done = self._record["steps"].get(step) if step else None
        return hashlib.sha256(json.dumps(done, sort_keys=True).encode()).hexdigest() if done else ""

    def _save(self) -> None:
        self._record["changed_at"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        write_whole(self.path / RECORD, json.dumps(self._record, indent=1, sort_keys=True).encode(), durable=True)


@contextlib.contextmanager
def open_work_dir(path: Path, step: str) -> Iterator[WorkDir]:
    """The work dir at `path`, locked until the block or this process ends; `check` also takes an absent or empty one.

    Raises:
        UsageError: it is not ours (and is left untouched), is in use by another step, or `step` comes too early.
    """
    path = Path(os.path.abspath(path))
    starting = step == "check"
    with _failures_named(path):
        if starting:
            path.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            raise UsageError("there is no work dir", where=str(path), fix=way_to_begin(path), rule="STALE")
        # the folder itself is locked: every file in it is removed or replaced on the way, and a lock with it
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # each time around our own calls only: an OSError of the step is not the work dir's
        with _failures_named(path):
            record = _record(path, starting=starting)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = record.get("running", "another step")
            raise UsageError(
                f"the work dir is in use: `{running}` is running there",
                where=str(path),
                fix="wait until it has ended, or use another --work-dir",
                rule="IN_USE",
            ) from None
        with _failures_named(path):
            record = _record(path, starting=starting)  # again: it may have changed before the lock was ours
            if not record:
                record = {"settings": {}, "steps": {}}
        yield WorkDir(path, record)
    finally:
        # gives back the lock, as the kernel does when this process is killed
        os.close(descriptor)


def recorded_work_dir(path: Path) -> WorkDir | None:
    """The work dir at `path`, to look at only: not locked, so a step may be at work. None when no run began there."""
    try:
        return WorkDir(path, _record(path, starting=False))
    except UsageError:
        return None


def way_to_begin(path: Path) -> str:
    """The command that begins a run there; `check` takes an absent or empty folder only, whatever else is in it."""
    path = Path(os.path.abspath(path))
    command = f"venvbuild check --work-dir {shlex.quote(str(path))}"
    if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
        return f"run: {command}"
    names = (path.with_name(f"{path.name}.old{number or ''}") for number in count())
    aside = next(name for name in names if not os.path.lexists(name))
    return f"run: mv {shlex.quote(str(path))} {shlex.quote(str(aside))} && {command}"


def _before(step: str) -> str | None:
    place = STEPS.index(step)
    return STEPS[place - 1] if place else None


def _record(path: Path, *, starting: bool) -> dict[str, Any]:
    """The record of our work dir; empty for a new one."""
    try:
        record = json.loads((path / RECORD).read_bytes())
        if record["schema_version"] == _SCHEMA_VERSION and _is_whole(record):
            return record  # type: ignore[no-any-return]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        # no file, or a folder where the record should be: only an empty folder may become ours
        if starting and not any(path.iterdir()):
            return {}
        if not starting:
            raise UsageError(
                "this is no work dir of venvbuild, or its record is gone",
                where=str(path),
                rule="STALE",
                fix=way_to_begin(path),
            ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        if starting:  # ours, by its name; a run that was cut short
            return {}
    else:
        if starting:  # ours, of another version of the tool
            return {}
    if starting:
        raise UsageError(
            "the work dir is not empty and not ours; nothing was touched",
            where=str(path),
            rule="NOT_OURS",
            fix="give an empty or absent folder as --work-dir",
        )
    raise _unreadable(path)


def _unreadable(path: Path) -> UsageError:
    return UsageError(
        "the record of the work dir cannot be read, or is another version's",
        where=str(path / RECORD),
        rule="STALE",
        fix=f"run: venvbuild check --work-dir {shlex.quote(str(path))}",
    )


def _is_whole(record: Any) -> bool:
    return isinstance(record["settings"], dict) and isinstance(record["steps"], dict)


@contextlib.contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise of_disk(error, str(path)) or UsageError(
            f"the work dir cannot be used: {error.strerror}",
            where=str(error.filename or path),
            fix="give another --work-dir",
        ) from error
