"""Asking many things at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from venvbuild import parallel


def test_where_no_process_has_cores_of_its_own_it_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parallel.cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    assert parallel.cores() == os.cpu_count()


def test_answers_come_in_the_order_of_the_questions() -> None:
    last = threading.Event()

    def answer(number: int) -> int:
        if number == 3:
            last.set()
        last.wait(5)  # whoever was asked first answers last
        return number * 10

    assert parallel.each(answer, [1, 2, 3]) == [10, 20, 30]


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_each_is_asked_once_whatever_the_number_of_workers(count: int) -> None:
    asked: list[int] = []
    parallel.each(asked.append, range(count), workers=3)
    assert sorted(asked) == list(range(count))


def test_no_more_are_asked_at_once_than_there_are_workers() -> None:
    now, most, lock = [0], [0], threading.Lock()
    both = threading.Barrier(2, timeout=5)

    def answer(number: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        both.wait()
        with lock:
            now[0] -= 1
        both.wait()

    parallel.each(answer, range(6), workers=2)
    assert most == [2]


def test_the_first_error_by_the_order_of_the_questions_is_raised_when_all_have_answered() -> None:
    second, asked = threading.Event(), list[int]()

    def answer(number: int) -> None:
        asked.append(number)
        if number == 1:
            second.wait(5)
        if number == 2:
            second.set()
        raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        parallel.each(answer, [1, 2, 3])
    assert sorted(asked) == [1, 2, 3]


def test_nobody_waits_for_one_who_is_silent() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        parallel.each(lambda number: number == 1 or never.wait(5), [1, 2], timeout_s=0.05)
    never.set()


class Lingering(threading.Thread):
    """Ends a while after its last answer, as on a busy machine."""

    def run(self) -> None:
        super().run()
        time.sleep(0.1)


def test_who_has_all_answers_is_alone_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", Lingering)
    parallel.each(str, range(8))
    assert not any(isinstance(thread, Lingering) for thread in threading.enumerate())


def test_answers_are_taken_in_turn_whoever_is_faster() -> None:
    last = threading.Event()

    def answer(number: int) -> int:
        if number == 3:
            last.set()
        last.wait(5)
        return number * 10

    assert list(parallel.in_turn(answer, [1, 2, 3])) == [10, 20, 30]


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_in_turn_too_each_is_asked_once(count: int) -> None:
    asked: list[int] = []
    assert list(parallel.in_turn(asked.append, range(count), workers=3, ahead=0)) == [None] * count
    assert sorted(asked) == list(range(count))


def test_no_more_is_asked_than_may_wait_to_be_taken() -> None:
    given: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            given.append(number)
            yield number

    answers = parallel.in_turn(str, items(), workers=2, ahead=3)
    assert next(answers) == "0"
    assert len(given) == 2 + 3 + 1
    assert list(answers) == [str(number) for number in range(1, 100)]


def test_an_error_is_raised_in_its_turn_and_nothing_begins_after_it() -> None:
    go_on, asked, before = threading.Event(), list[int](), set(threading.enumerate())

    def answer(number: int) -> int:
        asked.append(number)
        if number == 1:
            raise ValueError("one")
        if number == 2:
            go_on.wait(5)
        return number

    taking = parallel.in_turn(answer, range(50), workers=1)
    assert next(taking) == 0
    with pytest.raises(ValueError, match="one"):
        next(taking)
    go_on.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(asked) <= {0, 1, 2}, "what waited was begun although nobody takes it"


def test_who_stops_taking_waits_for_nobody() -> None:
    never = threading.Event()

    def answer(number: int) -> int:
        if number:
            never.wait(60)
        return number

    taking = parallel.in_turn(answer, range(3), workers=3)
    assert next(taking) == 0
    taking.close()
    assert not never.is_set()
    never.set()


def test_who_answers_at_once_is_asked_by_nobody_beside_us_and_who_is_slow_is() -> None:
    by = list(parallel.in_turn(lambda _: threading.get_ident(), range(300), quick_s=60))
    assert set(by) == {threading.get_ident()}

    def slow(number: int) -> tuple[int, int]:
        time.sleep(0.001)
        return number, threading.get_ident()

    found = list(parallel.in_turn(slow, range(300), quick_s=1e-9))
    assert [number for number, _ in found] == list(range(300))
    assert found[0][1] == threading.get_ident()
    assert threading.get_ident() not in {by for _, by in found[1:]}
