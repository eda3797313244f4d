"""What locking, building and installing are given in process: this Python, uv, the local index, a folder."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import uv

from tests.support.index_server import IndexServer
from venvbuild import interpreters, requirements
from venvbuild.environment import Installer, PackageSource
from venvbuild.environment.wanted import pip_version
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import PackageIndex, ReleaseCache, WheelCache
from venvbuild.requirements import Requirements


@functools.cache
def here() -> Interpreter:
    """The Python that runs the tests."""
    found = interpreters.probe(Path(sys.executable))
    assert found
    return found


def pretend(one: Interpreter, program: Path) -> None:
    """A program that answers as this Python does when it is asked what it is."""
    facts = asdict(replace(one, path=program, prefix=program.parent.parent))
    facts["executable"], facts["version"] = facts.pop("path"), facts.pop("full_version")
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(facts, default=str)}\nEND\n")
    program.chmod(0o755)


@functools.cache
def uv_cache() -> Path:
    """A cache of uv for all tests of this process: what it found out about this Python takes it longest."""
    folder = Path(tempfile.mkdtemp(prefix="venvbuild-tests-uv-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def own_pip() -> str:
    """The pip that a lock for this Python has when nobody pins one."""
    return f"pip=={pip_version(here().version)}"


def pinned(*lines: str) -> Requirements:
    """An accepted file `pins.txt` with these lines, as this Python reads it."""
    return requirements.parse("".join(f"{line}\n" for line in lines).encode(), "pins.txt", here().marker_environment)


def supply(index: IndexServer, scratch: Path, *, mode: str = "ok", sdists: Sequence[str] = ()) -> PackageSource:
    """Packages from the index, which serves as `mode` says; nothing is built yet."""
    scratch.mkdir(exist_ok=True)
    url, cache = index.url(mode), {"UV_CACHE_DIR": str(uv_cache())}
    installer = Installer(Path(uv.find_uv_bin()), url, timeout_s=120, inherited=cache)
    return PackageSource(
        here(),
        installer,
        PackageIndex(url),
        scratch,
        WheelCache(scratch / "wheel-cache"),
        ReleaseCache(scratch / "release-cache"),
        tuple(sdists),
    )
