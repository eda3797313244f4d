"""The Jenkinsfile, run: parameters as a user gives them, real builds, a folder and two S3 servers as the store."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.agent import ALL_WELL, FILE, JENKINSFILE, REPORTS, STAGES, Agent, only_groovy
from tests.support.groovy import Ended, Job
from tests.support.receivers import Webhook
from tests.support.recording_proxy import RecordingProxy, answer, stall
from tests.support.requirement import require
from tests.support.s3_servers import SECRET_KEY
from tests.support.scripts import tool_cache_with_notify
from tests.support.sizes import WAITING
from tests.support.stored import Place
from tests.support.wheels import wheel

AROUND = {"Parameters": "SUCCESS", "Agent": "SKIPPED", "Environment": "SUCCESS"}
"""The stages before those of the steps."""
WELL = {**AROUND, **ALL_WELL, "Promote": "SKIPPED"}


def of_the_steps(ended: Ended) -> list[str]:
    """What became of the seven steps."""
    return [ended.stages.get(stage, "") for stage in STAGES]


def codes(ended: Ended) -> dict[str, int]:
    """The exit code of each step that ran; what comes after the stages belongs to none of these."""
    return {stage: code for stage, code in ended.codes.items() if stage in WELL and stage not in AROUND}


# --- success, on both servers, and conflict


def test_a_run_is_a_success_and_its_build_is_in_the_store(agent_on_s3: Agent) -> None:
    ended = agent_on_s3.run(PYTHON_VERSION="3.11")
    assert ended.result == "SUCCESS", ended.console
    assert ended.stages == WELL
    assert {f"venvbuild-work/{name}" for name in REPORTS} <= set(ended.archived)
    assert (ended.tests, ended.issues) == ({"total": 8, "failed": 0}, 0)
    assert "venvbuild-work/report/index.html" in ended.published
    assert not [
        name for name in ended.archived if name.endswith((".tar.gz", "venvbuild-work.json")) or "/venv/" in name
    ]
    assert list(agent_on_s3.job().workspace.iterdir()) == []
    [(version, build)] = agent_on_s3.builds.items()
    assert (build["env_name"], build["python_version"]) == ("sales", "3.11")
    assert (build["build_url"], build["source_revision"]) == (
        "https://ci.example.com/job/environments/42/",
        "0123456789abcdef",
    )
    assert ended.display_name == "#42 sales py3.11"
    assert ended.description == f"{version}, 2 packages, conflict free, {agent_on_s3.place.url}"
    assert SECRET_KEY not in ended.console
    rows = list(agent_on_s3.place.open().list("venv-catalog/builds/"))
    assert [row.key.rpartition("/")[2] for row in rows] == [f"{version}.json"]


def test_conflicts_fail_the_run_before_anything_is_stored(agent_on_moto: Agent) -> None:
    agent_on_moto.pins("needy==1.0", "other==2.0")
    ended = agent_on_moto.run(FAIL_ON_CONFLICTS="true")
    assert ended.result == "FAILURE"
    assert codes(ended) == {"Check": 0, "Create": 5}
    assert of_the_steps(ended) == ["SUCCESS", "FAILURE", *["SKIPPED"] * 5]
    assert "needy 1.0 needs other==1.0" in ended.console
    assert "ERROR: script returned exit code 5\nFinished: FAILURE" in ended.console
    assert {"venvbuild-work/build.log", "venvbuild-work/requirements.txt"} <= set(ended.archived)
    assert (ended.tests, ended.issues) == ({"total": 10, "failed": 2}, 1)
    assert (ended.display_name, ended.description) == ("#42 sales py3.11", "stopped at create, 1 conflict")
    assert agent_on_moto.builds == {}


def test_conflicts_that_are_allowed_are_recorded_and_the_run_is_unstable(agent_on_moto: Agent) -> None:
    agent_on_moto.pins("needy==1.0", "other==2.0")
    ended = agent_on_moto.run(FAIL_ON_CONFLICTS="false")
    assert ended.result == "UNSTABLE", ended.console
    assert ended.stages == {**WELL, "Environment": "UNSTABLE", "Inspect": "UNSTABLE"}
    assert (ended.tests, ended.issues) == ({"total": 10, "failed": 1}, 1)
    [(version, build)] = agent_on_moto.builds.items()
    assert build["is_conflict_free"] is False
    assert build["conflicts"] == ["needy 1.0 needs other==1.0, other 2.0 is installed"]
    assert ended.description == f"{version}, 3 packages, 1 conflict, {agent_on_moto.place.url}"
    assert "venvbuild-work/conflicts.txt" in ended.archived


# --- what fails, and where


def unpinned(agent: Agent) -> None:
    agent.pins("tiny>=1.0", "needy")


def index_down(agent: Agent) -> None:
    agent.place.env["VENVBUILD_INDEX_URL"] = agent.index.url("status-503")


def installed_conflict(agent: Agent) -> None:
    """One that installers do not see: an upper bound on Python."""
    agent.pins("old==1.0")


def store_down(agent: Agent) -> None:
    agent.place.env["VENVBUILD_S3_ENDPOINT_URL"] = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Failure:
    """How a stage fails, and what a user sees."""

    stage: str
    code: int
    spoil: Callable[[Agent], None]
    said: str
    description: str
    archived: str = "venvbuild-work/build.log"
    failed_tests: int = 1
    issues: int = 1


FAILURES = [
    Failure("Check", 3, unpinned, f"{FILE}:1: tiny>=1.0 is not pinned", "stopped at check", "", 3, 2),
    Failure("Create", 6, index_down, "503", "stopped at create"),
    Failure("Inspect", 5, installed_conflict, "old 1.0 needs Python <3.9", "stopped at inspect, 2 packages, 1 conflict",
            "venvbuild-work/conflicts.txt", 2),
    Failure("Upload", 7, store_down, "127.0.0.1:1", "stopped at upload, 2 packages, conflict free"),
]  # fmt: skip


@WAITING
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.stage)
def test_a_stage_that_fails_ends_the_run_with_its_exit_code(agent_on_moto: Agent, failure: Failure) -> None:
    whole = agent_on_moto.place
    agent_on_moto.place = replace(whole, env=dict(whole.env))
    failure.spoil(agent_on_moto)
    ended = agent_on_moto.run()
    assert ended.result == "FAILURE"
    place = STAGES.index(failure.stage)
    assert codes(ended) == {**dict.fromkeys(STAGES[:place], 0), failure.stage: failure.code}, ended.console
    assert of_the_steps(ended) == ["SUCCESS"] * place + ["FAILURE"] + ["SKIPPED"] * (6 - place)
    assert failure.said in ended.console
    assert failure.stage != "Check" or f"{FILE}:2: needy is not pinned" in ended.console  # all lines in one run
    assert f"ERROR: script returned exit code {failure.code}\nFinished: FAILURE" in ended.console
    assert (ended.display_name, ended.description) == ("#42 sales py3.11", failure.description)
    assert not failure.archived or failure.archived in ended.archived
    assert (ended.tests or {}).get("failed") == failure.failed_tests
    assert ended.issues == failure.issues
    assert "venvbuild-work/report/index.html" in ended.published
    agent_on_moto.place = whole
    assert agent_on_moto.builds == {}


def test_a_store_that_refuses_the_row_fails_the_run_and_a_second_run_is_well(agent_on_moto: Agent) -> None:
    with without_row(agent_on_moto):
        ended = agent_on_moto.run()
        assert (ended.result, codes(ended)["Upload"], codes(ended)["Register"]) == ("FAILURE", 0, 2)
        assert str(ended.description).startswith("stopped at register, venv_")
        again = agent_on_moto.run()
    assert again.result == "SUCCESS", again.console
    assert len(agent_on_moto.builds) == 2


# --- an exit code that is dropped: the tests above would see it


@pytest.mark.parametrize(
    ("stage", "pins"),
    [
        ("Create", ("needy==1.0", "other==2.0")),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("Check", ("tiny",)), ("Inspect", ("old==1.0",)))),
    ],
)
def test_a_dropped_exit_code_changes_the_stage_that_fails(agent: Agent, stage: str, pins: tuple[str, ...]) -> None:
    agent.pins(*pins)
    agent.given["pipeline"] = dropped(stage)
    wrong = agent.run()
    assert codes(wrong)[stage] == 0
    assert wrong.stages[stage] != "FAILURE"


@pytest.mark.parametrize("how", [pytest.param("|| true", marks=pytest.mark.slow), "returnStatus"])
def test_a_dropped_exit_code_of_the_last_stage_hides_a_failure_from_all_but_the_report(
    agent_on_moto: Agent, how: str
) -> None:
    ignored = JENKINSFILE.replace("sh 'bin/register'", "sh(script: 'bin/register', returnStatus: true)")
    agent_on_moto.given["pipeline"] = dropped("Register") if how == "|| true" else ignored
    with without_row(agent_on_moto):
        ended = agent_on_moto.run()
    assert (ended.result, ended.stages["Register"]) == ("UNSTABLE", "SUCCESS")
    assert ended.tests == {"total": 8, "failed": 1}


def dropped(stage: str) -> str:
    """The Jenkinsfile with `|| true` after the script of the stage."""
    start = JENKINSFILE.index(f"'bin/{stage.lower()}")
    end = JENKINSFILE.index("'", start + 1)
    return f"{JENKINSFILE[:end]} || true{JENKINSFILE[end:]}"


@contextmanager
def without_row(agent: Agent) -> Iterator[None]:
    """The first row that the catalog is given is refused."""
    with RecordingProxy(str(agent.place.endpoint_url)) as proxy:
        proxy.spoil("PUT", r"/venv-catalog/builds/", answer(403, "AccessDenied"), times=1)
        agent.place.env["VENVBUILD_S3_ENDPOINT_URL"] = proxy.endpoint_url
        yield


# --- secrets


CANARY, CONTROL = "n3xus-canary-4711", "planted-control-0815"
"""The password that Jenkins binds as NEXUS_PSW, and what stands beside it everywhere and is no secret."""


def in_the_requirements(agent: Agent) -> None:
    agent.pins("tiny==1.0", f"# {CANARY}", f"{CONTROL}>=1.0")


def in_the_words_of_the_index(agent: Agent) -> None:
    """uv tells the address that failed, and it is of the index's making."""
    agent.place.env["VENVBUILD_INDEX_URL"] = agent.index.url(f"status-{CANARY}-{CONTROL}-503")


