"""The ZIP: members copied from wheels as they are compressed there, so that its bytes depend on them and on no zlib.

Source: PKWARE's APPNOTE 6.3.10 (headers), the binary distribution format (`*.data`), zipimport (what a ZIP may hold:
directory entries for namespaces, no ZIP64).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from zlib_ng import zlib_ng

from venvbuild.errors import IntegrityError

MANIFEST = "venvbuild-manifest.json"
_MOST_ENTRIES = 65_534
_MOST_BYTES = (1 << 32) - 1
_DATE_1980 = 0x0021
_UTF8 = 1 << 11
# 1, 2: how hard it was compressed; 3: sizes stand behind the bytes, and here before them.
_NORMALISED = 0b1110 | _UTF8
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_CHUNK = 1 << 20
# As of a wheel (package_index/wheel_contents.py).
_MAX_RATIO = 200
_ALWAYS_ALLOWED_BYTES = 1 << 30
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_METADATA_LIMIT = 16 << 20
_ELF = b"\x7fELF"
_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")
_TEXT = (".py", ".pyi", ".txt", ".json")


@dataclass(frozen=True)
class Member:
    """One file as it will lie in the ZIP."""

    path: str
    """There, relative, `/` between parts."""
    owner: str
    """Canonical name of its distribution; empty for what is ours."""
    source: zipfile.ZipInfo | None
    """In the wheel; None: `body`."""
    body: bytes = b""


@dataclass(frozen=True)
class WheelMembers:
    """What of one wheel goes into the ZIP."""

    name: str
    """Canonical name of the distribution."""
    path: Path
    filename: str
    """Of the wheel, as the index names it; `path` may be the cache's."""
    members: tuple[Member, ...]
    left_out: Mapping[str, int]
    """`scripts`, `headers`, `data`, `__pycache__` -> how many files."""
    metadata: bytes
    """Its METADATA; empty where it has none."""
    programs: tuple[str, ...] = ()
    """Its entries that are programs of a machine, as far as a wheel says so: those with a program's mode, and any of a
    wheel for one machine that has no libraries."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Of its files, there, sorted."""
        return tuple(sorted(member.path for member in self.members))


def members_of(name: str, wheel: Path, filename: str) -> WheelMembers:
    """What of the wheel at `wheel` goes into the ZIP, and where.

    Raises:
        IntegrityError: it is no readable ZIP, or has an entry that cannot be copied.
    """
    left_out: dict[str, int] = {}
    found: dict[str, Member] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            metadata = _metadata(archive, infos)
            programs = tuple(sorted(_programs(archive, infos, is_for_any=filename.endswith("-any.whl"))))
    # zipfile's for a compression or an encryption that it does not know is a RuntimeError
    except (zipfile.BadZipFile, RuntimeError, UnicodeDecodeError, zlib.error, EOFError) as error:
        raise _refused(filename, f"it is no readable ZIP: {error}") from error
    plain = sum(info.file_size for info in infos)
    if plain > max(_ALWAYS_ALLOWED_BYTES, _MAX_RATIO * wheel.stat().st_size):
        raise _refused(filename, f"its entries would be {plain} bytes when they are unpacked")
    for info in infos:
        _judge_entry(filename, info)
        path, reason = _mapped(filename, info.filename)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        there = found.get(path)
        if there and there.source and (there.source.CRC, there.source.file_size) != (info.CRC, info.file_size):
            raise _refused(filename, f"it has two entries {path}")
        found[path] = Member(path, name, info)
    members = tuple(found[path] for path in sorted(found))
    return WheelMembers(name, wheel, filename, members, left_out, metadata, programs)


def _metadata(archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo]) -> bytes:
    found = next((info for info in infos if _METADATA.fullmatch(info.filename)), None)
    if found is None:
        return b""
    with archive.open(found) as file:
        return file.read(_METADATA_LIMIT)


