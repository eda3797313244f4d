"""Whether everybody on this machine may run a Python, or its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from venvbuild.interpreters.search import Interpreter, matching


def closed_part(interpreter: Interpreter) -> Path | None:
    """The first file or folder of it, or above it, that not everybody may read, run or enter; None when all may.

    By the modes: an ACL may still let somebody in, or keep somebody out.
    """
    library = Path(os.path.realpath(interpreter.prefix), "lib", f"python{interpreter.version}", "os.py")
    for file, needed in ((interpreter.path, 0o005), (library, 0o004)):
        if not file.exists():  # some have their library elsewhere
            continue
        for folder in reversed(file.parents):
            if not folder.stat().st_mode & 0o001:
                return folder
        if file.stat().st_mode & needed != needed:
            return file
    return None


def find_open_interpreter(python_version: str) -> Interpreter | None:
    """The first Python X.Y of this machine that everybody may run."""
    return next((one for one in matching(python_version) if closed_part(one) is None), None)
