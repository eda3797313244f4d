"""The table, its views and the workflow on Athena and Glue."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from athena import rows
from athena.rows import columns
from athena.tables import TABLE, Workflow
from tests.support import s3_servers
from tests.support.athena_server import AthenaServer
from tests.support.builds import put_build, version
from tests.support.s3_servers import ACCESS_KEY, REGION, SECRET_KEY
from tests.support.tool import Tool
from venvbuild import builds
from venvbuild.errors import UsageError
from venvbuild.stores import open_store

pytestmark = pytest.mark.xdist_group("trino")
ROLE = "arn:aws:iam::123456789012:role/crawler"


@pytest.fixture
def user(tool: Tool, athena_server: AthenaServer, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """A user with a bucket, two builds in it and a database's name that is not taken."""
    bucket = athena_server.aws.new_bucket()
    tool.store = f"s3://{bucket}/team"
    name = f"db_{bucket.rpartition('-')[2]}"
    tool.env |= {**athena_server.environment(name), "VENVBUILD_STORE": tool.store}
    for variable, value in {**s3_servers.ENVIRONMENT, "AWS_ENDPOINT_URL": athena_server.aws.endpoint_url}.items():
        monkeypatch.setenv(variable, value)
    store = open_store(tool.store)
    for number in range(2):
        rows.register(store, builds.read(store, put_build(store, number)))
    return tool


def glue(server: AthenaServer) -> Any:
    return boto3.client(
        "glue", endpoint_url=server.aws.endpoint_url, region_name=REGION, aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )  # fmt: skip


def database_of(user: Tool) -> str:
    return user.env["VENVBUILD_ATHENA_DATABASE"]


def test_a_table_is_made_asked_shown_and_dropped(user: Tool, athena_server: AthenaServer) -> None:
    assert user.run("find", "good").code == 10
    for _ in range(2):
        made = user.run("table", "create")
        assert made.code == 0, made.stderr
    assert f"CREATE DATABASE IF NOT EXISTS `{database_of(user)}`" in made.stderr
    assert [row["venv_version"] for row in user.run("find", "good", "--json").json] == [version(1), version(0)]
    assert user.run("list", "--json").stdout == user.run("list", "--json", "--engine", "duckdb").stdout
    shown = user.run("table", "show").stdout
    assert f"{user.store}/venv-catalog/builds" in shown
    assert len(shown.splitlines()) > 30
    assert shown.count("CREATE VIEW") == 2
    for _ in range(2):
        assert user.run("table", "drop").code == 0
    assert user.run("table", "show").code == 10
    assert user.run("list", "--json", "--engine", "duckdb").json[0]["venv_version"] == version(1)


def test_the_table_of_glue_has_the_columns_and_the_projection(user: Tool, athena_server: AthenaServer) -> None:
    assert user.run("table", "create").code == 0
    made = glue(athena_server).get_table(DatabaseName=database_of(user), Name=TABLE)["Table"]
    storage = made["StorageDescriptor"]
    assert [(one["Name"], one["Type"]) for one in storage["Columns"]] == [(one.name, one.type) for one in columns()]
    assert made["PartitionKeys"] == [{"Name": "dt", "Type": "string"}]
    assert made["TableType"] == "EXTERNAL_TABLE"
    assert storage["Location"] == f"{user.store}/venv-catalog/builds/"
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert made["Parameters"] == {
        "EXTERNAL": "TRUE",
        "classification": "json",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2025-07-22,NOW+1DAYS",
        "storage.location.template": f"{user.store}/venv-catalog/builds/dt=${{dt}}/",
    }


