"""The account asked about addresses and endpoints, by the real connector; and what of an answer is to be done."""

from __future__ import annotations

import json

import pytest

from tests.snowflake.repository.test_commands import EXAMPLES, Call
from tests.snowflake.repository.test_egress import AZURE
from tests.support.snowflake_server import Refusal, Rows, SnowflakeServer
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository.endpoints import cloud_of, parse

FILE = EXAMPLES / "privatelink.toml"
SERVICE = "com.amazonaws.vpce.us-west-2.vpce-svc-0123456789abcdef0"
HOST = "nexus-pl.internal.example.com"
NO_RIGHT = Refusal("003001", "42501", "SQL access control error:\nInsufficient privileges")
WHO = r"SELECT CURRENT_ACCOUNT\(\), CURRENT_ROLE\(\), CURRENT_REGION\(\)$"
EDITION = "SELECT EDITION FROM SNOWFLAKE.ORGANIZATION_USAGE.ACCOUNTS"
INFO = r"SELECT SYSTEM\$GET_PRIVATELINK_ENDPOINTS_INFO\(\)$"
PROVISION = r"SELECT SYSTEM\$PROVISION_PRIVATELINK_ENDPOINT\('com.amazonaws.vpce"


def one(**changed: str) -> str:
    told = {
        "provider_service_name": SERVICE,
        "host": HOST,
        "endpoint_state": "CREATED",
        "status": "Available",
        **changed,
    }
    return json.dumps(told)


