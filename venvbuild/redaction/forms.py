"""A value that is known to be secret, in every form in which it may be written."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import cached_property
from html.entities import codepoint2name

from venvbuild.redaction.values import is_word

Span = tuple[int, int]

_RUN = re.compile(r"[A-Za-z0-9]+")
_CONTROLS = {"\n": "n", "\r": "r", "\t": "t"}
_BASE64_SIGNS = {"+": "(?:[+-]|%(?:25)*+2[bB])", "/": r"(?:\\*+[/_]|%(?:25)*+2[fF])"}  # also of the alphabet for URLs
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]|%(?:2[BbFf]|3[Dd])")


class Secret:
    """One value, with the patterns that find it as it is, escaped for URLs, JSON, HTML or a shell, and in base64.

    An escape is looked for in the place of each character, so that no writer's choice of what to escape matters.
    """

    def __init__(self, value: str, *, has_base64: bool = True, is_minor: bool = False) -> None:
        self.value = value
        self.is_minor = is_minor
        """Whether it is a piece of a secret that other pieces give away as well."""
        self._has_base64 = has_base64
        # Most lines hold no secret: a piece that every form of it has is looked for first.
        self._needle = needle_of(value)
        self._needles = tuple(map(needle_of, self._cores))

    def spans(self, text: str) -> Iterator[Span]:
        """Where it stands in `text`."""
        if self._needle in text:
            for found in self._written.finditer(text):
                yield found.span()
        for index, needle in enumerate(self._needles):
            if needle in text:
                for found in self._encoded[index].finditer(text):
                    yield _whole_base64(text, *found.span())

    @cached_property
    def beginnings(self) -> tuple[str, ...]:
        """What a line ends with a piece of when it was wrapped within the value."""
        return self.value, base64.b64encode(self.value.encode("utf-8", "surrogateescape")).decode()

    def stands_in(self, content: bytes) -> bool:
        """Whether it is in the bytes of a file, in any form."""
        return any(needle in content and pattern.search(content) for needle, pattern in self._in_bytes)

    @property
    def longest(self) -> int:
        """Bytes of the longest form, near enough: each byte as `&#xff;`, twice escaped."""
        return 12 * len(self.value.encode("utf-8", "surrogateescape"))

    @cached_property
    def _in_bytes(self) -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
        needles = [self._needle, *self._needles]
        return tuple(
            (needle.encode(), re.compile(pattern.pattern.encode("utf-8", "surrogateescape")))
            for needle, pattern in zip(needles, [self._written, *self._encoded], strict=True)
        )

    @cached_property
    def _cores(self) -> tuple[str, ...]:
        return tuple(_cores(self.value)) if self._has_base64 else ()

    @cached_property
    def _written(self) -> re.Pattern[str]:
        pattern = pattern_of(self.value)
        if is_word(self.value):
            # An escape before it ends in a letter: `\nswordfish`.
            pattern = rf"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{{2}})){pattern}(?![A-Za-z0-9])"
        return re.compile(pattern)

    @cached_property
    def _encoded(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile("".join(_BASE64_SIGNS.get(sign, sign) for sign in core)) for core in self._cores)


def needle_of(text: str) -> str:
    """The longest piece of letters and digits, which no way of escaping changes."""
    return max(_RUN.findall(text), key=len, default="")


def pattern_of(value: str) -> str:
    """A regular expression for `value` with any of its characters escaped in any way."""
    merged = re.sub(r"\\+", r"\\", value)  # a run of backslashes is one that may be repeated
    return "".join(map(_written_as, merged))


def _written_as(character: str) -> str:
    # Bounded: a line of backslashes must not be read once for each.
    if character.isascii() and character.isalnum():
        return character
    code = ord(character)
    octets = character.encode("utf-8", "surrogateescape")
    ways = [rf"\\{{1,8}}+u(?i:{code:04x})"] if code < 0x10000 else []
    ways.append("".join(f"%(?:25){{0,4}}+(?i:{octet:02x})" for octet in octets))
    ways.append("".join(rf"\\{{1,8}}+x(?i:{octet:02x})" for octet in octets))
    ways.append(rf"&(?:amp;){{0,4}}#(?:0{{0,8}}+{code}|[xX]0{{0,8}}+(?i:{code:x}));")
    if name := {39: "apos"}.get(code, codepoint2name.get(code)):
        ways.append(f"&(?:amp;){{0,4}}{name};")
    if character in _CONTROLS:
        ways.append(rf"\\{{1,8}}+{_CONTROLS[character]}")
    if character == " ":
        ways.append(r"\+")
    if character == "'":
        ways += [r"'\\''", "'\"'\"'"]  # as shells have it within '...'
    if character in "'\"":
        ways.append(character * 2)  # in SQL and CSV
    if 0x80 <= code < 0x100:
        ways.append(rf"\\{{1,8}}+x(?i:{code:02x})")  # repr() of text
    ways.append(r"\\{1,64}+" if character == "\\" else rf"\\{{0,8}}+{re.escape(character)}")
    return f"(?:{'|'.join(ways)})"


def _cores(value: str) -> Iterator[str]:
    """What base64 of a longer text has of `value`, wherever it begins there: at each of three places in a group."""
    octets = value.encode("utf-8", "surrogateescape")
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + octets).decode().rstrip("=")
        begin = (0, 2, 3)[before]  # characters that the bytes before have a part in
        end = len(encoded) - ((before + len(octets)) % 3 > 0)  # and those after
        if end - begin >= 7:
            yield encoded[begin:end]


def _whole_base64(text: str, begin: int, end: int) -> Span:
    """The run of base64 around what was found: what stands beside a secret in it belongs to the same text."""
    while begin and re.match(r"[A-Za-z0-9+/_-]", text[begin - 1]):
        begin -= 1
    while found := _BASE64.match(text, end):
        end = found.end()
    return begin, end
