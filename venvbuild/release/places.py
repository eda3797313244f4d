"""Places in files where a version is written, to the byte; and the same file with another one. All else stays.

A place is found by the reader of its file (tomllib, configparser, ast) and proved by it: what is edited is exactly the
bytes by which that reader's value changes.
"""

from __future__ import annotations

import ast
import configparser
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from venvbuild.errors import RequirementsRefused
from venvbuild.text import first_line, shown

OF_HATCH = r"(?i)^(__version__|VERSION)(?: ?\: ?str)? *= *([\'\"])v?(?P<version>.+?)\2"
"""What hatchling looks for where nobody tells it another pattern (hatchling/version/core.py)."""
_PROBE = "0.0.0.dev424242"
"""A version that no file has."""
_MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class Place:
    """Where a version is written."""

    folder: Path
    file: str
    """Relative to `folder`."""
    content: bytes
    """Of the file, as it was found."""
    begin: int
    """Of the version in the content, in bytes."""
    version: str
    """As it is written."""

    @property
    def line(self) -> int:
        """From 1."""
        return self.content.count(b"\n", 0, self.begin) + 1

    @property
    def where(self) -> str:
        """`src/demo/__init__.py:1`."""
        return f"{shown(self.file, 200)}:{self.line}"

    def with_content(self, content: bytes) -> Place:
        """The same place of the file after a later place of it was edited."""
        return replace(self, content=content)

    def edited(self, version: str) -> bytes:
        """The content with another version."""
        end = self.begin + len(self.version.encode())
        return self.content[: self.begin] + version.encode() + self.content[end:]


def in_toml(folder: Path, file: str, keys: tuple[str, ...]) -> Place:
    """That of a key of a TOML file, which has it."""
    content = _read(folder, file)

    def value(body: bytes) -> Any:
        table = tomllib.loads(body.decode("utf-8"))
        inner: Any = table
        for key in keys[:-1]:
            inner = inner[key]
        return inner.pop(keys[-1]), table

    return _proved(folder, file, content, value)


def in_setup(folder: Path, file: str, version: str) -> Place:
    """That of `version` in the section `metadata` of a setup.cfg."""
    content = _read(folder, file)

    def value(body: bytes) -> Any:
        parser = setup_parser()
        parser.read_string(body.decode("utf-8"))
        sections = {name: dict(parser.items(name)) for name in parser.sections()}
        return sections["metadata"].pop("version").strip(), sections

    assert value(content)[0] == version
    return _proved(folder, file, content, value)


def setup_parser() -> configparser.RawConfigParser:
    """What reads setup.cfg as setuptools does: no interpolation, and a comment behind a value is a part of it."""
    return configparser.RawConfigParser()


def whole(folder: Path, file: str) -> Place:
    """That of a file which is the version."""
    content = _read(folder, file)
    return Place(folder, file, content, len(content) - len(content.lstrip()), content.strip().decode("utf-8"))


def by_pattern(folder: Path, file: str, pattern: str) -> Place:
    """That which the group `version` of a pattern finds first."""
    content = _read(folder, file)
    text = content.decode("utf-8")
    try:
        found = re.search(pattern, text, re.MULTILINE)
        begin = found.start("version") if found else -1
    except (re.error, IndexError) as error:
        raise RequirementsRefused(
            "the pattern of the version is none",
            where=file,
            why=first_line(error),
            fix="write a regular expression with a group (?P<version>...)",
            rule="NO_VERSION",
        ) from None
    if not found or begin < 0:
        raise _not_there(file, "what the backend looks for")
    return Place(folder, file, content, len(text[:begin].encode()), found["version"])


def attribute(folder: Path, file: str, name: str) -> Place:
    """That of the literal which a Python module gives to `name` at its top; the first, as setuptools reads it.

    Raises:
        RequirementsRefused: the module cannot be read, or `name` is no literal of its own.
    """
    content = _read(folder, file)
    try:
        node = _value_of(content, name)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise RequirementsRefused(
            "Python {}.{}, which runs the tool, cannot read it".format(*sys.version_info),
            where=file,
            why=first_line(error),
            fix="correct it, or run the tool by a Python that it is written for",
            rule="METADATA",
        ) from None
    if node is None:
        raise _not_there(file, name)
    place = _literal(folder, file, content, node)
    if place is None:
        raise _no_literal(file, node.lineno, name)
    return place


def attribute_if_any(folder: Path, file: str, name: str) -> Place | None:
    """The same; None where there is no such literal."""
    if not (folder / file).is_file():
        return None
    content = _read(folder, file)
    try:
        node = _value_of(content, name)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return None if node is None else _literal(folder, file, content, node)


def _value_of(content: bytes, name: str) -> ast.expr | None:
    return next((value for target, value in _assigned(ast.parse(content)) if target == name), None)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((one.id, node.value) for one in node.targets if isinstance(one, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _literal(folder: Path, file: str, content: bytes, node: ast.expr) -> Place | None:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.end_lineno:
        return None
    # Columns of ast are bytes of a line without the mark that a file may begin with.
    mark = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    starts = [mark]
    starts += [found.end() for found in re.finditer(rb"\r\n|\n|\r", content)]
    begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + (node.end_col_offset or 0)
    found = re.fullmatch(rb"[rRuU]?(\"\"\"|'''|\"|')(?P<version>[^'\"\\\r\n]*)\1", content[begin:end])
    if not found or found["version"].decode("utf-8", "replace") != node.value:
        return None
    return Place(folder, file, content, begin + found.start("version"), node.value)


def _proved(folder: Path, file: str, content: bytes, value: Callable[[bytes], Any]) -> Place:
    """The place by which the reader's value changes, and nothing else that it reads."""
    version, rest = value(content)
    written = version.encode()
    begin = content.find(written) if written else -1
    while begin >= 0:
        place = Place(folder, file, content, begin, version)
        try:
            if value(place.edited(_PROBE)) == (_PROBE, rest):
                return place
        except (ValueError, KeyError, configparser.Error):
            pass  # it was a part of another word
        begin = content.find(written, begin + 1)
    raise RequirementsRefused(
        "the version is not written as it stands",
        where=file,
        why="it has an escape, or more than one place makes it",
        fix='write it plainly: version = "0.1.0"',
        rule="NO_VERSION",
    )


def _read(folder: Path, file: str) -> bytes:
    path = folder / file
    try:
        # What a project names must be its own: an edit outside of it is none of a release.
        if not path.resolve().is_relative_to(folder.resolve()):
            raise RequirementsRefused(
                "the version is told by a file outside of the project",
                where=shown(file, 200),
                fix="name a file of the project",
                rule="NO_VERSION",
            )
        with path.open("rb") as opened:
            content = opened.read(_MAX_BYTES)
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequirementsRefused(
            "the file that tells the version cannot be read",
            where=shown(file, 200),
            why=first_line(error),
            fix="correct it, or name another file",
            rule="NO_VERSION",
        ) from error
    return content


def _not_there(file: str, name: str) -> RequirementsRefused:
    return RequirementsRefused(
        f"{shown(name)} is not in it",
        where=shown(file, 200),
        fix='write __version__ = "0.1.0" in it',
        rule="NO_VERSION",
    )


def _no_literal(file: str, line: int, name: str) -> RequirementsRefused:
    return RequirementsRefused(
        f"{shown(name)} is no literal",
        where=f"{shown(file, 200)}:{line}",
        line=line,
        why="only what is written as it stands can be edited",
        fix=f'write {name} = "0.1.0"',
        rule="NO_VERSION",
    )
