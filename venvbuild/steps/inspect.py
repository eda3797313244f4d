"""Reads the environment: what is in it, and what conflicts."""

from __future__ import annotations

import logging

from venvbuild import inspection
from venvbuild.errors import ConflictsFound, Problem
from venvbuild.inspection import Root
from venvbuild.interpreters import Target
from venvbuild.run import VENV, Inspected
from venvbuild.steps.job import Job, Made, interpreter_of, requirements_of
from venvbuild.text import count_text

log = logging.getLogger(__name__)


def run(job: Job) -> Made:
    """The reports; raises `ConflictsFound` when conflicts fail the job."""
    interpreter = interpreter_of(job)
    target = Target(interpreter.marker_environment, frozenset(interpreter.supported_tags))
    roots = [Root(pin.canonical_name, pin.extras) for pin in requirements_of(job, interpreter).active]
    found = inspection.inspect(job.path / VENV, roots, target, job.path)
    # after the reports are written, as whoever mends the conflicts needs them
    if not found.is_conflict_free and job.work.recorded.fail_on_conflicts:
        raise ConflictsFound.of(
            Problem(finding.sentence, "conflicts.txt", fix=finding.fix, rule="CONFLICT")
            for finding in found.findings
            if finding.is_failure
        )
    for sentence in found.conflicts:
        log.warning("conflict: %s", sentence)
    for finding in found.findings:
        if not finding.is_failure:
            log.info("%s: %s", finding.type, finding.sentence)
    summary = "conflict free" if found.is_conflict_free else count_text(len(found.conflicts), "conflict")
    return Made(
        found.reports,
        Inspected(found.installed_packages, found.conflicts, found.requires.as_json()),
        f"{count_text(len(found.installed_packages), 'package')}, {summary}",
    )
