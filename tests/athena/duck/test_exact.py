"""A query of a user's has one answer on DuckDB and Trino, or is refused: never two.

The grammar of the statements that are made, some of them with the mistakes of analysts:

statement = 8 times SELECT {value}, {value} FROM {table} {where} ORDER BY 1, 2 LIMIT 5
          | 7 times SELECT {key} AS k, {aggregate}, {aggregate} FROM {table} {where} GROUP BY 1 {having} ORDER
             BY 1 LIMIT 7
          | 4 times SELECT {aggregate}, {aggregate}, {aggregate} FROM {table} {where}
          | 3 times SELECT venv_version, {window}, {window} FROM venv_builds {where} ORDER BY venv_version LIMIT
             6
          | 2 times SELECT {side}, {joined} FROM venv_builds b {join} GROUP BY 1 ORDER BY 1, 2
          | 1 times {other}
other = SELECT {item} AS k, count(*) FROM venv_builds_metadata CROSS JOIN UNNEST({names}) AS u (item) GROUP BY 1
         ORDER BY 2 DESC, 1 LIMIT 5
      | SELECT item, at FROM venv_builds_metadata CROSS JOIN UNNEST({names}) WITH ORDINALITY AS u (item, at)
         WHERE {bool} ORDER BY venv_version, at LIMIT 5
      | WITH w AS (SELECT env_name AS k, {aggregate} AS v FROM {table} GROUP BY 1) SELECT k, v FROM w ORDER BY 1
      | WITH w AS (SELECT env_name AS k, {aggregate} AS v FROM {table} GROUP BY 1) SELECT count(v), max(k ||
         '!') FROM w
      | SELECT {column} FROM {table} {where} {both} SELECT {column} FROM {table} ORDER BY 1 LIMIT 9
      | SELECT DISTINCT {text} FROM {table} ORDER BY 1 LIMIT 9
      | SELECT {text}, count(*) FROM {table} WHERE EXISTS (SELECT 1 FROM venv_packages WHERE name = {literal})
         GROUP BY 1 ORDER BY 1 LIMIT 4
      | SELECT count(*) FROM {table} WHERE created_at > '2025-07-20'
      | SELECT count(*) FROM {table} WHERE python_version > 3.9
      | SELECT count(*) FROM {table} WHERE dt >= {day}
      | SELECT count(*) FROM {table} WHERE is_conflict_free = {whole}
      | SELECT {text} || {whole} FROM {table}
      | SELECT {column} AS e, count(*) FROM {table} GROUP BY e
      | SELECT env_name AS e FROM {table} WHERE e = {literal}
      | SELECT upper({whole}), no_such_column FROM {table}
      | SELECT sum({text}) FROM {table}
      | SELECT 7 / (package_count - package_count) FROM venv_builds
      | SELECT CASE WHEN {bool} THEN 1 ELSE {text} END FROM {table}
      | SELECT DISTINCT env_name FROM venv_builds ORDER BY dt
      | SELECT b.venv_version FROM venv_builds b JOIN venv_packages USING (venv_version)
where =
      | WHERE {bool}
having =
       |
       | HAVING count(*) > 3
join = JOIN venv_packages p ON p.venv_version = b.venv_version WHERE p.name = {literal}
     | JOIN venv_packages p USING (venv_version) WHERE p.name = {literal}
     | LEFT JOIN venv_packages p ON p.venv_version = b.venv_version AND p.name = {literal}
side = b.env_name
     | b.is_conflict_free
     | date_trunc('day', b.created_at)
joined = count(*)
       | count(p.version)
       | count(DISTINCT p.version)
       | max(p.version)
       | min_by(p.version, b.created_at)
       | sum(b.package_count) / count(*)
both = UNION
     | UNION ALL
     | EXCEPT
     | INTERSECT
key = {column}
    | {text}
    | {day}
    | {bool}
value = {text}
      | {whole}
      | {decimal}
      | {double}
      | {bool}
      | {day}
      | {instant}
value of venv_builds_metadata = {array}
literal = 'kedro'
        | 'numpy'
        | 'sales-dev'
        | '3.11'
        | '2025-07-15'
        | ''
        | 'a-b.c'
        | 'x''y'
        | '10'
operator = =
         | <>
         | <
         | <=
         | >
         | >=
unit = day
     | week
     | month
     | quarter
     | year
format = %Y-%m
       | %Y-%m-%d
       | %H:%i
       | %Y-%m-%d %H:%i:%s
       | %j %a
       | %W %M %e
at = 0
   | 1
   | 2
   | 3
   | -2
   | 9
names = installed_packages
      | conflicts
item = item
     | split_part(item, '==', 1)
     | substr(item, {at})
     | length(item)
     | regexp_extract(item, '^([a-z]+)', 1)
column of venv_builds = env_name
                      | python_version
                      | platform
                      | venv_version
                      | dt
column of venv_packages = name
                        | version
                        | env_name
                        | venv_version
                        | dt
column of venv_builds_metadata = env_name
                               | python_version
                               | requirements_file
                               | installer
                               | dt
text = {column}
     | {literal}
     | lower({text})
     | upper({text})
     | substr({text}, {at})
     | substr({text}, {at}, {at})
     | split_part({text}, '-', 2)
     | split_part({text}, '.', 1)
     | replace({text}, 'e', '_')
     | replace({text}, '-')
     | trim({text})
     | lpad({text}, 12, '*')
     | reverse({text})
     | concat({text}, '/', {text})
     | {text} || {text}
     | regexp_extract({text}, '([a-z]+)-([a-z]+)', 2)
     | regexp_extract({text}, '[0-9]+')
     | regexp_replace({text}, '[0-9]+', '#')
     | regexp_replace({text}, '([a-z])-', '$1:')
     | date_format({instant}, '{format}')
     | CAST({whole} AS varchar)
     | CAST({day} AS varchar)
     | CAST({bool} AS varchar)
     | CAST({text} AS varchar(4))
     | CASE WHEN {bool} THEN {text} ELSE {text} END
     | CASE {text} WHEN {text} THEN {text} END
     | coalesce(nullif({text}, {literal}), {text})
     | greatest({text}, {text})
     | if({bool}, {text})
     | format('%s:%d', {text}, {whole})
     | array_join(split({text}, '-'), '+')
     | element_at(split({text}, '-'), -1)
     | json_extract_scalar('{"a": 1, "b": "x"}', '$.b')
text of venv_builds_metadata = element_at(installed_packages, 2)
                             | element_at(installed_packages, 9999)
                             | requires.abi
                             | array_join({array}, ' ')
whole = 0
      | 2
      | 7
      | -5
      | 1000000
      | ({whole} + {whole})
      | ({whole} - {whole})
      | ({whole} * 3)
      | ({whole} / 7)
      | ({whole} / -3)
      | ({whole} % 4)
      | length({text})
      | strpos({text}, '-')
      | cardinality(split({text}, '-'))
      | year({instant})
      | month({day})
      | hour({instant})
      | week({instant})
      | day_of_week({day})
      | day_of_year({instant})
      | extract(quarter FROM {day})
      | date_diff('{unit}', {instant}, {instant})
      | date_diff('{unit}', {day}, {day})
      | date_diff('hour', {instant}, {instant})
      | abs({whole})
      | CASE WHEN {bool} THEN {whole} END
      | coalesce({whole}, 0)
      | TRY_CAST({text} AS bigint)
      | CAST({double} AS bigint)
      | CAST({decimal} AS bigint)
whole of venv_builds = package_count
                     | archive_size_bytes
whole of venv_builds_metadata = package_count
                              | reduce(installed_packages, 0, (s, x) -> s + length(x), s -> s)
                              | array_position(installed_packages, {literal})
                              | cardinality({array})
decimal = 0.5
        | 100.0
        | -7.25
        | ({decimal} + 1.5)
        | ({decimal} - {whole})
        | (1.5 * {whole})
        | ({whole} * 100.0 / 7)
        | (1.0 * {whole} / 3)
        | round({decimal}, 1)
        | round({decimal})
        | ceil({decimal})
        | floor({decimal})
        | abs({decimal})
double = 2.5e0
       | -0.5e0
       | 1e6
       | ({whole} * 1e-2)
       | ({whole} / 3e0)
       | (CAST({whole} AS double) / 7)
       | round({double}, 2)
       | round({double})
       | ceil({double})
       | floor({double})
       | sqrt(abs({whole}))
       | to_unixtime({instant})
       | TRY_CAST({text} AS double)
double of venv_builds_metadata = element_at(duration_s, 'create')
                               | duration_s['pack']
bool = is_conflict_free
     | dt >= '2025-07-10'
     | {column} IS NOT NULL
     | {text} {operator} {text}
     | {whole} {operator} {whole}
     | {decimal} {operator} {whole}
     | {double} {operator} {decimal}
     | {day} {operator} {day}
     | {instant} {operator} {instant}
     | {instant} {operator} {day}
     | dt {operator} CAST({day} AS varchar)
     | dt {operator} date_format({day}, '%Y-%m-%d')
     | {whole} BETWEEN {whole} AND {whole}
     | {day} BETWEEN {day} AND {day}
     | {text} IN ({literal}, {text})
     | {text} LIKE '%a%'
     | {text} LIKE '_a%'
     | {text} IS NULL
     | {text} IS DISTINCT FROM {text}
     | ({bool} AND {bool})
     | ({bool} OR {bool})
     | NOT ({bool})
     | regexp_like({text}, '^s.*[0-9]$')
     | starts_with({text}, 's')
     | venv_version IN (SELECT venv_version FROM venv_packages WHERE name = {literal})
bool of venv_builds_metadata = contains({array}, {literal})
                             | any_match({names}, x -> x LIKE 'kedro%')
                             | all_match({array}, x -> length(x) > 3)
                             | none_match({names}, x -> split_part(x, '==', 1) = {literal})
day = DATE '2025-07-15'
    | DATE '2024-02-29'
    | CAST(created_at AS date)
    | {day} + INTERVAL '9' DAY
    | {day} - INTERVAL '1' MONTH
    | ({day} + INTERVAL '2' YEAR)
    | date_add('{unit}', -3, {day})
    | date_trunc('{unit}', {day})
    | last_day_of_month({day})
    | CAST({instant} AS date)
instant = created_at
        | TIMESTAMP '2025-07-22 08:30:00'
        | TIMESTAMP '2025-01-31 23:59:59'
        | {instant} + INTERVAL '36' HOUR
        | {instant} - INTERVAL '1' MONTH
        | date_add('{unit}', 5, {instant})
        | date_add('minute', -90, {instant})
        | date_trunc('{unit}', {instant})
        | date_trunc('hour', {instant})
        | date_parse(dt, '%Y-%m-%d')
        | CAST({day} AS timestamp)
array = conflicts
      | slice(installed_packages, 1, 3)
      | ARRAY['a', 'b', 'a']
      | split(env_name, '-')
      | filter({array}, x -> x LIKE '%e%')
      | transform({array}, x -> upper(x))
      | transform({array}, x -> split_part(x, '==', 2))
      | array_sort({array})
      | array_distinct({array})
      | array_except({array}, ARRAY['a'])
      | array_remove({array}, 'a')
      | slice({array}, 2, 2)
aggregate = count(*)
          | count(*) FILTER (WHERE {bool})
          | count({text})
          | count(DISTINCT {text})
          | sum({whole})
          | sum({decimal})
          | sum({double}) FILTER (WHERE {bool})
          | avg({whole})
          | avg({decimal})
          | min({text})
          | max({whole})
          | min({day})
          | max({instant}) FILTER (WHERE {bool})
          | max_by(env_name, venv_version)
          | min_by(length(env_name), venv_version)
          | bool_and({bool})
          | bool_or({bool})
          | count_if({bool})
          | array_agg(DISTINCT env_name ORDER BY env_name)
          | array_agg(DISTINCT env_name ORDER BY dt)
          | array_agg(env_name ORDER BY venv_version)
          | round(avg({whole}), 2)
          | count(*) * 100.0 / sum(3)
          | count(*) * 100 / 7
          | sum({whole}) / count(*)
          | stddev({whole})
          | approx_distinct(env_name)
window = row_number() OVER {over}
       | rank() OVER {over}
       | dense_rank() OVER (ORDER BY env_name)
       | lag(env_name) OVER {over}
       | lead({whole}) OVER {over}
       | sum(package_count) OVER {over}
       | sum(package_count) OVER {over} / 7
       | avg(package_count) OVER (ORDER BY venv_version ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
       | max({text}) OVER {over}
       | first_value({text}) OVER {over}
       | count_if(is_conflict_free) OVER {over}
       | ntile(4) OVER {over}
over = (ORDER BY venv_version)
     | (PARTITION BY env_name ORDER BY venv_version)
     | (PARTITION BY python_version ORDER BY created_at DESC)
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from athena.engines import Answer, Engine
from athena.questions import bind
from athena.statement import Statement
from tests.athena.conftest import embedded
from tests.athena.duck.statements import Statements
from tests.support.trino_server import Catalog
from venvbuild.errors import QueryEngineError, VenvBuildError
from venvbuild.stores import open_store

_SAME, _REFUSED, _BOTH_REFUSE = "the same answer", "refused by DuckDB", "refused by both"
_LINES = Path(__file__).with_name("statements.sql").read_text("utf-8").splitlines()
_SEEDS = (1, 2)
_COUNT = int(os.environ.get("VENVBUILD_TEST_STATEMENTS", "60"))
"""Of a seed; 2,000 take some minutes."""


@pytest.fixture(scope="module")
def engines(july: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Catalog]]:
    """DuckDB over the rows of Trino's catalog."""
    with embedded("duckdb", open_store(july.store.url), tmp_path_factory.mktemp("cache")) as duck:
        yield duck, july


