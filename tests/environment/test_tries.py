"""Few questions to the resolver: each asked once, none without end; and the fewest items that fail together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import supply
from tests.support.wheels import wheel
from venvbuild.environment.tries import OutOfTries, Question, Tries, fewest


@pytest.mark.parametrize("cause", [*combinations(range(5), 1), *combinations(range(5), 2), *combinations(range(5), 3)])
def test_the_fewest_that_fail_together_are_found(cause: tuple[int, ...]) -> None:
    assert fewest(range(5), lambda some: {*cause} <= {*some}) == list(cause)


def test_of_nothing_the_fewest_are_none() -> None:
    assert fewest([], lambda some: True) == []


def test_of_two_causes_one_is_found_whole_and_alone() -> None:
    found = fewest(range(8), lambda some: {1, 6} <= {*some} or {2, 5, 7} <= {*some})
    assert found in ([1, 6], [2, 5, 7])


def test_among_a_hundred_few_sets_are_tried() -> None:
    tried = list[Sequence[int]]()

    def fails(some: Sequence[int]) -> bool:
        tried.append(some)
        return {17, 80} <= {*some}

    assert fewest(range(100), fails) == [17, 80]
    assert len(tried) < 30


def test_a_question_is_asked_once(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "tiny", "1.0")
    tries = Tries(supply(index, tmp_path), 60)
    first = tries.ask(Question(("tiny==1.0",)))
    asked = len(index.requests)
    assert first.versions == {"tiny": "1.0"}
    assert tries.ask(Question(("tiny==1.0",))) is first
    assert len(index.requests) == asked


def test_what_was_left_open_may_be_the_oldest(index: IndexServer, tmp_path: Path) -> None:
    for version in ("1.0", "2.0", "3.0"):
        wheel(index.folder, "tiny", version)
    tries = Tries(supply(index, tmp_path), 60)
    oldest, newest = tries.ask_each([Question(("tiny>1",), lowest=True), Question(("tiny>1",))])
    assert oldest
    assert newest
    assert (oldest.versions, newest.versions) == ({"tiny": "2.0"}, {"tiny": "3.0"})


def test_without_time_nothing_is_known(index: IndexServer, tmp_path: Path) -> None:
    tries = Tries(supply(index, tmp_path), 0)
    with pytest.raises(OutOfTries):
        tries.ask(Question(("tiny==1.0",)))
    assert tries.ask_each([Question(("tiny==1.0",))]) == [None]


def test_of_a_try_nothing_is_left(index: IndexServer, tmp_path: Path) -> None:
    given = supply(index, tmp_path / "work")
    assert Tries(given, 60).ask(Question(("absent==1.0",), ("absent==2.0",))).versions is None
    assert list((tmp_path / "work").iterdir()) == []
