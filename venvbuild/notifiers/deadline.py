"""So much time for everything that waits for others: who has not answered by then is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Work(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self.result: T | None = None
        self.error: Exception | None = None
        self._work = work
        # A daemon: this process ends although a server never answers.
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except Exception as error:  # noqa: BLE001  # told to whoever asks; a thread's traceback would go to stderr as it is
            self.error = error


class Deadline:
    """Begins when it is made."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._begun: list[_Work[Any]] = []

    def run(self, works: Sequence[Callable[[], T]], at_most_s: float | None = None) -> list[T | Exception | None]:
        """What each gives back or raises, all begun at once; None of one that takes longer than there is time."""
        # Not `parallel.each`: who has answered counts, although others have not.
        end = self._end if at_most_s is None else min(self._end, time.monotonic() + at_most_s)
        begun = [_Work(work) for work in works]
        self._begun += begun
        for one in begun:
            one.thread.join(max(0.0, end - time.monotonic()))
        return [None if one.thread.is_alive() else one.error or one.result for one in begun]

    def has_left_behind(self) -> bool:
        """Whether somebody is still at work who was not waited for. Libraries have threads of their own that an
        ordinary end of the process would wait for, as long as a server trickles.
        """
        return any(one.thread.is_alive() for one in self._begun)
