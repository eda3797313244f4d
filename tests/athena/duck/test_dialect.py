"""Athena's SQL means the same on DuckDB, where Trino itself says what it means."""

from __future__ import annotations

import duckdb
import pytest
from sqlglot import exp

from athena.duck import duckdb_type, to_duckdb
from athena.engines import plain
from athena.rows import columns
from tests.support.trino_server import TrinoServer
from venvbuild.errors import QueryEngineError, UsageError

SAME = [
    "any_match(ARRAY['a', 'b'], x -> x = 'b')",
    "any_match(ARRAY['a', 'b'], x -> x = 'c')",
    "none_match(ARRAY['a', 'b'], x -> x = 'c')",
    "all_match(ARRAY['a', 'b'], x -> x > 'a')",
    "all_match(ARRAY['a', 'b'], x -> x >= 'a')",
    "arrays_overlap(ARRAY[1, 2], ARRAY[2, 3])",
    "cardinality(filter(ARRAY['a==1', 'b==2'], x -> split_part(x, '==', 1) = 'a'))",
    "date_diff('day', TIMESTAMP '2025-07-01 23:00:00', TIMESTAMP '2025-07-03 01:00:00')",
    "date_diff('hour', TIMESTAMP '2025-07-01 23:59:00', TIMESTAMP '2025-07-02 00:01:00')",
    "json_format(CAST(ARRAY['a', 'it''s \"b\"'] AS json))",
    "json_format(CAST(MAP(ARRAY['a'], ARRAY[1]) AS json))",
    "array_join(ARRAY['a', 'b'], ', ')",
    "substr('kedro==1.0', strpos('kedro==1.0', '==') + 2)",
    "contains(ARRAY['a'], 'a')",
    "element_at(ARRAY['a'], 2)",
    "coalesce(NULL, 'x')",
    "regexp_like('kedro-viz', '^kedro')",
    "date_format(TIMESTAMP '2025-07-01 23:00:00', '%Y-%m')",
    "date_trunc('month', TIMESTAMP '2025-07-03 01:00:00')",
    "TRY_CAST('x' AS bigint)",
    "concat('a', 'b')",
    "cardinality(ARRAY[1, NULL])",
]


@pytest.mark.xdist_group("trino")
@pytest.mark.parametrize("expression", SAME)
def test_duckdb_says_what_trino_says(trino_server: TrinoServer, expression: str) -> None:
    sql = f"SELECT {expression} AS a"
    found = duckdb.execute(to_duckdb(sql)).fetchall()
    assert [(plain(value),) for (value,) in found] == list(trino_server.ask(sql).rows)


@pytest.mark.parametrize("sql", ["SELECT (", "SELECT 'a", "WHERE"])
def test_what_cannot_be_read_is_told_with_the_place(sql: str) -> None:
    with pytest.raises(QueryEngineError) as caught:
        to_duckdb(sql)
    assert caught.value.problems[0].why


@pytest.mark.parametrize("sql", ["", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE x"])
def test_a_query_is_one_statement(sql: str) -> None:
    with pytest.raises(UsageError, match="one statement"):
        to_duckdb(sql)


def test_the_types_of_the_table_are_those_that_sqlglot_makes_of_them() -> None:
    for column in columns():
        made = exp.DataType.build(column.type, dialect="hive").sql(dialect="duckdb")
        assert duckdb_type(column.type) == made.replace("TEXT", "VARCHAR")
