"""Where things lie in a virtual environment: its packages, pyvenv.cfg, the interpreter, what installers leave behind.

Source: PEP 405.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# Written by uv into a dist-info for its own use; they hold timestamps and build paths.
INSTALL_RECORDS = ("uv_cache.json", "uv_build.json")


def site_packages(venv: Path, python_version: str) -> Path:
    """Where a venv of this Python (X.Y) keeps its packages."""
    return venv / "lib" / f"python{python_version}" / "site-packages"


def site_packages_folders(venv: Path, python_version: str) -> tuple[Path, ...]:
    """Where the distributions of an environment lie: `lib`, and `lib64` where that is a folder of its own."""
    lib, lib64 = (venv / name / f"python{python_version}" / "site-packages" for name in ("lib", "lib64"))
    # The venv module makes lib64 a link on 64-bit systems, and each package would be there twice.
    return (lib,) if os.path.realpath(lib64) == os.path.realpath(lib) else (lib, lib64)


_VERSION = re.compile(r"version(?:_info)?\s*=\s*(3\.[0-9]{1,3}(?:\.[0-9]{1,3})?)(?:[^0-9].*)?")
# The last is a joke of the venv module of 3.14: a second link to the interpreter, or with `--copies` a copy of it.
_PYTHON_LINK = re.compile(r"bin/(?:python(?:3(?:\.[0-9]+t?)?)?|\U0001d70bthon)")
_NAMES_THE_MACHINE = ("home", "executable", "command", "base-prefix", "base-exec-prefix", "base-executable")


def is_python_link(name: str) -> bool:
    """Whether it is a name of the environment's interpreter, which no archive takes from the environment."""
    return bool(_PYTHON_LINK.fullmatch(name))


def neutral(configuration: Path) -> bytes:
    """pyvenv.cfg without what names this machine (PEP 405: `home`; `executable` and `command` by the venv module).

    Each line is `key = value`, as `bin/rehome` reads it.
    """
    # surrogateescape: paths in it may be in any encoding.
    pairs = (line.partition("=") for line in configuration.read_text("utf-8", "surrogateescape").splitlines())
    kept = [(key.strip(), value.strip()) for key, equals, value in pairs if equals]
    lines = (f"{key} = {value}\n" for key, value in kept if key.lower() not in _NAMES_THE_MACHINE)
    return "".join(lines).encode("utf-8", "surrogateescape")


# What uv leaves in a venv; `tar --exclude-caches` would skip the whole venv because of the last one.
ENVIRONMENT_LEFTOVERS = (".lock", ".gitignore", "CACHEDIR.TAG")


def configuration_of(text: str) -> dict[str, str]:
    """A pyvenv.cfg, its keys in lower case: Python reads them so."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def full_version_in(configuration: bytes) -> str | None:
    """As much of X.Y.Z as a pyvenv.cfg says (`version` of the venv module, `version_info` of uv and virtualenv)."""
    for line in configuration.decode("utf-8", "replace").splitlines():
        found = _VERSION.fullmatch(line.strip())
        if found:
            return found[1]
    return None
