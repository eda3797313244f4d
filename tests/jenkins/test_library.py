"""`venvBuild`, the step for a team's own pipeline: the stages of the Jenkinsfile, from this repository as a library."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent import ALL_WELL, JENKINSFILE, REPORTS, STAGES, Agent, only_groovy
from tests.support.groovy import Ended, Groovy
from tests.support.receivers import Webhook
from tests.support.s3_servers import SECRET_KEY
from tests.support.scripts import REPOSITORY, tool_cache_with_notify
from tests.support.sizes import WAITING

STEP = (REPOSITORY / "vars" / "venvBuild.groovy").read_text("utf-8")
EXAMPLE = (REPOSITORY / "examples" / "jenkins" / "Jenkinsfile").read_text("utf-8")
SETTINGS = "[ENV_NAME: 'sales', PYTHON_VERSION: '3.11', REQUIREMENTS_FILE: 'requirements.txt']"
ENVIRONMENT = "Environment"
"""The team's own stage."""


@dataclass
class Team:
    """A repository with a Jenkinsfile and a requirements file; the tool is elsewhere on the agent."""

    agent: Agent
    tool: Path

    def run(self, settings: str = SETTINGS, text: tuple[str, str] = ("@Library", "@Library"), **more: Any) -> Ended:
        """With other settings in the call, and another text elsewhere in the example."""
        job = self.agent.job()
        store = {"VENVBUILD_STORE": self.agent.place.url, "VENVBUILD_HOME": str(self.tool)}
        self.agent.given.update(
            pipeline=EXAMPLE.replace(SETTINGS, settings).replace(*text),
            library=REPOSITORY,
            params={},
            env={**job.env, **store},
            **more,
        )
        return self.agent.groovy.run(self.agent.job())


@pytest.fixture
def team(agent: Agent) -> Team:
    tool = agent.folder / "the tool"
    agent.source.rename(tool)
    agent.source.mkdir()
    agent.pins("tiny==1.0", file="requirements.txt")
    return Team(agent, tool)


def test_the_checker_finds_nothing_in_the_step_and_in_the_example(groovy: Groovy) -> None:
    assert groovy.check_library(STEP) == []
    assert groovy.check(EXAMPLE, ["venvBuild"]) == []
    assert SETTINGS in EXAMPLE


def test_a_value_in_a_shell_text_of_the_step_is_found(groovy: Groovy) -> None:
    [problem] = groovy.check_library(STEP.replace("sh '\"$VENVBUILD_HOME/bin/create\"'", 'sh "bin/create ${given.x}"'))
    assert re.match(r"[0-9]+: error: sh: Groovy puts values", problem)


def test_the_step_does_what_the_jenkinsfile_does(groovy: Groovy) -> None:
    """One source: whoever changes one has to change the other."""
    theirs, ours = groovy.read(JENKINSFILE), groovy.read(STEP)
    around = ["Parameters", "Agent", "Environment"]
    assert [*around, *ours["stages"]] == theirs["stages"]
    here = STEP.replace('"$VENVBUILD_HOME/bin/', "bin/")
    for shell in theirs["shells"]:
        script = shell["text"].split(" ")[0]
        assert re.search(rf"'{script}\"[ ']", here), script
    assert [one["stage"] for one in ours["shells"]] == [one["stage"] for one in theirs["shells"]]
    guarded = [
        [(one["stage"], "withCredentials" in one["inside"]) for one in facts["shells"]] for facts in (ours, theirs)
    ]
    assert guarded[0] == guarded[1]
    assert archived(STEP) == archived(JENKINSFILE)
    for function in ("List storeCredentials()", "void quietly(Closure", "void publish(String"):
        assert function_of(STEP, function) == function_of(JENKINSFILE, function)
    assert function_of(here, "void send()").replace('bin/notify"', "bin/notify").replace(
        '"${env.VENVBUILD_HOME}/bin/notify)', "'bin/notify')"
    ) == function_of(JENKINSFILE, "void send()")
    assert function_of(here, "void showReports()").replace("report\"'", "report'") == function_of(
        JENKINSFILE, "void showReports()"
    )


def function_of(text: str, start: str) -> str:
    """The text of one function of the file."""
    begin = text.index(f"\n{start}")
    return text[begin : text.index("\n}", begin)]


