"""Snowflake's Python versions and machines, as data; what ended or ends is told with its date.

Source: *Snowflake Python Runtime Support*, an undated page, and bundle notes, as read on `READ_ON`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild.interpreters import Interpreter

READ_ON = "2026-11-28"
DEFAULT = "3.11"


@dataclass(frozen=True)
class Runtime:
    """One of them."""

    version: str
    """X.Y."""
    ended_on: str = ""
    """ISO date; empty: it runs."""
    deprecated_on: str = ""
    """ISO date; empty: it is not."""


RUNTIMES = (
    Runtime("3.8", ended_on="2025-04-30"),
    Runtime("3.9", ended_on="2026-04-30"),
    Runtime("3.10", deprecated_on="2026-10-04"),
    Runtime("3.11"),
    Runtime("3.12"),
    Runtime("3.13"),
    Runtime("3.14"),
)
MACHINES = ("x86_64", "aarch64")
NATIVE = ("refuse", "packages", "ship")
_GLIBC = 28
"""Minor version of the glibc that wheels may need: what Snowflake runs on is newer, and no page says how new."""
_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
"""Minor version of glibc -> the older name of the same tag (PEP 513, 571, 599)."""


def runtime(version: str, where: str = "--python") -> Runtime:
    """The runtime of this name.

    Raises:
        RequirementsRefused: Snowflake has none, or no longer; says which there are, and the dates.
    """
    found = next((one for one in RUNTIMES if one.version == version), None)
    if found and not found.ended_on:
        return found
    listed = ", ".join(
        f"{one.version}{' (deprecated)' if one.deprecated_on else ''}" for one in RUNTIMES if not one.ended_on
    )
    ended = "; ".join(f"{one.version} ended on {one.ended_on}" for one in RUNTIMES if one.ended_on)
    if found:
        what = f"Snowflake's Python {found.version} ended on {found.ended_on}"
    else:
        what = f"'{shown(version, 40)}' is no Python of Snowflake"
    fix = f"write {where} {DEFAULT}"
    if version == "3.1":  # YAML's and TOML's number 3.10, written again
        fix = f"did YAML read 3.10 as a number? write it in quotes: {where} '3.10'"
    raise RequirementsRefused(
        what, where=where, why=f"it has {listed}, as read on {READ_ON}; {ended}", fix=fix, rule="RUNTIME"
    )


def running() -> tuple[str, ...]:
    """The versions that Snowflake runs, X.Y."""
    return tuple(one.version for one in RUNTIMES if not one.ended_on)


def machine(name: str, where: str = "--platform") -> str:
    """`name` when Snowflake runs on it.

    Raises:
        UsageError: it does not.
    """
    if name not in MACHINES:
        raise UsageError(
            f"'{shown(name, 40)}' is no platform of Snowflake", where=where, fix=f"write {' or '.join(MACHINES)}"
        )
    return name


def uv_platform(machine: str) -> str:
    """What uv calls it: `x86_64-manylinux_2_28`."""
    return f"{machine}-manylinux_2_{_GLIBC}"


def target(version: str, machine: str) -> Interpreter:
    """The Python that packages are for, as markers and wheel tags see it."""
    from venvbuild.interpreters import on_linux  # who asks for the versions alone runs no Python

    platforms: list[str] = []
    for minor in range(_GLIBC, _OLDEST_GLIBC[machine] - 1, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        if minor in _LEGACY:
            platforms.append(f"{_LEGACY[minor]}_{machine}")
    return on_linux(version, machine, (*platforms, f"linux_{machine}"))
