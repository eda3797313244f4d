"""What was read of the files that the installer brought, and how they looked then.

What still looks so was not written to since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MANIFEST = "venv.manifest.json"


class Look(NamedTuple):
    """What the file system tells of a file without reading it."""

    size_bytes: int
    mtime_ns: int
    # No program can set this one: an edit shows even when size and mtime were put back.
    ctime_ns: int
    mode: int
    inode: int

    @classmethod
    def of(cls, facts: os.stat_result) -> Look:
        """From an `lstat`."""
        return cls(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_mode, facts.st_ino)


class Seen(NamedTuple):
    """A file as it was read."""

    look: Look
    """Before it was read."""
    sha256: str
    """Hex, of its bytes."""


@dataclass(frozen=True)
class Manifest:
    """Files of an environment, by path relative to it."""

    files: Mapping[str, Seen]

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """What `text` wrote; None when that cannot be read: then nothing is known to be untouched."""
        try:
            found = json.loads(path.read_bytes())
            return cls({name: Seen(Look(*look), sha256) for name, (look, sha256) in found.items()})
        # Whatever is wrong with it: without it files are read, and nothing else is lost.
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def text(self) -> str:
        """JSON."""
        return json.dumps(dict(sorted(self.files.items()))) + "\n"

    def sha256_of(self, name: str, look: Look) -> str:
        """Of a file that now looks like `look`, in hex; empty where nobody read it, or it looked otherwise then."""
        seen = self.files.get(name)
        return seen.sha256 if seen and seen.look == look else ""
