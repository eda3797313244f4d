"""Makes the lock, and the environment with exactly that."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Sequence

from venvbuild import environment
from venvbuild.builds import places
from venvbuild.environment import IndexAccess, IndexAddresses, PackageSource, build_sdists
from venvbuild.installed import MANIFEST, Manifest
from venvbuild.redaction import strip_credentials
from venvbuild.run import VENV, Created
from venvbuild.steps.job import Job, Made, interpreter_of, requirements_of
from venvbuild.text import count_text

log = logging.getLogger(__name__)


def run(job: Job) -> Made:
    """The lock and the venv."""
    recorded, source = job.work.recorded, _source(job)
    read = requirements_of(job, source.interpreter)
    if source.sdists:
        source = build_sdists(read, source)
    locked = environment.lock(read, source, fail_on_conflicts=recorded.fail_on_conflicts, locked=recorded.locked)
    (job.path / places.LOCK).write_text(locked.text(), "utf-8")
    if locked.not_pinned:
        log.warning("%s not pinned by you: %s", _are(len(locked.not_pinned)), ", ".join(locked.not_pinned))
    made = environment.create(locked, source, job.path / VENV, with_pip=recorded.installer == "pip")
    # at once: of a file that is touched after this, its RECORD is not believed
    (job.path / MANIFEST).write_text(Manifest.taken(made.path).text(), "utf-8")
    used = (
        "uv " + importlib.metadata.version("uv")
        if recorded.installer == "uv"
        else "pip " + next(one.version for one in locked.distributions if one.name == "pip")
    )
    forced = ", pins forced" if locked.is_forced else ""
    return Made(
        (places.LOCK, VENV, MANIFEST),
        Created(used, tuple(locked.not_pinned), locked.is_forced, made.overlaps, reproducible=not source.built),
        f"{count_text(len(locked.distributions), 'package')} by {used}{forced}",
    )


def _are(number: int) -> str:
    return "1 package is" if number == 1 else f"{number} packages are"


def _with_credentials(recorded: str, current: Sequence[str]) -> str:
    """The URL of the record with the credentials which this process has for the same address."""
    return next((url for url in current if strip_credentials(url) == recorded), recorded)


def _source(job: Job) -> PackageSource:
    """Everything `create` needs to get packages: from the places that `check` wrote down, with our credentials."""
    recorded = job.work.recorded
    addresses = IndexAddresses(
        _with_credentials(recorded.index_url, [job.settings.index_url]),
        tuple(_with_credentials(url, job.settings.extra_index_urls) for url in recorded.extra_index_urls),
        tuple(_with_credentials(url, job.settings.find_links) for url in recorded.find_links),
    )
    return PackageSource.of(
        IndexAccess(addresses, job.settings, job.environ),
        interpreter_of(job),
        timeout_s=recorded.timeout_s,
        scratch=job.path,
        sdists=recorded.allow_sdist,
        # a link into uv's cache must not stay: whoever edits the kept environment would edit the cache
        shares_cache=not job.is_kept,
    )
