"""Activation scripts that find the place where they are, to be given to environments whose own name theirs."""

from __future__ import annotations

import re
import sys
import tempfile
from functools import cache
from pathlib import Path

import uv

from venvbuild import interpreters
from venvbuild.environment import Installer

RELOCATABLE = re.compile(r"activate(?:\.(?:bat|fish|nu|ps1|xsh))?")
"""Names of activation scripts that can do without a path."""


@cache
def activation_scripts() -> dict[str, bytes]:
    """Those of our own environments, by name. Needs no index, and touches no cache of the user."""
    with tempfile.TemporaryDirectory(prefix="venvbuild-activate-") as temporary:
        own = interpreters.probe(Path(sys.executable))
        assert own is not None
        # uv makes its cache for an empty environment too: packing has no business in that of the user.
        inherited = {"UV_CACHE_DIR": f"{temporary}/cache"}
        Installer(Path(uv.find_uv_bin()), "", inherited=inherited).make_venv(own, Path(temporary, "venv"))
        return scripts_of(Path(temporary, "venv"))


def scripts_of(folder: Path) -> dict[str, bytes]:
    """Of an environment that is relocatable, its activation scripts by name, to be given to others.

    `activate_this.py` is not among them: it names the Python's version, and everybody's finds its place by itself.
    """
    scripts = (path for path in (folder / "bin").iterdir() if RELOCATABLE.fullmatch(path.name))
    return {path.name: path.read_bytes() for path in scripts}
