"""Unpacks the tar of an environment that somebody else packed: GNU tar, bsdtar, Python's tarfile.

What these write is read: GNU's long names, pax headers for all members, hard links (as copies), folders named twice,
any top folder or none, any mode. What could do harm is refused as in `tar`, whose rules hold: nothing outside of the
folder is written, and no file through a link. Bytecode in `__pycache__` is passed over: it tells of another place.

Source: POSIX.1-2001 pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from venvbuild.archive import MAX_DEPTH, MAX_NAME_BYTES
from venvbuild.restore.tar import Unpacker

_HARMFUL = {b"3": "a device", b"4": "a device", b"6": "a pipe", b"S": "a sparse file"}
_LONG = {b"L": b"path", b"K": b"linkpath"}
"""GNU's members that hold a long name for the next one, and what it is called in pax."""
_PIECE_BYTES = 1 << 20
_TO_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class OrdinaryUnpacker(Unpacker):
    """As `Unpacker`, with names relative to the top of the archive; without a `folder` it reads and writes nothing.

    Links are noted as they are, wherever they lead: whoever knows where the environment is in the archive judges them.
    """

    _max_pax_bytes = 1 << 20  # bsdtar puts extended attributes there

    def __init__(self, folder: Path | None, *, limit_bytes: int) -> None:
        super().__init__(folder or Path(os.devnull), "", limit_bytes=limit_bytes)
        self._is_dry = folder is None
        self._folders: set[bytes] = set()
        self._links: dict[bytes, bytes] = {}
        self.files: dict[bytes, int] = {}
        """Mode of each file that was unpacked, or would be, by its name."""

    def _is_extension(self, kind: bytes) -> bool:
        return kind in (b"x", b"g", *_LONG)

    def _end_extension(self, text: bytes) -> None:
        if self._extension in _LONG:
            # a pax header of the same member knows better
            self._pax = {_LONG[self._extension]: text.partition(b"\0")[0], **self._pax}
        elif self._extension == b"x":
            self._pax |= self._read_pax(text)
        elif not self._read_pax(text).keys().isdisjoint((b"path", b"linkpath", b"size")):
            self._refuse("a header for all members would give them one name or size")

    def _name_in(self, block: bytes) -> bytes:
        # GNU's own format has times in the field of the prefix
        return super()._name_in(block if block[257:263] == b"ustar\0" else block[:345])

    def _mode(self, mode: int) -> int:
        # a shared folder may have setgid; no file gets such a mode here
        return max(0, mode) & 0o777

    def _take_member(self, kind: bytes, size: int, mode: int, link: bytes) -> None:
        if kind in (b"\0", b"7"):
            # before POSIX a folder was an empty file with such a name
            kind = b"5" if self._name.endswith(b"/") and not size else b"0"
        if kind == b"1" and not size:
            self._copy(self._relative(self._name), self._relative(link))
        elif kind in _HARMFUL:
            self._refuse(f"it is {_HARMFUL[kind]}")
        else:
            super()._take_member(kind, size, mode, link)

    def _relative(self, name: bytes) -> bytes:
        """`name` without what means nothing in it (`./`, `//`); empty for the top."""
        if len(name) > MAX_NAME_BYTES:
            self._refuse(f"its name has more than {MAX_NAME_BYTES} bytes")
        parts = [part for part in name.split(b"/") if part not in (b"", b".")]
        if name.startswith(b"/") or b"\0" in name or b".." in parts:
            self._refuse("its name is not a plain path below the folder that it is unpacked in")
        if len(parts) > MAX_DEPTH + 1:
            self._refuse(f"it lies below more than {MAX_DEPTH} folders")
        return b"/".join(parts)

    def _new_file(self, name: bytes, mode: int) -> int:
        if name in self.files:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if not _is_bytecode(name):
            self.files[name] = mode
            if not self._is_dry:
                return super()._new_file(name, mode)
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    def _make_folder(self, name: bytes) -> None:
        # named twice where somebody packed a folder and one in it
        if name in self._folders or _is_bytecode(name + b"/"):
            return
        self._folders.add(name)
        if self._is_dry:
            self.unpacked.folders.append(name)
        else:
            super()._make_folder(name)

    def _note_link(self, target: bytes) -> None:
        name = self._relative(self._name)
        if not name or not target or b"\0" in target or len(target) > MAX_NAME_BYTES:
            self._refuse("it is a link to nothing")
        if _is_bytecode(name):
            return
        if name in self._links:
            self._refuse("it is there twice")
        self._links[name] = target
        self.unpacked.links.append((name, target))

    def _copy(self, name: bytes, source: bytes) -> None:
        """A hard link, as a file of its own with the same bytes."""
        if source in self._links:
            self._note_link(self._links[source])
            return
        if _is_bytecode(name):
            return
        if source not in self.files:
            self._refuse("it is a hard link to what is not before it in the archive")
        self._begin_file(name, 0, self.files[source])
        if self._is_dry:
            return
        try:
            with (
                open(os.open(self._folder + source, _TO_READ), "rb") as file,
                open(self._folder + name, "r+b", buffering=0) as copy,
            ):
                while piece := file.read(_PIECE_BYTES):
                    self._count(len(piece))
                    copy.write(piece)
        except OSError as error:
            self._failed(error)


def _is_bytecode(name: bytes) -> bool:
    return b"__pycache__" in name.split(b"/")[:-1]
