"""How old is old enough."""

from __future__ import annotations

import pytest

from venvbuild.package_index import MinAge


@pytest.fixture
def week() -> MinAge:
    found = MinAge.of(7, ["tiny: we publish it: always"], "2026-11-29T12:00:00Z")
    assert found
    return found


def test_no_days_are_no_age() -> None:
    assert MinAge.of(0, ["tiny: x"], "2026-11-29T12:00:00Z") is None


@pytest.mark.parametrize(
    ("uploaded_at", "is_old"),
    [
        ("2026-11-22T12:00:00Z", True),
        ("2026-11-22T12:00:01Z", False),
        ("2026-11-29T12:00:00Z", False),
        ("9999-12-31T23:59:59Z", False),
        ("0999-01-01T00:00:00Z", True),
        (None, False),
    ],
)
def test_seven_days_are_counted_to_the_second(week: MinAge, uploaded_at: str | None, is_old: bool) -> None:
    assert week.admits("other", uploaded_at) is is_old
    assert week.admits("tiny", uploaded_at)


def test_the_instants_are_those_that_people_are_told(week: MinAge) -> None:
    assert (week.latest, week.before) == ("2026-11-22T12:00:00Z", "2026-11-22T12:00:01Z")
    assert week.old_enough_at("2026-11-28T00:00:00Z") == "2026-12-05T00:00:00Z"
    assert week.old_enough_at("9999-12-31T23:59:59Z") == "9999-12-31T23:59:59Z"
    assert week.reasons == {"tiny": "we publish it: always"}
