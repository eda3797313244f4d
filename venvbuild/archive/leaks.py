"""The leak gate: what an archive must not hold before it goes anywhere.

This run's work folder and the build interpreter's path stand in no file, known secrets in none at all. A file whose
bytes are the wheel's own may hold any path (it was not written here), but no secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from venvbuild.archive.members import Member
from venvbuild.errors import Problem
from venvbuild.installed import Distribution, is_of_the_wheel, promise_of

if TYPE_CHECKING:
    from venvbuild.redaction import Secret

_NAME_BYTE = re.compile(rb"[A-Za-z0-9_.-]")
_FIX_PLACE = (
    "write the file so that it needs no place, or install its package from a wheel; "
    "if it names this folder by chance, make the environment in another one"
)


@dataclass(frozen=True)
class Gate:
    """What to look for, and which files may hold paths."""

    paths: tuple[bytes, ...]
    secrets: tuple[Secret, ...]
    promised: Mapping[str, str]
    """By absolute path: `sha256=<urlsafe base64>` as the wheel has it."""
    is_for_bytecode: bool = False
    """Whether a path is found also behind what looks like a part of a name."""
    places: tuple[bytes, ...] = ()
    """Paths that no file may hold, a wheel's own included, since it may have been built there; except what describes a
    package."""

    @classmethod
    def of(cls, paths: Iterable[Path], secrets: Iterable[Secret], distributions: Iterable[Distribution]) -> Gate:
        """A gate for an environment that holds `distributions`, built in and by `paths`."""
        promised = {
            os.path.normpath(f"{folder}/{path}"): promise
            for one in distributions
            for folder in [os.fspath(one.site_packages)]
            for path, promise, _ in one.record or ()
            if promise and is_of_the_wheel(path)
        }
        return cls(
            tuple(dict.fromkeys(os.fsencode(path) for path in paths)),
            tuple(secret for secret in secrets if not secret.is_minor),
            promised,
        )

    def for_bytecode(self) -> Gate:
        """The same for bytecode, which no wheel promises, and for the sources that it is compared with."""
        return replace(self, promised={}, is_for_bytecode=True)

    def in_names(self, members: Iterable[Member]) -> Iterator[Problem]:
        """Names and targets of links that hold a secret; only the folder of such a one is told."""
        for member in members if self.secrets else ():
            text = os.fsencode(f"{member.name}\0{member.link}")
            if self.holds_a_secret(text):
                # The whole name would put the secret into the log.
                folder = os.path.dirname(member.name)
                shown = "its folder too" if self.holds_a_secret(os.fsencode(folder)) else folder or "."
                yield Leak(f"a name in {shown}", "a secret").problem()

    def looks_into(self, path: str, sha256: str) -> bool:
        """Whether there is anything to look for in the file at `path` (absolute), which has this sha256 (hex)."""
        if self.secrets or self.places:  # which no file may hold
            return True
        return bool(self.paths) and self.promised.get(path) != promise_of(sha256)

    def searching(self, path: str, before: bytes = b"") -> Search:
        """A search through the file at `path`, from where `before` ends."""
        return Search(self, path, before)

    @cached_property
    def longest(self) -> int:
        """Bytes that two pieces must overlap by, so that nothing hides across a cut."""
        lengths = [len(path) + 1 for path in (*self.paths, *self.places)]  # + the byte before it
        return max((*lengths, *(secret.longest for secret in self.secrets)), default=0)

    def holds_a_secret(self, content: bytes) -> bool:
        """Whether a secret stands in the content, in any form."""
        return any(secret.stands_in(content) for secret in self.secrets)


class Search:
    """Shown a file piece by piece, in order; what straddles two pieces is found as well."""

    def __init__(self, gate: Gate, path: str, before: bytes) -> None:
        self._gate, self._path, self._tail = gate, path, before
        self._promise = gate.promised.get(path)
        # A README in METADATA may name /opt/venv, the usual place in containers, as an example.
        self._places = () if self._promise and ".dist-info/" in path else gate.places
        self._found: set[str] = set()

    def see(self, piece: bytes) -> None:
        """The next bytes of the file."""
        content = self._tail + piece if self._tail else piece
        if self._gate.holds_a_secret(content):
            self._found.add("a secret")
        self._found.update(
            f"the environment's path {os.fsdecode(place)}" for place in self._places if self._stands_in(place, content)
        )
        if not self._promise and any(self._stands_in(path, content) for path in self._gate.paths):
            self._found.add("a path of this build")
        self._tail = content[-self._gate.longest :] if self._gate.longest else b""

    def found(self, sha256: str) -> list[str]:
        """What it holds, sorted. `sha256` (hex) is of the whole file; empty where only the rest was seen."""
        # Nearly every file is the wheel's own, and paths in those do not matter: they are searched for only once it is
        # known that the bytes are others.
        if self._promise and sha256 and self._promise != promise_of(sha256) and self._holds_a_path():
            self._found.add("a path of this build")
        return sorted(self._found)

    def _stands_in(self, path: bytes, content: bytes) -> bool:
        # marshal writes its length before a text, and a length of 97 looks like the letter a.
        return path in content if self._gate.is_for_bytecode else _stands_in(path, content)

    def _holds_a_path(self) -> bool:
        search = Search(Gate(self._gate.paths, (), {}), self._path, b"")
        with open(self._path, "rb") as file:
            while piece := file.read(1 << 20):
                search.see(piece)
        return bool(search._found)


class Leak(NamedTuple):
    """Something that a member holds and no archive may, without the secret itself."""

    member: str
    what: str
    """`a secret`, `a path of this build`, `the environment's path /x`."""

    def problem(self) -> Problem:
        """As people are told."""
        fix = {
            "a secret": "change that secret, and find out which package wrote it",
            "a path of this build": "if a package wrote it while it was built, ask its publisher for a wheel",
        }.get(self.what, _FIX_PLACE)
        return Problem(f"{self.member} holds {self.what}; the archive is not made", fix=fix, rule="LEAK")


def _stands_in(path: bytes, content: bytes) -> bool:
    """Whether the whole path is there, not the end of another: /build is not in `operations/build/wheel.py`."""
    begin = content.find(path)
    while begin >= 0:
        before, after = content[max(0, begin - 1) : begin], content[begin + len(path) : begin + len(path) + 1]
        if not _NAME_BYTE.match(before) and not _NAME_BYTE.match(after):
            return True
        begin = content.find(path, begin + 1)
    return False
