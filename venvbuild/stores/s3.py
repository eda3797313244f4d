"""A store in S3, or in anything that speaks S3 and keeps conditional writes.

The commit rests on `If-None-Match: *`. A reply that is lost on the way makes the client ask again and hear "412, it is
there already" of its own object; so a refusal is never believed before the stored bytes have been compared with ours.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, HTTPClientError, IncompleteReadError

from venvbuild.aws_errors import code_of
from venvbuild.errors import StoreUnavailable, UsageError
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.retrying import repeated
from venvbuild.stores.s3_body import checksum, encoded, opened, size_bytes
from venvbuild.stores.s3_errors import ABSENT, CONFLICT, DAMAGED, REFUSED, store_error, was_retried
from venvbuild.stores.s3_lease import Lease
from venvbuild.stores.s3_proof import check_clock, is_proven, keep_proof, prove_conditional_writes
from venvbuild.stores.store import (
    OWN_FOLDER,
    Entry,
    StoredObject,
    checked_key,
    checked_length,
    is_key,
    is_own,
    too_large,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)
_Reply = TypeVar("_Reply")
# 409: another conditional write on the key is under way. S3 asks to try again, which boto3 does not
_CONFLICT_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 4.0)
_Fields = dict[str, Any]
"""Of a request to S3 or of its answer, under boto3's names."""
# What a put is answered whose object may be there, perhaps ours of a try whose reply was lost. `NoSuchUpload`: a first
# "complete" landed, its reply was lost, and the second finds it done.
_MAY_BE_THERE = REFUSED | CONFLICT | {"NoSuchUpload"}
_NO_KEY = "an object that no key can name"
_TRIES = 3  # of what boto3 does not do again by itself: damaged bytes, and a download that broke off
_AT_ONCE = (0.0,) * (_TRIES - 1)
_MAX_PARTS = 10_000  # S3's limit
_MAX_LEASE_BYTES = 1000


@dataclass(frozen=True)
class Limits:
    """Sizes and patience of an `S3Store`."""

    attempts: int = 8
    """Of each request, by boto3's `standard` mode, with its back-off."""
    connect_timeout_s: float = 10
    read_timeout_s: float = 60
    multipart_above_bytes: int = 64 << 20
    """A larger file is sent in parts."""
    part_bytes: int = 16 << 20
    """S3 wants at least 5 MiB; more when a file would have over 10,000 parts."""
    parts_at_once: int = 4
    range_bytes: int = 8 << 20
    """How much of a stored object is in memory while it is compared."""
    page_keys: int = 1000


