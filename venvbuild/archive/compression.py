"""Makes fragments: members are dealt out to pieces of bounded size, and each piece is compressed on its own."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import BLOCKSIZE
from typing import NamedTuple

from zlib_ng import __version__ as _zlib_ng_version
from zlib_ng import zlib_ng

from venvbuild.archive.format import ROOT
from venvbuild.archive.leaks import Gate, Leak
from venvbuild.archive.members import Member
from venvbuild.builds import Fragment
from venvbuild.errors import IntegrityError
from venvbuild.installed import Look

# No version of the library promises the bytes of another one: so it is in the index and in every key of the cache.
CODEC = f"zlib-ng {_zlib_ng_version}"
FORMAT_VERSION = 1
"""Goes into every key of the cache: raise it when the same members are to give other bytes."""
# docs/archive-format.md promises the number: with another one every archive would have other bytes.
PIECE_BYTES = 32_000_000
"""Plain bytes that a fragment holds at most, one header apart."""
_BLOCK = 1 << 20


class Part(NamedTuple):
    """A member, or as much of a large file as one piece takes."""

    member: Member
    start: int
    end: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the member's content is elsewhere."""
        return self.start == 0 and self.end == self.member.size


@dataclass(frozen=True)
class Piece:
    """What becomes one fragment; without parts: the end of the tar."""

    distribution: str | None
    version: str | None
    parts: tuple[Part, ...]

    @property
    def continues(self) -> bool:
        """Whether it begins inside a member."""
        return bool(self.parts) and self.parts[0].start > 0

    @property
    def plain_bytes(self) -> int:
        """About as many as it has."""
        return sum(part.end - part.start + BLOCKSIZE for part in self.parts)


class ReadPart(NamedTuple):
    """A part that does not hold all of its file, as it was read."""

    part: Part
    sha256: str
    """Of its bytes."""
    is_moved: bool
    """Whether the file's ctime was another one afterwards, and nothing else."""


@dataclass(frozen=True)
class Compressed:
    """A piece, made into a fragment."""

    fragment: Fragment
    """Its offset is 0: where it lies is the archive's business."""
    body: bytes
    sha256: dict[str, str] = field(default_factory=dict)
    """By member name, of each file that begins in the piece: of the very bytes that were compressed, or of the file
    when it was read before and looked the same."""
    leaks: tuple[Leak, ...] = ()
    parts: tuple[ReadPart, ...] = ()
    """For `check_parts`."""


END_OF_TAR = Piece(None, None, ())


def cut(members: Iterable[Member], distribution: str | None, version: str | None) -> Iterator[Piece]:
    """Pieces at members' boundaries; a file that is larger than a piece gets its own, as many as it needs."""
    waiting: list[Part] = []
    size = 0
    for member in members:
        # One block a member, whatever padding and PAX headers take, so that any writer can do this sum.
        if waiting and size + member.size + BLOCKSIZE > PIECE_BYTES:
            yield Piece(distribution, version, tuple(waiting))
            waiting, size = [], 0
        start = 0
        while member.size - start > PIECE_BYTES:
            yield Piece(distribution, version, (Part(member, start, start + PIECE_BYTES),))
            start += PIECE_BYTES
        waiting.append(Part(member, start, member.size))
        size += member.size - start + BLOCKSIZE
    if waiting:
        yield Piece(distribution, version, tuple(waiting))