def in_a_package(agent: Agent) -> None:
    """In base64, as part of a longer text; and in the reason why it was withdrawn."""
    encoded = base64.b64encode(f"robot:{CANARY}".encode()).decode()
    file = wheel(agent.index.folder, "leaky", "1.0", files={f"{CONTROL}.txt": f"auth = {encoded}"})
    agent.index.yanked[file.name] = f"{CONTROL}: it had {CANARY}"
    agent.pins("leaky==1.0")


@pytest.mark.parametrize(
    ("plant", "stage", "code"),
    [
        pytest.param(in_the_requirements, "Check", 3, id="requirements"),
        pytest.param(in_the_words_of_the_index, "Create", 6, id="index"),
        pytest.param(in_a_package, "Pack", 8, id="package"),
    ],
)
def test_a_password_of_jenkins_is_in_no_artifact(
    agent: Agent, plant: Callable[[Agent], None], stage: str, code: int
) -> None:
    bound = "environment {\n        NEXUS = credentials('nexus')"
    agent.given["pipeline"] = JENKINSFILE.replace("environment {", bound, 1)
    nexus = {"type": "usernamePassword", "username": "robot", "password": CANARY}
    agent.given["credentials"] = {"nexus": nexus}
    plant(agent)
    job = agent.job()
    ended = agent.groovy.run(job)
    assert codes(ended)[stage] == code, ended.console
    kept = {path: path.read_bytes() for path in job.archive.rglob("*") if path.is_file()}
    assert [path.name for path, content in kept.items() if CONTROL.encode() in content], "nothing would be found"
    encoded = base64.b64encode(f"robot:{CANARY}".encode())
    for path, content in kept.items():
        assert CANARY.encode() not in content, path
        assert encoded not in content, path


