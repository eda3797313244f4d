"""The SQL as another reader of Snowflake's dialect sees it: sqlfluff, of what it knows."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from sqlfluff.core import FluffConfig, Linter

from tests.snowflake.repository.test_description import WHOLE, of
from venvbuild.snowflake.repository import sql
from venvbuild.snowflake.repository.description import PrivateLink, read

_UNKNOWN = re.compile(
    r"(CREATE|ALTER) API INTEGRATION|(CREATE|ALTER|GRANT USAGE ON) ARTIFACT REPOSITORY|CREATE PACKAGES POLICY"
    r"|ALTER (DATABASE|SCHEMA) \S+ SET DEFAULT_PYTHON"
)
"""What it does not know: whoever makes it known to it finds a word to take out here."""


@cache
def linter() -> Linter:
    return Linter(config=FluffConfig(overrides={"dialect": "snowflake"}))


def is_parsed(statement: str) -> bool:
    found = linter().parse_string(f"{statement}\n")
    return found.tree is not None and not found.violations and not list(found.tree.recursive_crawl("unparsable"))


def test_all_that_it_knows_is_parsed_and_the_rest_is_named(tmp_path: Path) -> None:
    text = WHOLE.replace('"me"', '"o\'Neil\\\\"')
    text = text.replace('"B c"', "c")  # a name of an argument in quotes it does not know either
    text = text.replace('architecture = "x86"', 'body = """\ndef x():\n  return \'\\\\\\\\\'\n"""')
    made = sql.statements(read(of(tmp_path, f'{text}[function."a b"]\nkind = "procedure"\n{OF_PROCEDURE}')))
    assert {one.kind for one in made} >= {"secret", "function", "procedure", "default", "repository", "integration"}
    for one in made:
        assert is_parsed(one.sql) == (not _UNKNOWN.match(one.sql)), one.sql


OF_PROCEDURE = """returns = "TABLE (a STRING)"
python = "3.11"
packages = ["snowflake-snowpark-python"]
repository = "r"
handler = "run"
body = 'run = 1'
"""


@pytest.mark.parametrize(
    "statement", [sql.EGRESS, sql.PRIVATELINK_STATUS, sql.provision(PrivateLink((), "s'", "h", "\\"))]
)
def test_each_question_is_parsed(statement: str) -> None:
    assert is_parsed(statement)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("TYPE = PASSWORD", "TYP = PASSWORD"), ("'u'", "'u' 'v'"), ("'u'", "'it's'"), ("IF NOT EXISTS", "UNLESS")],
)
def test_what_is_wrong_is_not_parsed(right: str, wrong: str) -> None:
    statement = "CREATE SECRET IF NOT EXISTS a.b.c\n  TYPE = PASSWORD\n  USERNAME = 'u'\n  PASSWORD = '***';"
    assert is_parsed(statement)
    assert not is_parsed(statement.replace(right, wrong, 1))
