"""What every archive of ours has: its names, its limits, and the script in it (docs/archive-format.md)."""

from __future__ import annotations

from importlib import resources

ROOT = "venv"
"""The one folder at the top of an archive, which is its `archive_root`; and what names in `content_sha256` begin with,
whatever that is."""
FLAT = ""
"""The `archive_root` of an archive without such a folder: `bin` is at its top."""
ARCHIVE_ROOTS = {"venv": ROOT, "flat": FLAT}
"""By layout, as it is asked for."""
BEGIN_OF_FLAT = ("bin", "bin/rehome")
"""The first members of an archive without a folder at its top, by which it is known where nothing tells of it."""
BASE = "_base"
"""The folder of an environment where a bundled interpreter is."""

NO_PYTHON = "none"
"""As a `python_path`: the archive has no `bin/python*`, which `rehome` and `get` make."""

MARKER = ".venvbuild.json"
"""In an environment that `get` made: what it is, and the leave to replace it."""
MAKERS = ("venvbuild get", "venvbuild export --for run")
"""Who may have made an environment that has it, as it says in `made_by`."""

# What anybody's archive may make `get` do. `pack` keeps to them too, so that it makes none which `get` refuses.
MAX_MEMBERS = 200_000
MAX_NAME_BYTES = 4096  # PATH_MAX of Linux (limits.h)
# Removing a much deeper tree takes shutil past Python's recursion limit.
MAX_DEPTH = 100
"""Folders above a member."""


def rehome_script() -> bytes:
    """`bin/rehome`, which links the environment to a Python of the machine that it was unpacked on; needs only sh."""
    return resources.files("venvbuild.archive").joinpath("rehome").read_bytes()