def test_the_tool_is_told_which_variables_hold_credentials(agent: Agent) -> None:
    only_groovy(agent.source / "bin")
    (agent.source / "bin" / "upload").write_text('#!/bin/sh\necho "names: $VENVBUILD_SECRET_NAMES"\n')
    agent.place.env["VENVBUILD_SECRET_NAMES"] = "NEXUS"
    assert "names: AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN VENVBUILD_NOTIFY_URLS NEXUS\n" in agent.run().console


# --- aborts


def end_of_everything_in(folder: Path) -> bool:
    """Whether within a minute no process is left that names the folder."""
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        if str(folder) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout:
            return True
        time.sleep(0.1)
    return False


def test_an_abort_while_packages_are_fetched_leaves_no_process_and_no_build(agent: Agent) -> None:
    agent.place.env["VENVBUILD_INDEX_URL"] = agent.index.url("hang")
    job = agent.job()
    agent.groovy.start(job)
    assert agent.index.hanging.wait(120)
    agent.groovy.abort()
    ended = agent.groovy.ended(job)
    assert ended.result == "ABORTED"
    assert of_the_steps(ended) == ["SUCCESS", "ABORTED", *["SKIPPED"] * 5]
    assert ended.stages["Environment"] == "ABORTED"
    assert codes(ended) == {"Check": 0, "Create": 143}, ended.console
    assert "venvbuild: terminated; nothing half-made is left" in ended.console
    assert (ended.display_name, ended.description) == ("#42 sales py3.11", "stopped at create")
    assert "venvbuild-work/build.log" in ended.archived
    assert end_of_everything_in(job.workspace)
    assert not Path(agent.place.url).exists()