def archived(text: str) -> str:
    found = re.search(r"archiveArtifacts\((.*?)\)", text, re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


def test_a_team_builds_its_own_file(team: Team) -> None:
    ended = team.run(commit="feedface")
    assert ended.result == "SUCCESS", ended.console
    assert ended.stages == {ENVIRONMENT: "SUCCESS", **ALL_WELL}
    assert {f"venvbuild-work/{name}" for name in (*REPORTS, "report/index.html")} <= set(ended.archived)
    assert ended.tests is not None
    assert ended.tests["failed"] == 0
    [(version, build)] = team.agent.builds.items()
    assert (build["env_name"], build["source_revision"]) == ("sales", "feedface")
    assert ended.display_name == "#42 sales py3.11"
    assert str(ended.description).startswith(f"{version}, 2 packages, conflict free, ")


def test_a_team_on_s3_names_its_credentials(agent_on_moto: Agent, team: Team) -> None:
    settings = SETTINGS.replace("]", f", STORE: '{agent_on_moto.place.url}', AWS_CREDENTIALS_ID: 'store-key']")
    ended = team.run(settings)
    assert ended.result == "SUCCESS", ended.console
    assert SECRET_KEY not in ended.console
    assert len(agent_on_moto.builds) == 1


@pytest.mark.parametrize(("fails", "result"), [("true", "FAILURE"), ("false", "UNSTABLE")])
def test_conflicts_of_a_team_fail_or_are_recorded(team: Team, fails: str, result: str) -> None:
    team.agent.pins("needy==1.0", "other==2.0", file="requirements.txt")
    ended = team.run(SETTINGS.replace("]", f", FAIL_ON_CONFLICTS: {fails}]"))
    assert ended.result == result, ended.console
    assert ended.stages["Create" if result == "FAILURE" else "Inspect"] == result
    assert len(team.agent.builds) == (result == "UNSTABLE")
    if result == "FAILURE":
        assert "ERROR: script returned exit code 5\nFinished: FAILURE" in ended.console
        assert ended.description == "stopped at create, 1 conflict"
        assert STAGES[-1] not in ended.stages


def test_the_tool_is_checked_out_when_the_team_says_from_where(team: Team) -> None:
    team.agent.source.joinpath("requirements.txt").rename(team.tool / "requirements.txt")
    team.agent.source.rmdir()
    team.tool.rename(team.agent.source)  # the runner has one source for every checkout
    ended = team.run(SETTINGS.replace("]", ", tool: [$class: 'GitSCM', branches: [[name: 'v0.1.0']]]]"))
    assert ended.result == "SUCCESS", ended.console
    assert len(team.agent.builds) == 1


@WAITING
@pytest.mark.parametrize(
    "tool",
    [
        pytest.param("", id="on the agent", marks=pytest.mark.slow),
        pytest.param(", tool: [$class: 'GitSCM']", id="checked out"),
    ],
)
def test_a_team_tells_of_a_failure_and_of_the_recovery(team: Team, hook: Webhook, tool: str) -> None:
    tool_cache_with_notify()
    if tool:  # the runner has one source for every checkout
        shutil.copytree(team.tool, team.agent.source, dirs_exist_ok=True)
        shutil.rmtree(team.tool)
    secret = {"team": {"type": "string", "secret": f"json://{hook.place}/secret-token-123"}}
    told: dict[str, Any] = {
        "settings": SETTINGS.replace("]", f", NOTIFY_CREDENTIALS_ID: 'team'{tool}]"),
        "credentials": secret,
    }
    team.agent.pins("needy==1.0", "other==2.0", file="requirements.txt")
    assert team.run(**told, previous="SUCCESS").result == "FAILURE"
    team.agent.pins("tiny==1.0", file="requirements.txt")
    ended = team.run(**told, previous="FAILURE")
    assert (ended.result, "secret-token" in ended.console) == ("SUCCESS", False), ended.console
    assert [post["title"] for _, post in hook.posts] == [
        "FAILED sales (py3.11) at create: 1 conflict",
        "FIXED sales (py3.11): conflict free",
    ]


def test_reports_of_an_earlier_run_are_not_taken_for_this_ones(team: Team) -> None:
    team.agent.given["stub"] = ["cleanWs"]
    assert team.run().result == "SUCCESS"
    team.agent.pins("tiny", file="requirements.txt")
    ended = team.run()
    assert (ended.result, ended.codes["Check"]) == ("FAILURE", 3)
    assert ended.description == "stopped at check"
    assert "venvbuild-work/metadata.json" not in ended.archived


def test_a_report_that_fails_changes_no_result(team: Team) -> None:
    only_groovy(team.tool / "bin")
    for script in ("report", "summary"):
        (team.tool / "bin" / script).write_text("#!/bin/sh\nexit 7\n")
    assert team.run().result == "SUCCESS"
    (team.tool / "bin" / "create").write_text("#!/bin/sh\nexit 5\n")
    ended = team.run()
    assert ended.result == "FAILURE"
    assert "ERROR: script returned exit code 5\nFinished: FAILURE" in ended.console


@pytest.mark.parametrize("settings", [SETTINGS.replace("'sales'", "''"), SETTINGS.replace("'3.11'", "''")])
def test_an_empty_value_that_is_needed_is_refused_before_anything_runs(team: Team, settings: str) -> None:
    ended = team.run(settings)
    assert (ended.result, ended.shells) == ("FAILURE", []), ended.console
    assert " is empty, and Jenkins hands on no empty one" in ended.console


def test_what_is_wrong_with_telling_changes_no_result(team: Team) -> None:
    only_groovy(team.tool / "bin")
    ended = team.run(
        SETTINGS, previous="FAILURE", text=("venvBuild.tell('fixed', settings)", "venvBuild.tell('fixed', [X: 1])")
    )
    assert (ended.result, "fixed" in ended.post) == ("SUCCESS", True), ended.console
    assert "Nobody was notified: venvBuild does not know X" in ended.console


def test_a_value_of_the_call_is_never_obeyed(team: Team) -> None:
    ended = team.run(SETTINGS.replace("'sales'", "'x; touch PWNED'"))
    assert (ended.result, ended.codes["Check"]) == ("FAILURE", 3), ended.console
    assert not list(team.agent.folder.rglob("PWNED*"))


def test_a_misspelt_name_is_said_before_anything_runs(team: Team) -> None:
    ended = team.run(SETTINGS.replace("ENV_NAME", "ENV_NAEM"))
    assert (ended.result, ended.shells) == ("FAILURE", [])
    assert "ERROR: venvBuild does not know ENV_NAEM; it takes ENV_NAME, " in ended.console


def test_without_the_library_the_step_is_not_there(team: Team) -> None:
    team.agent.given["pipeline"] = EXAMPLE
    ended = team.agent.groovy.run(team.agent.job())
    assert "No such DSL method 'venvBuild'" in ended.console
