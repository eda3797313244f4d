"""Whoever does not answer in time is left behind."""

from __future__ import annotations

import threading

from venvbuild.notifiers.deadline import Deadline


def raises() -> str:
    raise ValueError("no")


def test_each_gives_its_answer_its_error_or_nothing() -> None:
    never = threading.Event()
    answer, error, silence = Deadline(0.5).run([lambda: "yes", raises, lambda: str(never.wait())])
    never.set()
    assert answer == "yes"
    assert isinstance(error, ValueError)
    assert silence is None


def test_what_one_question_takes_is_not_there_for_the_next() -> None:
    never = threading.Event()
    deadline = Deadline(0.2)
    assert deadline.run([lambda: str(never.wait())]) == [None]
    assert deadline.run([lambda: str(never.wait())]) == [None]
    never.set()


def test_it_tells_whether_somebody_is_still_at_work() -> None:
    never = threading.Event()
    deadline = Deadline(0.1)
    deadline.run([lambda: "yes"])
    assert not deadline.has_left_behind()
    deadline.run([lambda: str(never.wait())])
    assert deadline.has_left_behind()
    never.set()


def test_a_question_may_be_given_less() -> None:
    never = threading.Event()
    assert Deadline(3600).run([lambda: str(never.wait())], 0.1) == [None]
    never.set()
