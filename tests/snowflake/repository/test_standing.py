"""doctor where an account is asked too: what it has of a repository, by the real connector."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.snowflake.repository.test_commands import Call
from tests.snowflake.repository.test_discovery import NO_RIGHT, filled
from tests.snowflake.repository.test_doctor import PASSWORD, three, write
from tests.snowflake.repository.test_doctor import call as _call
from tests.support.hosts import Hosts
from tests.support.snowflake_server import Rows, SnowflakeServer
from venvbuild.snowflake.repository.description import read

call, three = _call, three  # fixtures
WHO = r"SELECT CURRENT_ACCOUNT\(\), CURRENT_ROLE\(\), CURRENT_REGION\(\)$"
INFO = r"SELECT SYSTEM\$GET_ARTIFACT_REPOSITORY_INFO\('D.S.R'\)$"
CONTEXT = '[context]\ndatabase = "D"\nschema = "S"\n'


@pytest.fixture
def server(snowflake_server: SnowflakeServer, three: Hosts, monkeypatch: pytest.MonkeyPatch) -> SnowflakeServer:
    for name, value in snowflake_server.environment().items():
        monkeypatch.setenv(name, value)
    write(three, list(three.urls), "grant_usage_to = ['ANALYST']\n")
    Path("snowflake.toml").write_text(CONTEXT + Path("snowflake.toml").read_text())
    filled(snowflake_server, read(Path("snowflake.toml")), "documented")
    snowflake_server.answer(WHO, Rows(("A", "R", "G"), (("XY12345", "SYNC_ROLE", "AWS_US_WEST_2"),)))
    snowflake_server.answer(INFO, Rows(("X",), (('{"index_url": "https://x"}',),)))
    return snowflake_server


def test_an_account_that_is_as_the_file_says_has_no_finding(call: Call, server: SnowflakeServer) -> None:
    code, out, said = call("doctor", "--ask", "--package", "tiny")
    assert code == 0, said
    assert out.splitlines()[:6] == [
        "account   XY12345, role SYNC_ROLE; AWS, region AWS_US_WEST_2; edition not shown to this role",
        "          secret D.S.S: as the file says",
        "          integration I: as the file says",
        "          repository D.S.R: as the file says",
        "          grant USAGE on D.S.R to ANALYST: as the file says",
        '          Snowflake tells: {"index_url": "https://x"}',
    ]
    assert PASSWORD not in out + said
    told = json.loads(call("doctor", "--ask", "--package", "tiny", "--json")[1])["account"]
    assert (told["cloud"], [one["action"] for one in told["objects"]]) == ("AWS", ["unchanged"] * 4)
    assert json.loads(call("doctor", "--package", "tiny", "--json")[1])["account"] is None


def test_what_an_account_has_told_is_told_also_where_the_index_is_away(
    call: Call, server: SnowflakeServer, three: Hosts
) -> None:
    path = Path("snowflake.toml")
    path.write_text(path.read_text().replace(three.urls[0], "https://127.0.0.1:9"))
    code, out, said = call("doctor", "--ask", "--package", "tiny", "--json")
    found = json.loads(out)
    assert (code, found["status"], found["account"]["cloud"]) == (6, None, "AWS")
    assert found["findings"][-1]["what"] in said
    assert PASSWORD not in out + said


def test_what_is_not_there_or_otherwise_is_a_finding_and_what_is_hidden_is_none(
    call: Call, server: SnowflakeServer
) -> None:
    assert server.account
    server.account.answer("ALTER API INTEGRATION IF EXISTS i SET\n  API_ALLOWED_PREFIXES = ('https://b.example.com');")
    server.account.grants.clear()
    server.refuse("DESCRIBE SECRET", NO_RIGHT)
    code, out, said = call("doctor", "--ask", "--package", "tiny")
    assert code == 11
    assert "secret D.S.S: cannot compare: DESCRIBE SECRET was refused to role SYNC_ROLE" in out
    [integration, grant] = said.splitlines()[-2:]
    assert integration.startswith(
        "snowflake.toml:8: integration I is not as the file says: allowed_prefixes: + https://127"
    )
    assert grant.startswith(
        "snowflake.toml:11: grant USAGE on D.S.R to ANALYST is not there, or this role is not shown it"
    )
    assert grant.endswith("fix: `venvbuild snowflake repository plan --ask` tells what has to change")
    # to the letter
    code, out, _ = call("plan", "--ask")
    assert (code, out.splitlines()[-1]) == (0, "1 to change, 1 to create, 1 unchanged, 1 cannot be compared.")
