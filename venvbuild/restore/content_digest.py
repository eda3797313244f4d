"""content_sha256, computed again from the bytes of a tar: what an archive holds, whoever wrote it.

Source: docs/archive-format.md, "content_sha256".
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING, Literal

from venvbuild.archive import FLAT, ROOT, THE_TOP, Member
from venvbuild.restore.tar import refused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE_BYTES = 1 << 20
_KINDS: dict[bytes, Literal["d", "f", "l"]] = {
    tarfile.DIRTYPE: "d",
    tarfile.REGTYPE: "f",
    tarfile.AREGTYPE: "f",  # as tars before POSIX write it
    tarfile.SYMTYPE: "l",
}


Copies = Callable[[str, int], IO[bytes] | None]
"""From the name and the size of a file, relative to the environment, to where its bytes go too; None for most."""


def content_sha256(plain: Iterable[bytes], copies: Copies, archive_root: str = ROOT) -> str:
    """Of the tar with this root whose bytes come in these pieces, which may end anywhere; what follows its end is left
    in `plain`.

    Raises:
        IntegrityError: it is no tar, or holds what no archive of ours does.
    """
    # What an archive without a folder at its top lacks counts all the same: it is the same environment.
    lines = [_line(THE_TOP, "")] if archive_root == FLAT else []
    try:
        stream = io.BufferedReader(_Pieces(iter(plain)), _PIECE_BYTES)
        # surrogateescape: a name that is not UTF-8 becomes its own bytes again in fsencode
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
            while entry := tar.next():
                member = _member(entry, archive_root)
                sha256 = ""
                if member.kind == "f":
                    with copies(member.name, entry.size) or nullcontext() as copy:
                        sha256 = _sha256(tar.extractfile(entry), copy)
                lines.append(_line(member, sha256))
                tar.members.clear()  # type: ignore[attr-defined]  # it keeps them all, and a stream cannot go back
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise refused(f"its tar cannot be read ({error})") from error
    return hashlib.sha256(b"".join(line for _, line in sorted(lines))).hexdigest()


class _Pieces(io.RawIOBase):
    """A file to be read once, of pieces as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Some of the bytes; 0 at their end."""
        target = memoryview(buffer).cast("B")
        while not self._rest:  # an empty piece is not the end
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(target), len(self._rest))
        target[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _line(member: Member, sha256: str) -> tuple[bytes, bytes]:
    return os.fsencode(member.name), os.fsencode(member.line(sha256))


def _member(entry: tarfile.TarInfo, archive_root: str) -> Member:
    root, _, name = entry.name.partition("/") if archive_root else (FLAT, "", entry.name)
    kind = _KINDS.get(entry.type)
    if root != archive_root or kind is None or (archive_root == FLAT and not name):
        raise refused("it holds what no archive of ours does", os.fsencode(entry.name))
    return Member(name, kind, entry.mode, link=entry.linkname)


def _sha256(file: IO[bytes] | None, copy: IO[bytes] | None) -> str:
    assert file is not None  # tarfile's answer for what is no file
    digest = hashlib.sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
        if copy:
            copy.write(piece)
    return digest.hexdigest()
