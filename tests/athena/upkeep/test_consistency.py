"""The table against what it should be."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from athena import index, questions, rows
from athena.engines.duckdb import DuckDB
from athena.index import CURRENT, TURN, Compactor, last_day_covered_before
from athena.questions import Search, parse_packages
from athena.upkeep import find_problems, rows_difference, sync_rows
from athena.upkeep.index_check import index_problems
from athena.upkeep.sync import Difference
from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.s3_servers import S3Server
from tests.support.tool import Tool
from venvbuild import builds
from venvbuild.builds import aliases, places
from venvbuild.errors import IntegrityError
from venvbuild.files import remove
from venvbuild.importing import sources
from venvbuild.snowflake import records
from venvbuild.stores import Store, open_store

DAY_S = 86_400


def registered(store: Store, number: int) -> str:
    return rows.register(store, builds.read(store, put_build(store, number)))


def rules(store: Store, cache: Path) -> list[tuple[str, str]]:
    return [(problem.rule, problem.where.rpartition("/")[2]) for problem in find_problems(store, cache)]


def test_a_table_with_a_row_for_each_build_is_whole(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        registered(store, number)
    put_build(store, 9, is_committed=False)
    store.put_if_absent(f"{places.ROWS}/dt=2025-07-22/_SUCCESS", b"")
    assert rules(store, tmp_path / "cache") == []


def test_a_build_without_a_row_and_a_row_without_a_build_are_named(store: Store, tmp_path: Path) -> None:
    put_build(store, 1)
    described = builds.read(store, put_build(store, 2))
    instant = f"{datetime.strptime(version(3), 'venv_%Y%m%d_%H%M%S').replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}"
    rows.register(store, {**described, "venv_version": version(3), "created_at": instant})
    rows.register(store, described)
    found = {problem.rule: problem.what for problem in find_problems(store, tmp_path / "cache")}
    assert set(found) == {"NO_BUILD", "NO_ROW"}
    assert version(3) in found["NO_BUILD"]
    assert version(1) in found["NO_ROW"]


def test_a_row_of_another_instant_and_one_that_is_no_text_are_named(store: Store, tmp_path: Path) -> None:
    described = builds.read(store, put_build(store, 1))
    rows.register(store, {**described, "created_at": described["created_at"].replace(":01Z", ":59Z")})
    other = builds.read(store, put_build(store, 2))
    rows.register(store, {**other, "conflicts": ["\ud800"]})
    named = {rule for rule, _ in rules(store, tmp_path / "cache")}
    assert named == {"MISPLACED_ROW", "BAD_ROW"}


@pytest.mark.parametrize("name", ["dt=2025-07-22/venv.tar.gz", "dt=2025-07-22/x/y.json", "x.json", "dt=today/x.json"])
def test_an_object_that_is_no_row_is_named(store: Store, tmp_path: Path, name: str) -> None:
    registered(store, 1)
    store.put_if_absent(f"{places.ROWS}/{name}", b"x")
    assert rules(store, tmp_path / "cache") == [("STRAY_OBJECT", name.rpartition("/")[2])]


def test_every_damaged_or_misplaced_row_is_named(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    keys = [registered(store, number) for number in range(3)]
    Path(store.url, keys[0]).write_text('{\n"a": 1}')
    Path(store.url, places.ROWS, "dt=2025-07-23").mkdir()
    moved = Path(store.url, places.ROWS, "dt=2025-07-23", Path(keys[1]).name)
    Path(store.url, keys[1]).rename(moved)
    Path(store.url, keys[2]).write_text("")
    assert rules(store, tmp_path / "cache") == [
        ("BAD_ROW", Path(keys[0]).name),
        ("MISPLACED_ROW", moved.name),
        ("BAD_ROW", Path(keys[2]).name),
    ]


def test_check_is_0_when_all_is_well_and_11_when_not(tool: Tool) -> None:
    store = open_store(tool.store)
    registered(store, 1)
    assert (tool.run("table", "check").code, tool.run("table", "check", "--json").json) == (0, [])
    store.put_if_absent(f"{places.ROWS}/dt=2025-07-22/note.txt", b"x")
    done = tool.run("table", "check", "--json")
    assert done.code == 11
    assert done.json["error"]["problems"][0]["where"].endswith("note.txt")


def compacted(store: Store, cache: Path, before: str = "2025-07-23") -> Compactor:
    compactor = Compactor(store, cache)
    compactor.compact(before)
    return compactor


def test_a_day_whose_index_is_not_what_its_rows_say_is_named(store: Store, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    key = registered(store, 1)
    compactor = compacted(store, cache)
    assert rules(store, cache) == []
    registered(store, 2)
    [problem] = find_problems(store, cache)
    assert (problem.rule, "2025-07-22" in problem.what) == ("STALE_INDEX", True)
    compactor.cover("2025-07-22")
    assert rules(store, cache) == []
    body = store.read(key).body
    store.remove(key)
    assert {rule for rule, _ in rules(store, cache)} == {"NO_ROW", "STALE_INDEX"}
    store.put_if_absent(key, body.replace(b"good==1.0", b"good==1.1"))
    assert [rule for rule, _ in rules(store, cache)] == ["OTHER_ROW", "STALE_INDEX"]
    compactor.compact("2025-07-23", is_rebuilt=True)
    assert [rule for rule, _ in rules(store, cache)] == ["OTHER_ROW"]
    sync_rows(store, cache, rows_difference(store))
    assert rules(store, cache) == []


def of_segment(**facts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole["segments"][0].update(facts)


def of_packages(**facts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole["segments"][0]["packages"][0].update(facts)


def of_unread(number: int, count: int) -> Callable[[dict[str, Any]], None]:
    key = f"{places.ROWS}/dt=2025-07-22/{version(number)}.json"
    return lambda whole: whole.update(unread={"2025-07-22": {"count": count, "key": key, "why": "y"}})


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(of_packages(first_name="zzz", last_name="zzzz"), "good to good", id="names"),
        pytest.param(of_packages(last_name="zzz"), "good to good", id="last name"),
        pytest.param(of_segment(last_build_no=1753173001), "2 builds, 1753173001 to 1753173002", id="last"),
        pytest.param(of_segment(first_build_no=1753173000), "2 builds, 1753173001 to 1753173002", id="first"),
        pytest.param(of_segment(build_count=9), "2 builds, ", id="count"),
        pytest.param(lambda whole: whole.update(covering_before="9999-12-31"), "before 9999-12-31", id="covering"),
        pytest.param(of_unread(1, 7), "rows of 2025-07-22 that cannot be read", id="unread"),
        pytest.param(of_unread(3, 2), "rows of 2025-07-22 that cannot be read", id="more unread"),
    ],
)
def test_what_the_index_says_of_its_files_is_held_against_them(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    store = open_store(str(tmp_path / "store"))
    keys = [registered(store, number) for number in (1, 2)]
    bad = f"{places.ROWS}/dt=2025-07-22/{version(3)}.json"
    store.put_if_absent(bad, b"{")
    compactor = compacted(store, tmp_path / "cache")
    before = rules(store, tmp_path / "cache")
    assert {rule for rule, _ in before} == {"BAD_ROW", "NO_BUILD"}
    path = tmp_path / "store" / CURRENT
    whole = json.loads(path.read_bytes())
    change(whole)
    path.write_text(json.dumps(whole))
    assert len(keys) == 2
    [problem] = [one for one in find_problems(store, tmp_path / "cache") if one.rule.endswith("_INDEX")]
    assert what in problem.what
    assert "table compact --rebuild" in problem.fix
    compactor.compact("2025-07-23", is_rebuilt=True)
    assert rules(store, tmp_path / "cache") == before


def test_an_index_of_today_is_sound_for_a_clock_that_is_behind(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(store, 1)
    now = time.time()
    compacted(store, tmp_path, last_day_covered_before(datetime.fromtimestamp(now, UTC)))
    for days in (0, 10, 200):
        monkeypatch.setattr("venvbuild.builds.ahead.time.time", lambda ago=days: now - ago * DAY_S)
        assert rules(store, tmp_path) == []


def test_an_index_of_days_to_come_is_named_at_the_latest_when_a_build_had_to_wait_for_it(tmp_path: Path) -> None:
    store, cache = open_store(str(tmp_path / "store")), tmp_path / "cache"
    registered(store, 1)
    ahead = time.time() + 400 * DAY_S
    compactor = compacted(store, cache, f"{datetime.fromtimestamp(ahead, UTC):%Y-%m-%d}")
    assert rules(store, cache) == [("BAD_INDEX", "CURRENT.json")]
    # as written by the wrong clock: the store itself says then that it is that day
    os.utime(Path(store.url, CURRENT), (ahead, ahead))
    assert rules(store, cache) == []
    registered(store, 2)
    compactor.cover("2025-07-22")
    assert rules(store, cache) == [("BAD_INDEX", "CURRENT.json")]


def test_a_build_that_waits_for_its_turn_at_the_index_is_no_damage(store: Store, tmp_path: Path) -> None:
    registered(store, 1)
    compactor = compacted(store, tmp_path)
    registered(store, 2)
    with ExitStack() as others:
        others.enter_context(store.turn(TURN))

        def get_done(_: float) -> None:
            others.close()
            compactor.cover("2025-07-22")

        assert list(index_problems(store, tmp_path, get_done)) == []


def test_a_damaged_file_of_the_index_is_named(store: Store, tmp_path: Path) -> None:
    registered(store, 1)
    compactor = compacted(store, tmp_path / "cache")
    for entry in list(store.list(f"{places.INDEX}/")):
        body = store.read(entry.key).body
        for damage in (None, body[:-2], b"{}"):
            store.remove(entry.key)
            if damage is not None:
                store.put_if_absent(entry.key, damage)
            if entry.key != CURRENT or damage is not None:
                assert rules(store, tmp_path / "cache") == [("BAD_INDEX", entry.key.rpartition("/")[2])]
        store.remove(entry.key)
        store.put_if_absent(entry.key, body)
    assert rules(store, tmp_path / "cache") == []
    store.remove(CURRENT)
    store.put_if_absent(CURRENT, b"[]")
    compactor.compact("2025-07-23", is_rebuilt=True)
    assert rules(store, tmp_path / "cache") == []


def test_what_is_no_file_is_named_wherever_it_lies(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    rows_of = [registered(store, number) for number in range(6)]
    root = Path(store.url)
    target = tmp_path / "target"
    target.write_text("{}")
    odd = {
        rows_of[0]: "link",
        builds.key(version(1), places.METADATA): "FIFO",
        builds.key(version(2), "requirements.txt"): "link",
        builds.key(version(3), places.METADATA): "folder",
        rows_of[4]: "folder",
        f"{places.ENVIRONMENTS}/sales/{version(5)}": "link",
        f"{places.BUILDS}/{version(5)}": "link",
    }
    for key, kind in odd.items():
        path = root / key
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "FIFO":
            os.mkfifo(path)
        else:
            path.symlink_to(target)
    found = {
        problem.where.removeprefix(f"{root.as_uri()}/").replace("%3D", "=")
        for problem in find_problems(store, tmp_path / "cache")
    }
    assert found == set(odd)
    assert engine_answers(store, tmp_path / "cache") == [version(number) for number in (1, 2, 3, 5)]


def test_a_name_that_can_be_no_key_stops_nobody_and_is_named(
    moto_server: S3Server, s3_environment: None, tmp_path: Path
) -> None:
    bucket, client = moto_server.new_bucket(), moto_server.client()
    store = open_store(f"s3://{bucket}", endpoint_url=moto_server.endpoint_url)
    registered(store, 0)
    aliases.promote(store, version(0), "prod")
    odd = [
        f"{places.BUILDS}//metadata.json",
        f"{places.BUILDS}/../metadata.json",
        f"{places.BUILDS}/{version(0)}/./requirements.txt",
        f"{places.ENVIRONMENTS}//{version(0)}",
        f"{places.ENVIRONMENTS}/../{version(0)}",
        f"{places.ALIASES}/sales/./1.json",
        f"{places.ALIASES}/../prod/1.json",
        f"{places.SNOWFLAKE}//x.json",
    ]
    row = f"{places.ROWS}//{version(1)}.json"
    for key in (*odd, row):
        client.put_object(Bucket=bucket, Key=key, Body=b"{}")
    found = list(find_problems(store, tmp_path / "cache"))
    assert {one.where.removeprefix(f"{store.url}/"): one.rule for one in found} == {
        **dict.fromkeys(odd, "NO_OBJECT"), row: "STRAY_OBJECT",
    }  # fmt: skip
    found_now = rows_difference(store)
    assert found_now == Difference((), ())
    sync_rows(store, tmp_path / "cache", found_now)
    moves = aliases.moves_back(store, None, None, is_whole=True, damaged=lambda error: pytest.fail(str(error)))
    assert [move.name for _, move in moves] == ["sales@prod"]
    assert records.read_all(store) == ([], [])
    assert [one.recorded.venv_version for one in sources.candidates(sources.Source(store)) if one.recorded] == [
        version(0)
    ]
    # as it is advised
    for problem in found:
        client.delete_object(Bucket=bucket, Key=problem.where.removeprefix(f"{store.url}/"))
    assert rules(store, tmp_path / "cache") == []


def replaced(path: Path, kind: str, moved: Path) -> None:
    """What is there is moved away, as somebody may put it back."""
    path.rename(moved)
    path.symlink_to(moved) if kind == "link" else path.write_text("x")


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("mending", ["removed", "put back"])
def test_a_day_without_a_folder_spoils_no_index_and_what_is_told_mends_it(
    tmp_path: Path, kind: str, mending: str
) -> None:
    store, cache = open_store(str(tmp_path / "store")), tmp_path / "cache"
    for number in (0, 86_400):
        registered(store, number)
    day = Path(store.url, places.ROWS, "dt=2025-07-22")
    replaced(day, kind, tmp_path / "moved")
    compactor = Compactor(store, cache)
    told = compactor.compact("2025-07-24").index.unread["2025-07-22"]
    assert (told.count, told.why) == (1, f"a {kind} stands where the store has a folder")
    assert found_in_index(store, cache) == [version(86_400)]
    compactor.compact("2025-07-24", is_rebuilt=True)
    [problem] = find_problems(store, cache)
    assert (problem.rule, "table sync` writes the rows anew" in problem.fix) == ("NO_FOLDER", True)
    day.unlink()
    if mending == "put back":
        (tmp_path / "moved").rename(day)
    sync_rows(store, cache, rows_difference(store))
    assert list(find_problems(store, cache)) == []
    assert found_in_index(store, cache) == [version(0), version(86_400)]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_the_index_has_of_a_day_stays_while_nobody_can_tell_its_rows(tmp_path: Path, kind: str) -> None:
    store, cache = open_store(str(tmp_path / "store")), tmp_path / "cache"
    for number in (0, 86_400):
        registered(store, number)
    compactor = compacted(store, cache, "2025-07-24")
    day = Path(store.url, places.ROWS, "dt=2025-07-22")
    replaced(day, kind, tmp_path / "moved")
    registered(store, 86_401)
    changes: list[Callable[[], object]] = [
        lambda: sync_rows(store, cache, rows_difference(store)),
        lambda: compactor.cover("2025-07-22", "2025-07-23"),
        lambda: compactor.compact("2025-07-25"),
    ]
    for change in changes:
        with suppress(IntegrityError):
            change()
        assert found_in_index(store, cache) == [version(0), version(86_400), version(86_401)]
        assert index.read(store).unread == {}
        assert [one.rule for one in find_problems(store, cache)] == ["NO_FOLDER"]


NOW, BEFORE = "index/NOW", "index/BEFORE"
"""Two segments: one that CURRENT.json names, and one that it retired."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("days", "file"),
        ("index", "link"),
        ("snowflake", "file"),
        (f"snowflake/{version(0)}", "link"),
        (BEFORE, "file"),
        (f"{BEFORE}/packages", "link"),
        (NOW, "file"),
    ],
)
def test_what_stands_where_the_catalog_has_a_folder_is_named_and_ends_no_compaction(
    tmp_path: Path, name: str, kind: str
) -> None:
    store, cache = open_store(str(tmp_path / "store")), tmp_path / "cache"
    registered(store, 0)
    compactor = compacted(store, cache)
    compactor.compact("2025-07-23", is_rebuilt=True)
    there = index.read(store)
    [(before, since)] = there.retired.items()
    current = Path(store.url, CURRENT)
    current.write_text(current.read_text().replace(since, "2025-01-01T00:00:00Z"))
    path = Path(store.url, places.CATALOG, name.replace("NOW", there.segments[0].name).replace("BEFORE", before))
    path.mkdir(parents=True, exist_ok=True)
    replaced(path, kind, tmp_path / "moved")
    rules_of = {problem.where: problem for problem in find_problems(store, cache)}
    problem = rules_of.pop(path.as_uri())
    assert (problem.rule, problem.fix) == ("NO_FOLDER", "put the folder itself there, or remove it")
    assert bool(rules_of) == (name == NOW)
    if name != "index":
        compactor.compact("2025-07-24")
    assert rows.keep_closed_days(store, "") == []
    path.unlink(missing_ok=True)  # what was retired long ago is removed, and that with it
    if rules_of:
        compactor.compact("2025-07-24", is_rebuilt=True)
    assert list(find_problems(store, cache)) == []


