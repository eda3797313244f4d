"""Jenkinsfile.maintenance, the nightly job: checked, and run on a store with builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.agent import Agent
from tests.support.groovy import Ended, Groovy
from tests.support.scripts import REPOSITORY

TEXT = (REPOSITORY / "Jenkinsfile.maintenance").read_text("utf-8")
ALL_WELL = {"Compact": "SUCCESS", "Check": "SUCCESS"}


def maintain(agent: Agent) -> Ended:
    agent.given["pipeline"] = TEXT
    return agent.run()


def test_the_checker_finds_neither_errors_nor_warnings(groovy: Groovy) -> None:
    assert groovy.check(TEXT) == []
    assert "cron('H 3 * * *')" in TEXT


def test_every_shell_text_is_in_single_quotes_with_the_credentials_around_it(groovy: Groovy) -> None:
    job = groovy.read(TEXT)
    assert {(shell["kind"], shell["quote"]) for shell in job["shells"]} == {("constant", "'")}
    assert all("inStore" in shell["inside"] for shell in job["shells"])
    commands = [shell["text"] for shell in job["shells"]]
    assert commands == ["bin/venvbuild table compact", "bin/venvbuild table check"]


def test_it_is_well_on_a_store_with_builds_and_on_an_empty_one(agent_on_moto: Agent) -> None:
    assert maintain(agent_on_moto).stages == ALL_WELL
    del agent_on_moto.given["pipeline"]
    assert agent_on_moto.run().result == "SUCCESS"
    ended = maintain(agent_on_moto)
    assert (ended.result, ended.stages) == ("SUCCESS", ALL_WELL), ended.console
    assert len(agent_on_moto.builds) == 1


def test_what_compaction_cannot_mend_makes_it_unstable_and_is_named(agent: Agent) -> None:
    assert agent.run().result == "SUCCESS"
    stray = Path(agent.place.url, "venv-catalog/builds/README.txt")
    stray.write_text("no row")
    ended = maintain(agent)
    assert (ended.result, ended.stages) == ("UNSTABLE", {**ALL_WELL, "Check": "UNSTABLE"}), ended.console
    assert "README.txt" in ended.console


@pytest.mark.parametrize(("command", "stage"), [("compact", "Compact"), ("check", "Check")])
def test_a_command_that_fails_fails_the_run_with_its_code(agent: Agent, command: str, stage: str) -> None:
    agent.given["pipeline"] = TEXT.replace(f"table {command}'", f"table {command} --store s3://bucket-that-is-none'")
    agent.place.env.update(VENVBUILD_S3_ENDPOINT_URL="http://127.0.0.1:1", AWS_EC2_METADATA_DISABLED="true")
    ended = agent.run()
    assert (ended.result, ended.stages[stage], ended.codes[stage]) == ("FAILURE", "FAILURE", 2), ended.console
    assert "script returned exit code 2" in ended.console
