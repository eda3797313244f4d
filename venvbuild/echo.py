"""Text that someone gave us, as it may be shown: secrets masked, control characters escaped, cut to a length."""

from __future__ import annotations

from venvbuild.redaction import REDACTOR

MAX_SHOWN = 80
"""Characters of foreign text in one message: enough to recognise a line, too few to flood a log."""


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` on one line of at most `limit` characters (then `...`), printable, without secrets.

    What a terminal would obey or a reader could not see (controls, bidi marks, odd spaces) becomes `\\x1b`, `\\u202e`.
    """
    redacted = REDACTOR.redact(text)  # before the cut: half a secret matches no pattern
    escaped = "".join(map(_printable, redacted[: limit + 1]))
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()
