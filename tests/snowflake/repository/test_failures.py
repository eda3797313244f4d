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
    ],
)
def test_the_table(errno: int, text: str, code: int, fix: str) -> None:
    error = reason(errno, text, MAKING).error("statement 1 of 1: ", "done: none")
    assert error.exit_code == code
    assert fix in error.problems[0].fix
    assert text in error.problems[0].what
    assert error.problems[0].why.endswith("done: none; query 01b2-query")


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
