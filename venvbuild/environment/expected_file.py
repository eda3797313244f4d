"""What one file of a new environment has to be, and how it differs from that."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from venvbuild.installed import Seen, script_of
from venvbuild.package_index import WheelFile

OTHER_MODE = "has another mode"
_CHUNK = 1 << 20
_FAULTS = {
    # a link, and a socket
    **dict.fromkeys((errno.ELOOP, errno.ENXIO), "is no file"),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG), "is missing"),
}


class ExpectedFile(NamedTuple):
    """What a file has to be."""

    owner: str
    """Canonical name of its distribution."""
    digest: str
    """Hex."""
    size_bytes: int | None
    is_rewritten: bool
    """Whether the line that starts this environment's Python stands before it."""
    algorithm: str = "sha256"
    """Of the digest, as hashlib names it."""
    may_lack: bool = False
    """Whether installers may leave it out."""
    is_executable: bool | None = None
    """Whether it is a program; None where nobody says it."""
    others: frozenset[str] = frozenset()
    """Digests that do as well."""

    @classmethod
    def of_wheel(cls, owner: str, file: WheelFile, *, may_lack: bool, is_literal: bool) -> ExpectedFile:
        """As the wheel of `owner` has it; `is_literal`: it is unpacked where the wheel's own path says."""
        if file.is_rewritten and is_literal:  # in a folder of scripts that this installer does not take for one
            return cls(owner, file.whole_sha256, None, is_rewritten=False, may_lack=may_lack)
        size_bytes, is_executable = file.size_bytes, file.is_executable
        return cls(owner, file.sha256, size_bytes, file.is_rewritten, may_lack=may_lack, is_executable=is_executable)

    @property
    def is_told_by_reading(self) -> bool:
        """Whether its size and the SHA-256 of all its bytes tell what it is."""
        return not self.is_rewritten and self.algorithm == "sha256"

    def unlike_seen(self, seen: Seen) -> str:
        """How it is not as it has to be, by what was read of it; empty if it is."""
        if self.size_bytes not in (None, seen.look.size_bytes):
            return f"has {seen.look.size_bytes} bytes, not {self.size_bytes}"
        if seen.sha256 != self.digest and seen.sha256 not in self.others:
            return "has other bytes"
        return OTHER_MODE if self.is_executable not in (None, bool(seen.look.mode & 0o100)) else ""

    def unlike(self, venv: Path, path: str) -> str:
        """As `unlike_seen`, of what is at `path` of `venv` now: nothing, or no file, or one that `unlike_seen` cannot
        judge.

        Raises:
            OSError: it cannot be read.
        """
        try:
            # A link in the place of a file is not followed, and a pipe not waited for.
            descriptor = os.open(venv / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except ValueError:  # nothing has such a name, as one with a NUL
            return "is missing"
        except OSError as error:
            if error.errno not in _FAULTS:
                raise
            return "" if self.may_lack and error.errno == errno.ENOENT else _FAULTS[error.errno]
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return "is missing" if stat.S_ISDIR(facts.st_mode) else "is no file"
            if not self.is_rewritten and self.size_bytes not in (None, facts.st_size):
                return f"has {facts.st_size} bytes, not {self.size_bytes}"
            if self._digest(descriptor, facts.st_size, os.fspath(venv)) not in (self.digest, *self.others):
                return "has other bytes"
            return OTHER_MODE if self.is_executable not in (None, bool(facts.st_mode & 0o100)) else ""
        finally:
            os.close(descriptor)

    def _digest(self, descriptor: int, size_bytes: int, venv: str) -> str:
        """In hex; empty for a script before which another line stands than the one that an installer writes there."""
        buffer = memoryview(bytearray(_CHUNK))
        count = done = os.readv(descriptor, [buffer])
        begin: bytes | memoryview = buffer[:count]
        if self.is_rewritten:
            script = script_of(bytes(begin), [venv])
            if script is None or script.options:  # which no installer writes for `#!python`
                return ""
            begin = script.body
        digest = hashlib.new(self.algorithm, begin)
        # without the read that finds nothing more: the digest tells whether a file grew meanwhile or was cut
        while count and done < size_bytes:
            count = os.readv(descriptor, [buffer])
            digest.update(buffer[:count])
            done += count
        return digest.hexdigest()
