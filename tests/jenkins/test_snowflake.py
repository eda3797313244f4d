"""Jenkinsfile.snowflake, which brings a build to a stage: checked, and run against the loopback Snowflake."""

from __future__ import annotations

from pathlib import Path

from tests.support.agent import Agent
from tests.support.groovy import Groovy
from tests.support.scripts import REPOSITORY, tool_cache_with_snowflake
from tests.support.snowflake_server import STAGE, USER, SnowflakeServer

TEXT = (REPOSITORY / "Jenkinsfile.snowflake").read_text("utf-8")
TOKEN = "pat-Canary-97-abcdefghij"  # a secret of the tests


def test_the_checker_finds_neither_errors_nor_warnings(groovy: Groovy) -> None:
    assert groovy.check(TEXT) == []


def test_its_one_stage_calls_the_door_with_the_credentials_around_it(groovy: Groovy) -> None:
    job = groovy.read(TEXT)
    assert job["stages"] == ["Sync"]
    [shell] = job["shells"]
    assert (shell["kind"], shell["quote"]) == ("constant", "'")
    assert shell["text"].startswith('bin/sync-snowflake-packages --from "$ENV_NAME@latest" --stage "$SNOWFLAKE_STAGE"')
    assert "withSecrets" in shell["inside"]


def test_a_build_comes_to_the_stage_by_the_token_of_jenkins(agent: Agent, snowflake_server: SnowflakeServer) -> None:
    tool_cache_with_snowflake()
    agent.place.env.update({**snowflake_server.address(), "SNOWFLAKE_USER": USER})
    assert agent.run().result == "SUCCESS"
    [version] = agent.builds
    agent.given.update(pipeline=TEXT, credentials={"pat": {"type": "string", "secret": TOKEN}})
    ended = agent.run(SNOWFLAKE_STAGE=f"@{STAGE}/sales", SNOWFLAKE_CREDENTIALS_ID="pat")
    assert (ended.result, ended.stages) == ("SUCCESS", {"Sync": "SUCCESS"}), ended.console
    assert set(snowflake_server.files()) == {"sales/app_packages.zip", "sales/app_packages.zip.manifest.json"}
    [login] = snowflake_server.logins
    assert (login["LOGIN_NAME"], login["AUTHENTICATOR"], login["TOKEN"]) == (USER, "PROGRAMMATIC_ACCESS_TOKEN", TOKEN)
    assert list(Path(agent.place.url, "venv-catalog", "snowflake", version).glob("*.json"))
    assert "Canary" not in ended.console
    # without a stage
    ended = agent.run(SNOWFLAKE_CREDENTIALS_ID="pat")
    assert (ended.result, ended.codes["Sync"]) == ("FAILURE", 2), ended.console
