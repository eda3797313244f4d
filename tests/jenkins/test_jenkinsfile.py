"""The Jenkinsfile as it is written: read by the Groovy that Jenkins embeds, and never run here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.groovy import Groovy
from tests.support.requirement import require
from tests.support.scripts import BIN, REPOSITORY
from venvbuild.console.options import DEFAULT_WORK_DIR
from venvbuild.interpreters import ENDS
from venvbuild.run import STEPS
from venvbuild.settings import BY_NAME
from venvbuild.settings.registry import DEFAULT_PYTHON

JENKINSFILE = (REPOSITORY / "Jenkinsfile").read_text("utf-8")
FIELDS_OF_SETTINGS = {"STORE", "AGENT_LABEL", "AWS_CREDENTIALS_ID", "NOTIFY_CREDENTIALS_ID", "MIN_AGE_DAYS"}
"""Handed on as VENVBUILD_*; empty, the folder's, the controller's or the agent's variable counts."""
CREDENTIAL_BLOCKS = {"withCredentials", "withAWS", "sshagent"}


@pytest.fixture(scope="module")
def job(groovy: Groovy) -> dict[str, Any]:
    return groovy.read(JENKINSFILE)


@pytest.fixture(scope="module")
def parameters(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in job["parameters"]}


def test_the_checker_finds_neither_errors_nor_warnings(groovy: Groovy) -> None:
    assert groovy.check(JENKINSFILE) == []


def test_its_stages_are_the_seven_steps_in_order(job: dict[str, Any]) -> None:
    steps = [step.capitalize() for step in STEPS]
    assert job["stages"] == ["Parameters", "Agent", "Environment", *steps, "Promote"]


def test_each_stage_calls_its_own_script_and_nothing_else(job: dict[str, Any]) -> None:
    called = [(shell["stage"], re.fullmatch(r"bin/([a-z]+)( .*)?", shell["text"])) for shell in job["shells"]]
    afterwards = [(None, script) for script in ("notify", "notify", "summary", "report")]
    expected = [*((step.capitalize(), step) for step in STEPS), ("Promote", "promote"), *afterwards]
    assert [(stage, script and script[1]) for stage, script in called] == expected
    assert all((BIN / step).is_file() for step in STEPS)


def test_every_shell_text_is_in_single_quotes_so_that_nobody_can_add_a_parameter(job: dict[str, Any]) -> None:
    assert {(shell["kind"], shell["quote"]) for shell in job["shells"]} == {("constant", "'")}


def test_credentials_are_bound_where_no_code_of_a_package_runs(job: dict[str, Any]) -> None:
    with_credentials = [shell["text"] for shell in job["shells"] if CREDENTIAL_BLOCKS & set(shell["inside"])]
    assert with_credentials == [
        "bin/upload", "bin/register", 'bin/promote "$PROMOTE_ALIAS"', *['bin/notify "$NOTIFY_EVENT"'] * 2,
    ]  # fmt: skip


def test_no_shell_line_hides_an_exit_code(job: dict[str, Any]) -> None:
    assert not [shell["text"] for shell in job["shells"] if re.search(r"[|&;]|\bset \+e\b", shell["text"])]
    asked = re.findall(r"sh\(script: '(.*)', returnStatus: true\)", JENKINSFILE)
    assert asked == ['bin/notify "$NOTIFY_EVENT"'] * 2  # of what comes after the result
    assert JENKINSFILE.count("catchError") == 1
    shown = JENKINSFILE[JENKINSFILE.index("            post {") :]
    assert "quietly" not in JENKINSFILE.replace(shown, "")


def test_its_options_bound_time_disk_and_concurrency(job: dict[str, Any]) -> None:
    assert {"buildDiscarder", "disableConcurrentBuilds", "timeout", "timestamps"} <= set(job["options"])
    assert "disableRestartFromStage" in job["options"]


def test_the_agent_cannot_move_the_work_dir_in_which_conflicts_are_looked_for() -> None:
    assert f"VENVBUILD_WORK_DIR = '{DEFAULT_WORK_DIR}'" in JENKINSFILE


def test_its_parameters_are_these(parameters: dict[str, dict[str, Any]]) -> None:
    assert {name: one["kind"] for name, one in parameters.items()} == {
        "ENV_NAME": "string",
        "PYTHON_VERSION": "choice",
        "FAIL_ON_CONFLICTS": "booleanParam",
        "REQUIREMENTS_FILE": "string",
        "PROMOTE_ALIAS": "string",
        **dict.fromkeys(FIELDS_OF_SETTINGS, "string"),
    }
    assert all(one["trim"] is True for one in parameters.values() if one["kind"] == "string")
    assert all(one["description"] for one in parameters.values())


def test_no_field_hides_a_variable_that_a_setting_is_read_from(parameters: dict[str, dict[str, Any]]) -> None:
    of_the_job = {"ENV_NAME", "PYTHON_VERSION", "FAIL_ON_CONFLICTS"}
    assert {setting.env for setting in BY_NAME.values()} & set(parameters) == of_the_job
    for name in FIELDS_OF_SETTINGS:
        assert parameters[name]["default"] == ""
        assert f"VENVBUILD_{name}" in parameters[name]["description"]
        assert f"env.VENVBUILD_{name} = " in JENKINSFILE


