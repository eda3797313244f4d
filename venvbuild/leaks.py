"""The leak gate: what an archive must not hold before it goes anywhere.

This run's work folder and the build interpreter's path stand in no file, known secrets in none at all. A file whose
bytes are the wheel's own may hold any path (it was not written here), but no secret.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvbuild.distributions import Distribution
from venvbuild.errors import Problem

_NAME_BYTE = re.compile(rb"[A-Za-z0-9_.-]")
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files of a dist-info which the installer writes; their RECORD row is no promise of the wheel's."""


@dataclass(frozen=True)
class Gate:
    """What to look for, and which files may hold paths."""

    paths: tuple[bytes, ...]
    secrets: tuple[bytes, ...]
    promised: Mapping[Path, str]
    """By absolute path: `sha256=<urlsafe base64>` as the wheel has it."""

    @classmethod
    def of(cls, paths: Iterable[Path], secrets: Iterable[str], distributions: Iterable[Distribution]) -> Gate:
        """A gate for an environment that holds `distributions`, built in and by `paths`."""
        promised = {
            one.path_of(row): row.hash
            for one in distributions
            for row in one.record or ()
            if row.hash and _is_of_the_wheel(row.path)
        }
        return cls(
            tuple(os.fsencode(path) for path in paths),
            tuple(secret.encode() for secret in secrets if _can_be_told(secret)),
            promised,
        )

    def search(self, chunks: Sequence[bytes], path: Path) -> list[str]:
        """What of it one piece of the file at `path` holds: `path` or `secret`."""
        content = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        named = any(_stands_in(needle, content) for needle in self.paths)
        found = ["a path of this build"] if named and not self._is_promised(path) else []
        return found + (["a secret"] if any(needle in content for needle in self.secrets) else [])

    @property
    def longest(self) -> int:
        """Bytes that two pieces must overlap by, so that nothing hides across a cut."""
        return max((len(needle) + 1 for needle in (*self.paths, *self.secrets)), default=0)  # + the byte before it

    def _is_promised(self, path: Path) -> bool:
        """Whether the file is the wheel's, byte for byte; asked only when it holds a path: hashing is rare."""
        promise = self.promised.get(path)
        if promise is None:
            return False
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        return promise == "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def problem(member: str, what: str) -> Problem:
    """The finding, without what was found."""
    fix = (
        "if a package wrote it while it was built, ask its publisher for a wheel"
        if what.startswith("a path")
        else "change that secret, and find out which package wrote it"
    )
    return Problem(f"{member} holds {what}; the archive is not uploaded", "venv.tar.gz", fix=fix, rule="LEAK")


def _is_of_the_wheel(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return not path.startswith("../") and not (folder.endswith(".dist-info") and name in _INSTALLERS_OWN)


def _stands_in(path: bytes, content: bytes) -> bool:
    """Whether the whole path is there, not the end of another: /build is not in `operations/build/wheel.py`."""
    begin = content.find(path)
    while begin >= 0:
        before, after = content[max(0, begin - 1) : begin], content[begin + len(path) : begin + len(path) + 1]
        if not _NAME_BYTE.match(before) and not _NAME_BYTE.match(after):
            return True
        begin = content.find(path, begin + 1)
    return False


def _can_be_told(secret: str) -> bool:
    """Whether finding it means something: `testing` or `password` stand in any wheel."""
    return len(secret) >= 12 or (len(secret) >= 6 and bool(re.search(r"\d", secret)) and bool(re.search(r"\D", secret)))
