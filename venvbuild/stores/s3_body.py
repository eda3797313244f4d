"""What is sent to S3: bytes, a file or a slice of one, as a file which boto3 can read, and read again on a retry."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from pathlib import Path
from typing import Any


class Slice(io.RawIOBase):
    """`length` bytes of a file from `start`, never held in memory.

    Raises:
        OSError: on reading, when the file became shorter meanwhile.
    """

    def __init__(self, file: Path, start: int, length: int) -> None:
        self._file = file.open("rb", buffering=0)
        self._start, self._length, self._position = start, length, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always: boto3 reads once for the signature, and again for each retry."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, or what is left of it at the end of the slice."""
        wanted = min(len(buffer), self._length - self._position)
        chunk = os.pread(self._file.fileno(), wanted, self._start + self._position)
        if wanted and not chunk:
            raise OSError(None, "it became shorter while it was sent", self._file.name)
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file; the end is the slice's."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = min(origin + offset, self._length)
        return self._position

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def opened(body: bytes | Path, start: int = 0, length: int | None = None) -> Any:
    """The bytes from `start` as a file object to be closed; of a file on disk, nothing is read yet."""
    length = size_bytes(body) if length is None else length
    return io.BytesIO(body[start : start + length]) if isinstance(body, bytes) else Slice(body, start, length)


def size_bytes(body: bytes | Path) -> int:
    """How many there are."""
    return len(body) if isinstance(body, bytes) else body.stat().st_size


def checksum(content: Any) -> str:
    """The SHA-256 in base64, as S3 wants it, of a file object, which is at its start again."""
    digest = hashlib.file_digest(content, "sha256")
    content.seek(0)
    return encoded(digest.digest())


def encoded(digest: bytes) -> str:
    """A digest as S3 writes it."""
    return base64.b64encode(digest).decode()