def compress(
    piece: Piece,
    venv: Path,
    level: int,
    gate: Gate,
    archive_root: str = ROOT,
    sha256: Mapping[str, str] | None = None,
) -> Compressed:
    """The fragment of `piece` for an archive with this root; what `gate` finds in it is among its leaks.

    `sha256` has by name what was read of members when they looked as they did when they were listed.

    Raises:
        IntegrityError: a file changed since it was listed.
    """
    stream, of_files, leaks, parts = _Stream(level), dict[str, str](), list[Leak](), list[ReadPart]()
    for part in piece.parts:
        member = part.member
        if part.start == 0:
            stream.write(member.header(archive_root))
        if member.kind != "f":
            continue
        found, digest, read = _write_file(stream, venv, part, gate, (sha256 or {}).get(member.name, ""))
        leaks += [Leak(member.name, what) for what in found]
        if digest:
            of_files[member.name] = digest
        if not part.is_whole:
            parts.append(read)
        if part.end == member.size:
            # A tar pads each file to whole blocks (POSIX.1-2001, pax), also one that lies over several pieces.
            stream.write(bytes(-member.size % BLOCKSIZE))
    if not piece.parts:
        # The end of a tar (POSIX.1-2001): a reader that does not find it says that the file is cut off.
        stream.write(bytes(2 * BLOCKSIZE))
    return Compressed(stream.ended(piece), stream.body, of_files, tuple(leaks), tuple(parts))


def compress_plain(blocks: Iterable[bytes | memoryview], level: int) -> Compressed:
    """The fragment that holds these plain bytes, of which nobody knows whose they are."""
    stream = _Stream(level)
    for block in blocks:
        stream.write(block)
    return Compressed(stream.ended(END_OF_TAR), stream.body)


def looked_through(member: Member, venv: Path, gate: Gate) -> tuple[str, tuple[Leak, ...]]:
    """The sha256 of a file, and what `gate` finds in it, without compressing it."""
    found, digest, _ = _write_file(None, venv, Part(member, 0, member.size), gate)
    return digest, tuple(Leak(member.name, what) for what in found)


def check_parts(parts: Iterable[ReadPart], venv: Path, sha256: Mapping[str, str]) -> None:
    """That all parts of a file are of one file, the one with this sha256, where its ctime moved between them.

    Raises:
        IntegrityError: it changed between two parts.
    """
    of_files: dict[str, list[ReadPart]] = {}
    for one in parts:
        of_files.setdefault(one.part.member.name, []).append(one)
    for name, some in of_files.items():
        member = some[0].part.member
        # Where no ctime moved, each part was read of the very file that was listed.
        if any(one.is_moved for one in some):
            with _opened(member, venv) as descriptor:
                are_same = all(_sha256(descriptor, one.part) == one.sha256 for one in some)
                if not are_same or _whole(descriptor, member) != sha256[name]:
                    raise _changed(member)


@contextlib.contextmanager
def _opened(member: Member, venv: Path) -> Iterator[int]:
    path = _path(member, venv)
    # Something else may stand here by now: a link could lead to any file of ours, and a pipe be waited for for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _path(member: Member, venv: Path) -> str:
    return member.source or f"{venv}/{member.name}"


def _write_file(
    stream: _Stream | None, venv: Path, part: Part, gate: Gate, known: str = ""
) -> tuple[list[str], str, ReadPart]:
    """What the gate finds in this part of a file; the sha256 of the whole file, empty unless the part begins it.

    `known` is the sha256 of the whole file if it looks as it did when it was listed; empty where nobody knows.
    """
    if part.member.content is not None:
        return _write_content(stream, part.member.content, part, gate)
    # of what was made by us, as bytecode, nobody knows how it looked
    known = known if part.member.look else ""
    with _opened(part.member, venv) as descriptor:
        search = gate.searching(_path(part.member, venv), _before(descriptor, part.start, gate.longest))
        digest = None if known and part.is_whole else hashlib.sha256()
        for block in _blocks(descriptor, part):
            if digest:
                digest.update(block)
            search.see(block)
            if stream:
                stream.write(block)
        of_part = digest.hexdigest() if digest else known
        # Other threads may have the other parts, in any order: so the first one reads all of the file for its digest.
        whole = "" if part.start else of_part if part.is_whole else known or _whole(descriptor, part.member)
        read = ReadPart(part, of_part, _is_moved(descriptor, part.member))
        # A part alone cannot tell whether the others are of the same file: `check_parts` does, once all are there.
        if read.is_moved and part.is_whole and _sha256(descriptor, part) != read.sha256:
            raise _changed(part.member)
    return search.found(whole), whole, read


