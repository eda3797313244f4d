"""The bytes of a requirements file as logical lines: decoded, joined, without comments, nothing hidden in them.

    bytes -> text -> physical lines -> `Line`s

Judged here is what a reader cannot see: encodings, control characters, separators that only some programs obey,
credentials. What a line says is judged by `pins`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from venvbuild.errors import Problem
from venvbuild.requirements.credentials import holds_credential, may_hold_credential, opens_private_key

MAX_LINE_BYTES = 64 * 1024
# Never `str.splitlines`: it also breaks at VT, FF, FS, GS, RS, NEL, LS and PS, where pip breaks and uv does not.
LINE_BREAK = re.compile(r"\r\n|\r|\n")

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_COOKIE = re.compile(rb"coding[:=]\s*([-\w.]+)")
# Codecs that leave printable ASCII alone; utf-7 or unicode_escape could hide a line from every reviewer.
_COOKIE_CODECS = re.compile(
    r"utf-8|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-[a-z]+|gb\w+|big5\w*|euc_\w+|shift_jis\w*|johab|tis-620|hp-roman8"
)

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_HIDDEN_BREAKS = frozenset("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DIGEST = re.compile(r"(?<=--hash=sha256:)[0-9a-f]{64}")  # no secret, and most of a file with hashes
_COMMENT = re.compile(r"(?:^|[ \t])#")

_SAVE_AS_UTF8 = "save the file as UTF-8"


@dataclass(frozen=True)
class Line:
    """One logical line."""

    number: int
    """Of its first physical line, from 1."""
    text: str
    """Continuations joined, the comment gone, no blanks around it, never empty."""
    last: int = 0
    """Its last physical line."""
    file: str = ""
    """The file that it stands in, as messages show it."""


@dataclass(frozen=True)
class Text:
    """A file taken apart; lines with a problem are not among `lines`."""

    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    text: str = ""
    """All of it, decoded, with line feeds only."""


def read_lines(content: bytes, name: str) -> Text:
    """The logical lines of `content`, in order, and what was wrong with the others.

    `name` is the file as messages show it. A backslash at the end of a line joins the next one to it; a comment
    line ends the joining; a comment begins at a `#` that starts the line or follows a blank (as pip and uv do it).
    """
    warnings: list[Problem] = []
    decoded = _decode(content, name, warnings)
    if isinstance(decoded, Problem):
        return Text((), (decoded,), tuple(warnings))
    text, codec = decoded
    problems: list[Problem] = []
    physical = LINE_BREAK.split(text)
    if "\r" in text.replace("\r\n", ""):
        warnings.append(
            Problem(
                "lines end in a lone carriage return",
                name,
                "grep and most editors see one single line",
                "save the file with line feeds",
                "LINE_ENDINGS",
            )
        )
    lines = tuple(_join(physical, name, _Sieve(physical, name, codec, problems)))
    return Text(lines, tuple(problems), tuple(warnings), "\n".join(physical))


def _decode(content: bytes, name: str, warnings: list[Problem]) -> tuple[str, str] | Problem:
    """The text and its codec; bytes that do not decode stay in it as lone surrogates where that can be."""
    for mark, codec, spoken in _BOMS:
        if content.startswith(mark):
            warnings.append(
                Problem(
                    f"the file begins with a byte order mark ({spoken})",
                    name,
                    "most tools take it for text",
                    f"{_SAVE_AS_UTF8} without a byte order mark",
                    "BOM",
                )
            )
            return _decode_as(content[len(mark) :], codec, name)
    if _looks_like_utf16(content):
        return Problem(
            "the file looks like UTF-16 without a byte order mark",
            name,
            "every second byte is zero",
            _SAVE_AS_UTF8,
            "ENCODING",
        )
    # PEP 263: in one of the first two lines, as pip looks for it
    for number, line in enumerate(re.split(rb"\r\n|\r|\n", content[:1024], maxsplit=2)[:2], 1):
        cookie = _COOKIE.search(line) if line.startswith(b"#") else None
        if cookie:
            return _decode_declared(content, cookie[1].decode("ascii", "replace"), name, number, warnings)
    return _decode_as(content, "utf-8", name)


def _decode_declared(
    content: bytes, declared: str, name: str, number: int, warnings: list[Problem]
) -> tuple[str, str] | Problem:
    """PEP 263: `# -*- coding: latin-1 -*-` in one of the first two lines."""
    try:
        codec = codecs.lookup(declared).name
    except (LookupError, ValueError):
        codec = ""
    if not _COOKIE_CODECS.fullmatch(codec):
        return Problem.at(
            name,
            number,
            f"the declared encoding {declared[:40]!r} is not one we read",
            "only encodings in which ASCII stays ASCII are read",
            f"{_SAVE_AS_UTF8} and drop the declaration",
            "ENCODING",
        )
    if codec != "utf-8":
        warnings.append(
            Problem.at(
                name,
                number,
                f"the file declares the encoding {codec}",
                "pip obeys such a line, uv does not",
                f"{_SAVE_AS_UTF8} and drop the declaration",
                "ENCODING",
            )
        )
    return _decode_as(content, codec, name)


def _decode_as(content: bytes, codec: str, name: str) -> tuple[str, str] | Problem:
    # One wrong byte is the fault of its line, so the others are still judged; UTF-16 and UTF-32 cannot carry it on, as
    # only bytes over 127 can be escaped (PEP 383).
    wide = codec.startswith(("utf-16", "utf-32"))
    try:
        return content.decode(codec, "strict" if wide else "surrogateescape"), codec
    except UnicodeDecodeError as exc:
        before = LINE_BREAK.split(content[: exc.start].decode(codec, "replace"))
        column = len(before[-1].encode(codec, "replace")) + 1
        return Problem.at(
            name,
            len(before),
            f"the bytes at column {column} are not {codec.upper()}",
            exc.reason,
            _SAVE_AS_UTF8,
            "ENCODING",
        )


def _looks_like_utf16(content: bytes) -> bool:
    sample = content[:1024]
    return len(sample) >= 4 and max(sample[::2].count(0), sample[1::2].count(0)) * 2 > len(sample) * 0.75


class _Sieve:
    """Tells which physical lines hide something; remembers whether it is inside a private key."""

    def __init__(self, physical: list[str], name: str, codec: str, problems: list[Problem]) -> None:
        self._name, self._codec, self._problems = name, codec, problems
        self._in_private_key = False
        text = _DIGEST.sub("", "\n".join(line for line in physical if len(line) <= MAX_LINE_BYTES))
        # asked once of the whole, as asking each line costs ten times as much; joined too: a backslash may cut a secret
        self._is_suspicious = may_hold_credential(text) or may_hold_credential(text.replace("\\\n", ""))

    def refuses(self, number: int, line: str) -> bool:
        """Whether `line` has a problem; each is reported once."""
        if self._in_private_key:
            # told at its first line; the others look like no secret, and must not be shown as bad requirements
            self._in_private_key = "-----END" not in line
            return True
        problem = self._problem(number, line)
        if problem:
            self._problems.append(problem)
        return problem is not None

    def refuses_joined(self, number: int, text: str) -> bool:
        """The same for a joined line."""
        if not (self._is_suspicious and holds_credential(text)):
            return False
        self._problems.append(_credential(self._name, number))
        return True

    def report(self, number: int, what: str, why: str, fix: str) -> None:
        self._problems.append(Problem.at(self._name, number, what, why, fix, "SYNTAX"))

    def _problem(self, number: int, line: str) -> Problem | None:
        if len(line) > MAX_LINE_BYTES or len(line.encode("utf-8", "surrogatepass")) > MAX_LINE_BYTES:
            return Problem.at(
                self._name,
                number,
                f"the line is longer than {MAX_LINE_BYTES // 1024} KiB",
                "no requirement needs that",
                "break it with backslashes, or remove it",
                "TOO_LONG",
            )
        if self._is_suspicious and holds_credential(line):
            self._in_private_key = opens_private_key(line)
            return _credential(self._name, number)
        # a credential is told rather than this: it has to be replaced, whatever else is wrong with the line
        found = _HIDDEN.search(line)
        return self._hidden(number, line, found.start()) if found else None

    def _hidden(self, number: int, line: str, index: int) -> Problem:
        character, column = line[index], index + 1
        spoken = f"U+{ord(character):04X}"
        if "\ud800" <= character <= "\udfff":
            column = len(line[:index].encode(self._codec, "surrogateescape")) + 1
            return Problem.at(
                self._name,
                number,
                f"byte 0x{ord(character) & 0xFF:02x} at column {column} is not {self._codec.upper()}",
                "the file declares no other encoding",
                f"{_SAVE_AS_UTF8}, or remove the character",
                "ENCODING",
            )
        if character in _HIDDEN_BREAKS:
            return Problem.at(
                self._name,
                number,
                f"a hidden line break, {spoken}, at column {column}",
                "pip begins a new line there and installs what follows; uv, editors and grep do not see it",
                "remove the character",
                "HIDDEN_LINE_BREAK",
            )
        if character in _BIDI:
            return Problem.at(
                self._name,
                number,
                f"a text direction mark, {spoken}, at column {column}",
                "the line reads differently from what it says",
                "remove the character",
                "BIDI_CONTROL",
            )
        return Problem.at(
            self._name,
            number,
            f"a control character, {spoken}, at column {column}",
            "a terminal would obey it" if character != "\x00" else "text has no zero bytes",
            "remove the character",
            "CONTROL_CHAR",
        )


def _credential(name: str, number: int) -> Problem:
    return Problem.at(
        name,
        number,
        "the line holds a credential",
        "this file is stored byte for byte with the build, where everyone can read it",
        "remove it and replace the secret; index credentials belong in the agent's pip configuration or netrc",
        "CREDENTIALS",
    )


def _join(physical: list[str], name: str, sieve: _Sieve) -> Iterator[Line]:
    parts: list[str] = []
    first, refused = 0, False
    for number, line in enumerate([*physical, ""], 1):  # the empty line ends what a last backslash left open
        if not line and not parts:
            continue
        if not parts:
            first, refused = number, False
        refused |= bool(line) and sieve.refuses(number, line)
        comment = _COMMENT.search(line)
        body = line[: comment.start()] if comment else line
        if comment and body.strip(" \t") and line.endswith("\\"):
            # pip joins first and drops comments later, so the next line would be part of the comment; for uv it is not
            refused |= not refused
            sieve.report(
                number,
                "a comment after a requirement ends in a backslash",
                "pip would take the next line for a part of the comment, uv would install it",
                "remove the backslash",
            )
        continues = not comment and line.endswith("\\")
        parts.append(body[:-1] if continues else body)
        if continues:
            continue
        text = "".join(parts).strip(" \t")
        refused = refused or (len(parts) > 1 and sieve.refuses_joined(first, text))
        if text and not refused:
            yield Line(first, text, min(number, len(physical)), name)
        parts = []
