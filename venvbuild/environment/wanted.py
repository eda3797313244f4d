"""A pin as a question to the index, and those of a file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from packaging.version import Version

from venvbuild.interpreters import Interpreter
from venvbuild.requirements import Requirements

# The last one for each Python that the newest has left. Pinned here, or a build would depend on the day.
_PIP = {"3.8": "25.0.1", "3.9": "26.0.1"}
_PIP_NEWEST = "26.3"


@dataclass(frozen=True)
class Wanted:
    """One exact version that must be installable, and what to call it in a message."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    extras: frozenset[str] = frozenset()
    where: str = ""
    """`requirements.txt:14`."""
    hashes: frozenset[str] = frozenset()
    sdist_allowed: bool = False
    line: int | None = None
    """Of `where`."""
    also: tuple[str, ...] = ()
    """Where else the same is pinned; `extras` are those of all lines."""

    @property
    def bare(self) -> str:
        """`name[extra]`, without a version."""
        return f"{self.name}[{','.join(sorted(self.extras))}]" if self.extras else self.name

    @property
    def places(self) -> str:
        """` on lines 3 and 7`, for a pin that stands on several; else empty."""
        if not self.also:
            return ""
        listed = [self.where, *self.also]
        files = {where.rpartition(":")[0] for where in listed}
        numbers = listed if len(files) > 1 else [where.rpartition(":")[2] for where in listed]
        return f" on {'' if len(files) > 1 else 'lines '}{', '.join(numbers[:-1])} and {numbers[-1]}"

    def at(self, version: Version | str) -> str:
        """The same with another version: `name[extra]==version`."""
        return f"{self.bare}=={version}"


def pip_version(python_version: str) -> str:
    """The pip that goes into every environment whose file does not pin one: the newest that runs on this Python."""
    return _PIP.get(python_version, _PIP_NEWEST)


def wanted_by(requirements: Requirements, interpreter: Interpreter, sdists: Collection[str]) -> list[Wanted]:
    """The pins whose marker holds, as questions to the index; the tool's own pip among them.

    `sdists` are the canonical names that may be built from source.
    """
    wanted: dict[str, Wanted] = {}
    for pin in requirements.active:
        same = wanted.get(pin.canonical_name)
        wanted[pin.canonical_name] = (
            replace(same, extras=same.extras | {*pin.extras}, also=(*same.also, pin.where))
            if same
            else Wanted(
                pin.canonical_name,
                pin.version,
                frozenset(pin.extras),
                pin.where,
                frozenset(pin.hashes),
                pin.canonical_name in sdists,
                pin.line,
            )
        )
    own = pip_version(interpreter.version)
    wanted.setdefault("pip", Wanted("pip", own, where="the pip of every environment"))
    return list(wanted.values())
