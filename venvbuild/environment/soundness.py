"""Releases whose metadata can be read, for pins whose metadata cannot: old tools let through what is not allowed.

Source: PEP 508 (Requires-Dist), PEP 440 (Requires-Python).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from venvbuild.environment.alternatives import installable
from venvbuild.errors import VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, PackageIndex
from venvbuild.parallel import each

# Of one line, newest first; a request each.
_LOOKED_AT = 8


def sound_releases(
    pins: Iterable[tuple[str, str]], index: PackageIndex, interpreter: Interpreter, timeout_s: float = 3
) -> Mapping[str, str]:
    """For each (canonical name, version) the newest release that can be read: of its line (X.Y), else of the nearest.

    By name; what the index does not tell in time, and what has no such release, is left out.
    """
    found: dict[str, str] = {}

    def look(pin: tuple[str, str]) -> None:
        with contextlib.suppress(VenvBuildError, InvalidVersion):
            release = _newest(pin[0], Version(pin[1]), index, interpreter)
            if release:
                found[pin[0]] = str(release)

    with contextlib.suppress(TimeoutError):
        each(look, pins, timeout_s=timeout_s)
    return dict(found)  # a copy: threads that nobody waits for may still add to the other


def _newest(name: str, version: Version, index: PackageIndex, interpreter: Interpreter) -> Version | None:
    project = index.project(name)
    if project is None:
        return None
    lines: dict[tuple[int, ...], list[Version]] = {}
    for one in installable(project, interpreter):
        if one != version and (one.epoch, one.major) == (version.epoch, version.major):
            lines.setdefault(one.release[:2], []).append(one)
    own = version.release[:2]
    # Its own line first, then those above it, the nearest first; then those below.
    for line in sorted(lines, key=lambda line: (line < own, line if line >= own else tuple(-part for part in line))):
        newest_first = lines[line][: -_LOOKED_AT - 1 : -1]
        wheels = [project.wheels(one, interpreter.ranks)[0] for one in newest_first]
        sound = each(lambda wheel: _is_sound(wheel, index), wheels)
        found = next((one for one, is_sound in zip(newest_first, sound, strict=True) if is_sound), None)
        if found:
            return found
    return None


def _is_sound(wheel: File, index: PackageIndex) -> bool:
    return not [*_faults(index.requirements_of(wheel), wheel.requires_python)]


def _faults(requires: Iterable[str], requires_python: str) -> Iterator[str]:
    for line in requires:
        try:
            Requirement(line)
        except (InvalidRequirement, RecursionError):
            yield line
    try:
        SpecifierSet(requires_python)
    except InvalidSpecifier:
        yield requires_python