def test_an_abort_while_the_archive_is_sent_leaves_nothing_torn_and_a_second_run_is_well(agent_on_moto: Agent) -> None:
    with RecordingProxy(str(agent_on_moto.place.endpoint_url)) as proxy:
        proxy.spoil("PUT", r"\.tar\.gz\?", stall(), times=1)
        agent_on_moto.place.env["VENVBUILD_S3_ENDPOINT_URL"] = proxy.endpoint_url
        job = agent_on_moto.job()
        agent_on_moto.groovy.start(job)
        give_up_at = time.monotonic() + 120
        while not proxy.requests("PUT", r"\.tar\.gz\?"):
            assert time.monotonic() < give_up_at, job.console.read_text()
            time.sleep(0.02)
        agent_on_moto.groovy.abort()
        ended = agent_on_moto.groovy.ended(job)
        assert (ended.result, codes(ended)["Upload"]) == ("ABORTED", 143), ended.console
        assert ended.description == "stopped at upload, 2 packages, conflict free"
        assert end_of_everything_in(job.workspace)
        assert agent_on_moto.builds == {}
        again = agent_on_moto.run()
    assert again.result == "SUCCESS", again.console
    assert len(agent_on_moto.builds) == 1


# --- parameters


def test_a_first_run_only_registers_the_parameters(agent: Agent) -> None:
    ended = agent.groovy.run(replace(agent.job(), params=None))
    assert (ended.result, ended.shells) == ("NOT_BUILT", []), ended.console
    assert ended.stages == {"Parameters": "NOT_BUILT", "Agent": "SKIPPED", "Environment": "SKIPPED"}
    assert "This first run only registers the parameters; nothing is built or stored." in ended.console
    assert ended.description == "The parameters are registered, nothing was built: start it again."
    assert "Running on" not in ended.console  # no agent is asked for
    assert not (agent.folder / "home" / ".local").exists()


@pytest.mark.parametrize("field", ["ENV_NAME", "REQUIREMENTS_FILE"])
@pytest.mark.parametrize("cleared", ["", "  "], ids=["empty", "blanks"])
def test_a_cleared_field_ends_the_run_with_a_sentence_and_nothing_is_built(
    agent: Agent, field: str, cleared: str
) -> None:
    ended = agent.run(**{field: cleared})
    assert (ended.result, ended.shells) == ("FAILURE", []), ended.console
    assert f"ERROR: The field {field} is empty, and Jenkins hands on no empty one" in ended.console
    assert (ended.display_name, ended.description) == ("#42 refused", "stopped at its parameters")
    assert agent.builds == {}


def test_an_old_trigger_that_names_the_store_by_its_variable_is_told_the_new_name(agent: Agent) -> None:
    agent.given["declared_before"] = {"VENVBUILD_STORE": "s3://elsewhere/team"}
    ended = agent.run()
    assert (ended.result, ended.shells) == ("FAILURE", []), ended.console
    assert "VENVBUILD_STORE is no parameter of this job any more" in ended.console
    assert "has to give STORE." in ended.console