class S3Store:
    """A `Store` under `prefix` (no `/` at its ends; empty: the whole bucket) of `bucket`.

    Credentials come from boto3's default chain, the endpoint from `endpoint_url` or boto3's own settings
    (AWS_ENDPOINT_URL). boto3 addresses a custom endpoint by path, as few of them have a host name per bucket, unless
    the user's AWS configuration says `addressing_style = virtual`.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        sse_kms_key_id: str | None = None,
        cache: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint_url = endpoint_url
        self._cache = cache
        self._limits = limits or Limits()
        self._encryption: _Fields = {}
        if sse_kms_key_id:
            self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": sse_kms_key_id}
        self._lock = Lock()
        self._made_client: S3Client | None = None

    def uri(self, key: str) -> str:
        """Where `key` is: `s3://bucket/prefix/key`."""
        return f"{self.url}/{key}"

    def prepare(self) -> None:
        """Prove that the bucket is there, the clocks agree and conditional writes are kept.

        The proof is made once per store and endpoint and kept in `cache`; bucket and clocks are looked at every time.

        Raises:
            StoreUnavailable: a conditional put that had to be refused was not, or the clocks differ by over 60 s.
            UsageError: no such bucket, no rights, no credentials.
        """
        with self._translated():
            asked_at = datetime.now(UTC)
            # Not a HEAD: its errors have no body, so that an expired token would be a bare 400.
            reply = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._name(f"{OWN_FOLDER}/"), MaxKeys=1)
            check_clock(reply["ResponseMetadata"]["HTTPHeaders"].get("date", ""), asked_at, self.url)
            endpoint_url = self._client.meta.endpoint_url
            if not is_proven(self._cache, self.url, endpoint_url):
                self._probe()
                keep_proof(self._cache, self.url, endpoint_url)

    def put_if_absent(self, key: str, body: bytes | Path) -> bool:
        """Create `key`; see `Store`. A large file goes in parts, of which a few KiB are in memory at a time.

        Raises:
            StoreUnavailable: S3 failed through all attempts; an unfinished upload was aborted.
            UsageError: no rights, credentials or bucket; the given file cannot be read.
        """
        name = self._name(checked_key(key))
        with self._translated(key):
            put = self._put_if_absent
            if isinstance(body, Path) and size_bytes(body) > self._limits.multipart_above_bytes:
                put = self._put_in_parts
                # One question may save sending an archive which an earlier run has sent.
                if (same := self._holds(name, body)) is not None:
                    return same

            def put_or_found() -> bool:
                try:
                    put(name, body)
                except ClientError as exc:
                    same = self._holds(name, body) if code_of(exc) in _MAY_BE_THERE else None
                    if same is None:
                        raise
                    return same
                return True

            return repeated(put_or_found, partial(_has_code, _MAY_BE_THERE), _CONFLICT_DELAYS_S)

    def replace_if_unchanged(self, key: str, body: bytes, etag: str) -> bool:
        """Replace `key` by a put with `If-Match`."""
        name = self._name(checked_key(key))

        def replaced() -> bool:
            try:
                self._put(name, body, IfMatch=etag)
            except ClientError as exc:
                if code_of(exc) in REFUSED:
                    # our own write may have landed, its reply lost; a request that was sent once was simply refused
                    return was_retried(exc) and self._holds(name, body) is True
                if code_of(exc) in ABSENT:
                    return False
                raise
            return True

        with self._translated(key):
            return repeated(replaced, partial(_has_code, CONFLICT), _CONFLICT_DELAYS_S)

    @contextmanager
    def turn(self, name: str, wait: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Wait for our turn; see `Store`. Who has it is said by `.venvbuild/turns/<name>`, which stays."""
        key = self._name(f"{OWN_FOLDER}/turns/{name}")
        lease = Lease(partial(self._get, key, _MAX_LEASE_BYTES), partial(self._put, key))
        try:
            lease.take(wait)
            yield
        finally:
            lease.give_back()

    def remove(self, key: str) -> None:
        """Remove `key`; in a bucket with versions it gets a delete marker."""
        name = self._name(checked_key(key))
        with self._translated(key):
            self._client.delete_object(Bucket=self._bucket, Key=name)

    def read(self, key: str, max_bytes: int | None = None) -> StoredObject:
        """The whole object, with the checksum that S3 keeps of it verified by boto3. Raises `NotInStore`.

        Raises:
            IntegrityError: it is larger than `max_bytes`; of its body nothing was read.
        """
        with self._translated(key):
            body, reply = self._get(self._name(checked_key(key)), max_bytes)
        return StoredObject(body, self._told(reply, "ETag", self._name(key)))

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer only at the end. Raises `NotInStore`."""
        name = self._name(checked_key(key))
        if not checked_length(offset, length):
            return b""
        with self._translated(key):
            return self._get_range(name, offset, length)

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        """Objects in key order, by pages of 1000; the console's `folder/` is left out."""
        after: _Fields = {"StartAfter": self._name(start_after)} if start_after else {}
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket,
                Prefix=self._name(prefix),
                PaginationConfig={"PageSize": self._limits.page_keys},
                **after,
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    if key and not key.endswith("/") and not is_own(key):
                        modified_at = item["LastModified"].timestamp()
                        etag = self._told(item, "ETag", item["Key"])
                        oddity = "" if is_key(key) else _NO_KEY
                        yield Entry(key, item["Size"], etag, oddity, modified_at)

    @property
    def _client(self) -> S3Client:
        with self._lock:  # making one is not thread-safe; using one is
            if self._made_client is None:
                self._made_client = self._new_client()
            return self._made_client

    def _new_client(self) -> S3Client:
        limits = self._limits
        config = Config(
            signature_version="s3v4",
            # adaptive waits twice as long where S3 says SlowDown
            retries={"mode": "standard", "total_max_attempts": limits.attempts},
            connect_timeout=limits.connect_timeout_s,
            read_timeout=limits.read_timeout_s,
            max_pool_connections=32,  # more than any of our pools has threads; boto3 keeps 10
        )
        try:
            return boto3.session.Session().client("s3", endpoint_url=self._endpoint_url, config=config)
        except ValueError as exc:  # what boto3 raises for a URL that is none
            raise UsageError(
                "the S3 endpoint is not a URL",
                where=_shown(self._endpoint_url or "AWS_ENDPOINT_URL"),
                why=REDACTOR.redact(str(exc)),
                fix="write https://host[:port]",
            ) from exc

    def _name(self, key: str) -> str:
        return self._prefix + key

    @contextmanager
    def _translated(self, key: str = "") -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as exc:
            raise store_error(exc, self.uri(key) if key else self.url) from exc
        except OSError as exc:  # botocore wraps those of the network
            raise UsageError(
                "the file to store cannot be read",
                where=_shown(str(exc.filename or self.uri(key))),
                why=str(exc.strerror),
            ) from exc

    def _put(self, name: str, body: bytes | Path, **condition: Any) -> _Fields:
        def send() -> Any:
            with opened(body) as content:
                return self._client.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=content,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=checksum(content),
                    **condition,
                    **self._encryption,
                )

        sent: _Fields = _again_if_damaged(send)
        return sent

    def _put_if_absent(self, name: str, body: bytes | Path) -> None:
        self._put(name, body, IfNoneMatch="*")

    def _put_in_parts(self, name: str, body: bytes | Path) -> None:
        total_bytes = size_bytes(body)
        part_bytes = max(self._limits.part_bytes, -(-total_bytes // _MAX_PARTS))
        starts = range(0, total_bytes, part_bytes)
        with ExitStack() as on_failure:
            upload = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=name, ChecksumAlgorithm="SHA256", **self._encryption
            )
            target: _Fields = {"Bucket": self._bucket, "Key": name, "UploadId": self._told(upload, "UploadId", name)}
            on_failure.callback(self._abort, target)

            def send(start: int) -> _Fields:
                with opened(body, start, min(part_bytes, total_bytes - start)) as content:
                    number, sha256 = start // part_bytes + 1, checksum(content)
                    reply = self._client.upload_part(
                        **target, PartNumber=number, Body=content, ChecksumAlgorithm="SHA256", ChecksumSHA256=sha256
                    )
                return {"PartNumber": number, "ETag": self._told(reply, "ETag", name), "ChecksumSHA256": sha256}

            # Left by an exception, the pool starts no further part and waits for those under way, so that none of
            # them lands after the abort.
            with ThreadPoolExecutor(self._limits.parts_at_once) as pool:
                parts = list(pool.map(lambda start: _again_if_damaged(lambda: send(start)), starts))
            # the object comes to be only here, so here somebody may have been first
            complete: _Fields = {**target, "MultipartUpload": {"Parts": parts}, "IfNoneMatch": "*"}
            self._client.complete_multipart_upload(**complete)
            on_failure.pop_all()

    def _told(self, reply: Mapping[str, Any], field: str, name: str) -> str:
        """A field that S3 always sends, and not everything that stands in for it."""
        if value := reply.get(field):
            return str(value)
        raise StoreUnavailable(
            f"S3 answered without {field}",
            where=_shown(f"s3://{self._bucket}/{name}"),
            why="without it nobody can tell which bytes it has; a gateway or a proxy on the way may leave it out",
            fix="ask who runs the endpoint, or give another one (AWS_ENDPOINT_URL); then run it again",
        )

    def _abort(self, target: _Fields) -> None:
        try:
            self._client.abort_multipart_upload(**target)
        except (ClientError, BotoCoreError) as exc:  # the error that led here is the one to show
            if not (isinstance(exc, ClientError) and code_of(exc) == "NoSuchUpload"):
                _LOG.warning(
                    "an unfinished upload of s3://%s/%s stays: %s",
                    self._bucket,
                    target["Key"],
                    REDACTOR.redact(str(exc)),
                )

    def _holds(self, name: str, body: bytes | Path) -> bool | None:
        """Whether the object has exactly these bytes; None when there is no object."""
        total_bytes = size_bytes(body)
        try:
            # Not a HEAD, whose errors have no body. Of all keys that begin with this one, it is the first.
            found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=name, MaxKeys=1).get("Contents", [])
            if not found or found[0]["Key"] != name:
                return None
            if found[0]["Size"] != total_bytes:
                return False
            # not by the ETag: of an upload in parts, or with SSE-KMS, it is no digest of the bytes
            stored = hashlib.sha256()
            for start in range(0, total_bytes, self._limits.range_bytes):
                etag = self._told(found[0], "ETag", name)
                stored.update(self._get_range(name, start, self._limits.range_bytes, IfMatch=etag))
        except ClientError as exc:
            if code_of(exc) in ABSENT:
                return None
            if code_of(exc) in REFUSED:  # replaced while we read: these are not our bytes
                return False
            raise
        with opened(body) as content:
            return encoded(stored.digest()) == checksum(content)

    def _get(self, name: str, max_bytes: int | None = None, tries: int = _TRIES, **asked: Any) -> tuple[bytes, _Fields]:
        # Not `repeated`: the request itself boto3 has tried often enough, only what comes of it is read again.
        reply: Any = self._client.get_object(Bucket=self._bucket, Key=name, **asked)
        try:
            with closing(reply["Body"]) as stream:
                # 0: a gateway that sends it in chunks does not say
                if max_bytes is not None and reply.get("ContentLength", 0) > max_bytes:
                    raise too_large(reply["ContentLength"], max_bytes, f"s3://{self._bucket}/{name}")
                return stream.read(), reply
        except (HTTPClientError, IncompleteReadError, FlexibleChecksumError):
            if tries == 1:
                raise
        return self._get(name, max_bytes, tries - 1, **asked)

    def _get_range(self, name: str, offset: int, length: int, **condition: Any) -> bytes:
        try:
            body, reply = self._get(name, Range=f"bytes={offset}-{offset + length - 1}", **condition)
        except ClientError as exc:
            if code_of(exc) in ("InvalidRange", "416"):  # the object ends before `offset`
                return b""
            raise
        # a server or a proxy that knows no ranges sends the object from its beginning
        total = re.fullmatch(rf"bytes {offset}-\d+/(\d+)", reply.get("ContentRange", ""))
        if not total or len(body) != min(length, int(total[1]) - offset):
            raise StoreUnavailable(
                "S3 did not send the bytes that were asked for",
                where=f"s3://{self._bucket}/{name}",
                why=f"asked for {length} bytes from {offset}, got {len(body)} "
                f"({reply.get('ContentRange') or 'no Content-Range'})",
                fix="run it again; check what stands between here and S3",
            )
        return body

    def _probe(self) -> None:
        probe = self._name(f"{OWN_FOLDER}/probe-{secrets.token_hex(16)}")
        try:
            prove_conditional_writes(lambda body, **condition: self._put(probe, body, **condition), self.url)
        finally:
            with suppress(ClientError, BotoCoreError):  # without the right to delete, the probe stays and is hidden
                self._client.delete_object(Bucket=self._bucket, Key=probe)


def _again_if_damaged(send: Callable[[], _Reply]) -> _Reply:
    # boto3 does not send again what was damaged on its way; nothing of it was stored, so we may
    return repeated(send, partial(_has_code, DAMAGED), _AT_ONCE)


def _has_code(codes: frozenset[str], exc: Exception, _number: int) -> bool:
    return isinstance(exc, ClientError) and code_of(exc) in codes


def _shown(text: str) -> str:
    return REDACTOR.redact(strip_credentials(text))