def _programs(archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo], *, is_for_any: bool) -> Iterator[str]:
    """The names of entries in ELF (elf(5)) that are no libraries."""
    has_libraries = any(_LIBRARY.search(info.filename) for info in infos)
    for info in infos:
        is_suspect = info.external_attr >> 16 & 0o111 or not (is_for_any or has_libraries)
        if not is_suspect or info.filename.endswith(_TEXT) or _LIBRARY.search(info.filename):
            continue
        # what cannot be read is told when it is copied
        with contextlib.suppress(zipfile.BadZipFile, RuntimeError, zlib.error, EOFError), archive.open(info) as file:
            if file.read(len(_ELF)) == _ELF:
                yield info.filename


def _mapped(filename: str, name: str) -> tuple[str, str]:
    """Where an entry lies in the ZIP; or empty, and why it is left out."""
    path = name.replace("\\", "/")  # some wheels were made on Windows by hand
    if path.startswith("/") or posixpath.normpath(path) != path or ".." in path.split("/") or "\0" in path:
        raise _refused(filename, f"it has an entry {name[:200]!a}, which is no path below a folder")
    top, _, inner = path.partition("/")
    if inner and top.endswith(".data"):  # of whatever name, as pip takes it
        kind, _, rest = inner.partition("/")
        if kind not in ("purelib", "platlib") or not rest:
            return "", kind if kind in ("scripts", "headers") else "data"
        path = rest
    return ("", "__pycache__") if "__pycache__" in path.split("/") else (path, "")


def _judge_entry(filename: str, info: zipfile.ZipInfo) -> None:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(filename, f"{info.filename} is neither stored nor deflated (method {info.compress_type})")
    if info.flag_bits & ~_NORMALISED:
        what = "encrypted" if info.flag_bits & 1 else f"of a kind that cannot be copied (flags {info.flag_bits:#06x})"
        raise _refused(filename, f"{info.filename} is {what}")
    if max(info.file_size, info.compress_size) > _MOST_BYTES:
        raise _refused(filename, f"{info.filename} has more than 4 GiB")


def _refused(filename: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"{filename} cannot be put into the ZIP: {why}",
        fix="leave its distribution out, or pin another version of it",
        rule="NO_MEMBER",
    )


@dataclass(frozen=True)
class Overlap:
    """Two distributions with other bytes at one path."""

    path: str
    lost: str
    """The distribution whose file is not in the ZIP."""
    won: str


@dataclass(frozen=True)
class Content:
    """What the ZIP will hold, but the manifest."""

    wheels: tuple[WheelMembers, ...]
    members: tuple[Member, ...]
    """Sorted by path, each path once."""
    overlaps: tuple[Overlap, ...]

    @classmethod
    def of(cls, wheels: Iterable[WheelMembers], ours: Mapping[str, bytes]) -> Content:
        """That of these wheels and of files of ours, by their paths. Of two owners of a path the last by name wins, as
        in a build.

        Raises:
            IntegrityError: a wheel has a file where ours lie, or one where another has a folder.
        """
        ordered = tuple(sorted(wheels, key=lambda one: one.name))
        found: dict[str, Member] = {}
        overlaps = []
        for wheel in ordered:
            for member in wheel.members:
                there = found.get(member.path)
                if there and _identity(there) != _identity(member):
                    overlaps.append(Overlap(member.path, there.owner, member.owner))
                found[member.path] = member
                if member.path in (MANIFEST, *ours):
                    raise _refused(wheel.filename, f"{wheel.name} has a file {member.path}, a name of ours")
        found |= {path: Member(path, "", None, body) for path, body in ours.items()}
        for folder in _folders(found):
            if folder.rstrip("/") in found:
                owner = found[folder.rstrip("/")].owner
                filename = next((wheel.filename for wheel in ordered if wheel.name == owner), owner)
                raise _refused(filename, f"{folder} is a file of it, and a folder of another")
        return cls(ordered, tuple(found[path] for path in sorted(found)), tuple(overlaps))


def _identity(member: Member) -> tuple[int, int]:
    assert member.source
    return member.source.CRC, member.source.file_size


