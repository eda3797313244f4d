"""The table's columns are the fields of metadata.json, those that people knew first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from athena import questions
from athena.rows import columns
from venvbuild.builds import schema

TABLES = Path(__file__).resolve().parents[3] / "athena" / "sql" / "tables"
FIRST = """CREATE EXTERNAL TABLE venv_builds_metadata (
  venv_version string,
  created_at timestamp,
  python_version string,
  requirements_file string,
  pipdeptree_output string,
  venv_archive string,
  is_conflict_free boolean,
  conflicts array<string>,
  installed_packages array<string>
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://your-bucket/venv-builds/'
TBLPROPERTIES ('classification'='json')"""
"""The table that teams had before this tool."""


def columns_of(ddl: str, read: str, write: str) -> list[tuple[str, str]]:
    tree = sqlglot.parse_one(ddl, read=read)
    defined = tree.find(exp.Schema)
    assert defined is not None
    return [(one.name, one.args["kind"].sql(write)) for one in defined.expressions if isinstance(one, exp.ColumnDef)]


def test_the_columns_of_before_come_first_with_their_types() -> None:
    before = columns_of(FIRST, "athena", "hive")
    ours = columns_of((TABLES / "venv_builds_metadata.sql").read_text("utf-8"), "athena", "hive")
    assert ours[:9] == before


def test_the_columns_are_the_fields_of_the_schema_in_order() -> None:
    of_metadata = [name for name in schema()["properties"] if name != "files"]
    assert [column.name for column in columns()] == [*of_metadata, "recorded_at"]


def test_the_athena_table_has_the_columns() -> None:
    ddl = (TABLES / "venv_builds_metadata.sql").read_text("utf-8")
    written = re.findall(r"^  (\w+) ([a-z]\S*?),?$", ddl, re.MULTILINE)
    assert written == [(column.name, column.type) for column in columns()]
    assert "PARTITIONED BY (dt string)" in ddl


def test_the_trino_table_has_the_columns() -> None:
    ours = columns_of((TABLES / "venv_builds_metadata.trino.sql").read_text("utf-8"), "trino", "trino")
    wanted = [(column.name, exp.DataType.build(column.type, dialect="hive").sql("trino")) for column in columns()]
    wanted = [(name, "TIMESTAMP(3)" if kind == "TIMESTAMP" else kind) for name, kind in wanted]
    assert ours == [*wanted, ("dt", "VARCHAR")]


def test_all_builds_asks_for_every_column() -> None:
    text = questions.text("all_builds")
    assert [column.name for column in columns() if not re.search(rf"\b{column.name}\b", text)] == []


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("venv_version", "x", True),
        ("venv_version", None, False),
        ("venv_version", 3.1, False),
        ("build_url", None, True),
        ("is_conflict_free", True, True),
        ("is_conflict_free", "yes", False),
        ("is_conflict_free", 1, False),
        ("package_count", 3, True),
        ("package_count", True, False),
        ("package_count", "3", False),
        ("installed_packages", ["a==1"], True),
        ("installed_packages", "a==1", False),
        ("installed_packages", [1], False),
        ("installed_packages", [None], False),
        ("duration_s", {"check": 1}, True),
        ("duration_s", [], False),
        ("duration_s", {"check": 10**400}, False),
        ("duration_s", {"check": float("nan")}, False),
        ("archive_size_bytes", 2**63 - 1, True),
        ("archive_size_bytes", 2**63, False),
        ("requires", {"abi": None, "later": {"of": [[1]]}}, True),
        ("requires", {"abi": None, "libraries": ["x", 1]}, False),
        ("schema_version", 2, True),
    ],
)
def test_a_column_knows_what_a_row_may_hold(name: str, value: Any, accepted: bool) -> None:
    column = next(column for column in columns() if column.name == name)
    assert column.accepts(value) is accepted
