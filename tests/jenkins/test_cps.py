"""The Groovy of this repository in Jenkins' Groovy engine: it survives each step, and it needs no script approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.groovy import Groovy
from tests.support.scripts import REPOSITORY

pytestmark = pytest.mark.xdist_group("cps")
"""What the cases came to is shared by the tests."""
ALLOWED = {
    line
    for line in Path(__file__).with_name("allowed_signatures.txt").read_text("utf-8").splitlines()
    if line and line[0] not in "#["
}
TEAM = "examples/jenkins/Jenkinsfile"
SETTINGS = "[ENV_NAME: 'sales', PYTHON_VERSION: '3.11', REQUIREMENTS_FILE: 'requirements.txt']"
FORM = {
    "ENV_NAME": "sales",
    "FAIL_ON_CONFLICTS": "true",
    "REQUIREMENTS_FILE": "requirements.txt",
    "STORE": "s3://bucket/team",
    "AGENT_LABEL": "linux",
    "AWS_CREDENTIALS_ID": "store-key",
    "NOTIFY_CREDENTIALS_ID": "team",
}
"""What a user gives the Jenkinsfile."""
AGENT = {"VENVBUILD_AWS_CREDENTIALS_ID": "store-key", "VENVBUILD_NOTIFY_CREDENTIALS_ID": "team"}
"""What an agent or a folder says instead."""
BARE = {**FORM, "STORE": "", "AGENT_LABEL": "", "AWS_CREDENTIALS_ID": "", "NOTIFY_CREDENTIALS_ID": ""}
"""What is left to the defaults of folder, controller and agent."""
Answer = Mapping[str, Any]
NO_CONFLICTS: Answer = {"step": "fileExists", "of": "conflicts.txt", "returns": False}


def shell(script: str, **comes: object) -> Answer:
    """What comes of the shell step with this in its script: it `throws` or `returns` something."""
    return {"step": "sh", "of": script, **comes}


@dataclass(frozen=True)
class Case:
    """A run of a file, each of its steps answered."""

    file: str
    result: str
    answers: Sequence[Answer] = ()
    """The first that fits a step is what comes of it; CpsController has the usual ones."""
    params: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    """Beside the parameters, which are variables too."""
    absent: Sequence[str] = ()
    """Steps whose plugin is not installed."""
    previous: str = "SUCCESS"
    settings: str = SETTINGS
    """Of the call in the team's pipeline."""
    first: bool = False
    """The first run of the job: the parameters are no variables."""

    def run(self, groovy: Groovy) -> dict[str, Any]:
        text = (REPOSITORY / self.file).read_text("utf-8")
        return groovy.cps(
            {
                "file": Path(self.file).name,
                "text": text.replace(SETTINGS, self.settings),
                "library": str(REPOSITORY),
                "answers": [*self.answers, NO_CONFLICTS],
                "params": self.params,
                "env": {**({} if self.first else self.params), **self.env},
                "absent": [*self.absent],
                "previous": self.previous,
            }
        )


def ours(result: str, *answers: Answer, **more: Any) -> Case:
    return Case("Jenkinsfile", result, answers, **{"params": FORM, **more})


def maintenance(result: str, *answers: Answer) -> Case:
    return Case("Jenkinsfile.maintenance", result, answers, FORM)


def snowflake(result: str, *answers: Answer, **more: Any) -> Case:
    form = {**FORM, "SNOWFLAKE_STAGE": "@A.B.C", "SNOWFLAKE_CREDENTIALS_ID": "pat"}
    return Case("Jenkinsfile.snowflake", result, answers, **{"params": form, **more})


def team(result: str, *answers: Answer, **more: Any) -> Case:
    return Case(TEAM, result, answers, **{"env": AGENT, **more})


