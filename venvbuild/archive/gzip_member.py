"""One gzip member made of fragments (RFC 1952), measured while it is written."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import IO

from zlib_ng import zlib_ng

from venvbuild.archive.compression import Compressed

# RFC 1952: deflate, no name, no time, no extra flags, unknown system.
GZIP_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
# RFC 1951: a last block that holds nothing. No fragment has a last one, so that any of them may come behind any.
_FINAL_BLOCK = b"\x03\x00"


class GzipMember:
    """One gzip member, written fragment by fragment, measured on the way."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._digest, self._crc = raw, hashlib.sha256(), 0
        self.size_bytes = self.plain_bytes = 0
        self._emit(GZIP_HEADER)

    def append(self, made: Compressed) -> Compressed:
        """Write it; what is kept of it has no body."""
        fragment = made.fragment
        # Combined, since nobody has the plain bytes here: what comes from the cache is not inflated.
        self._crc = zlib_ng.crc32_combine(self._crc, fragment.crc32, fragment.plain_length)
        self.plain_bytes += fragment.plain_length
        self._emit(made.body)
        # Else memory would hold the whole archive in the end.
        return replace(made, body=b"")

    def close(self) -> None:
        """The empty final block, the CRC, and the length modulo 2**32 (RFC 1952)."""
        self._emit(_FINAL_BLOCK)
        self._emit(self._crc.to_bytes(4, "little") + (self.plain_bytes & 0xFFFFFFFF).to_bytes(4, "little"))

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hex."""
        return self._digest.hexdigest()

    def _emit(self, piece: bytes) -> None:
        self._raw.write(piece)
        self._digest.update(piece)
        self.size_bytes += len(piece)
