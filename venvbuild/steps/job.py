"""What every step gets and gives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from venvbuild import interpreters
from venvbuild.builds import places
from venvbuild.errors import Problem, UsageError
from venvbuild.interpreters import Interpreter
from venvbuild.run import Recorded, StepResult, WorkDir
from venvbuild.settings import Settings
from venvbuild.stores import Store, Surroundings, refuse_ephemeral, store_of
from venvbuild.text import shown, shown_to_all

if TYPE_CHECKING:
    from venvbuild.environment import Project
    from venvbuild.requirements import Requirements


_MAX_SAID = 1000


@dataclass(frozen=True)
class Request:
    """What was asked of `check` beside the settings."""

    requirements: Path = Path(places.REQUIREMENTS)
    locked: bool = False
    allow_sdist: tuple[str, ...] = ()
    allow_python_download: bool = False
    extras: tuple[str, ...] = ()
    """Of a pylock.toml, as the next."""
    groups: tuple[str, ...] = ()


def asked(request: Request, settings: Settings, environ: Mapping[str, str]) -> dict[str, str | None]:
    """What names a run that is refused."""
    return {
        "env_name": settings.env_name,
        "python_version": settings.python_version,
        "requirements": str(request.requirements),
        "build_url": shown_to_all(environ.get("BUILD_URL")),
        "source_revision": shown_to_all(environ.get("GIT_COMMIT")),
    }


@dataclass(frozen=True)
class Examined:
    """What was asked for, accepted, before the work dir is touched."""

    requirements: Requirements
    interpreter: Interpreter
    recorded: Recorded
    started_at: str = ""
    """When the run began, `2025-07-22T08:30:00Z`: by that ages count."""
    warnings: tuple[Problem, ...] = ()
    """Of releases; those of the file are its own."""
    known: dict[str, Project | None] = field(default_factory=dict, repr=False)
    """What was read of the index meanwhile."""


@dataclass(frozen=True)
class Made:
    """What a step leaves behind."""

    outputs: tuple[str, ...]
    """Names in the work dir."""
    result: StepResult
    """For the steps after it."""
    summary: str
    """For the step's line."""


@dataclass(frozen=True)
class Job:
    """What a step works on and with."""

    work: WorkDir
    settings: Settings
    """Of this process; only credentials and the store are taken from it once `check` has run."""
    environ: Mapping[str, str]
    options: Mapping[str, object] = field(default_factory=dict)
    """What the step's own command was given, by setting; stronger than what `check` recorded."""
    is_kept: bool = True
    """Whether the work dir is there after the run."""
    examined: Examined | None = None
    """For `check` only."""

    @property
    def path(self) -> Path:
        """The work dir."""
        return self.work.path


def said(warning: Problem, requirements: str) -> str:
    """What a build keeps of a warning: a line without secrets, and without folders of this machine.

    A file is told of as seen from the folder of `requirements`, the one that was given: what that includes may have the
    same name.
    """
    where = warning.where
    if warning.line is not None:
        where = os.path.relpath(where, os.path.dirname(requirements) or os.curdir)
    return shown(replace(warning, where=where, fix="").as_line(), _MAX_SAID)


def lasting_store_of(job: Job) -> Store:
    """The store to write to.

    Raises:
        UsageError: it cannot be one, or would go with this run of Jenkins.
    """
    refuse_ephemeral(job.settings, Surroundings.here(job.environ))
    return store_of(job.settings)


def interpreter_of(job: Job) -> Interpreter:
    """The one that `check` found."""
    # asked again: an update of the system may have put another one in its place
    path, version = job.work.recorded.interpreter, job.work.recorded.python_full_version
    found = interpreters.probe(Path(path))
    if found is None or found.full_version != version:
        raise UsageError(
            f"Python {version} is no longer at {path}",
            where=str(job.path),
            rule="STALE",
            fix=f"run: venvbuild check --work-dir {job.path}",
        )
    return found