@pytest.mark.parametrize(
    ("name", "kind"), [("CURRENT.json", "folder"), ("CURRENT.json", "link"), ("builds.parquet", "link"),
                       ("builds.parquet", "folder"), ("000.parquet", "FIFO")]
)  # fmt: skip
def test_what_is_no_file_of_the_index_is_mended_as_is_told(tmp_path: Path, name: str, kind: str) -> None:
    store, cache = open_store(str(tmp_path / "store")), tmp_path / "cache"
    registered(store, 0)
    compactor = compacted(store, cache)
    [path] = Path(store.url, places.INDEX).rglob(name)
    path.rename(tmp_path / "moved")
    if kind == "link":
        path.symlink_to(tmp_path / "moved")
    else:
        path.joinpath("x").mkdir(parents=True) if kind == "folder" else os.mkfifo(path)
    [problem] = find_problems(store, tmp_path / "another")
    assert (problem.rule, problem.where) == ("BAD_INDEX", path.as_uri())
    assert problem.fix.startswith("remove what stands there; `venvbuild table compact --rebuild`")
    remove(path)
    compactor.compact("2025-07-23", is_rebuilt=True)
    assert list(find_problems(store, tmp_path / "another")) == []
    assert found_in_index(store, tmp_path / "another") == [version(0)]


