"""Where packages come from, for the steps that ask an index."""

from __future__ import annotations

from collections.abc import Sequence

from venvbuild.environment import IndexAccess, IndexAddresses, Rules
from venvbuild.redaction import strip_credentials
from venvbuild.run import Checked
from venvbuild.steps.job import Job


def index_access_of(job: Job) -> IndexAccess:
    """The places that `check` wrote down, with the credentials of this process."""
    recorded = job.work.recorded
    addresses = IndexAddresses(
        _with_credentials(recorded.index_url, [job.settings.index_url]),
        tuple(_with_credentials(url, job.settings.extra_index_urls) for url in recorded.extra_index_urls),
        tuple(_with_credentials(url, job.settings.find_links) for url in recorded.find_links),
    )
    known = job.examined.known if job.examined else None
    return IndexAccess(addresses, job.settings, job.environ, known, rules_of(job).min_age)


def rules_of(job: Job) -> Rules:
    """What `check` was told to ask of releases, as of the time when it ran."""
    recorded, began = job.work.recorded, job.work.result(Checked).started_at
    return Rules.of(recorded.min_age_days, recorded.min_age_except, recorded.yanked, began)


def _with_credentials(recorded: str, current: Sequence[str]) -> str:
    """The URL of the record with the credentials which this process has for the same address."""
    return next((url for url in current if strip_credentials(url) == recorded), recorded)