@pytest.mark.xdist_group("trino")
@pytest.mark.parametrize("sql", [line for line in _LINES if not line.startswith("--")])
def test_a_statement_has_one_answer(engines: tuple[Engine, Catalog], sql: str) -> None:
    verdict, told = _compared(engines, sql)
    assert verdict in (_SAME, _REFUSED, _BOTH_REFUSE), told


@pytest.mark.xdist_group("trino")
@pytest.mark.parametrize("seed", _SEEDS)
def test_made_statements_have_one_answer_and_most_are_answered(engines: tuple[Engine, Catalog], seed: int) -> None:
    made = Statements(__doc__ or "", seed)
    verdicts = Counter[str]()
    for _ in range(_COUNT):
        sql = made.next()
        verdict, told = _compared(engines, sql)
        assert verdict in (_SAME, _REFUSED, _BOTH_REFUSE), f"{sql}\n{told}"
        verdicts[verdict] += 1
    assert verdicts[_SAME] * 3 >= _COUNT * 2, verdicts


@pytest.mark.parametrize(
    ("sql", "why", "fixed"),
    [
        (
            "SELECT count(*) FROM venv_builds WHERE created_at > '2025-07-22'",
            "timestamp cannot be compared with varchar",
            "SELECT count(*) FROM venv_builds WHERE created_at > TIMESTAMP '2025-07-22 08:30:00'",
        ),
        (
            "SELECT count(*) FROM venv_builds WHERE dt = CAST(created_at AS date)",
            "varchar cannot be compared with date",
            "SELECT count(*) FROM venv_builds WHERE dt = date_format(CAST(created_at AS date), '%Y-%m-%d')",
        ),
        (
            "SELECT CAST(created_at AS varchar) FROM venv_builds",
            "CAST of a timestamp AS varchar",
            "SELECT date_format(created_at, '%Y-%m-%d %H:%i:%s') FROM venv_builds",
        ),
        ("SELECT CAST(1.5e0 AS varchar)", "CAST of a double", "SELECT CAST(CAST(1.5e0 AS decimal(18, 2)) AS varchar)"),
        (
            "SELECT DISTINCT ON (env_name) env_name FROM venv_builds",
            "DISTINCT ON",
            "SELECT env_name, max_by(venv_version, created_at) FROM venv_builds GROUP BY env_name",
        ),
        (
            "SELECT array_union(conflicts, ARRAY['a']) FROM venv_builds_metadata",
            "array_union",
            "SELECT array_distinct(concat(conflicts, ARRAY['a'])) FROM venv_builds_metadata",
        ),
        (
            "SELECT array_intersect(conflicts, ARRAY['a']) FROM venv_builds_metadata",
            "array_intersect",
            "SELECT array_sort(array_intersect(conflicts, ARRAY['a'])) FROM venv_builds_metadata",
        ),
        (
            "SELECT conflicts FROM venv_builds_metadata ORDER BY conflicts",
            "order of arrays",
            "SELECT conflicts FROM venv_builds_metadata ORDER BY array_join(conflicts, ',')",
        ),
        (
            "SELECT b.venv_version FROM venv_builds b JOIN venv_packages USING (venv_version)",
            "",
            "SELECT venv_version FROM venv_builds b JOIN venv_packages USING (venv_version)",
        ),
        (
            "SELECT corr(package_count, archive_size_bytes) FROM venv_builds",
            "7 digits",
            "SELECT corr(CAST(package_count AS double), CAST(archive_size_bytes AS double)) FROM venv_builds",
        ),
        ("SELECT round(1250.5, -2)", "rounded to tens", "SELECT round(CAST(1250.5 AS double), -2)"),
        (
            "SELECT map_agg(env_name, dt) FILTER (WHERE dt > '2025') FROM venv_builds",
            "map_agg with FILTER",
            "SELECT map_agg(env_name, dt) FROM (SELECT env_name, dt FROM venv_builds WHERE dt > '2025')",
        ),
        (
            "SELECT to_iso8601(created_at) FROM venv_builds",
            "no date",
            "SELECT date_format(created_at, '%Y-%m-%dT%H:%i:%sZ') FROM venv_builds",
        ),
        (
            "SELECT max(conflicts) FROM venv_builds_metadata",
            "largest of arrays",
            "SELECT max(array_join(conflicts, ',')) FROM venv_builds_metadata",
        ),
        (
            "SELECT dt FROM venv_builds_metadata WHERE conflicts IN (ARRAY['a'])",
            "IN of arrays",
            "SELECT dt FROM venv_builds_metadata WHERE array_join(conflicts, ',') IN ('a')",
        ),
        (
            "SELECT sum(package_count) FILTER (WHERE is_conflict_free) OVER () FROM venv_builds",
            "OVER",
            "SELECT sum(CASE WHEN is_conflict_free THEN package_count END) OVER () FROM venv_builds",
        ),
        (
            "SELECT k FROM venv_builds_metadata CROSS JOIN UNNEST(duration_s) AS t (k)",
            "two columns",
            "SELECT k FROM venv_builds_metadata CROSS JOIN UNNEST(duration_s) AS t (k, v)",
        ),
        (
            "SELECT * FROM venv_builds_metadata CROSS JOIN UNNEST(duration_s) AS t (k, v)",
            "* beside UNNEST",
            "SELECT dt, k, v FROM venv_builds_metadata CROSS JOIN UNNEST(duration_s) AS t (k, v)",
        ),
        (
            "SELECT dt FROM venv_builds WHERE (env_name, dt) NOT IN (SELECT env_name, dt FROM venv_packages)",
            "a row IN a query",
            "SELECT dt FROM venv_builds b WHERE NOT EXISTS (SELECT 1 FROM venv_packages p "
            "WHERE p.env_name = b.env_name AND p.dt = b.dt)",
        ),
        ("SELECT width_bucket(1, 0, 10, 5)", "width_bucket", None),
        ("SELECT zip(conflicts, conflicts) FROM venv_builds_metadata", "zip", None),
        ("SELECT no_such_function(1)", "no_such_function", None),
        ('SELECT "$path" FROM venv_builds_metadata', "cache", None),
    ],
)
def test_what_is_refused_is_named_and_what_is_advised_is_answered(
    tmp_path: Path, sql: str, why: str, fixed: str | None
) -> None:
    with embedded("duckdb", open_store(str(tmp_path)), tmp_path / "cache") as duck:
        with pytest.raises(QueryEngineError, match=r"refused|not asked|alone") as caught:
            duck.run(Statement((sql,)))
        assert why in str(caught.value)
        if fixed:
            duck.run(Statement((fixed,)))


