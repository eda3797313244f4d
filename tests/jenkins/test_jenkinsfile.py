"""The Jenkinsfile, read by the Groovy that Jenkins embeds; its shell lines run as Jenkins runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import downloads
from tests.support.index_server import IndexServer
from tests.support.requirement import require
from tests.support.scripts import BIN, REPOSITORY, tool_cache
from tests.support.wheels import wheel
from venvbuild.commands.check import DEFAULT_WORK_DIR
from venvbuild.settings import BY_NAME, DEFAULT_PYTHON
from venvbuild.workdir import STEPS

pytestmark = pytest.mark.xdist_group("jenkins")

JENKINSFILE = REPOSITORY / "Jenkinsfile"
DEFAULT_FILE = "examples/kedro/requirements.txt"
CREDENTIAL_BLOCKS = {"withCredentials", "withAWS", "sshagent"}
JAVA_OPENS = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util", "io")]


def read(*files: Path) -> dict[str, Any]:
    """What check.groovy says of each, by file name. One JVM for all of them."""
    require(shutil.which("java"), "the Jenkinsfile is read by Groovy, and Java is not installed")
    jvm = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *JAVA_OPENS, "-cp", str(downloads.groovy_jar())]
    script = Path(__file__).with_name("check.groovy")
    command = [*jvm, "groovy.ui.GroovyMain", str(script), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {Path(file).name: found for file, found in json.loads(done.stdout).items()}


def injections(found: dict[str, Any]) -> list[str]:
    """The shell steps whose text Groovy can change, or could when somebody adds a `$` to it."""
    return [
        f"line {shell['line']}: {shell['kind']}"
        for shell in found["shells"]
        if shell["kind"] != "constant" or shell["quote"] != "'"
    ]


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    found: dict[str, Any] = read(JENKINSFILE)["Jenkinsfile"]
    return found


@pytest.fixture(scope="module")
def parameters(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in job["parameters"]}


def test_it_parses_and_is_one_pipeline(job: dict[str, Any]) -> None:
    assert job["errors"] == []
    assert job["pipelines"] == 1


def test_its_stages_are_the_seven_steps_in_order(job: dict[str, Any]) -> None:
    assert job["stages"] == [step.capitalize() for step in STEPS]


def test_each_stage_calls_its_own_script_and_nothing_else(job: dict[str, Any]) -> None:
    called = [(shell["stage"].lower(), re.fullmatch(r"bin/([a-z]+)( .*)?", shell["text"])) for shell in job["shells"]]
    assert [(stage, script and script[1]) for stage, script in called] == [(step, step) for step in STEPS]
    assert all((BIN / step).is_file() for step in STEPS)


def test_no_parameter_can_become_shell_text(job: dict[str, Any]) -> None:
    assert injections(job) == []


def test_credentials_are_bound_around_upload_and_register_only(job: dict[str, Any]) -> None:
    with_credentials = [shell["text"] for shell in job["shells"] if CREDENTIAL_BLOCKS & set(shell["inside"])]
    assert with_credentials == ["bin/upload", "bin/register"]


def test_no_shell_line_hides_an_exit_code(job: dict[str, Any]) -> None:
    assert not [shell["text"] for shell in job["shells"] if re.search(r"[|&;]|\bset \+e\b", shell["text"])]
    assert "returnStatus" not in JENKINSFILE.read_text()
    assert "catchError" not in JENKINSFILE.read_text()


def test_its_options_bound_time_disk_and_concurrency(job: dict[str, Any]) -> None:
    assert {"buildDiscarder", "disableConcurrentBuilds", "timeout", "timestamps"} <= set(job["options"])


def test_the_agent_cannot_move_the_work_dir_in_which_conflicts_are_looked_for() -> None:
    assert f"VENVBUILD_WORK_DIR = '{DEFAULT_WORK_DIR}'" in JENKINSFILE.read_text()


def test_its_parameters_are_these(parameters: dict[str, dict[str, Any]]) -> None:
    assert {name: one["kind"] for name, one in parameters.items()} == {
        "ENV_NAME": "string",
        "PYTHON_VERSION": "choice",
        "FAIL_ON_CONFLICTS": "booleanParam",
        "REQUIREMENTS_FILE": "string",
        "VENVBUILD_STORE": "string",
        "AGENT_LABEL": "string",
        "AWS_CREDENTIALS_ID": "string",
    }
    assert all(one["trim"] is True for one in parameters.values() if one["kind"] == "string")
    assert all(one["description"] for one in parameters.values())


def test_its_defaults_are_those_of_the_tool(parameters: dict[str, dict[str, Any]]) -> None:
    """A job's first run has no parameters, so it must do what the second would."""
    assert parameters["ENV_NAME"]["default"] == BY_NAME["env_name"].default
    assert parameters["PYTHON_VERSION"]["default"] == BY_NAME["python_version"].default == DEFAULT_PYTHON
    assert parameters["FAIL_ON_CONFLICTS"]["default"] is BY_NAME["fail_on_conflicts"].default
    assert parameters["VENVBUILD_STORE"]["default"] == ""  # counts as unset
    assert BY_NAME["store"].env == "VENVBUILD_STORE"


