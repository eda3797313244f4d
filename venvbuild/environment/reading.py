"""The files of a new environment, read whole once, by a process for each core."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from venvbuild.environment import hash_files
from venvbuild.environment.empty import EmptyVenv
from venvbuild.environment.hash_files import POLL_S, RECORD, SHARES, UNREAD
from venvbuild.files import amount_of
from venvbuild.installed import Look, Seen
from venvbuild.parallel import cores
from venvbuild.process import CommandFailed, clean_environment, run

log = logging.getLogger(__name__)

_SCRIPT = Path(hash_files.__file__)
# -I, -S: of us neither variables nor folder; it needs nothing that is installed.
_FLAGS = ("-I", "-S", "-B")
_TIMEOUT_S = 600
_PACKAGES_WORTH_IT = 10
_BYTES_WORTH_IT = 100_000_000
"""So many take longer to read than another process takes to start."""
_MOST = 8
"""More processes would wait for the disk, or for each other's shares."""


class Read(NamedTuple):
    """What was read. Paths are relative to the environment."""

    base: EmptyVenv
    """What belongs to no distribution: it was not read."""
    there: frozenset[str]
    """Of all else that is no folder."""
    empty: frozenset[str]
    """Folders with nothing in them, but for those of `base`."""
    seen: Mapping[str, Seen]
    """By path: of those, the files that could be read."""

    def completed(self, venv: Path, written: Collection[str]) -> Mapping[str, Seen]:
        """With all other files of `venv` and those that were `written` since, read now; without what is gone."""
        before = {path: seen for path, seen in self.seen.items() if path not in written}
        read = hash_files.reader(os.fspath(venv))
        rest = {*self.there, *self.base.paths, *written}.difference(before)
        return before | dict(_seen({path: read(path) for path in rest}))


class Reading:
    """Other processes, one for each core but ours, read from the beginning of the block on; ours reads with them in
    `finish`, and does before what else there is to do. (Threads would wait for the interpreter's lock at each small
    file.)
    """

    def __init__(self, venv: Path, base: EmptyVenv, *, package_count: int = 0) -> None:
        """Of what is in `venv` but for `base`, which was there before."""
        self._venv, self._base, self._changed = os.fspath(venv), base, set[str]()
        self._is_large = package_count >= _PACKAGES_WORTH_IT
        self._is_over = False
        # daemons, as in `each`: nobody waits for them when we are interrupted
        numbers = range(min(cores(), _MOST) - 1)
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in numbers]

    def __enter__(self) -> Reading:
        self._folder = tempfile.mkdtemp(prefix=".reading-", dir=os.path.dirname(self._venv))
        if self._is_large:
            self._call_help()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        shutil.rmtree(self._folder, ignore_errors=True)  # by which the others see that nobody wants more
        self._join()  # whoever forks next has to be the only thread
        shutil.rmtree(self._folder, ignore_errors=True)  # they may have taken one more share meanwhile

    def forget(self, changed: Collection[str]) -> None:
        """These paths were changed since the beginning: `finish` reads them, and looks anew for what is there."""
        self._changed.update(changed)

    def finish(self) -> Read:
        """All of it."""
        paths = self._paths()
        read, ours, records = hash_files.reader(self._venv), set[int](), dict[str, bytes]()
        for share in hash_files.taken(self._folder):
            ours.add(share)
            records.update((path, read(path)) for path in hash_files.share_of(paths, share))
        self._join()
        told = self._told(paths)
        for share in ours.symmetric_difference(range(SHARES)):
            # without all of it, as from one that was killed, it is read by us
            mine = hash_files.share_of(paths, share)
            records.update(zip(mine, told.get(share) or map(read, mine), strict=True))
        if self._changed:
            paths = hash_files.paths_of(self._venv, self._base.paths)
            for path in self._changed:
                records.pop(path, None)
            records.update((path, read(path)) for path in self._changed.intersection(paths))
        empty = [path[:-1] for path in takewhile(_is_folder, reversed(paths))]
        there = frozenset(paths[: len(paths) - len(empty)])
        return Read(self._base, there, frozenset(empty), dict(_seen(records)))

    def _paths(self) -> list[str]:
        while self._is_large:
            is_listing = any(thread.is_alive() for thread in self._threads[:1])
            with suppress(FileNotFoundError):
                return hash_files.read_paths(self._folder, "paths")
            if not is_listing:
                break
            time.sleep(POLL_S)
        paths = hash_files.paths_of(self._venv, self._base.paths)
        hash_files.write_paths(self._folder, "paths", paths)  # for those who wait for it
        if not self._is_large and amount_of([Path(self._venv)]).size_bytes >= _BYTES_WORTH_IT:
            self._call_help()
        return paths

    def _call_help(self) -> None:
        hash_files.write_paths(self._folder, "base", self._base.paths)
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        command: list[str | Path] = [sys.executable, *_FLAGS, _SCRIPT, self._venv, self._folder, str(number)]
        try:
            run(command, env=clean_environment(), timeout_s=_TIMEOUT_S, stop=lambda _: self._is_over)
        except (CommandFailed, OSError) as failure:
            log.debug("no other process helps to read: %s", failure)

    def _told(self, paths: Sequence[str]) -> dict[int, list[bytes]]:
        """By share, what the other processes read of its files."""
        found = dict[int, list[bytes]]()
        for number in range(len(self._threads)):
            at, body = 0, b""
            with suppress(OSError):
                body = Path(self._folder, hash_files.seen_by(number)).read_bytes()
            while at < len(body):
                share, begin = body[at], at + 1
                at = begin + len(hash_files.share_of(paths, share)) * RECORD.size
                if at <= len(body):
                    found[share] = [body[one : one + RECORD.size] for one in range(begin, at, RECORD.size)]
        return found

    def _join(self) -> None:
        for thread in self._threads:
            if thread.is_alive():
                thread.join()


def read_all(venv: Path, base: EmptyVenv) -> Read:
    """What is in `venv` but for `base`, read now."""
    with Reading(venv, base) as reading:
        return reading.finish()


def _is_folder(path: str) -> bool:
    return path[-1] == "/"


def _seen(records: dict[str, bytes]) -> Iterator[tuple[str, Seen]]:
    for path, record in records.items():
        if record != UNREAD:
            *look, digest, _ = RECORD.unpack(record)
            yield path, Seen(Look(*look), digest.hex())
