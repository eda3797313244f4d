"""Words in place of marks: each form of a result, a moment, a time, a revision."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.outcomes import made_up
from venvbuild.reports import words
from venvbuild.run import STEPS, Outcome, Step, Summary

DIGEST = "0123456789abcdef" * 4


def stopped(step: str, status: str, **changes: Any) -> Outcome:
    """A run whose step did not end well; of made-up conflicts, unless there are others."""
    steps = [Step(name, "passed" if STEPS.index(name) < STEPS.index(step) else "not run", None) for name in STEPS]
    steps[STEPS.index(step)] = Step(step, status, None)
    return made_up(summary=Summary("sales", "3.11", step), steps=tuple(steps), **changes)


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (made_up(conflicts=()), "Built and stored without conflicts."),
        (made_up(), "Built and stored with 1 conflict, which this run allows."),
        (
            stopped("create", "failed", exit_code=5),
            "Failed at the step create: 1 conflict, and this run allows none. Nothing was stored.",
        ),
        (stopped("check", "failed", exit_code=3), "Refused before anything was built. Nothing was stored."),
        (stopped("check", "failed", exit_code=2), "Failed at the step check. Nothing was stored."),
        (stopped("pack", "failed", exit_code=8), "Failed at the step pack. Nothing was stored."),
        (stopped("upload", "failed", exit_code=7), "Failed at the step upload."),
        (
            stopped("register", "failed", exit_code=7),
            "Failed at the step register. The build is stored, but not in the catalog.",
        ),
        (
            stopped("create", "not ended"),
            "Not finished: the step create was cut short, or is still at work. Nothing was stored.",
        ),
        (stopped("pack", "not run"), "Not finished: the step pack has not been run. Nothing was stored."),
    ],
)
def test_the_result_is_told_in_sentences(outcome: Outcome, result: str) -> None:
    assert words.result(outcome) == result


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2025-07-02T08:30:59Z", "2 July 2025, 08:30 UTC"),
        ("2026-12-31T23:59:00Z", "31 December 2026, 23:59 UTC"),
        ("", ""),
        ("2026-13-31T23:59:00Z", "2026-13-31T23:59:00Z"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_moment_is_a_day_and_a_time(text: str, told: str) -> None:
    assert words.moment(text) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "less than a second"),
        (0.99, "less than a second"),
        (1, "1 second"),
        (59.4, "59 seconds"),
        (59.6, "1 minute"),
        (125, "2 minutes 5 seconds"),
        (3600, "1 hour"),
        (3661, "1 hour 1 minute"),
        (7259.9, "2 hours 1 minute"),
    ],
)
def test_a_time_is_told_to_the_second_or_to_the_minute(seconds: float, told: str) -> None:
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        (DIGEST[:40], "0123456789ab"),
        (DIGEST, "0123456789ab"),
        (DIGEST[:39], DIGEST[:39]),
        ("20261121063000", "20261121063000"),
        ("v1.2-3-gabcdef0", "v1.2-3-gabcdef0"),
        ("", ""),
    ],
)
def test_a_revision_is_short_where_it_is_a_digest(revision: str, told: str) -> None:
    assert words.revision(revision) == told
