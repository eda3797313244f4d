"""A stream of bytes as lines without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from venvbuild.redaction.redactor import Redactor


class Lines:
    """Cuts a byte stream into redacted lines, however the writes were split.

    A line that never ends is given out in pieces of `limit` bytes; the pieces overlap by `overlap` bytes held back,
    so that a secret across a cut is still seen whole.
    """

    def __init__(self, redactor: Redactor, limit: int = 1 << 16, overlap: int = 4096) -> None:
        self._redactor, self._limit, self._overlap = redactor, limit, overlap
        self._pending = b""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines which `chunk` completes, redacted, without their line ends."""
        self._pending += chunk
        *whole, self._pending = re.split(rb"\r\n|\n|\r(?!\Z)", self._pending)
        for line in whole:
            yield self._redacted(line)
        if len(self._pending) > self._limit:
            text = self._redacted(self._pending)
            cut = max(0, len(text) - self._overlap)
            self._pending = text[cut:].encode()
            yield text[:cut]

    def close(self) -> Iterator[str]:
        """What is left when the stream has ended."""
        rest, self._pending = self._pending.rstrip(b"\r"), b""
        if rest:
            yield self._redacted(rest)

    def _redacted(self, line: bytes) -> str:
        return self._redactor.redact(line.decode("utf-8", "replace"))
