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
from itertools import accumulate, count

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
_MAX_BYTES = 32 << 20
"""Of the rows in one file; those beyond are read one by one."""
_MAX_FILE_BYTES = _MAX_BYTES + (1 << 20)
"""Of the file: what cannot be compressed gets hardly larger."""
_MOST_ROWS = 86_400
"""A version is a second of its day."""
_ETAG = re.compile(r'"?([0-9a-f]{32})"?')
_NAME = re.compile(r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl\.gz")


def known_rows(store: Store, day: str, entries: Sequence[Entry]) -> Mapping[str, bytes]:
    """Key -> bytes of those listed rows of the day that its file has; nothing where there is none.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    if not _are_worth_a_file(entries) or day >= _today():
        return {}
    with suppress(NotInStore, IntegrityError, UsageError):  # who may read no more than the rows reads the rows
        return _matching(store.read(_key(day), _MAX_FILE_BYTES).body, entries)[0]
    return {}


def keep_closed_days(store: Store, since: str) -> list[str]:
    """Bring the files of the days from `since` to yesterday up to date, and remove those of other days that are over.

    The days whose file was written. What several do at once, or the store forbids, is left to the next time, and so is
    all where something else stands in their place: it is a help, no part of the catalog.
    """
    written, today = list[str](), _today()
    with suppress(StoreUnavailable, UsageError, IntegrityError):
        listed = list_days(store, Scope(since=since or None, before=today))
        days = {day: entries for day, entries in listed.items() if _are_worth_a_file(entries)}
        written += (day for day, entries in days.items() if _keep(store, day, entries))
        for entry in list(store.list(f"{places.DAYS}/")):
            match = _NAME.fullmatch(entry.key.removeprefix(f"{places.DAYS}/"))
            if match and match["day"] < today and match["day"] not in days:
                store.remove(entry.key)
    return written


def _keep(store: Store, day: str, entries: Sequence[Entry]) -> bool:
    """Make the file's lines the rows, if they are not; nothing that was removed from the table stays in it."""
    there, wanted = _read(store, day), _that_fit(entries)
    known, has_others = _matching(there.body if there else b"", wanted)
    missing = [entry for entry in wanted if entry.key not in known]
    some = [_row(store, entry) for entry in missing[:_TRIED]]
    if not known and not any(some):
        if there:
            store.remove(_key(day))
        return False
    new = [*some, *in_turn(lambda entry: _row(store, entry), missing[_TRIED:], _READ_AT_ONCE)]
    if not any(new) and not has_others:
        return False
    # mtime 0: the same rows are the same bytes
    body = gzip.compress(b"".join(sorted({*known.values(), *new})), mtime=0)
    key = _key(day)
    return store.replace_if_unchanged(key, body, there.etag) if there else store.put_if_absent(key, body)


def _are_worth_a_file(entries: Sequence[Entry]) -> bool:
    return len(entries) >= _FEWEST_ROWS and all(map(_md5, entries))


def _that_fit(entries: Sequence[Entry]) -> list[Entry]:
    """The first ones, as many as a file may have."""
    sizes = accumulate(entry.size_bytes for entry in entries)
    return [entry for entry, size_bytes in zip(entries, sizes, strict=True) if size_bytes <= _MAX_BYTES][:_MOST_ROWS]


def _row(store: Store, entry: Entry) -> bytes:
    """The bytes of a row that can stand in the file: one line, of the MD5 that is told; empty for another."""
    with suppress(NotInStore, IntegrityError):  # removed meanwhile, or no row
        body = store.read(entry.key, schemas.MAX_BYTES).body
        is_line = body.endswith(b"\n") and body.count(b"\n") == 1
        return body if is_line and _digest(body) == _md5(entry) else b""
    return b""


def _read(store: Store, day: str) -> StoredObject | None:
    """The file, to replace it; one that is too large to be ours is removed."""
    try:
        return store.read(_key(day), _MAX_FILE_BYTES)
    except NotInStore:
        return None
    except IntegrityError:
        store.remove(_key(day))
        return None


def _matching(body: bytes, entries: Sequence[Entry]) -> tuple[dict[str, bytes], bool]:
    """Key -> line, of the entries that a line of the file is; and whether anything else is in the file."""
    sizes = {_md5(entry): entry.size_bytes for entry in entries}
    lines, has_others = dict[str, bytes](), False
    try:
        for line in _lines(body):
            digest = _digest(line)
            if sizes.get(digest) == len(line) and digest not in lines:
                lines[digest] = line
            else:
                has_others = True
    except (EOFError, OSError, zlib.error):
        has_others = True
    return {entry.key: lines[_md5(entry)] for entry in entries if _md5(entry) in lines}, has_others


def _lines(body: bytes) -> Iterator[bytes]:
    """What is in it, never all at once, and not more than is of use: anybody may have written it.

    Raises:
        EOFError, OSError, zlib.error: it is damaged, or goes on.
    """
    left = _MAX_BYTES
    with gzip.open(BytesIO(body)) as file:
        for number in count():
            line = file.readline(left + 1)
            left -= len(line)
            if left < 0 or (line and number == _MOST_ROWS):
                raise EOFError
            if not line:
                return
            yield line


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
