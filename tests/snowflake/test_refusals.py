"""Every way in which Snowflake says no: the exit code, the sentence, and advice that can be followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.snowflake.conftest import SHORT, BundleOf
from tests.support.recording_proxy import answer
from tests.support.snowflake_server import PASSWORD, STAGE, Cut, Refusal, SnowflakeServer, Status
from venvbuild.errors import Problem, StoreUnavailable, UsageError, VenvBuildError
from venvbuild.snowflake.connection import Login, connected
from venvbuild.snowflake.stage import Stage
from venvbuild.snowflake.stage_name import StageName
from venvbuild.snowflake.uploading import upload


def refused_login(
    server: SnowflakeServer, scripted: Refusal | Status | Cut, **more: str
) -> tuple[VenvBuildError, Problem]:
    server.refuse("LOGIN", scripted)
    with pytest.raises(VenvBuildError) as refused, connected(Login.of(server.environment(**more)), SHORT):
        pass
    [problem] = refused.value.problems
    assert problem.where == "127.0.0.1"
    assert PASSWORD not in f"{refused.value!r} {refused.value.__cause__!r} {vars(refused.value.__cause__)}"
    return refused.value, problem


INSTEAD = "a key pair (SNOWFLAKE_PRIVATE_KEY_FILE) or a programmatic access token (SNOWFLAKE_TOKEN) instead"


@pytest.mark.parametrize(
    ("code", "text", "what", "fix"),
    [
        ("390100", "Incorrect username or password was specified.", "does not know this user", INSTEAD),
        ("390197", "Multi-factor authentication is required", "wants a second factor", f"{INSTEAD} of a password"),
        ("390102", "Your user account has been temporarily locked", "has locked this user", "MINS_TO_UNLOCK = 0"),
        ("390422", "Incoming request with IP 1.2.3.4 is not allowed", "a network policy", "add its address"),
        ("390144", "JWT token is invalid.", "does not take this key", "SET RSA_PUBLIC_KEY"),
        ("390189", "Role 'X' specified is not authorized.", "role is not there", "SNOWFLAKE_ROLE"),
        ("390999", "Something of later days", "does not let us in by a password", "see why"),
    ],
)
def test_a_login_that_is_refused_is_2_and_says_what_to_do(
    snowflake_server: SnowflakeServer, code: str, text: str, what: str, fix: str
) -> None:
    error, problem = refused_login(snowflake_server, Refusal(code, "08001", text))
    assert isinstance(error, UsageError)
    assert what in problem.what
    assert text in problem.why
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("code", "what", "fix"),
    [
        ("390100", "does not know this user with this token", "make a new one, and set SNOWFLAKE_TOKEN to it"),
        ("390197", "wants a second factor", "ALTER USER NAME SET TYPE = SERVICE, which logs in by a token"),
    ],
)
def test_who_logged_in_by_a_token_hears_of_no_password(
    snowflake_server: SnowflakeServer, code: str, what: str, fix: str
) -> None:
    _, problem = refused_login(snowflake_server, Refusal(code, "08001", "No."), SNOWFLAKE_TOKEN="pat-1234567")
    assert what in problem.what
    assert fix in problem.fix
    assert "password" not in f"{problem}"


def test_who_logged_in_by_a_connection_hears_of_what_it_has(
    snowflake_server: SnowflakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = "".join(
        f'{name.removeprefix("SNOWFLAKE_").lower()} = "{value}"\n'
        for name, value in {**snowflake_server.address(), "USER": "u", "TOKEN": "t"}.items()
    )
    file = tmp_path / "connections.toml"
    file.write_text(
        f'[prod]\nauthenticator = "PROGRAMMATIC_ACCESS_TOKEN"\n{given}'.replace(
            f'"{snowflake_server.port}"', str(snowflake_server.port)
        )
    )
    file.chmod(0o600)
    monkeypatch.setenv("SNOWFLAKE_HOME", str(tmp_path))
    for code, what, fix in (
        ("390100", "does not know this user with the connection prod", "in connections.toml: check what it has"),
        ("390303", "does not take this OAuth token", "in connections.toml: get a new one, and set `token` to it"),
        ("390999", "does not let us in by the connection prod", "in connections.toml: see why; check what it has"),
    ):
        snowflake_server.forget()
        snowflake_server.refuse("LOGIN", Refusal(code, "08001", "No."))
        with pytest.raises(UsageError) as refused, connected(Login.of({}, "prod")):
            pass
        [problem] = refused.value.problems
        assert (what in problem.what, problem.where, problem.fix) == (True, "prod", fix)


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_that_is_none_is_2(snowflake_server: SnowflakeServer, status: int) -> None:
    error, problem = refused_login(snowflake_server, Status(status))
    assert isinstance(error, UsageError)
    assert "SNOWFLAKE_ACCOUNT" in problem.fix


@pytest.mark.parametrize("scripted", [Status(503), Cut()])
def test_a_login_that_is_not_answered_is_7_with_the_seconds(
    snowflake_server: SnowflakeServer, scripted: Status | Cut
) -> None:
    error, problem = refused_login(snowflake_server, scripted)
    assert isinstance(error, StoreUnavailable)
    assert re.search(r"the login failed after [1-9][0-9]* s: ", problem.what)
    assert "run it again" in problem.fix


def test_nothing_that_listens_is_7(snowflake_server: SnowflakeServer) -> None:
    given = snowflake_server.environment(SNOWFLAKE_PORT="1")
    with pytest.raises(StoreUnavailable, match=r"failed after [1-9][0-9]* s"), connected(Login.of(given), SHORT):
        pass


@pytest.mark.parametrize("scripted", [Status(503), Cut()])
def test_a_statement_that_is_not_answered_is_7_and_running_it_again_makes_it_good(
    snowflake_server: SnowflakeServer, bundle_of: BundleOf, scripted: Status | Cut
) -> None:
    login = Login.of(snowflake_server.environment())
    snowflake_server.refuse("PUT", scripted)
    with pytest.raises(StoreUnavailable) as refused, connected(login, SHORT) as session:
        upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False)
    [problem] = refused.value.problems
    assert re.search(r"uploading app_packages-.* failed after [1-9][0-9]* s: ", problem.what)
    assert problem.fix == "nothing half-made is there: run it again"
    assert snowflake_server.files() == {}
    snowflake_server.forget()
    with connected(login) as session:
        assert upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False).status == "uploaded"


def test_a_transfer_that_fails_is_7(snowflake_server: SnowflakeServer, bundle_of: BundleOf) -> None:
    snowflake_server.transfers.spoil("PUT", "", answer(403, "AccessDenied"))
    with (
        pytest.raises(StoreUnavailable, match=r"uploading .* failed"),
        connected(Login.of(snowflake_server.environment())) as session,
    ):
        upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False)
    assert snowflake_server.files() == {}


def test_a_stage_that_is_not_there_is_2_and_creating_it_as_told_helps(
    snowflake_server: SnowflakeServer, bundle_of: BundleOf
) -> None:
    snowflake_server.stages.clear()
    with connected(Login.of(snowflake_server.environment())) as session:
        with pytest.raises(UsageError) as refused:
            upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False)
        [problem] = refused.value.problems
        assert "SYNC_ROLE cannot see it" in problem.what
        assert problem.fix.startswith(f"CREATE STAGE {STAGE};")
        assert f"GRANT READ, WRITE ON STAGE {STAGE} TO ROLE SYNC_ROLE;" in problem.fix
        snowflake_server.stages.add(STAGE)
        assert upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False).status == "uploaded"


@pytest.mark.parametrize(("role", "written"), [("my role", '"my role"'), ("lower", '"lower"'), ("R_1", "R_1")])
def test_a_grant_names_the_role_so_that_it_can_be_pasted(
    snowflake_server: SnowflakeServer, bundle_of: BundleOf, role: str, written: str
) -> None:
    snowflake_server.role = role
    snowflake_server.refuse("LIST", Refusal("003001", "42501", "SQL access control error"))
    with (
        pytest.raises(UsageError) as refused,
        connected(Login.of(snowflake_server.environment())) as session,
    ):
        upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False)
    [problem] = refused.value.problems
    assert problem.fix == f"GRANT READ, WRITE ON STAGE {STAGE} TO ROLE {written};"


def test_what_nobody_has_a_sentence_for_is_2_with_the_words_of_the_server(
    snowflake_server: SnowflakeServer, bundle_of: BundleOf
) -> None:
    snowflake_server.refuse("LIST", Refusal("090106", "22000", "Cannot perform\x1b[31m this.\nToday"))
    with (
        pytest.raises(UsageError, match=r"Snowflake refuses listing @.*Cannot perform\\x1b\[31m this. Today"),
        connected(Login.of(snowflake_server.environment())) as session,
    ):
        upload(stage_of(session), bundle_of(), is_overwriting=False, verifies=False)


def stage_of(session: object) -> Stage:
    return Stage(session, StageName.parse(f"@{STAGE}"))  # type: ignore[arg-type]
