"""Reads the installed distributions of a site-packages folder, as plain data.

Files are read and nothing is run or imported, so a hostile package gets no say: a link, a pipe or an oversized file is
not read, and what cannot be understood becomes a `problem` of its distribution, never an exception.

Source: the database of installed distributions, PEP 376 and PEP 627; METADATA, PEP 566; direct_url.json, PEP 610.
"""

from __future__ import annotations

import csv
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.installed.record import RecordRow
from venvbuild.installed.venv_layout import site_packages_folders
from venvbuild.text import printable
from venvbuild.wheel_tags import expanded

_MAX_FILE_BYTES = 16 << 20
# A million files give a RECORD of about 100 MB.
_MAX_RECORD_BYTES = 256 << 20

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_BYTECODE = re.compile(r"(?:^|/)__pycache__/[^/]*\.pyc$")
_EMPTY_LINE = re.compile(r"(?:\r\n|\r(?!\n)|\n){2}")


class Damage(NamedTuple):
    """A file that is not as RECORD says."""

    path: str
    what: str
    """`missing`, `changed` (its size differs), or `outside` (the path leads out of the environment)."""


@dataclass(frozen=True)
class Distribution:
    """What one `.dist-info` (or `.egg-info`) says. Text is free of control characters."""

    name: str
    """As METADATA spells it; the folder's name when METADATA does not tell."""
    canonical_name: str
    """PEP 503 form. A leftover of an interrupted uninstall keeps its `~`, so that nothing takes it for a package."""
    version: str | None
    """As METADATA spells it; None when it has none."""
    requires: tuple[str, ...]
    """Requires-Dist, as written, in order."""
    provides_extras: tuple[str, ...]
    requires_python: str | None
    tags: tuple[str, ...]
    """The Tag lines of WHEEL, compressed sets expanded; empty when it has no WHEEL."""
    installer: str | None
    direct_url: Mapping[str, object] | None
    """direct_url.json; None when it came from an index."""
    record: tuple[RecordRow, ...] | None
    """None when there is no RECORD or it cannot be read."""
    damage: tuple[Damage, ...]
    """Existence and size are compared, contents are not. Missing bytecode is no damage: Python makes it again."""
    site_packages: Path
    dist_info: str
    """Name of the folder inside `site_packages`, byte for byte (`os.fsencode`)."""
    problems: tuple[str, ...]
    """Why the distribution cannot be judged as it should: `has no METADATA`; each goes on where its name ends."""
    license_expression: str | None = None
    """As METADATA has it (PEP 639)."""
    classifiers: tuple[str, ...] = ()
    """As METADATA has them, in order."""

    @property
    def label(self) -> str:
        """`httpx 0.27.0`, for messages."""
        return f"{self.name} {self.version}" if self.version else self.name

    @property
    def pin(self) -> str | None:
        """`httpx==0.27.0`: PEP 503 name, PEP 440 normal form; None when it has no usable name or version.

        A version that PEP 440 cannot read stays as it is written, if it is at least one word.
        """
        if not self.version or not _NAME.fullmatch(self.canonical_name):
            return None
        try:
            return f"{self.canonical_name}=={Version(self.version)}"
        except InvalidVersion:
            return f"{self.canonical_name}=={self.version}" if re.fullmatch(r"[\w.!+-]+", self.version, re.A) else None

    def path_of(self, row: RecordRow) -> Path:
        """Where the file of `row` lies: absolute, `..` resolved by spelling only."""
        return Path(os.path.normpath(self.site_packages / row.path))


def distributions_of(venv: Path, python_version: str, *, with_damage: bool = True) -> tuple[Distribution, ...]:
    """Every distribution of an environment of this Python (X.Y), as `distributions_in` has them.

    Whoever judges, packs, restores or reports on an environment asks here, so that all see the same.
    """
    return distributions_in(site_packages_folders(venv, python_version), with_damage=with_damage)


def distributions_in(site_packages: Sequence[Path], *, with_damage: bool = True) -> tuple[Distribution, ...]:
    """Every distribution in the folders, sorted by canonical name, then folder name.

    Without `with_damage`, no file is compared with its RECORD, and `damage` is empty: half the time.

    Two of one name are both there. Broken ones and leftovers (`~name`) are there too, with `problems`. An `.egg-info`
    counts only where no `.dist-info` has its name. A folder that is given twice, or through a link (`lib64`), is read
    once; one that does not exist is empty.
    """
    found: list[Distribution] = []
    for folder in dict.fromkeys(path.resolve() for path in site_packages):
        found += [_read(folder, name, with_damage) for name in _listed(folder) if name.endswith(".dist-info")]
    known = {distribution.canonical_name for distribution in found}
    for folder in dict.fromkeys(path.resolve() for path in site_packages):
        eggs = (_read(folder, name, with_damage) for name in _listed(folder) if name.endswith(".egg-info"))
        found += [egg for egg in eggs if egg.canonical_name not in known]
    return tuple(sorted(found, key=lambda one: (one.canonical_name, one.dist_info, str(one.site_packages))))