def _folders(paths: Iterable[str]) -> list[str]:
    """Every folder of these files, `a/b/`, sorted: without its entry zipimport finds no namespace package."""
    found = set()
    for path in paths:
        while path := path.rpartition("/")[0]:
            found.add(f"{path}/")
    return sorted(found)


@dataclass(frozen=True)
class Written:
    """A ZIP that is closed."""

    content_sha256: str
    entry_count: int
    size_bytes: int
    sha256: str
    manifest: bytes


def write(content: Content, target: Path, manifest_of: Callable[[str], bytes]) -> Written:
    """Write the ZIP to `target`, an absent file, each member's size and CRC checked; closed and on the disk.

    `manifest_of` gives the manifest for the `content_sha256`: over `path NUL sha256-of-the-plain-bytes LF` of every
    entry but the manifest, in the order of their paths.

    Raises:
        IntegrityError: an entry is damaged, or there are more entries or bytes than zipimport reads.
        OSError: it cannot be written.
    """
    names = _folders(member.path for member in content.members)
    if len(names) + len(content.members) + 1 > _MOST_ENTRIES:
        raise IntegrityError(
            f"the ZIP would have {len(names) + len(content.members) + 1} entries, and {_MOST_ENTRIES} can be imported",
            fix="leave out what is not needed, or make two ZIPs of two files",
            rule="TOO_LARGE",
        )
    entries: dict[str, Member | None] = {**dict.fromkeys(names), **{one.path: one for one in content.members}}
    wheels = {wheel.name: wheel for wheel in content.wheels}
    with target.open("xb") as raw:
        out = _Out(raw)
        with _Opened(wheels) as opened:
            for name in sorted(entries):
                member = entries[name]
                if member is None or member.source is None:
                    out.add_plain(name, member.body if member else b"")
                else:
                    out.add_copy(name, member.source, opened.file(member.owner), wheels[member.owner].filename)
        manifest = manifest_of(out.content_sha256)
        out.end(manifest)
        raw.flush()
        os.fsync(raw.fileno())
    return Written(out.content_sha256, out.count, out.place, out.sha256, manifest)


class _Opened:
    """The wheels, each opened when its first member is copied."""

    def __init__(self, wheels: Mapping[str, WheelMembers]) -> None:
        self._wheels = wheels
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def file(self, name: str) -> IO[bytes]:
        if name not in self._files:
            if len(self._files) >= 256:  # many systems allow a process 1,024
                self._files.pop(next(iter(self._files))).close()
            self._files[name] = self._wheels[name].path.open("rb")
        return self._files[name]


