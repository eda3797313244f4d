"""What ended a command is told in words that somebody reads to the end."""

from __future__ import annotations

import json

import pytest

from venvbuild.console import failures
from venvbuild.errors import Problem, RequirementsRefused


def unpinned(count: int) -> list[Problem]:
    return [Problem.at("r.txt", n, f"p{n} is not pinned", "why", "fix", "UNPINNED") for n in range(1, count + 1)]


def told(
    problems: list[Problem], capsys: pytest.CaptureFixture[str], *, as_json: bool = False
) -> tuple[list[str], str]:
    """The lines on stderr, and stdout."""
    assert failures.told(RequirementsRefused.of(problems), as_json=as_json) == 3
    captured = capsys.readouterr()
    return captured.err.splitlines(), captured.out


def test_of_one_kind_twenty_are_shown_and_then_how_many_more(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = told(unpinned(4_312), capsys)
    assert len(lines) == 21
    assert lines[19].startswith("r.txt:20: p20 ")
    assert lines[20] == "and 4,292 more like it (all of them in --json)"


def test_json_has_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = told(unpinned(4_312), capsys, as_json=True)
    assert len(json.loads(out)["error"]["problems"]) == 4_312


def test_twenty_are_all_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = told(unpinned(20), capsys)
    assert len(lines) == 20


def test_another_kind_is_shown_however_many_there_are_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    other = Problem.at("r.txt", 41, "b==1 has no hash", "why", "fix", "HASH_MISSING")
    lines, _ = told([*unpinned(40), other], capsys)
    assert lines[20:] == ["and 20 more like it (all of them in --json)", other.as_line()]


def test_problems_that_break_no_rule_are_all_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = told([Problem(f"object {n} is no row", f"key/{n}") for n in range(30)], capsys)
    assert len(lines) == 30
