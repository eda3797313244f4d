"""A requirements file and the files that its `-r` lines include, as one.

Only files in the folder of the first one or below it are read. The joined file holds every line of each, where the
`-r` line stood; `parts` tells which line of which file a line of it is.
"""

from __future__ import annotations

import bisect
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from venvbuild.errors import UsageError
from venvbuild.requirements.faults import Fault
from venvbuild.requirements.lines import Line, Text, read_lines
from venvbuild.requirements.locations import quotable
from venvbuild.requirements.options import Option, nested, read_options
from venvbuild.text import shown

MAX_BYTES = 10_000_000
"""Of all files together."""
_MAX_FILES = 100
_HEAD = "# One file made of several by venvbuild; `# -r FILE` tells where the lines of another one begin."


class Part(NamedTuple):
    """Lines of the joined file that stand in one file, up to the next part."""

    line: int
    """The first of them in the joined file, from 1."""
    file: str
    """As messages show it."""
    file_line: int
    """The same line in `file`."""


@dataclass(frozen=True)
class Joined:
    """A requirements file, whole."""

    content: bytes
    """The given bytes, or what several files were joined to."""
    lines: tuple[Line, ...]
    """Logical lines in the order that installers read them, each with its own file; without the `-r` lines."""
    faults: tuple[tuple[Line, Fault], ...]
    """The `-r` lines that could not be followed."""
    texts: Mapping[str, Text]
    """Each file as it was read, by its name, in the order of their beginnings."""
    parts: tuple[Part, ...]
    """Empty when nothing is included."""


def of_bytes(content: bytes, name: str, parts: Sequence[Part] = ()) -> Joined:
    """One file's bytes, in which nothing is followed; with `parts`, lines have the places that they came from."""
    text = read_lines(content, name)
    others = {part.file: Text((), (), ()) for part in parts if part.file != name}
    return Joined(content, tuple(_placed(text.lines, parts)), (), {name: text, **others}, tuple(parts))


def of_file(path: Path, max_bytes: int | None = None) -> Joined:
    """The file at `path` with all that it includes, of at most `max_bytes` in all; `MAX_BYTES` unless given.

    Raises:
        NoSuchFile: there is none.
        UsageError: it is no regular file, or it cannot be read.
        TooLarge: it has more; told by its size, before it is read.
    """
    name, max_bytes = shown(str(path), 200), max_bytes or MAX_BYTES
    content = content_of(path, name, max_bytes)
    joiner = _Joiner(path, name, max_bytes)
    joiner.add(path, name, content)
    parts: tuple[Part, ...] = ()
    if len(joiner.texts) > 1:
        content = "\n".join([*joiner.physical, ""]).encode("utf-8", "surrogateescape")
        parts = tuple(joiner.parts)
    return Joined(content, tuple(joiner.lines), tuple(joiner.faults), joiner.texts, parts)


class NoSuchFile(UsageError):
    """There is no file of this name."""


