"""Threads that work ahead, within bounds, and give their results in the order of the work."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from venvbuild.archive import compression
from venvbuild.interpreters import Compiler

T = TypeVar("T")

# What may be made and not yet written: enough that a long piece keeps no thread waiting.
_AHEAD_BYTES = 4 * compression.PIECE_BYTES


@contextlib.contextmanager
def working(threads: int | None, compiler: Compiler | None) -> Iterator[Workers]:
    """Workers as long as the block lasts, two at least; when it fails, what waits is given up and `compiler` ends."""
    # A pool: calls come from several queues at once, and how far ahead they may be is bounded by bytes, not by number.
    with ThreadPoolExecutor(threads or max(2, os.cpu_count() or 2), "pack") as pool:
        try:
            yield Workers(pool)
        except BaseException:
            if compiler:
                compiler.stop.set()
            # Else the end of the `with` waits for everything that was submitted (concurrent.futures).
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Workers:
    """Threads, and results in the order in which the work was given; how much is under way is bounded."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def results(self, calls: Iterable[tuple[int, Callable[[], T]]]) -> Iterator[T]:
        """What each call returned; with each comes how many bytes it may hold until its result was taken."""
        waiting: deque[tuple[int, Future[T]]] = deque()
        ahead_bytes = 0
        for size, call in calls:
            waiting.append((size, self._pool.submit(call)))
            ahead_bytes += size
            while waiting and (ahead_bytes > _AHEAD_BYTES or waiting[0][1].done()):
                size, first = waiting.popleft()
                yield first.result()
                ahead_bytes -= size
        while waiting:
            yield waiting.popleft()[1].result()
