"""What each file of a new environment has to be, by its wheels, and how it differs from that."""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import re
import stat
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from venvbuild.files import entries
from venvbuild.installed import (
    ENVIRONMENT_LEFTOVERS,
    INSTALL_RECORDS,
    Distribution,
    Look,
    RecordRow,
    Seen,
    promised_digest,
    script_of,
)
from venvbuild.package_index import WheelContents, WheelFile, record_of
from venvbuild.parallel import each

# Of a dist-info: the installer writes them whatever the wheel has (PEP 376, PEP 610), or leaves them out.
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", *INSTALL_RECORDS)
# Of a dist-info that a wheel has: some installers keep them, some do not, and none writes them for what an index has.
_LEFT_OUT = ("direct_url.json", "RECORD.jws", "RECORD.p7s")
# `pip3.11`, which pip's entry points do not name and each installer makes of them.
_VERSIONED = re.compile(r"(pip|easy_install)-?[0-9.]+")
OTHER_MODE = "has another mode"
_CHUNK = 1 << 20
_FAULTS = {
    # a link, and a socket
    **dict.fromkeys((errno.ELOOP, errno.ENXIO), "is no file"),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG), "is missing"),
}
_LARGE_BYTES = 1 << 18
_SHARES = 32
"""That large files are dealt out to."""


class Difference(NamedTuple):
    """A file that is not as the wheels have it."""

    path: str
    """Relative to the environment."""
    owner: str | None
    """Canonical name of its distribution; None when nothing tells."""
    what: str
    """`is missing`; goes on where the path ends."""


class Comparison(NamedTuple):
    """An environment, compared."""

    differences: Sequence[Difference]
    """What of it is not as it has to be, sorted."""
    read: Mapping[str, Seen]
    """By path relative to it: the files that were read whole and are as they have to be."""


class _File(NamedTuple):
    """What a file has to be."""

    owner: str
    digest: str
    """Hex."""
    size_bytes: int | None
    is_rewritten: bool
    """Whether the line that starts this environment's Python stands before it."""
    algorithm: str = "sha256"
    """Of the digest, as hashlib names it."""
    may_lack: bool = False
    """Whether installers may leave it out."""
    is_executable: bool | None = None
    """Whether it is a program; None where nobody says it."""


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
    untold: dict[str, str] = field(default_factory=dict)
    """Files that cannot be compared, as nobody tells a digest that can be read, and whose they are."""

    @classmethod
    def of(
        cls, installed: Sequence[Distribution], wheels: Mapping[str, WheelContents], python_version: str
    ) -> Expectation:
        """By the wheels of the distributions; by its own RECORD for one whose wheel could not be asked."""
        expectation = cls(f"lib/python{python_version}/site-packages")
        by_name = {one.canonical_name: one for one in installed}
        for name in sorted({*by_name, *wheels}):
            wheel, one = wheels.get(name), by_name.get(name)
            rows = _rows_of(one, wheel) if one else {}
            if wheel:
                expectation._add_wheel(name, wheel, rows, python_version)
            elif one:
                expectation._add_rows(name, rows, one.dist_info)
        return expectation

    def is_of(self, path: str, names: Collection[str]) -> bool:
        """Whether a file belongs to one of these distributions."""
        file = self.files.get(path)
        return (file.owner if file else self.of_installers.get(path)) in names

    def compared_with(self, venv: Path, base: Collection[str]) -> Comparison:
        """With what `venv` has, but for `base`, the paths that belong to no distribution."""
        large = [one for one in self.files.items() if (one[1].size_bytes or 0) >= _LARGE_BYTES]
        small = [one for one in self.files.items() if (one[1].size_bytes or 0) < _LARGE_BYTES]
        # Small files in one thread: several would wait for the interpreter's lock at every call. Large ones beside it,
        # dealt out one by one, since those of a package follow each other.
        shares = [small, *(large[at::_SHARES] for at in range(_SHARES))]
        calls = [partial(_compared, venv, share) for share in shares]
        calls.insert(1, partial(self._compared_by_name, venv, base))
        parts = each(lambda call: call(), calls, workers=len(os.sched_getaffinity(0)))
        differences = {*self.records, *(one for part in parts for one in part.differences)}
        return Comparison(sorted(differences), {path: seen for part in parts for path, seen in part.read.items()})

    def _compared_by_name(self, venv: Path, base: Collection[str]) -> Comparison:
        """What is missing, and what nobody brought."""
        there = {path for path, entry in entries(venv, leave_out="") if not entry.is_dir(follow_symlinks=False)}
        missing = [
            Difference(path, file.owner, "is missing")
            for path, file in self.files.items()
            if path not in there and not file.may_lack
        ]
        surplus = there.difference(self.files, self.of_installers, base)
        owners = self._owners_of_folders() if surplus else {}
        more = [Difference(path, _near(path, owners), "is in no wheel") for path in surplus]
        return Comparison([*missing, *more], {})

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
                may_lack = path in {f"{self.site_packages}/{wheel.dist_info}/{one}" for one in _LEFT_OUT}
                self.files[path] = _File(
                    name,
                    file.sha256,
                    file.size_bytes,
                    file.is_rewritten,
                    may_lack=may_lack,
                    is_executable=file.is_executable,
                )
                if not may_lack:
                    claims[path].append(file)
        for path, files in claims.items():
            row = left.pop(path, None)
            if not any(_is_kept(file, row) for file in files):
                self.records.append(Difference(record, name, f"says of {path} what the wheel does not"))
        known = scripts | own | {self._path(one) for one in wheel.unmet}
        known |= {self._place(one, wheel, name, (), python_version) or "" for one in wheel.unmet}
        for path in left:
            versioned = _VERSIONED.fullmatch(path.removeprefix("bin/"))
            if versioned and f"bin/{versioned[1]}" in scripts:
                self.of_installers[path] = name
            elif path not in known:
                self.records.append(Difference(record, name, f"names {path}, which the wheel does not have"))

    def _add_rows(self, name: str, rows: Mapping[str, RecordRow], dist_info: str) -> None:
        own = {f"{self.site_packages}/{dist_info}/{one}" for one in (*_INSTALLERS_OWN, *_LEFT_OUT)}
        self.of_installers |= dict.fromkeys(own, name)
        for path, row in rows.items():
            place = self._path(path)
            algorithm, digest = promised_digest(row.hash)
            if place.startswith(("../", "/")):  # what lies elsewhere is nobody's business
                continue
            if digest:
                self.of_installers.pop(place, None)
                self.files[place] = _File(name, digest, row.size, is_rewritten=False, algorithm=algorithm)
            else:
                self.of_installers[place] = name
                if place not in own and "/__pycache__/" not in place:
                    self.untold[place] = name

    def _path(self, path: str) -> str:
        """Relative to the environment, of one that is relative to site-packages and normalised."""
        place = f"{self.site_packages}/{path}"
        return _in_environment(place) if path[:1] in (".", "/") else place

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
    return said == file.record or said == record_of(file.sha256, file.size_bytes)


