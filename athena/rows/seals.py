"""By what a file of the cache is known again: nothing there is believed unchecked, and what is damaged is made anew.

What is told of a file stands beside it, and is no more believed than the file: it has the SHA-256 of itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvbuild.files import regular


@dataclass(frozen=True)
class Seal:
    """The size and the SHA-256 of a file's bytes."""

    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Seal:
        """Of the file as it is.

        Raises:
            OSError: it cannot be read, or is no regular file.
        """
        with regular(path) as file:
            return cls(os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def parsed(cls, found: Any) -> Seal:
        """What `as_json` gave.

        Raises:
            ValueError, TypeError: it is none.
        """
        size_bytes, sha256 = found
        return cls(size_bytes, sha256)

    def as_json(self) -> Sequence[int | str]:
        """For a file beside it."""
        return [self.size_bytes, self.sha256]

    def fits(self, path: Path) -> bool:
        """Whether a regular file with these bytes is there that we may read."""
        with suppress(OSError):
            # the size first: nobody reads on through a file that was made huge
            return path.lstat().st_size == self.size_bytes and Seal.of(path) == self
        return False


def sealed(told: Any) -> bytes:
    """What is told of a file, as JSON, for the file beside it."""
    return json.dumps({"told": told, "sha256": _digest(told)}).encode()


def unsealed(body: bytes) -> Any:
    """What `sealed` was given.

    Raises:
        ValueError, TypeError, KeyError, RecursionError: it is not what was written.
    """
    found = json.loads(body)
    if found["sha256"] != _digest(found["told"]):
        raise ValueError("what is told of a file is not what was written")
    return found["told"]


def _digest(told: Any) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def make_way(target: Path) -> None:
    """Remove a folder that stands where a file of the cache belongs: a rename replaces everything else."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
