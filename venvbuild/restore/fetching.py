"""Gets the fragments of an archive: from the cache what it has, from the store the rest, each checked.

What the store had to give is written at its own offset into a scratch file (sparse), so that memory does not grow with
the archive and the processes that unpack can read it, whatever becomes of the cache meanwhile.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Self, TypeVar

from zlib_ng import zlib_ng

from venvbuild.archive import FragmentCache
from venvbuild.builds import ArchiveIndex, Fragment, places
from venvbuild.errors import IntegrityError
from venvbuild.parallel import each

Item = TypeVar("Item")
ReadRange = Callable[[int, int], bytes]
"""(offset, length) -> these bytes of the archive; fewer only at its end."""

THREADS = 4
# Neighbours are fetched together up to this much; times THREADS it is what fetching holds in memory.
_RANGE_BYTES = 16 << 20
_MAX_FRAGMENT_BYTES = 128 << 20
"""Of one fragment, compressed or plain; the packer cuts at 32 MB."""
_MAX_FRAGMENTS = 100_000
_MAX_RATIO = 200
_ALWAYS_ALLOWED_BYTES = 1 << 30


class Evicted(Exception):
    """A fragment that was in the cache is no longer there."""


@dataclass(frozen=True)
class Bodies:
    """Where the compressed fragments are at hand."""

    file: int
    """A descriptor of a file with fragments at their offsets."""
    in_file: frozenset[int]
    """Offsets of the fragments that are in the file; the others are in the cache."""
    cache: FragmentCache | None = None
    is_file_checked: bool = False
    """Whether each fragment in the file was already compared with its sha256, as the cache does it on every read."""

    def plain(self, fragment: Fragment) -> bytes:
        """The plain bytes of a fragment, checked.

        Raises:
            IntegrityError: they are not what the index says. Evicted: the cache no longer has it.
        """
        if fragment.offset in self.in_file:
            body: bytes | None = os.pread(self.file, fragment.length, fragment.offset)
            is_checked = self.is_file_checked
        else:
            body = self.cache.get(fragment.sha256) if self.cache else None
            is_checked = True
        if body is None:
            raise Evicted
        return inflated(fragment, body, is_checked=is_checked)


class DamagedFragment(IntegrityError):
    """The archive or its index is not what was promised."""

    def __init__(self, what: str, where: str) -> None:
        self.what, self.where = what, where
        super().__init__(
            f"the archive or its index is damaged: {what}",
            where=where,
            fix="nothing was unpacked; `venvbuild verify` says which file of the build is damaged",
            rule="FRAGMENT",
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Processes that unpack hand it over; an exception is made again from its arguments."""
        return type(self), (self.what, self.where)


def check_limits(index: ArchiveIndex) -> None:
    """Refuse an index whose numbers no archive of ours has, before anything is allocated for them.

    Raises:
        IntegrityError: says which.
    """
    if index.plain_bytes > plain_limit(index.archive_size_bytes):
        raise _wrong(f"{index.plain_bytes} bytes cannot be in an archive of {index.archive_size_bytes}")
    if len(index.fragments) > _MAX_FRAGMENTS:
        raise _wrong(f"it has more than {_MAX_FRAGMENTS} fragments")
    for fragment in index.fragments:
        if max(fragment.length, fragment.plain_length) > _MAX_FRAGMENT_BYTES:
            raise _wrong(f"a fragment has more than {_MAX_FRAGMENT_BYTES} bytes", fragment)
    if index.fragments[0].continues:
        raise _wrong("its first fragment continues another one")


def plain_limit(archive_size_bytes: int) -> int:
    """More plain bytes than an archive of this size can have, unless it is made to fill the disk."""
    return max(_ALWAYS_ALLOWED_BYTES, _MAX_RATIO * archive_size_bytes)


def groups(fragments: Iterable[Fragment]) -> list[list[Fragment]]:
    """The fragments that must be read one after the other, because a member goes on from one to the next."""
    found: list[list[Fragment]] = []
    for fragment in fragments:
        if fragment.continues:
            found[-1].append(fragment)
        else:
            found.append([fragment])
    return found


def missing(index: ArchiveIndex, cache: FragmentCache, *, thorough: bool) -> list[Fragment]:
    """What the cache does not have, in order; when `thorough`, also what it has damaged: each entry is read for it."""
    if not thorough:
        return [fragment for fragment in index.fragments if not cache.has(fragment.sha256, fragment.length)]
    found = each(lambda fragment: cache.get(fragment.sha256) is not None, index.fragments, THREADS)
    return [fragment for fragment, is_there in zip(index.fragments, found, strict=True) if not is_there]