def test_the_tool_builds_for_each_python_it_offers(parameters: dict[str, dict[str, Any]]) -> None:
    parse = BY_NAME["python_version"].parse
    assert [parse(choice, "PYTHON_VERSION") for choice in parameters["PYTHON_VERSION"]["choices"]]


def test_the_default_requirements_file_is_in_the_repository_and_in_the_shell_line(
    job: dict[str, Any], parameters: dict[str, dict[str, Any]]
) -> None:
    assert parameters["REQUIREMENTS_FILE"]["default"] == DEFAULT_FILE
    assert (REPOSITORY / DEFAULT_FILE).is_file()
    assert f"REQUIREMENTS_FILE-{DEFAULT_FILE}" in job["shells"][0]["text"]


def test_the_shell_lines_have_nothing_that_shellcheck_and_shfmt_find(job: dict[str, Any], tmp_path: Path) -> None:
    for shell in job["shells"]:
        body = tmp_path / f"line-{shell['line']}.sh"
        body.write_text(f"#!/bin/sh\n{shell['text']}\n")
        for command in (["shellcheck"], ["shfmt", "-i", "4", "-d"]):
            program = Path(sys.executable).parent / command[0]
            require(program.exists(), f"{command[0]} is not installed beside the Python of the tests")
            linted = subprocess.run([program, *command[1:], body], capture_output=True, text=True, check=False)
            assert linted.returncode == 0, linted.stdout + linted.stderr


# --- the check finds what it is there for


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The Jenkinsfile with one mistake each."""
    good, folder = JENKINSFILE.read_text(), tmp_path_factory.mktemp("spoiled")
    texts = {
        "interpolated": good.replace("sh 'bin/create'", 'sh "bin/create ${params.ENV_NAME}"'),
        "double-quoted": good.replace("sh 'bin/create'", 'sh "bin/create"'),
        "summed": good.replace("sh 'bin/create'", "sh 'bin/create ' + params.ENV_NAME"),
        "computed": good.replace("sh 'bin/create'", "sh(script: line())"),
        "in-a-function": good + '\nvoid more() {\n    sh "bin/pack ${params.ENV_NAME}"\n}\n',
        "credentials-everywhere": good.replace("sh 'bin/create'", "withCredentials([]) { sh 'bin/create' }"),
        "brace-missing": good.replace("stage('Pack') {", "stage('Pack')"),
    }
    for name, text in texts.items():
        assert text != good, name
        (folder / name).write_text(text)
    return read(*(folder / name for name in texts))


@pytest.mark.parametrize(
    ("mistake", "kind"),
    [
        ("interpolated", "gstring"),
        ("double-quoted", "constant"),
        ("summed", "sum"),
        ("computed", "other"),
        ("in-a-function", "gstring"),
    ],
)
def test_a_shell_text_that_groovy_makes_is_found(spoiled: dict[str, Any], mistake: str, kind: str) -> None:
    (found,) = injections(spoiled[mistake])
    assert found.endswith(f": {kind}")


def test_a_credential_around_another_step_is_found(spoiled: dict[str, Any]) -> None:
    create = spoiled["credentials-everywhere"]["shells"][1]
    assert CREDENTIAL_BLOCKS & set(create["inside"])


def test_a_syntax_error_is_reported_with_its_line(spoiled: dict[str, Any]) -> None:
    (error,) = spoiled["brace-missing"]["errors"]
    lines = JENKINSFILE.read_text().splitlines()
    assert error["line"] >= lines.index("        stage('Pack') {")
    assert error["message"]


# --- the shell lines, run as Jenkins does: `/bin/sh -xe FILE`, no stdin, parameters as variables


class Workspace:
    """What a job's agent has: a checkout, an index, and no settings but those of the job."""

    def __init__(self, folder: Path, index: IndexServer, requirements: str) -> None:
        self.folder, self.index, self.store = folder / "workspace", index, folder / "store"
        for name in ("bin", "venvbuild", "athena", "locks"):
            shutil.copytree(REPOSITORY / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.file = self.folder / DEFAULT_FILE
        self.file.parent.mkdir(parents=True)
        self.file.write_text(requirements)

    def sh(self, text: str, **given: str) -> int:
        """The exit code of one `sh` step."""
        script = self.folder.parent / "script.sh"
        script.write_text(text)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "XDG_CACHE_HOME": str(tool_cache()),
            "XDG_DATA_HOME": str(self.store),
            "VENVBUILD_INDEX_URL": self.index.url(),
            "VENVBUILD_WORK_DIR": DEFAULT_WORK_DIR,
            "BUILD_URL": "https://ci.example.com/job/sales/42/",
        }
        done = subprocess.run(
            ["/bin/sh", "-xe", script],
            cwd=self.folder,
            env={**env, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.said = done.stdout
        return done.returncode

    def run(self, job: dict[str, Any], **given: str) -> tuple[str, int]:
        """Every shell line until one fails: the stage and its exit code."""
        for shell in job["shells"]:
            code = self.sh(shell["text"], **given)
            if code:
                return shell["stage"], code
        return job["shells"][-1]["stage"], 0

    @property
    def builds(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.store.glob("venvbuild/venv-builds/*/metadata.json")]


@pytest.fixture
def conflicting(tmp_path: Path, index: IndexServer) -> Workspace:
    """Two pins that contradict each other."""
    wheel(index.folder, "needy", "1.0", requires=["absent==1.0"])
    wheel(index.folder, "absent", "2.0")
    return Workspace(tmp_path, index, "needy==1.0\nabsent==2.0\n")


def test_a_first_run_without_parameters_builds_with_the_defaults(
    job: dict[str, Any], tmp_path: Path, index: IndexServer
) -> None:
    wheel(index.folder, "tiny", "1.0")
    workspace = Workspace(tmp_path, index, "tiny==1.0\n")
    assert workspace.run(job) == ("Register", 0), workspace.said
    (build,) = workspace.builds
    assert build["env_name"] == "default"
    assert build["build_url"] == "https://ci.example.com/job/sales/42/"


def test_parameters_reach_the_build_and_are_never_obeyed_by_the_shell(
    job: dict[str, Any], tmp_path: Path, index: IndexServer
) -> None:
    wheel(index.folder, "tiny", "1.0")
    workspace = Workspace(tmp_path, index, "tiny==1.0\n")
    odd = workspace.folder / "$(touch PWNED) `touch PWNED`; touch PWNED.txt"
    workspace.file.rename(odd)
    given = {"ENV_NAME": "sales", "REQUIREMENTS_FILE": odd.name, "VENVBUILD_STORE": "", "AWS_CREDENTIALS_ID": ""}
    assert workspace.run(job, **given) == ("Register", 0), workspace.said
    assert workspace.builds[0]["env_name"] == "sales"
    assert not list(workspace.folder.rglob("PWNED*"))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"ENV_NAME": "x; touch PWNED"}, 3, id="hostile name"),
        pytest.param({"ENV_NAME": ""}, 3, id="empty name"),
        pytest.param({"FAIL_ON_CONFLICTS": "maybe"}, 3, id="no boolean"),
        pytest.param({"REQUIREMENTS_FILE": ""}, 2, id="empty file"),
        pytest.param({"REQUIREMENTS_FILE": "no/such.txt"}, 2, id="absent file"),
        pytest.param({"REQUIREMENTS_FILE": "--help"}, 2, id="file like a flag"),
    ],
)
def test_a_bad_parameter_ends_the_first_stage(
    job: dict[str, Any], tmp_path: Path, index: IndexServer, given: dict[str, str], code: int
) -> None:
    workspace = Workspace(tmp_path, index, "tiny==1.0\n")
    assert workspace.run(job, **given) == ("Check", code), workspace.said
    assert not list(workspace.folder.rglob("PWNED*"))


