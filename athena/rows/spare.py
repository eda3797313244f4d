"""Where goes what the cache on this machine does not take: it is read-only, or another user's.

What is there can be read all the same, and what would be kept is kept as long as this process lives, in a temporary
folder. A disk that is full is another matter: that is told.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

import _duckdb as duckdb

from venvbuild.errors import UsageError

T = TypeVar("T")

# The last ones: a file stands where a folder of the cache should be (XDG_CACHE_HOME=/dev/null), or the other way round.
_UNUSABLE = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.EISDIR, errno.ENOTEMPTY)
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def places(folder: Path) -> tuple[Path, ...]:
    """The folder of the cache, and what this process has in its stead."""
    return (folder, _stead(folder)) if _spare.cache_info().currsize else (folder,)


def kept(folder: Path, keep: Callable[[Path], T]) -> T:
    """What `keep` gives of the folder, which is made; or of the one in its stead, where that takes nothing.

    Raises:
        UsageError: there is no temporary folder either. OSError: a disk is full or failing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return keep(folder)
    except OSError as error:
        if not is_unusable(error):
            # what fails while a file is written does not say which
            raise OSError(error.errno, error.strerror, error.filename or str(folder)) from error
        try:
            stead = _stead(folder)
        except FileNotFoundError:
            raise UsageError(
                f"neither the cache nor a temporary folder can be used: {error.strerror}",
                where=str(folder),
                fix="set XDG_CACHE_HOME or TMPDIR to a folder that can be written",
            ) from error
    stead.mkdir(parents=True, exist_ok=True)
    return keep(stead)


def is_unusable(error: OSError) -> bool:
    """Whether the cache does not let us in, or is none."""
    return error.errno in _UNUSABLE


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """What DuckDB says of a disk that is full, where it writes into `folder`, as Python says it."""
    try:
        yield
    except duckdb.IOException as error:
        number = next((one for one in _NO_ROOM if os.strerror(one) in str(error)), None)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(folder)) from error


@cache
def _spare() -> tempfile.TemporaryDirectory[str]:
    # kept by the cache of this function, and so until the process ends, which removes it
    return tempfile.TemporaryDirectory(prefix="venvbuild-catalog-")


def _stead(folder: Path) -> Path:
    # of the same name: that of a folder of rows is its day
    return Path(_spare().name) / hashlib.sha256(os.fsencode(folder.parent)).hexdigest()[:16] / folder.name