def owners(distributions: Iterable[Distribution]) -> dict[Path, tuple[str, ...]]:
    """The paths that more than one distribution claims, each with their canonical names, in order; paths sorted.

    The paths are absolute and normalised (`Distribution.path_of`). Two folders of one name both count.
    """
    claims: dict[str, list[str]] = {}
    for distribution in sorted(distributions, key=lambda one: (one.canonical_name, one.dist_info)):
        folder = str(distribution.site_packages)
        for path in {_joined(folder, row.path) for row in distribution.record or ()}:
            claims.setdefault(path, []).append(distribution.canonical_name)
    return {Path(path): tuple(names) for path, names in sorted(claims.items()) if len(names) > 1}


def installer_of(distributions: Iterable[Distribution], configuration: Mapping[str, str]) -> str:
    """Who installed most of an environment, with the version where it, or its pyvenv.cfg, tells one: `pip 23.0.1`,
    `uv 0.5.1`; `unknown` where nothing tells. An INSTALLER that has a version of its own (`Poetry 1.8.3`) stays whole.
    """
    ones = tuple(distributions)
    counted = Counter(one.installer for one in ones if one.installer)
    if not counted:
        return "unknown"
    name = counted.most_common(1)[0][0]
    own = next((one.version for one in ones if one.canonical_name == name), None)
    return " ".join(filter(None, (name, own or (configuration.get("uv") if name == "uv" else None))))


def _joined(folder: str, path: str) -> str:
    # normpath only where it changes something: this runs once for each of tens of thousands of files
    is_normal = path[:1] not in ("", "/") and "./" not in path and "//" not in path
    return f"{folder}/{path}" if is_normal else os.path.normpath(os.path.join(folder, path))


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # a folder lists its entries in any order
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(site_packages: Path, folder: str, with_damage: bool) -> Distribution:
    here = site_packages / folder
    problems: list[str] = []
    stem = printable(folder.rpartition(".")[0])
    stem_name, _, stem_version = stem.partition("-")
    # An .egg-info may be a plain file: the PKG-INFO itself (PEP 376, "distutils").
    is_file = folder.endswith(".egg-info") and here.is_file() and not here.is_symlink()
    # pip renames what it uninstalls to this, and removes it last.
    if folder.startswith("~"):
        problems.append("is left over from an interrupted uninstall")
    elif here.is_symlink():
        problems.append("is a symbolic link, which is not followed")
    elif not is_file and not here.is_dir():
        problems.append("is not a folder")
    # Nothing is read through what is no folder of its own.
    read = _Reader(None if problems else here, problems)
    metadata = read.headers(("PKG-INFO" if not is_file else "") if folder.endswith(".egg-info") else "METADATA")
    name, version = metadata.one("Name"), metadata.one("Version")
    if not problems:
        problems += _identity_problems(name, version, stem_name, stem_version)
    wheel = read.headers("WHEEL", optional=True)
    record = read.record()
    canonical = canonicalize_name(name if name and _NAME.fullmatch(name) else stem_name)
    egg_requires = tuple(_from_requires_txt(read.text("requires.txt", optional=True) or ""))
    return Distribution(
        name=name or stem_name or printable(folder),
        canonical_name=canonical,
        version=version,
        requires=metadata.all("Requires-Dist") or egg_requires,
        provides_extras=metadata.all("Provides-Extra"),
        requires_python=metadata.one("Requires-Python"),
        tags=tuple(tag for line in wheel.all("Tag") for tag in expanded(line)),
        installer=printable(read.text("INSTALLER", optional=True) or "") or None,
        direct_url=read.direct_url(),
        record=record,
        damage=tuple(_damage(site_packages, record or ())) if with_damage else (),
        site_packages=site_packages,
        dist_info=folder,
        problems=tuple(problems),
        license_expression=metadata.one("License-Expression"),
        classifiers=metadata.all("Classifier"),
    )


def _identity_problems(name: str | None, version: str | None, stem_name: str, stem_version: str) -> Iterator[str]:
    if name is None:
        yield "has no Name"
    elif not _NAME.fullmatch(name):
        yield f"has the name {name!r}, which PEP 508 does not allow"
    elif stem_name and canonicalize_name(name) != canonicalize_name(stem_name):
        yield f"says that its name is {name}"
    if version is None:
        yield "has no Version"
        return
    try:
        parsed = Version(version)
    except InvalidVersion:
        yield f"has the version {version!r}, which PEP 440 cannot read"
        return
    try:
        # The folder's name has `_` where a version has `-` (binary distribution format).
        is_lying = bool(stem_version) and Version(stem_version.replace("_", "-")) != parsed
    except InvalidVersion:
        is_lying = False  # older installers escaped versions in several ways
    if is_lying:
        yield f"says that its version is {version}"