class TooLarge(Exception):
    """A file has more bytes than are read; `size_bytes` tells how many."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


class _Joiner:
    """Follows `-r` lines, depth first, as pip and uv do."""

    def __init__(self, first: Path, name: str, max_bytes: int) -> None:
        self._folder, self._first = first.parent.resolve(), name
        self._open: list[Path] = []
        self._done: set[Path] = set()
        self._left = max_bytes
        self.lines: list[Line] = []
        self.faults: list[tuple[Line, Fault]] = []
        self.texts: dict[str, Text] = {}
        self.physical: list[str] = [_HEAD, "#"]  # two lines: a declared encoding counts in the first two only
        self.parts: list[Part] = []

    def add(self, path: Path, name: str, content: bytes) -> None:
        """Add the file at `path`, of these bytes, and what it includes."""
        resolved = path.resolve()
        self._open.append(resolved)
        self._left -= len(content)
        text = self.texts[name] = read_lines(content, name)
        physical, copied = text.text.split("\n"), 0
        if physical[-1] == "":
            physical.pop()  # of the line feed at the end
        for line in text.lines:
            option = _included(line.text)
            if option is None:
                self.lines.append(line)
                continue
            self._copy(physical, copied, line.number - 1, name)
            copied = line.last
            self._follow(path, line, option)
        self._copy(physical, copied, len(physical), name)
        self._done.add(self._open.pop())

    def _copy(self, physical: list[str], start: int, end: int, name: str) -> None:
        if start < end:
            self.parts.append(Part(len(self.physical) + 1, name, start + 1))
            self.physical += physical[start:end]

    def _follow(self, path: Path, line: Line, option: Option) -> None:
        found = self._found(path, option)
        if isinstance(found, Fault):
            self.faults.append((line, found))
            return
        name = self._name(found, os.path.join(os.path.dirname(line.file), option.value))
        if found in self._done:
            self.physical.append(f"# -r {name}, which is above")
            return
        try:
            content = content_of(found, name, self._left)
        except UsageError as error:
            what, why = error.problems[0].what, "it is included here"
            self.faults.append((line, Fault("NESTED_FILE", f"{name}: {what}", why, "correct the line, or remove it")))
        except TooLarge:
            why = f"at most {MAX_BYTES:,} bytes are read in all"
            fix = "check that this is a requirements file"
            self.faults.append((line, Fault("TOO_LONG", f"{name} is too large", why, fix)))
        else:
            self.physical.append(f"# -r {name}")
            self.add(found, name, content)
            self.physical.append(f"# end of {name}")

    def _name(self, found: Path, written: str) -> str:
        """What messages call it: as it is written, unless a link makes that the name of another."""
        name = shown(os.path.normpath(written), 200)
        return name if name not in self.texts or found in self._done else shown(str(found), 200)

    def _found(self, path: Path, option: Option) -> Path | Fault:
        """The file that the line means, or why it is not read."""
        if not option.value:
            return nested(option, "its name is missing", "name it, or remove the line")
        if "://" in option.value:
            fix = f"fetch it into the folder of {self._first}, look at it, and write: -r NAME"
            return nested(option, "what lies at a URL can change from one day to the next", fix)
        if "$" in option.value:
            return nested(option, "pip would put the value of a variable there", "write the name itself")
        try:
            resolved = (path.parent / option.value).resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL
            return nested(option, "there is no such file", "correct the name, or remove the line")
        if not resolved.is_relative_to(self._folder):
            copy = quotable(os.path.basename(option.value)) or "NAME"
            fix = f"copy it into the folder of {self._first}, and write: -r {copy}"
            return nested(option, f"only files in the folder of {self._first} or below it are read", fix)
        if resolved in self._open:
            return nested(option, "it includes this line itself", "remove the line")
        if len(self.texts) >= _MAX_FILES:
            return nested(option, f"at most {_MAX_FILES} files are read", "put them into fewer files")
        return resolved


def _included(text: str) -> Option | None:
    """The `-r` that the line is; a line of several options is judged with the options."""
    if not text.startswith("-"):
        return None
    options = read_options(text)
    return options[0] if len(options) == 1 and options[0].name == "--requirement" else None


def _placed(lines: Iterable[Line], parts: Sequence[Part]) -> Iterable[Line]:
    if not parts:
        return lines
    starts = [part.line for part in parts]

    def placed(line: Line) -> Line:
        part = parts[max(0, bisect.bisect_right(starts, line.number) - 1)]
        return replace(line, file=part.file, number=part.file_line + line.number - part.line)

    return map(placed, lines)


def content_of(path: Path, name: str, max_bytes: int) -> bytes:
    """The bytes of the file at `path`, which messages call `name`; raises as `of_file`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise UsageError(f"it is {kind}", where=name, fix="name the requirements file with -r FILE")
        if status.st_size > max_bytes:
            # by its size, unread: a file of gigabytes must not fill the memory first
            raise TooLarge(status.st_size)
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)  # it may have grown since
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = getattr(exc, "strerror", None) or str(exc)
        is_absent = isinstance(exc, FileNotFoundError | NotADirectoryError)
        raise (NoSuchFile if is_absent else UsageError)(
            f"the requirements file cannot be read: {reason}",
            where=name,
            fix="name it with -r FILE, or check its permissions",
        ) from exc
    if len(content) > max_bytes:
        raise TooLarge(len(content))
    return content