def test_its_defaults_are_those_of_the_tool(parameters: dict[str, dict[str, Any]]) -> None:
    assert parameters["ENV_NAME"]["default"] == BY_NAME["env_name"].default
    assert parameters["PYTHON_VERSION"]["default"] == BY_NAME["python_version"].default == DEFAULT_PYTHON
    assert parameters["FAIL_ON_CONFLICTS"]["default"] is BY_NAME["fail_on_conflicts"].default
    assert parameters["REQUIREMENTS_FILE"]["default"] == "requirements.txt"
    assert parameters["PROMOTE_ALIAS"]["default"] == ""


def test_the_tool_builds_for_each_python_it_offers(parameters: dict[str, dict[str, Any]]) -> None:
    parse, choices = BY_NAME["python_version"].parse, parameters["PYTHON_VERSION"]["choices"]
    assert [parse(choice, "PYTHON_VERSION") for choice in choices]
    # Jenkins takes the first as the default.
    assert choices == [DEFAULT_PYTHON, *(version for version in ENDS if version != DEFAULT_PYTHON)]


def test_the_shell_lines_have_nothing_that_shellcheck_and_shfmt_find(job: dict[str, Any], tmp_path: Path) -> None:
    for shell in job["shells"]:
        body = tmp_path / f"line-{shell['line']}.sh"
        body.write_text(f"#!/bin/sh\n{shell['text']}\n")
        for command in (["shellcheck"], ["shfmt", "-i", "4", "-d"]):
            program = Path(sys.executable).parent / command[0]
            require(program.exists(), f"{command[0]} is not installed beside the Python of the tests")
            linted = subprocess.run([program, *command[1:], body], capture_output=True, text=True, check=False)
            assert linted.returncode == 0, linted.stdout + linted.stderr


# --- the snippets of the documentation


def snippet(language: str, title: str) -> str:
    """The block of docs/jenkins.md that begins with this comment."""
    text = (REPOSITORY / "docs" / "jenkins.md").read_text("utf-8")
    found = re.search(rf"```{language}\n((?://|#) {title}\n.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def test_the_job_dsl_of_the_documentation_is_groovy(groovy: Groovy) -> None:
    text = snippet("groovy", "Job DSL")
    assert groovy.check_library(text) == ["1: error: a step of a library has a function `call`"]  # and nothing else
    assert groovy.check_library(text.replace("}", "", 1)) != groovy.check_library(text)
    assert "scriptPath('Jenkinsfile')" in text


def test_the_configuration_as_code_of_the_documentation_is_yaml_with_variables_that_are_read() -> None:
    read = yaml.safe_load(snippet("yaml", "Configuration as Code"))
    [variables] = read["jenkins"]["globalNodeProperties"]
    named = {one["key"] for one in variables["envVars"]["env"]}
    assert named == {"VENVBUILD_STORE", "VENVBUILD_AGENT_LABEL"}
    assert all(f"env.{name}" in JENKINSFILE for name in named)


# --- the check finds what it is there for


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        pytest.param("sh 'bin/create'", "sh 'bin/create ' + params.ENV_NAME", "sh: Groovy puts values", id="sum"),
        pytest.param("sh 'bin/create'", "sh(script: line())", "sh: the text of the shell is made", id="computed"),
        pytest.param("sh 'bin/create'", "sh(script: 'bin/create', returnStatus: true)", "the exit code", id="code"),
        pytest.param("stage('Pack')", "stage('Create')", "there are two stages named Create", id="stage twice"),
        pytest.param("timestamps()", "timestamp()", "unknown option timestamp", id="unknown option"),
    ],
)
def test_a_mistake_in_the_jenkinsfile_is_found_on_its_line(
    groovy: Groovy, right: str, wrong: str, problem: str
) -> None:
    assert JENKINSFILE.count(right) == 1
    start = f"{line_of(JENKINSFILE.index(right))}: error: {problem}"
    assert [one for one in groovy.check(JENKINSFILE.replace(right, wrong)) if one.startswith(start)]


SHELL_TEXTS = [found.span(1) for found in re.finditer(r"(?:sh |script: )'([^']*)'", JENKINSFILE)]


@pytest.mark.parametrize(("start", "end"), SHELL_TEXTS)
def test_each_shell_text_that_becomes_interpolated_is_an_error(groovy: Groovy, start: int, end: int) -> None:
    text = JENKINSFILE[start:end].replace("$", r"\$")
    spoiled = f'{JENKINSFILE[: start - 1]}"""{text} ${{params.ENV_NAME}}"""{JENKINSFILE[end + 1 :]}'
    expected = f"{line_of(start)}: error: sh: Groovy puts values into the text"
    assert any(one.startswith(expected) for one in groovy.check(spoiled))


def test_each_shell_step_has_its_text_among_those(job: dict[str, Any]) -> None:
    assert len(job["shells"]) == len(SHELL_TEXTS)


def line_of(place: int) -> int:
    return JENKINSFILE.count("\n", 0, place) + 1


def test_a_credential_around_another_step_is_seen(groovy: Groovy) -> None:
    spoiled = JENKINSFILE.replace("sh 'bin/create'", "withCredentials([]) { sh 'bin/create' }")
    assert "withCredentials" in groovy.read(spoiled)["shells"][1]["inside"]


def test_a_syntax_error_is_reported_with_its_line(groovy: Groovy) -> None:
    [error] = groovy.check(JENKINSFILE.replace("stage('Pack') {", "stage('Pack')"))
    assert int(error.partition(":")[0]) >= JENKINSFILE.splitlines().index("                stage('Pack') {")