def test_conflicts_fail_the_run(job: dict[str, Any], conflicting: Workspace) -> None:
    stage, code = conflicting.run(job, FAIL_ON_CONFLICTS="true")
    assert (stage, code) == ("Create", 5), conflicting.said
    assert conflicting.builds == []


def test_conflicts_that_are_allowed_leave_the_file_that_makes_the_run_unstable(
    job: dict[str, Any], conflicting: Workspace
) -> None:
    assert conflicting.run(job, FAIL_ON_CONFLICTS="false") == ("Register", 0), conflicting.said
    assert f"fileExists('{DEFAULT_WORK_DIR}/conflicts.txt')" in JENKINSFILE.read_text()
    assert "needy 1.0 needs absent==1.0" in (conflicting.folder / DEFAULT_WORK_DIR / "conflicts.txt").read_text()


def test_the_reports_are_archived_and_the_environment_is_not(job: dict[str, Any], conflicting: Workspace) -> None:
    assert conflicting.run(job, FAIL_ON_CONFLICTS="false") == ("Register", 0), conflicting.said
    patterns = re.findall(r"venvbuild-work/[^,' ]+", JENKINSFILE.read_text().partition("archiveArtifacts")[2])
    archived = {str(path.relative_to(conflicting.folder)) for one in patterns for path in conflicting.folder.glob(one)}
    reports = ["build.log", "requirements.txt", "requirements.lock.txt", "installed_packages.json", "pipdeptree.txt"]
    reports += ["conflicts.json", "conflicts.txt", "metadata.json", "upload/frozen/metadata.json"]
    assert archived >= {f"{DEFAULT_WORK_DIR}/{name}" for name in reports}
    assert not [name for name in archived if name.endswith((".tar.gz", "venvbuild-work.json")) or "/venv/" in name]
