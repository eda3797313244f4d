"""Makes the lock, and the environment with exactly that."""

from __future__ import annotations

import importlib.metadata
import json
import logging
from dataclasses import asdict, replace

from venvbuild import environment
from venvbuild.builds import places
from venvbuild.environment import PackageSource, build_sdists, files_of, much_to_fetch, pylock_of, sizes_of
from venvbuild.errors import ConflictsFound, IntegrityError, Problem, ResolutionError
from venvbuild.installed import MANIFEST, Manifest
from venvbuild.run import VENV, WHEELS, Created
from venvbuild.steps.job import Job, Made, interpreter_of
from venvbuild.steps.pins import requirements_of
from venvbuild.steps.sources import index_access_of
from venvbuild.text import count_text

log = logging.getLogger(__name__)


def run(job: Job) -> Made:
    """The lock and the venv."""
    try:
        return _made(job)
    except (ResolutionError, ConflictsFound, IntegrityError) as error:
        if not (job.path / places.PYLOCK_GIVEN).is_file():
            raise
        given = f"{job.work.recorded.requirements}:"
        problems = [_where_it_was_locked(one) if one.where.startswith(given) else one for one in error.problems]
        raise type(error).of(problems) from error


def _where_it_was_locked(problem: Problem) -> Problem:
    # Nobody edits a lock.
    again = "what changes a pin is done where the lock was made, and then lock again"
    return replace(problem, fix=f"{problem.fix}; {again}" if problem.fix else again)


def _made(job: Job) -> Made:
    recorded, source = job.work.recorded, _source(job)
    read = requirements_of(job, source.interpreter)
    if source.sdists:
        source = build_sdists(read, source)
    log.info("resolving %s", count_text(len(read.active), "pin"))
    locked = environment.lock(read, source, fail_on_conflicts=recorded.fail_on_conflicts, locked=recorded.locked)
    (job.path / places.LOCK).write_text(locked.text(), "utf-8")
    if locked.not_pinned:
        log.warning("%s not pinned by you: %s", _are(len(locked.not_pinned)), ", ".join(locked.not_pinned))
    listing = files_of(locked, source)
    much = much_to_fetch(locked, sizes_of(listing))
    if much:
        log.warning("%s", much)
    _write_pylock(pylock_of(locked, listing, source.interpreter), job)
    standing = environment.of_closure(locked, source)
    log.info("installing %s", count_text(len(locked.distributions), "package"))
    made = environment.create(locked, source, job.path / VENV, with_pip=recorded.installer == "pip")
    # at once: of a file that is touched after this, its RECORD is not believed
    (job.path / MANIFEST).write_text(Manifest.taken(made.path).text(), "utf-8")
    told = environment.wheels_of(locked, made.wheels, standing)
    (job.path / WHEELS).write_text(json.dumps({name: asdict(one) for name, one in told.items()}), "utf-8")
    used = (
        "uv " + importlib.metadata.version("uv")
        if recorded.installer == "uv"
        else "pip " + next(one.version for one in locked.distributions if one.name == "pip")
    )
    forced = ", pins forced" if locked.is_forced else ""
    return Made(
        (places.LOCK, *_written(job), VENV, MANIFEST, WHEELS),
        Created(used, tuple(locked.not_pinned), locked.is_forced, made.overlaps, reproducible=not source.built),
        f"{count_text(len(locked.distributions), 'package')} by {used}{forced}",
    )


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
