"""How engines fail, what they give, and what they must not reach."""

from __future__ import annotations

import math
from collections import namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from trino.exceptions import TrinoConnectionError

from athena import questions
from athena.engines import Engine, open_engine, plain
from athena.engines.duckdb import DuckDB
from athena.questions import Search, bind, parse_packages
from athena.statement import Statement
from tests.athena.questions.test_queries import Build, Small, expected
from tests.support.trino_server import TrinoServer
from venvbuild import settings
from venvbuild.console import engine as console_engine
from venvbuild.errors import QueryEngineError, UsageError
from venvbuild.library.catalog import list_builds
from venvbuild.stores import open_store

FIND = """SELECT venv_version, created_at
FROM venv_builds_metadata
WHERE EXISTS (
  SELECT * FROM UNNEST(installed_packages) AS pkg
  WHERE pkg LIKE 'kedro%'
);"""
COUNT = """SELECT count(*) AS total_kedro_envs
FROM venv_builds_metadata
WHERE EXISTS (
  SELECT * FROM UNNEST(installed_packages) AS pkg
  WHERE pkg LIKE 'kedro%'
);"""
"""What people asked before this tool: Find all venvs with Kedro; count venvs with Kedro."""


@pytest.mark.parametrize("sql", [FIND, COUNT])
def test_the_queries_of_before_do_not_run_and_ours_answer_what_they_meant(
    engine: Engine, builds: list[Build], sql: str
) -> None:
    search = Search(parse_packages(["kedro"]))
    meant = [version for version, _ in expected(builds, ["kedro"])]
    assert [row["venv_version"] for row in questions.find(engine, search)[0]] == meant
    assert questions.count(engine, search)[0] == len(meant)
    with pytest.raises(QueryEngineError, match="'pkg' cannot be resolved"):
        engine.run(bind(sql, {}))
    fixed = "SELECT DISTINCT venv_version FROM venv_packages WHERE name = 'kedro'"
    assert {version for (version,) in engine.run(Statement((fixed,))).rows} == set(meant)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT nope FROM venv_builds", "nope"),
        ("SELECT 1 FROM nowhere", "nowhere"),
        ("SELECT 1 FROM", ""),
        ("SELECT no_such_function(1)", "no_such_function"),
        ("SELECT CAST('x' AS bigint)", "x"),
    ],
)
def test_a_failure_is_one_sentence_with_the_engines_reason(small: Small, sql: str, reason: str) -> None:
    with pytest.raises(QueryEngineError) as caught:
        small[0].run(Statement((sql,)))
    [problem] = caught.value.problems
    assert reason.lower() in problem.why.lower()
    assert "\n" not in problem.why
    assert problem.fix


@pytest.mark.xdist_group("trino")
def test_a_failure_of_trino_names_the_query(trino_server: TrinoServer) -> None:
    with pytest.raises(QueryEngineError) as caught:
        trino_server.ask("SELECT nope FROM hive.ready.t")
    [problem] = caught.value.problems
    assert problem.what == "Trino cannot answer: COLUMN_NOT_FOUND"
    assert f"http://127.0.0.1:{trino_server.port}/ query 20" in problem.where


@pytest.mark.xdist_group("trino")
def test_tables_that_are_not_there_are_told_with_what_to_do(trino_server: TrinoServer) -> None:
    with pytest.raises(QueryEngineError) as caught:
        trino_server.ask("SELECT 1 FROM venv_packages", "ready")
    assert "docs/catalog.md" in caught.value.problems[0].fix


def opened(tmp_path: Path, **environ: str) -> Engine:
    return open_engine(settings.load({}, {"HOME": str(tmp_path), **environ}), open_store(str(tmp_path)))


def test_missing_settings_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        opened(tmp_path, VENVBUILD_ENGINE="trino", VENVBUILD_TRINO_URL="https://h", VENVBUILD_TRINO_USER="me")
    assert "VENVBUILD_TRINO_CATALOG, VENVBUILD_TRINO_SCHEMA" in caught.value.problems[0].what
    assert "VENVBUILD_TRINO_URL" not in caught.value.problems[0].what


def test_settings_are_missed_before_a_client_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(*_: object) -> None:
        raise AssertionError("the client is installed")

    monkeypatch.setattr("venvbuild.extras.add_for_engine", install)
    asked = settings.load({}, {"HOME": str(tmp_path), "VENVBUILD_ENGINE": "trino"})
    store = open_store(str(tmp_path))
    for ask in (lambda: list_builds(store, settings=asked), lambda: console_engine.opened(asked, store).__enter__()):
        with pytest.raises(UsageError, match=r"for the engine trino set VENVBUILD_TRINO_URL, .*_USER"):
            ask()


def test_a_failure_of_trino_without_a_word_is_told_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TrinoConnectionError

    monkeypatch.setattr(requests.Session, "post", fail)
    given = {"URL": "http://127.0.0.1:1", "CATALOG": "c", "SCHEMA": "s", "USER": "me"}
    environ = {f"VENVBUILD_TRINO_{name}": value for name, value in given.items()}
    with opened(tmp_path, VENVBUILD_ENGINE="trino", **environ) as engine, pytest.raises(QueryEngineError) as caught:
        engine.run(Statement(("SELECT 1",)))
    assert caught.value.problems[0].why == "TrinoConnectionError"


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://h", "http://", "http://me:hunter2secret@h"])
def test_a_url_of_trino_that_cannot_be_used_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened(tmp_path, VENVBUILD_ENGINE="trino", VENVBUILD_TRINO_URL=url)
    assert "hunter2secret" not in str(caught.value)


def test_an_engine_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="duckdb, trino or athena"):
        opened(tmp_path, VENVBUILD_ENGINE="oracle")


