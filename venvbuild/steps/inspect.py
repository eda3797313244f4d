"""Reads the environment: what is in it, and what conflicts."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import partial

from packaging.utils import canonicalize_name

from venvbuild import inspection
from venvbuild.errors import ConflictsFound, Problem
from venvbuild.inspection import Finding, Root
from venvbuild.interpreters import Interpreter, Target
from venvbuild.requirements import Requirements
from venvbuild.run import VENV, WHEELS, Inspected
from venvbuild.steps.job import Job, Made, interpreter_of
from venvbuild.steps.pins import requirements_of
from venvbuild.text import count_text

log = logging.getLogger(__name__)


def run(job: Job) -> Made:
    """The reports; raises `ConflictsFound` when conflicts fail the job."""
    interpreter = interpreter_of(job)
    target = Target(interpreter.marker_environment, frozenset(interpreter.supported_tags))
    read = requirements_of(job, interpreter)
    roots = [Root(pin.canonical_name, pin.extras) for pin in read.active]
    advice = partial(_sound_instead, read=read, job=job, interpreter=interpreter)
    wheels = json.loads((job.path / WHEELS).read_bytes())
    found = inspection.inspect(job.path / VENV, roots, target, job.path, advice=advice, wheels=wheels)
    for finding in found.findings:
        if finding.type == "overlap":
            log.warning("%s", Problem(finding.sentence, _places(finding, read), fix=finding.fix).as_line())
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
    states = {pin: wheels.get(pin.partition("==")[0], {}).get("is_yanked") for pin in found.installed_packages}
    yanked = tuple(pin for pin, is_yanked in states.items() if is_yanked)
    # where the index was not asked, that none is yanked would be untrue
    told = yanked if yanked or None not in states.values() else None
    summary = "conflict free" if found.is_conflict_free else count_text(len(found.conflicts), "conflict")
    return Made(
        found.reports,
        Inspected(found.installed_packages, found.conflicts, found.requires.as_json(), told),
        f"{count_text(len(found.installed_packages), 'package')}, {summary}",
    )


def _places(finding: Finding, read: Requirements) -> str:
    """`requirements.txt:2, 3`: the lines of those that an overlap is about; empty when none has one."""
    names = {finding.distribution, *(canonicalize_name(one.split()[0]) for one in finding.found.split(" and "))}
    lines = [str(pin.line) for pin in read.active if pin.canonical_name in names]
    return f"{read.path}:{', '.join(lines)}" if lines else ""


def _sound_instead(
    findings: Sequence[Finding], *, read: Requirements, job: Job, interpreter: Interpreter
) -> dict[Finding, str]:
    """What to write for a package whose metadata cannot be read, as far as the index tells in time."""
    broken = {(one.distribution, one.version): one for one in findings if one.type == "metadata" and one.version}
    if not broken:
        return {}
    # Only here: what asks the index takes longer to load than most inspections take.
    from venvbuild.environment import package_index, sound_releases
    from venvbuild.steps.sources import index_access_of

    index = package_index(index_access_of(job), timeout_s=3)
    sound = sound_releases([(name, str(version)) for name, version in broken], index, interpreter)
    lines = {pin.canonical_name: pin.line for pin in read.active}
    fixes = {}
    for one in findings:
        if one.type == "metadata" and one.distribution in sound:
            pin = f"{one.distribution}=={sound[one.distribution]}"
            where = f"write {pin} on line {lines[one.distribution]}" if one.distribution in lines else f"add {pin}"
            fixes[one] = f"{where}, the newest release of its line whose metadata can be read"
    return fixes
