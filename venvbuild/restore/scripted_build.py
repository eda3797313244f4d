"""A build that a script made, compared with itself: its metadata names no sha256, but its files tell of each other.

Source: the layout of such builds: the archive, requirements.txt, pipdeptree.txt and .json, installed_packages.txt
(`pip freeze`) and .json (`["name==version"]`) beside metadata.json.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name, canonicalize_version

from venvbuild import builds
from venvbuild.builds import ScriptedBuild, evidence, places, schemas
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.restore.adopting import environment_in
from venvbuild.restore.unpacking import unpack_ordinary
from venvbuild.stores import Entry, Store
from venvbuild.text import shown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_RANGE_BYTES = 16 << 20
_MAX_REPORT_BYTES = 64 << 20
_NAMED_BY_METADATA = (places.REQUIREMENTS, places.TREE)
_FREEZE = "installed_packages.txt"
_INSTALLERS = {"pip", "setuptools", "wheel", "distribute", "pipdeptree"}
"""What `pip freeze` leaves out, or what the script installs between two lists: in one of them, not in another."""
_NO_PIN = re.compile(r"\s*[-#]|.*@")
_SHOWN = 5
_FIX = "find out which of them is true; `venvbuild import` makes a build that says what its archive holds"


@dataclass(frozen=True)
class Compared:
    """What was read of a build."""

    file_count: int
    bytes_read: int
    not_checked: tuple[str, ...]


def compare(store: Store, build: ScriptedBuild, problems: list[Problem]) -> Compared:
    """Read every file of the build; what does not agree with its metadata, or is not whole, is added to `problems`."""
    folder = builds.key(build.venv_version, "")
    there = {entry.key.removeprefix(folder): entry for entry in store.list(folder)}
    not_checked = ["the sha256 of its files: its metadata.json names none"]
    read: list[int] = []
    problems += [
        _problem(store, f"{folder}{name}", "it is not in the store, and metadata.json names it")
        for name in _NAMED_BY_METADATA
        if name not in there
    ]
    for name in (places.REQUIREMENTS, "pipdeptree.txt", _FREEZE, places.INSTALLED_PACKAGES, places.TREE):
        if name in there and there[name].size_bytes <= _MAX_REPORT_BYTES:
            try:
                body = store.read(f"{folder}{name}", _MAX_REPORT_BYTES).body
            except (NotInStore, IntegrityError) as error:  # removed or grown meanwhile; a link, a FIFO
                problems += error.problems
                continue
            read.append(len(body))
            problems += _judged(build, name, body, store.uri(f"{folder}{name}"))
        elif name in there:
            not_checked.append(f"{name}: it is too large")
        elif name not in _NAMED_BY_METADATA:
            not_checked.append(f"{name}: it is not there")
    try:
        archive = builds.archive_of(store, build)
        read.append(archive.size_bytes)
        _read_archive(store, archive)
    except (NotInStore, IntegrityError) as error:
        problems += error.problems
    not_checked.append("is_conflict_free and conflicts: they are what the script found when it made the build")
    return Compared(len(read), sum(read), tuple(not_checked))


def _read_archive(store: Store, archive: Entry) -> None:
    """Read it to its end, as far as `get` would, and write nothing."""
    try:
        with io.BufferedReader(_Stored(store, archive), _RANGE_BYTES) as stream:
            environment_in(unpack_ordinary(stream, archive.size_bytes, None).files)
    except IntegrityError as error:
        member = f", {error.problems[0].where}" if error.problems[0].where else ""
        raise IntegrityError(
            error.problems[0].what,
            where=f"{store.uri(archive.key)}{member}",
            fix=evidence.MEND,
            rule="DAMAGED",
        ) from error


class _Stored(io.RawIOBase):
    """An object as a file to be read once."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self._store, self._entry, self._offset = store, entry, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Some of the bytes; 0 at their end."""
        target = memoryview(buffer).cast("B")
        piece = self._store.read_range(self._entry.key, self._offset, len(target))
        target[: len(piece)] = piece
        self._offset += len(piece)
        return len(piece)


def _judged(build: ScriptedBuild, name: str, body: bytes, where: str) -> Iterator[Problem]:
    """What is wrong with a list of packages."""
    told = build.installed_packages
    try:
        if name == places.INSTALLED_PACKAGES:
            yield from unlike(told, _strings(schemas.parsed(body)), name, where)
        elif name == places.TREE:
            yield from unlike(told, _of_tree(schemas.parsed(body)), name, where)
        elif name == _FREEZE:
            # `-e git+...` and `name @ file:///...` are no pins; metadata.json has versions of them.
            pins = [line for line in body.decode("utf-8").splitlines() if "==" in line and not _NO_PIN.match(line)]
            yield from unlike(told, pins, name, where, is_part=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        yield Problem("it cannot be read", where, shown(f"{type(error).__name__}: {error}"), _FIX, "DAMAGED")


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("it is no list of texts")
    return value


def _of_tree(value: Any) -> list[str]:
    """`pipdeptree --json`: one entry for each package. `--json-tree` has the rest inside: `dependencies` of entries."""
    found, waiting = list[str](), list(value)
    while waiting:
        one = waiting.pop()
        package = one.get("package", one)
        version = package.get("installed_version") or package["version"]
        found.append(f"{package.get('package_name') or package['key']}=={version}")
        if "package" not in one:
            waiting += one.get("dependencies", [])
    return found


def unlike(
    told: Iterable[str], pins: Iterable[str], name: str, where: str, *, is_part: bool = False
) -> Iterator[Problem]:
    """How the packages that `name` lists differ from those `told` by metadata.json; of both, `name==version`.

    `is_part`: it lists only what could be installed again as it is listed.
    """
    ours, theirs = _by_name(told), _by_name(pins)
    both = ours.keys() & theirs.keys()
    other = sorted(one for one in both if canonicalize_version(ours[one]) != canonicalize_version(theirs[one]))
    only_ours = sorted(ours.keys() - theirs.keys() - _INSTALLERS) if not is_part else []
    only_theirs = sorted(theirs.keys() - ours.keys() - _INSTALLERS)
    for what, names in (
        ("metadata.json says", [f"{one} {ours[one]}, and {name} {theirs[one]}" for one in other]),
        (f"{name} does not have, and metadata.json names,", [f"{one} {ours[one]}" for one in only_ours]),
        (f"{name} has, and metadata.json does not name,", [f"{one} {theirs[one]}" for one in only_theirs]),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield Problem(f"{what} {'; '.join(map(shown, names[:_SHOWN]))}{more}", where, fix=_FIX, rule="DISAGREES")


def _by_name(pins: Iterable[str]) -> dict[str, str]:
    pairs = (pin.partition("==") for pin in pins)
    return {canonicalize_name(name.strip()): version.strip() for name, _, version in pairs}


def _problem(store: Store, key: str, what: str) -> Problem:
    return Problem(what, store.uri(key), fix=evidence.MEND, rule="DAMAGED")