def test_a_bad_row_of_a_day_that_never_was_is_forgotten_with_it(tmp_path: Path) -> None:
    store, cache = open_store(str(tmp_path / "store")), tmp_path / "cache"
    registered(store, 0)
    for day in ("0000-00-00", "0999-01-01", "2025-06-31"):
        at = f"{day} 00:00:00"
        row = {"venv_version": f"venv_{day.replace('-', '')}_000000", "created_at": at}
        store.put_if_absent(f"{places.ROWS}/dt={day}/{row['venv_version']}.json", json.dumps(row).encode())
    assert engine_answers(store, cache) == [version(0)]
    compacted(store, cache)
    assert {problem.rule for problem in find_problems(store, cache)} == {"BAD_ROW", "MISPLACED_ROW", "NO_BUILD"}
    sync_rows(store, cache, rows_difference(store))
    assert list(find_problems(store, cache)) == []
    assert found_in_index(store, cache) == [version(0)]


def found_in_index(store: Store, cache: Path) -> list[str]:
    with DuckDB(store, cache) as engine:
        return [row["venv_version"] for row in questions.find(engine, Search(parse_packages(["good"])))[0]][::-1]


def engine_answers(store: Store, cache: Path) -> list[str]:
    with DuckDB(store, cache) as engine:
        return [row["venv_version"] for row in questions.all_builds(engine)][::-1]


def test_the_newest_builds_are_as_many_as_were_asked_for(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    keys = [registered(store, 86_400 * day) for day in range(5)]
    for key in keys[2:]:
        Path(store.url, key).write_text("spoiled")
    with DuckDB(store, tmp_path / "cache") as engine:
        assert [row["venv_version"] for row in questions.all_builds(engine, Search(limit=1))] == [version(86_400)]
        assert engine.passed_over
        assert engine.passed_over.count == 3
