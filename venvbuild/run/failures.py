"""Why a run did not end well, remembered in its work dir for those who tell people; without secrets."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from venvbuild.builds import places
from venvbuild.errors import VenvBuildError, of_disk
from venvbuild.redaction import REDACTOR
from venvbuild.run.workdir import Remembered, WorkDir, open_work_dir
from venvbuild.text import shown

_MAX_BUG = 500
"""Characters of what an exception says that nobody foresaw."""


def remember_refusal(error: VenvBuildError, folder: Path, asked: Mapping[str, object]) -> None:
    """Remember in the work dir why `check` refused what was `asked` for, so that the run can be reported on."""
    # a folder that is not ours, or is in use, stays as it is; the refusal itself is told all the same
    with contextlib.suppress(OSError, VenvBuildError), open_work_dir(folder, "check") as work:
        work.refuse(error.exit_code, _redacted(error), asked)


def remember_failure(work: WorkDir, step: str, error: Exception) -> None:
    """Remember why `step`, which was begun, did not end well; an exception that nobody foresaw is a bug."""
    named = _named(error, work)
    with contextlib.suppress(OSError):  # a full disk must not hide what filled it
        work.fail(step, named.exit_code, _redacted(named))


def _named(error: Exception, work: WorkDir) -> VenvBuildError:
    if isinstance(error, VenvBuildError):
        return error
    bug = VenvBuildError(
        f"a bug in venvbuild: {shown(f'{type(error).__name__}: {error}', _MAX_BUG)}",
        where=str(work.path / places.BUILD_LOG),
        fix="report it with the traceback",
    )
    # a full disk, or one without rights, is no bug of ours
    return (of_disk(error) if isinstance(error, OSError) else None) or bug


def _redacted(error: VenvBuildError) -> list[Remembered]:
    # here already: who tells of the run later is another process, which may not know the secrets of this one
    return [
        Remembered(
            what=REDACTOR.redact(one.what),
            where=REDACTOR.redact(one.where),
            why=REDACTOR.redact(one.why),
            fix=REDACTOR.redact(one.fix),
            line=one.line,
        )
        for one in error.problems
    ]