CONFLICTS: Answer = {"step": "fileExists", "of": "conflicts.txt", "returns": True}
FAILS, ABORTED = shell("bin/create", throws="failure"), shell("bin/create", throws="abort")
NO_KEY: Answer = {"step": "withCredentials", "of": "AmazonWebServices", "throws": "failure"}
NO_SOURCE: Answer = {"step": "checkout", "throws": "failure"}
NO_FILE: Answer = {"step": "fileExists", "returns": False}
NO_REPORT = [shell(f"bin/{script}", throws="failure") for script in ("report", "summary")]
PUBLISHERS: list[Answer] = [{"step": "junit", "throws": "failure"}, {"step": "publishHTML", "throws": "error"}]
CASES = {
    "well, and promoted": ours("SUCCESS", params={**FORM, "PROMOTE_ALIAS": "prod"}, previous="FAILURE"),
    "well, by the defaults of the agent": ours("SUCCESS", params=BARE, env=AGENT),
    "well, without credentials": ours("SUCCESS", params=BARE, absent=["withFolderProperties"]),
    "conflicts": ours("UNSTABLE", CONFLICTS),
    "a stage fails": ours("FAILURE", FAILS, shell("bin/notify", returns=7)),
    "the checkout fails": ours("FAILURE", NO_SOURCE, NO_FILE),
    "the credentials are not there": ours("FAILURE", NO_KEY),
    "publishers fail, do not fit, are not there": ours("SUCCESS", *PUBLISHERS, absent=["issues"]),
    "there is no report": ours("SUCCESS", *NO_REPORT),
    "telling fails": ours("FAILURE", FAILS, shell("bin/notify", throws="failure")),
    "aborted": ours("ABORTED", ABORTED),
    "aborted while it tells": ours("ABORTED", FAILS, shell("bin/notify", throws="abort")),
    "aborted while it publishes": ours("ABORTED", {"step": "junit", "throws": "abort"}),
    "a field is cleared": ours("FAILURE", params={**FORM, "ENV_NAME": ""}),
    "an old trigger": ours("FAILURE", params={**FORM, "VENVBUILD_STORE": "s3://bucket"}),
    "a first run": ours("NOT_BUILT", first=True),
    "maintenance: well": maintenance("SUCCESS"),
    "maintenance: the catalog needs somebody": maintenance("UNSTABLE", shell("check", returns=11)),
    "maintenance: the check fails": maintenance("FAILURE", shell("check", returns=2)),
    "maintenance: aborted": maintenance("ABORTED", shell("compact", throws="abort")),
    "snowflake: well": snowflake("SUCCESS"),
    "snowflake: by the defaults of the agent": snowflake("SUCCESS", params=BARE, env=AGENT),
    "snowflake: it is refused": snowflake("FAILURE", shell("bin/sync-snowflake-packages", throws="failure")),
    "team: well, and promoted": team("SUCCESS", env={**AGENT, "PROMOTE_ALIAS": "prod"}, previous="FAILURE"),
    "team: well, by its parameters": team("SUCCESS", params=FORM, env={}, settings="[tool: '/opt/venvbuild']"),
    "team: conflicts": team("UNSTABLE", CONFLICTS),
    "team: a stage fails": team("FAILURE", FAILS, shell("bin/notify", returns=7)),
    "team: the credentials are not there": team("FAILURE", NO_KEY, settings="[tool: 'venvbuild']"),
    "team: publishers fail, do not fit, are not there": team("SUCCESS", *PUBLISHERS, absent=["issues"]),
    "team: there is no report": team("SUCCESS", *NO_REPORT),
    "team: telling fails": team("FAILURE", FAILS, shell("bin/notify", throws="failure")),
    "team: aborted": team("ABORTED", ABORTED),
    "team: aborted while it tells": team("ABORTED", FAILS, shell("bin/notify", throws="abort")),
    "team: the tool is checked out": team("SUCCESS", settings="[tool: [$class: 'GitSCM']]", previous="FAILURE"),
    "team: a name is misspelt": team("FAILURE", settings="[ENV_NAEM: 'sales']"),
    "team: a value is empty": team("FAILURE", settings="[ENV_NAME: '']"),
}


