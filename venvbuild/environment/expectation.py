"""What each file of a new environment has to be, by its wheels, and how it differs from that."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from venvbuild.files import walk
from venvbuild.installed import (
    ENVIRONMENT_LEFTOVERS,
    INSTALL_RECORDS,
    Distribution,
    RecordRow,
    behind_header,
    promised_sha256,
)
from venvbuild.package_index import WheelContents, WheelFile, record_of
from venvbuild.parallel import each

# Of a dist-info: the installer writes them whatever the wheel has (PEP 376, PEP 610), or leaves them out.
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "RECORD.jws", "RECORD.p7s", *INSTALL_RECORDS)
# `pip3.11`, which pip's entry points do not name and each installer makes of them.
_VERSIONED = re.compile(r"(pip|easy_install)-?[0-9.]+")
_CHUNK = 1 << 18


class Difference(NamedTuple):
    """A file that is not as the wheels have it."""

    path: str
    """Relative to the environment."""
    owner: str | None
    """Canonical name of its distribution; None when nothing tells."""
    what: str
    """`is missing`; goes on where the path ends."""


class _File(NamedTuple):
    """What a file has to be."""

    owner: str
    sha256: str
    """Hex; empty where nobody says it."""
    size_bytes: int | None
    is_rewritten: bool
    """Whether another first line stands before it."""


@dataclass
class Expectation:
    """Of one environment."""

    site_packages: str
    """Relative to the environment."""
    files: dict[str, _File] = field(default_factory=dict)
    """By path relative to the environment; of a path that several have, the last by name."""
    of_installers: dict[str, str] = field(default_factory=dict)
    """Other files that may be there, and whose they are: what installers write."""
    records: list[Difference] = field(default_factory=list)
    """Where RECORDs differ from those of the wheels."""

    @classmethod
    def of(
        cls, installed: Sequence[Distribution], wheels: Mapping[str, WheelContents], python_version: str
    ) -> Expectation:
        """By the wheels of the distributions; by its own RECORD for one whose wheel could not be asked."""
        expectation = cls(f"lib/python{python_version}/site-packages")
        # some wheels name folders in RECORD, and some were made on Windows by hand
        rows_of = {
            one.canonical_name: {_normal(row.path): row for row in one.record or () if row.path[-1:] != "/"}
            for one in installed
        }
        for name in sorted({*rows_of, *wheels}):
            if name in wheels:
                expectation._add_wheel(name, wheels[name], rows_of.get(name, {}), python_version)
            else:
                expectation._add_rows(name, rows_of[name])
        return expectation

    def is_of(self, path: str, names: Collection[str]) -> bool:
        """Whether a file belongs to one of these distributions."""
        file = self.files.get(path)
        return (file.owner if file else self.of_installers.get(path)) in names

    def differences(self, venv: Path, base: Collection[str]) -> list[Difference]:
        """What of `venv` is not as it has to be, but for `base`, the paths that belong to no distribution; sorted."""
        there = {path: facts for path, facts in walk(venv, leave_out="") if not stat.S_ISDIR(facts.st_mode)}
        missing = [Difference(path, file.owner, "is missing") for path, file in self.files.items() if path not in there]
        known = (self.files, self.of_installers, base)
        surplus = [path for path in there if not any(path in one for one in known)]
        owners = self._owners_of_folders() if surplus else {}
        more = [Difference(path, _near(path, owners), "is in no wheel") for path in surplus]
        to_read = [(path, file, there[path]) for path, file in self.files.items() if path in there]
        share = max(1, len(to_read) // 64)
        shares = [to_read[at : at + share] for at in range(0, len(to_read), share)]
        changed = each(lambda part: list(_changed(venv, part)), shares, workers=len(os.sched_getaffinity(0)))
        return sorted([*self.records, *missing, *more, *(one for part in changed for one in part)])

    def _add_wheel(self, name: str, wheel: WheelContents, rows: Mapping[str, RecordRow], python_version: str) -> None:
        scripts = {f"bin/{script}" for script in wheel.scripts}
        own = {f"{self.site_packages}/{wheel.dist_info}/{one}" for one in _INSTALLERS_OWN} | {*ENVIRONMENT_LEFTOVERS}
        self.of_installers |= dict.fromkeys([*scripts, *own], name)
        for script in scripts:  # which takes the place of what another distribution has there
            self.files.pop(script, None)
        left = {self._path(path): row for path, row in rows.items()}
        record = f"{self.site_packages}/{wheel.dist_info}/RECORD"
        claims = defaultdict[str, list[WheelFile]](list)
        # what is in `.data` is unpacked over the rest
        for file in sorted(wheel.files, key=lambda one: one.path.startswith(f"{wheel.data}/")):
            path = self._place(file.path, wheel, name, left, python_version)
            if wheel.is_wrapper(file.path):  # installers make their own instead
                left.pop(self._path(file.path), None)
                left.pop(path or "", None)
            elif path is not None and path not in own:
                self.files[path] = _File(name, file.sha256, file.size_bytes, file.is_rewritten)
                claims[path].append(file)
        for path, files in claims.items():
            row = left.pop(path, None)
            if not any(_is_kept(file, row) for file in files):
                self.records.append(Difference(record, name, f"says of {path} what the wheel does not"))
        known = scripts | own | {self._place(one, wheel, name, (), python_version) for one in wheel.unmet}
        for path in left:
            versioned = _VERSIONED.fullmatch(path.removeprefix("bin/"))
            if versioned and f"bin/{versioned[1]}" in scripts:
                self.of_installers[path] = name
            elif path not in known:
                self.records.append(Difference(record, name, f"names {path}, which the wheel does not have"))

    def _add_rows(self, name: str, rows: Mapping[str, RecordRow]) -> None:
        for path, row in rows.items():
            place = self._path(path)
            if row.hash:
                self.files[place] = _File(name, promised_sha256(row.hash), row.size, is_rewritten=False)
            else:
                self.of_installers[place] = name

    def _path(self, path: str) -> str:
        """Relative to the environment, of one that is relative to site-packages."""
        return _in_environment(f"{self.site_packages}/{path}")

    def _place(
        self, path: str, wheel: WheelContents, name: str, claimed: Collection[str], python_version: str
    ) -> str | None:
        """Where a file of a wheel goes (binary distribution format, "Installing"); None: out of the environment."""
        top, _, rest = path.partition("/")
        kind, _, inner = rest.partition("/")
        if top != wheel.data:
            place = self._path(path)
        elif kind in ("purelib", "platlib"):
            place = self._path(inner)
        elif kind == "headers":
            # installers name the folder as the metadata, the wheel or PEP 503 spell the distribution
            headers = f"include/site/python{python_version}"
            spelled = [one for one in claimed if one.startswith(headers) and one.split("/", 4)[-1] == inner]
            place = spelled[0] if spelled else f"{headers}/{name}/{inner}"
        else:
            place = _in_environment(f"bin/{inner}" if kind == "scripts" else inner)
        return None if place.startswith(("../", "/")) else place

    def _owners_of_folders(self) -> dict[str, set[str]]:
        found = defaultdict[str, set[str]](set)
        for path, file in self.files.items():
            folder = posixpath.dirname(path)
            while len(folder) > len(self.site_packages) and file.owner not in found[folder]:
                found[folder].add(file.owner)
                folder = posixpath.dirname(folder)
        return found


def _near(path: str, owners: Mapping[str, set[str]]) -> str | None:
    """The one distribution that has files in the folder of a file, or in one above."""
    folder = posixpath.dirname(path)
    while folder:
        names = owners.get(folder, set())
        if names:
            return next(iter(names)) if len(names) == 1 else None
        folder = posixpath.dirname(folder)
    return None


def _is_kept(file: WheelFile, row: RecordRow | None) -> bool:
    """Whether RECORD says of a file what the wheel's does, or what is true."""
    if file.is_rewritten:
        return row is not None
    if row is None or not row.hash:
        return not file.record
    said = f"{row.hash},{'' if row.size is None else row.size}"
    return said in (file.record, record_of(file.sha256, file.size_bytes))


