"""Where builds live: a folder or S3, behind six calls.

The commit of a build rests on two promises that every store keeps: `put_if_absent` lets exactly one of many writers
win, and an object is seen whole or not at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR, strip_credentials

OWN_FOLDER = ".venvbuild"
"""The store's own corner (temporary files, locks, probes): never a key, never listed."""

_MAX_KEY_BYTES = 1024  # S3's limit, kept by every store so that a build can move between them
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class StoredObject:
    """An object as it was when it was read."""

    body: bytes
    etag: str
    """Changes whenever the bytes change; given back to `replace_if_unchanged`."""


@dataclass(frozen=True)
class Entry:
    """One object of a listing."""

    key: str
    size_bytes: int
    stamp: str = field(default="", compare=False)
    """Another one when the object was written again since (S3: its ETag); to be compared, means nothing else."""


class Store(Protocol):
    """A flat space of keys (`venv-builds/<venv_version>/metadata.json`) holding immutable or replaceable objects.

    A key is relative, of non-empty parts between `/`, none of them `.` or `..`, at most 1024 bytes of UTF-8, and not
    below `.venvbuild/`; any other is a `UsageError`. A store may be used by several threads at once.

    Every call raises `StoreUnavailable` (7) for what a retry may cure, `UsageError` (2) for missing rights,
    credentials or an absent bucket, and `NotInStore` (9) where said.
    """

    url: str
    """The store as people name it: `s3://bucket/prefix`, or an absolute folder path. Holds no secret."""

    def uri(self, key: str) -> str:
        """Where `key` is: `s3://bucket/prefix/key` or `file:///folder/key`."""
        ...

    def prepare(self) -> None:
        """Prove, before the first claim, that this store keeps the two promises (S3) or can be written (folder).

        Raises:
            StoreUnavailable: a second conditional put was not refused, or the clocks differ by over 60 s.
        """
        ...

    def put_if_absent(self, key: str, body: bytes | Path) -> bool:
        """Create `key` with these bytes, or with the bytes of this file.

        True when the object now there holds exactly these bytes, written now or by an earlier try whose reply was
        lost. False when it holds others: somebody else was first, and theirs stay.
        """
        ...

    def replace_if_unchanged(self, key: str, body: bytes, etag: str) -> bool:
        """Replace `key` if it is still what `etag` names; False when it changed or is gone.

        True too when these bytes are there because an earlier try landed and its reply was lost.
        """
        ...

    def remove(self, key: str) -> None:
        """Remove `key`; nothing happens when it is not there."""
        ...

    def read(self, key: str) -> StoredObject:
        """The whole object. Raises `NotInStore`."""
        ...

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer only at the end of the object, none past it. Raises `NotInStore`.

        The length is checked, the bytes are not: whoever asks for a range knows its hash. `length` 0 asks nobody.
        """
        ...

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        """Objects whose key starts with `prefix`, in key order, after `start_after`. Empty when there are none.

        Key order is the order of the keys' UTF-8 bytes, as S3 lists them (`a.b` before `a/b`). `prefix` may end inside
        a name. An object made or removed meanwhile may or may not be seen; the others are.
        """
        ...


def open_store(
    url: str, *, endpoint_url: str | None = None, sse_kms_key_id: str | None = None, cache: Path | None = None
) -> Store:
    """The store which `url` names: a folder path, `file:///...` or `s3://bucket[/prefix]`.

    Nothing is read, made or connected to yet. `~` and a relative path become absolute. `endpoint_url` and
    `sse_kms_key_id` are for S3 (None: boto3's own configuration, no SSE-KMS). `cache` is the folder in which S3 keeps,
    per store, that conditional writes were proven; None keeps nothing.

    Raises:
        UsageError: `url` is none of these, names a scheme we do not speak, or carries credentials.
    """
    # Each import waits for its store: boto3 alone would cost every command 0.4 s.
    named = _SCHEME.match(url)
    scheme = named["scheme"].lower() if named else ""
    rest = named["rest"] if named else url
    if scheme == "s3":
        from venvbuild.stores.s3 import S3Store

        return S3Store(
            *_bucket_and_prefix(url, rest), endpoint_url=endpoint_url, sse_kms_key_id=sse_kms_key_id, cache=cache
        )
    if scheme in ("", "file"):
        from venvbuild.stores.folder import FolderStore

        return FolderStore(_file_url_path(url, rest) if scheme else _absolute(url))
    raise _bad_url(url, f"a store cannot be {scheme}://")


def checked_key(key: str) -> str:
    """`key`, if it is one.

    Raises:
        UsageError: it is not (see `Store`).
    """
    parts = key.split("/")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        size = 0
    if "\0" in key or not 0 < size <= _MAX_KEY_BYTES or not {"", ".", ".."}.isdisjoint(parts) or is_own(key):
        raise UsageError(
            f"{REDACTOR.redact(ascii(key[:200]))} cannot be a key in a store",
            why="a key is relative, has no empty part, no '.' or '..', and at most 1024 bytes of UTF-8",
        )
    return key


def is_own(key: str) -> bool:
    """Whether it is, or is below, the store's own corner."""
    return key.partition("/")[0] == OWN_FOLDER


def checked_length(offset: int, length: int) -> int:
    """`length`, if it and `offset` can be a range; a negative one is a mistake of the caller: ValueError."""
    if offset < 0 or length < 0:
        raise ValueError(f"no range of bytes: offset {offset}, length {length}")
    return length


def _bucket_and_prefix(url: str, rest: str) -> tuple[str, str]:
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket:
        raise UsageError(
            "a store's URL must hold no credentials",
            where=REDACTOR.redact(strip_credentials(url)),
            fix="leave them to AWS's own settings: AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance role",
        )
    if not bucket:
        raise _bad_url(url, "the bucket's name is missing")
    prefix = prefix.rstrip("/")
    return bucket, checked_key(prefix) if prefix else ""


def _file_url_path(url: str, rest: str) -> Path:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise _bad_url(url, "a file URL has three slashes and an absolute path")
    return _absolute("/" + unquote(path, errors="surrogateescape"))


def _absolute(path: str) -> Path:
    if not path or "\0" in path:
        raise _bad_url(path, "a store's path is empty or holds a NUL")
    try:
        return Path(os.path.abspath(Path(path).expanduser()))
    except (RuntimeError, FileNotFoundError) as exc:  # no such user or HOME; the working folder is gone
        raise _bad_url(path, f"the path cannot be made absolute ({exc})") from exc


def _bad_url(url: str, what: str) -> UsageError:
    return UsageError(
        what,
        where=REDACTOR.redact(strip_credentials(url)) if url else "",
        fix="write a folder, file:///folder or s3://bucket[/prefix]",
    )
