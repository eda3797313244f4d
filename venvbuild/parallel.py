"""Asking many things at once, so that an interruption is not kept waiting for the slowest answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(call: Callable[[T], R], items: Iterable[T], workers: int = 8, timeout_s: float | None = None) -> list[R]:
    """`call` of every item, in the order of `items`; the first exception by that order is raised at the end.

    The threads are daemons: when we are interrupted, or `timeout_s` is over (`TimeoutError`), nobody waits for them.
    """
    todo: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
    count = 0
    for number, item in enumerate(items):
        todo.put((number, item))
        count = number + 1

    def work() -> None:
        while True:
            try:
                number, item = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, call(item), None))
            except BaseException as error:  # noqa: BLE001  # handed to whoever waits
                done.put((number, None, error))

    for _ in range(min(workers, count)):
        # Not a ThreadPoolExecutor, whose threads Python waits for at exit.
        threading.Thread(target=work, daemon=True).start()
    try:
        answers = sorted((done.get(timeout=timeout_s) for _ in range(count)), key=lambda answer: answer[0])
    except queue.Empty:
        raise TimeoutError from None
    for _, _, error in answers:
        if error:
            raise error
    return [answer for _, answer, _ in answers]