def test_a_trino_that_does_not_answer_is_told_without_the_password(tmp_path: Path) -> None:
    environ = {"URL": "https://me:hunter2secret@127.0.0.1:1", "CATALOG": "c", "SCHEMA": "s", "USER": "me"}
    given = {f"VENVBUILD_TRINO_{name}": value for name, value in environ.items()}
    with opened(tmp_path, VENVBUILD_ENGINE="trino", **given) as engine, pytest.raises(QueryEngineError) as caught:
        engine.run(Statement(("SELECT 1",)))
    assert caught.value.problems[0].where == "https://127.0.0.1:1/"
    assert "hunter2secret" not in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT content FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '{folder}/made.csv'",
        "ATTACH '{folder}/made.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM read_json('http://127.0.0.1:1/x')",
    ],
)
def test_a_statement_sees_the_catalog_and_nothing_else(tmp_path: Path, sql: str) -> None:
    with opened(tmp_path) as engine, pytest.raises(QueryEngineError):
        engine.run(Statement((sql.format(folder=tmp_path),)))
    assert not list(tmp_path.glob("made*"))


def test_what_a_user_writes_sees_no_file_after_a_question_of_ours(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        questions.count(engine, Search(parse_packages(["kedro"])))
        with pytest.raises(QueryEngineError):
            engine.run(Statement(("DESCRIBE SELECT content FROM read_text('/etc/hostname'), venv_packages",)))
        assert engine.run(Statement(("SELECT count(*) FROM venv_packages",))).rows == ((0,),)
        assert questions.count(engine, Search(parse_packages(["kedro"])))[0] == 0


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("SHOW TABLES LIKE 'venv%'", "SHOW TABLES"),
        ("show tables in other", "SHOW TABLES"),
        ("SHOW TABLES 'venv*'", "SHOW TABLES"),
        ("SHOW ALL TABLES", "SHOW TABLES"),
        ("SHOW VIEWS", "SHOW TABLES"),
        ("SHOW", "SHOW TABLES"),
        ("EXPLAIN SHOW TABLES", "SHOW TABLES"),
        ("SHOW COLUMNS FROM venv_builds", "venv_builds"),
        ("SHOW COLUMNS IN VENV_PACKAGES;", "venv_packages"),
        ("explain (TYPE LOGICAL) show columns from venv_builds_metadata", "venv_builds_metadata"),
        ("SHOW COLUMNS FROM other", "venv_builds"),
        ("SHOW venv_packages", "venv_packages"),
        ("SHOW DATABASES", ""),
        ("SHOW CREATE VIEW venv_builds", ""),
        ("SHOW FUNCTIONS", ""),
        ("SHOW STATS FOR venv_builds", ""),
        ("EXPLAIN ANALYZE VERBOSE SHOW SESSION", ""),
    ],
)
def test_a_show_that_is_not_the_same_everywhere_is_refused_with_what_to_ask(
    tmp_path: Path, sql: str, asked: str
) -> None:
    with opened(tmp_path) as engine:
        with pytest.raises(QueryEngineError) as caught:
            engine.run(Statement((sql,)))
        problem = caught.value.problems[0]
        assert sql.upper().startswith(problem.why.upper()) or sql == "SHOW"
        advice = str(problem.fix).removeprefix("ask ").partition(", which")[0]
        if asked == "SHOW TABLES":
            assert advice == asked
            assert ("venv_builds",) in engine.run(Statement((advice,))).rows
        elif asked:
            assert f"'{asked}'" in advice
            column = "version" if asked == "venv_packages" else "env_name"
            assert (column, "varchar") in {(a, b.lower()) for a, b in engine.run(Statement((advice,))).rows}
        else:
            assert problem.fix == "ask Athena or Trino, or write it otherwise"


@pytest.mark.parametrize("sql", ["EXPLAIN SELECT 1 AS show", "EXPLAIN /* SHOW TABLES */ SELECT 1"])
def test_an_explain_of_a_query_is_none_of_a_show(tmp_path: Path, sql: str) -> None:
    with opened(tmp_path) as engine:
        assert engine.run(Statement((sql,))).rows


AT = datetime(2025, 7, 22, 8, 30)  # noqa: DTZ001  # as DuckDB gives a timestamp
ROW = namedtuple("ROW", ["a", "b"])  # as Trino's client makes them
ROW.__annotations__["names"] = ["x", "y"]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (AT, "2025-07-22T08:30:00Z"),
        (datetime(2025, 7, 22, 8, 30, tzinfo=UTC), "2025-07-22T08:30:00Z"),
        (datetime(2025, 7, 22, 8, 30, tzinfo=timezone(timedelta(hours=2))), "2025-07-22T06:30:00Z"),
        (date(2025, 7, 22), "2025-07-22"),
        (Decimal("2"), 2),
        (Decimal("2.5"), 2.5),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (ROW(1, None), {"x": 1, "y": None}),
        ([AT], ["2025-07-22T08:30:00Z"]),
        ({"a": Decimal("1")}, {"a": 1}),
        (b"x", "b'x'"),
        (True, True),
        (None, None),
    ],
)
def test_values_are_as_json_can_hold_them(value: Any, wanted: Any) -> None:
    found = plain(value)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize("sql", ["SHOW TABLES", "SELECT table_name FROM information_schema.tables ORDER BY 1"])
def test_duckdb_shows_the_table_and_its_views_and_nothing_else(sql: str, tmp_path: Path) -> None:
    with DuckDB(open_store(str(tmp_path / "store")), tmp_path / "cache") as engine:
        assert engine.run(Statement((sql,))).rows == (("venv_builds",), ("venv_builds_metadata",), ("venv_packages",))
        with pytest.raises(QueryEngineError, match="venv_tail"):
            engine.run(Statement(("SELECT * FROM venv_tail",)))
