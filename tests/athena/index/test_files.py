"""The files of the catalog as other readers take them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from athena.index import Compactor, table_files
from athena.rows import row_key
from tests.athena.index.test_compaction import DAY, build, registered
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from venvbuild.stores import Store, open_store


def test_files_and_tail_hold_each_build_once(store: Store, tmp_path: Path) -> None:
    registered(store, *map(build, range(1, 9)))
    before = table_files(store, "venv_packages", tmp_path)
    assert (before.covered_before, before.files, len(before.tail)) == ("", (), 8)
    for day in (3, 5, 7):
        current = Compactor(store, tmp_path).compact(DAY(day)).index
    for table, folder in (("venv_packages", "packages/000"), ("venv_builds", "builds/builds")):
        found = table_files(store, table, tmp_path)
        assert (found.table, found.covered_before, found.unread) == (table, DAY(7), None)
        names = [f"{store.url}/venv-catalog/index/{one.name}/{folder}.parquet" for one in current.segments]
        assert [*found.files] == names
        assert [*found.tail] == [f"{store.url}/{row_key(build(day))}" for day in (7, 8)]


def test_a_row_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    keys = registered(store, *map(build, range(1, 5)))
    for number in (0, 3):
        Path(store.url, keys[number]).write_text("{")
    Path(store.url, keys[3]).with_name("odd.json").write_text("{}")
    Compactor(store, tmp_path).compact(DAY(3))
    found = table_files(store, "venv_builds", tmp_path)
    assert [*found.tail] == [f"{store.url}/{keys[2]}"]
    assert found.unread
    assert (found.unread.count, found.unread.key) == (3, keys[0])
    assert duckdb.execute("SELECT count(*) FROM read_parquet(?)", [list(found.files)]).fetchall() == [(1,)]


def test_a_build_of_a_time_to_come_is_told_where_it_is_in_a_file(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    [key] = registered(store, build(1))
    far = f"{store.url}/venv-catalog/builds/dt=2999-07-01/venv_29990701_000000.json"
    Path(far).parent.mkdir()
    Path(far).write_text(json.dumps({"venv_version": "venv_29990701_000000", "created_at": "2999-07-01 00:00:00"}))
    assert table_files(store, "venv_builds", tmp_path).tail == (f"{store.url}/{key}",)
    # a compaction with a wrong clock takes it; the files are what they are, so it is told where to end
    Compactor(store, tmp_path / "wrong").compact("2999-08-01")
    found = table_files(store, "venv_builds", tmp_path)
    assert found.end_build_no
    counted = "SELECT count(*), count(*) FILTER (build_no < ?) FROM read_parquet(?)"
    assert duckdb.execute(counted, [found.end_build_no, list(found.files)]).fetchall() == [(2, 1)]
