"""What every step gets and gives, and what several of them read of the work dir."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from venvbuild import interpreters, requirements
from venvbuild.builds import places
from venvbuild.environment import IndexAccess, IndexAddresses
from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter
from venvbuild.redaction import strip_credentials
from venvbuild.requirements import Part, Requirements
from venvbuild.run import Recorded, StepResult, WorkDir
from venvbuild.settings import Settings
from venvbuild.stores import Store, Surroundings, refuse_ephemeral, store_of


@dataclass(frozen=True)
class Request:
    """What was asked of `check` beside the settings."""

    requirements: Path = Path(places.REQUIREMENTS)
    locked: bool = False
    allow_sdist: tuple[str, ...] = ()
    allow_python_download: bool = False


@dataclass(frozen=True)
class Examined:
    """What was asked for, accepted, before the work dir is touched."""

    requirements: Requirements
    interpreter: Interpreter
    recorded: Recorded


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


def index_access_of(job: Job) -> IndexAccess:
    """The places that `check` wrote down, with the credentials of this process."""
    recorded = job.work.recorded
    addresses = IndexAddresses(
        _with_credentials(recorded.index_url, [job.settings.index_url]),
        tuple(_with_credentials(url, job.settings.extra_index_urls) for url in recorded.extra_index_urls),
        tuple(_with_credentials(url, job.settings.find_links) for url in recorded.find_links),
    )
    return IndexAccess(addresses, job.settings, job.environ)


def _with_credentials(recorded: str, current: Sequence[str]) -> str:
    """The URL of the record with the credentials which this process has for the same address."""
    return next((url for url in current if strip_credentials(url) == recorded), recorded)


def requirements_of(job: Job, interpreter: Interpreter) -> Requirements:
    """The file that `check` accepted, read again."""
    # the copy in the work dir: the file that was given may have changed since `check`
    content = (job.path / places.REQUIREMENTS).read_bytes()
    recorded = job.work.recorded
    parts = [Part(*part) for part in recorded.requirements_parts]
    return requirements.reread(content, recorded.requirements, interpreter.marker_environment, parts)
