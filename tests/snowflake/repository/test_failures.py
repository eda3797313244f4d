"""Each error of Snowflake: what it means, what helps, and whether another run may cure it."""

from __future__ import annotations

from typing import Any

import pytest

from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import failures
from venvbuild.snowflake.repository.description import Default, Function, Integration, Repository, Secret
from venvbuild.snowflake.repository.facts import Context, Record
from venvbuild.snowflake.repository.failures import Doing, Reason, grants, reason_of
from venvbuild.text import shown

CONTEXT = Context("XY", "DEVELOPER", "MY_DB", "PUBLIC")
SECRET = Secret((), "s", "password", username="u", password_env="P")
REPOSITORY = Repository((), "r", "i", "https://a/simple/", "s", None, None, ("ANALYST",))
FUNCTION = Function((), "f", "function", (("a", "STRING"),), "STRING", "3.11", (), "r", (), None, "h", "x", None, None)


class Said(Exception):
    """As the connector has it."""

    def __init__(self, errno: int, msg: str) -> None:
        self.errno, self.msg, self.sfqid = errno, msg, "01b2-query"


def reason(errno: int, text: str, doing: Doing) -> Reason:
    error = UsageError("Snowflake refuses it", why=text)
    error.__cause__ = Said(errno, text)
    return reason_of(error, doing, CONTEXT)


def doing(action: str, kind: str, record: Record) -> Doing:
    name = CONTEXT.whole(getattr(record, "name", "account"))
    return Doing(action, kind, f"{name}(STRING)" if isinstance(record, Function) else name, record, "SQL '***'")


MAKING = doing("create", "function", FUNCTION)


@pytest.mark.parametrize(
    ("errno", "text", "code", "fix"),
    [
        (3001, "003001 (42501): SQL access control error", 2, "GRANT CREATE FUNCTION ON SCHEMA MY_DB.PUBLIC TO ROLE"),
        (2003, "Integration 'I' does not exist or not authorized", 2, "GRANT USAGE ON INTEGRATION I TO ROLE DEVELOPER"),
        (2003, "Schema 'MY_DB.X' does not exist or not authorized.", 2, "GRANT USAGE ON SCHEMA MY_DB.X TO ROLE DEV"),
        (2003, "Role 'ANALYST' does not exist or not authorized.", 2, "name another role in grant_usage_to"),
        (2003, "Object does not exist", 2, "check its name; if it is there: GRANT CREATE FUNCTION ON SCHEMA"),
        (90105, "This session does not have a current database", 2, "SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"),
        (606, "No active warehouse selected", 2, "set SNOWFLAKE_WAREHOUSE, or `warehouse` in connections.toml"),
        (14, "Query timed out after 8s", 7, "run it again"),
        (4, "HTTP request failed after retries", 7, "run it again"),
        (100, "Failed to fetch: HTTP 400 Bad Request, error code: 10003", 2, "repository doctor, then allow it"),
        (100, "response status: 401 for https://a/simple/x", 2, "then apply it with --rotate-secret"),
        (100, "Artifact repository returned 403 Forbidden", 2, "repository doctor"),
        (100, "HTTP status code 404", 2, "GRANT USAGE ON ARTIFACT REPOSITORY MY_DB.PUBLIC.R TO ROLE DEVELOPER"),
        (2003, "HTTP status code 404", 2, "GRANT USAGE ON ARTIFACT REPOSITORY MY_DB.PUBLIC.R TO ROLE DEVELOPER"),
        (100, "502 Bad Gateway", 2, "repository doctor"),
        (100, "HTTP status 422", 7, "Snowflake's support"),
        (100, "500 Internal Server Error", 7, "Snowflake's support"),
        (100, "HTTP 503", 7, "Snowflake's support"),
        (100, "Unable to connect to the artifact repository server. 'null'", 7, "Snowflake's support"),
        (100, "Package x==404 not found", 2, "see what Snowflake says"),
        (100, "Request to https://a/simple/ failed with 401", 2, "then apply it with --rotate-secret"),
        (100, "HTTP/1.1 403", 2, "see which: "),
        (100, "asked: code=502 message=x", 2, "see from here: "),
        (100, '{"status":401}', 2, "then apply it with --rotate-secret"),
        (100, "pip: ERROR: HTTP error 404 while getting https://a/x", 2, "GRANT USAGE ON ARTIFACT REPOSITORY"),
        (
            100,
            "Retrying after HTTP 503; 401 Client Error for url",
            2,
            "then apply it with --rotate-secret",
        ),
        # a number is no status yet
        (1003, "syntax error line 503 at position 4 unexpected 'HTTP 503'.", 2, "see what Snowflake says"),
        (1003, "unexpected 'HTTP 503'.", 2, "see what Snowflake says"),
        (904, "SQL compilation error: error line 401 at position 4", 2, "see what Snowflake says"),
        (100, "Traceback (most recent call last): ValueError: HTTP status 500", 2, "see what Snowflake says"),
        (100, "order error 422 refused", 2, "see what Snowflake says"),
        (100, "https://401.example.com/ is unknown; exit status 401", 2, "see what Snowflake says"),
    ],
)
def test_the_table(errno: int, text: str, code: int, fix: str) -> None:
    error = reason(errno, text, MAKING).error("statement 1 of 1: ", "done: none")
    assert error.exit_code == code
    assert fix in error.problems[0].fix
    assert text in error.problems[0].what
    assert error.problems[0].why.endswith("done: none; query 01b2-query")


