"""Asking Amazon Athena, as users do."""

from __future__ import annotations

import pytest

from athena import rows
from tests.support.athena_server import AthenaServer
from tests.support.builds import put_build, version
from tests.support.tool import Tool
from tests.support.trino_server import TrinoServer
from venvbuild import builds

pytestmark = pytest.mark.xdist_group("trino")


@pytest.fixture
def asking(tool: Tool, trino_server: TrinoServer, athena_server: AthenaServer) -> Tool:
    """A user of Athena with two builds in the store."""
    made = trino_server.new_catalog("2025-07-22", "2025-07-23")
    tool.env |= athena_server.of(made)
    tool.store = made.store.url
    for number, packages in enumerate((["kedro==0.18.14", "kedro-viz==6.0"], ["kedro==0.19.1"])):
        put_build(made.store, number, installed_packages=[*packages, "pip==25.0"])
        rows.register(made.store, builds.read(made.store, version(number)))
    return tool


def test_every_question_is_answered(asking: Tool) -> None:
    found = asking.run("find", "kedro>=0.19,<0.20", "--json")
    assert found.code == 0, found.stderr
    assert [(row["venv_version"], row["created_at"], row["matches"]) for row in found.json] == [
        (version(1), "2025-07-22T08:30:01Z", ["kedro==0.19.1"])
    ]
    assert asking.run("count", "kedro", "--json").json == {"count": 2}
    assert asking.run("diff", version(0), version(1), "--json").json["changes"] == [
        {"name": "kedro", "version_before": "0.18.14", "version_after": "0.19.1"},
        {"name": "kedro-viz", "version_before": "6.0", "version_after": None},
    ]
    in_use = asking.run("query", "versions_in_use", "--param", "name=kedro", "--json").json
    assert [(row["version"], row["env_count"]) for row in in_use] == [("0.19.1", 1), ("0.18.14", 0)]
    assert asking.run("list", "--json").stdout == asking.run("list", "--json", "--engine", "duckdb").stdout


def test_doctor_asks_athena(asking: Tool) -> None:
    assert {"name": "engine", "verdict": "ok"}.items() <= asking.run("doctor", "--json").json[-1].items()
    broken = asking.run("doctor", "--json", VENVBUILD_ATHENA_DATABASE="nowhere").json[-1]
    assert broken["verdict"] == "problem"
    assert "venvbuild table create" in broken["fix"]


def test_too_much_is_not_asked(asking: Tool) -> None:
    elsewhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    done = asking.run("find", "kedro", "--max-bytes", "100", "--json", **elsewhere)
    assert (done.code, done.json["error"]["problems"][0]["where"]) == (2, "--max-bytes")
