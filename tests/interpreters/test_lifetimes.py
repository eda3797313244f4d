"""Which Pythons are past their end, and what is said of these."""

from __future__ import annotations

from datetime import date

import pytest

from venvbuild.interpreters.lifetimes import ENDS, past_its_end
from venvbuild.settings.parameters import OLDEST_PYTHON


@pytest.mark.parametrize(
    ("version", "last_day", "end"),
    [
        ("3.8", date(2024, 10, 31), "2024-10"),
        ("3.9", date(2025, 10, 31), "2025-10"),
        ("3.10", date(2026, 10, 31), "2026-10"),
        ("3.15", date(2031, 10, 31), "2031-10"),
    ],
)
def test_it_is_said_with_the_month_from_the_day_after_it(version: str, last_day: date, end: str) -> None:
    assert past_its_end(version, last_day) == ""
    said = past_its_end(version, date.fromordinal(last_day.toordinal() + 1))
    assert said.startswith(f"Python {version} reached its end of life in {end}: ")


def test_the_oldest_that_is_mended_is_named_while_there_is_one() -> None:
    assert past_its_end("3.8", date(2026, 11, 29)).endswith("the oldest that is mended is 3.11")
    assert past_its_end("3.8", date(2040, 1, 1)).endswith("in it since")


def test_of_a_python_that_is_not_known_nothing_is_said() -> None:
    assert past_its_end("3.99", date(2100, 1, 1)) == ""


def test_each_python_that_environments_are_made_for_has_its_month_in_the_order_of_time() -> None:
    minors = [int(version.removeprefix("3.")) for version in ENDS]
    assert minors == [*range(minors[0], OLDEST_PYTHON[1] - 1, -1)]
    assert list(ENDS.values()) == sorted(ENDS.values(), reverse=True)
