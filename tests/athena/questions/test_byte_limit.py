"""A limit to the bytes that a question reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from athena import questions
from athena.engines import open_engine
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import ByteLimit, Search, parse_packages
from athena.rows import register
from athena.statement import Scope, Statement
from athena.tables import publish
from benchmarks import catalog
from tests.support.builds import put_build
from tests.support.tool import Tool
from tests.support.trino_server import TrinoServer
from venvbuild import builds, settings
from venvbuild.errors import UsageError
from venvbuild.stores import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Builds of several days."""
    catalog.write(tmp_path / "store", catalog.builds(20, seconds_apart=20_000))
    return open_store(str(tmp_path / "store"))


def size_bytes(store: Store, since: str = "") -> int:
    return sum(
        entry.size_bytes for entry in store.list("venv-catalog/builds/") if entry.key.partition("dt=")[2] >= since
    )


def test_a_question_is_asked_when_its_rows_are_no_larger(store: Store, tmp_path: Path) -> None:
    engine = DuckDB(store, tmp_path / "cache")
    whole = size_bytes(store)
    search = Search(parse_packages(["kedro"]))
    assert questions.count(ByteLimit(engine, store, whole), search)[0] == questions.count(engine, search)[0]
    with pytest.raises(UsageError, match=f"would read {whole} bytes, more than {whole - 1}"):
        questions.count(ByteLimit(engine, store, whole - 1), search)


def test_only_the_days_that_are_asked_for_count(store: Store, tmp_path: Path) -> None:
    engine = DuckDB(store, tmp_path / "cache")
    day = [entry.key for entry in store.list("venv-catalog/builds/")][10].partition("dt=")[2][:10]
    limit = ByteLimit(engine, store, size_bytes(store, day))
    questions.count(limit, Search(parse_packages(["kedro"]), since=day))
    with pytest.raises(UsageError, match="--since"):
        questions.count(limit, Search(parse_packages(["kedro"])))


def test_a_limit_of_rows_reads_all_the_same(store: Store, tmp_path: Path) -> None:
    limit = ByteLimit(DuckDB(store, tmp_path / "cache"), store, size_bytes(store) - 1)
    with pytest.raises(UsageError):
        limit.run(questions.statement("all_builds", {"limit": 1}, Scope(newest=1)))


def test_the_commands_refuse_before_the_engine_is_asked(tool: Tool) -> None:
    store = open_store(tool.store)
    versions = [put_build(store, number) for number in range(2)]
    for one in versions:
        register(store, builds.read(store, one))
    for command in (["find", "good"], ["count", "good"], ["list"], ["diff", *versions], ["query", "all_builds"]):
        done = tool.run(*command, "--max-bytes", "10", "--json")
        assert (done.code, done.json["error"]["problems"][0]["where"]) == (2, "--max-bytes")
        assert tool.run(*command, "--max-bytes", "100000").code == 0


def test_of_the_index_the_files_count_and_of_later_days_the_rows(store: Store, tmp_path: Path) -> None:
    engine = DuckDB(store, tmp_path / "cache")
    days = sorted({entry.key.partition("dt=")[2][:10] for entry in store.list("venv-catalog/builds/")})
    [segment] = Compactor(store, tmp_path / "cache").compact(days[2]).index.segments
    for sql, files in (
        ("SELECT 1 FROM venv_packages", segment.packages),
        ("SELECT 1 FROM venv_builds", (segment.builds,)),
        ("SELECT 1 FROM venv_packages, venv_builds", segment.files),
    ):
        rows = size_bytes(store, days[2]) * (2 if "," in sql else 1)
        limit = sum(file.size_bytes for file in files) + rows
        ByteLimit(engine, store, limit).run(Statement((sql,)))
        with pytest.raises(UsageError, match=f"would read {limit} bytes.* and 1 segments of the index"):
            ByteLimit(engine, store, limit - 1).run(Statement((sql,)))
    whole = size_bytes(store)
    ByteLimit(engine, store, whole).run(Statement(("SELECT 1 FROM venv_builds_metadata",)))
    with pytest.raises(UsageError):
        ByteLimit(engine, store, whole - 1).run(Statement(("SELECT 1 FROM venv_builds_metadata",)))
    ByteLimit(engine, store, 0).run(Statement(("SELECT 1",)))


@pytest.mark.xdist_group("trino")
def test_an_engine_with_tables_is_judged_by_what_its_views_read(trino_server: TrinoServer, tmp_path: Path) -> None:
    made = trino_server.new_catalog("2025-07-01", "2025-07-31")
    catalog.write(Path(made.store.url), catalog.builds(20, seconds_apart=20_000))
    segments = Compactor(made.store, tmp_path).compact("2025-07-31").index.segments
    asked = Statement(("SELECT count(*) FROM venv_packages",))
    with open_engine(settings.load({}, made.environment), made.store) as engine:
        rows, files = size_bytes(made.store), sum(one.size_bytes for one in segments[0].packages)
        assert files < rows
        with pytest.raises(UsageError, match=f"would read {rows} bytes"):
            ByteLimit(engine, made.store, rows - 1).run(asked)
        publish(engine, made.store)
        assert ByteLimit(engine, made.store, files).run(asked).rows[0][0] > 1000
        with pytest.raises(UsageError, match=f"would read {files} bytes"):
            ByteLimit(engine, made.store, files - 1).run(asked)
