"""What is tried again, how often, after which pauses, and what is said of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from venvbuild.errors import IndexUnavailable, StoreUnavailable, UsageError
from venvbuild.retrying import repeated, retried, tries


class Swept(StoreUnavailable):
    is_final = True


def failing(*errors: Exception) -> Callable[[], str]:
    """A call that raises these, one after the other, and then gives an answer."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


def never(_seconds: float) -> None:
    raise AssertionError("there is nothing to wait for")


def test_what_a_retry_cures_is_tried_three_times_and_told(caplog: pytest.LogCaptureFixture) -> None:
    waited: list[float] = []
    with caplog.at_level(logging.WARNING, "venvbuild"):
        call = failing(StoreUnavailable("busy", where="s3://b"), StoreUnavailable("still busy"))
        assert retried(call, waited.append) == "answer"
    assert waited == [2.0, 4.0]
    assert caplog.messages == ["s3://b: busy; trying again (2 of 3)", "still busy; trying again (3 of 3)"]


def test_the_third_failure_is_the_callers() -> None:
    with pytest.raises(StoreUnavailable, match="third"):
        retried(failing(*(StoreUnavailable(n) for n in ("first", "second", "third"))), lambda _: None)


@pytest.mark.parametrize(
    "error", [UsageError("no right"), IndexUnavailable("not the store"), Swept("gone"), ValueError("ours")], ids=repr
)
def test_what_no_retry_cures_is_raised_at_once(error: Exception) -> None:
    waited: list[float] = []
    with pytest.raises(type(error)):
        retried(failing(error), waited.append)
    assert waited == []


def test_what_is_curable_may_be_something_else() -> None:
    assert retried(failing(IndexUnavailable("down")), lambda _: None, curable=IndexUnavailable) == "answer"


def test_whoever_repeats_is_asked_of_every_failure_but_the_last() -> None:
    asked: list[tuple[str, int]] = []

    def helps(error: Exception, number: int) -> bool:
        asked.append((str(error), number))
        return True

    with pytest.raises(ValueError, match="c"):
        repeated(failing(*map(ValueError, "abc")), helps, (0.1, 0.2), lambda _: None)
    assert asked == [("a", 2), ("b", 3)]


def test_an_interruption_is_no_failure() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repeated(interrupted, lambda *_: True, (0.0,), never)


def test_tries_have_their_pauses_between_them() -> None:
    waited: list[float] = []
    seen = [(number, list(waited)) for number in tries((1.0, 3.0), waited.append)]
    assert seen == [(1, []), (2, [1.0]), (3, [1.0, 3.0])]


def test_who_has_succeeded_waits_no_more() -> None:
    for _ in tries((1.0,), never):
        break