@pytest.fixture(scope="module")
def ended(groovy: Groovy) -> dict[str, dict[str, Any]]:
    """What became of each case."""
    return {name: case.run(groovy) for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_run_survives_each_step_and_calls_what_is_allowed(name: str, ended: dict[str, dict[str, Any]]) -> None:
    assert not faults(ended[name]), "\n".join(faults(ended[name]))
    assert ended[name]["result"] == CASES[name].result, ended[name]["failure"]


def test_no_call_of_the_files_is_left_out(ended: dict[str, dict[str, Any]]) -> None:
    """A case for each: what is not called is not compared with the lists."""
    written, reached = (
        {(file, line) for one in ended.values() for file, lines in one[kind].items() for line in lines}
        for kind in ("written", "reached")
    )
    jobs = {"Jenkinsfile", "Jenkinsfile.maintenance", "Jenkinsfile.snowflake"}
    assert {file for file, _ in written} == {*jobs, "venvBuild.groovy"}
    assert sorted(written - reached) == []


def test_the_list_of_allowed_signatures_has_no_others(ended: dict[str, dict[str, Any]]) -> None:
    assert {call for one in ended.values() for call in one["calls"]} == ALLOWED


def faults(ended: Mapping[str, Any]) -> list[str]:
    """`file:line: what`: what Jenkins would stop the run for."""
    calls = [f"{place}: needs script approval: {call}" for call, place in ended["calls"].items() if call not in ALLOWED]
    return [*ended["problems"], *calls]


APPROVAL = "needs script approval: "
STOPPED = {
    "a Matcher over a step": (
        "def found = ('tiny-1.0' =~ /-(.*)/)\nfound.find()\necho 'x'\n",
        "3: not serialisable over the step echo: java.util.regex.Matcher",
    ),
    "a Timer over a step": (
        "def clock = new Timer()\nsh 'true'\n",
        "2: not serialisable over the step sh: java.util.Timer",
    ),
    "a constructor": ("echo 'x'\nnew File('x').exists()\n", f"2: {APPROVAL}new java.io.File java.lang.String"),
    "a static method": (
        "System.getenv('HOME')\n",
        f"1: {APPROVAL}staticMethod java.lang.System getenv java.lang.String",
    ),
    "a method of Groovy's": (
        "\n'true'.execute()\n",
        f"2: {APPROVAL}staticMethod org.codehaus.groovy.runtime.DefaultGroovyMethods execute java.lang.String",
    ),
    "a property": ("def x = currentBuild.rawBuild\n", f"1: {APPROVAL}field "),
    "what a script is": ("dir('x') { getBinding() }\n", f"1: {APPROVAL}method groovy.lang.Script getBinding"),
    "a closure for what is no CPS": ("['b', 'a'].sort { x, y -> x <=> y }\n", "1: sort ends early: it is no CPS"),
    "a function that is no CPS": (
        "@com.cloudbees.groovy.cps.NonCPS\ndef look() {}\nlook()\n",
        "1: the calls of look, which is @NonCPS, are not looked at",
    ),
    "a cast": ("def x = ['x'] as File\n", "1: a cast to java.io.File may call what is not looked at"),
    "a default": ("def look(x = new File('x')) {}\nlook(1)\n", "1: the calls in the default of x are not looked at"),
}


@pytest.mark.parametrize("what", STOPPED)
def test_what_jenkins_would_stop_a_run_for_is_found(what: str, groovy: Groovy) -> None:
    text, fault = STOPPED[what]
    found = faults(groovy.cps({"file": "Jenkinsfile", "text": text, "answers": [], "absent": []}))
    assert any(one.startswith(f"Jenkinsfile:{fault}") for one in found), found


def test_variables_are_shared_with_blocks_after_each_step(groovy: Groovy) -> None:
    text = 'def sum = 0\nfor (n in [1, 2]) {\n dir(\'x\') {\n echo "$n"\n sum += n\n }\n}\necho "$sum"\n'
    assert groovy.cps({"file": "Jenkinsfile", "text": text, "answers": [], "absent": []})["said"] == ["1", "2", "3"]
