"""Asking many things at once, so that an interruption is not kept waiting for the slowest answer."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_SLOW_ONES = 200
"""So many times what is quick may be spent in all beyond that: others use this machine too."""


def cores() -> int:
    """How many this process may use."""
    # macOS tells of no process which ones they are
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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

    # Not a ThreadPoolExecutor, whose threads Python waits for at exit.
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, count))]
    for thread in threads:
        thread.start()
    try:
        answers = sorted((done.get(timeout=timeout_s) for _ in range(count)), key=lambda answer: answer[0])
    except queue.Empty:
        raise TimeoutError from None
    for thread in threads:  # they have nothing left to do, and whoever forks next has to be the only thread
        thread.join()
    for _, _, error in answers:
        if error:
            raise error
    return [answer for _, answer, _ in answers]


def begin(call: Callable[[], R]) -> Callable[[], R]:
    """Begin `call` beside us. What is returned is called once, waits for its answer, and raises what it raised.

    It is a daemon's, as in `each`: who never asks for the answer waits for nobody.
    """
    done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put((call(), None))
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits
            done.put((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def answer() -> R:
        result, error = done.get()
        thread.join()  # as in `each`
        if error:
            raise error
        return result  # type: ignore[no-any-return]

    return answer


def in_turn(
    call: Callable[[T], R], items: Iterable[T], workers: int = 8, ahead: int = 64, quick_s: float = 0.0
) -> Generator[R, None, None]:
    """`call` of every item, one after the other as they are taken; an exception is raised in its turn.

    What is under way and what waits to be taken are `workers` and `ahead` together at most: that is what memory has to
    hold. Whoever stops taking (an exception, an interruption) waits for nobody: what is under way ends by itself or
    with the process, and nothing else begins.

    As long as an answer takes less than `quick_s`, as from a disk of this machine, nobody works beside us: to hand a
    question to a thread and its answer back takes longer than that.
    """
    pending = iter(items)
    if quick_s:
        yield from _alone(call, pending, quick_s)
    todo: queue.SimpleQueue[tuple[T, queue.SimpleQueue[tuple[Any, BaseException | None]]] | None] = queue.SimpleQueue()
    waiting: deque[queue.SimpleQueue[tuple[Any, BaseException | None]]] = deque()
    begun = 0

    def work() -> None:
        while one := todo.get():
            item, answer = one
            try:
                answer.put((call(item), None))
            except BaseException as error:  # noqa: BLE001  # handed to whoever takes it
                answer.put((None, error))

    def taken() -> R:
        result, error = waiting.popleft().get()
        if error:
            raise error
        return result  # type: ignore[no-any-return]

    try:
        for item in pending:
            if len(waiting) == workers + ahead:
                yield taken()
            waiting.append(queue.SimpleQueue())
            todo.put((item, waiting[-1]))
            if begun < workers:
                threading.Thread(target=work, daemon=True).start()
                begun += 1
        while waiting:
            yield taken()
    finally:
        with suppress(queue.Empty):
            while True:
                todo.get_nowait()
        for _ in range(begun):
            todo.put(None)


def _alone(call: Callable[[T], R], items: Iterator[T], quick_s: float) -> Iterator[R]:
    """The first answers, as long as they are quick on the whole."""
    left_s = _SLOW_ONES * quick_s
    for item in items:
        begun_at = time.perf_counter()
        answer = call(item)
        left_s += quick_s - (time.perf_counter() - begun_at)
        yield answer
        if left_s < 0:
            return