def _write_content(stream: _Stream | None, content: bytes, part: Part, gate: Gate) -> tuple[list[str], str, ReadPart]:
    """As `_write_file`, for what we write ourselves."""
    search = gate.searching("")  # no wheel promised these bytes
    search.see(content)
    if stream:
        stream.write(content[part.start : part.end])
    digest = hashlib.sha256(content).hexdigest() if part.start == 0 else ""
    return search.found(""), digest, ReadPart(part, digest, is_moved=False)


def _before(descriptor: int, start: int, count: int) -> bytes:
    """What stands in the file just before `start`."""
    return os.pread(descriptor, min(count, start), max(0, start - count)) if start else b""


def _blocks(descriptor: int, part: Part) -> Iterator[bytes]:
    at = part.start
    while at < part.end:
        block = os.pread(descriptor, min(_BLOCK, part.end - at), at)
        # Shorter than it was when it was listed, and the header with its size is written already.
        if not block:
            raise _changed(part.member)
        at += len(block)
        yield block


def _is_moved(descriptor: int, member: Member) -> bool:
    """Whether the file's ctime, and nothing else, is not what it was when it was listed: then it has to be read again.

    Raises:
        IntegrityError: it looks otherwise.
    """
    look = Look.of(os.fstat(descriptor))
    if not member.look or look == member.look:
        return False
    if look._replace(ctime_ns=member.look.ctime_ns) != member.look:
        raise _changed(member)
    # No change by itself: ctime also moves when a file gets or loses a name. The installer's cache and every
    # environment of it may share one file, and another build links it.
    return True


def _whole(descriptor: int, member: Member) -> str:
    return _sha256(descriptor, Part(member, 0, member.size))


def _sha256(descriptor: int, part: Part) -> str:
    digest = hashlib.sha256()
    for block in _blocks(descriptor, part):
        digest.update(block)
    return digest.hexdigest()


def _changed(member: Member) -> IntegrityError:
    return IntegrityError(
        "a file changed while it was packed",
        where=member.name,
        fix="let nothing change the environment while it is packed",
    )


class _Stream:
    """Plain bytes in; one raw deflate stream that ends with a full flush, and its measures, out."""

    def __init__(self, level: int) -> None:
        # -15 is raw deflate (RFC 1951): header and CRC are the whole archive's, no fragment has its own.
        self._deflate = zlib_ng.compressobj(level, zlib_ng.DEFLATED, -15)
        self._digest, self._crc, self._length = hashlib.sha256(), 0, 0
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0
        self._out: list[bytes] = []
        self.body = b""

    def write(self, block: bytes | memoryview) -> None:
        # The compressor gets blocks of one size, however the bytes come: what it writes may depend on that.
        self._waiting.append(block)
        self._waiting_bytes += len(block)
        if self._waiting_bytes >= _BLOCK:
            gathered = memoryview(b"".join(self._waiting))
            whole = len(gathered) - len(gathered) % _BLOCK
            for start in range(0, whole, _BLOCK):
                self._compress(gathered[start : start + _BLOCK])
            self._waiting, self._waiting_bytes = [gathered[whole:]], len(gathered) - whole

    def ended(self, piece: Piece) -> Fragment:
        """The fragment; its bytes are `body`."""
        self._compress(b"".join(self._waiting))
        # A full flush ends at a byte and lets nothing behind it refer back: that makes a fragment readable by itself.
        self._out.append(self._deflate.flush(zlib_ng.Z_FULL_FLUSH))
        self.body = b"".join(self._out)
        return Fragment(
            piece.distribution,
            piece.version,
            offset=0,
            length=len(self.body),
            sha256=hashlib.sha256(self.body).hexdigest(),
            plain_length=self._length,
            plain_sha256=self._digest.hexdigest(),
            crc32=self._crc,
            continues=piece.continues,
        )

    def _compress(self, block: bytes | memoryview) -> None:
        self._crc = zlib_ng.crc32(block, self._crc)
        self._digest.update(block)
        self._length += len(block)
        self._out.append(self._deflate.compress(block))