def fetch(
    wanted: Sequence[Fragment],
    read_range: ReadRange,
    scratch: int,
    cache: FragmentCache,
    on_bytes: Callable[[int], None],
) -> None:
    """Read `wanted`, neighbours together, several ranges at a time, into the file `scratch` and the cache.

    `on_bytes` is told how many more bytes have come, checked.

    Raises:
        IntegrityError: what came is not what the index says. StoreUnavailable, NotInStore: by `read_range`.
    """

    def keep(neighbours: Sequence[Fragment], came: bytes) -> int:
        first, body = neighbours[0], memoryview(came)
        for fragment in neighbours:
            start = fragment.offset - first.offset
            part = body[start : start + fragment.length]
            _check(fragment, part)
            write_at(scratch, part, fragment.offset)
            cache.put(bytes(part), fragment.sha256)
        return len(body)

    def get(neighbours: Sequence[Fragment]) -> bytes:
        first, last = neighbours[0], neighbours[-1]
        return read_range(first.offset, last.offset + last.length - first.offset)

    for count in in_threads(get, keep, _ranges(wanted)):
        on_bytes(count)


def in_threads(
    get: Callable[[Item], bytes], keep: Callable[[Item, bytes], int], items: Iterable[Item]
) -> Iterator[int]:
    """What `keep(item, get(item))` gives for each item, as they are done, by THREADS threads.

    Whoever stops listening (an error, Ctrl-C) does not wait for a server that is silent: the threads end with their
    answers or with the process, and nothing is kept any more.
    """
    # Not `parallel`: `keep` has to run in these threads too, as it hashes what comes, and must not be cut off.
    left, done = SimpleQueue[Item](), SimpleQueue[int | BaseException]()
    count = 0
    for item in items:
        left.put(item)
        count += 1
    stopped, keeping = Event(), [Lock() for _ in range(min(THREADS, count))]

    def work(mine: Lock) -> None:
        while not stopped.is_set():
            try:
                item = left.get_nowait()
                body = get(item)
                with mine:
                    if not stopped.is_set():
                        done.put(keep(item, body))
            except Empty:
                return
            except BaseException as error:  # noqa: BLE001  # it is raised where somebody listens
                done.put(error)
                return

    threads = [Thread(target=work, args=(lock,), daemon=True) for lock in keeping]
    for thread in threads:
        thread.start()
    try:
        for _ in range(count):
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield result
        for thread in threads:
            thread.join()
    finally:
        stopped.set()
        for lock in keeping:  # what is being kept is kept whole
            with lock:
                pass


def inflated(fragment: Fragment, body: bytes, *, is_checked: bool = False) -> bytes:
    """The plain bytes of `body`, which must be this fragment, compressed; never more than the index says.

    `is_checked` tells that the sha256 of `body` was compared a moment ago.

    Raises:
        IntegrityError: the compressed or the plain bytes are not what the index says.
    """
    if not is_checked or len(body) != fragment.length:
        _check(fragment, body)
    inflating = zlib_ng.decompressobj(wbits=-15)
    try:
        # one byte more than there may be, to see that there are more
        plain = inflating.decompress(body, fragment.plain_length + 1)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub says int
        raise _wrong("a fragment cannot be inflated", fragment) from error
    # no block of a fragment is the final one
    if inflating.eof or inflating.unconsumed_tail:
        raise _wrong("a fragment does not end where it should", fragment)
    if len(plain) != fragment.plain_length or hashlib.sha256(plain).hexdigest() != fragment.plain_sha256:
        raise _wrong("a fragment does not hold the plain bytes that the index says", fragment)
    return plain


def _ranges(wanted: Sequence[Fragment]) -> Iterator[list[Fragment]]:
    """Runs of neighbours, each of at most `_RANGE_BYTES`, or one fragment that is larger."""
    run: list[Fragment] = []
    for fragment in wanted:
        if run and (
            fragment.offset != run[-1].offset + run[-1].length
            or fragment.offset + fragment.length - run[0].offset > _RANGE_BYTES
        ):
            yield run
            run = []
        run.append(fragment)
    if run:
        yield run


def _check(fragment: Fragment, body: bytes | memoryview) -> None:
    if len(body) != fragment.length or hashlib.sha256(body).hexdigest() != fragment.sha256:
        raise _wrong("a fragment is not what the index says", fragment)


def write_at(file: int, body: memoryview, offset: int) -> None:
    """All of `body` at `offset` of an open file."""
    while body:
        count = os.pwrite(file, body, offset)
        body, offset = body[count:], offset + count


def _wrong(what: str, fragment: Fragment | None = None) -> IntegrityError:
    of = f" of {fragment.distribution}" if fragment and fragment.distribution else ""
    return DamagedFragment(what, f"the fragment{of} at byte {fragment.offset}" if fragment else places.ARCHIVE_INDEX)
