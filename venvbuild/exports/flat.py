"""The archive of a build without a folder at its top, as `--layout flat` packs it, written anew from a stored one.

Fragment by fragment: each is checked, inflated, its members get other headers, and it is compressed again. So the bytes
are those that a build with `--layout flat` has, by the same library at the same level.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from venvbuild.archive import (
    END_OF_TAR,
    FLAT,
    Compressed,
    Gate,
    GzipMember,
    Member,
    Workers,
    compress,
    compress_plain,
    cut,
    in_archive,
    working,
)
from venvbuild.builds import Fragment
from venvbuild.exports.build import Build, leading
from venvbuild.exports.consumer import Makes, Paste
from venvbuild.exports.keeping import made_or_kept
from venvbuild.exports.members import MemberReader, link_member
from venvbuild.exports.rules import Rule
from venvbuild.restore import StoredArchive, Unpacker

_PLAIN = re.compile(r"[A-Za-z0-9._=-]+")
_NOTHING = Gate((), (), {})
_THREADS = 4
"""Of these some wait for the store."""


def write_flat(stored: StoredArchive, raw: IO[bytes]) -> str:
    """Write the archive to `raw`, which can be read, too; its sha256. One that is flat is copied.

    Raises:
        IntegrityError: it is not what the metadata says. StoreUnavailable, NotInStore: by the store. OSError: the disk.
    """
    if stored.index.root == FLAT:
        return stored.copy_to(raw)
    return made_or_kept(stored, "flat 1", raw, partial(_rerooted, stored))


def _rerooted(stored: StoredArchive, raw: IO[bytes]) -> str:
    out = GzipMember(raw)
    with (
        tempfile.TemporaryDirectory(prefix="venvbuild-export-") as folder,
        working(max(_THREADS, os.cpu_count() or 1), None) as workers,
    ):
        calls = _calls(stored, Path(folder), workers)
        for made in workers.results(calls):
            out.append(made)
    out.close()
    return out.sha256


def _calls(stored: StoredArchive, folder: Path, workers: Workers) -> Iterator[tuple[int, partial[Compressed]]]:
    """What is to be compressed, with its bytes, in the order of the archive."""
    level, fragments = stored.index.level, stored.index.fragments
    plains = read_ahead(stored, workers)
    first = leading(fragments)
    unpacker = _Noting(folder, stored.index.root, limit_bytes=sum(one.plain_length for one in first))
    for _ in first:
        unpacker.feed(next(plains))
    unpacker.finish(is_end_of_tar=False)
    # The bytecode of what belongs to no distribution lies behind all of it.
    for group in (in_archive(unpacker.others, FLAT), unpacker.bytecode):
        for piece in cut(group, None, None):
            yield piece.plain_bytes, partial(compress, piece, folder, level, _NOTHING, FLAT)
    writer = _Writer(stored)
    for fragment, plain in zip(fragments[len(first) :], plains, strict=True):
        blocks = writer.blocks_of(plain)
        if blocks:
            yield fragment.plain_length, partial(compress_plain, blocks, level)
    writer.finish(is_end_of_tar=True)
    yield 0, partial(compress, END_OF_TAR, folder, level, _NOTHING)


def read_ahead(stored: StoredArchive, workers: Workers) -> Iterator[bytes]:
    """What the fragments hold, in order, each checked; some are read ahead."""
    return workers.results((one.plain_length, partial(_plain, stored, one)) for one in stored.index.fragments)


def _plain(stored: StoredArchive, fragment: Fragment) -> bytes:
    return stored.plain(fragment)


class _Noting(Unpacker):
    """Unpacks, and notes which members there were."""

    def __init__(self, folder: Path, root: str, *, limit_bytes: int) -> None:
        super().__init__(folder, root, limit_bytes=limit_bytes)
        self.others: list[Member] = []
        self.bytecode: list[Member] = []

    def _begin_file(self, name: bytes, size: int, mode: int) -> None:
        member = Member(os.fsdecode(name), "f", mode, size)
        (self.bytecode if b"/__pycache__/" in name else self.others).append(member)
        super()._begin_file(name, size, mode)

    def _make_folder(self, name: bytes) -> None:
        self.others.append(Member(os.fsdecode(name), "d", 0o755))
        super()._make_folder(name)

    def _note_link(self, target: bytes) -> None:
        super()._note_link(target)
        self.others.append(link_member(*self.unpacked.links[-1]))


class _Writer(MemberReader):
    """Takes a tar, and gives it back with other headers."""

    def __init__(self, stored: StoredArchive) -> None:
        super().__init__(stored)
        self._blocks: list[bytes | memoryview] = []

    def blocks_of(self, plain: bytes) -> list[bytes | memoryview]:
        """The same part of the new tar."""
        self._blocks = []
        self.feed(plain)
        return self._blocks

    def begin(self, member: Member) -> None:
        """Its header."""
        if member.name:
            self._blocks.append(member.header(FLAT))

    def take(self, content: memoryview) -> None:
        """As it is."""
        self._blocks.append(content)

    def end(self) -> None:
        """A tar pads each file to whole blocks (POSIX.1-2001, pax)."""
        self._blocks.append(bytes(self._padding))


def place_in_bucket(build: Build, archive: str) -> str:
    """Where in S3 settings name it: by the name it has, unless Spark or a URL would cut that one."""
    name = Path(archive).name
    return f"s3://BUCKET/PREFIX/{name if _PLAIN.fullmatch(name) else f'{build.env_name}.tar.gz'}"


@dataclass(frozen=True)
class FlatArchive:
    """A consumer that takes a flat archive."""

    name: str
    takes: str
    rules: tuple[Rule, ...]
    paste: Callable[[Build, str], tuple[Paste, ...]]
    """From the build and the path of the archive to its settings."""
    makes: Makes = "file"

    def file_name(self, build: Build) -> str:
        """`sales.tar.gz`."""
        return f"{build.env_name}.tar.gz"

    def make(self, build: Build, place: Path) -> str:
        """The archive."""
        with place.open("x+b") as raw:
            return write_flat(build.archive, raw)

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """Its own."""
        return self.paste(build, os.fspath(made or self.file_name(build)))
