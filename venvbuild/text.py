"""Text for people: what others gave us made fit to be shown (secrets masked, controls escaped, cut), and quantities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice, takewhile

from venvbuild.redaction import REDACTOR, strip_credentials

MAX_SHOWN = 80
"""Characters of foreign text in one message: enough to recognise a line, too few to flood a log."""
_MAX_NAMES = 10
# Characters of one value of somebody's metadata; the longest honest Requires-Dist is a few hundred.
_MAX_PRINTABLE = 4096
# What a terminal obeys (C0, DEL, C1), what turns a line around (bidi marks, embeddings, isolates), what ends one to
# some readers (U+2028), what nobody sees, and halves of characters. Not the joiners U+200C and U+200D, without which
# words of Persian or Hindi, and many emoji, are others.
_OBEYED = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
)
_IN_TEXT = re.compile(f"[{_OBEYED}]")
_IN_A_LINE = re.compile(rf"[\t\n{_OBEYED}]")


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` on one line of at most `limit` characters (then `...`), printable, without secrets.

    What a terminal would obey or a reader could not see (controls, bidi marks, odd spaces) becomes `\\x1b`, `\\u202e`.
    """
    redacted = REDACTOR.redact(text)  # before the cut: half a secret matches no pattern
    escaped = "".join(map(_printable, redacted[: limit + 1]))
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


def on_screen(text: str) -> str:
    """`text` as a screen may show it: what a terminal would obey becomes `\\x1b`, `\\u202e`; lines and tabs stay."""
    return _IN_TEXT.sub(_escaped, text.replace("\r\n", "\n"))


def on_a_line(text: str) -> str:
    """The same of a value that must stay on its line, and in its cell: a line break becomes `\\n`."""
    return _IN_A_LINE.sub(_escaped, text)


def indented(text: str) -> str:
    """`text` whose lines after the first stand further right, so that none of them passes for another message."""
    return text.replace("\n", "\n    ")


def masked_urls(text: str) -> str:
    """Exact text, but for the credentials of the URLs in it."""
    return REDACTOR.redact(text) if may_have_urls_to_mask(text) else text


def masked_lines(text: str) -> str:
    """The same of each line: none of them changes what is hidden in another."""
    return "\n".join(map(masked_urls, text.split("\n"))) if may_have_urls_to_mask(text) else text


def may_have_urls_to_mask(text: str) -> bool:
    """Whether a URL in it may have a user, or a query; false of almost all."""
    return "://" in text and ("@" in text or "?" in text)


def _printable(character: str) -> str:
    return character if character.isprintable() else _escape(character)


def _escaped(found: re.Match[str]) -> str:
    return _escape(found[0])


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def first_line(error: object) -> str:
    """What another program's error says, on a line; of one that says nothing, its kind."""
    said = str(error).strip()  # a time-out of requests has no words
    return said.splitlines()[0] if said else type(error).__name__


def shown_to_all(text: str | None) -> str | None:
    """What goes into metadata.json, which everybody may read, as `on_a_line`."""
    if not text:
        return None
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return on_a_line(REDACTOR.redact(strip_credentials(readable)))


def size_text(size_bytes: int) -> str:
    """`12.3 MB` (SI)."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:.1f} kB"


def count_text(number: int, noun: str) -> str:
    """`1 package`, `2 packages`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def some_of(items: Sequence[str], limit: int) -> str:
    """As many of the items, each whole, as `limit` characters hold, the first in any case: `A, B and 3 more`."""
    ends = accumulate(len(item) + 2 for item in items)
    count = max(1, sum(1 for _ in takewhile(lambda end: end - 2 <= limit, ends)))
    more = f" and {len(items) - count} more" if len(items) > count else ""
    return ", ".join(items[:count]) + more


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
