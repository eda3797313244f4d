"""PyAthena behind the protocol: what it needs, what it gives, how it fails and how it is stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import boto3
import pyathena
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from athena.engines import Engine, open_engine
from athena.engines.athena_errors import engine_error
from athena.questions import bind
from athena.statement import Bound, Statement
from tests.athena.conftest import athena_engine
from tests.support import s3_servers
from tests.support.athena_server import AthenaServer
from tests.support.tool import Tool
from venvbuild import settings
from venvbuild.errors import QueryEngineError, UsageError, VenvBuildError
from venvbuild.stores import open_store

pytestmark = pytest.mark.xdist_group("trino")
NEEDED = {
    "VENVBUILD_ENGINE": "athena", "VENVBUILD_ATHENA_DATABASE": "venv", "VENVBUILD_ATHENA_OUTPUT": "s3://results/",
    "VENVBUILD_ATHENA_REGION": "eu-central-1",
}  # fmt: skip


def opened(**environ: str) -> Engine:
    return open_engine(settings.load({}, {"HOME": os.environ["HOME"], **environ}), open_store("/nonexistent"))


def test_missing_settings_are_named_together() -> None:
    with pytest.raises(UsageError) as caught:
        opened(VENVBUILD_ENGINE="athena")
    [problem] = caught.value.problems
    assert problem.what == (
        "for the engine athena set VENVBUILD_ATHENA_DATABASE, VENVBUILD_ATHENA_REGION, "
        "VENVBUILD_ATHENA_OUTPUT or VENVBUILD_ATHENA_WORKGROUP"
    )


def test_the_region_may_be_that_of_aws_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    given = {name: value for name, value in NEEDED.items() if "REGION" not in name}
    with opened(**given):
        pass


def test_variables_of_pyathena_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ATHENA_S3_STAGING_DIR", "s3://others/")
    with pytest.raises(UsageError, match="VENVBUILD_ATHENA_OUTPUT"):
        opened(**{**NEEDED, "VENVBUILD_ATHENA_OUTPUT": ""})


def test_a_profile_that_is_not_there_is_a_wrong_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UsageError, match="nobody"):
        opened(**NEEDED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "a`; DROP DATABASE b"),
        ("DATABASE", "Upper"),
        ("WORKGROUP", "a b"),
        ("OUTPUT", "/folder"),
        ("OUTPUT", "s3://key:hunter2secret@bucket/"),
        ("REGION", "nowhere"),
        ("REGION", "eu-central-1.evil.example/"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened(**{**NEEDED, f"VENVBUILD_ATHENA_{name}": value})
    assert caught.value.problems[0].where == f"VENVBUILD_ATHENA_{name}"


@pytest.fixture(scope="module")
def asked(athena_server: AthenaServer) -> Iterator[Engine]:
    """The engine over a database without tables of ours."""
    with athena_engine(athena_server.environment("ready"), open_store("/nonexistent")) as engine:
        yield engine


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("CAST(12 AS bigint)", 12),
        ("CAST(2.5 AS double)", 2.5),
        ("nan()", "nan"),
        ("true", True),
        ("CAST(NULL AS varchar)", None),
        ("''", ""),
        ("'a,\"b\nc'", 'a,"b\nc'),
        ("'%(v0)s %'", "%(v0)s %"),
        ("timestamp '2025-07-22 08:30:00'", "2025-07-22T08:30:00Z"),
        ("timestamp '2025-07-22 08:30:00.250'", "2025-07-22T08:30:00.250000Z"),
        ("timestamp '2025-07-22 08:30:00 UTC'", "2025-07-22T08:30:00Z"),
        ("date '2025-07-22'", "2025-07-22"),
        ("CAST('1.50' AS decimal(10, 2))", 1.5),
        ("ARRAY['a==1', 'b']", "[a==1, b]"),
        ("json_format(CAST(ARRAY['a==1', 'b'] AS json))", '["a==1","b"]'),
        ("CAST(ARRAY[1] AS json)", "[1]"),
    ],
)
def test_a_value_comes_as_json_can_hold_it(asked: Engine, expression: str, wanted: Any) -> None:
    answer = asked.run(Statement((f"-- why\nSELECT {expression} AS x",)))
    assert (answer.columns, answer.rows) == (("x",), ((wanted,),))
    assert type(answer.rows[0][0]) is type(wanted)


HOSTILE = ("'", "\\'", "\\", "%", "%s", "%(v1)s", "%%", "x' OR '1'='1", '"', "?", "\n", "\t", "é\u2028", "a" * 3000)


def test_values_are_bound_whatever_they_hold(asked: Engine) -> None:
    pieces = [piece for value in HOSTILE for piece in (", ", Bound(value))]
    statement = Statement(("/* 100% */ SELECT ", *pieces[1:], ", ", Bound(7), ", ", Bound(True)))
    assert asked.run(statement).rows == ((*HOSTILE, 7, True),)


def test_a_failure_names_the_query_and_its_page_of_the_console(asked: Engine) -> None:
    with pytest.raises(QueryEngineError) as caught:
        asked.run(Statement(("SELECT nope FROM t",)))
    [problem] = caught.value.problems
    assert problem.what == "Athena cannot answer: COLUMN_NOT_FOUND"
    query = problem.where.split()[1]
    assert problem.where == (
        f"query {query} in work group primary "
        f"https://us-east-1.console.aws.amazon.com/athena/home?region=us-east-1#/query-editor/history/{query}"
    )


def test_a_table_that_is_not_there_is_told_with_what_to_do(asked: Engine) -> None:
    with pytest.raises(QueryEngineError) as caught:
        asked.run(Statement(("SELECT 1 FROM venv_packages",)))
    assert "venvbuild table create" in caught.value.problems[0].fix


def injected(**what: Any) -> Statement:
    return Statement((f"SELECT 1 AS x /* inject {json.dumps(what)} */",))


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ({"state": "FAILED", "reason": "HIVE_CURSOR_ERROR: s3://b/x is bad"}, 10, "answer: HIVE_CURSOR_ERROR"),
        ({"state": "FAILED", "reason": "FAILED: SemanticException Table not found t"}, 10, "venvbuild table create"),
        ({"state": "FAILED", "reason": "Query exhausted resources at this scale factor"}, 10, "later"),
        ({"state": "CANCELLED", "reason": "Query cancelled by user"}, 10, "cancelled by user"),
        ({"state": "CANCELLED", "reason": "Bytes scanned limit was exceeded"}, 10, "work group's limit of bytes"),
        ({"state": "FAILED", "reason": "Insufficient permissions to execute the query."}, 2, "refuses access"),
        ({"state": "FAILED", "reason": "PERMISSION_DENIED: Access Denied: s3://b/"}, 2, "docs/catalog.md"),
        ({"error": "AccessDeniedException", "reason": "User: u is not authorized to perform: x"}, 2, "refuses access"),
        ({"error": "ExpiredTokenException", "reason": "The security token is expired"}, 2, "have expired"),
        ({"error": "UnrecognizedClientException", "reason": "invalid"}, 2, "does not accept the credentials"),
        ({"error": "InvalidRequestException", "reason": "WorkGroup w is not found."}, 2, "VENVBUILD_ATHENA_WORKGROUP"),
        ({"error": "InvalidRequestException", "reason": "No output location provided."}, 2, "VENVBUILD_ATHENA_OUTPUT"),
        ({"error": "InvalidRequestException", "reason": "line 1:1: mismatched input"}, 10, "mismatched input"),
    ],
)
def test_each_failure_has_its_code_and_the_reason(asked: Engine, what: dict[str, Any], code: int, said: str) -> None:
    with pytest.raises(VenvBuildError) as caught:
        asked.run(injected(**what))
    assert caught.value.exit_code == code
    [problem] = caught.value.problems
    assert said in problem.as_line()
    assert what["reason"].rpartition(": ")[2] in problem.why
    assert problem.fix


def test_what_is_throttled_is_asked_again(asked: Engine) -> None:
    assert asked.run(injected(error="ThrottlingException", reason="Rate exceeded", times=2)).rows == ((1,),)


TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN"


@pytest.mark.parametrize(
    ("cause", "code", "said"),
    [
        (ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "x"), 10, "later"),
        (ClientError({"Error": {"Code": "Strange", "Message": "odd"}}, "x"), 10, "Strange: odd"),
        (NoCredentialsError(), 2, "no usable AWS credentials"),
        (EndpointConnectionError(endpoint_url="https://athena"), 10, "does not answer"),
        (
            ClientError(
                {
                    "Error": {
                        "Code": "InvalidSignatureException",
                        "Message": f"The signature does not match.\n\nx-amz-security-token:{TOKEN}",
                    }
                },
                "StartQueryExecution",
            ),
            2,
            "does not accept",
        ),
    ],
)
def test_what_keeps_a_query_from_starting_is_told_without_secrets(cause: Exception, code: int, said: str) -> None:
    error = pyathena.error.DatabaseError(str(cause))
    error.__cause__ = cause
    ours = engine_error(error, "Athena in eu-central-1")
    assert ours.exit_code == code
    assert said in str(ours)
    assert TOKEN not in str(ours)


def test_a_cancelled_query_without_a_reason_is_told(asked: Engine) -> None:
    with pytest.raises(QueryEngineError, match="without a reason"):
        asked.run(injected(state="CANCELLED", reason=None))


def test_the_console_of_other_partitions_is_theirs() -> None:
    for region, host in {"cn-north-1": "amazonaws.cn", "us-gov-west-1": "amazonaws-us-gov.com"}.items():
        with opened(**{**NEEDED, "VENVBUILD_ATHENA_REGION": region}) as engine:
            assert f"https://console.{host}/athena" in engine._where("q")  # type: ignore[attr-defined]


def test_a_failure_shows_no_credentials_and_no_traceback(tool: Tool, athena_server: AthenaServer) -> None:
    tool.env |= athena_server.environment("ready")
    (tool.folder / "bad.sql").write_text(
        injected(error="InvalidSignatureException", reason=f"no match for {s3_servers.SECRET_KEY}").text
    )
    done = tool.run("query", "bad.sql", "--json")
    assert done.code == 2
    assert done.json["error"]["exit_code"] == 2
    assert s3_servers.SECRET_KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "botocore" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_stops_the_query(tool: Tool, athena_server: AthenaServer, number: int, code: int) -> None:
    tool.env |= athena_server.environment("ready")
    sql = f"SELECT {number}, count(*) FROM " + ", ".join(f"UNNEST(sequence(1, 9999)) AS t{n} (x)" for n in range(9))
    (tool.folder / "slow.sql").write_text(sql)
    client = boto3.client(
        "athena", endpoint_url=athena_server.aws.endpoint_url, region_name=s3_servers.REGION,
        aws_access_key_id=s3_servers.ACCESS_KEY, aws_secret_access_key=s3_servers.SECRET_KEY,
    )  # fmt: skip

    def mine() -> list[str]:
        names = client.list_query_executions()["QueryExecutionIds"]
        found = (client.get_query_execution(QueryExecutionId=name)["QueryExecution"] for name in names)
        return [one["Status"]["State"] for one in found if one["Query"] == sql]

    running = tool.start("query", "slow.sql")
    while mine() != ["RUNNING"]:
        assert running.poll() is None
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert "Traceback" not in said
    assert mine() == ["CANCELLED"]


def test_a_shipped_question_is_asked_as_it_stands(asked: Engine) -> None:
    with pytest.raises(QueryEngineError, match="does not exist"):
        asked.run(bind("-- Why?\n-- 100 % \nSELECT /*:x*/ 'y' FROM nowhere;\n", {"x": "'"}))


def test_a_work_group_alone_is_enough(athena_server: AthenaServer) -> None:
    given = {
        **athena_server.environment("ready"),
        "VENVBUILD_ATHENA_OUTPUT": "",
        "VENVBUILD_ATHENA_WORKGROUP": "primary",
    }
    with athena_engine(given, open_store("/nonexistent")) as engine:
        assert engine.run(Statement(("SELECT 1",))).rows == ((1,),)
