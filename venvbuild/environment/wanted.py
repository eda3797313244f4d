"""A pin as a question to the index."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version


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

    @property
    def bare(self) -> str:
        """`name[extra]`, without a version."""
        return f"{self.name}[{','.join(sorted(self.extras))}]" if self.extras else self.name

    def at(self, version: Version | str) -> str:
        """The same with another version: `name[extra]==version`."""
        return f"{self.bare}=={version}"
