"""Where keys stand in a file, and in one of TOML: tomllib tells what a file says, and not where.

Source of the grammar: TOML 1.0.0.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from venvbuild.text import shown

Keys = tuple[str, ...]
"""The way to a value: `("secret", "my_repo_secret", "type")`."""

_PART = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'|([A-Za-z0-9_-]+)')
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
# The long ones first; up to two quotes may stand before the three that end a string.
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(r"[^,\]}\n#]+")


@dataclass(frozen=True)
class Place:
    """Lines, from 1."""

    line: int
    """Of the key, or of the head of the table."""
    text_line: int
    """Of the first line of the value, when it is a text: a long one begins below its quotes. 0: its lines are not those
    of the file, for escapes make or take some."""


def places(text: str) -> Mapping[Keys, Place]:
    """Where each table and key of `text` stands, which tomllib has read; the first place, where there are more.

    Of an array of tables the first head is there, and nothing that stands below one.
    """
    scan = _Scan(text)
    # Better no place than a wrong one: what was found before is right.
    with contextlib.suppress(IndexError, _Lost):
        scan.document()
    return scan.found


def where(file: str, found: Mapping[Keys, Place], keys: Keys) -> str:
    """`FILE:LINE` of a key, or of the table that would have it; `FILE: table.key` where the line is not known."""
    if at := line(found, keys):
        return f"{file}:{at}"
    return f"{file}: {shown('.'.join(keys))}" if keys else file


def line(found: Mapping[Keys, Place], keys: Keys) -> int:
    """Of a key, or of the table that would have it; 0 where it is not known."""
    places = (found.get(keys[:length]) for length in range(len(keys), 0, -1))
    return next((place.line for place in places if place), 0)


class _Lost(Exception):
    """What stands there was not expected."""


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Keys, Place] = {}
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> None:
        head: Keys | None = ()
        while True:
            self._skip(_SPACE)
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                start, head = self.at, None
                self.at += 2
                self._note(self._key(), start, start)
                self.at = self.text.index("\n", self.at) if "\n" in self.text[self.at :] else len(self.text)
            elif self.text[self.at] == "[":
                start, self.at = self.at, self.at + 1
                head = self._key()
                self.at += 1
                self._note(head, start, start)
            else:
                self._pair(head)

    def _pair(self, head: Keys | None) -> None:
        start = self.at
        key = self._key()
        if self.text[self.at] != "=":
            raise _Lost
        self.at += 1
        self._skip(_BLANK)
        path = None if head is None else (*head, *key)
        value = self.at
        self._value(path)
        if path is not None:
            is_long = re.match(r"(\"\"\"|''')\r?\n", self.text[value : value + 5])
            is_otherwise = self.text[value] == '"' and any(
                found[1] in "nruU \t\r\n" for found in _ESCAPE.finditer(self.text[value : self.at])
            )
            self._note(path, start, None if is_otherwise else value + is_long.end() if is_long else value)

    def _key(self) -> Keys:
        parts = list[str]()
        while True:
            self._skip(_BLANK)
            found = _PART.match(self.text, self.at)
            if not found:
                raise _Lost
            self.at = found.end()
            basic, plain, bare = found.groups()
            parts.append(tomllib.loads(f'k = "{basic}"')["k"] if basic is not None else plain if bare is None else bare)
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: Keys | None) -> None:
        if self.text[self.at] == "[":
            self._many("]", None)
        elif self.text[self.at] == "{":
            self._many("}", path)
        else:
            found = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            if not found:
                raise _Lost
            self.at = found.end()

    def _many(self, end: str, path: Keys | None) -> None:
        """The elements of an array, or the pairs of a table in one line."""
        self.at += 1
        while True:
            self._skip(_SPACE)
            if self.text[self.at] == end:
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
            elif end == "]":
                self._value(None)
            else:
                self._pair(path)

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _note(self, path: Keys, start: int, value: int | None) -> None:
        line = self._line(start)
        for length in range(1, len(path)):
            self.found.setdefault(path[:length], Place(line, line))
        self.found.setdefault(path, Place(line, 0 if value is None else self._line(value)))

    def _line(self, at: int) -> int:
        # A line break counts to the line that it ends.
        return bisect_right(self._ends, at - 1) + 1
