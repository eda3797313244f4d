"""Releases of a tiny package, built on the spot, and what brings them to an index."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uv

from tests.support.requirement import require
from tests.support.wheels import sdist, wheel
from venvbuild.release import BuiltFile, Manifest, Target, load, target_of
from venvbuild.release.publishing import Patience, Publisher
from venvbuild.release.tools import Tools
from venvbuild.release.verifying import Verifier

NAME = "vb-demo"
PATIENCE = Patience(upload_s=30, index_s=3, pause_s=0.02)
COMMIT = "1f2e3d4c" * 5


def built(
    dist: Path, version: str, text: str = "", *, module: str | None = None, name: str = NAME, commit: str = COMMIT
) -> Manifest:
    """A wheel and an sdist of the package in `dist`, with the manifest; `text` makes their bytes others.

    Its module has `__version__`, and its command `vb-demo --version` prints it.
    """
    code = f'__version__ = "{version}"\n\n\ndef main():\n    print("vb-demo version", __version__)\n{text}'
    files = {"vb_demo.py": code if module is None else module}
    made = [
        wheel(dist, name, version, files=files, scripts={NAME: "vb_demo:main"}, python=">=3.8"),
        sdist(dist, name, version, files=files),
    ]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in made]
    manifest = Manifest(
        name,
        version,
        commit,
        f"v{version}",
        (),
        (
            BuiltFile(made[0].name, made[0].stat().st_size, digests[0], "wheel"),
            BuiltFile(made[1].name, made[1].stat().st_size, digests[1], "sdist"),
        ),
    )
    manifest.write(dist)
    return manifest


def target(environ: Mapping[str, str], **flags: str) -> Target:
    """The index that these variables tell of."""
    return target_of(load(Path("/nowhere"), flags, environ), environ)


def tools() -> Tools:
    """twine, of the tests' own environment."""
    require(importlib.util.find_spec("twine"), "twine is not installed")
    return Tools(Path(sys.executable), Path(uv.find_uv_bin()), {})


def publisher(environ: Mapping[str, str], said: list[str] | None = None, **more: Patience | bool) -> Publisher:
    """What publishes to the index of these variables; what it says goes to `said`."""
    lines = [] if said is None else said
    return Publisher(target(environ), tools(), lines.append, **{"patience": PATIENCE, **more})  # type: ignore[arg-type]


def verifier(environ: Mapping[str, str], said: list[str] | None = None, python: str = "") -> Verifier:
    """What installs from the index of these variables."""
    lines = [] if said is None else said
    return Verifier(target(environ), {**os.environ, **environ}, lines.append, python)
