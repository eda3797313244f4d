"""A stream of bytes as lines without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from venvbuild.redaction.redactor import MASK, Redactor

_MAX_HELD = 16  # lines; a secret that was wrapped more often is not put together
_KEY_OPENS = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}(?!.*-{4,5} ?END )")
_KEY_CLOSES = re.compile(r"-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_OF_A_KEY = re.compile(r"[^\w]*(?:[A-Za-z0-9+/=\\]+|(?:Proc-Type|DEK-Info|Version|Comment|Subject|Hash): .*)?\W*")
_MAX_KEY = 400  # lines


class Lines:
    """Cuts a byte stream into redacted lines, however the writes were split.

    A line that never ends is given out in pieces of `limit` bytes; the pieces overlap by `overlap` bytes held back,
    so that a secret across a cut is still seen whole. A line that ends within a known secret waits for the next one,
    which may have the rest; the lines of a private key are masked until it ends.
    """

    def __init__(self, redactor: Redactor, limit: int = 1 << 16, overlap: int = 4096) -> None:
        self._redactor, self._limit, self._overlap = redactor, limit, overlap
        self._pending = b""
        self._held: list[str] = []
        self._of_a_key = 0
        """How many more lines may belong to the private key that has begun."""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines which `chunk` completes, redacted, without their line ends."""
        self._pending += chunk
        *whole, self._pending = re.split(rb"\r\n|\n|\r(?!\Z)", self._pending)
        for line in whole:
            yield from self._next(line.decode("utf-8", "replace"))
        if len(self._pending) > self._limit:
            yield from self._release()
            text = self._redactor.redact(self._pending.decode("utf-8", "replace"))
            cut = max(0, len(text) - self._overlap)
            self._pending = text[cut:].encode()
            yield text[:cut]

    def close(self) -> Iterator[str]:
        """What is left when the stream has ended."""
        rest, self._pending = self._pending.rstrip(b"\r"), b""
        if rest:
            yield from self._next(rest.decode("utf-8", "replace"))
        yield from self._release()

    def _next(self, line: str) -> Iterator[str]:
        if self._of_a_key:
            is_end = _KEY_CLOSES.search(line)
            self._of_a_key = 0 if is_end or not _OF_A_KEY.fullmatch(line) else self._of_a_key - 1
            if is_end or self._of_a_key:
                yield MASK + line[is_end.end() :] if is_end else MASK
                return
        if _KEY_OPENS.search(line):
            self._of_a_key = _MAX_KEY
        self._held.append(line)
        # Wrapped words have blanks and bars before their rest, and none behind.
        first, *others = self._held
        joined = first + "".join(re.sub(r"^[ \t]*(?:[|│┃>#][ \t]+)?", "", other) for other in others)
        continued = joined.removesuffix("\\")
        may_go_on = self._redactor.may_go_on(joined) or self._redactor.may_go_on(continued)
        if len(self._held) >= _MAX_HELD or not may_go_on:
            yield from self._release()

    def _release(self) -> Iterator[str]:
        held, self._held = self._held, []
        if held:
            yield from self._redactor.redact("\n".join(held)).split("\n")
