"""The SQL of a description: equal to what is shipped, and what it says is read back from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from tests.snowflake.repository.test_description import WHOLE, of
from venvbuild.snowflake.repository import sql
from venvbuild.snowflake.repository.description import Description, PrivateLink, Repository, Secret, read

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "snowflake"


def printed(description: Description) -> str:
    return "\n\n".join(one.sql for one in sql.statements(description)) + "\n"


@pytest.mark.parametrize("name", ["public", "privatelink"])
def test_the_examples_are_the_sql_that_is_shipped(name: str) -> None:
    head, _, shipped = (EXAMPLES / f"{name}.sql").read_text("utf-8").partition("\n\n")
    assert all(line.startswith("-- ") for line in head.splitlines())
    assert "read on 2026-11-28" in head
    assert printed(read(EXAMPLES / f"{name}.toml")) == shipped


def test_all_kinds_are_there_in_the_order_in_which_they_can_run(tmp_path: Path) -> None:
    made = sql.statements(read(of(tmp_path, WHOLE)))
    assert list(dict.fromkeys((one.action, one.kind) for one in made)) == [
        ("create", "secret"), ("create", "integration"), ("alter", "integration"), ("create", "repository"),
        ("alter", "repository"), ("grant", "repository"), ("create", "packages_policy"), ("alter", "default"),
        ("create", "function"),
    ]  # fmt: skip
    texts = [one.sql for one in made]
    for line in (
        'GRANT USAGE ON ARTIFACT REPOSITORY MY_DB.PUBLIC.r TO ROLE "my role";',
        "ALTER ACCOUNT SET DEFAULT_PYTHON_ARTIFACT_REPOSITORY = MY_DB.PUBLIC.r;",
        "ALTER DATABASE D SET DEFAULT_PYTHON_ARTIFACT_REPOSITORY = MY_DB.PUBLIC.r;",
        "ALTER SCHEMA D.S SET DEFAULT_PYTHON_ARTIFACT_REPOSITORY = MY_DB.PUBLIC.r;",
        "ALTER ARTIFACT REPOSITORY IF EXISTS MY_DB.PUBLIC.r SET PACKAGE_RETENTION = ON_OBJECT_CREATION;",
        "CREATE SECRET IF NOT EXISTS MY_DB.PUBLIC.s\n  TYPE = GENERIC_STRING\n  SECRET_STRING = '***';",
        "CREATE PACKAGES POLICY IF NOT EXISTS MY_DB.PUBLIC.p\n  LANGUAGE PYTHON\n  BLOCKLIST = ('evil');",
    ):
        assert line in texts
    assert texts[-1].startswith('CREATE OR REPLACE FUNCTION MY_DB.PUBLIC.f(a STRING, "B c" ARRAY)\n')
    assert texts[-1].endswith("  RESOURCE_CONSTRAINT = (architecture = 'x86')\n  HANDLER = 'x.y';")
    # Only a function is ever replaced, and nothing is dropped.
    assert [one for one in texts if "REPLACE" in one] == texts[-1:]
    assert all("ENABLED = TRUE" in one.sql for one in made if one.kind == "integration")


def test_a_list_that_is_empty_is_not_one_that_is_absent(tmp_path: Path) -> None:
    [policy] = sql.statements(read(of(tmp_path, "[packages_policy.p]\nallowlist = []\n")))
    assert policy.sql == "CREATE PACKAGES POLICY IF NOT EXISTS p\n  LANGUAGE PYTHON\n  ALLOWLIST = ();"


def test_a_secret_is_in_one_statement_and_only_for_who_knows_it(tmp_path: Path) -> None:
    described = read(of(tmp_path, WHOLE))
    known = [one.sql for one in sql.statements(described, {"TOKEN": "Can'ary", "P": "p"}.__getitem__)]
    assert [one for one in known if "Can''ary" in one] == known[:1]
    assert "ary" not in printed(described)


# Mostly what SQL itself is written with: of all characters, hardly any is a quote.
TEXTS = st.text(st.one_of(st.sampled_from("'\"\\$;-/* "), st.characters(exclude_categories=["Cs", "Cc"])), max_size=20)


@given(TEXTS, TEXTS.filter(lambda text: text.strip()))
def test_any_text_and_any_name_survive(text: str, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    secret = Secret(("secret", name), quoted, "password", username=text, password_env="P")
    repository = Repository(("repository", name), quoted, "i", text, quoted, None, text, ())
    made = sql.statements(Description("f", {}, secrets=(secret,), repositories=(repository,)))
    for one in made:
        tokens = sqlglot.tokenize(one.sql, dialect="snowflake")
        assert tokens[-1].token_type == sqlglot.TokenType.SEMICOLON
        names = [one.text for one in tokens if one.token_type == sqlglot.TokenType.IDENTIFIER]
        assert set(names) == {name}
        texts = {one.text for one in tokens if one.token_type == sqlglot.TokenType.STRING}
        assert texts <= {text, sql.MASK}


def test_the_endpoint_is_asked_for_by_one_statement() -> None:
    link = PrivateLink((), "/subscriptions/o'x", "a.example.com", "blob")
    wanted = "SELECT SYSTEM$PROVISION_PRIVATELINK_ENDPOINT('/subscriptions/o''x', 'a.example.com', 'blob');"
    assert sql.provision(link) == wanted
    assert json.dumps(vars(sql.statements(read(EXAMPLES / "public.toml"))[0]))
