"""How every file looked when the installer had ended: whatever still looks so was not written to since."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from venvbuild.files import walk

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


@dataclass(frozen=True)
class Manifest:
    """The looks of an environment's regular files, by path relative to it."""

    looks: Mapping[str, Look]

    @classmethod
    def taken(cls, folder: Path) -> Manifest:
        """As everything looks now."""
        return cls({path: Look.of(facts) for path, facts in walk(folder) if stat.S_ISREG(facts.st_mode)})

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """What `text` wrote; None when that cannot be read: then nothing is known to be untouched."""
        try:
            looks = json.loads(path.read_bytes())
            return cls({name: Look(*look) for name, look in looks.items()})
        # Whatever is wrong with it: without it files are read, and nothing else is lost.
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def text(self) -> str:
        """JSON, a file a line."""
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(look)}" for name, look in sorted(self.looks.items()))
        return f"{{\n{lines}\n}}\n"

    def is_untouched(self, name: str, look: Look) -> bool:
        """Whether a file that now looks like `look` is as it was."""
        return self.looks.get(name) == look
