"""How a Python comes to a machine, when the wanted one is not where `search` looks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from venvbuild.process import CommandFailed, clean_environment, run

_TIMEOUT_S = 20


def ways_to_install(wanted: str, environ: Mapping[str, str], uv: Path | None) -> Iterator[str]:
    """What whoever looks after this machine can do, so that `wanted` (`3.12`, `3.12.7`) is found; commands for a shell.

    `uv` is None where it cannot fetch that Python.
    """
    root = environ.get("PYENV_ROOT")
    pyenv = _pyenv(root, environ) if root else None  # without it, nobody looks among the versions of pyenv
    newest = _newest_of_pyenv(wanted, pyenv) if pyenv else None
    if root and pyenv and newest:
        yield f"`PYENV_ROOT={shlex.quote(root)} {shlex.quote(pyenv)} install {newest}`"
    if uv:
        # Where it puts it goes by the user's home.
        yield f"`{shlex.quote(str(uv))} python install {wanted}` as this user"
    name = "python" + ".".join(wanted.split(".")[:2])
    yield f"by a package that puts {name} on the PATH (Debian, Ubuntu, Fedora: {name}, where they have it)"


def is_fetchable(wanted: str, uv: Path) -> bool:
    """Whether uv knows where to fetch a CPython `wanted` for this platform; nobody else is asked."""
    options = ("--only-downloads", "--offline", "--no-config")
    return bool(_said(uv, "python", "list", *options, f"cpython@{wanted}").strip())


def _pyenv(root: str, environ: Mapping[str, str]) -> str | None:
    own = Path(root, "bin", "pyenv")
    return str(own) if os.access(own, os.X_OK) else shutil.which("pyenv", path=environ.get("PATH", ""))


def _newest_of_pyenv(wanted: str, pyenv: str) -> str | None:
    """The newest that pyenv can install; old ones do not know `3.12` for it."""
    listed = re.findall(rf"(?m)^[ \t]*({re.escape(wanted)}(?:\.[0-9]+)?)[ \t]*$", _said(pyenv, "install", "--list"))
    return max(listed, key=lambda version: [int(number) for number in version.split(".")], default=None)


def _said(program: str | Path, *arguments: str) -> str:
    """Its stdout; empty when it fails."""
    try:
        return run([program, *arguments], env=clean_environment(), timeout_s=_TIMEOUT_S).stdout
    except (CommandFailed, OSError):
        return ""
