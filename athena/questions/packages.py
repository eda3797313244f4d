"""Packages that are asked for, `kedro>=0.19,<0.20`, and which versions fit: PEP 440, exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.text import first_line

if TYPE_CHECKING:  # below it is imported where versions are compared: who names a package alone needs none of it
    from packaging.specifiers import SpecifierSet

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""Source: PEP 508, "Names"."""
_EXAMPLE = "write a name, or a name and versions: 'kedro>=0.19,<0.20'"


@dataclass(frozen=True)
class WantedPackage:
    """A package that builds are to have."""

    name: str
    """In PEP 503 form."""
    specifiers: SpecifierSet | None = None
    """None: any version."""

    def fits(self, version: str) -> bool:
        """Whether an installed version is one of those asked for; a pre-release is when the specifiers admit it.

        What PEP 440 cannot read fits only when any version does, or when `===` names it.
        """
        if self.specifiers is None:
            return True
        # said, not left open: what it is by default changed with packaging 26
        return version in self.specifiers.filter([version], prereleases=True)

    def __str__(self) -> str:
        return f"{self.name}{self.specifiers or ''}"


def parse_packages(texts: Sequence[str], where: str = "PACKAGE") -> tuple[WantedPackage, ...]:
    """What is asked for, a name once: its specifiers must all be met.

    Raises:
        RequirementsRefused: a text is no name with specifiers; all that are not, at once.
    """
    wanted: dict[str, SpecifierSet | None] = {}
    problems: list[Problem] = []
    for text in texts:
        found = _read(text, where)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            before = wanted.get(found.name)
            both = before & found.specifiers if before and found.specifiers else before or found.specifiers
            wanted[found.name] = both
    if problems:
        raise RequirementsRefused.of(problems)
    return tuple(WantedPackage(name, specifiers) for name, specifiers in wanted.items())


def _read(text: str, where: str) -> WantedPackage | Problem:
    if _NAME.fullmatch(text):
        return WantedPackage(re.sub(r"[-_.]+", "-", text).lower())  # PEP 503
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        return Problem(f"{text[:80]!a} names no package", where, first_line(error), _fix(text), "PACKAGE")
    if found.url or found.marker or found.extras:
        why = "a build is searched by names and versions, not by extras, markers or URLs"
        return Problem(f"{text[:80]!a} cannot be searched", where, why, _EXAMPLE, "PACKAGE")
    return WantedPackage(canonicalize_name(found.name), found.specifier or None)


def _fix(text: str) -> str:
    # as conda and pip's `freeze | sed` write it
    one = re.fullmatch(r"\s*([A-Za-z0-9._-]+?)\s*=\s*([A-Za-z0-9.!+_*-]+)\s*", text)
    return f"write '{one[1]}=={one[2]}'" if one else _EXAMPLE


def newest_first(versions: Iterable[str]) -> list[str]:
    """By PEP 440; those which it cannot read at the end, by their text."""
    from packaging.version import Version

    versions = sorted(versions)
    readable = [version for version in versions if _is_readable(version)]
    return [*sorted(readable, key=Version, reverse=True), *unreadable(versions)]


def unreadable(versions: Iterable[str]) -> tuple[str, ...]:
    """Those which PEP 440 cannot read."""
    return tuple(version for version in versions if not _is_readable(version))


def _is_readable(version: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        Version(version)
    except InvalidVersion:
        return False
    return True
