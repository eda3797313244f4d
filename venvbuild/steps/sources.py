"""Where packages come from, for the steps that ask an index."""

from __future__ import annotations

from collections.abc import Sequence

from venvbuild.environment import IndexAccess, IndexAddresses
from venvbuild.redaction import strip_credentials
from venvbuild.steps.job import Job


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
