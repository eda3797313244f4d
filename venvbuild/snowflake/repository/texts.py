"""A file as text, never more of it than is meant to be read: a description, a body, an answer."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


class NoText(Exception):
    """A file that is none; `str` says why, in words that follow "it"."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.fix = fix
        """Where the file itself can be mended; empty: name another."""


def text_of(source: Path | BinaryIO, at_most: int) -> str:
    """The whole text; a mark of UTF-8 at its beginning is left out.

    Raises:
        NoText: it cannot be read, has more than `at_most` bytes, or is not UTF-8.
    """
    try:
        if isinstance(source, Path):
            with source.open("rb") as opened:
                body = opened.read(at_most + 1)
        else:
            body = source.read(at_most + 1)
    except OSError as error:
        raise NoText(f"cannot be read: {error.strerror}") from error
    except ValueError:  # a name with a zero
        raise NoText("has a name that is none of a file") from None
    if len(body) > at_most:
        raise NoText(f"has more than {at_most} bytes")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoText("is not UTF-8", "save it as UTF-8") from None
