"""What was made of an archive once comes out of the fragment cache the next time, compared before it is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import IO

from venvbuild.archive import CODEC, FragmentCache, KeptExport
from venvbuild.restore import StoredArchive

_PIECE_BYTES = 16 << 20


def made_or_kept(stored: StoredArchive, kind: str, raw: IO[bytes], make: Callable[[IO[bytes]], str]) -> str:
    """Let `make` write what depends on the archive and on `kind` alone to `raw`, or write what it wrote before; its
    sha256. `raw` can be read, too, and what is made goes to its end.
    """
    key, start = _key(stored, kind), raw.tell()
    found = stored.cache.look_up_export(key)
    if found:
        # The record may be another's: what was written counts, all of it, so that no piece is hashed by itself.
        if _written(raw, stored.cache, found.pieces) == found.sha256:
            return found.sha256
        for piece in found.pieces:
            stored.cache.get(piece)  # which removes it where it is damaged
    raw.seek(start)
    raw.truncate()
    sha256 = make(raw)
    raw.seek(start)
    pieces = []
    while content := raw.read(_PIECE_BYTES):
        pieces.append(stored.cache.put(content))
    stored.cache.remember_export(key, KeptExport(sha256, tuple(pieces)))
    return sha256


def _written(raw: IO[bytes], cache: FragmentCache, pieces: Iterable[str]) -> str:
    """Write what the cache has under these names; the sha256 of what was written."""
    digest = hashlib.sha256()
    for piece in pieces:
        for part in cache.read_unchecked(piece):
            digest.update(part)
            raw.write(part)
    return digest.hexdigest()


def _key(stored: StoredArchive, kind: str) -> str:
    # Whoever lets a kind be made of other bytes gives it another name.
    about = [kind, stored.build["archive_sha256"], stored.index.level, CODEC]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()
