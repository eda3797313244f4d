"""What a wheel holds, found out by reading all of it: the witness for what an installer made of it.

A RECORD is only what a wheel says of itself (binary distribution format, "The .dist-info directory"); the digests here
are of the bytes.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import lzma
import posixpath
import re
import stat
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from venvbuild.errors import ResolutionError
from venvbuild.package_index.entry_scripts import EntryScripts, entry_scripts_in
from venvbuild.wheel_tags import expanded

_CHUNK = 1 << 20
# of RECORD, WHEEL and entry_points.txt, which are read into memory
_TEXT_LIMIT = 256 << 20
# As of an archive (restore/fetching.py); zipfile reads no more of a member than its directory says.
_MAX_RATIO = 200
_ALWAYS_ALLOWED_BYTES = 1 << 30
# zipfile's for a compression that it does not know, NotImplementedError, is a RuntimeError; that for a name flagged as
# UTF-8 which is none is a UnicodeDecodeError; bz2's is an OSError
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, csv.Error, EOFError, UnicodeDecodeError, RuntimeError, OSError,
)  # fmt: skip
_UNIX = 3  # APPNOTE.TXT, 4.4.2
# of what is kept of a wheel; counted up when more is, so that each is read once more
_FORM = 4
_MAX_DIGITS = 19
_WRAPPER = re.compile(r"(?i)(\.exe|-script\.py|\.pya)$")


class UnreadableWheel(ResolutionError):
    """What should be a wheel and cannot be read as one."""


class WheelFile(NamedTuple):
    """One file of a wheel."""

    path: str
    """In the wheel, normalised."""
    sha256: str
    """Hex. Of a script that names no Python yet (`#!python`), of what is behind its first line."""
    size_bytes: int
    """Of the same."""
    record: str
    """What the wheel's RECORD says of it, `sha256=...,12`, a line for each row; `,` where a row promises nothing,
    empty where there is none."""
    is_rewritten: bool
    """Whether an installer puts another first line before it."""
    is_executable: bool | None = None
    """Whether installers make it a program; None where the wheel does not tell."""
    is_spelled_oddly: bool = False
    """Whether RECORD has its path in another spelling, as with backslashes: of such rows uv keeps no digest."""
    whole_sha256: str = ""
    """Hex, of all of a script that names no Python yet; empty for other files."""


@dataclass(frozen=True)
class WheelContents:
    """One wheel."""

    sha256: str
    """Hex, of the wheel."""
    filename: str
    tags: tuple[str, ...]
    """The Tag lines of its WHEEL, compressed sets expanded, sorted."""
    scripts: EntryScripts
    """What its entry points ask for."""
    unmet: Mapping[str, str]
    """Paths which its RECORD names and which it does not have, and what it says of each, as of a file."""
    files: tuple[WheelFile, ...]
    size_bytes: int | None = None
    """Of the wheel; None where it was read by a tool that did not keep it."""

    @cached_property
    def dist_info(self) -> str:
        """Name of its `.dist-info` folder; empty when it has none."""
        return _dist_info(file.path for file in self.files)

    @cached_property
    def data(self) -> str:
        """Name of its `.data` folder, whether it has one or not; empty when it has no `.dist-info`."""
        return _data(self.dist_info)

    @classmethod
    def read(cls, path: Path, filename: str = "") -> WheelContents:
        """Those of the wheel at `path`, which is called `filename` elsewhere.

        Raises:
            UnreadableWheel: it is none.
        """
        filename = filename or path.name
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            with zipfile.ZipFile(path) as archive:
                names = _named(archive.infolist())
                _refuse_bomb(names.values(), path.stat().st_size)
                texts = _Texts(archive, names, _dist_info(names))
                record = _joined(texts.record())
                silent = _Said("", is_odd=False)
                files = tuple(
                    _file(archive, name, member, record.get(name, silent)) for name, member in sorted(names.items())
                )
                unmet = {path: record[path].promise for path in sorted(record.keys() - names.keys())}
                size_bytes = path.stat().st_size
                return cls(sha256, filename, texts.tags(), texts.scripts(), unmet, files, size_bytes)
        except _UNREADABLE as error:
            raise UnreadableWheel(
                f"{filename} is no readable wheel: {error}",
                fix="ask its publisher to upload it again, or pin another version",
            ) from error

    def as_json(self) -> dict[str, object]:
        """Ready for `json.dumps`."""
        head = {"form": _FORM, "sha256": self.sha256, "filename": self.filename, "tags": self.tags}
        rest = {"scripts": self.scripts, "unmet": self.unmet, "files": self.files, "size_bytes": self.size_bytes}
        return {**head, **rest}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> WheelContents:
        """What `as_json` gave, once through JSON.

        Raises:
            ValueError: another version gave it, which did not keep the same of a wheel.
        """
        if found.get("form") != _FORM:
            raise ValueError(f"it is of form {found.get('form')!r}, not {_FORM}")
        tags, scripts = tuple(found["tags"]), EntryScripts(*(tuple(names) for names in found["scripts"]))
        files = tuple(WheelFile(*one) for one in found["files"])
        size = found.get("size_bytes")
        size_bytes = size if isinstance(size, int) else None
        return cls(found["sha256"], found["filename"], tags, scripts, dict(found["unmet"]), files, size_bytes)


class _Said(NamedTuple):
    """What RECORD says of a file."""

    promise: str
    """`hash,size`, a line for each row; empty where there is none."""
    is_odd: bool
    """Whether it spells the path otherwise than the archive does."""


class _Texts:
    """The files of a wheel which say what it is."""

    def __init__(self, archive: zipfile.ZipFile, names: Mapping[str, zipfile.ZipInfo], dist_info: str) -> None:
        self._archive, self._names, self.dist_info = archive, names, dist_info

    def tags(self) -> tuple[str, ...]:
        lines = HeaderParser().parsestr(self._text("WHEEL")).get_all("Tag") or []
        return tuple(sorted({tag for line in lines for tag in expanded(str(line).strip())}))

    def record(self) -> Iterator[tuple[str, _Said]]:
        """By path what each row says."""
        for row in csv.reader(io.StringIO(self._text("RECORD"), newline="")):
            if row:
                path, digest, size = (*row, "", "")[:3]
                # some wheels were made on Windows by hand
                name = path if path in self._names else posixpath.normpath(path.replace("\\", "/"))
                yield name, _Said(_promise(digest, size), name != path)

    def scripts(self) -> EntryScripts:
        return entry_scripts_in(self._text("entry_points.txt"))

    def _text(self, name: str) -> str:
        member = self._names.get(f"{self.dist_info}/{name}")
        if member is None or not self.dist_info:
            return ""
        with self._archive.open(member) as file:
            return file.read(_TEXT_LIMIT).decode("utf-8", "surrogateescape")


def data_of(path: str) -> str:
    """The `.data` folder that a file of a wheel is in; empty when it is in none. The format has one, called as the
    dist-info is; pip takes each that ends so for one, and setuptools writes one with the build number in its name.
    """
    top, _, inner = path.partition("/")
    return top if inner and top.endswith(".data") else ""


def is_wrapper(path: str, scripts: Collection[str]) -> bool:
    """Whether a file of a wheel is a script in the place of one of these `scripts`, which an installer makes itself (as
    pip, `is_entrypoint_wrapper`).
    """
    folder, script = path.rpartition("/")[::2]
    is_script = folder == f"{data_of(path)}/scripts"
    return is_script and (_WRAPPER.sub("", script) in scripts or script in scripts)


def begins_rewritten(head: bytes) -> bool:
    """Whether a file of `*.data/scripts` leaves its first line to the installer (same source, "Installing")."""
    return head.startswith(b"#!python")


def record_of(sha256: str, size_bytes: int) -> str:
    """What RECORD says of a file with this digest (hex), without its path."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"sha256={digest},{size_bytes}"


