"""What an S3 must prove before the first claim: that it keeps conditional writes, and that the clocks agree.

Without the first, two builds could both commit one version; without the second, signatures are refused and versions,
which are instants, come out wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from botocore.exceptions import ClientError

from venvbuild.aws_errors import code_of
from venvbuild.errors import StoreUnavailable
from venvbuild.files import write_whole
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.stores.s3_errors import NOT_SUPPORTED, REFUSED, clock_difference

_SKEW_LIMIT = timedelta(seconds=60)  # S3 itself bears 15 minutes, but a version is an instant
_NEVER_AN_ETAG = f'"{"0" * 32}"'


def check_clock(date: str, asked_at: datetime, url: str) -> None:
    """Compare the `Date` of a reply, made to the second between `asked_at` and now, with our clock.

    Raises:
        StoreUnavailable: they differ by over 60 s. A reply without a readable date is not judged.
    """
    try:
        theirs = parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return
    ours = datetime.now(UTC)
    # a Date has whole seconds
    if not asked_at - _SKEW_LIMIT - timedelta(seconds=1) <= theirs <= ours + _SKEW_LIMIT:
        raise StoreUnavailable(
            "the clock of this machine and that of S3 differ by over 60 s",
            where=url,
            why=clock_difference(theirs, ours),
            fix="set the clock of this machine (NTP)",
        )


def prove_conditional_writes(put: Callable[..., object], url: str) -> None:
    """Have three conditional puts done on a fresh name, of which the second and third must be refused.

    `put(body, IfNoneMatch=...)` and `put(body, IfMatch=...)` raise botocore's ClientError when refused.

    Raises:
        StoreUnavailable: one was accepted, or S3 does not know conditions.
    """
    _is_refused(put, b"first", url, IfNoneMatch="*")  # "refused" would be a lost reply here: the name is fresh
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": _NEVER_AN_ETAG}):
        if not _is_refused(put, b"second", url, **condition):
            raise _unfit(url, f"it accepted a put with {next(iter(condition))} that it had to refuse")


def is_proven(cache: Path | None, url: str, endpoint_url: str) -> bool:
    """Whether `keep_proof` was called for this store before."""
    with suppress(OSError):
        return cache is not None and _proof_file(cache, url, endpoint_url).is_file()
    return False


def keep_proof(cache: Path | None, url: str, endpoint_url: str) -> None:
    """Remember, in `cache`/stores, that this store kept conditional writes."""
    if cache is None:
        return
    proof = {
        "url": url,
        "endpoint_url": strip_credentials(endpoint_url),
        "proven_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    file = _proof_file(cache, url, endpoint_url)
    with suppress(OSError):  # a cache that cannot be written costs a probe
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(proof).encode())


def _proof_file(cache: Path, url: str, endpoint_url: str) -> Path:
    # a bucket of the same name at another endpoint is another store
    return cache / "stores" / f"{hashlib.sha256(f'{url} {endpoint_url}'.encode()).hexdigest()}.json"


def _is_refused(put: Callable[..., object], body: bytes, url: str, **condition: str) -> bool:
    try:
        put(body, **condition)
    except ClientError as exc:
        if code_of(exc) in NOT_SUPPORTED:
            raise _unfit(url, f"it answered {code_of(exc)}") from exc
        if code_of(exc) not in REFUSED:
            raise
        return True
    return False


def _unfit(url: str, why: str) -> StoreUnavailable:
    return StoreUnavailable(
        "this S3 does not keep conditional writes, so commits would race",
        where=url,
        why=REDACTOR.redact(why),
        fix="use Amazon S3, another S3 that honours If-None-Match and If-Match, or a folder",
    )
