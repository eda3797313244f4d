"""A store in a folder: the default, which needs no account anywhere.

An object is written beside the others under `.venvbuild/tmp`, fsynced, and given its name by `link()`, which fails when
the name is taken: that is "put if absent", for processes and for machines sharing a file system. What was killed on the
way leaves a file in `.venvbuild/tmp` and nothing else.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from io import FileIO
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from venvbuild.errors import (
    IntegrityError,
    NotInStore,
    StoreUnavailable,
    UsageError,
    VenvBuildError,
    lacks_inodes,
    no_inodes,
)
from venvbuild.redaction import REDACTOR
from venvbuild.stores.store import (
    A_FOLDER,
    OWN_FOLDER,
    Entry,
    StoredObject,
    checked_key,
    checked_length,
    is_own,
    too_large,
)
from venvbuild.stores.turns import await_turn

_PAUSE_S = 0.04  # between two looks at a lock
_CHUNK_BYTES = 1 << 20
_OF_OBJECTS = ".json"
"""How what many look for by listing is called: rows, moves. Other folders may be empty, as `remove` leaves them."""
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: A_FOLDER,
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Not ENOTDIR: where something stands in a folder's place, nobody knows what the folder had.
_ABSENT = FileNotFoundError
_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP}
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # EFBIG: `ulimit -f`
_NOT_A_FOLDER = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}
# link(2): EPERM, where there are none at all
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV}


class FolderStore:
    """A `Store` in the folder `root`, an absolute path; keys are paths below it.

    Files get mode 0644 and folders 0777, less the umask; of locks, those who may not write them may not read them.
    Reading makes nothing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = str(root)
        self._place = self.url.rstrip("/")
        self._temporary = root / OWN_FOLDER / "tmp"
        self._locks = root / OWN_FOLDER / "locks"

    def uri(self, key: str) -> str:
        """Where `key` is: `file:///folder/key`, percent-encoded."""
        return f"{self.root.as_uri()}/{quote(key)}"

    def prepare(self) -> None:
        """Prove that the folder can be written and that its file system has hard links.

        Raises:
            UsageError: it is a file, may not be written, or has no hard links.
            StoreUnavailable: the disk is full or fails.
        """
        self._refuse_no_folder()
        with self._staged(self.root, b"probe") as staged:
            probe = staged.with_name(f"probe-{staged.name}")
            try:
                with _translated(probe):
                    self._link(staged, probe)
            finally:
                _remove(probe)

    def put_if_absent(self, key: str, body: bytes | Path) -> bool:
        """Create `key`; see `Store`. A `Path` is copied in pieces of 1 MiB, never linked.

        Raises:
            UsageError: the store may not be written, or the given file cannot be read.
            StoreUnavailable: the disk is full or fails; nothing is left behind.
            IntegrityError: a folder stands there.
        """
        target, is_ours = self._path(key), False
        # asked first, so that an archive which is there is not written once more to find that out
        if not self._is_there(target):
            with self._staged(target, body) as staged, _translated(target, body):
                self._make_folder(target.parent)
                with suppress(FileExistsError):
                    self._link(staged, target)
                    is_ours = True
        same = is_ours or self._holds(target, body)
        if same:  # also when an earlier try linked it and died before this
            self._fsync_up_from(target)
        return same

    def replace_if_unchanged(self, key: str, body: bytes, etag: str) -> bool:
        """Replace `key` by a rename, under a lock that every replacer of this key takes."""
        target = self._path(key)
        if not self._is_there(target):
            return False
        with self._staged(target, body) as staged, self._locked(key):
            try:
                if self.read(key).etag != etag:
                    return False
            except NotInStore:
                return False
            with _translated(target, body):
                staged.replace(target)
            self._fsync_up_from(target)
        return True

    @contextmanager
    def turn(self, name: str, wait: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Wait for our turn; see `Store`. It is a lock of the system, gone with its holder."""
        path = self._locks / f"turn-{name}"
        with ExitStack() as held:
            with suppress(OSError, VenvBuildError):  # it is gone on without: the folder may be another user's
                self._make_folder(self._locks)
                file = held.enter_context(open(path, "r+b", buffering=0, opener=_closed_to_readers))
                await_turn(partial(_lock_or_holder, file), wait, _PAUSE_S)
            yield

    def remove(self, key: str) -> None:
        """Remove `key`; folders that become empty stay, as somebody may be about to write into them.

        Raises:
            IntegrityError: a folder stands there, which stays with all that is in it.
        """
        target = self._path(key)
        with _translated(target), suppress(_ABSENT):
            try:
                target.unlink()
            except IsADirectoryError as exc:
                raise _no_object(A_FOLDER, target, "a file") from exc
            _fsync(target.parent)

    def read(self, key: str, max_bytes: int | None = None) -> StoredObject:
        """The whole object; its etag is the SHA-256 of its bytes. Raises `NotInStore`.

        Raises:
            IntegrityError: it is larger than `max_bytes`, or no file: a link is not followed, a FIFO not waited for.
        """
        with self._reading(key) as file:
            size_bytes = os.fstat(file.fileno()).st_size
            if max_bytes is not None and size_bytes > max_bytes:
                raise too_large(size_bytes, max_bytes, self.uri(key))
            body = file.read()
        return StoredObject(body, hashlib.sha256(body).hexdigest())

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer only at the end. Raises `NotInStore`."""
        if not checked_length(offset, length):
            return b""
        with self._reading(key) as file:
            file.seek(offset)
            return file.read(length)

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        """Objects in key order. Only folders that can hold a match are opened; only matches are asked their size.

        A link, a FIFO or a device is listed as what it is, an object that cannot be read, and nothing is listed below
        one; so that whoever reads it tells of it. So is a folder `NAME.json` without a file, however deep.

        Raises:
            IntegrityError: something else stands where the folder of `prefix` should be, so that nobody can tell what
                there is below it.
        """
        self._refuse_no_folder()
        folder = prefix[: prefix.rfind("/") + 1]
        if "\0" not in prefix and {"", ".", ".."}.isdisjoint(folder.split("/")[:-1]) and not is_own(folder):
            self._refuse_others(folder)
            yield from self._walk(folder, prefix, start_after)

    def _walk(self, folder: str, prefix: str, start_after: str) -> Iterator[Entry]:
        for key, entry in self._keys_in(folder):
            if key.endswith("/"):
                comes_later = key > start_after or start_after.startswith(key)
                if comes_later and (key.startswith(prefix) or prefix.startswith(key)):
                    yield from self._walk(key, prefix, start_after)
            elif key.startswith(prefix) and key > start_after:
                with suppress(_ABSENT):  # removed since the folder was read
                    found = entry.stat(follow_symlinks=False)
                    # not the size alone: a wrong row that was removed and registered anew may have the same
                    stamp = f"{found.st_ino}-{found.st_mtime_ns}-{found.st_ctime_ns}"
                    oddity = _oddity(found.st_mode)
                    yield Entry(key, 0 if oddity else found.st_size, stamp, oddity, found.st_mtime)

    def _keys_in(self, folder: str) -> Sequence[tuple[str, os.DirEntry[str]]]:
        """Keys right below `folder`, a sub-folder's with a final `/`, which is how it sorts among full keys."""
        found: list[tuple[str, os.DirEntry[str]]] = []
        try:
            with os.scandir(f"{self._place}/{folder}") as entries:
                for entry in entries:
                    key = f"{folder}{entry.name}"
                    if entry.is_dir(follow_symlinks=False) and not self._stands_for_a_file(key):
                        key += "/"
                    if (entry.name.isascii() or _is_utf8(entry.name)) and not is_own(key):
                        found.append((key, entry))
        except OSError as exc:
            if not isinstance(exc, _ABSENT):
                raise _error(exc, self.root / folder) from exc
        # strings compare by code point, which is the order of their UTF-8 bytes
        return sorted(found, key=itemgetter(0))

    def _stands_for_a_file(self, folder: str) -> bool:
        """Whether a folder is called as an object is, and nothing below it would tell of that."""
        return folder.endswith(_OF_OBJECTS) and next(self._walk(f"{folder}/", f"{folder}/", ""), None) is None

    def _path(self, key: str) -> Path:
        return Path(self._checked(key))

    def _checked(self, key: str) -> str:
        """Where the object of this key is or may be. Text: a path of pathlib takes longer than the system to open."""
        self._refuse_no_folder()
        self._refuse_others(checked_key(key).rpartition("/")[0])
        return f"{self._place}/{key}"

    def _refuse_others(self, folder: str) -> None:
        """Refuse what stands where a folder of the store should be: what lies there, or did, nobody can tell."""
        place = self._place
        for part in filter(None, folder.split("/")):
            place = f"{place}/{part}"
            try:
                mode = os.lstat(place).st_mode
            except OSError:  # told by what comes then
                return
            if not stat.S_ISDIR(mode):
                raise _no_object(_oddity(mode) or "a file", Path(place), "a folder")

    def _refuse_no_folder(self) -> None:
        try:
            mode = os.stat(self.root).st_mode
        except OSError as exc:
            if exc.errno in _NOWHERE:
                return
            raise _error(exc, self.root) from exc
        if not stat.S_ISDIR(mode):
            other = NotADirectoryError(errno.ENOTDIR, f"it is {_oddity(mode) or 'a file'}")
            raise _error(other, self.root) from other

    def _is_there(self, target: Path) -> bool:
        with _translated(target), suppress(_ABSENT):
            target.lstat()
            return True
        return False

    @contextmanager
    def _reading(self, key: str) -> Iterator[BinaryIO]:
        place = self._checked(key)
        try:
            # before it is opened, which a device may take for an order
            oddity = _oddity(os.lstat(place).st_mode)
            if oddity:
                raise _no_object(oddity, Path(place), "a file")
            with open(place, "rb", opener=_without_links) as file:
                yield file
        except OSError as exc:
            # what the file system cannot name is not there
            if isinstance(exc, _ABSENT) or exc.errno == errno.ENAMETOOLONG:
                raise NotInStore(f"{key} is not in the store", where=self.url) from exc
            raise _error(exc, Path(place)) from exc

    @contextmanager
    def _staged(self, target: Path, body: bytes | Path) -> Iterator[Path]:
        """A file of our own with the bytes for `target`, safely on the disk; removed at the end, whatever happened."""
        staged = self._temporary / secrets.token_hex(16)
        with ExitStack() as cleanup:
            with _translated(target, body):
                self._make_folder(self._temporary)
                cleanup.callback(_remove, staged)
                with open(staged, "xb", opener=_with_mode_0644) as file:
                    for chunk in _chunks(body):
                        file.write(chunk)
                    # before it has its name: a machine that stops must not leave a name over bytes that are not there
                    file.flush()
                    os.fsync(file.fileno())
            yield staged

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        # The lock file stays: removing it would let two replacers lock two files of one name.
        # a key has slashes, and may be longer than a file's name
        path = self._locks / hashlib.sha256(key.encode()).hexdigest()
        with ExitStack() as held:
            with _translated(path):
                self._make_folder(self._locks)
                file = held.enter_context(open(path, "ab", opener=_closed_to_readers))
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _link(self, staged: Path, target: Path) -> None:
        try:
            os.link(staged, target)
        except FileExistsError:
            raise
        except OSError as exc:
            if exc.errno not in _NO_HARD_LINKS:
                raise
            raise UsageError(
                "the file system of the store cannot make hard links, by which one of many writers wins",
                where=str(target),
                why=str(exc.strerror),
                fix="keep the store on one ordinary local or NFS file system, or on S3",
            ) from exc

    def _make_folder(self, folder: Path) -> None:
        """Make `folder` and its parents; each new name is fsynced into the folder above it."""
        if folder.is_dir():
            return
        if not folder.parent.is_dir():
            self._make_folder(folder.parent)
        # other writers make the same folders
        with suppress(FileExistsError):
            folder.mkdir()
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        _fsync(folder.parent)

    def _fsync_up_from(self, target: Path) -> None:
        # All the way up: another writer may have made a folder that we found, and not fsynced it yet.
        with _translated(target):
            for folder in target.parents:
                _fsync(folder)
                if folder == self.root:
                    break

    def _holds(self, target: Path, body: bytes | Path) -> bool:
        """Whether the object is a file of exactly these bytes; compared in pieces."""
        with _translated(target):
            found = target.lstat()
            if stat.S_ISDIR(found.st_mode):  # as an object of others' bytes it would be taken for one that can be read
                raise _no_object(A_FOLDER, target, "a file")
            if not stat.S_ISREG(found.st_mode) or found.st_size != _size_bytes(body):
                return False
            pairs = zip_longest(_chunks(target), _chunks(body))
            return all(stored == ours for stored, ours in pairs)


def _oddity(mode: int) -> str:
    """What something is that is no file; empty when it is one."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def _without_links(path: str, flags: int) -> int:
    # whoever puts a link or a FIFO there since it was looked at is neither followed nor waited for
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _closed_to_readers(path: str, flags: int) -> int:
    """Open a file that is locked, which is made if need be; who may not write it may not open it any more."""
    # whoever opens a file can lock it, for as long as they like
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CREAT, 0o666)
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    closed = mode & ~((~mode & 0o022) << 1)
    if closed != mode:
        with suppress(OSError):  # another user's, or a file system without modes
            os.fchmod(descriptor, closed)
    return descriptor


def _lock_or_holder(file: FileIO, _waited_for: str) -> str:
    """Lock the file; if it is locked, what its holder wrote into it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(file.fileno(), 64, 0).decode(errors="replace") or "somebody"
    # so that who waits sees that it is another one now
    os.pwrite(file.fileno(), secrets.token_hex(16).encode(), 0)
    return ""


def _no_object(what: str, path: Path, wanted: str) -> IntegrityError:
    why = "it is neither followed nor opened: what it leads to is not of this store"
    fix = "remove it, and restore the object from a backup"
    if what == A_FOLDER:
        why = "what is in it is read by nobody"
    elif wanted == "a folder":
        fix = "put the folder itself there, or mount it"
        why = "nobody can tell what the folder had" if what == "a file" else why
    return IntegrityError(
        f"{what} stands where the store has {wanted}",
        where=REDACTOR.redact(path.as_uri()),
        why=why,
        fix=fix,
        rule="NO_FOLDER" if wanted == "a folder" else "IS_FOLDER" if what == A_FOLDER else "NO_OBJECT",
    )


def _with_mode_0644(path: str, flags: int) -> int:
    # tempfile's 0600 would hide builds from everybody else who reads the store
    return os.open(path, flags, 0o644)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a leftover in the store's own folder harms nobody; the error that led here matters
        path.unlink()


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.EBADF):  # no fsync of folders here; PostgreSQL's rule
            raise
    finally:
        os.close(descriptor)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no text: no key of ours
        return False
    return True


