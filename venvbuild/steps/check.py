"""Judges the requirements and the parameters, finds the interpreter, and starts the run."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime

from packaging.utils import canonicalize_name

from venvbuild import requirements
from venvbuild.builds import places
from venvbuild.environment import IndexAccess, Project, Rules, judge_pins, suggested, target
from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter, past_its_end
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.requirements import Requirements, Selection, Sources
from venvbuild.run import NORMALISED, Checked, Recorded
from venvbuild.settings import Settings
from venvbuild.steps.job import Examined, Job, Made, Request, said
from venvbuild.stores import Surroundings, refuse_ephemeral
from venvbuild.text import count_text, shown_to_all

log = logging.getLogger(__name__)


def examine(request: Request, settings: Settings, environ: Mapping[str, str]) -> Examined:
    """Judge the parameters and the file, and find the interpreter.

    Raises:
        RequirementsRefused: with every problem of the file. UsageError: no such file, no such Python, or a store that
            would go with this run of Jenkins. IndexUnavailable: it is needed to judge ages, and does not answer.
    """
    started_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    refuse_ephemeral(settings, Surroundings.here(environ))  # now, not after minutes of work
    interpreter = target(settings, environ, allow_download=request.allow_python_download)
    rules = Rules.of(settings.min_age_days, settings.min_age_except, settings.yanked, started_at)
    known: dict[str, Project | None] = {}
    access = IndexAccess.of(settings, environ)._replace(known=known, min_age=rules.min_age)
    read = requirements.read(
        request.requirements,
        interpreter.marker_environment,
        suggest=lambda wanted, pins: suggested(wanted, pins, access, interpreter),
        sources=Sources(settings.index_url, settings.extra_index_urls, settings.find_links),
        selection=Selection(
            request.extras,
            request.groups,
            [canonicalize_name(name) for name in request.allow_sdist],
            frozenset(interpreter.supported_tags),
        ),
    )
    recorded = _recorded(request, settings, environ, read, interpreter)
    warnings = judge_pins(read, access, interpreter, rules, recorded.allow_sdist).enforce()
    return Examined(read, interpreter, recorded, started_at, warnings, known)


def _recorded(
    request: Request, settings: Settings, environ: Mapping[str, str], read: Requirements, interpreter: Interpreter
) -> Recorded:
    """What the steps after this one go by."""
    return Recorded(
        env_name=settings.env_name,
        python_version=interpreter.version,
        fail_on_conflicts=settings.fail_on_conflicts,
        installer=settings.installer,
        timeout_s=settings.timeout_s,
        min_age_days=settings.min_age_days,
        min_age_except=tuple(map(_exception, settings.min_age_except)),
        yanked=settings.yanked,
        level=settings.level,
        bytecode=settings.bytecode,
        python_path=settings.python_path,
        bundle_python=settings.bundle_python,
        layout=settings.layout,
        # the record is a file that jobs keep; each step has the credentials of its own process
        index_url=strip_credentials(settings.index_url),
        extra_index_urls=tuple(map(strip_credentials, settings.extra_index_urls)),
        find_links=tuple(map(_place, settings.find_links)),
        requirements=str(request.requirements),
        build_url=shown_to_all(environ.get("BUILD_URL")),
        source_revision=shown_to_all(environ.get("GIT_COMMIT")),
        requirements_sha256=read.sha256,
        requirements_parts=read.parts,
        locked=request.locked,
        extras=tuple(sorted(set(request.extras))),
        groups=tuple(sorted(set(request.groups))),
        allow_sdist=_allowed_sdists(request, read),
        interpreter=str(interpreter.path),
        python_full_version=interpreter.full_version,
    )


def _exception(said: str) -> str:
    name, _, reason = said.partition(": ")
    return f"{name}: {REDACTOR.redact(reason)}"


def _place(find_links: str) -> str:
    """A URL without credentials, or a folder as an absolute path."""
    # absolute: later steps, and pip, run in another folder
    return strip_credentials(find_links) if "://" in find_links else os.path.abspath(find_links)


def _allowed_sdists(request: Request, read: Requirements) -> tuple[str, ...]:
    # given once or thrice, in whatever order: the same record, so that no step has to run again
    names: list[str] = sorted({canonicalize_name(name) for name in request.allow_sdist})
    pinned = {pin.canonical_name for pin in read.pins}
    unknown = [name for name in names if name not in pinned]
    if unknown:
        raise UsageError(
            f"--allow-sdist names {', '.join(unknown)}, which {read.path} does not pin",
            where="--allow-sdist",
            why="what is built from source must be a version you chose",
            fix=f"leave out {' '.join(f'--allow-sdist {name}' for name in unknown)}, or pin what it names",
        )
    active = {pin.canonical_name for pin in read.active}  # what another system needs may be allowed, and is not built
    return tuple(name for name in names if name in active)


def run(job: Job) -> Made:
    """The file as given, and the copy that installers read, of what `examine` found."""
    examined = job.examined
    assert examined is not None
    # byte for byte, as `requirements_sha256` is of what was given
    (job.path / places.REQUIREMENTS).write_bytes(examined.requirements.content)
    (job.path / NORMALISED).write_text(examined.requirements.normalised(), "utf-8")
    locks = (places.PYLOCK_GIVEN,) if examined.requirements.pylock else ()
    for name in locks:
        (job.path / name).write_bytes(examined.requirements.pylock)
    # here and not where the Python is found, which several commands of a run do
    ended = past_its_end(examined.interpreter.version, datetime.now(UTC).date())
    found = (*examined.requirements.warnings, *examined.warnings)
    for warning in (ended, *(one.as_line() for one in found)):
        if warning:
            log.warning("%s", warning)
    pins, warnings = len(examined.requirements.pins), len(found)
    given = job.work.recorded.requirements
    kept = (*([ended] if ended else ()), *(said(one, given) for one in found))
    return Made(
        (places.REQUIREMENTS, NORMALISED, *locks),
        Checked(pins, warnings, examined.started_at, kept),
        f"{count_text(pins, 'pin')}, Python {examined.interpreter.full_version}"
        + (f", {count_text(warnings, 'warning')}" if warnings else ""),
    )
