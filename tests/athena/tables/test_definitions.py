"""The table and its views on an engine that keeps tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import athena
from athena import rows, tables
from athena.index import Index, IndexFile, Segment
from tests.support.builds import put_build, version
from tests.support.tool import Tool
from tests.support.trino_server import TrinoServer
from venvbuild.builds import places, read
from venvbuild.errors import UsageError
from venvbuild.stores import open_store


def test_the_sql_has_the_place_and_the_first_day() -> None:
    segment = Segment("0123456789abcdef", 1, 1, 1, IndexFile("builds/builds", 1, ""), ())
    current = Index(1, "2025-07-23", "2025-07-23", (segment,))
    made, *of_index, builds, packages = (
        one.sql for one in tables.creation("trino", "s3://mine/prefix/", "2025-07-22", current)
    )
    assert len(of_index) == 2
    assert all("external_location = 's3://mine/prefix/venv-catalog/index/'" in one for one in of_index)
    assert "external_location = 's3://mine/prefix/venv-catalog/builds/'" in made
    assert "'s3://mine/prefix/venv-catalog/builds/dt=${dt}/'" in made
    assert "ARRAY['2025-07-22', 'NOW+1DAYS']" in made
    assert "your-bucket" not in made
    assert "CREATE OR REPLACE VIEW venv_builds AS" in builds
    assert "CREATE OR REPLACE VIEW venv_packages AS" in packages


@pytest.mark.parametrize(
    "path", sorted((Path(athena.__file__).parent / "sql").rglob("*.sql")), ids=lambda path: path.name
)
def test_every_select_from_the_table_leaves_out_what_is_no_row(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count(tables.GUARD) == len(re.findall(r"\bFROM venv_builds_metadata\b", text))


@pytest.mark.parametrize("location", ["/folder", "s3://b'; DROP TABLE x; --", "s3://b/a b", "s3://", "b"])
def test_a_place_that_cannot_stand_in_ddl_is_refused(location: str) -> None:
    with pytest.raises(UsageError, match="--location"):
        tables.creation("trino", location, "2025-07-22", Index())


def test_an_object_that_is_no_row_makes_no_day_the_first(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    assert tables.first_day(store, "2025-08-01") == "2025-08-01"
    store.put_if_absent(f"{places.ROWS}/dt=0001-01-01/x.json", b"")
    rows.register(store, read(store, put_build(store, 1)))
    assert tables.first_day(store, "2025-08-01") == "2025-07-22"


def test_duckdb_needs_no_table(tool: Tool) -> None:
    for verb in ("create", "drop"):
        done = tool.run("table", verb)
        assert (done.code, done.stdout) == (2, "")
        assert "needs no table" in done.stderr


@pytest.mark.xdist_group("trino")
def test_a_table_is_made_shown_and_dropped_and_the_rows_stay(tool: Tool, trino_server: TrinoServer) -> None:
    schema = "managed"
    trino_server.ask(f"CREATE SCHEMA hive.{schema}")
    tool.env |= {**trino_server.environment(schema), "VENVBUILD_STORE": str(trino_server.data / schema)}
    store = open_store(str(trino_server.data / schema))
    (trino_server.data / schema / places.INDEX).mkdir(parents=True)  # unlike a prefix of S3, a folder must be there
    rows.register(store, read(store, put_build(store, 1)))
    assert tool.run("find", "good").code == 10
    location = ["--location", f"local:///{schema}"]
    dry = tool.run("table", "create", "--dry-run", *location)
    assert "ARRAY['2025-07-22', 'NOW+1DAYS']" in dry.stdout
    assert tool.run("table", "show").code == 10
    for _ in range(2):
        assert tool.run("table", "create", *location).code == 0
    assert [row["venv_version"] for row in tool.run("find", "good", "--json").json] == [version(1)]
    shown = tool.run("table", "show").stdout
    assert shown.count("CREATE TABLE") == 1  # there is no index yet
    assert shown.count("CREATE VIEW") == 2
    for _ in range(2):
        assert tool.run("table", "drop").code == 0
    assert tool.run("table", "show").code == 10
    assert tool.run("list", "--json", "--engine", "duckdb").json[0]["venv_version"] == version(1)