def test_a_dry_run_prints_the_sql_and_asks_nobody(user: Tool) -> None:
    nobody = {"VENVBUILD_ATHENA_REGION": "", "VENVBUILD_ATHENA_OUTPUT": ""}
    flags = ["--dry-run", "--with-workflow", "--crawler-role", ROLE]
    dry = user.run("table", "create", *flags, **nobody)
    assert dry.code == 0, dry.stderr
    assert "CREATE EXTERNAL TABLE IF NOT EXISTS venv_builds_metadata" in dry.stdout
    assert f"LOCATION '{user.store}/venv-catalog/builds/'" in dry.stdout
    comment = dry.stdout.partition("-- {\n")[2]
    definitions = json.loads("{" + "".join(line.removeprefix("-- ") for line in comment.splitlines()))
    assert definitions == Workflow(database_of(user), TABLE, ROLE).definitions()
    gone = user.run("table", "drop", "--dry-run", "--with-workflow", **nobody)
    assert gone.stdout.splitlines()[0].endswith(f"crawler venvbuild-{database_of(user)}")
    assert "DROP TABLE IF EXISTS venv_builds_metadata" in gone.stdout
    assert user.run("find", "good").code == 10


def test_a_workflow_is_made_once_and_removed(user: Tool, athena_server: AthenaServer) -> None:
    client, name = glue(athena_server), f"venvbuild-{database_of(user)}"
    create = ["table", "create", "--with-workflow", "--crawler-role", ROLE]
    assert "crawler, workflow, trigger" in user.run(*create).stderr
    again = user.run(*create)
    assert again.code == 0
    assert "crawler" not in again.stderr.splitlines()[-1]  # moto refuses no second workflow and trigger
    crawler = client.get_crawler(Name=name)["Crawler"]
    assert crawler["Role"] == ROLE
    assert crawler["Targets"]["CatalogTargets"] == [{"DatabaseName": database_of(user), "Tables": [TABLE]}]
    assert crawler["SchemaChangePolicy"] == {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    assert client.get_workflow(Name=name)["Workflow"]["Name"] == name
    trigger = client.get_trigger(Name=name)["Trigger"]
    assert (trigger["WorkflowName"], trigger["Type"], trigger["Actions"]) == (
        name,
        "SCHEDULED",
        [{"CrawlerName": name}],
    )
    for _ in range(2):
        done = user.run("table", "drop", "--with-workflow")
        assert done.code == 0, done.stderr
    assert client.list_crawlers()["CrawlerNames"] == []
    assert name not in client.list_workflows()["Workflows"]
    assert name not in client.list_triggers()["TriggerNames"]


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (["--with-workflow"], {}, "--crawler-role"),
        (["--with-workflow", "--crawler-role", "a b"], {}, "no IAM role"),
        (["--with-workflow", "--crawler-role", ROLE], {"VENVBUILD_ENGINE": "trino"}, "VENVBUILD_ENGINE=athena"),
        (["--location", "/folder"], {}, "--location"),
        (["--location", "local:///folder"], {}, "s3://bucket/prefix"),
        ([], {"VENVBUILD_ATHENA_DATABASE": ""}, "VENVBUILD_ATHENA_DATABASE"),
    ],
)
def test_what_cannot_be_made_is_refused(tool: Tool, arguments: list[str], environ: dict[str, str], said: str) -> None:
    needed = {
        "VENVBUILD_ENGINE": "athena", "VENVBUILD_ATHENA_DATABASE": "venv", "VENVBUILD_ATHENA_REGION": "us-east-1",
        "VENVBUILD_ATHENA_OUTPUT": "s3://results/", "VENVBUILD_STORE": tool.store,
    }  # fmt: skip
    if "--location" not in arguments:
        arguments = [*arguments, "--location", "s3://bucket/prefix"]
    done = tool.run("table", "create", *arguments, **{**needed, **environ})
    assert done.code == 2
    assert said in done.stderr


def test_refusals_of_glue_are_told(user: Tool) -> None:
    create = ["table", "create", "--with-workflow", "--crawler-role", ROLE]
    assert user.run(*create).code == 0
    done = user.run("table", "drop", "--with-workflow", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert done.code == 2
    assert "no usable AWS credentials" in done.stderr
    assert "AWS Glue" in done.stderr


def test_a_role_is_judged_before_anything_is_made() -> None:
    with pytest.raises(UsageError, match="no IAM role"):
        Workflow("db", TABLE, "x; y")
