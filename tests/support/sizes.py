"""Tests whose work can be small or large (races, kills, matrices), and which of them share a worker."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

HEAVY = pytest.mark.xdist_group("heavy")
"""Of tests that keep many processes busy at once: one worker runs them all, so never two of them side by side."""
WAITING = pytest.mark.xdist_group("waiting")
"""Of tests that mostly wait until a retry or a time-out is over: one worker runs them while the others work."""


def sizes(small: object, large: object) -> list[object]:
    """Parameters of one test: the small form always runs, the large one under `bin/test --all`."""
    return [pytest.param(small, id="small"), pytest.param(large, id="large", marks=pytest.mark.slow)]


def ends(values: Sequence[str], *others: str) -> list[object]:
    """Parameters of a matrix, each with `others`: the first and the last always run, those between only when all do."""
    between = [pytest.param(value, *others, marks=pytest.mark.slow) for value in values[1:-1]]
    return [pytest.param(values[0], *others), *between, pytest.param(values[-1], *others)]
