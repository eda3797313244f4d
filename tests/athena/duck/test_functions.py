"""The functions that Athena and Trino have are those of a real Trino, with as many values."""

from __future__ import annotations

import pytest

from athena.duck import exactly
from athena.duck.functions import _TAKES
from athena.engines.duckdb_database import table_types
from tests.support.trino_server import TrinoServer
from venvbuild.errors import QueryEngineError


@pytest.mark.xdist_group("trino")
def test_each_function_of_trino_is_known_with_its_values(trino_server: TrinoServer) -> None:
    for name, _, arguments, *_ in trino_server.ask("SHOW FUNCTIONS").rows:
        takes = _TAKES.get(name, "")
        # of those that take any number SHOW FUNCTIONS has one or two; CURRENT_DATE has no brackets
        is_known = takes.endswith(("+", "+-")) or str(_count(arguments)) in takes
        assert is_known or name in ("current_date", "listagg"), (name, arguments, takes)


def _count(arguments: str) -> int:
    depth, count = 0, int(bool(arguments))
    for letter in arguments:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        count += letter == "," and not depth
    return count


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("len(env_name)", "there is no function len"),
        ("string_agg(env_name, ',')", "there is no function string_agg"),
        ("current_date()", "there is no function current_date"),
        ("substr(env_name)", "substr does not take 1 value"),
        ("cardinality(ARRAY[1], 2)", "cardinality does not take 2 values"),
        ("element_at(ARRAY[1])", "element_at does not take 1 value"),
        ("max_by(env_name)", "max_by does not take 1 value"),
        ("to_utf8(env_name)", "to_utf8 is not among what was compared"),
        ("map_filter(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> v > 1)", "map_filter is not among what was compared"),
    ],
)
def test_a_call_that_is_none_there_is_named_as_it_is_written(value: str, why: str) -> None:
    with pytest.raises(QueryEngineError, match=r"refused|not asked") as caught:
        exactly(f"SELECT {value} FROM venv_builds", table_types())
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH len (a) AS (SELECT 1), size (b) AS (SELECT 2) SELECT a, b FROM len, size",
        "SELECT x FROM UNNEST(ARRAY[1]) len (x)",
        "SELECT len.x FROM (VALUES (1)) AS len (x)",
        "SELECT CAST(1 AS decimal(10, 2)), array_agg(dt ORDER BY dt, env_name), count(*) FROM venv_builds",
        "SELECT sum(package_count) OVER (PARTITION BY (env_name)) FROM venv_builds WHERE (dt) IN ('a') AND (true)",
    ],
)
def test_a_name_before_a_bracket_is_no_call_where_it_is_an_alias(sql: str) -> None:
    exactly(sql, table_types())
