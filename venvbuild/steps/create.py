"""Makes the lock, and the environment with exactly that."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace

from venvbuild import environment
from venvbuild.builds import places
from venvbuild.environment import (
    Closure,
    PackageSource,
    Rules,
    build_sdists,
    files_of,
    much_to_fetch,
    pylock_of,
    sizes_of,
)
from venvbuild.errors import ConflictsFound, IntegrityError, Problem, RequirementsRefused, ResolutionError
from venvbuild.installed import MANIFEST
from venvbuild.requirements import Requirements
from venvbuild.run import VENV, WHEELS, Checked, Created, Recorded
from venvbuild.steps.job import Job, Made, interpreter_of, said
from venvbuild.steps.pins import requirements_of
from venvbuild.steps.sources import index_access_of, rules_of
from venvbuild.text import count_text

log = logging.getLogger(__name__)

_PIN = re.compile(r"(?:^|( and a line that pins it): )write (\S+==[^\s;,]+)(?: without its hashes \([^)]*\))?")
"""Advice to edit a line of pins, which a lock has not."""


def run(job: Job) -> Made:
    """The lock and the venv."""
    try:
        return _made(job)
    except (RequirementsRefused, ResolutionError, ConflictsFound, IntegrityError) as error:
        if not (job.path / places.PYLOCK_GIVEN).is_file():
            raise
        given = f"{job.work.recorded.requirements}:", "needed by "
        problems = [_where_it_was_locked(one) if one.where.startswith(given) else one for one in error.problems]
        raise type(error).of(problems) from error


def _where_it_was_locked(problem: Problem) -> Problem:
    # Nobody edits a lock.
    fix = _PIN.sub(_have, problem.fix)
    # of what nobody pinned and is too new no pin is advised
    if fix != problem.fix or (problem.line is None and problem.rule in ("TOO_NEW", "NO_TIME")):
        return replace(problem, fix=fix)
    again = "what changes a pin is done where the lock was made, and then lock again"
    return replace(problem, fix=f"{problem.fix}; {again}" if problem.fix else again)


def _have(advice: re.Match[str]) -> str:
    return f"{', and ' if advice[1] else ''}have {advice[2]} where the lock was made, and lock again"


def _made(job: Job) -> Made:
    recorded, source, rules = job.work.recorded, _source(job), rules_of(job)
    read = requirements_of(job, source.interpreter)
    source = replace(source, sizes=read.sizes)
    if source.sdists:
        source = build_sdists(read, source, rules)
    log.info("resolving %s", count_text(len(read.active), "pin"))
    locked = _locked(read, source, recorded, rules)
    standing = environment.of_closure(locked, source, locked.doubted)
    warnings = environment.judge_closure(locked, standing, read, source, rules).enforce()
    told = job.work.result(Checked).said
    new = [one for one in warnings if said(one, recorded.requirements) not in told]
    new += _unused_exceptions(rules, {*source.tools, *(one.name for one in locked.distributions)})
    for warning in new:
        log.warning("%s", warning.as_line())
    locked = environment.without_refused_files(locked, standing, rules)
    (job.path / places.LOCK).write_text(locked.text(), "utf-8")
    if locked.not_pinned:
        log.warning("%s not pinned by you: %s", _are(len(locked.not_pinned)), ", ".join(locked.not_pinned))
    listing = files_of(locked, source)
    much = much_to_fetch(locked, sizes_of(listing))
    if much:
        log.warning("%s", much)
    _write_pylock(pylock_of(locked, listing, source.interpreter, source.sources), job)
    log.info("installing %s", count_text(len(locked.distributions), "package"))
    made = environment.create(locked, source, job.path / VENV, with_pip=recorded.installer == "pip")
    environment.tell_of_misled(locked, made.installed, source.interpreter)
    (job.path / MANIFEST).write_text(made.manifest.text(), "utf-8")
    wheels = environment.wheels_of(locked, made.wheels, standing, source.sources)
    (job.path / WHEELS).write_text(json.dumps({name: asdict(one) for name, one in wheels.items()}), "utf-8")
    used = _installer(locked, recorded)
    forced = ", pins forced" if locked.is_forced else ""
    lines, is_reproducible = tuple(said(one, recorded.requirements) for one in new), not source.built
    return Made(
        (places.LOCK, *_written(job), VENV, MANIFEST, WHEELS),
        Created(used, tuple(locked.not_pinned), locked.is_forced, made.overlaps, is_reproducible, lines),
        f"{count_text(len(locked.distributions), 'package')} by {used}{forced}",
    )


def _locked(read: Requirements, source: PackageSource, recorded: Recorded, rules: Rules) -> Closure:
    try:
        return environment.lock(read, source, fail_on_conflicts=recorded.fail_on_conflicts, locked=recorded.locked)
    except (ResolutionError, ConflictsFound) as error:
        pins = environment.wanted_by(read, source.interpreter, source.sdists)
        lines = [one.at(one.version) for one in pins]
        judged, hashed = {one.name for one in pins}, any(pin.hashes for pin in read.active)
        if refused := environment.refused_needs(lines, source, rules, judged=judged, hashed=hashed):
            raise RequirementsRefused.of(refused) from error
        raise


def _unused_exceptions(rules: Rules, used: Collection[str]) -> Iterator[Problem]:
    """That names may be newer which nothing here uses, as misspelt ones are not."""
    unused = sorted(name for name in (rules.min_age.reasons if rules.min_age else ()) if name not in used)
    if unused:
        yield Problem(
            f"it names what nothing in this build uses: {', '.join(unused)}",
            "min_age_except",
            # a configuration file may serve many jobs, so that it is no fault
            fix="correct the name, or leave it out where other builds do not need it",
            rule="UNUSED_EXCEPTION",
        )


def _installer(locked: Closure, recorded: Recorded) -> str:
    if recorded.installer == "uv":
        return "uv " + importlib.metadata.version("uv")
    return "pip " + next(one.version for one in locked.distributions if one.name == "pip")


def _write_pylock(text: str, job: Job) -> None:
    path = job.path / places.PYLOCK
    path.unlink(missing_ok=True)  # that of an earlier run of this step
    if text:
        path.write_text(text, "utf-8")
    else:
        log.warning("there is no pylock.toml: uv does not tell which files of the index fit; the lock has all hashes")


def _written(job: Job) -> tuple[str, ...]:
    return (places.PYLOCK,) if (job.path / places.PYLOCK).is_file() else ()


def _are(number: int) -> str:
    return "1 package is" if number == 1 else f"{number} packages are"


def _source(job: Job) -> PackageSource:
    """Everything `create` needs to get packages: from the places that `check` wrote down, with our credentials."""
    recorded = job.work.recorded
    return PackageSource.of(
        index_access_of(job),
        interpreter_of(job),
        timeout_s=recorded.timeout_s,
        scratch=job.path,
        sdists=recorded.allow_sdist,
        # a link into uv's cache must not stay: whoever edits the kept environment would edit the cache
        shares_cache=not job.is_kept,
    )
