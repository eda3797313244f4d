"""examples/snowflake/azure-pipelines.yml: right by Azure's schema, and its steps run as an agent runs them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import azure
from tests.support.azure import Pipeline
from tests.support.index_server import IndexServer
from tests.support.requirement import require
from tests.support.scripts import REPOSITORY, tool_cache_with_snowflake
from tests.support.snowflake_server import PASSWORD, STAGE, SnowflakeServer
from tests.support.tool import Tool
from tests.support.wheels import wheel

FILE = REPOSITORY / "examples" / "snowflake" / "azure-pipelines.yml"
READ = yaml.safe_load(FILE.read_text("utf-8"))
SYNC, LOOK = "Sync packages", "Does this branch change requirements.txt?"
OF_THE_DOCUMENT = {
    *(f"SNOWFLAKE_{name}" for name in ("ACCOUNT", "USER", "PASSWORD", "ROLE", "WAREHOUSE", "DATABASE", "SCHEMA")),
    "PROGET_URL",
}


def test_the_schema_of_azure_finds_nothing_and_a_mistake_is_found(tmp_path: Path) -> None:
    checked = azure.judged(FILE)
    assert checked.returncode == 0, checked.stdout
    wrong = tmp_path / "azure-pipelines.yml"
    wrong.write_text(FILE.read_text("utf-8").replace("workingDirectory:", "workingDirectroy:"))
    assert azure.judged(wrong).returncode == 1


def test_only_the_step_that_needs_them_gets_the_variables_of_the_document() -> None:
    mapped = [step for step in READ["steps"] if "env" in step]
    assert [step["displayName"] for step in mapped] == [SYNC]
    assert set(mapped[0]["env"]) == {*OF_THE_DOCUMENT, "SNOWFLAKE_TOKEN"}
    assert all(value == f"$({name})" for name, value in mapped[0]["env"].items())
    assert not any(name in step.get("bash", "") for step in READ["steps"] for name in OF_THE_DOCUMENT)


def test_a_trigger_by_branch_and_path_would_miss_both_and_there_is_none() -> None:
    assert READ["trigger"] == {"branches": {"include": ["*"]}}


@pytest.fixture
def pipeline(tmp_path: Path, index: IndexServer, snowflake_server: SnowflakeServer) -> Pipeline:
    """A repository with the example in it, on main, and a branch that changes nothing of ours."""
    require(shutil.which("git"), "git is not installed")
    for version in ("1.0", "2.0"):
        wheel(index.folder, "tiny", version)
    sources = tmp_path / "sources"
    shutil.copytree(FILE.parent, sources / "examples" / "snowflake")
    (sources / "bin").symlink_to(REPOSITORY / "bin")
    pins(sources, "1.0")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"]):
        git(sources, *command)
    commit(sources, "main")
    git(sources, "update-ref", "refs/remotes/origin/main", "main")
    git(sources, "checkout", "-q", "-b", "feature")
    agent = azure.environment(
        XDG_CACHE_HOME=str(tool_cache_with_snowflake()), VENVBUILD_INDEX_URL=index.url(), **snowflake_server.address()
    )
    del agent["SNOWFLAKE_ACCOUNT"]
    variables = {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_ROLE": "R"}
    return Pipeline(sources / FILE.relative_to(REPOSITORY), sources, variables, {"SNOWFLAKE_PASSWORD": PASSWORD}, agent)


def pins(sources: Path, version: str) -> None:
    (sources / "examples" / "snowflake" / "requirements.txt").write_text(f"tiny=={version}\n")


def git(sources: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *who, *arguments], cwd=sources, check=True, capture_output=True)


def commit(sources: Path, message: str) -> None:
    git(sources, "add", "-A")
    git(sources, "commit", "-q", "--allow-empty", "-m", message)


def test_a_push_to_main_syncs_and_undefined_variables_count_as_unset(
    pipeline: Pipeline, snowflake_server: SnowflakeServer
) -> None:
    ended = pipeline.run("refs/heads/main")
    assert (ended.result, ended.ran) == ("succeeded", [LOOK, SYNC]), ended.log
    assert "app_packages.zip" in snowflake_server.files()
    [login] = snowflake_server.logins
    assert (login["LOGIN_NAME"], login["PASSWORD"]) == ("u", PASSWORD)
    assert not [value for value in map(str, login.values()) if "$(" in value]
    assert STAGE in ended.log
    assert "Canary" not in ended.log
    # what fails fails the run
    pipeline.secrets.clear()
    failed = pipeline.run("refs/heads/main")
    assert failed.result == "failed"
    assert "nothing says who asks Snowflake" in failed.log


def test_what_azure_leaves_of_undefined_variables_is_no_password_of_the_index(tool: Tool) -> None:
    """`snowflake zip`, which has no login, reads variables by the same rule."""
    wheel(tool.index.folder, "tiny", "1.0")
    tool.requirements("tiny==1.0")
    undefined = {name: f"$({name})" for name in ("VENVBUILD_INDEX_USERNAME", "VENVBUILD_INDEX_PASSWORD", "PROGET_URL")}
    made = tool.run("snowflake", "zip", "-o", "app.zip", **undefined)
    assert made.code == 0, made.stderr
    assert {authorization for _, authorization in tool.index.requests} == {""}


def test_a_branch_is_synced_when_one_of_its_commits_changes_the_requirements(
    pipeline: Pipeline, snowflake_server: SnowflakeServer
) -> None:
    commit(pipeline.sources, "something else")
    assert pipeline.run("refs/heads/feature").ran == [LOOK]
    pins(pipeline.sources, "2.0")
    commit(pipeline.sources, "other pins")
    commit(pipeline.sources, "something else again")
    ended = pipeline.run("refs/heads/feature")
    assert (ended.result, ended.ran) == ("succeeded", [LOOK, SYNC]), ended.log
    assert "app_packages.zip" in snowflake_server.files()


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("succeeded()", True),
        ("and(succeeded(), or(eq(variables['a'], 'X'), eq(variables['none'], 'x')))", True),
        ("or(eq(variables['none'], 'x'), eq('it''s', 'x'))", False),
    ],
)
def test_conditions_are_read_as_azure_reads_them(condition: str, value: bool) -> None:
    assert azure.evaluate(condition, {"a": "x"}, True) is value
