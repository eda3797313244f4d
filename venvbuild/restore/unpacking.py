"""Unpacks an archive: by processes that each take the next group of fragments; without an index, in one stream."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import struct
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO

from zlib_ng import zlib_ng

from venvbuild.archive import MAX_MEMBERS
from venvbuild.builds import ArchiveIndex, Fragment
from venvbuild.errors import StoreUnavailable
from venvbuild.parallel import cores
from venvbuild.restore.fetching import Bodies, groups, plain_limit
from venvbuild.restore.ordinary_tar import OrdinaryUnpacker
from venvbuild.restore.tar import Unpacked, Unpacker, make_links, refused

_NUMBER = struct.Struct("=I")
_MOST = 8
_PR_SET_PDEATHSIG = 1
_PIECE_BYTES = 1 << 20


def unpack(index: ArchiveIndex, bodies: Bodies, folder: Path) -> Unpacked:
    """Every member of the archive in `folder`, which is empty and private to us; `bin/python*` with an absolute target
    are left to the caller. Several processes where this one has a single thread.

    Raises:
        IntegrityError: the archive must not be unpacked. Evicted: see `Bodies`. StoreUnavailable, UsageError: the disk.
            What is in `folder` then is for the caller to remove.
    """
    # the largest first: begun last, it would be waited for alone
    work = sorted(enumerate(groups(index.fragments)), key=lambda pair: -sum(one.plain_length for one in pair[1]))
    last = index.fragments[-1]
    # A fork copies the locks that other threads hold, and macOS does not like it at all.
    count = min(cores(), _MOST, len(work)) if sys.platform == "linux" else 1
    if count > 1 and threading.active_count() == 1:
        parts = list(_by_processes(count, [group for _, group in work], last, bodies, folder, index.root))
    else:
        parts = [_unpacked(group, last, bodies, folder, index.root) for _, group in work]
    whole = Unpacked()
    for part in parts:
        whole.folders += part.folders
        whole.links += part.links
        whole.file_count += part.file_count
        whole.plain_bytes += part.plain_bytes
    settle(whole, folder)
    return whole


def unpack_stream(archive: IO[bytes], size_bytes: int, folder: Path, root: str) -> Unpacked:
    """The same for an archive without an index, which can only be read from its first byte to its last.

    Raises:
        IntegrityError: it must not be unpacked, or is no whole .tar.gz.
    """
    unpacker = Unpacker(folder, root, limit_bytes=plain_limit(size_bytes))
    try:
        for plain in _inflated(archive):
            unpacker.feed(plain)
        whole = unpacker.finish(is_end_of_tar=True)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub says int
        raise refused(f"it is no .tar.gz, or a damaged one ({error})") from error
    finally:
        unpacker.close()
    settle(whole, folder)
    return whole


def unpack_ordinary(archive: IO[bytes], size_bytes: int, folder: Path | None) -> OrdinaryUnpacker:
    """The same for an archive that somebody else made, which may be of several gzip members; the links are not made.

    Without a `folder` it is only read.

    Raises:
        IntegrityError: it must not be unpacked, or is no whole .tar.gz.
    """
    unpacker = OrdinaryUnpacker(folder, limit_bytes=plain_limit(size_bytes))
    try:
        for plain in _all_inflated(archive):
            unpacker.feed(plain)
        unpacker.finish(is_end_of_tar=True)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub says int
        raise refused(f"it is no .tar.gz, or a damaged one ({error})") from error
    finally:
        unpacker.close()
    return unpacker


def _inflated(archive: IO[bytes]) -> Iterator[bytes]:
    # a second gzip member, say: some readers go on with it, others stop silently (RFC 1952 allows several)
    if (yield from _member(archive, b"")) or archive.read(1):
        raise refused("something follows its end")


def _all_inflated(archive: IO[bytes]) -> Iterator[bytes]:
    """Of every gzip member; zeros behind the last one, which fill a tape, are no harm."""
    rest = yield from _member(archive, b"")
    while True:
        while not rest.strip(b"\0"):
            rest = archive.read(_PIECE_BYTES)
            if not rest:
                return
        rest = yield from _member(archive, rest)


def _member(archive: IO[bytes], begin: bytes) -> Generator[bytes, None, bytes]:
    """What one gzip member holds, whose first bytes are `begin`; gives back what was read behind its end."""
    inflating = zlib_ng.decompressobj(wbits=31)
    while not inflating.eof:
        piece, begin = inflating.unconsumed_tail or begin or archive.read(_PIECE_BYTES), b""
        # a bounded piece: a few bytes may inflate to a thousand times as much
        plain = inflating.decompress(piece, _PIECE_BYTES)
        yield plain
        if not piece and not plain:
            raise refused("it is cut off")
    return inflating.unused_data


def settle(whole: Unpacked, folder: Path) -> None:
    """What can only be judged, or made, when every file is there: the number of members, names used twice, links.

    Raises:
        IntegrityError: the archive must not be unpacked.
    """
    if whole.member_count > MAX_MEMBERS:
        raise refused(f"it has more than {MAX_MEMBERS} members")
    # files were made with O_EXCL; a folder or a link may have come to several processes
    name, times = next(iter(Counter((*whole.folders, *(link for link, _ in whole.links))).most_common(1)), (b"", 0))
    if times > 1:
        raise refused("it is there twice", name)
    make_links(folder, whole.links)


def _unpacked(group: Sequence[Fragment], last: Fragment, bodies: Bodies, folder: Path, root: str) -> Unpacked:
    unpacker = Unpacker(folder, root, limit_bytes=sum(fragment.plain_length for fragment in group))
    try:
        for fragment in group:
            unpacker.feed(bodies.plain(fragment))
        return unpacker.finish(is_end_of_tar=group[-1] is last)
    finally:
        unpacker.close()


def _by_processes(
    count: int, work: Sequence[Sequence[Fragment]], last: Fragment, bodies: Bodies, folder: Path, root: str
) -> Iterator[Unpacked]:
    # fork, as children inherit the open files and the work
    context = multiprocessing.get_context("fork")
    # Children share the position in a file of numbers: what one has read, no other reads (read(2), Linux 3.14). Nothing
    # waits in a queue.
    with tempfile.TemporaryFile() as tasks:
        tasks.write(b"".join(map(_NUMBER.pack, range(len(work)))))
        tasks.flush()
        os.lseek(tasks.fileno(), 0, os.SEEK_SET)

        parent = os.getpid()

        def one_of_them(connection: Connection) -> None:
            _reset_signals()
            _end_with(parent)
            try:
                found: object = [
                    _unpacked(work[number], last, bodies, folder, root) for number in _numbers(tasks.fileno())
                ]
            except BaseException as error:  # noqa: BLE001  # it is raised in the parent
                found = error
            # nobody may be left to hear it
            with suppress(OSError):
                connection.send(found)

        crew, connections = [], []
        try:
            for _ in range(count):
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=one_of_them, args=(theirs,))
                process.start()
                theirs.close()  # or the pipe would not end with the child
                crew.append(process)
                connections.append(ours)
            yield from _results(connections)
        finally:
            for process in crew:
                # when one failed, what the others write is going to be removed
                process.kill()
                process.join()


def _results(connections: Iterable[Connection]) -> Iterator[Unpacked]:
    left = list(connections)
    while left:
        for connection in wait(left):
            assert isinstance(connection, Connection)
            try:
                found = connection.recv()
            except EOFError:
                raise StoreUnavailable(
                    "a process that unpacked was ended by something else",
                    why="perhaps there was not enough memory",
                    fix="try again; `dmesg` tells whether the kernel ended it",
                ) from None
            if isinstance(found, BaseException):
                raise found
            left.remove(connection)
            yield from found


def _numbers(file: int) -> Iterator[int]:
    while True:
        piece = os.read(file, _NUMBER.size)
        if not piece:
            return
        yield _NUMBER.unpack(piece)[0]


def _reset_signals() -> None:
    # the parent decides; Ctrl-C reaches the whole group, and one message is enough
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends: nobody needs what it would write."""
    # prctl(2), linux/prctl.h; Python has no call for it
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before
        os._exit(1)
