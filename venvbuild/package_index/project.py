"""What a package index has of one name: its files, and which of them fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from venvbuild.redaction import Address


@dataclass(frozen=True)
class File:
    """One wheel or sdist of a project."""

    filename: str
    url: str
    """May hold credentials: only for requests."""
    version: Version
    tags: frozenset[Tag]
    """Empty for an sdist."""
    sha256: str = ""
    requires_python: str = ""
    yanked: str | None = None
    """None: not yanked; otherwise the reason, often empty (PEP 592)."""
    has_metadata: bool = False
    """Whether `url + ".metadata"` exists (PEP 658)."""
    size_bytes: int | None = None
    """As the index has it (PEP 700); None when it does not say."""
    uploaded_at: str | None = None
    """When it came to the index (PEP 700), `2025-07-22T08:30:00Z`; None when that does not say."""

    @cached_property
    def address(self) -> Address:
        """Of the file, with what may be shown of it."""
        return Address(self.url)

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel."""
        return bool(self.tags)

    def allows_python(self, full_version: str) -> bool:
        """Whether Requires-Python admits this interpreter."""
        try:
            # the interpreter itself may be a release candidate
            return SpecifierSet(self.requires_python).contains(full_version, prereleases=True)
        except InvalidSpecifier:  # pip takes such a file for any Python
            return True

    def rank(self, supported: dict[str, int]) -> int | None:
        """The place of its best tag among the supported ones; None when it does not fit this platform."""
        return min((supported[str(tag)] for tag in self.tags if str(tag) in supported), default=None)


class Status(NamedTuple):
    """How a project stands (PEP 792)."""

    word: str
    """`active`, `archived`, `deprecated`, `quarantined`, or what a later PEP has."""
    reason: str
    """May be empty."""


@dataclass(frozen=True)
class Project:
    """What the index has of one name."""

    name: str
    files: tuple[File, ...]
    """None of a project that only has a status."""
    status: Status | None = None
    """None when the index does not say."""

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """Every version that has a file, oldest first."""
        return tuple(sorted(self._by_version))

    @cached_property
    def _by_version(self) -> dict[Version, list[File]]:
        by_version: dict[Version, list[File]] = {}
        for file in self.files:
            by_version.setdefault(file.version, []).append(file)
        return by_version

    def meant_by(self, version: str) -> Version | None:
        """The version which `==version` means; a local one (`1.0+cu118`) meets `==1.0` (PEP 440). None: not there."""
        exact = SpecifierSet(f"=={version}")
        return max((one for one in self.versions if exact.contains(one, prereleases=True)), default=None)

    def files_of(self, version: Version) -> list[File]:
        """The files of one version, in the order of the index."""
        return self._by_version.get(version, [])

    def wheels(self, version: Version, supported: dict[str, int]) -> list[File]:
        """The wheels of `version` that fit this platform, best first."""
        ranked = [(file.rank(supported), file) for file in self.files_of(version)]
        fitting = [(rank, file) for rank, file in ranked if rank is not None]
        return [file for _, file in sorted(fitting, key=lambda pair: (pair[0], pair[1].filename))]