@pytest.fixture
def account(
    capsys: pytest.CaptureFixture[str], snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[Call, SnowflakeServer]:
    for name, value in snowflake_server.environment().items():
        monkeypatch.setenv(name, value)
    snowflake_server.answer(WHO, Rows(("A", "R", "G"), (("XY12345", "SYNC_ROLE", "PUBLIC.AWS_US_WEST_2"),)))
    return Call(capsys), snowflake_server


@pytest.mark.parametrize(
    ("changed", "is_ready", "step"),
    [
        ({"status": "Available"}, True, ""),
        ({"status": "available"}, True, ""),
        ({"status": "APPROVED"}, True, ""),
        ({"status": "Accepted", "endpoint_state": ""}, True, ""),
        ({"status": "Pending"}, False, "accept it at AWS"),
        ({"status": "pendingAcceptance"}, False, "accept it at AWS"),
        ({"status": "Available", "endpoint_state": "DELETING"}, False, "it is being deleted"),
        ({"endpoint_state": "pending_creation", "status": "Pending"}, False, "Snowflake is making it"),
        ({"status": "Rejected"}, False, "its status is Rejected"),
        ({"status": ""}, False, "its status is not told"),
    ],
)
def test_a_status_is_good_in_any_case_of_letters(changed: dict[str, str], is_ready: bool, step: str) -> None:
    [found] = parse(one(**changed), "x")
    assert (found.is_ready, found.step().startswith(step), bool(found.step())) == (is_ready, True, bool(step))


def test_each_cloud_and_form_of_the_answer_is_read() -> None:
    azure = '[{"provider_resource_id": "/subscriptions/1", "host": "a", "endpoint_state": "", "status": "Pending",}]'
    google = '{"target_service_id": "projects/p/x", "host": "b", "endpoint_state": "CREATED", "status": "Pending"}'
    [first, second] = parse(f"{azure}\n{google}", "x")
    assert (first.step()[:19], second.step()[:25]) == ("approve it at Azure", "accept it at Google Cloud")
    assert [cloud_of(found.service) for found in (first, second)] == [found.cloud for found in (first, second)]
    assert parse("[]", "x") == parse("", "x") == ()
    for wrong in ("{", "[1]", "no"):
        with pytest.raises(UsageError):
            parse(wrong, "x")


def test_egress_asks_the_account_and_says_where_it_is(account: tuple[Call, SnowflakeServer]) -> None:
    call, server = account
    server.answer(EDITION, Rows(("EDITION",), (("BUSINESS_CRITICAL",),)))
    server.answer(
        r"SELECT SYSTEM\$GET_SNOWFLAKE_EGRESS_IP_RANGES\(\)$", Rows(("X",), ((AZURE.replace("2027", "3000"),),))
    )
    code, out, said = call("egress", "--ask", "--check")
    assert (code, out[:21]) == (0, "20.1.2.0/28  in force")
    assert "account XY12345, role SYNC_ROLE; AWS, region AWS_US_WEST_2; edition BUSINESS_CRITICAL\n" in said
    server.forget()
    server.answer(WHO, Rows(("A", "R", "G"), (("XY12345", None, None),)))
    server.answer(EDITION, NO_RIGHT)
    server.answer(r"SELECT SYSTEM\$GET_SNOWFLAKE", Refusal("000904", "42000", "Unknown function"))
    code, out, said = call("egress", "--ask")
    assert (code, out, "no role; a cloud that it does not tell, region None; edition not shown" in said) == (
        2,
        "",
        True,
    )
    assert "Unknown function" in said


def test_status_tells_each_endpoint_and_what_is_to_be_done(account: tuple[Call, SnowflakeServer]) -> None:
    call, server = account
    server.answer(INFO, Rows(("X",), ((f"[{one()}, {one(host='b.example.com', status='Pending')}]",),)))
    code, out, said = call("privatelink", "status", "--ask")
    assert (code, out.splitlines()[0]) == (0, f"{SERVICE}  {HOST}  CREATED  Available")
    assert said.endswith("b.example.com: accept it at AWS: VPC, Endpoint services, Endpoint connections\n")
    assert [found["is_ready"] for found in json.loads(call("privatelink", "status", "--ask", "--json")[1])] == [
        True,
        False,
    ]


def test_provision_runs_only_with_yes_and_only_what_is_not_there(account: tuple[Call, SnowflakeServer]) -> None:
    call, server = account
    server.answer(INFO, Rows(("X",), (("[]",),)))
    server.answer(PROVISION, Rows(("X",), (("Resource Endpoint with id 'x' is provisioned",),)))
    code, printed, said = call("privatelink", "provision", "-f", FILE, "--ask")
    assert (code, "nothing was run: --yes does it" in said) == (0, True)
    assert not [sent for sent in server.statements if "PROVISION" in sent]
    code, out, _ = call("privatelink", "provision", "-f", FILE, "--yes")
    assert (code, out) == (0, "Resource Endpoint with id 'x' is provisioned\n")
    # what is printed is what is run
    assert [f"{sent};\n" for sent in server.statements if "PROVISION" in sent] == [printed]
    server.forget()
    server.answer(INFO, Rows(("X",), ((f"[{one(host=HOST.upper(), status='Pending')}]",),)))
    code, out, said = call("privatelink", "provision", "-f", FILE, "--yes")
    assert (code, out, "was not asked for again" in said) == (0, "CREATED Pending\n", True)


@pytest.mark.parametrize(
    ("edition", "region", "told"),
    [
        ("ENTERPRISE", "AWS_US_WEST_2", "the account's edition is ENTERPRISE, which has no private endpoints"),
        ("BUSINESS_CRITICAL", "AZURE_WESTEUROPE", "the service is at AWS, and the account at AZURE"),
    ],
)
def test_what_cannot_be_is_not_asked_for(
    account: tuple[Call, SnowflakeServer], edition: str, region: str, told: str
) -> None:
    call, server = account
    server.forget()
    server.answer(WHO, Rows(("A", "R", "G"), (("XY12345", "ACCOUNTADMIN", region),)))
    server.answer(EDITION, Rows(("EDITION",), ((edition,),)))
    code, out, said = call("privatelink", "provision", "-f", FILE, "--yes")
    assert (code, out, told in said) == (2, "", True)
    assert not [sent for sent in server.statements if "PRIVATELINK" in sent]


def test_another_role_is_told_which_one_may(account: tuple[Call, SnowflakeServer]) -> None:
    call, server = account
    server.answer(INFO, NO_RIGHT)
    code, out, said = call("privatelink", "provision", "-f", FILE, "--yes")
    assert (code, out) == (2, "")
    assert "fix: use the role ACCOUNTADMIN: SNOWFLAKE_ROLE=ACCOUNTADMIN" in said