def _compared(venv: Path, files: Sequence[tuple[str, _File]]) -> Comparison:
    differences, read, folder, buffer = [], {}, os.fspath(venv), memoryview(bytearray(_CHUNK))
    for path, file in files:
        what = ""
        try:
            # os.open and not open(): of tens of thousands of small files, making the file objects would be half the
            # time. A link in the place of a file is not followed, and a pipe not waited for.
            descriptor = os.open(f"{folder}/{path}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except ValueError:  # nothing has such a name, as one with a NUL
            differences.append(Difference(path, file.owner, "is missing"))
            continue
        except OSError as error:
            if error.errno not in _FAULTS:
                raise
            if not (file.may_lack and error.errno == errno.ENOENT):
                differences.append(Difference(path, file.owner, _FAULTS[error.errno]))
            continue
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                what = "is missing" if stat.S_ISDIR(facts.st_mode) else "is no file"
            elif not file.is_rewritten and file.size_bytes not in (None, facts.st_size):
                what = f"has {facts.st_size} bytes, not {file.size_bytes}"
            elif _digest(descriptor, facts.st_size, file, folder, buffer) != file.digest:
                what = "has other bytes"
            elif file.is_executable not in (None, bool(facts.st_mode & 0o100)):
                what = OTHER_MODE
            elif not file.is_rewritten and file.algorithm == "sha256":
                read[path] = Seen(Look.of(facts), file.digest)
        finally:
            os.close(descriptor)
        if what:
            differences.append(Difference(path, file.owner, what))
    return Comparison(differences, read)


def _digest(descriptor: int, size_bytes: int, file: _File, venv: str, buffer: memoryview) -> str:
    """In hex; empty for a script before which another line stands than the one that an installer writes there."""
    count = done = os.readv(descriptor, [buffer])
    begin: bytes | memoryview = buffer[:count]
    if file.is_rewritten:
        script = script_of(bytes(begin), [venv])
        if script is None or script.options:  # which no installer writes for `#!python`
            return ""
        begin = script.body
    digest = hashlib.new(file.algorithm, begin)
    # without the read that finds nothing more: the digest tells whether a file grew meanwhile or was cut
    while count and done < size_bytes:
        count = os.readv(descriptor, [buffer])
        digest.update(buffer[:count])
        done += count
    return digest.hexdigest()


def _rows_of(one: Distribution, wheel: WheelContents | None) -> dict[str, RecordRow]:
    """The rows of RECORD by normalised path. Some wheels name folders in it; and some were made on Windows by hand, of
    which installers unpack a name with a backslash as it is.
    """
    rows = [row for row in one.record or () if row.path[-1:] != "/"]
    is_odd = any("\\" in row.path for row in rows)
    literal = {file.path for file in wheel.files if "\\" in file.path} if wheel and is_odd else ()
    return {row.path if row.path in literal else _normal(row.path): row for row in rows}


def _normal(path: str) -> str:
    path = path.replace("\\", "/")
    # only where it changes something: there are tens of thousands of rows, and normpath is slow
    return posixpath.normpath(path) if "./" in path or "//" in path else path


def _in_environment(path: str) -> str:
    path = _normal(path)
    # which is a link to `lib` in every environment of uv's
    return f"lib/{path[6:]}" if path.startswith("lib64/") else path