@dataclass
class _Out:
    """The ZIP while it is written; the manifest comes last, as the directory alone says what is where."""

    raw: IO[bytes]
    place: int = 0
    count: int = 0
    _directory: list[tuple[str, bytes]] = field(default_factory=list)
    _content: list[tuple[str, str]] = field(default_factory=list)
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        return str(self._digest.hexdigest())

    @property
    def content_sha256(self) -> str:
        lines = "".join(f"{name}\0{sha256}\n" for name, sha256 in sorted(self._content))
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()

    def add_plain(self, name: str, body: bytes, *, is_content: bool = True) -> None:
        self._begin(name, zipfile.ZIP_STORED, zlib_ng.crc32(body), len(body), len(body))
        self._write(body)
        if is_content:
            self._content.append((name, hashlib.sha256(body).hexdigest()))

    def add_copy(self, name: str, source: zipfile.ZipInfo, wheel: IO[bytes], filename: str) -> None:
        """Copy the compressed bytes, and inflate them beside only to compare."""
        self._begin(name, source.compress_type, source.CRC, source.compress_size, source.file_size)
        wheel.seek(source.header_offset)
        head = wheel.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
            raise _refused(filename, f"{source.filename} has no header")
        *_, name_length, extra_length = _LOCAL.unpack(head)
        wheel.seek(name_length + extra_length, os.SEEK_CUR)
        plain = _Plain(source, filename)
        left = source.compress_size
        while left:
            chunk = wheel.read(min(left, _CHUNK))
            if not chunk:
                raise _refused(filename, f"{source.filename} is cut")
            left -= len(chunk)
            plain.take(chunk)
            self._write(chunk)
        self._content.append((name, plain.sha256()))

    def end(self, manifest: bytes) -> None:
        self.add_plain(MANIFEST, manifest, is_content=False)
        begin = self.place
        for _, head in sorted(self._directory, key=lambda one: one[0]):
            self._write(head)
        self.count = len(self._directory)
        size = self.place - begin
        if self.place + _END.size > _MOST_BYTES:
            raise _too_large()
        self._write(_END.pack(b"PK\5\6", 0, 0, self.count, self.count, size, begin, 0))

    def _begin(self, name: str, method: int, crc: int, packed: int, plain: int) -> None:
        if self.place + packed > _MOST_BYTES:
            raise _too_large()
        encoded = name.encode("utf-8", "surrogateescape")
        flags = 0 if name.isascii() else _UTF8
        version = 20
        mode = (0o40755 << 16) | 0x10 if name.endswith("/") else 0o100644 << 16
        common = (flags, method, 0, _DATE_1980, crc, packed, plain, len(encoded))
        head = _CENTRAL.pack(b"PK\1\2", 3 << 8 | version, version, *common, 0, 0, 0, 0, mode, self.place) + encoded
        self._directory.append((name, head))
        self._write(_LOCAL.pack(b"PK\3\4", version, *common, 0) + encoded)

    def _write(self, chunk: bytes) -> None:
        self.raw.write(chunk)
        self._digest.update(chunk)
        self.place += len(chunk)


class _Plain:
    """The plain bytes of a member as they come, compared with what the wheel's directory says."""

    def __init__(self, source: zipfile.ZipInfo, filename: str) -> None:
        self._source, self._filename = source, filename
        self._inflate = zlib_ng.decompressobj(-15) if source.compress_type else None
        self._crc, self._size, self._sha256 = 0, 0, hashlib.sha256()

    def take(self, chunk: bytes) -> None:
        for piece in self._pieces(chunk):
            self._crc = zlib_ng.crc32(piece, self._crc)
            self._size += len(piece)
            self._sha256.update(piece)
            if self._size > self._source.file_size:
                raise self._damaged("it has more bytes than its directory says")

    def sha256(self) -> str:
        if self._inflate and (not self._inflate.eof or self._inflate.unused_data):
            raise self._damaged("its compressed bytes do not end where they should")
        if (self._crc, self._size) != (self._source.CRC, self._source.file_size):
            raise self._damaged(
                f"CRC {self._crc:08x} and {self._size} bytes, its directory says {self._source.CRC:08x} and "
                f"{self._source.file_size}"
            )
        return self._sha256.hexdigest()

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield chunk
            return
        try:
            piece = self._inflate.decompress(chunk, _CHUNK)
            while piece:
                yield piece
                piece = self._inflate.decompress(self._inflate.unconsumed_tail, _CHUNK)
        except zlib_ng.error as error:  # type: ignore[misc]  # its stub says int
            raise self._damaged(f"it cannot be inflated: {error}") from error

    def _damaged(self, why: str) -> IntegrityError:
        return _refused(self._filename, f"{self._source.filename} is damaged: {why}")


def _too_large() -> IntegrityError:
    return IntegrityError(
        "the ZIP would have more than 4 GiB, which cannot be imported",
        fix="leave out what is not needed, or make two ZIPs of two files",
        rule="TOO_LARGE",
    )


def is_ours(path: Path) -> bool:
    """Whether a file is a ZIP that this tool made."""
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def left_out(wheels: Sequence[WheelMembers]) -> dict[str, int]:
    """How many files of which kind are not in the ZIP, of all wheels together."""
    total: dict[str, int] = {}
    for wheel in wheels:
        for kind, count in wheel.left_out.items():
            total[kind] = total.get(kind, 0) + count
    return dict(sorted(total.items()))
