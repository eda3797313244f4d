"""What a store is: a few calls over named objects, and what every one of them refuses alike.

The commit of a build rests on two promises that every store keeps: `put_if_absent` lets exactly one of many writers
win, and an object is seen whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from venvbuild.errors import IntegrityError, UsageError
from venvbuild.redaction import REDACTOR

OWN_FOLDER = ".venvbuild"
"""The store's own corner (temporary files, locks, probes): never a key, never listed."""

A_FOLDER = "a folder"
"""`oddity` of a folder that stands for an object."""

_MAX_KEY_BYTES = 1024  # S3's limit, kept by every store so that a build can move between them


@dataclass(frozen=True)
class StoredObject:
    """An object as it was when it was read."""

    body: bytes
    etag: str
    """Changes whenever the bytes change; given back to `replace_if_unchanged`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a listing."""

    key: str
    size_bytes: int
    stamp: str = field(default="", compare=False)
    """Another one when the object was written again since (S3: its ETag); to be compared, means nothing else."""
    oddity: str = field(default="", compare=False)
    """What stands there instead of an object that can be read: `a link`."""
    modified_at: float = field(default=0.0, compare=False)
    """When it was written by the clock of the store, in seconds since the epoch."""


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

    def turn(self, name: str, wait: Callable[[float], None] = time.sleep) -> AbstractContextManager[None]:
        """Wait until nobody else has the turn of this name, and have it until the end of the block.

        A hint, so that others do not do for nothing what only one can finish; no promise that nobody else is at it.
        Whoever has it for 15 s, stopped, killed or slow, is waited for no longer, and where the store has no turns (no
        right to write, no locks) it is gone on without. Raises nothing.
        """
        ...

    def remove(self, key: str) -> None:
        """Remove `key`; nothing happens when it is not there."""
        ...

    def read(self, key: str, max_bytes: int | None = None) -> StoredObject:
        """The whole object. Raises `NotInStore`.

        Raises:
            IntegrityError: it is larger than `max_bytes`, and was not fetched; or what stands there is no object (in a
                folder, rule NO_OBJECT, or IS_FOLDER), or what stands above it is no folder (NO_FOLDER).
        """
        ...

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer only at the end of the object, none past it. Raises `NotInStore`.

        The length is checked, the bytes are not: whoever asks for a range knows its hash. `length` 0 asks nobody.
        """
        ...

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        """Objects whose key starts with `prefix`, in key order, after `start_after`. Empty when there are none.

        Key order is the order of the keys' UTF-8 bytes, as S3 lists them (`a.b` before `a/b`). `prefix` may end inside
        a name. An object made or removed meanwhile may or may not be seen; the others are. What S3 has under a name
        that cannot be a key has an oddity, and no call takes its key.

        Raises:
            IntegrityError: of a folder, something else stands where `prefix` has one (NO_FOLDER).
        """
        ...


def checked_key(key: str) -> str:
    """`key`, if it is one.

    Raises:
        UsageError: it is not (see `Store`).
    """
    if not is_key(key):
        raise UsageError(
            f"{REDACTOR.redact(ascii(key[:200]))} cannot be a key in a store",
            why="a key is relative, has no empty part, no '.' or '..', and at most 1024 bytes of UTF-8",
        )
    return key


def is_key(text: str) -> bool:
    """Whether an object can be asked for by this key (see `Store`)."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    is_path = {"", ".", ".."}.isdisjoint(text.split("/"))
    return is_path and "\0" not in text and size <= _MAX_KEY_BYTES and not is_own(text)


def too_large(size_bytes: int, max_bytes: int, where: str) -> IntegrityError:
    """What is said of an object that is larger than whoever reads it can use."""
    return IntegrityError(
        f"the object has {size_bytes} bytes, more than {max_bytes}",
        where=where,
        why="nothing of its kind is so large",
        fix="restore the object from a backup",
        rule="TOO_LARGE",
    )


def is_own(key: str) -> bool:
    """Whether it is, or is below, the store's own corner."""
    return key.partition("/")[0] == OWN_FOLDER


def checked_length(offset: int, length: int) -> int:
    """`length`, if it and `offset` can be a range; a negative one is a mistake of the caller: ValueError."""
    if offset < 0 or length < 0:
        raise ValueError(f"no range of bytes: offset {offset}, length {length}")
    return length