def test_values_are_literals_of_their_own_type_and_nothing_else(tmp_path: Path) -> None:
    hostile = "x' OR '1' = '1"
    with embedded("duckdb", open_store(str(tmp_path)), tmp_path / "cache") as duck:
        sql = "SELECT count(*) FROM venv_builds WHERE env_name = /*:name*/ 'a' AND package_count > /*:n*/ 1"
        assert duck.run(bind(sql, {"name": hostile, "n": 7})).rows == ((0,),)
        assert duck.run(bind("SELECT /*:name*/ 'a'", {"name": hostile})).rows == ((hostile,),)


def _compared(engines: tuple[Engine, Catalog], sql: str) -> tuple[str, object]:
    duck, made = engines
    mine, theirs = _answer(duck, Statement((sql,))), _of_trino(made, sql)
    if isinstance(mine, VenvBuildError):
        # a sentence of ours, not one of DuckDB's about a function that it does not know
        assert "Catalog Error" not in str(mine), mine
        return (_BOTH_REFUSE if isinstance(theirs, VenvBuildError) else _REFUSED), mine
    if isinstance(theirs, VenvBuildError):
        # `BETWEEN 0 AND year(created_at)` is one that Trino 476 turns into a range of dates which it cannot hold
        is_bug = "GENERIC_INTERNAL_ERROR" in str(theirs)
        return (_SAME if is_bug else "refused by Trino alone"), theirs
    tolerance = 0.1 if "approx_" in sql else 1e-9
    is_same = mine.columns == theirs.columns and _is_close(mine.rows, theirs.rows, tolerance)
    return (_SAME if is_same else "two answers"), (mine, theirs)


def _answer(engine: Engine, statement: Statement) -> Answer | VenvBuildError:
    try:
        return engine.run(statement)
    except VenvBuildError as error:
        return error


def _of_trino(made: Catalog, sql: str) -> Answer | VenvBuildError:
    try:
        return made.server.ask(sql, made.schema)
    except VenvBuildError as error:
        return error


def _is_close(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= tolerance * max(1, abs(one), abs(other))
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_is_close(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_close(one[key], other[key], tolerance) for key in one)
    return bool(one == other)
