"""What a compiled file asks of the machine that loads it: libraries, where it looks for them, the version of glibc.

Source: the System V ABI, "Dynamic Section"; the Linux Standard Base, "Symbol Versioning".
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Archives bring interpreters too, and anybody may have written those: a table may claim any size. libpython's: 100 kB.
_MAX_TABLE_BYTES = 16 << 20
# Of symbols, in one file; libpython has about 40. An enemy's chain of them may have no end.
_MAX_VERSIONS = 10_000
# PT_* and DT_* of elf.h.
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _STRSZ, _RPATH, _RUNPATH = 1, 5, 10, 15, 29
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
# To be matched in full: GLIBC_PRIVATE and GLIBC_ABI_DT_RELR are no releases.
_GLIBC = re.compile(r"GLIBC_([0-9]+)\.([0-9]+)(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Elf:
    """A program or shared library."""

    needed: tuple[str, ...]
    """Sonames, in order."""
    search_path: tuple[str, ...]
    """Folders of its DT_RPATH and DT_RUNPATH, in order."""
    glibc: tuple[int, int] | None
    """The newest GLIBC_X.Y among the versions of its symbols; None when it names none."""


def read(path: str | os.PathLike[str]) -> Elf | None:
    """The file at `path`; None when it is not a 64-bit little-endian ELF file (x86_64, aarch64).

    Raises:
        ValueError: it is one, and damaged.
    """
    # In an archive of somebody's this may be a link to anywhere, or a pipe that nobody writes into.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Magic, ELFCLASS64, ELFDATA2LSB: a 32-bit file has its fields elsewhere.
        if os.pread(descriptor, 6, 0) != b"\x7fELF\x02\x01":
            return None
        return _File(descriptor).elf()
    finally:
        os.close(descriptor)


class _File:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # Program headers, as the loader reads them, and not sections, which a stripped file may lack. Elf64_Ehdr:
        # e_phoff at 32, e_phentsize and e_phnum at 54; then Elf64_Phdr.
        (at,) = struct.unpack("<Q", self._bytes(32, 8))
        size, count = struct.unpack("<HH", self._bytes(54, 4))
        headers = [struct.unpack("<IIQQQQQQ", self._bytes(at + size * number, 56)) for number in range(count)]
        self._loads = [(header[3], header[2], header[5]) for header in headers if header[0] == _LOAD]
        self._dynamic = next(((header[2], header[5]) for header in headers if header[0] == _DYNAMIC), (0, 0))

    def elf(self) -> Elf:
        entries = list(self._entries())
        tags = dict(entries)
        # Linked statically: it asks for nothing.
        if _STRTAB not in tags:
            return Elf((), (), None)
        strings = self._bytes(self._offset(tags[_STRTAB]), tags.get(_STRSZ, 0))
        paths = [_string(strings, value) for tag, value in entries if tag in (_RPATH, _RUNPATH)]
        versions = (_GLIBC.fullmatch(name) for name in self._versions(tags, strings))
        return Elf(
            tuple(_string(strings, value) for tag, value in entries if tag == _NEEDED),
            tuple(folder for path in paths for folder in path.split(":") if folder),
            max(((int(found[1]), int(found[2])) for found in versions if found), default=None),
        )

    def _entries(self) -> Iterator[tuple[int, int]]:
        at, size = self._dynamic
        for tag, value in struct.iter_unpack("<QQ", self._bytes(at, size - size % 16)):
            # DT_NULL: behind it the linker leaves spare entries.
            if tag == 0:
                return
            yield tag, value

    def _versions(self, tags: dict[int, int], strings: bytes) -> Iterator[str]:
        """The names in .gnu.version_r: for each library, a chain of versions."""
        if _VERNEED not in tags:
            return
        at, seen = self._offset(tags[_VERNEED]), 0
        for _ in range(tags.get(_VERNEEDNUM, 0)):
            _, count, _, first, following = struct.unpack("<HHIII", self._bytes(at, 16))
            seen += count + 1
            if seen > _MAX_VERSIONS:
                raise ValueError("it names more versions than any can")
            entry = at + first
            for _ in range(count):
                _, _, _, name, next_entry = struct.unpack("<IHHII", self._bytes(entry, 16))
                yield _string(strings, name)
                entry += next_entry
            at += following

    def _offset(self, address: int) -> int:
        # The dynamic section tells where its tables are in memory, not in the file.
        for begin, offset, size in self._loads:
            if begin <= address < begin + size:
                return int(offset + address - begin)
        raise ValueError("an address lies nowhere in it")

    def _bytes(self, at: int, count: int) -> bytes:
        # Past off_t pread ends with an OverflowError, which nobody here expects.
        if count > _MAX_TABLE_BYTES or at > 1 << 62:
            raise ValueError("a table is larger than any can be")
        read = os.pread(self._descriptor, count, at)
        if len(read) < count:
            raise ValueError("it ends too early")
        return read


def _string(strings: bytes, at: int) -> str:
    end = strings.find(b"\0", at)
    if end < 0:
        raise ValueError("a name has no end")
    return os.fsdecode(strings[at:end])