class _Headers:
    """The fields of a METADATA or WHEEL, printable."""

    def __init__(self, text: str) -> None:
        # What follows the first empty line is prose, often a hundred times as long.
        self._message = HeaderParser().parsestr(_EMPTY_LINE.split(text, maxsplit=1)[0])

    def all(self, field: str) -> tuple[str, ...]:
        return tuple(value for value in map(printable, map(str, self._message.get_all(field, []))) if value)

    def one(self, field: str) -> str | None:
        return next(iter(self.all(field)), None)


class _Reader:
    """Reads the files of one dist-info; what goes wrong is added to `problems`."""

    def __init__(self, folder: Path | None, problems: list[str]) -> None:
        self._folder, self._problems = folder, problems

    def text(
        self, name: str, *, optional: bool = False, max_bytes: int = _MAX_FILE_BYTES, errors: str = "replace"
    ) -> str | None:
        """The file's text. A wrong byte is replaced: it matters only if it stands in a field that is then judged."""
        if self._folder is None:
            return None
        try:
            return _content(self._folder / name, max_bytes).decode("utf-8", errors)
        except (FileNotFoundError, NotADirectoryError):  # an egg-info may be a file
            if not optional:
                self._problems.append(f"has no {name}")
        except _NotRead as reason:
            self._problems.append(f"has a {name} that {reason}")
        except OSError as error:
            self._problems.append(f"has a {name} that cannot be read ({error.strerror})")
        return None

    def headers(self, name: str, *, optional: bool = False) -> _Headers:
        return _Headers(self.text(name, optional=optional) or "")

    def record(self) -> tuple[RecordRow, ...] | None:
        # surrogateescape gives back the file system's own bytes for names that are not UTF-8
        text = self.text("RECORD", optional=True, max_bytes=_MAX_RECORD_BYTES, errors="surrogateescape")
        if text is None:
            return None
        try:
            # Not splitlines: that also cuts at characters which a file's name may hold.
            return tuple(_row(cells) for cells in csv.reader(re.split(r"\r\n|\r|\n", text)) if cells and cells[0])
        except csv.Error as error:
            self._problems.append(f"has a RECORD that cannot be read ({error})")
            return None

    def direct_url(self) -> Mapping[str, object] | None:
        text = self.text("direct_url.json", optional=True)
        if text is None:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and isinstance(found.get("url"), str):
            return found
        self._problems.append("has a direct_url.json that is not what PEP 610 describes")
        return None


class _NotRead(Exception):
    """Why a file is not read."""


def _content(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file."""
    try:
        # A link could show us any file of this machine, and a pipe would be waited for for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise _NotRead("is a symbolic link") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _NotRead("is not a file")
    with open(descriptor, "rb") as file:
        # Read, and not asked of fstat: the file may grow meanwhile.
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise _NotRead(f"is larger than {max_bytes >> 20} MB")
    return content


def _row(cells: list[str]) -> RecordRow:
    path, digest, size = (*cells, "", "")[:3]
    # Python refuses numbers of thousands of digits with an error (int, 3.11), and none has more than 18 here.
    return RecordRow(path, digest, int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None)


def _damage(site_packages: Path, record: Iterable[RecordRow]) -> Iterator[Damage]:
    """Compare RECORD with the disk. Never looks outside the environment, whatever the paths say."""
    folder = str(site_packages)
    above = site_packages.parents[:3]  # the environment is three above its lib/pythonX.Y/site-packages
    root = os.path.join(above[-1] if above else site_packages, "")
    for path, _, size in record:
        full = os.path.normpath(os.path.join(folder, path))
        # Before anything is asked of it: that a file is there or not is nobody's business either.
        if not full.startswith(root):
            yield Damage(path, "outside")
            continue
        try:
            found = os.lstat(full)
        # ValueError: a NUL in the path.
        except (OSError, ValueError):
            if not _BYTECODE.search(path):
                yield Damage(path, "missing")
            continue
        if size is not None and stat.S_ISREG(found.st_mode) and found.st_size != size:
            yield Damage(path, "changed")


def _from_requires_txt(text: str) -> Iterator[str]:
    """The requirements of an egg as Requires-Dist: `[extra:marker]` heads the lines that it governs (setuptools)."""
    condition = ""
    for line in map(printable, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            parts = [f"({marker})"] * bool(marker) + [f'extra == "{extra}"'] * bool(extra)
            condition = " ; " + " and ".join(parts) if parts else ""
        elif line:
            yield line + condition
