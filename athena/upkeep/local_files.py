"""What this machine keeps of the catalogs that were asked, and which of it nobody has used for a while.

<cache>/<digest of the store>/rows/*.parquet, packages/*.parquet    rows of some days (athena/rows)
                                   *.json, packages/*.json          their seals, which days, which rows cannot be read
<cache>/<digest of the store>/index/<segment>/                      files of the index (athena/index)
                              /2025-07-22/*.parquet, packages/      rows of former versions of the tool
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_HEX = "[0-9a-f]"
_ROWS = f"{_HEX * 32}/rows"
_FORMER = f"{_HEX * 32}/????-??-??"
KEPT_S = 3600
"""So long everything is kept: who asks marks first what it uses, and reads it then."""


def unused(cache: Path, unused_s: float) -> list[Path]:
    """Files of rows and folders of segments that nobody has used for so long, and for an hour at least; sorted.

    Who asks for one again fetches it again.
    """
    before = time.time() - max(unused_s, KEPT_S)
    found = []
    for path in _entries(cache):
        with suppress(OSError):  # whoever asks may sweep, too
            if path.lstat().st_mtime <= before:
                found.append(path)
    # Last, and never without the rows that they are about: without it nobody knows of which days they are.
    gone = {*found}
    patterns = (f"{_ROWS}/*.json", f"{_ROWS}/packages/*.json", f"{_FORMER}/*.unread")
    beside = [path for pattern in patterns for path in cache.glob(pattern)]
    return [*sorted(found), *sorted(one for one in beside if _rows_of(one) in gone or not _rows_of(one).exists())]


def _rows_of(told: Path) -> Path:
    return told.with_suffix(".parquet")


def _entries(cache: Path) -> Iterator[Path]:
    yield from cache.glob(f"{_ROWS}/*.parquet")
    yield from cache.glob(f"{_ROWS}/packages/*.parquet")
    yield from cache.glob(f"{_FORMER}/*.parquet")
    yield from cache.glob(f"{_FORMER}/packages/*.parquet")
    for path in cache.glob(f"{_HEX * 32}/index/*"):
        if path.is_dir() and not path.is_symlink():
            yield path
