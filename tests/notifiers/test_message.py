"""What people are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.outcomes import made_up
from venvbuild.notifiers import message
from venvbuild.notifiers.changes import Changes
from venvbuild.notifiers.message import EVENTS, MAX_LENGTH, compose
from venvbuild.redaction import Redactor
from venvbuild.run import Complaint, Outcome, Step, Summary

STEPS = (Step("check", "passed", 1.0), Step("create", "failed", None))


def failed(*problems: Complaint, **changes: object) -> Outcome:
    summary = Summary("sales", "3.11", "create")
    values = {"summary": summary, "problems": problems, "conflicts": (), "exit_code": 4, "steps": STEPS, "metadata": {}}
    return made_up(**{**values, **changes})


def test_a_failure_says_what_where_why_and_what_to_do() -> None:
    problem = Complaint("there is no absent 1.0", "pins.txt:2", "the index has 1.1", "write absent==1.1", line=2)
    told = compose("failure", failed(problem), Changes("venv_20261120_063000", ("a 1 -> 2",)), "venvbuild-work")
    assert (told.title, told.kind) == ("FAILED sales (py3.11) at create: there is no absent 1.0", "failure")
    assert told.body == (
        "pins.txt:2: there is no absent 1.0\n  why: the index has 1.1\n  fix: write absent==1.1\n\n"
        "exit code 4, at the step create\n\n"
        "Changed since the last good build, venv_20261120_063000:\n  a 1 -> 2\n\n"
        "packages: 2\nrequirements: pins.txt\nrevision: 0123456789abcdef\n\n"
        "job: https://ci.example.com/job/environments/42/\n"
        "console: https://ci.example.com/job/environments/42/console\n"
        "report: https://ci.example.com/job/environments/42/artifact/venvbuild-work/report/index.html\n\n"
        "The last lines of the log:\none\ntwo"
    )


def test_ten_conflicts_are_told_and_the_rest_counted() -> None:
    conflicts = tuple(Complaint(f"conflict {number}") for number in range(12))
    told = compose("failure", failed(conflicts=conflicts, exit_code=5), None)
    assert told.title == "FAILED sales (py3.11) at create: 12 conflicts"
    assert "conflict 9\n  and 2 more\n" in told.body
    assert "conflict 10" not in told.body


def test_a_recovery_says_what_there_is_now_and_no_log() -> None:
    summary = Summary("sales", "3.11", None, 2, 0, "venv_20261121_063000", "file:///store")
    told = compose("fixed", made_up(summary=summary, conflicts=()), Changes("venv_20261120_063000", ()))
    assert (told.title, told.kind) == ("FIXED sales (py3.11): conflict free", "success")
    assert "No pin changed since the last good build, venv_20261120_063000." in told.body
    assert "build: venv_20261121_063000\nstore: file:///store\n" in told.body
    assert "duration: 10 s\n" in told.body
    assert "log" not in told.body


@pytest.mark.parametrize(("since", "named"), [("venv_20261120_063000", ", venv_20261120_063000,"), ("", "")])
def test_changes_that_cannot_be_told_are_said_to_be_so(since: str, named: str) -> None:
    told = compose("failure", failed(), Changes(since, (), "file:///store/x: it is another one" + "x" * 999))
    assert f"What changed since the last good build{named} cannot be told:\n  file:///store/x: it is an" in told.body
    assert max(map(len, told.body.splitlines())) <= 300
    assert "No pin changed" not in told.body


def test_what_the_store_says_is_a_line_that_no_screen_obeys() -> None:
    evil = "\x1b[2J\u202e\x9b1A\nFORGED"
    told = compose("failure", failed(build_url=evil, last_lines=(evil,)), Changes("", (), evil))
    assert told.body.count(r"\x1b[2J\u202e\x9b1A\nFORGED") == 2
    assert not set("\x1b\u202e\x9b") & set(told.title + told.body)


def test_a_failure_of_something_else_in_the_job_is_not_laid_on_the_environment() -> None:
    told = compose("failure", made_up(conflicts=()), None)
    assert (told.title, told.kind) == ("FAILED after sales (py3.11) was built", "failure")
    assert told.body.startswith(
        "The environment is built; something else in the job failed: see the console.\n\nbuild: venv_20261121_063000\n"
    )
    for event in ("fixed", "unstable", "success"):
        assert "something else" not in compose(event, made_up(conflicts=()), None).body
    assert "something else" not in compose("failure", failed(), None).body


def test_a_run_that_never_began_is_told_too() -> None:
    assert compose("failure", None, None).title == "FAILED venvbuild"


def test_a_refused_parameter_has_no_name_to_tell() -> None:
    refused = failed(Complaint("it is refused", "ENV_NAME"), summary=Summary())
    assert compose("failure", refused, None).title == "FAILED a refused run at check: it is refused"


@pytest.mark.parametrize("event", EVENTS)
def test_it_never_grows_over_what_slack_takes(event: str) -> None:
    many = tuple(Complaint("x" * 2000, "y" * 2000, "z" * 2000, "w" * 2000) for _ in range(100))
    full = failed(*many, build_url="https://" + "b" * 390, source_revision="r" * 2000, last_lines=("l" * 500,) * 40)
    for run in (full, failed(last_lines=("l" * 500,) * 40)):
        told = compose(event, run, Changes("venv_20261120_063000", tuple("d" * 2000 for _ in range(100))))
        assert len(told.body) <= MAX_LENGTH
        assert len(told.title) < 200
        assert "\nconsole: https://" in told.body
    assert "The last lines" in told.body


@pytest.fixture
def redactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redactor]:
    own = Redactor()
    monkeypatch.setattr(message, "REDACTOR", own)
    return iter([own])


def test_no_secret_is_told(redactor: Iterator[Redactor]) -> None:
    next(redactor).hide("hunter22")
    problem = Complaint("a hunter22", "b hunter22", "c hunter22", "d hunter22")
    told = compose("failure", failed(problem, last_lines=("e hunter22",)), Changes("f hunter22", ("g hunter22",)))
    assert "hunter22" not in told.title + told.body
    assert told.body.count("****") >= 6