def _changed(venv: Path, files: Sequence[tuple[str, _File, os.stat_result]]) -> Iterator[Difference]:
    for path, file, facts in files:
        if not stat.S_ISREG(facts.st_mode):
            yield Difference(path, file.owner, "is no file")
        elif not file.is_rewritten and file.size_bytes not in (None, facts.st_size):
            yield Difference(path, file.owner, f"has {facts.st_size} bytes, not {file.size_bytes}")
        elif file.sha256 and _sha256(f"{venv}/{path}", file.is_rewritten) != file.sha256:
            yield Difference(path, file.owner, "has other bytes")


def _sha256(path: str, is_rewritten: bool) -> str:
    # os.open and not open(): of tens of thousands of small files, making the file objects would be half the time
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunk = os.read(descriptor, _CHUNK)
        if is_rewritten:
            chunk = behind_header(chunk)
        digest = hashlib.sha256(chunk)
        while chunk := os.read(descriptor, _CHUNK):
            digest.update(chunk)
        return digest.hexdigest()
    finally:
        os.close(descriptor)


def _normal(path: str) -> str:
    path = path.replace("\\", "/")
    # only where it changes something: there are tens of thousands of rows, and normpath is slow
    return posixpath.normpath(path) if "./" in path or "//" in path else path


def _in_environment(path: str) -> str:
    path = _normal(path)
    # which is a link to `lib` in every environment of uv's
    return f"lib/{path[6:]}" if path.startswith("lib64/") else path
