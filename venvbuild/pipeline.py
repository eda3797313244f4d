"""The whole job on one screen: seven steps over one work dir, each run when it has to, timed and remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from athena import index, table
from venvbuild import extras, logs, steps
from venvbuild.builds import places
from venvbuild.errors import IntegrityError, UsageError, VenvBuildError, of_disk
from venvbuild.redaction import REDACTOR
from venvbuild.retrying import retried
from venvbuild.run import STEPS, open_work_dir
from venvbuild.settings import Settings
from venvbuild.steps import Checked, Job, Made, Request
from venvbuild.stores import Store, store_of
from venvbuild.text import shown

log = logging.getLogger(__name__)

_MAX_BUG = 500
"""Characters of what an exception says that nobody foresaw."""


class Progress(Protocol):
    """Told how a run goes."""

    def began(self, step: str) -> None:
        """`step` has begun."""

    def ended(self, step: str, seconds: float, summary: str) -> None:
        """`step` has ended well; `seconds` is 0 and `summary` "unchanged" when it did not have to run."""


def build(
    request: Request,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    is_kept: bool = True,
) -> dict[str, Any]:
    """All seven steps, afresh, in `folder`; the metadata of the committed build.

    Unless the folder `is_kept`, the environment in it may be made of hard links to the installer's cache: remove it.

    Raises:
        VenvBuildError: whatever stops a step; what the steps before it made stays in `folder`.
    """
    store_of(settings)  # its address is judged now, not after minutes of work
    progress.began("check")
    begun = time.monotonic()
    checked = steps.examine(request, settings, environ)
    with open_work_dir(folder, "check") as work:
        job = Job(work, settings, environ, is_kept=is_kept)
        _check(job, checked, begun, progress)
        for step in STEPS[1:]:
            _run(step, job, progress)
        return dict(work.result("upload")["metadata"])


def check(
    request: Request,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    again: bool = False,
) -> Mapping[str, Any]:
    """Only the first step, which starts the work dir; what it found."""
    progress.began("check")
    begun = time.monotonic()
    try:
        checked = steps.examine(request, settings, environ)
    except VenvBuildError as error:
        refused(error, folder, steps.asked(request, settings, environ))
        raise
    with open_work_dir(folder, "check") as work:
        if not again and work.is_up_to_date("check", _key(checked.recorded)):
            work.accept()
            progress.ended("check", 0, "unchanged")
        else:
            _check(Job(work, settings, environ), checked, begun, progress)
        return work.result("check")


def run_step(
    step: str,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    again: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """One step after `check`; what it found.

    Raises:
        UsageError: a step before it has not run, or what it made has changed; names that step.
    """
    with open_work_dir(folder, step) as work:
        work.require(step)
        job = Job(work, settings, environ, options or {})
        if not again and work.is_up_to_date(step, _step_key(step, job)):
            progress.ended(step, 0, "unchanged")
        else:
            logs.follow(work.path / places.BUILD_LOG)
            _run(step, job, progress)
        return work.result(step)


def refused(error: VenvBuildError, folder: Path, asked: Mapping[str, Any]) -> None:
    """Remember in the work dir why `check` refused what was `asked` for, so that the run can be reported on.

    A folder that is not ours, or is in use, stays as it is.
    """
    with contextlib.suppress(OSError, VenvBuildError), open_work_dir(folder, "check") as work:
        work.refuse(error.exit_code, _redacted(error), asked)


def _check(job: Job, checked: Checked, begun: float, progress: Progress) -> None:
    job.work.start(checked.recorded)
    logs.follow(job.path / places.BUILD_LOG)
    job.work.begin("check")
    _finish("check", job, steps.check(job, checked), _key(checked.recorded), begun, progress)


def _run(step: str, job: Job, progress: Progress) -> None:
    progress.began(step)
    begun = time.monotonic()
    job.work.begin(step)
    log.debug("step %s", step)
    try:
        made = _register(job) if step == "register" else steps.STEPS[step](job)
    except Exception as error:
        _remember(step, _named(error, job), job)
        raise
    _finish(step, job, made, _step_key(step, job), begun, progress)


def _remember(step: str, error: VenvBuildError, job: Job) -> None:
    with contextlib.suppress(OSError):  # a full disk must not hide what filled it
        job.work.fail(step, error.exit_code, _redacted(error))


def _named(error: Exception, job: Job) -> VenvBuildError:
    """What `error` is for those who read of the run; one that nobody foresaw is a bug."""
    if isinstance(error, VenvBuildError):
        return error
    bug = VenvBuildError(
        f"a bug in venvbuild: {shown(f'{type(error).__name__}: {error}', _MAX_BUG)}",
        where=str(job.path / places.BUILD_LOG), fix="report it with the traceback",
    )  # fmt: skip
    return (of_disk(error) if isinstance(error, OSError) else None) or bug


def _redacted(error: VenvBuildError) -> list[dict[str, str]]:
    return [{name: REDACTOR.redact(text) for name, text in one.as_json().items()} for one in error.problems]


def _register(job: Job) -> Made:
    """The build's row in the catalog. Here, since the nouns of a build know nothing of the catalog."""
    store, uploaded = store_of(job.settings), job.work.result("upload")
    if uploaded["store"] != store.url:
        raise UsageError(
            "the build is in another store", where=store.url, why=f"upload sent it to {uploaded['store']}",
            fix=f"give --store {uploaded['store']}, or upload to this one first",
        )  # fmt: skip
    key = retried(lambda: table.register(store, uploaded["metadata"]))
    retried(lambda: _bring_into_index(store, uploaded["metadata"]["created_at"][:10], job))
    return Made((), {"row": key}, key)


def _bring_into_index(store: Store, day: str, job: Job) -> None:
    """A row of a day that the index covers; of later days the rows are read."""
    try:
        if day >= index.read(store).covering_before:
            return
    except IntegrityError as error:  # the build and its row are whole, and no build would end well any more
        log.warning("the build is not in the index: %s", error.problems[0].as_line())
        return
    # With DuckDB and engines, which no other step needs.
    from athena.compaction import Compactor
    from athena.engines import open_engine
    from athena.publication import publish

    Compactor(store, job.settings.folders.cache / "catalog").cover(day)
    name = job.settings["engine"]
    if name != "duckdb":
        extras.add_for_engine(name, job.settings.folders.cache)
        with open_engine(job.settings, store) as engine:
            publish(engine, store)


def _finish(step: str, job: Job, made: Made, key: str, begun: float, progress: Progress) -> None:
    seconds = time.monotonic() - begun
    job.work.finish(step, key=key, outputs=made.outputs, result=made.result, duration_s=seconds)
    progress.ended(step, seconds, made.summary)


def _step_key(step: str, job: Job) -> str:
    """What a step depends on beside the steps before it: its own options, and for the last two the store."""
    store = {"store": store_of(job.settings).url} if step in ("upload", "register") else {}
    return _key({**job.options, **store})


def _key(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