@pytest.mark.parametrize(
    ("end", "fix"),
    [
        ("HTTP status 503", "Snowflake's support"), ("HTTP status 401", "--rotate-secret"),
        ("HTTP 400 Bad Request, error code: 10003", "then allow it"),
    ],
)  # fmt: skip
def test_what_stands_behind_a_long_log_is_read_and_shown(end: str, fix: str) -> None:
    found = reason(100, f"{'Collecting a==1 ' * 40}{end} {'and more ' * 40}", MAKING)
    assert fix in found.fix
    assert end in found.what
    assert len(found.what) <= 400


def test_only_of_a_connection_that_is_lost_it_is_not_known_what_became_of_the_statement() -> None:
    lost = {text: reason(code, text, MAKING).is_lost for code, text in ((14, "timed out"), (100, "HTTP 503"))}
    assert lost == {"timed out": True, "HTTP 503": False}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a", "SQL compilation error: unexpected '****' at nexus.example.com for 'nexus', swordfishes"),
        ("nexus", "SQL compilation error: unexpected 'a' at nexus.example.com for '****', swordfishes"),
        ("swordfish", "SQL compilation error: unexpected 'a' at nexus.example.com for 'nexus', swordfishes"),
    ],
)
def test_a_short_secret_is_hidden_where_it_is_a_text_of_sql_and_does_not_show_itself(value: str, told: str) -> None:
    said = "SQL compilation error: unexpected 'a' at nexus.example.com for 'nexus', swordfishes"
    assert reason_of(UsageError("no", why=said), MAKING, CONTEXT, (value,)).what == told


USING = Repository((), "r", "i", "https://a/simple/", "MY_REPO_SECRET", None, None, ("ANALYST",))
HAVING = Integration((), "i", (), ("my_repo_secret",), False)
_OF_SECRET = "GRANT USAGE ON SECRET MY_DB.PUBLIC.MY_REPO_SECRET TO ROLE DEVELOPER; GRANT READ ON SECRET "


@pytest.mark.parametrize(
    ("action", "kind", "record", "named", "grant"),
    [
        ("create", "repository", USING, "secret 'MY_REPO_SECRET'", _OF_SECRET),
        ("alter", "repository", USING, "secret 'MY_DB.PUBLIC.MY_REPO_SECRET'", _OF_SECRET),
        ("create", "integration", HAVING, "secret 'MY_REPO_SECRET'", _OF_SECRET),
        ("create", "integration", HAVING, "account 'XY'", "GRANT CREATE INTEGRATION ON ACCOUNT TO ROLE"),
        ("create", "repository", USING, "integration 'I'", "GRANT USAGE ON INTEGRATION I TO ROLE DEVELOPER;"),
        ("create", "repository", USING, "schema 'PUBLIC'", "GRANT CREATE ARTIFACT REPOSITORY ON SCHEMA MY_DB.PUBLIC"),
        ("alter", "repository", USING, "schema 'PUBLIC'", "GRANT USAGE ON SCHEMA MY_DB.PUBLIC TO ROLE DEVELOPER;"),
        (
            "alter",
            "repository",
            USING,
            "artifact repository 'R'",
            "GRANT OWNERSHIP ON ARTIFACT REPOSITORY MY_DB.PUBLIC.R",
        ),
        ("alter", "function", FUNCTION, "schema 'PUBLIC'", "GRANT CREATE FUNCTION ON SCHEMA MY_DB.PUBLIC TO ROLE"),
        ("alter", "function", FUNCTION, "function 'F'", "GRANT OWNERSHIP ON FUNCTION MY_DB.PUBLIC.F(STRING)"),
        ("create", "function", FUNCTION, "stage 'D.S.CODE'", "GRANT READ ON STAGE D.S.CODE TO ROLE DEVELOPER;"),
        ("create", "default", Default((), "schema", "A.B", "r"), "schema 'B'", "GRANT MODIFY ON SCHEMA A.B TO ROLE"),
        ("drop", "secret", SECRET, "schema 'PUBLIC'", "GRANT USAGE ON SCHEMA MY_DB.PUBLIC TO ROLE DEVELOPER;"),
    ],
)
def test_the_grant_is_on_what_snowflake_names(action: str, kind: str, record: Any, named: str, grant: str) -> None:
    text = f"SQL access control error:\nInsufficient privileges to operate on {named}"
    assert reason(3001, text, doing(action, kind, record)).fix.startswith(grant)


