"""The Java that a program wants, which need not be the first of the PATH."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.support.requirement import require


def home(major: int) -> Path:
    """The JAVA_HOME of this version: of the environment, or where Debian keeps them. Skips where there is none."""
    folders = [Path(os.environ.get("JAVA_HOME") or "/nonexistent"), *sorted(Path("/usr/lib/jvm").glob("*"))]
    found = [folder for folder in folders if (folder / "bin/java").exists() and _major(folder) == major]
    require(found, f"there is no Java {major} here")
    return found[0]


def _major(folder: Path) -> int | None:
    try:
        version = re.search(r'^JAVA_VERSION="(\d+)', (folder / "release").read_text("utf-8"), re.MULTILINE)
    except FileNotFoundError:
        return None
    return int(version[1]) if version else None