def test_a_variable_in_a_field_is_the_runs_own_and_no_other(agent: Agent) -> None:
    """As Jenkins has it; what a shell would make of it, it does not see."""
    agent.place.env["OF_THE_AGENT"] = "leaked"
    ended = agent.run(ENV_NAME="$JOB_NAME-$OF_THE_AGENT")
    assert (ended.result, codes(ended)) == ("FAILURE", {"Check": 3}), ended.console
    assert "environments-$OF_THE_AGENT" in ended.console
    assert "leaked" not in ended.console


# --- defaults: of the field, the folder, the controller, the agent


def test_the_folders_variables_go_before_the_controllers_and_the_field_before_both(agent: Agent) -> None:
    shown = """sh 'echo "store: ${VENVBUILD_STORE-none}"; exit 1'"""
    agent.given["pipeline"] = JENKINSFILE.replace("""sh 'bin/check -r "$REQUIREMENTS_FILE"'""", shown)
    assert "\nstore: none\n" in agent.run(STORE="").console
    agent.place.env["VENVBUILD_STORE"] = "of the agent"
    assert "\nstore: of the agent\n" in agent.run(STORE="").console
    agent.given["globals"] = {"VENVBUILD_STORE": "of the controller"}
    assert "\nstore: of the controller\n" in agent.run(STORE="").console
    agent.given["folder_properties"] = {"VENVBUILD_STORE": "of the folder"}
    assert "\nstore: of the folder\n" in agent.run(STORE="").console
    assert "\nstore: of the field\n" in agent.run(STORE="of the field").console


def test_the_label_and_credentials_of_the_folder_count(agent_on_moto: Agent) -> None:
    agent_on_moto.given.update(
        labels=["python"],
        folder_properties={"VENVBUILD_AGENT_LABEL": "python", "VENVBUILD_AWS_CREDENTIALS_ID": "store-key"},
    )
    ended = agent_on_moto.run(AWS_CREDENTIALS_ID="")
    assert (ended.result, ended.stages["Agent"]) == ("SUCCESS", "SUCCESS"), ended.console
    assert "The label python is served by agent-1." in ended.console


# --- promotion


def test_a_green_run_moves_the_alias_that_is_asked_for_and_no_other_run_does(agent: Agent) -> None:
    ended = agent.run(PROMOTE_ALIAS="prod")
    assert (ended.result, ended.stages["Promote"]) == ("SUCCESS", "SUCCESS"), ended.console
    [green] = agent.builds
    assert f"sales@prod  {green}" in ended.console
    agent.pins("needy==1.0", "other==2.0")
    ended = agent.run(PROMOTE_ALIAS="prod", FAIL_ON_CONFLICTS="false")
    assert (ended.result, ended.stages["Promote"]) == ("UNSTABLE", "SKIPPED"), ended.console
    assert len(agent.builds) == 2


def test_a_python_that_is_not_on_the_list_is_refused_before_the_run(agent: Agent) -> None:
    ended = agent.run(PYTHON_VERSION="2.7")
    assert (ended.result, ended.shells) == ("REFUSED", [])
    assert ended.console == "Illegal choice for parameter PYTHON_VERSION: 2.7\n"


@pytest.mark.parametrize(
    ("params", "code", "said"),
    [
        pytest.param({"ENV_NAME": "x; touch PWNED"}, 3, "ENV_NAME", id="semicolon"),
        pytest.param({"ENV_NAME": "$(touch PWNED)"}, 3, "ENV_NAME", id="substitution"),
        pytest.param({"ENV_NAME": "x\ntouch PWNED"}, 3, "ENV_NAME", id="newline"),
        pytest.param({"ENV_NAME": "<img src=x>"}, 3, "ENV_NAME", id="markup"),
        pytest.param({"REQUIREMENTS_FILE": "$(touch PWNED)"}, 2, "touch PWNED", id="file: substitution"),
        pytest.param({"REQUIREMENTS_FILE": "--help"}, 2, "--help", id="file like a flag"),
    ],
)
def test_a_hostile_parameter_ends_in_check_and_is_never_obeyed(
    agent: Agent, params: dict[str, str], code: int, said: str
) -> None:
    agent.given["stub"] = ["cleanWs"]  # what a shell obeyed would stay in the workspace
    ended = agent.run(**params)
    assert (ended.result, codes(ended)) == ("FAILURE", {"Check": code}), ended.console
    assert said in ended.console
    assert not list(agent.folder.rglob("PWNED*"))
    assert ended.description == "stopped at check"
    assert ended.display_name == ("#42 refused" if "ENV_NAME" in params else "#42 sales py3.11")