def test_what_is_dropped_and_not_seen_wants_its_owner() -> None:
    dropping = Doing("drop", "integration", "I", HAVING, "DROP API INTEGRATION I;")
    fix = reason(2003, "Integration 'I' does not exist or not authorized.", dropping).fix
    assert fix.startswith("check its name; if it is there: GRANT OWNERSHIP ON INTEGRATION I TO ROLE DEVELOPER")
    fix = reason(2003, "Schema 'MY_DB.PUBLIC' does not exist or not authorized.", dropping).fix
    assert fix.endswith("GRANT USAGE ON SCHEMA MY_DB.PUBLIC TO ROLE DEVELOPER;")


def test_a_secret_that_snowflake_repeats_is_hidden_even_if_it_is_a_word() -> None:
    error = UsageError("no", why="unexpected 'swordfish' or 'it''s' and swordfish")
    found = reason_of(error, MAKING, CONTEXT, ("swordfish", "it's"))
    assert found.what == "unexpected '****' or '****' and ****"


def test_what_nobody_knows_is_told_with_its_statement_masked() -> None:
    found = reason(1003, "syntax error", MAKING)
    assert (found.is_known, found.why) == (False, "of SQL '***'")


@pytest.mark.parametrize(
    ("action", "kind", "record", "grant"),
    [
        ("create", "secret", SECRET, "GRANT CREATE SECRET ON SCHEMA MY_DB.PUBLIC TO ROLE DEVELOPER;"),
        ("create", "integration", Integration((), "i", (), (), False), "GRANT CREATE INTEGRATION ON ACCOUNT TO ROLE"),
        ("create", "repository", REPOSITORY, "GRANT CREATE ARTIFACT REPOSITORY ON SCHEMA MY_DB.PUBLIC TO ROLE DEV"),
        ("create", "repository", REPOSITORY, "GRANT USAGE ON INTEGRATION I TO ROLE DEVELOPER;"),
        ("create", "function", FUNCTION, "GRANT USAGE ON ARTIFACT REPOSITORY MY_DB.PUBLIC.R TO ROLE DEVELOPER;"),
        ("alter", "repository", REPOSITORY, "GRANT OWNERSHIP ON ARTIFACT REPOSITORY MY_DB.PUBLIC.R TO ROLE DEVELOPER"),
        ("drop", "function", FUNCTION, "GRANT OWNERSHIP ON FUNCTION MY_DB.PUBLIC.F(STRING) TO ROLE DEVELOPER"),
        ("grant", "repository", REPOSITORY, "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEVELOPER"),
        ("try", "function", FUNCTION, "GRANT USAGE ON FUNCTION MY_DB.PUBLIC.F(STRING) TO ROLE DEVELOPER;"),
        ("create", "default", Default((), "account", "", "r"), "USE ROLE ACCOUNTADMIN"),
        ("create", "default", Default((), "schema", "A.B", "r"), "GRANT MODIFY ON SCHEMA A.B TO ROLE DEVELOPER;"),
    ],
)
def test_the_grant_is_that_of_the_statement(action: str, kind: str, record: Any, grant: str) -> None:
    assert grant in grants(doing(action, kind, record), CONTEXT)


def test_the_list_of_what_is_not_confirmed_is_that_of_the_page() -> None:
    from pathlib import Path

    page = (Path(__file__).resolve().parents[3] / "docs" / "snowflake-repositories.md").read_text("utf-8")
    text = page.partition("**What no account has confirmed**")[2].partition("\n## ")[0]
    for words in ("READ", "GENERIC_STRING", "ALTER API INTEGRATION", "CREATE OR REPLACE", "DESCRIBE ARTIFACT"):
        assert any(words in one for one in failures.UNCONFIRMED)
        assert words in text
    assert all(shown(one) == one for one in failures.UNCONFIRMED)
