"""An environment before any package: what made it put there, kept to be compared with, and to be put back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from venvbuild.files import regular, remove, walk, write_whole


@dataclass(frozen=True)
class _Entry:
    """A folder, a link or a file."""

    mode: int
    link: str = ""
    content: bytes = b""


@dataclass(frozen=True)
class EmptyVenv:
    """What was in a venv; some twenty small files."""

    entries: Mapping[str, _Entry]
    """By path relative to it."""

    @classmethod
    def of(cls, venv: Path) -> EmptyVenv:
        """As it is now."""
        return cls({path: _entry(venv / path) for path, _ in walk(venv)})

    @cached_property
    def paths(self) -> frozenset[str]:
        """Of all of it."""
        return frozenset(self.entries)

    def changed(self, venv: Path) -> Iterator[str]:
        """The paths at which there is something else now, or nothing."""
        for path, entry in self.entries.items():
            try:
                is_same = _entry(venv / path, len(entry.content)) == entry
            except OSError:
                is_same = False
            if not is_same:
                yield path

    def put_back(self, path: str, venv: Path) -> None:
        """What was at `path`, in the place of what is there now."""
        entry, place = self.entries[path], venv / path
        if os.path.lexists(place):
            remove(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.link:
            place.symlink_to(entry.link)
        elif stat.S_ISDIR(entry.mode):
            place.mkdir()
        else:
            write_whole(place, entry.content, mode=entry.mode)


def _entry(path: Path, most_bytes: int | None = None) -> _Entry:
    facts = os.lstat(path)
    if stat.S_ISLNK(facts.st_mode):
        return _Entry(facts.st_mode, os.readlink(path))
    if stat.S_ISDIR(facts.st_mode):
        # its permissions are nobody's: an archive has no others than 0755
        return _Entry(stat.S_IFDIR)
    with regular(path) as file:
        # one byte more tells that it grew, however much
        return _Entry(facts.st_mode, content=file.read(-1 if most_bytes is None else most_bytes + 1))
