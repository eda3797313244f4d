"""The rows of a day that is over in one file of the store, so that a machine without a cache fetches one object.

    venv-catalog/days/2025-07-22.jsonl.gz

Never a second truth: which rows a day has says the listing, and a line of the file stands for a row only if its MD5 and
its size are those of the row's object there. What the file lacks is read from the rows, and where a store tells no MD5
of its objects (a folder; S3 with SSE-KMS) there is no file. MD5 is enough: who could make two rows of one MD5 may write
rows anyway.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice

from athena.rows.table import list_days
from athena.statement import Scope
from venvbuild.builds import places, schemas
from venvbuild.errors import IntegrityError, NotInStore, StoreUnavailable, UsageError
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store, StoredObject

_FEWEST_ROWS = 8
"""Fewer are fetched one by one as fast."""
_TRIED = 3
"""Rows that tell whether a store's ETags are MD5s: with SSE-KMS they only look so."""
_READ_AT_ONCE = 16
_MAX_BYTES = 64 << 20
"""Of the rows in one file; those beyond are read one by one."""
_MOST_ROWS = 86_400
"""A version is a second of its day."""
_ETAG = re.compile(r'"?([0-9a-f]{32})"?')
_NAME = re.compile(r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl\.gz")


def known_rows(store: Store, day: str, entries: Sequence[Entry]) -> Mapping[str, bytes]:
    """Key -> bytes of those listed rows of the day that its file has; nothing where there is none.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    if len(entries) < _FEWEST_ROWS or day >= _today() or not all(map(_md5, entries)):
        return {}
    return _matching(_read(store, day), entries)


def keep_closed_days(store: Store, since: str) -> list[str]:
    """Bring the files of the days from `since` to yesterday up to date, and remove those of earlier ones.

    The days whose file was written. What several do at once, or the store forbids, is left to the next time: it is a
    help, no part of the catalog.
    """
    written = []
    with suppress(StoreUnavailable, UsageError):
        for day, entries in list_days(store, Scope(since=since or None, before=_today())).items():
            written += [day] if _keep(store, day, entries) else []
        for entry in list(store.list(f"{places.DAYS}/")):
            match = _NAME.fullmatch(entry.key.rpartition("/")[2])
            if match and match["day"] < since:
                store.remove(entry.key)
    return written


def _keep(store: Store, day: str, entries: Sequence[Entry]) -> bool:
    if len(entries) < _FEWEST_ROWS or not all(map(_md5, entries)):
        return False
    there = _read(store, day)
    known = _matching(there, entries)
    missing = [entry for entry in entries if entry.key not in known]
    if not missing:
        return False
    some = [_row(store, entry) for entry in missing[:_TRIED]]
    if not known and not any(some):
        return False
    rest = in_turn(lambda entry: _row(store, entry), missing[_TRIED:], _READ_AT_ONCE)
    new = [line for line in (*some, *rest) if line]
    # mtime 0: the same rows are the same bytes
    body = gzip.compress(b"".join(sorted([*known.values(), *new])), mtime=0)
    if not new or len(body) > schemas.MAX_BYTES:
        return False
    key = _key(day)
    return store.replace_if_unchanged(key, body, there.etag) if there else store.put_if_absent(key, body)


def _row(store: Store, entry: Entry) -> bytes:
    """The bytes of a row that can stand in the file: one line, of the MD5 that is told; empty for another."""
    with suppress(NotInStore, IntegrityError):  # removed meanwhile, or no row
        body = store.read(entry.key, schemas.MAX_BYTES).body
        is_line = body.endswith(b"\n") and body.count(b"\n") == 1
        return body if is_line and _digest(body) == _md5(entry) else b""
    return b""


def _read(store: Store, day: str) -> StoredObject | None:
    with suppress(NotInStore, IntegrityError, UsageError):  # who may read no more than the rows reads the rows
        return store.read(_key(day), schemas.MAX_BYTES)
    return None


def _matching(there: StoredObject | None, entries: Sequence[Entry]) -> dict[str, bytes]:
    """Key -> line, of the entries that a line of the file is."""
    if not there:
        return {}
    lines = {_digest(line): line for line in _lines(there.body)}
    found = ((entry, lines.get(_md5(entry))) for entry in entries)
    return {entry.key: line for entry, line in found if line and len(line) == entry.size_bytes}


def _lines(body: bytes) -> Iterator[bytes]:
    with suppress(zlib.error):
        # neither more bytes nor more lines than are of use: anybody may have written it
        whole = zlib.decompressobj(wbits=31).decompress(body, _MAX_BYTES)
        yield from islice(BytesIO(whole), _MOST_ROWS)


def _digest(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _md5(entry: Entry) -> str:
    """Of its bytes, as S3 tells it in the ETag; empty where it tells none."""
    match = _ETAG.fullmatch(entry.stamp)
    return match[1] if match else ""


def _key(day: str) -> str:
    return f"{places.DAYS}/{day}.jsonl.gz"


def _today() -> str:
    # a wrong clock does no harm: each row is held against the listing
    return f"{datetime.now(UTC):%Y-%m-%d}"
