"""Which tests bin/test runs: all but the slow ones, unless it is asked for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import suite
from tests.support import s3_servers, trino_server
from tests.support.groovy import Groovy

PYTEST = ["-m", "pytest"]
USUAL = [*PYTEST, "-m", "not slow"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["tests/test_bin.py", "-k", "first"], [*USUAL, "tests/test_bin.py", "-k", "first"]),
        (["--all", "tests/test_bin.py"], [*PYTEST, "tests/test_bin.py"]),
        (["tests/test_bin.py", "--all"], [*PYTEST, "tests/test_bin.py"]),
        (["--fast", "tests/test_bin.py"], [*PYTEST, "-m", "fast", "tests/test_bin.py"]),
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


def test_the_fast_tier_is_linted_and_not_measured() -> None:
    *lint, tests = suite.commands(["--fast"])
    assert [one[:2] for one in lint] == [["-m", "ruff"], ["-m", "ruff"], ["-m", "mypy"]]
    assert tests[:4] == [*PYTEST, "-m", "fast"]


def test_a_fast_test_starts_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VENVBUILD_TEST_FAST", "1")
    starting = [
        s3_servers.running("moto", lambda _port, _folder: ["true"], tmp_path),
        trino_server._running(tmp_path, tmp_path),
    ]
    for one in starting:
        with pytest.raises(pytest.fail.Exception, match="marked fast starts"), one:
            pass
    with pytest.raises(pytest.fail.Exception, match="marked fast starts a JVM"):
        Groovy(tmp_path / "log")
