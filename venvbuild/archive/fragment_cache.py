"""Fragments that were made or fetched before, by their own sha256; what fragments and bytecode a package once gave, and
what was once exported.

A damaged entry is noticed and removed, never used. Any number of processes may share the folder. A folder that cannot
be written, or a disk that is full, is a cache that keeps nothing: nobody fails because of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from venvbuild.builds import Fragment
from venvbuild.files import write_whole
from venvbuild.interpreters import Compiled

log = logging.getLogger(__name__)

LIMIT_BYTES = 5_000_000_000
_KINDS = ("fragments", "distributions", "bytecode", "exports")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Of the limit: else every entry that comes would make us look at all the others.
_KEPT_AFTER_EVICTION = 0.9
# It stays in a processor's own memory, from which it is hashed and written.
_PART_BYTES = 1 << 18
# A temporary file that is older was left by a process that is gone.
_STALE_S = 3600


class KeptExport(NamedTuple):
    """A file that was made of an archive, as it is kept."""

    sha256: str
    """Of the whole file."""
    pieces: tuple[str, ...]
    """The sha256 of each of its pieces, in order, which lie among the fragments."""


class FragmentCache:
    """`folder/fragments/ab/<sha256>`, `folder/{distributions,bytecode,exports}/ab/<key>`; made with the first entry."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder, self._limit = folder, limit_bytes
        self._size_bytes: int | None = None
        self._lock = threading.Lock()
        self._is_writable = True

    def get(self, sha256: str) -> bytes | None:
        """The fragment with this digest; None when it is not there, or was damaged."""
        path = self._path("fragments", sha256)
        body = _read(path)
        if body is None or hashlib.sha256(body).hexdigest() == sha256:
            _touch(path)
            return body
        log.warning("a damaged fragment in the cache was removed: %s", path)
        _remove(path)
        return None

    def read_unchecked(self, sha256: str) -> Iterator[memoryview]:
        """What has this digest's name, not compared with it: for who compares all that it is put together to, as what
        is gone or cannot be read is lacking without a word. Each part is to be used before the next one is asked for.
        """
        path, memory = self._path("fragments", sha256), memoryview(bytearray(_PART_BYTES))
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            while count := file.readinto(memory):
                yield memory[:count]
            _touch(path)

    def has(self, sha256: str, size_bytes: int) -> bool:
        """Whether something with this digest's name and this size is there; only `get` tells whether it is whole."""
        try:
            return self._path("fragments", sha256).stat().st_size == size_bytes
        except OSError:
            return False

    def put(self, body: bytes, sha256: str | None = None) -> str:
        """Keep a fragment; its digest, which a caller who has just computed it may give.

        The least recently used entries go when the folder grows over its limit.
        """
        sha256 = sha256 or hashlib.sha256(body).hexdigest()
        self._write(self._path("fragments", sha256), body)
        return sha256

    def look_up(self, key: str) -> tuple[Fragment, ...] | None:
        """What `remember` was told under this key; offsets are 0. None when it was not, or when that is damaged."""
        found = self._recalled(self._path("distributions", key))
        return None if found is None else tuple(Fragment(**fields) for fields in found)

    def remember(self, key: str, fragments: Sequence[Fragment]) -> None:
        """Which fragments this key gave. Whoever changes `Fragment` changes what goes into the key."""
        self._note(self._path("distributions", key), [{**asdict(fragment), "offset": 0} for fragment in fragments])

    def look_up_bytecode(self, key: str) -> tuple[Compiled, ...] | None:
        """What `remember_bytecode` was told under this key; None when it was not, or when that is damaged."""
        found = self._recalled(self._path("bytecode", key))
        return None if found is None else tuple(Compiled(*fields) for fields in found)

    def remember_bytecode(self, key: str, compiled: Sequence[Compiled]) -> None:
        """Which bytecode this key gave; the files themselves are in fragments."""
        self._note(self._path("bytecode", key), list(compiled))

    def look_up_export(self, key: str) -> KeptExport | None:
        """What `remember_export` was told under this key; None when it was not, or when that is damaged."""
        found = self._recalled(self._path("exports", key))
        return None if found is None else KeptExport(found[0], tuple(found[1]))

    def remember_export(self, key: str, kept: KeptExport) -> None:
        """Which file this key gave; its pieces themselves are in fragments."""
        self._note(self._path("exports", key), list(kept))

    def unused(self, unused_s: float) -> list[Path]:
        """The entries that nobody has used for so long, and what others left half-written; anybody may remove them."""
        now = time.time()
        found = []
        for used_ns, _, path in self._files():
            is_entry = _SHA256.fullmatch(os.path.basename(path))
            if (is_entry or _is_unfinished(path)) and used_ns / 1e9 <= now - (unused_s if is_entry else _STALE_S):
                found.append(Path(path))
        return sorted(found)

    def of_distributions(self, names: Collection[str]) -> list[Path]:
        """The entries of packages, whose canonical names these are, that were packed here, whoever uses them.

        What was fetched is known by its digest alone.
        """
        found = set()
        for path in self._folder.glob("distributions/??/*"):
            if _SHA256.fullmatch(path.name):
                fragments = self._noted(path) or ()  # which is no use of it
                if any(fragment["distribution"] in names for fragment in fragments):
                    found |= {path, *(self._path("fragments", fragment["sha256"]) for fragment in fragments)}
        return sorted(path for path in found if path.is_file())

    def _recalled(self, path: Path) -> Any:
        """The JSON value that was noted there, which is now used; None when there is none."""
        found = self._noted(path)
        if found is not None:
            _touch(path)
        return found

    def _noted(self, path: Path) -> Any:
        """The JSON value that was noted there; None when there is none, or it is not what was noted under its name."""
        body = _read(path)
        if body is None:
            return None
        digest, _, text = body.partition(b"\n")
        # The name is part of the digest: an entry that was copied under another key is not believed either.
        if hashlib.sha256(path.name.encode() + text).hexdigest().encode() != digest:
            log.warning("a damaged entry in the cache was removed: %s", path)
            _remove(path)
            return None
        return json.loads(text)

    def _note(self, path: Path, value: Any) -> None:
        text = json.dumps(value).encode()
        digest = hashlib.sha256(path.name.encode() + text).hexdigest().encode()
        self._write(path, digest + b"\n" + text)

    def _path(self, kind: str, digest: str) -> Path:
        # Digests come out of indexes that others wrote, and this one becomes a path.
        if not _SHA256.fullmatch(digest):
            raise ValueError(f"no sha256: {digest[:80]!r}")
        return self._folder / kind / digest[:2] / digest

    def _write(self, path: Path, body: bytes) -> None:
        if not self._is_writable:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, body)
        except OSError as error:
            # For good: what hinders one entry hinders all of them, and one warning is enough.
            self._is_writable = False
            log.warning("the fragment cache is not used: %s", error)
            return
        self._grown_by(len(body))

    def _grown_by(self, count: int) -> None:
        with self._lock:
            # The folder is walked once a process, to measure it: on a full cache or a slow disk that takes long.
            self._size_bytes = None if self._size_bytes is None else self._size_bytes + count
            if self._size_bytes is None or self._size_bytes > self._limit:
                self._size_bytes = self._evicted()

    def _evicted(self) -> int:
        """Bytes of what is there, after the least recently used went if it was too much."""
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        if total <= self._limit:
            return total
        for _, size, path in entries:
            if total <= self._limit * _KEPT_AFTER_EVICTION:
                break
            _remove(Path(path))
            total -= size
        return total

    def _entries(self) -> Iterator[tuple[int, int, str]]:
        """(used at, size, path) of each entry."""
        files = list(self._files())
        now_ns = max((used for used, _, _ in files), default=0)
        for used_ns, size, path in files:
            if _is_unfinished(path) and now_ns - used_ns > _STALE_S * 1_000_000_000:
                _remove(Path(path))
            else:
                yield used_ns, size, path

    def _files(self) -> Iterator[tuple[int, int, str]]:
        for place, _, names in (found for kind in _KINDS for found in os.walk(self._folder / kind)):
            for name in names:
                with contextlib.suppress(OSError):
                    facts = os.lstat(os.path.join(place, name))  # gone, when another process has just removed it
                    yield facts.st_mtime_ns, facts.st_size, os.path.join(place, name)


def _is_unfinished(path: str) -> bool:
    """Whether `write_whole` has named it so."""
    return os.path.basename(path).startswith(".")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):  # a cache that others own can be read all the same
        os.utime(path)  # its mtime says when it was last used


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
