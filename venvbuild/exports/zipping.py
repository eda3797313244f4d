"""A ZIP of what is in site-packages, for those who put its folder on the path: no scripts, no interpreter, no pip.

Source: PKWARE's APPNOTE 6.3.10. Each file is compressed on its own, by the pinned library, at the level of the archive;
times are 1980-01-01, modes 0755 or 0644: so the same archive gives the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Iterator
from functools import partial
from typing import IO, NamedTuple

from zlib_ng import zlib_ng

from venvbuild.archive import Member, Workers, working
from venvbuild.builds import Fragment
from venvbuild.exports.consumer import Unfit
from venvbuild.exports.flat import read_ahead
from venvbuild.exports.keeping import made_or_kept
from venvbuild.exports.members import MemberReader
from venvbuild.exports.rules import SizeLimit
from venvbuild.restore import StoredArchive, refused
from venvbuild.text import shown, size_text

FILES = "files"
UNPACKED = "unpacked"
"""Names of rules that a ZIP may turn out to break."""
MOST_FILES = 65_534
"""More need ZIP64, which not everybody reads."""
_THREADS = 4
_SITE_PACKAGES = re.compile(r"lib(?:64)?/python3\.[0-9]+/site-packages/")
_LEFT_OUT = ("pip",)
"""Distributions; whoever takes a ZIP installs nothing."""
_DATE_1980 = 0x0021
_UTF8 = 1 << 11
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_STORED, _DEFLATED = 0, 8


def write_zip(stored: StoredArchive, folder: str, limit: SizeLimit, raw: IO[bytes]) -> str:
    """Write the ZIP to `raw`, which can be read, too; its sha256. In it the packages lie in `folder`, `python/`, or at
    the top, where that is empty.

    Raises:
        Unfit: of the rule `files`, a file cannot be in a ZIP; of `unpacked`, it would hold more than `limit`.
        IntegrityError: the archive is not what the metadata says. StoreUnavailable, NotInStore: by the store.
        OSError: the disk.
    """
    return made_or_kept(stored, f"zip 1 {folder}", raw, partial(_made, stored, folder, limit))


def _made(stored: StoredArchive, folder: str, limit: SizeLimit, raw: IO[bytes]) -> str:
    out = _Zip(raw)
    with working(max(_THREADS, os.cpu_count() or 1), None) as workers:
        for entries in workers.results(_calls(stored, folder, limit, workers)):
            for entry in entries:
                out.add(entry)
    return out.ended()


class _File(NamedTuple):
    name: bytes
    mode: int
    content: list[bytes | memoryview]


class _Entry(NamedTuple):
    name: bytes
    mode: int
    method: int
    crc32: int
    size: int
    body: bytes


def _calls(
    stored: StoredArchive, folder: str, limit: SizeLimit, workers: Workers
) -> Iterator[tuple[int, partial[list[_Entry]]]]:
    """What is to be compressed, fragment by fragment."""
    reader = _Files(stored, folder, limit)
    for fragment, plain in zip(stored.index.fragments, read_ahead(stored, workers), strict=True):
        files = reader.files_of(fragment, plain)
        if files:
            size = sum(len(block) for file in files for block in file.content)
            yield size, partial(_compressed, files, stored.index.level)
    reader.finish(is_end_of_tar=True)


def _compressed(files: list[_File], level: int) -> list[_Entry]:
    return [_entry(file, level) for file in files]


def _entry(file: _File, level: int) -> _Entry:
    deflate, crc, size, body = zlib_ng.compressobj(level, zlib_ng.DEFLATED, -15), 0, 0, []
    for block in file.content:
        crc, size = zlib_ng.crc32(block, crc), size + len(block)
        body.append(deflate.compress(block))
    packed = b"".join((*body, deflate.flush()))
    if len(packed) < size:
        return _Entry(file.name, file.mode, _DEFLATED, crc, size, packed)
    return _Entry(file.name, file.mode, _STORED, crc, size, b"".join(file.content))


class _Files(MemberReader):
    """The files of site-packages; each is given when all of it was read."""

    def __init__(self, stored: StoredArchive, folder: str, limit: SizeLimit) -> None:
        super().__init__(stored)
        self._below, self._most = folder, limit
        self._distribution: str | None = None
        self._taken: _File | None = None
        self._ready: list[_File] = []
        self._there: set[bytes] = set()
        self._total = 0

    def files_of(self, fragment: Fragment, plain: bytes) -> list[_File]:
        """Those that end in it."""
        self._distribution, self._ready = fragment.distribution, []
        self.feed(plain)
        return self._ready

    def begin(self, member: Member) -> None:
        self._taken = None
        path, count = _SITE_PACKAGES.subn("", member.name, count=1)
        if not count or not path or member.kind == "d" or not member.name.startswith("lib"):
            return
        if self._distribution in _LEFT_OUT or "__pycache__" in path.split("/"):
            return
        name = self._fitting(member, path)
        self._total += member.size
        if self._total > self._most.size_bytes:
            raise Unfit(UNPACKED, f"more than {size_text(self._most.size_bytes)}", self._most.fix)
        self._taken = _File(name, member.mode, [])
        if not member.size:
            self.end()

    def take(self, content: memoryview) -> None:
        if self._taken:
            self._taken.content.append(content)

    def end(self) -> None:
        if self._taken:
            self._ready.append(self._taken)
            self._taken = None

    def _fitting(self, member: Member, path: str) -> bytes:
        """Its name there."""
        fix = "find out which package made it, and leave it out"
        if member.kind == "l":
            raise Unfit(FILES, f"{shown(path)} is a link", fix)
        try:
            name = (self._below + path).encode()
        except UnicodeEncodeError:
            raise Unfit(FILES, f"{shown(path)} has a name that is no UTF-8", fix) from None
        if name in self._there:
            raise refused("it is there twice", name)
        self._there.add(name)
        if len(self._there) > MOST_FILES:
            raise Unfit(FILES, f"it has more than {MOST_FILES} files", "leave out what is not needed")
        return name


class _Zip:
    """A ZIP while it is written."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._digest, self._place = raw, hashlib.sha256(), 0
        self._directory: list[bytes] = []

    def add(self, entry: _Entry) -> None:
        """The next file."""
        common = (
            0 if entry.name.isascii() else _UTF8, entry.method, 0, _DATE_1980, entry.crc32, len(entry.body), entry.size,
            len(entry.name),
        )  # fmt: skip
        version, mode = 20, (0o100000 | entry.mode) << 16
        self._directory.append(
            _CENTRAL.pack(b"PK\1\2", 3 << 8 | version, version, *common, 0, 0, 0, 0, mode, self._place) + entry.name
        )
        self._write(_LOCAL.pack(b"PK\3\4", version, *common, 0) + entry.name)
        self._write(entry.body)

    def ended(self) -> str:
        """With its directory; the sha256."""
        begin = self._place
        for head in self._directory:
            self._write(head)
        count = len(self._directory)
        self._write(_END.pack(b"PK\5\6", 0, 0, count, count, self._place - begin, begin, 0))
        return self._digest.hexdigest()

    def _write(self, piece: bytes) -> None:
        self._raw.write(piece)
        self._digest.update(piece)
        self._place += len(piece)