def _size_bytes(body: bytes | Path) -> int:
    if isinstance(body, bytes):
        return len(body)
    with _readable(body):
        return body.stat().st_size


def _chunks(body: bytes | Path) -> Iterator[bytes]:
    if isinstance(body, bytes):
        for start in range(0, len(body), _CHUNK_BYTES):
            yield body[start : start + _CHUNK_BYTES]
        return
    with _readable(body), body.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Errors of the file that is to be stored, apart from those of the store."""
    try:
        yield
    except OSError as exc:
        raise UsageError(
            "the file to store cannot be read", where=REDACTOR.redact(str(file)), why=str(exc.strerror)
        ) from exc


@contextmanager
def _translated(path: Path, body: bytes | Path = b"") -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise _error(exc, path, body) from exc


def _error(exc: OSError, path: Path, body: bytes | Path = b"") -> VenvBuildError:
    where, why = REDACTOR.redact(str(path)), exc.strerror or str(exc)
    if exc.errno in _NO_RIGHT:
        return UsageError(
            "the store does not let us in",
            where=where,
            why=why,
            fix="give this user the right to read and write the folder, or name another --store",
        )
    if exc.errno in _NOT_A_FOLDER:
        return UsageError(
            "the store cannot have an object here",
            where=where,
            why=why,
            fix="remove what is in the way, or name another --store",
        )
    if lacks_inodes(exc, str(path)):
        return no_inodes(where)
    if exc.errno in _NO_SPACE:
        return StoreUnavailable(
            "the store's disk is full",
            where=where,
            why=why,
            fix=f"make room for at least {_size_bytes(body)} bytes and run it again",
        )
    return StoreUnavailable(
        f"the store's disk failed ({_size_bytes(body)} bytes were to be written)"
        if body
        else "the store's disk failed",
        where=where,
        why=why,
        fix="check the disk and run it again",
    )
