"""Unpacks the tar of an environment that we packed, trusting nothing in it: an enemy may have written every byte.

Nothing outside the folder can be written: a name is relative, below the root, without `..`; links are made by the
caller after every file, so that no file is written through one; each file is new. The folder must be private to us and
empty. Modes become 0755 or 0644. Types that an environment has no use for (devices, pipes, hard links) are refused.

Source: POSIX.1-2001 pax; what tarfile's `data` filter refuses (PEP 706) is refused here too, not mended.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from venvbuild.archive import MAX_DEPTH, MAX_MEMBERS, MAX_NAME_BYTES
from venvbuild.errors import IntegrityError, UsageError, of_disk
from venvbuild.installed import is_python_link

BLOCK_BYTES = 512
_FOLDER_MODE = 0o755
_ZEROS = bytes(BLOCK_BYTES)
# never over a file that is there, and never through a link
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENOENT)


@dataclass
class Unpacked:
    """What came out; the names are relative to the folder, as bytes."""

    folders: list[bytes] = field(default_factory=list)
    links: list[tuple[bytes, bytes]] = field(default_factory=list)
    """(name, target) of symbolic links, which are not made yet."""
    file_count: int = 0
    plain_bytes: int = 0

    @property
    def member_count(self) -> int:
        """Files, folders and links."""
        return self.file_count + len(self.folders) + len(self.links)


class Unpacker:
    """Takes the plain bytes of a tar piece by piece and writes its files and folders into `folder`.

    `root` is the one name at the top of every member, taken off here; empty: there is none. `limit_bytes` is the most
    that may come.
    Every method raises IntegrityError for what is not allowed, naming the member; UsageError and StoreUnavailable for
    a disk that is full or a path that is too long.
    """

    _max_pax_bytes = 1 << 16  # two names of 4096 bytes, and times and owners beside them

    def __init__(self, folder: Path, root: str, *, limit_bytes: int) -> None:
        self._folder, self._root, self._limit = os.fsencode(folder) + b"/", os.fsencode(root), limit_bytes
        self._carry = b""
        self._file = -1
        self._left = self._padding = 0
        self._pax: dict[bytes, bytes] = {}
        self._pax_text: bytearray | None = None
        self._extension = b""
        self._name = b""
        self._ended = False
        self.unpacked = Unpacked()

    def feed(self, plain: bytes) -> None:
        """The next bytes; they may end anywhere."""
        self._count(len(plain))
        piece = self._carry + plain if self._carry else plain
        view, at, end = memoryview(piece), 0, len(piece)
        while at < end:
            if self._left:
                count = min(self._left, end - at)
                self._take(view[at : at + count])
                at += count
            elif self._padding:
                count = min(self._padding, end - at)
                self._padding -= count
                at += count
            elif end - at >= BLOCK_BYTES:
                self._header(piece[at : at + BLOCK_BYTES])
                at += BLOCK_BYTES
            else:
                break
        self._carry = bytes(view[at:])

    def _count(self, size_bytes: int) -> None:
        self.unpacked.plain_bytes += size_bytes
        if self.unpacked.plain_bytes > self._limit:
            self._refuse("it holds more bytes than it may")

    def finish(self, *, is_end_of_tar: bool) -> Unpacked:
        """No more will come: it must end between two members, and the tar's end must be where it belongs."""
        if self._carry or self._left or self._padding or self._pax:
            self._refuse("it ends inside a member")
        if self._ended != is_end_of_tar:
            self._refuse("the end of the tar is not at its end")
        return self.unpacked

    def close(self) -> None:
        """Give up the file that is being written, if there is one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _header(self, block: bytes) -> None:
        if block == _ZEROS:
            if self._pax:
                self._refuse("it ends inside a member")
            self._ended = True
            return
        if self._ended:
            self._refuse("something follows the end of the tar")
        # POSIX: the sum is made as if blanks stood in its own field
        if number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * 32:
            self._refuse("a header is damaged")
        kind, self._name = block[156:157], self._name_in(block)
        if self._is_extension(kind):
            self._begin_extension(kind, number(block[124:136]))
            return
        pax, self._pax = self._pax, {}
        self._name = pax.get(b"path", self._name)
        size = decimal(pax[b"size"]) if b"size" in pax else number(block[124:136])
        if self.unpacked.member_count >= MAX_MEMBERS:
            self._refuse(f"it has more than {MAX_MEMBERS} members")
        mode = self._mode(number(block[100:108]))
        self._take_member(kind, size, mode, pax.get(b"linkpath", block[157:257].partition(b"\0")[0]))

    def _is_extension(self, kind: bytes) -> bool:
        """Whether it is no member, but tells of the next one."""
        # one a member, as we write them; a second one, or a global one, is refused as a member
        return kind == b"x" and not self._pax

    def _name_in(self, block: bytes) -> bytes:
        # ustar: of a long name the folders stand in a field of their own
        prefix = block[345:500].partition(b"\0")[0]
        name = block[:100].partition(b"\0")[0]
        return prefix + b"/" + name if prefix else name

    def _mode(self, mode: int) -> int:
        if mode < 0 or mode & 0o7000:
            self._refuse("it has a special mode (setuid, setgid or sticky)")
        return mode

    def _take_member(self, kind: bytes, size: int, mode: int, link: bytes) -> None:
        if kind in (b"0", b"\0"):
            self._begin_file(self._relative(self._name), size, 0o755 if mode & 0o100 else 0o644)
        elif kind == b"5" and not size:
            self._make_folder(self._relative(self._name.rstrip(b"/")))
        elif kind == b"2" and not size:
            self._note_link(link)
        else:
            self._refuse(f"it is no file, folder or symbolic link (type {kind!r}, {size} bytes)")

    def _relative(self, name: bytes) -> bytes:
        """`name` below the root; empty for the root itself, which is no member where it has no name."""
        if len(name) > MAX_NAME_BYTES:
            self._refuse(f"its name has more than {MAX_NAME_BYTES} bytes")
        root, slash, rest = name.partition(b"/") if self._root else (b"", b"/", name)
        if root != self._root:
            self._refuse(f"it lies outside of {os.fsdecode(self._root)}/")
        # we go down by recursion, and so does shutil.rmtree
        if rest.count(b"/") >= MAX_DEPTH:
            self._refuse(f"it lies below more than {MAX_DEPTH} folders")
        if b"\0" in name or (slash and not {b"", b".", b".."}.isdisjoint(rest.split(b"/"))):
            self._refuse("its name is not a plain path")
        return rest

    def _begin_extension(self, kind: bytes, size: int) -> None:
        self._extension = kind
        if not 0 < size <= self._max_pax_bytes:
            self._refuse(f"its pax header has {size} bytes")
        self._pax_text = bytearray()
        self._left, self._padding = size, -size % BLOCK_BYTES

    def _begin_file(self, name: bytes, size: int, mode: int) -> None:
        if not name or not 0 <= size <= self._limit:
            self._refuse(f"its size cannot be {size}")
        try:
            self._file = self._new_file(name, mode)
        except OSError as error:
            self._failed(error)
        self.unpacked.file_count += 1
        self._left, self._padding = size, -size % BLOCK_BYTES
        if not size:
            self.close()

    def _new_file(self, name: bytes, mode: int) -> int:
        """A descriptor of the file, which is new. Raises OSError."""
        path = self._folder + name
        try:
            # mostly its folder is there, and nobody has to look
            file = os.open(path, _NEW_FILE, mode)
        except FileNotFoundError:
            self._make_parents(path)
            file = os.open(path, _NEW_FILE, mode)
        os.fchmod(file, mode)  # whatever the umask is
        return file

    def _take(self, content: memoryview) -> None:
        self._left -= len(content)
        if self._pax_text is not None:
            self._pax_text += content
            if not self._left:
                text, self._pax_text = bytes(self._pax_text), None
                self._end_extension(text)
            return
        try:
            while content:
                # write(2) may take less than it is given
                content = content[os.write(self._file, content) :]
        except OSError as error:
            self._failed(error)
        if not self._left:
            self.close()

    def _end_extension(self, text: bytes) -> None:
        self._pax = self._read_pax(text)

    def _read_pax(self, text: bytes) -> dict[bytes, bytes]:
        """`27 path=venv/...\\n` records; those that say what we do not keep (times, owners) are passed over."""
        found: dict[bytes, bytes] = {}
        while text:
            length, space, _ = text.partition(b" ")
            if not space or not len(length) + 1 < decimal(length) <= len(text):
                self._refuse("its pax header cannot be read")
            record, text = text[len(length) + 1 : int(length)], text[int(length) :]
            key, equals, value = record[:-1].partition(b"=")
            # a sparse file holds other bytes than it will have; of a key that is there twice readers take either
            if not equals or record[-1:] != b"\n" or key in found or key.startswith(b"GNU.sparse"):
                self._refuse("its pax header cannot be read")
            found[key] = value
        return found

    def _make_folder(self, name: bytes) -> None:
        path = self._folder + name
        try:
            if name:
                self._make_parents(path)
                _make_folder(path)
        except OSError as error:
            self._failed(error)
        self.unpacked.folders.append(name)

    def _make_parents(self, path: bytes) -> None:
        """Every folder above `path`; other processes may be making the same ones."""
        folder = path.rpartition(b"/")[0]
        # isdir follows links, but no link is made before the last file
        if len(folder) > len(self._folder) and not os.path.isdir(folder):
            self._make_parents(folder)
            _make_folder(folder)

    def _note_link(self, target: bytes) -> None:
        name = self._relative(self._name)
        if not name or not target or b"\0" in target or len(target) > MAX_NAME_BYTES:
            self._refuse("it is a link to nothing")
        if target.startswith(b"/") and not is_python(name):
            self._refuse("it is a link that leads out of the environment")
        self.unpacked.links.append((name, target))

    def _failed(self, error: OSError) -> NoReturn:
        self.close()
        if error.errno in _IN_THE_WAY:
            self._refuse("it is there twice, or as a file and as a folder")
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(
                "a path would be too long for this file system",
                where=_shown(self._name),
                fix="give a target with a shorter path",
            ) from error
        raise of_disk(error, os.fsdecode(self._folder)) or UsageError(
            f"it cannot be written: {error.strerror}", where=_shown(self._name), fix="give another target"
        ) from error

    def _refuse(self, why: str) -> NoReturn:
        self.close()
        raise refused(why, self._name)


def make_links(folder: Path, links: Iterable[tuple[bytes, bytes]]) -> None:
    """Make the links that were noted; no file may be written after. Of `bin/python*` with an absolute target only the
    name is looked at.

    Raises:
        IntegrityError: a name is taken, lies below another link, or the link leads out of `folder`.
    """
    base = os.fsencode(folder) + b"/"
    relative = []
    for name, target in links:
        if not target.startswith(b"/"):
            relative.append((name, target))
        elif os.path.lexists(base + name):
            raise refused("it is there twice", name)
    names = {name for name, _ in relative}
    for name, target in relative:
        # it would be made in whatever folder that link leads to
        if not names.isdisjoint(_parents(name)):
            raise refused("it lies below a link", name)
        try:
            os.symlink(target, base + name)
        except OSError as error:
            raise refused("it is there twice, or its folder is not", name) from error
    # when all are made: links may lead through each other, so one alone does not show where it ends
    inside = os.path.realpath(base)
    for name, _ in relative:
        if not (os.path.realpath(base + name) + b"/").startswith(inside + b"/"):
            raise refused("it is a link that leads out of the environment", name)


def is_python(name: bytes) -> bool:
    """Whether it is a name of the interpreter, the one link that may lead out; whoever restores makes it anew."""
    return is_python_link(os.fsdecode(name))


def refused(why: str, name: bytes = b"") -> IntegrityError:
    """The archive must not be unpacked, because of this member."""
    return IntegrityError(
        f"the archive is refused: {why}",
        where=_shown(name),
        fix="nothing was unpacked; find out who wrote this archive",
        rule="HOSTILE",
    )


def _make_folder(path: bytes) -> None:
    try:
        os.mkdir(path)
        mode = os.stat(path).st_mode
        if mode & 0o777 != _FOLDER_MODE:  # whatever the umask is; of a folder with setgid it has that bit
            os.chmod(path, _FOLDER_MODE | mode & stat.S_ISGID)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def _parents(name: bytes) -> list[bytes]:
    parts = name.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


def _shown(name: bytes) -> str:
    # a terminal would obey some names
    return ascii(os.fsdecode(name[:200]))[1:-1]


def decimal(text: bytes) -> int:
    """A number of a pax header; -1 when it is none."""
    # no size has 20 digits, and int() raises for thousands
    return int(text) if text.isdigit() and len(text) < 20 else -1


def number(text: bytes) -> int:
    """A number of a header: octal, or base-256 for what has no room (GNU); -1 when it is none."""
    if text[:1] == b"\x80":
        return int.from_bytes(text[1:], "big")
    try:
        return int(text.rstrip(b" \0") or b"0", 8)
    except ValueError:
        return -1
