"""What can go wrong, as the person who runs the job sees it.

    VenvBuildError
    |- UsageError             2   usage, configuration, credentials, permission, missing interpreter
    |- RequirementsRefused    3   requirements or parameters refused
    |- ResolutionError        4   no such package, version or wheel for this platform
    |- ConflictsFound         5   dependency conflicts and FAIL_ON_CONFLICTS
    |- IndexUnavailable       6   index or network unavailable; a retry may cure it
    |- StoreUnavailable       7   the store or a disk failed; a retry may cure it
    |- IntegrityError         8   hash, schema, signature, leak gate
    |- NotInStore             9   a build, alias or file is not in the store
    |- QueryEngineError      10   the query engine failed
    `- CheckFoundSomething   11   doctor, table check, a rule of a consumer

Terminated (143, SIGTERM) and StdoutClosed (141) stand beside Python's own KeyboardInterrupt (130).

The numbers are a promise: docs/reference.md, "Exit codes".
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in four parts."""

    what: str
    where: str = ""
    """`file:line`, a key, a URL without secrets; empty when the message is about the run as a whole."""
    why: str = ""
    fix: str = ""
    rule: str = ""
    """The name of the rule it breaks (`UNPINNED`); for tests and reports, not shown."""
    line: int | None = None
    """Of the file that `where` names, from 1; a part of `where` already."""

    @classmethod
    def at(cls, file: str, line: int, what: str, why: str = "", fix: str = "", rule: str = "") -> Self:
        """A problem of a line: `where` is `file:line`."""
        return cls(what, f"{file}:{line}", why, fix, rule, line)

    def as_line(self) -> str:
        """The problem on one line, beginning with `where: ` when there is a where."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        for label, part in (("why", self.why), ("fix", self.fix)):
            if part:
                text += f"; {label}: {part}"
        return text

    def as_json(self) -> dict[str, str]:
        """The four parts under their names."""
        return {"what": self.what, "where": self.where, "why": self.why, "fix": self.fix}


class VenvBuildError(Exception):
    """The person running the job can fix this; shown as a few lines, no traceback."""

    exit_code = 1
    is_final = False
    """Whether the same call can never succeed, although errors of this class are such as a retry may cure."""

    def __init__(
        self, what: str, *, where: str = "", why: str = "", fix: str = "", rule: str = "", line: int | None = None
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(what, where, why, fix, rule, line),)
        super().__init__(self.problems[0].as_line())

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """One error holding every problem of an input, so that nobody fixes fourteen in fourteen runs."""
        problems = tuple(problems)
        error = cls(problems[0].what)
        error.problems = problems
        error.args = ("\n".join(problem.as_line() for problem in problems),)
        return error


class UsageError(VenvBuildError):
    """Usage, configuration, credentials, permission, a local path that is not there, a missing interpreter."""

    exit_code = 2


class RequirementsRefused(VenvBuildError):
    """The requirements or a parameter are refused."""

    exit_code = 3


class ResolutionError(VenvBuildError):
    """Cannot be resolved or installed: no such package, version, or wheel for this platform."""

    exit_code = 4


class ConflictsFound(VenvBuildError):
    """The dependencies conflict and FAIL_ON_CONFLICTS is on."""

    exit_code = 5


class IndexUnavailable(VenvBuildError):
    """The package index or the network is unavailable in a way that a retry may cure."""

    exit_code = 6


class StoreUnavailable(VenvBuildError):
    """The store or a disk failed in a way that a retry may cure."""

    exit_code = 7


class IntegrityError(VenvBuildError):
    """Bytes are not what they should be: hash, schema, signature, leak gate."""

    exit_code = 8


class NotInStore(VenvBuildError):
    """A build, alias or file is not in the store."""

    exit_code = 9


class QueryEngineError(VenvBuildError):
    """The query engine failed."""

    exit_code = 10


class CheckFoundSomething(VenvBuildError):
    """A check ran and found something: doctor, table check, a rule of a consumer."""

    exit_code = 11


class Terminated(BaseException):  # as KeyboardInterrupt is: no `except Exception` may swallow it
    """SIGTERM arrived; children are stopped and nothing half-made is left."""

    exit_code = 143


class StdoutClosed(BaseException):
    """Whoever read our stdout has enough (141)."""


# EFBIG is what a limit of the process (ulimit -f) gives. EIO is a disk that fails, or one of the network's.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
_FEW_INODES = 8
"""What failed may have removed some files of its own before anybody looks."""


def of_disk(error: OSError, where: str = "") -> VenvBuildError | None:
    """What a failure of a disk means to the job: no room (7, a retry may cure it) or no right (2); None: neither."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) and error.filename else where
    if lacks_inodes(error, where):
        return no_inodes(where)
    if error.errno in _NO_ROOM:
        return StoreUnavailable(f"the disk fails: {error.strerror}", where=where, fix="make room, then run it again")
    if error.errno in _NO_RIGHT:
        return UsageError(
            f"no access: {error.strerror}", where=where, fix="check the owner and the mode, or use another folder"
        )
    return None


def lacks_inodes(error: OSError, where: str) -> bool:
    """Whether a disk is full because it has no inodes left, and not no bytes."""
    return error.errno == errno.ENOSPC and has_no_inodes(where)


def has_no_inodes(where: str) -> bool:
    """Whether the disk that `where` is on, or is to be on, takes no more files, though it has room for bytes."""
    place = os.path.abspath(where)
    while True:
        try:
            facts = os.statvfs(place)
        except (FileNotFoundError, NotADirectoryError):
            place = os.path.dirname(place)
        except (OSError, ValueError):
            return False
        else:
            # some file systems (btrfs) make inodes as they are needed, and tell of none
            return facts.f_files > 0 and facts.f_favail < _FEW_INODES and facts.f_bavail > 0


def no_inodes(where: str) -> StoreUnavailable:
    """A disk that takes no more files."""
    return StoreUnavailable(
        "the disk takes no more files: it has no inodes left",
        where=where,
        fix="make room for files, not for bytes: remove many small ones (`df -i` counts them), then run it again",
        rule="NO_INODES",
    )
