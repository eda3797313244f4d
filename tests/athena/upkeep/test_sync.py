"""Rows made to agree with the builds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from athena import index, questions, upkeep
from athena.engines.duckdb import DuckDB
from athena.index import Compactor, Index
from athena.questions import Search, parse_packages
from athena.rows import register
from athena.upkeep import find_problems, sync
from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.tool import Tool
from venvbuild import builds
from venvbuild.builds import places
from venvbuild.errors import IntegrityError
from venvbuild.stores import Store, open_store

DAY, AFTER = "2025-07-22", "2025-07-23"


def registered(store: Store, number: int) -> str:
    return register(store, builds.read(store, put_build(store, number)))


def synced(store: Store, cache: Path) -> sync.Difference:
    found = upkeep.rows_difference(store)
    upkeep.sync_rows(store, cache, found)
    return found


def found(store: Store, cache: Path) -> list[str]:
    with DuckDB(store, cache) as engine:
        rows, _ = questions.find(engine, Search(parse_packages(["good"])))
    return [row["venv_version"] for row in rows][::-1]


def test_rows_are_written_and_removed_and_the_index_agrees(store: Store, tmp_path: Path) -> None:
    keys = [registered(store, number) for number in range(3)]
    Compactor(store, tmp_path).compact(AFTER)
    put_build(store, 7)
    put_build(store, 8, is_committed=False)
    store.remove(builds.key(version(1), places.METADATA))
    done = synced(store, tmp_path)
    assert done == sync.Difference((version(7),), (keys[1],))
    assert found(store, tmp_path) == [version(number) for number in (0, 2, 7)]
    assert list(find_problems(store, tmp_path)) == []
    before = index.read(store)
    assert synced(store, tmp_path) == sync.Difference((), ())
    assert index.read(store).segments == before.segments


def test_without_an_index_only_rows_are_made(store: Store, tmp_path: Path) -> None:
    put_build(store, 1)
    synced(store, tmp_path)
    assert found(store, tmp_path) == [version(1)]
    assert index.read(store) == Index()


def test_what_a_killed_sync_or_register_left_is_mended(store: Store, tmp_path: Path) -> None:
    keys = [registered(store, number) for number in range(2)]
    Compactor(store, tmp_path).compact(AFTER)
    registered(store, 2)
    store.remove(keys[0])
    store.remove(builds.key(version(0), places.METADATA))
    assert {problem.rule for problem in find_problems(store, tmp_path)} == {"STALE_INDEX"}
    assert synced(store, tmp_path) == sync.Difference((), ())
    assert found(store, tmp_path) == [version(1), version(2)]
    assert list(find_problems(store, tmp_path)) == []


def test_a_row_in_the_wrong_place_is_put_into_the_right_one(store: Store, tmp_path: Path) -> None:
    key = registered(store, 1)
    wrong = key.replace(DAY, AFTER)
    store.put_if_absent(wrong, store.read(key).body)
    store.remove(key)
    assert synced(store, tmp_path) == sync.Difference((version(1),), (wrong,))
    assert [entry.key for entry in store.list(f"{places.ROWS}/")] == [key]


@pytest.mark.parametrize("kind", ["link", "FIFO"])
def test_what_stands_in_the_place_of_a_row_is_replaced_by_it(tmp_path: Path, kind: str) -> None:
    store = open_store(str(tmp_path / "store"))
    path = Path(store.url, registered(store, 1))
    row = path.read_bytes()
    path.unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(row)
        path.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(path)
    assert [problem.rule for problem in find_problems(store, tmp_path / "cache")] == ["BAD_ROW"]
    synced(store, tmp_path / "cache")
    assert list(find_problems(store, tmp_path / "cache")) == []
    assert (path.is_symlink(), path.read_bytes()) == (False, row)


def test_what_register_says_of_another_row_helps(store: Store, tmp_path: Path) -> None:
    build = builds.read(store, put_build(store, 1))
    register(store, {**build, "env_name": "risk"})
    with pytest.raises(IntegrityError, match=r"another row for this build.*`venvbuild table sync` makes it again"):
        register(store, build)
    assert synced(store, tmp_path).with_another_row == (version(1),)
    register(store, build)


def test_one_build_that_is_not_what_its_files_say_keeps_nothing_else_from_being_mended(
    store: Store, tmp_path: Path
) -> None:
    keys = [registered(store, number) for number in range(3)]
    Compactor(store, tmp_path).compact(AFTER)
    body = store.read(keys[2]).body
    for key in (keys[0], keys[2]):
        store.remove(key)
    store.put_if_absent(keys[2], body.replace(b"good==1.0", b"evil==1.0"))
    path = builds.key(version(1), places.METADATA)
    body = store.read(path).body
    store.remove(path)
    store.put_if_absent(path, body.replace(b"good==1.0", b"evil==1.0"))
    with pytest.raises(IntegrityError, match="installed_packages has evil") as caught:
        synced(store, tmp_path)
    assert {problem.where for problem in caught.value.problems} == {store.uri(path)}
    assert found(store, tmp_path) == [version(number) for number in range(3)]


def test_what_cannot_be_read_is_told_when_all_else_is_done(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        put_build(store, number)
    store.remove(builds.key(version(1), places.METADATA))
    store.put_if_absent(builds.key(version(1), places.METADATA), b"{}")
    with pytest.raises(IntegrityError, match=f"{version(1)}/metadata.json"):
        synced(store, tmp_path)
    assert found(store, tmp_path) == [version(0), version(2)]


def test_a_build_that_is_committed_meanwhile_keeps_its_row(store: Store, tmp_path: Path) -> None:
    key = registered(store, 1)
    upkeep.sync_rows(store, tmp_path, sync.Difference((), (key,)))
    assert found(store, tmp_path) == [version(1)]


@pytest.mark.parametrize("is_covered", [False, True], ids=["rows", "index"])
@pytest.mark.parametrize("way", ["restored", "restored after sync", "taken out"])
def test_a_build_that_lost_its_metadata_alone_is_told_with_both_ways_out(
    tool: Tool, tmp_path: Path, way: str, is_covered: bool
) -> None:
    store = open_store(tool.store)
    row, metadata = registered(store, 1), builds.key(version(1), places.METADATA)
    registered(store, 2)
    builds.promote(store, version(1), "prod")
    if is_covered:
        Compactor(store, tmp_path).compact(AFTER)
    before, kept = store.read(row).body, store.read(metadata).body
    store.remove(metadata)
    [problem, of_alias] = tool.run("table", "check", "--json").json["error"]["problems"]
    assert (problem["where"], problem["why"]) == (store.uri(metadata), "its other files are there")
    first, _, second = problem["fix"].partition("; if the build was taken out on purpose, ")
    assert (first, second) == ("restore metadata.json from a backup", "`venvbuild table sync` removes its row")
    if way != "restored":
        assert tool.run("table", "sync", "--json").json["removed"] == [row]
        assert tool.run("table", "check", "--json").json["error"]["problems"] == [of_alias]
    if way == "taken out":
        assert of_alias["fix"].startswith(
            "restore the metadata.json of that build from a backup, "
            "or move it on, to a build of sales: venvbuild promote BUILD prod; "
        )
        assert tool.run("promote", version(2), "prod").code == 0
    else:
        store.put_if_absent(metadata, kept)
    if way == "restored after sync":
        assert tool.run("table", "sync", "--json").json["written"] == [version(1)]
    assert tool.run("table", "check", "--deep").code == 0
    left = [entry.key for entry in store.list(row)]
    assert [store.read(key).body for key in left] == ([] if way == "taken out" else [before])
    assert found(store, tmp_path) == ([version(2)] if way == "taken out" else [version(1), version(2)])


@pytest.mark.parametrize("has_files", [False, True])
def test_of_a_row_that_is_bad_too_the_same_is_told(store: Store, tmp_path: Path, has_files: bool) -> None:
    if has_files:
        put_build(store, 1, is_committed=False)
    store.put_if_absent(f"{places.ROWS}/dt={DAY}/{version(1)}.json", b"{")
    store.put_if_absent(f"{places.ROWS}/dt={AFTER}/{version(1)}.json", b"{")
    told = list(find_problems(store, tmp_path))
    assert {one.rule for one in told} == {"BAD_ROW", "MISPLACED_ROW", "NO_BUILD"}
    assert {one.fix.startswith("restore metadata.json from a backup; ") for one in told} == {has_files}
    synced(store, tmp_path)
    assert list(find_problems(store, tmp_path)) == []


def test_the_command_says_what_it_does(tool: Tool) -> None:
    store = open_store(tool.store)
    put_build(store, 1)
    store.put_if_absent(f"{places.ROWS}/dt={DAY}/{version(2)}.json", b"{}")
    wanted = {
        "written": [version(1)],
        "removed": [f"{places.ROWS}/dt={DAY}/{version(2)}.json"],
        "rewritten": [],
        "entries_written": [],
        "entries_removed": [],
    }
    dry = tool.run("table", "sync", "--dry-run")
    assert f"not done: row written: {version(1)}" in dry.stderr
    assert tool.run("table", "sync", "--dry-run", "--json").json == wanted
    assert tool.run("table", "sync", "--json").json == wanted
    assert tool.run("table", "check").code == 0
    assert "has a row for each build" in tool.run("table", "sync").stderr
