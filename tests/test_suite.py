"""Which tests bin/test runs: all but the slow ones, unless it is asked for more."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import coverage
import pytest

from tests import suite
from tests.support import s3_servers, trino_server
from tests.support.groovy import Groovy
from tests.support.tool import Tool

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


def test_the_fast_tier_has_most_tests_of_parts_and_none_of_the_whole(request: pytest.FixtureRequest) -> None:
    """Of those that were collected together with this one: all, or this file alone."""
    for item in request.session.items:
        if item.get_closest_marker("fast"):
            assert not item.nodeid.startswith(("tests/end_to_end/", "tests/jenkins/", "tests/test_bin.py"))
            assert "tool" not in getattr(item, "fixturenames", ())
    assert request.node.get_closest_marker("fast")


@pytest.mark.untraced
@pytest.mark.xdist_group("untraced")
def test_coverage_measures_nothing_while_a_test_is_marked_so() -> None:
    assert coverage.Coverage.current() is None


@pytest.mark.xdist_group("untraced")  # after the one above, in its process
def test_what_the_tool_runs_in_is_a_fork_where_that_makes_no_difference(tool: Tool) -> None:
    assert tool.forks
    assert tool.forks.fit(tool.environment())
    for variable in ("PYTHONHASHSEED", "LC_ALL", "TZ"):
        assert not tool.forks.fit(tool.environment(**{variable: "1"}))


@pytest.mark.parametrize(
    "arguments", [["--version"], ["list", "--json"], ["show", "sales@latest"], ["config", "--no-such-flag"], ["--help"]]
)
def test_a_fork_says_and_ends_as_a_new_process_does(tool: Tool, arguments: list[str]) -> None:
    assert tool.run(*arguments) == replace(tool, forks=None).run(*arguments)


def test_a_fork_is_killed_and_does_not_outlive_its_time(tool: Tool) -> None:
    requirements = tool.requirements("good==1.0")
    killed, late = (
        tool.fork("build", "-r", requirements, VENVBUILD_INDEX_URL=tool.index.url("hang")) for _ in range(2)
    )
    assert tool.index.hanging.wait(60)
    killed.kill()
    assert killed.end(timeout_s=60).returncode == -signal.SIGKILL
    with pytest.raises(subprocess.TimeoutExpired):
        late.end(timeout_s=0.01)
    assert [tool.run("--version").code for _ in range(4)] == [0] * 4  # who forks them is still there