def _file(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo, said: _Said) -> WheelFile:
    digest, whole, size, is_rewritten, data = hashlib.sha256(), hashlib.sha256(), 0, False, data_of(name)
    is_script = bool(data) and name.startswith(f"{data}/scripts/")
    with archive.open(member) as file:
        if is_script:
            first = file.readline()
            is_rewritten = begins_rewritten(first)
            if is_rewritten:
                whole.update(first)
            else:
                digest.update(first)
                size = len(first)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if is_rewritten:
                whole.update(chunk)
    is_executable = _is_executable(member, is_script=is_script)
    facts = name, digest.hexdigest(), size, said.promise, is_rewritten, is_executable, said.is_odd
    return WheelFile(*facts, whole.hexdigest() if is_rewritten else "")


def _is_executable(member: zipfile.ZipInfo, *, is_script: bool) -> bool | None:
    """As pip (`zip_item_is_executable`) and uv judge it, which differ where the mode does not say that it is a file, or
    was not written by Unix; of scripts they make programs whatever their mode is.
    """
    mode = member.external_attr >> 16
    if not mode & 0o111:
        return None if is_script else False
    return True if member.create_system == _UNIX and stat.S_ISREG(mode) else None


def _promise(digest: str, size: str) -> str:
    """As a reader of RECORD has it, who takes the size for a number."""
    size = str(int(size)) if size.isascii() and size.isdigit() and len(size) < _MAX_DIGITS else ""
    return f"{digest},{size}"


def _joined(rows: Iterable[tuple[str, _Said]]) -> dict[str, _Said]:
    """By path what its rows say: a RECORD may name a file twice."""
    found = defaultdict[str, list[_Said]](list)
    for path, said in rows:
        found[path].append(said)
    return {
        path: _Said("\n".join(one.promise for one in ones), any(one.is_odd for one in ones))
        for path, ones in found.items()
    }


def _named(members: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files among them, by normalised path."""
    found = {}
    for member in members:
        if not member.filename:  # which `is_dir` does not take
            raise zipfile.BadZipFile("a file in it has no name")
        if not member.is_dir():
            found[posixpath.normpath(member.filename)] = member
    return found


def _refuse_bomb(members: Iterable[zipfile.ZipInfo], size_bytes: int) -> None:
    total = sum(member.file_size for member in members)
    if total > max(_ALWAYS_ALLOWED_BYTES, _MAX_RATIO * size_bytes):
        raise zipfile.BadZipFile(f"its {size_bytes} bytes would be {total} when they are unpacked")


def _data(dist_info: str) -> str:
    return f"{dist_info.removesuffix('.dist-info')}.data" if dist_info else ""


def _dist_info(paths: Iterable[str]) -> str:
    tops = (path.partition("/")[0] for path in paths)
    return next((top for top in tops if top.endswith(".dist-info")), "")
