"""Which tests bin/test runs: all but the slow ones, unless it is asked for more."""

from __future__ import annotations

import pytest

from tests import suite

PYTEST = ["-m", "pytest"]
USUAL = [*PYTEST, "-m", "not slow"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["tests/test_bin.py", "-k", "first"], [*USUAL, "tests/test_bin.py", "-k", "first"]),
        (["--all", "tests/test_bin.py"], [*PYTEST, "tests/test_bin.py"]),
        (["tests/test_bin.py", "--all"], [*PYTEST, "tests/test_bin.py"]),
        (["tests/test_bin.py", "-m", "slow"], [*USUAL, "tests/test_bin.py", "-m", "slow"]),
        (["-m", "", "tests/test_bin.py"], [*USUAL, "-m", "", "tests/test_bin.py"]),
    ],
    ids=" ".join,
)
def test_arguments_run_pytest_alone_and_come_after_what_leaves_the_slow_ones_out(
    given: list[str], expected: list[str]
) -> None:
    assert suite.commands(given) == [expected]


@pytest.mark.parametrize(("given", "expected"), [([], USUAL), (["--all"], PYTEST)], ids=["usual", "all"])
def test_the_whole_run_leaves_the_slow_ones_out_unless_all_are_asked_for(given: list[str], expected: list[str]) -> None:
    commands = suite.commands(given)
    assert [one[:2] for one in commands[:3]] == [["-m", "ruff"], ["-m", "ruff"], ["-m", "mypy"]]
    [tests] = [one for one in commands if "pytest" in one]
    expected = ["-m", "coverage", "run", *expected, "-n"]
    assert tests[: len(expected)] == expected
