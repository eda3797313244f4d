"""Forms of other dialects are refused by name, what is advised is read, and what only looks like one is read."""

from __future__ import annotations

import pytest

from athena.duck import exactly
from athena.engines.duckdb_database import table_types
from venvbuild.errors import QueryEngineError

B = "FROM venv_builds"


@pytest.mark.parametrize(
    ("sql", "why", "fixed"),
    [
        (f"SELECT dt::date {B}", "::", f"SELECT CAST(dt AS date) {B}"),
        (f"SELECT dt {B} WHERE dt == 'a'", "==", f"SELECT dt {B} WHERE dt = 'a'"),
        (f"SELECT dt {B} WHERE true && true", "column 40", f"SELECT dt {B} WHERE true AND true"),
        (f"SELECT !true {B}", "!", f"SELECT NOT true {B}"),
        (f"SELECT 1 <=> 1 {B}", "<=>", None),
        (f"SELECT dt {B} LIMIT 1 + 1", "LIMIT takes one number", f"SELECT dt {B} LIMIT 2"),
        (f"SELECT dt {B} LIMIT (1)", "LIMIT takes a number", f"SELECT dt {B} LIMIT 1"),
        (f"SELECT dt {B} LIMIT 10 OFFSET 5", "OFFSET stands before LIMIT", f"SELECT dt {B} OFFSET 5 LIMIT 10"),
        (f"SELECT dt {B} LIMIT 5, 10", "LIMIT takes one number", f"SELECT dt {B} OFFSET 5 LIMIT 10"),
        (f"SELECT dt {B} ORDER BY 1 WHERE dt > 'a'", "WHERE", f"SELECT dt {B} WHERE dt > 'a' ORDER BY 1"),
        (f"{B} SELECT dt", "begins with SELECT", f"SELECT dt {B}"),
        (f"SELECT * FROM ({B})", "begins with SELECT", f"SELECT * FROM (SELECT * {B})"),
        (f"SELECT dt {B} ORDER BY 1 UNION SELECT 'a'", "UNION", f"(SELECT dt {B} ORDER BY 1) UNION SELECT 'a'"),
        (f"SELECT dt, {B}", "comma", f"SELECT dt {B}"),
        (f"SELECT dt {B} WHERE dt IN ('a',)", "comma", f"SELECT dt {B} WHERE dt IN ('a')"),
        (f"SELECT dt AS 'd' {B}", "a name is no text", f'SELECT dt AS "d" {B}'),
        (f"SELECT 'a' 'b' {B}", "side by side", f"SELECT 'a' || 'b' {B}"),
        (f"SELECT dt {B} WHERE dt RLIKE 'a'", "RLIKE", None),
        (f"SELECT dt ISNULL {B}", "ISNULL", None),
        (f"SELECT dt {B} MINUS SELECT 'a'", "column 39", None),
        (f"SELECT dt {B} WHERE is_conflict_free IS TRUE", "IS is followed", f"SELECT dt {B} WHERE is_conflict_free"),
        (f"SELECT created_at + INTERVAL 7 DAY {B}", "INTERVAL", f"SELECT created_at + INTERVAL '7' DAY {B}"),
        (f"SELECT created_at + INTERVAL '7 days' {B}", "INTERVAL", f"SELECT created_at + INTERVAL '7' DAY {B}"),
        (f"SELECT CAST(dt AS string) {B}", "string is no type", f"SELECT CAST(dt AS varchar) {B}"),
        (f"SELECT CAST(package_count AS int8) {B}", "int8", f"SELECT CAST(package_count AS bigint) {B}"),
        (f"SELECT extract('year' FROM created_at) {B}", "extract", f"SELECT extract(year FROM created_at) {B}"),
        (f"SELECT listagg(dt) {B}", "WITHIN GROUP", f"SELECT listagg(dt) WITHIN GROUP (ORDER BY dt) {B}"),
        (
            f"SELECT count(*) {B} b JOIN venv_packages p",
            "JOIN has no",
            f"SELECT count(*) {B} b CROSS JOIN venv_packages p",
        ),
        (f"SELECT dt {B} POSITIONAL JOIN venv_packages", "JOIN has no", None),
        (f"SELECT dt {B} ASOF JOIN venv_packages USING (dt)", "ASOF", None),
        (f"SELECT dt {B} NATURAL JOIN venv_packages", "NATURAL", None),
        (f"SELECT env_name {B} QUALIFY row_number() OVER (ORDER BY dt) = 1", "column 51", None),
        (f"SELECT env_name, count(*) {B} GROUP BY ALL", "GROUP BY ALL", None),
        (f"SELECT * EXCLUDE (dt) {B}", "EXCLUDE", None),
        (f"SELECT dt {B} USING SAMPLE 10", "sample", None),
        (f"SELECT * {B} PIVOT (count(*) FOR dt IN ('a'))", "pivots", None),
        ("PIVOT venv_builds ON dt USING count(*)", "PIVOT", None),
        ("SELECT {'a': 1}", "{", None),
        (f"SELECT 1 BETWEEN SYMMETRIC 2 AND 0 {B}", "SYMMETRIC", None),
        ("WITH t AS MATERIALIZED (SELECT 1 AS n) SELECT n FROM t", "AS", "WITH t AS (SELECT 1 AS n) SELECT n FROM t"),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t",
            "its columns have no names",
            "WITH RECURSIVE t (n) AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t",
        ),
        (f"SELECT dt {B} b (x)", "has 9 columns", None),
        (f"SELECT sum(package_count) FILTER (WHERE true) OVER () {B}", "FILTER does not go with OVER", None),
        ("SELECT 99999999999999999999", "bigint", None),
        ("SELECT 1_000", "1_000", "SELECT 1000"),
        ("SELECT X'41'", "41", None),
        ("VALUES (1, 'a')", "VALUES alone", "SELECT * FROM (VALUES (1, 'a')) AS t (a, b)"),
        (
            "SELECT a FROM (SELECT 1 AS a, 2 AS a)",
            "two columns of a query inside are called a",
            "SELECT a FROM (SELECT 1 AS a, 2 AS b)",
        ),
    ],
)
def test_a_form_of_others_is_named_and_what_is_advised_is_read(sql: str, why: str, fixed: str | None) -> None:
    with pytest.raises(QueryEngineError, match=r"refused|not asked|cannot be read") as caught:
        exactly(sql, table_types())
    assert why in str(caught.value)
    if fixed:
        exactly(fixed, table_types())


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT extract(year FROM created_at), trim(BOTH 'x' FROM dt), substring(dt FROM 1) {B} WHERE dt IS NOT NULL",
        f"SELECT dt IS DISTINCT FROM 'a', dt IS NOT DISTINCT FROM 'b' {B} GROUP BY dt",
        f"SELECT DISTINCT dt {B} WHERE true ORDER BY dt OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY",
        f"SELECT dt {B} UNION DISTINCT SELECT dt {B} ORDER BY 1 LIMIT ALL",
        f'SELECT dt date, 1 AS minus, 2 AS "limit" {B} b JOIN venv_packages p USING (dt) CROSS JOIN (VALUES 1)',
        f"SELECT (SELECT max(dt) {B} WHERE dt < 'x'), [1, 2], ARRAY[1][1], CAST(1 AS double precision) {B}",
        f"SELECT created_at - INTERVAL - '1' DAY, CAST(NULL AS timestamp with time zone) {B}",
        f"SELECT sum(package_count) OVER w {B} WHERE true WINDOW w AS (ORDER BY dt) ORDER BY 1",
    ],
)
def test_what_only_looks_like_one_is_read(sql: str) -> None:
    exactly(sql, table_types())


@pytest.mark.parametrize(
    "form",
    [
        "greatest({}, 'b')",
        "substr({}, 1, 9)",
        "split_part({}, '-', 1)",
        "array_join(array_except(ARRAY[{}], ARRAY['a']), '')",
    ],
)
def test_a_statement_does_not_grow_faster_than_its_depth(form: str) -> None:
    sizes = []
    for depth in (4, 8):
        value = "dt"
        for _ in range(depth):
            value = form.format(value)
        sizes.append(len(exactly(f"SELECT {value} {B}", table_types())))
    assert sizes[1] < 3 * sizes[0]
