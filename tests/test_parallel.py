"""Asking many things at once."""

from __future__ import annotations

import threading

import pytest

from venvbuild import parallel


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
