"""The job's parameters, judged: what comes from a Jenkins form or a flag is anybody's text.

Each function gives the value back in the form the rest works with, or raises `RequirementsRefused` (exit 3).
`where` names the parameter as its giver knows it: `ENV_NAME`, `--env-name`.
"""

from __future__ import annotations

import re

from venvbuild.errors import RequirementsRefused
from venvbuild.text import shown

OLDEST_PYTHON = (3, 8)
"""The oldest Python that environments are built for."""

# For `fullmatch`, as `$` lets a final line end through; [0-9], as `\d` takes the digits of every script.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VENV_VERSION = re.compile(r"(?i)venv_[0-9]{8}_[0-9]{6}")
_WINDOWS_DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_PYTHON = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]{1,3}))?")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


def env_name(value: str, where: str = "ENV_NAME") -> str:
    """`value` when it can name an environment: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, and none of the reserved names."""
    return _name(value, where, "an environment name", "write a name like sales-env")


def is_name(value: str) -> bool:
    """Whether it can name an environment or an alias."""
    return not _name_fault(value)


def alias(value: str, where: str = "alias") -> str:
    """`value` when it can name a build of an environment; the rules of `env_name`."""
    return _name(value, where, "an alias", "write a name like prod")


def python_version(value: str, where: str = "PYTHON_VERSION") -> str:
    """`value` when it is X.Y or X.Y.Z, in ASCII digits without leading zeros, and one we build for."""
    oldest = "{}.{}".format(*OLDEST_PYTHON)
    fix = f"write one like 3.11 or 3.11.7, {oldest} or newer"
    found = _PYTHON.fullmatch(value)
    if not found or any(len(part) > 1 and part[0] == "0" for part in value.split(".")):
        raise _refused(value, where, "a Python version", "it is not X.Y or X.Y.Z", fix)
    major, minor = int(found[1]), int(found[2])
    if (major, minor) < OLDEST_PYTHON or major > 3:
        why = f"environments are built for Python 3, {oldest} or newer"
        if value == "3.1":  # YAML's and TOML's number 3.10, written again
            fix = "did YAML read 3.10 as a number? write it in quotes: '3.10'"
        raise _refused(value, where, "a Python we build for", why, fix)
    return value


def minor_python_version(value: str, where: str) -> str:
    """`value` when it is X.Y: by that the catalog is searched."""
    if python_version(value, where).count(".") > 1:
        raise RequirementsRefused(
            f"{value} is too exact",
            where=where,
            why="the catalog is searched by X.Y",
            fix=f"write {value.rpartition('.')[0]}",
            rule="PARAMETER",
        )
    return value


def boolean(value: str, where: str) -> bool:
    """What `value` says: true/false, 1/0, yes/no, in any case; anything else is refused, never a silent false."""
    word = value.lower()
    if word not in (*_TRUE, *_FALSE):
        raise _refused(value, where, "true or false", "it is no word we know", "write true, false, yes, no, 1 or 0")
    return word in _TRUE


def _name(value: str, where: str, kind: str, fix: str) -> str:
    why = _name_fault(value)
    if why:
        raise _refused(value, where, kind, why, fix)
    return value


def _name_fault(value: str) -> str:
    if not _NAME.fullmatch(value):
        return "it must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
    if ".." in value or value.endswith("."):
        return "it must not hold `..` or end in a dot"
    if value.lower() == "latest":
        return "latest is the newest build"
    if _WINDOWS_DEVICE.fullmatch(value):
        return "Windows keeps that name for a device"
    # where a build is named, nobody could tell the two apart
    if _VENV_VERSION.fullmatch(value):
        return "it has the form of a build's version"
    return ""


def _refused(value: str, where: str, kind: str, why: str, fix: str) -> RequirementsRefused:
    if not value:
        return RequirementsRefused(
            "the value is empty", where=where, why="an empty value is never a default", fix=fix, rule="EMPTY"
        )
    return RequirementsRefused(f"'{shown(value)}' is not {kind}", where=where, why=why, fix=fix, rule="PARAMETER")
