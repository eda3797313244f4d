"""What became of a run, as the list of builds shows it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.support import s3_servers
from tests.support.s3_servers import S3Server
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.run.summary import Summary
from venvbuild.run.workdir import STEPS


@pytest.fixture
def tool(tool: Tool) -> Tool:
    wheel(tool.index.folder, "good", "1.0")
    wheel(tool.index.folder, "old", "1.0", python="<3.9")
    tool.env.update(VENVBUILD_WORK_DIR=str(tool.work), ENV_NAME="sales")
    return tool


def summary(tool: Tool, **env: str) -> list[str]:
    """The title and the description."""
    done = tool.run("summary", **env)
    assert done.code == 0, done.stderr
    return done.stdout.splitlines()


def steps(tool: Tool, *pins: str, until: str = "register", code: int = 0) -> None:
    """Run the steps; only the last may end otherwise than well."""
    file = tool.requirements(*pins)
    for step in STEPS[: STEPS.index(until) + 1]:
        done = tool.run(step, *(("-r", file) if step == "check" else ()))
        assert done.code == (code if step == until else 0), done.stderr


def test_a_run_that_ended_well_has_version_counts_and_store(tool: Tool) -> None:
    steps(tool, "good==1.0")
    [build] = tool.run("list", "--json").json
    assert summary(tool) == ["sales py3.11", f"{build['venv_version']}, 2 packages, conflict free, file://{tool.store}"]


def test_as_json_it_has_every_fact(tool: Tool) -> None:
    steps(tool, "good==1.0", until="inspect")
    found = tool.run("summary", "--json").json
    assert set(found) == {field.name for field in dataclasses.fields(Summary)} | {"title", "description"}
    assert (found["stopped_at"], found["package_count"], found["venv_version"]) == ("pack", 2, None)


def test_a_run_that_stopped_says_where(tool: Tool) -> None:
    steps(tool, "absent==1.0", until="create", code=4)
    assert summary(tool) == ["sales py3.11", "stopped at create"]


def test_conflicts_that_stopped_a_run_are_counted(tool: Tool) -> None:
    steps(tool, "good==1.0", "old==1.0", until="inspect", code=5)
    assert summary(tool) == ["sales py3.11", "stopped at inspect, 3 packages, 1 conflict"]


def test_pins_that_contradict_each_other_are_counted_until_the_step_runs_again(tool: Tool) -> None:
    wheel(tool.index.folder, "needy", "1.0", requires=["good==2.0"])
    steps(tool, "good==1.0", "needy==1.0", until="create", code=5)
    assert summary(tool) == ["sales py3.11", "stopped at create, 1 conflict"]
    wheel(tool.index.folder, "needy", "1.0", requires=["good==1.0"])
    assert tool.run("create", XDG_CACHE_HOME=str(tool.folder / "another cache")).code == 0
    assert summary(tool) == ["sales py3.11", "stopped at inspect"]


def test_what_is_remembered_of_a_failure_holds_no_secret(tool: Tool) -> None:
    wheel(tool.index.folder, "needy", "1.0", requires=["hunter2-hunter2==1.0"])
    steps(tool, "needy==1.0", until="check")
    assert tool.run("create", MY_TOKEN="hunter2-hunter2").code == 4
    failed = json.loads((tool.work / "venvbuild-work.json").read_text())["failed"]
    assert failed["exit_code"] == 4
    assert "****" in str(failed["problems"])
    assert "hunter2" not in str(failed["problems"])


def test_a_step_that_fails_again_is_where_it_stopped(tool: Tool) -> None:
    steps(tool, "good==1.0")
    assert tool.run("register", "--again", VENVBUILD_STORE=str(tool.folder / "other")).code == 2
    assert summary(tool)[1].startswith("stopped at register, venv_")


def test_a_step_that_fails_again_takes_back_what_came_after_it(tool: Tool) -> None:
    steps(tool, "good==1.0")
    next(tool.index.folder.rglob("good-*.whl")).unlink()
    assert tool.run("create", "--again", XDG_CACHE_HOME=str(tool.folder / "another cache")).code == 4
    assert summary(tool) == ["sales py3.11", "stopped at create"]


def test_an_environment_that_is_made_again_has_no_counts_before_it_is_inspected(tool: Tool) -> None:
    steps(tool, "good==1.0", "old==1.0", until="inspect", code=5)
    assert tool.run("create", "--again").code == 0
    assert summary(tool) == ["sales py3.11", "stopped at inspect"]


def test_a_refused_file_leaves_the_name_of_the_run(tool: Tool) -> None:
    steps(tool, "good", until="check", code=3)
    assert summary(tool) == ["sales py3.11", "stopped at check"]


def test_a_refused_file_is_remembered_with_every_problem_and_what_an_earlier_run_made_stays(tool: Tool) -> None:
    steps(tool, "good==1.0", until="create")
    before = tool.run("check", "-r", tool.requirements("good", "old>1"), ENV_NAME="other")
    assert before.code == 3
    failed = json.loads((tool.work / "venvbuild-work.json").read_text())["failed"]
    assert (failed["step"], failed["exit_code"]) == ("check", 3)
    assert [one["where"] for one in failed["problems"]] == [f"{tool.folder / 'requirements.txt'}:{n}" for n in (1, 2)]
    assert summary(tool, ENV_NAME="other") == ["other py3.11", "stopped at check"]
    assert "unchanged" in tool.run("check", "-r", tool.requirements("good==1.0")).stderr
    assert "unchanged" in tool.run("create").stderr
    assert summary(tool) == ["sales py3.11", "stopped at inspect"]


@pytest.mark.parametrize("parameter", [{"ENV_NAME": "x; id"}, {"VENVBUILD_LEVEL": "lots"}])
def test_a_refused_setting_is_remembered_too(tool: Tool, parameter: dict[str, str]) -> None:
    code = tool.run("check", "-r", tool.requirements("good==1.0"), **parameter).code
    failed = json.loads((tool.work / "venvbuild-work.json").read_text())["failed"]
    assert (failed["step"], failed["exit_code"], len(failed["problems"])) == ("check", code, 1)
    assert summary(tool)[1] == "stopped at check"


def test_a_refusal_leaves_a_folder_that_is_not_ours_as_it_is(tool: Tool) -> None:
    tool.work.mkdir()
    (tool.work / "mine.txt").write_text("mine")
    assert tool.run("check", "-r", tool.requirements("good")).code == 3
    assert [path.name for path in tool.work.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["<b>", "x; id", ""])
def test_a_refused_parameter_is_not_repeated(tool: Tool, name: str) -> None:
    assert summary(tool, ENV_NAME=name) == ["refused", "stopped at check"]


@pytest.mark.parametrize("record", ["{", "[]", '{"schema_version": 1, "steps": {}}'])
def test_a_folder_that_is_no_work_dir_is_a_run_that_never_began(tool: Tool, record: str) -> None:
    tool.work.mkdir()
    (tool.work / "venvbuild-work.json").write_text(record)
    assert summary(tool) == ["sales py3.11", "stopped at check"]


def test_a_file_in_place_of_the_work_dir_or_its_record_is_a_run_that_never_began(tool: Tool) -> None:
    tool.work.write_text("")
    assert summary(tool) == ["sales py3.11", "stopped at check"]
    tool.work.unlink()
    (tool.work / "venvbuild-work.json").mkdir(parents=True)
    assert summary(tool) == ["sales py3.11", "stopped at check"]


def test_a_report_that_is_not_whole_counts_nothing(tool: Tool) -> None:
    steps(tool, "good==1.0", until="inspect")
    (tool.work / "conflicts.json").write_text('[{"is_fail')
    assert summary(tool) == ["sales py3.11", "stopped at pack, 2 packages"]


def test_no_prefix_of_a_store_can_be_markup(tool: Tool, moto_server: S3Server, s3_environment: None) -> None:
    bucket = moto_server.new_bucket()
    tool.env.update(
        s3_servers.ENVIRONMENT, AWS_ENDPOINT_URL=moto_server.endpoint_url, VENVBUILD_STORE=f"s3://{bucket}/a&b<i>'\""
    )
    steps(tool, "good==1.0")
    assert summary(tool)[1].endswith(f"s3://{bucket}/a%26b%3Ci%3E%27%22")


def test_it_is_told_while_a_step_is_at_work(tool: Tool) -> None:
    tool.env["VENVBUILD_INDEX_URL"] = tool.index.url("hang")
    steps(tool, "good==1.0", until="check")
    running = tool.start("create")
    assert tool.index.hanging.wait(60)
    said = summary(tool)
    running.terminate()
    running.communicate(timeout=60)
    assert said == ["sales py3.11", "stopped at create"]