def test_a_requirements_file_with_a_hostile_name_is_only_a_file(agent: Agent) -> None:
    agent.given["stub"] = ["cleanWs"]
    check = (agent.source / "bin" / "check").read_text()
    only_groovy(agent.source / "bin")
    (agent.source / "bin" / "check").write_text(check)
    odd = "$(touch PWNED) `touch PWNED`; touch PWNED.txt"
    agent.pins("tiny==1.0", file=odd)
    ended = agent.run(REQUIREMENTS_FILE=odd)
    assert ended.result == "SUCCESS", ended.console
    assert not list(agent.folder.rglob("PWNED*"))


# --- reports


def test_without_the_plugins_the_reports_are_archived_and_the_result_is_the_same(agent: Agent) -> None:
    agent.given["absent"] = ["junit", "recordIssues", "issues", "publishHTML"]
    ended = agent.run()
    assert ended.result == "SUCCESS", ended.console
    assert (ended.tests, ended.issues, ended.published) == (None, None, [])
    assert "The plugin warnings-ng is not installed" in ended.console
    assert "venvbuild-work/report/index.html" in ended.archived


# --- notifications


def notified(agent: Agent, hook: Webhook, previous: str | None = None, **params: str) -> Ended:
    """A run that tells `hook`."""
    tool_cache_with_notify()
    job = agent.job(NOTIFY_CREDENTIALS_ID="team", **params)
    secret = {"team": {"type": "string", "secret": f"json://{hook.place}/secret-token-123"}}
    return agent.groovy.run(replace(job, credentials={**job.credentials, **secret}, previous=previous))


@WAITING
def test_a_failure_and_the_recovery_from_it_are_told_and_nothing_else(agent_on_moto: Agent, hook: Webhook) -> None:
    agent_on_moto.pins("needy==1.0", "other==2.0")
    assert notified(agent_on_moto, hook, "SUCCESS").result == "FAILURE"
    assert notified(agent_on_moto, hook, "FAILURE", FAIL_ON_CONFLICTS="false").result == "UNSTABLE"
    agent_on_moto.pins("tiny==1.0", "other==1.0")
    ended = notified(agent_on_moto, hook, "FAILURE")
    assert (ended.result, "secret-token" in ended.console) == ("SUCCESS", False)
    agent_on_moto.pins("needy==1.0", "other==2.0", "tiny==1.0")
    notified(agent_on_moto, hook, "SUCCESS")
    told = [post["title"] for _, post in hook.posts]
    failed = "FAILED sales (py3.11) at create: 1 conflict"
    assert told == [failed, "FIXED sales (py3.11): conflict free", failed]
    last = hook.posts[-1][1]["message"]
    assert "\n  + needy 1.0\n  other 1.0 -> 2.0\n" in last
    assert "artifact/venvbuild-work/report/index.html" in last


def test_store_credentials_that_are_missing_are_told_of_too(agent_on_moto: Agent, hook: Webhook) -> None:
    ended = notified(agent_on_moto, hook, "SUCCESS", AWS_CREDENTIALS_ID="renamed")
    assert (ended.result, ended.stages["Upload"]) == ("FAILURE", "FAILURE"), ended.console
    [(_, post)] = hook.posts
    assert post["title"].startswith("FAILED ")


def test_a_report_that_fails_changes_no_result(agent: Agent) -> None:
    only_groovy(agent.source / "bin")
    for script in ("report", "summary"):
        (agent.source / "bin" / script).write_text("#!/bin/sh\nexit 7\n")
    ended = agent.run()
    assert (ended.result, ended.stages) == ("SUCCESS", WELL), ended.console
    (agent.source / "bin" / "create").write_text("#!/bin/sh\nexit 5\n")
    ended = agent.run()
    assert (ended.result, codes(ended)["Create"]) == ("FAILURE", 5)
    assert "ERROR: script returned exit code 5\nFinished: FAILURE" in ended.console


def without_credentials(agent: Agent) -> Job:
    only_groovy(agent.source / "bin")
    return agent.job(NOTIFY_CREDENTIALS_ID="absent")


