"""The files of a closure that fit the target, as the index told of them while it was resolved.

Source: PEP 751, which is how uv lists them; size and upload time are those of PEP 700.
"""

from __future__ import annotations

import contextlib
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from venvbuild.environment.allowed import fitting_wheels
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.sizes import refuse_other_sizes
from venvbuild.errors import VenvBuildError
from venvbuild.package_index import File
from venvbuild.process import CommandFailed


@dataclass(frozen=True)
class ListedWheel:
    """A wheel that may be installed."""

    file: File
    uploaded_at: datetime | None
    """With its zone; None where the index does not tell."""

    @property
    def is_local(self) -> bool:
        """Whether no index has it: it was built here, or lies in a folder."""
        return is_local(self.file)


def is_local(file: File) -> bool:
    """Whether it is a file of this machine, by its URL."""
    return not file.url.startswith(("http://", "https://"))


@dataclass(frozen=True)
class Listing:
    """What there is of a closure."""

    wheels: Mapping[str, tuple[ListedWheel, ...]]
    """By canonical name, those that fit, the one that is installed first; a name without any is left out."""


def files_of(closure: Closure, source: PackageSource) -> Listing:
    """The wheels of a closure that was just resolved, with one of its hashes.

    The index is not asked again: uv has its pages in its cache. Only where it gives no hashes uv fetches files once
    more, to know theirs. Empty when neither helps.

    Raises:
        IntegrityError: the index tells another size of one than the lock that was given.
    """
    allowed = {one.name: frozenset(one.hashes) for one in closure.distributions}
    found: dict[str, list[ListedWheel]] = {}
    for package in _packages(closure, source):
        name = canonicalize_name(package["name"])
        found[name] = [
            ListedWheel(file, _time(wheel.get("upload-time")))
            for wheel in package.get("wheels", ())
            for file in wheel_of(wheel)
            if f"sha256:{file.sha256}" in allowed.get(name, ()) and file.rank(source.interpreter.ranks) is not None
        ]
    told = [wheel.file for wheels in found.values() for wheel in wheels]
    unlisted = [one for one in closure.distributions if not found.get(one.name)] if source.sizes else []
    refuse_other_sizes([*told, *_unlisted(unlisted, source)], source.sizes)
    return Listing({name: tuple(_best_first(wheels, source)) for name, wheels in found.items() if wheels})


def wheel_of(entry: Mapping[str, Any]) -> Iterator[File]:
    """The wheel of an entry of PEP 751, without sha256 where that has none; nothing when its name cannot be read."""
    url = entry.get("url") or Path(entry.get("path", "")).absolute().as_uri()
    filename = entry.get("name") or unquote(urlsplit(url).path.rpartition("/")[2])
    sha256 = entry.get("hashes", {}).get("sha256", "")
    try:
        _, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return
    size = entry.get("size")
    yield File(filename, url, version, tags, sha256.lower(), size_bytes=size if isinstance(size, int) else None)


def _unlisted(distributions: Iterable[LockedDistribution], source: PackageSource) -> Iterator[File]:
    """The wheels of those that uv does not list, as where the index tells sha512 alone; as the index tells of them."""
    for one in distributions:
        if one.name in source.built:
            continue
        with contextlib.suppress(VenvBuildError):  # an index that is away tells no size
            wheels = fitting_wheels(one.name, one.version, source.index, source.interpreter)
            yield from (file for file in wheels if not file.sha256 or f"sha256:{file.sha256}" in one.hashes)


def _packages(closure: Closure, source: PackageSource) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix=".listing-", dir=source.scratch) as folder:
        lock, table = Path(folder, "lock.txt"), Path(folder, "pylock.toml")
        lock.write_text(closure.text(), "utf-8")
        for offline in (True, False):
            try:
                source.installer.list_files(lock, table, source.interpreter, find_links=source.wheels, offline=offline)
                return list(tomllib.loads(table.read_text("utf-8")).get("packages", []))
            except (CommandFailed, VenvBuildError, OSError, ValueError):  # what is told of files is worth no failure
                continue
    return []


def _time(said: object) -> datetime | None:
    return said if isinstance(said, datetime) and said.tzinfo else None


def _best_first(wheels: list[ListedWheel], source: PackageSource) -> Iterator[ListedWheel]:
    """Each file once: that of the index, where a folder has the same."""

    def place(wheel: ListedWheel) -> tuple[int, str, bool, str]:
        rank = wheel.file.rank(source.interpreter.ranks)
        return rank or 0, wheel.file.filename, wheel.is_local, wheel.file.sha256

    seen = set()
    for wheel in sorted(wheels, key=place):
        key = (wheel.file.filename, wheel.file.sha256)
        if key not in seen:
            seen.add(key)
            yield wheel
