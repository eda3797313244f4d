"""Environments as others make them: `python -m venv` and pip, virtualenv, uv."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import uv

from tests.support.requirement import require
from venvbuild import interpreters
from venvbuild.interpreters import Interpreter
from venvbuild.process import clean_environment

_PYTHONS = {one.version: one for one in reversed(interpreters.installed(os.environ)) if "pyenv" in str(one.path)}
_QUIET = ("--quiet", "--no-index", "--disable-pip-version-check", "--no-warn-script-location")


def interpreter(version: str) -> Interpreter:
    """The Python X.Y that environments are made with."""
    found = _PYTHONS.get(version) or next(
        (one for one in interpreters.installed(os.environ) if one.version == version), None
    )
    require(found, f"there is no Python {version} here")
    assert found is not None
    return found


def by_venv(version: str, venv: Path) -> None:
    run([interpreter(version).path, "-m", "venv", venv])


def by_venv_of_copies(version: str, venv: Path) -> None:
    """With an interpreter of its own, as agents make them whose Python goes away."""
    run([interpreter(version).path, "-m", "venv", "--copies", venv])


def by_virtualenv(version: str, venv: Path) -> None:
    run([sys.executable, "-m", "virtualenv", "--quiet", "--no-periodic-update", "-p", interpreter(version).path, venv])


def by_uv(version: str, venv: Path) -> None:
    run([uv.find_uv_bin(), "venv", "--quiet", "--no-config", "--python", interpreter(version).path, venv])


MAKERS: Mapping[str, Callable[[str, Path], None]] = {
    "venv": by_venv,
    "copies": by_venv_of_copies,
    "virtualenv": by_virtualenv,
    "uv": by_uv,
}


def make(maker: str, version: str, venv: Path, *wheels: Path) -> Path:
    """An environment at `venv` with these wheels in it, by its own pip, or by uv where uv made it."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    MAKERS[maker](version, venv)
    if wheels:
        install(maker, venv, *wheels)
    return venv


def install(maker: str, venv: Path, *wheels: Path) -> None:
    if maker == "uv":
        uv_options: list[str | Path] = ["--quiet", "--no-config", "--no-index", "--python", venv / "bin" / "python"]
        run([uv.find_uv_bin(), "pip", "install", *uv_options, *wheels])
    else:
        run([venv / "bin" / "python", "-m", "pip", "install", *_QUIET, *wheels])


def run(command: list[str | Path], **more: str) -> str:
    """Its stdout; it must end well."""
    env = {**clean_environment(), **more}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.strip()


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about everything in it, but when it was last read."""
    found: dict[str, tuple[object, ...]] = {}
    for place in (folder, *folder.rglob("*")):
        facts = place.lstat()
        content = os.readlink(place) if place.is_symlink() else ""
        if stat.S_ISREG(facts.st_mode):
            content = hashlib.sha256(place.read_bytes()).hexdigest()
        about = (facts.st_mode, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_uid, facts.st_ino)
        found[str(place.relative_to(folder))] = (content, *about)
    return found
