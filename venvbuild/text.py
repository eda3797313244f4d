"""Text for people: what others gave us made fit to be shown (secrets masked, controls escaped, cut), and quantities."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from venvbuild.redaction import REDACTOR, strip_credentials

MAX_SHOWN = 80
"""Characters of foreign text in one message: enough to recognise a line, too few to flood a log."""
_MAX_NAMES = 10
# Characters of one value of somebody's metadata; the longest honest Requires-Dist is a few hundred.
_MAX_PRINTABLE = 4096


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


def first_line(error: object) -> str:
    """What another program's error says, on a line; of one that says nothing, its kind."""
    said = str(error).strip()  # a time-out of requests has no words
    return said.splitlines()[0] if said else type(error).__name__


def shown_to_all(text: str | None) -> str | None:
    """What goes into metadata.json, which everybody may read."""
    if not text:
        return None
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return REDACTOR.redact(strip_credentials(readable))


def size_text(size_bytes: int) -> str:
    """`12.3 MB` (SI)."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:.1f} kB"


def count_text(number: int, noun: str) -> str:
    """`1 package`, `2 packages`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def there_are(kind: str, names: Iterable[str]) -> str:
    """`there are the aliases sales@prod, sales@test`, ten at most: for a message about what there is instead."""
    found = [shown(name) for name in islice(names, _MAX_NAMES + 1)]
    more = ", ..." if len(found) > _MAX_NAMES else ""
    return f"there are the {kind} {', '.join(found[:_MAX_NAMES])}{more}" if found else f"there are no {kind}"


def printable(text: str) -> str:
    """`text` fit for a terminal and a report: white space folded, what does not print replaced, length bounded."""
    folded = " ".join(text.split())
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in folded)
    return clean if len(clean) <= _MAX_PRINTABLE else clean[:_MAX_PRINTABLE] + "..."
