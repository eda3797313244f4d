"""The files of the index on this machine, each fetched once: they never change.

<cache>/<digest of the store>/index/<segment>/packages/000.parquet, and beside it 000.look: how the file looked when its
bytes were found to be what they should be. What still looks so was not written to since.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from athena.index.current import REBUILD, REBUILD_WITHOUT, Index, IndexFile, Segment
from athena.index.segments import MadeSegment
from athena.rows import cache_folder_of, kept, make_way, places
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.files import regular, write_whole
from venvbuild.parallel import in_turn
from venvbuild.stores import Store

_KEPT_S = 3600  # a segment that nobody uses is kept so long: another process may be reading it
_READ_AT_ONCE = 8
_MOST_LOOK_BYTES = 1000


class IndexCache:
    """Files of the segments of one store, below `folder`; several processes may use it at once.

    For questions, which read little of a file, its look is enough. Who makes new segments of them `reads_all`: what is
    published is made of the right bytes, even where the disk lost one.
    """

    def __init__(self, store: Store, folder: Path, *, reads_all: bool = False) -> None:
        self._store = store
        self._folder = cache_folder_of(store, folder) / "index"
        self._reads_all = reads_all
        self._read: set[Path] = set()

    def builds(self, segments: Iterable[Segment]) -> list[Path]:
        """The files of builds of these segments.

        Raises:
            IntegrityError: a file is gone, or is not what it should be; names it.
            StoreUnavailable, UsageError: the store fails or refuses.
        """
        return self._paths([(segment, segment.builds) for segment in segments])

    def packages(self, segments: Iterable[Segment], names: tuple[str, ...] | None = None) -> list[Path]:
        """The files of packages, those that may hold one of `names`."""
        return self._paths([(one, file) for one in segments for file in one.packages if file.has_any(names)])

    def keep(self, made: MadeSegment) -> None:
        """Take the files of a segment that was just made."""
        for file in made.segment.files:
            self._keep(made.segment, file, made.path(file).read_bytes())

    def remove_unused(self, index: Index) -> None:
        """Remove segments that are not of this index and that nobody has used for an hour."""
        current = {segment.name for segment in index.segments}
        with suppress(OSError):  # it only makes room
            for path in self._folder.glob("*") if self._folder.is_dir() else ():
                with suppress(FileNotFoundError):
                    if path.name not in current and path.stat().st_mtime < time.time() - _KEPT_S:
                        shutil.rmtree(path, ignore_errors=True)

    def _paths(self, wanted: Sequence[tuple[Segment, IndexFile]]) -> list[Path]:
        paths = [self._found(segment, file) for segment, file in wanted]
        missing = [number for number, path in enumerate(paths) if path is None]
        # Only fetched side by side: kept they are here, where an interruption leaves no half of a file behind.
        bodies = in_turn(lambda one: read_index_file(self._store, *wanted[one]), missing, _READ_AT_ONCE, ahead=0)
        for number, body in zip(missing, bodies, strict=True):
            paths[number] = self._keep(*wanted[number], body)
        for folder in {self._folder / segment.name for segment, _ in wanted}:
            with suppress(OSError):  # it may be another user's
                os.utime(folder)  # by this `remove_unused` sees that it is used
        return [path for path in paths if path]

    def _is_there(self, path: Path, file: IndexFile) -> bool:
        """Whether it is there, whole: a byte that changed on this disk must come into no answer and no new segment."""
        # another user's may be closed to us, and what is no regular file is not there
        with suppress(OSError), regular(path) as opened:
            # of the file that is read, whatever takes its name meanwhile
            facts = os.fstat(opened.fileno())
            may_trust = not self._reads_all or path in self._read
            if facts.st_size != file.size_bytes:
                return False
            if may_trust and _text_of(_beside(path)) == _text(facts):
                return True
            if hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256:
                self._remember(path, facts)
                self._read.add(path)
                return True
        return False

    def _found(self, segment: Segment, file: IndexFile) -> Path | None:
        """Where it is, whole; None where it has to be fetched."""
        paths = (folder / f"{file.name}.parquet" for folder in places(self._folder / segment.name))
        return next((path for path in paths if self._is_there(path, file)), None)

    def _keep(self, segment: Segment, file: IndexFile, body: bytes) -> Path:
        """Take a file with the right bytes."""

        def keep(folder: Path) -> Path:
            path = folder / f"{file.name}.parquet"
            self._write(path, body)
            with suppress(FileNotFoundError):  # somebody may sweep
                self._remember(path, path.stat())
            return path

        return kept(self._folder / segment.name, keep)

    def _remember(self, path: Path, facts: os.stat_result) -> None:
        with suppress(OSError):  # it only spares reading the file
            self._write(_beside(path), _text(facts).encode())

    def _write(self, path: Path, body: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_way(path)
        write_whole(path, body)


def _beside(path: Path) -> Path:
    """Where it is kept how this file looked."""
    return path.with_suffix(".look")


def _text(facts: os.stat_result) -> str:
    # ctime too: whoever writes to a file can set its mtime back, and not that
    return json.dumps([facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino])


def _text_of(path: Path) -> str:
    with suppress(OSError, ValueError), regular(path) as file:
        return file.read(_MOST_LOOK_BYTES).decode()
    return ""


def read_index_file(store: Store, segment: Segment, file: IndexFile) -> bytes:
    """A file of the index, as it should be.

    Raises:
        IntegrityError: it is gone, or another one. StoreUnavailable, UsageError: the store fails or refuses.
    """
    key = segment.key(file)
    try:
        body = store.read(key, file.size_bytes).body
    except NotInStore as error:
        raise _bad(store.uri(key), "it is not there") from error
    except IntegrityError as error:  # no file, or larger than what was written: not fetched
        [found] = error.problems
        is_no_file = found.rule in ("NO_OBJECT", "IS_FOLDER")
        raise _bad(store.uri(key), found.what, REBUILD_WITHOUT if is_no_file else REBUILD) from error
    # told too large makes no answer wrong, but by its size what is kept here would never be found again
    if (len(body), hashlib.sha256(body).hexdigest()) != (file.size_bytes, file.sha256):
        raise _bad(store.uri(key), "its bytes are not those that were written")
    return body


def _bad(where: str, why: str, fix: str = REBUILD) -> IntegrityError:
    return IntegrityError("a file of the index is damaged", where=where, why=why, fix=fix, rule="BAD_INDEX")