def with_a_wrong_address(agent: Agent) -> Job:
    return replace(agent.job(), env={**agent.environment(), "VENVBUILD_NOTIFY_URLS": "nonsense://x"})


def with_a_service_that_is_down(agent: Agent) -> Job:
    return replace(agent.job(), env={**agent.environment(), "VENVBUILD_NOTIFY_URLS": "json://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (without_credentials, "Nobody was notified: Could not find credentials"),
        (with_a_wrong_address, "Nobody was notified: exit code 2."),
        (with_a_service_that_is_down, "WARNING: not notified: JSON (address 1)"),
    ],
)
def test_what_cannot_be_told_changes_no_result(agent: Agent, made: Callable[[Agent], Job], said: str) -> None:
    tool_cache_with_notify()
    ended = agent.groovy.run(replace(made(agent), previous="FAILURE"))
    assert (ended.result, "fixed" in ended.post) == ("SUCCESS", True), ended.console
    assert said in ended.console


# --- agents


@pytest.mark.parametrize("shell", ["/bin/dash", pytest.param("/bin/bash", marks=pytest.mark.slow)])
def test_any_shell_and_odd_folders_will_do(agent: Agent, volume: Path, shell: str) -> None:
    require(Path(shell).exists(), f"{shell} is not installed")
    agent.given.update(shell=shell, workspace_name="a work 'space' & more")
    agent.place = Place("folder", str(volume / "st<b>re & \"more's"))
    ended = agent.run()
    assert ended.result == "SUCCESS", ended.console
    [version] = agent.builds
    assert str(ended.description).startswith(f"{version}, 2 packages, conflict free, file:///")
    assert not set(str(ended.description)) & set("<>&\"'")


def test_a_wrong_label_is_waited_for_half_an_hour_and_an_agent_of_the_label_is_asked_for(agent: Agent) -> None:
    agent.given["minute_ms"] = 10
    ended = agent.run(AGENT_LABEL="python")
    assert (ended.result, ended.shells) == ("ABORTED", []), ended.console
    assert ended.stages == {"Parameters": "SUCCESS", "Agent": "ABORTED", "Environment": "SKIPPED"}
    assert "Asks for an agent with the label python, for 30 minutes at most." in ended.console
    agent.given["labels"] = ["python"]
    assert agent.run(AGENT_LABEL="python").result == "SUCCESS"


@pytest.mark.parametrize("thrown", ["error('no')", "throw new Error('no')"], ids=["exception", "error"])
def test_publishers_that_throw_change_no_result(agent: Agent, thrown: str) -> None:
    publishers = ("archiveArtifacts", "junit", "recordIssues", "publishHTML", "cleanWs")
    post = JENKINSFILE.index("            post {")
    spoiled = re.sub(rf"\b({'|'.join(publishers)})\(", "spoiled(", JENKINSFILE[post:])
    agent.given["pipeline"] = f"{JENKINSFILE[:post]}{spoiled}\nvoid spoiled(Object... given) {{\n    {thrown}\n}}\n"
    only_groovy(agent.source / "bin")
    ended = agent.run()
    assert (ended.result, ended.stages) == ("SUCCESS", WELL), ended.console
    assert ended.console.count("ERROR: no\n") == spoiled.count("spoiled(") == 6


def test_an_abort_while_people_are_told_is_an_abort(agent: Agent) -> None:
    only_groovy(agent.source / "bin")
    (agent.source / "bin" / "notify").write_text("#!/usr/bin/env bash\necho telling\nexec sleep 1000\n")
    job = replace(agent.job(), env={**agent.environment(), "VENVBUILD_NOTIFY_URLS": "json://127.0.0.1:1"})
    agent.groovy.start(replace(job, previous="FAILURE"))
    give_up_at = time.monotonic() + 120
    while not (job.console.exists() and "\ntelling\n" in job.console.read_text()):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    agent.groovy.abort()
    ended = agent.groovy.ended(job)
    assert ended.result == "ABORTED", ended.console
    assert "Nobody was notified" not in ended.console
    assert ended.post[-1] == "cleanup"


def test_a_checkout_that_fails_is_the_only_error(agent: Agent) -> None:
    agent.given["source"] = None
    ended = agent.run()
    assert (ended.result, codes(ended)) == ("FAILURE", {"Check": 127})
    assert "post condition" not in ended.console
