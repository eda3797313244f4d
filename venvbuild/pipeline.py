"""The whole job on one screen: seven steps over one work dir, each run when it has to, timed and remembered."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from venvbuild import logs, steps
from venvbuild.builds import Metadata, places
from venvbuild.errors import VenvBuildError
from venvbuild.run import STEPS, Recorded, Uploaded, open_work_dir, remember_failure, remember_refusal
from venvbuild.settings import Settings
from venvbuild.steps import Job, Request
from venvbuild.stores import store_of

log = logging.getLogger(__name__)


class Progress(Protocol):
    """Told how a run goes."""

    def began(self, step: str) -> None:
        """`step` has begun."""

    def ended(self, step: str, seconds: float, summary: str) -> None:
        """`step` has ended well; `seconds` is 0 and `summary` "unchanged" when it did not have to run."""


class Silent:
    """A `Progress` that says nothing."""

    def began(self, step: str) -> None:
        """See `Progress`."""

    def ended(self, step: str, seconds: float, summary: str) -> None:
        """See `Progress`."""


def build(
    request: Request,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    is_kept: bool = True,
) -> Metadata:
    """All seven steps, afresh, in `folder`; the metadata of the committed build.

    Unless the folder `is_kept`, the environment in it may be made of hard links to the installer's cache: remove it.

    Raises:
        VenvBuildError: whatever stops a step; what the steps before it made stays in `folder`.
    """
    store_of(settings)  # its address is judged now, not after minutes of work
    progress.began("check")
    begun = time.monotonic()
    examined = steps.examine(request, settings, environ)
    with open_work_dir(folder, "check") as work:
        job = Job(work, settings, environ, is_kept=is_kept, examined=examined)
        _start(job, examined.recorded, begun, progress)
        for step in STEPS[1:]:
            progress.began(step)
            _run(step, job, time.monotonic(), progress)
        return work.result(Uploaded).metadata


def check(
    request: Request,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    again: bool = False,
) -> Mapping[str, object]:
    """Only the first step, which starts the work dir; what it found."""
    progress.began("check")
    begun = time.monotonic()
    try:
        examined = steps.examine(request, settings, environ)
    except VenvBuildError as error:
        # Else reports and `summary` would tell of an earlier run in this folder.
        remember_refusal(error, folder, steps.asked(request, settings, environ))
        raise
    with open_work_dir(folder, "check") as work:
        job = Job(work, settings, environ, examined=examined)
        if not again and work.is_up_to_date("check", _key("check", job)):
            work.accept()
            progress.ended("check", 0, "unchanged")
        else:
            _start(job, examined.recorded, begun, progress)
        return work.result_as_json("check")


def run_step(
    step: str,
    settings: Settings,
    environ: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    again: bool = False,
    options: Mapping[str, object] | None = None,
) -> Mapping[str, object]:
    """One step after `check`; what it found.

    Raises:
        UsageError: a step before it has not run, or what it made has changed; names that step.
    """
    with open_work_dir(folder, step) as work:
        work.require(step)
        job = Job(work, settings, environ, options or {})
        if not again and work.is_up_to_date(step, _key(step, job)):
            progress.ended(step, 0, "unchanged")
        else:
            logs.follow(work.path / places.BUILD_LOG)
            progress.began(step)
            _run(step, job, time.monotonic(), progress)
        return work.result_as_json(step)


def _start(job: Job, recorded: Recorded, begun: float, progress: Progress) -> None:
    """Begin the run with its first step, for which `examine` has done the work."""
    job.work.start(recorded)
    logs.follow(job.path / places.BUILD_LOG)
    _run("check", job, begun, progress)


def _run(step: str, job: Job, begun: float, progress: Progress) -> None:
    """One step, timed since `begun` (monotonic seconds) and remembered, whatever becomes of it."""
    job.work.begin(step)
    log.debug("step %s", step)
    try:
        made = steps.run(step, job)
    # No interrupt: it is no reason of the step's, and the run counts as aborted.
    except Exception as error:
        remember_failure(job.work, step, error)
        raise
    seconds = time.monotonic() - begun
    log.info("noting what was made")
    job.work.finish(step, key=_key(step, job), outputs=made.outputs, result=made.result, duration_s=seconds)
    progress.ended(step, seconds, made.summary)


def _key(step: str, job: Job) -> str:
    """What a step depends on beside the steps before it: what was asked, its own options, the store."""
    store = {"store": store_of(job.settings).url} if step in steps.ASK_THE_STORE else {}
    asked = asdict(job.examined.recorded) if job.examined and step == STEPS[0] else {}
    return hashlib.sha256(json.dumps({**asked, **job.options, **store}, sort_keys=True).encode()).hexdigest()
