"""A limit to the bytes that a question reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from athena import packages, queries, questions, table
from athena.byte_limit import ByteLimit
from athena.engines.duckdb import DuckDB
from athena.queries import Search
from athena.statement import Scope
from benchmarks import catalog
from tests.support.builds import put_build
from tests.support.tool import Tool
from venvbuild import metadata
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
    search = Search(packages.parse(["kedro"]))
    assert queries.count(ByteLimit(engine, store, whole), search)[0] == queries.count(engine, search)[0]
    with pytest.raises(UsageError, match=f"would read {whole} bytes, more than {whole - 1}"):
        queries.count(ByteLimit(engine, store, whole - 1), search)


def test_only_the_days_that_are_asked_for_count(store: Store, tmp_path: Path) -> None:
    engine = DuckDB(store, tmp_path / "cache")
    day = [entry.key for entry in store.list("venv-catalog/builds/")][10].partition("dt=")[2][:10]
    limit = ByteLimit(engine, store, size_bytes(store, day))
    queries.count(limit, Search(packages.parse(["kedro"]), since=day))
    with pytest.raises(UsageError, match="--since"):
        queries.count(limit, Search(packages.parse(["kedro"])))


def test_a_limit_of_rows_reads_all_the_same(store: Store, tmp_path: Path) -> None:
    limit = ByteLimit(DuckDB(store, tmp_path / "cache"), store, size_bytes(store) - 1)
    with pytest.raises(UsageError):
        limit.run(questions.statement("all_builds", {"limit": 1}, Scope(newest=1)))


def test_the_commands_refuse_before_the_engine_is_asked(tool: Tool) -> None:
    store = open_store(tool.store)
    versions = [put_build(store, number) for number in range(2)]
    for one in versions:
        table.register(store, metadata.read(store, one))
    for command in (["find", "good"], ["count", "good"], ["diff", *versions], ["query", "all_builds"]):
        done = tool.run(*command, "--max-bytes", "10", "--json")
        assert (done.code, done.json["error"]["problems"][0]["where"]) == (2, "--max-bytes")
        assert tool.run(*command, "--max-bytes", "100000").code == 0
