"""The index: what it holds, who may change it at once, what is left behind."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from athena import index, questions
from athena.duck import scan
from athena.engines.duckdb import DuckDB
from athena.index import (
    CURRENT,
    Compacted,
    Compactor,
    IndexCache,
    IndexFile,
    Segment,
    build_no,
    compaction,
    current,
    day_of,
    last_day_covered_before,
)
from athena.questions import Search, parse_packages
from athena.rows import is_row, keep_closed_days, register, row, row_key
from athena.upkeep.index_check import index_problems
from benchmarks import catalog
from tests.stores.conftest import Place
from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.tool import Tool
from venvbuild.builds import Metadata, places, read
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.stores import Entry, Store, StoredObject, open_store, turns

DAY = "2025-07-{:02}".format


def build(day: int, second: int = 0, *installed: str, **fields: Any) -> Metadata:
    [made] = catalog.builds(1)
    name, at = f"venv_202507{day:02}_0000{second:02}", f"2025-07-{day:02}T00:00:{second:02}Z"
    packages = ["one==1.0", *installed]
    whole = {**made, "venv_version": name, "created_at": at, "installed_packages": packages, **fields}
    return cast(Metadata, whole)


def registered(store: Store, *builds: Metadata) -> list[str]:
    """Their rows are put; the index is left to the test."""
    return [register(store, one) for one in builds]


def found(store: Store, cache: Path, name: str = "one") -> list[str]:
    """What a query finds, the oldest first."""
    with DuckDB(store, cache) as engine:
        rows, _ = questions.find(engine, Search(parse_packages([name])))
    return [row["venv_version"] for row in rows][::-1]


def indexed(store: Store, cache: Path) -> list[str]:
    """What the files of the index hold, build by build."""
    files = IndexCache(store, cache).packages(index.read(store).segments)
    if not files:
        return []
    rows = duckdb.execute(f"SELECT build_no FROM {scan(files)} WHERE name = 'one' ORDER BY 1").fetchall()
    return [f"venv_{datetime.fromtimestamp(number, UTC):%Y%m%d_%H%M%S}" for (number,) in rows]


class Watched:
    """A store that tells what is asked of it, and lets a test act just before a call."""

    def __init__(self, store: Store, before: Callable[[str, str], None] = lambda _call, _key: None) -> None:
        self._store = store
        self.url = store.url
        self.calls: list[tuple[str, str]] = []
        self._before = before

    def _seen(self, call: str, key: str) -> None:
        self.calls.append((call, key))
        self._before(call, key)

    def read(self, key: str, max_bytes: int | None = None) -> StoredObject:
        self._seen("read", key)
        return self._store.read(key, max_bytes)

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        self._seen("list", start_after or prefix)
        return self._store.list(prefix, start_after)

    def put_if_absent(self, key: str, body: bytes | Path) -> bool:
        self._seen("put", key)
        return self._store.put_if_absent(key, body)

    def replace_if_unchanged(self, key: str, body: bytes, etag: str) -> bool:
        self._seen("replace", key)
        return self._store.replace_if_unchanged(key, body, etag)

    def remove(self, key: str) -> None:
        self._seen("remove", key)
        self._store.remove(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_whole_days_come_into_the_index_and_the_others_stay_rows(store: Store, tmp_path: Path) -> None:
    registered(store, *(build(day, second) for day in range(1, 6) for second in range(3)))
    everything = found(store, tmp_path)
    done = Compactor(store, tmp_path).compact(DAY(4))
    assert (done.added, done.removed, done.index.covered_before) == (9, 0, DAY(4))
    assert indexed(store, tmp_path) == everything[:9]
    assert found(store, tmp_path) == everything
    assert len(everything) == 15


def test_only_the_tail_is_listed_and_nothing_of_covered_days_is_read(store: Store, tmp_path: Path) -> None:
    registered(store, *(build(day) for day in range(1, 6)))
    Compactor(store, tmp_path / "one").compact(DAY(4))
    watched = Watched(store)
    engine = DuckDB(watched, tmp_path / "two")
    for _ in range(2):
        assert questions.count(engine, Search(parse_packages(["one"])))[0] == 5
    listed = [key for call, key in watched.calls if call == "list"]
    read = [key for call, key in watched.calls if call == "read" and key != CURRENT]
    assert listed == [f"{places.ROWS}/dt={DAY(3)}~"] * 2
    [segment] = index.read(store).segments
    assert sorted(read) == sorted([segment.key(segment.packages[0]), *(row_key(build(day)) for day in (4, 5))])


def test_again_changes_nothing_and_later_days_are_added_alone(store: Store, tmp_path: Path) -> None:
    registered(store, *(build(day, second) for day in (1, 2) for second in range(5)))
    first = Compactor(store, tmp_path).compact(DAY(3)).index
    again = Compactor(store, tmp_path).compact(DAY(3))
    assert (again.index, again.added) == (first, 0)
    assert Compactor(store, tmp_path).compact(DAY(1)).index == first
    registered(store, build(3))
    watched = Watched(store)
    second = Compactor(watched, tmp_path).compact(DAY(4))
    assert second.added == 1
    assert first.segments[0] in second.index.segments
    assert [key for call, key in watched.calls if call == "read" and is_row(key)] == [row_key(build(3))]
    assert found(store, tmp_path) == indexed(store, tmp_path)
    assert len(found(store, tmp_path)) == 11


def test_segments_stay_few(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    compactor = Compactor(store, tmp_path)
    for day in range(1, 21):
        registered(store, build(day))
        now = compactor.compact(DAY(day + 1)).index
    assert sorted(one.build_count for one in now.segments) == [2, 5, 13]
    assert len(indexed(store, tmp_path)) == 20
    assert set(now.retired).isdisjoint(one.name for one in now.segments)


FEW = 32
"""Segments of a million builds at most: 17 up to half of the largest size, and 15 above."""


@pytest.mark.parametrize(
    "days",
    [
        pytest.param([1000] * 1000, id="as many every day"),
        pytest.param([*range(1413, 0, -1)], id="one less every day"),
        pytest.param([int(3000 * 0.997**day) for day in range(1100)], id="slowly less"),
        pytest.param([1000 if one % 111 == 0 else 1 for one in range(100_000)], id="late ones between"),
    ],
)
def test_a_million_builds_are_in_few_segments(days: list[int]) -> None:
    segments: list[Segment] = []
    most = 0
    for day, count in enumerate(days):
        gone = compaction._with_smaller([], segments, count)
        total = count + sum(one.build_count for one in gone)
        made = Segment(f"{day:016x}", total, 0, 0, IndexFile("builds/builds", 0, ""), ())
        segments = [*(one for one in segments if one not in gone), made]
        most = max(most, len(segments))
    assert sum(one.build_count for one in segments) == sum(days) > 950_000
    assert most <= FEW


def test_a_segment_of_many_rows_has_several_files_and_a_name_is_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("athena.index.segments._FILE_ROWS", 1000)
    monkeypatch.setattr(compaction, "_LARGEST", 30)
    store = open_store(str(tmp_path / "store"))
    builds = list(catalog.builds(50, seconds_apart=20_000))
    catalog.write(tmp_path / "store", builds)
    days = sorted({one["created_at"][:10] for one in builds})
    made = Compactor(store, tmp_path).compact(days[-1]).index
    assert sum(one.build_count for one in made.segments) == sum(one["created_at"][:10] < days[-1] for one in builds)
    assert len(made.segments) > 1
    assert all(len(one.packages) > 1 for one in made.segments)
    for segment in made.segments:
        names = [(file.first_name, file.last_name) for file in segment.packages]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(names))
        rows = [
            row
            for path in IndexCache(store, tmp_path).packages([segment])
            for row in duckdb.execute(f"SELECT name, version, build_no FROM {scan([path])}").fetchall()
        ]
        assert rows == sorted(rows)
    wanted = [one["venv_version"] for one in builds if any(p.startswith("kedro==") for p in one["installed_packages"])]
    watched = Watched(store)
    assert found(watched, tmp_path / "other", "kedro") == wanted
    read = [key for call, key in watched.calls if call == "read" and "/packages/" in key]
    assert len(read) == len(made.segments)


def test_a_row_of_a_covered_day_is_found_at_once_and_once(store: Store, tmp_path: Path) -> None:
    registered(store, build(1), build(2), build(5))
    compactor = Compactor(store, tmp_path)
    compactor.compact(DAY(4))
    registered(store, build(1, 1), build(3), build(4), build(5, 1))
    results = [compactor.cover(DAY(day)) for day in (1, 3, 4, 5)]
    assert [done and done.added for done in results] == [1, 1, None, None]
    wanted = sorted(
        one["venv_version"] for one in (build(1), build(1, 1), build(2), build(3), build(4), build(5), build(5, 1))
    )
    assert found(store, tmp_path) == wanted
    assert indexed(store, tmp_path) == [one for one in wanted if one < "venv_20250704"]
    before = index.read(store).segments
    again = compactor.cover(DAY(1))
    assert again is not None
    assert (again.added, again.removed) == (0, 0)
    assert index.read(store).segments == before


def test_a_row_that_was_removed_goes_out_of_the_index(store: Store, tmp_path: Path) -> None:
    keys = registered(store, *(build(day) for day in range(1, 4)))
    compactor = Compactor(store, tmp_path)
    compactor.compact(DAY(4))
    for key in keys[:2]:
        store.remove(key)
    done = compactor.cover(DAY(1), DAY(2))
    assert done
    assert (done.added, done.removed) == (0, 2)
    assert found(store, tmp_path) == ["venv_20250703_000000"]
    store.remove(keys[2])
    compactor.cover(DAY(3))
    assert found(store, tmp_path) == []
    assert index.read(store).segments == ()


def test_a_build_registered_while_its_day_is_being_covered_is_not_lost(tmp_path: Path) -> None:
    """At whatever moment of the compaction it is registered."""
    moments = set[tuple[str, int]]()
    while True:
        base = open_store(str(tmp_path / f"store-{len(moments)}"))
        registered(base, build(1))
        seen: dict[str, int] = {}

        def register(call: str, key: str, base: Store = base, seen: dict[str, int] = seen) -> None:
            kind = f"{call} {key.partition('/index/')[0] if 'CURRENT' not in key else 'CURRENT'}"
            seen[kind] = seen.get(kind, 0) + 1
            moment = (kind, seen[kind])
            if moment not in moments and not seen.get("done"):
                seen["done"] = 1
                moments.add(moment)
                registered(base, build(1, 9))
                Compactor(base, tmp_path / "other", wait=lambda _: None).cover(DAY(1))

        Compactor(Watched(base, register), tmp_path / "cache", wait=lambda _: None).compact(DAY(2))
        if not seen.get("done"):
            break
        assert found(base, tmp_path / "third") == ["venv_20250701_000000", "venv_20250701_000009"], moments
        assert indexed(base, tmp_path / "third") == ["venv_20250701_000000", "venv_20250701_000009"], moments
    assert len(moments) > 6


def test_a_build_of_a_day_that_is_being_covered_is_never_out_of_sight(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    others: list[Compacted | None] = []

    def cover_too(call: str, key: str) -> None:
        if call == "put" and "/packages/" in key and not others:
            registered(store, build(1, 1))
            # whose turn it is does not matter: it would be published without this build
            others.append(Compactor(store, tmp_path / "other", wait=lambda _: pytest.fail("it waits")).cover(DAY(1)))

    done = Compactor(Watched(store, cover_too), tmp_path, wait=lambda _: None).compact(DAY(2))
    assert (others, done.added) == ([None], 2)
    assert len(found(store, tmp_path)) == 2


def test_the_loser_of_two_takes_its_files_back(store: Store, tmp_path: Path) -> None:
    registered(store, build(1), build(2))
    Compactor(store, tmp_path).compact(DAY(3))
    registered(store, build(1, 1))
    others: list[Compacted | None] = []

    def cover_too(call: str, key: str) -> None:
        if call == "put" and "/packages/" in key and not others:
            others.append(Compactor(store, tmp_path / "other", wait=lambda _: None).cover(DAY(1)))

    done = Compactor(Watched(store, cover_too), tmp_path, wait=lambda _: None).cover(DAY(1))
    [winner] = others
    assert winner
    assert (winner.added, done) == (1, Compacted(winner.index))
    names = {entry.key.split("/")[2] for entry in store.list(f"{places.INDEX}/")}
    assert names == {"CURRENT.json", *(one.name for one in winner.index.segments), *winner.index.retired}


def test_many_that_cover_a_day_at_once_make_nothing_in_vain(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_OF_ONE_S", float("inf"))  # however slow this machine is
    registered(place.open(), build(1))
    Compactor(place.open(), tmp_path).compact(DAY(2))
    results = list[Compacted | None]()
    replaced = Compactor._replaced

    def told(*arguments: Any, **options: Any) -> Compacted | None:
        results.append(replaced(*arguments, **options))
        return results[-1]

    monkeypatch.setattr(Compactor, "_replaced", told)

    def work(number: int) -> None:
        registered(place.open(), build(1, number + 10))
        Compactor(place.open(), tmp_path / f"{number}").cover(DAY(1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(results) == 4
    assert None not in results
    assert sum(one.added for one in results if one) == 4
    assert len(indexed(place.open(), tmp_path)) == 5


def rebuild_beside_a_register(store: Store, tmp_path: Path, once: Callable[[Callable[[], object]], Any]) -> None:
    """The row goes, a rebuild lists without it, the row is written again and covered: nothing changes, for the index
    still has the build."""
    [key] = registered(store, build(1))
    registered(store, build(1, 1))
    Compactor(store, tmp_path).compact(DAY(2))
    store.remove(key)

    def other() -> None:
        registered(store, build(1))
        Compactor(store, tmp_path / "other", wait=lambda _: None).cover(DAY(1))

    Compactor(Watched(store, once(other)), tmp_path, wait=lambda _: None).compact(DAY(2), is_rebuilt=True)


def cover_beside_a_removal(store: Store, tmp_path: Path, once: Callable[[Callable[[], object]], Any]) -> None:
    registered(store, build(1, 1), build(1))
    Compactor(store, tmp_path).compact(DAY(2))
    [late] = registered(store, build(1, 2))

    def other() -> None:
        store.remove(late)
        Compactor(store, tmp_path / "other", wait=lambda _: None).cover_all()

    Compactor(Watched(store, once(other)), tmp_path, wait=lambda _: None).cover(DAY(1))


@pytest.mark.parametrize("race", [rebuild_beside_a_register, cover_beside_a_removal])
def test_an_older_listing_never_wins_though_the_other_had_nothing_to_change(
    store: Store, tmp_path: Path, race: Callable[..., None]
) -> None:
    done: list[bool] = []

    def once(other: Callable[[], object]) -> Callable[[str, str], None]:
        def act(call: str, key: str) -> None:
            if call == "put" and "/packages/" in key and not done:
                done.append(True)
                other()

        return act

    race(store, tmp_path, once)
    assert done
    assert found(store, tmp_path) == indexed(store, tmp_path) == ["venv_20250701_000000", "venv_20250701_000001"]
    assert list(index_problems(store, tmp_path / "check")) == []


def test_a_bit_that_changes_in_the_cache_comes_into_no_answer_and_no_segment(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1), build(1, 1))
    cache = tmp_path / "cache"
    [segment] = Compactor(store, cache).compact(DAY(2)).index.segments
    [path] = IndexCache(store, cache).packages([segment])
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert found(store, cache) == ["venv_20250701_000000", "venv_20250701_000001"]
        assert path.read_bytes() == whole
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    registered(store, build(1, 2))
    Compactor(store, cache).cover(DAY(1))
    assert list(index_problems(store, cache)) == []


@pytest.mark.parametrize("reader", ["compaction", "check"])
def test_a_byte_that_the_disk_lost_comes_into_no_segment_and_no_verdict(tmp_path: Path, reader: str) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    cache = tmp_path / "cache"
    [segment] = Compactor(store, cache).compact(DAY(2)).index.segments
    for path in [*IndexCache(store, cache).packages([segment]), *IndexCache(store, cache).builds([segment])]:
        path.write_bytes(bytes(path.stat().st_size))
        facts = path.stat()
        look = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
        path.with_suffix(".look").write_text(json.dumps(look))
    if reader == "compaction":
        registered(store, build(1, 1))
        Compactor(store, cache).cover(DAY(1))
    assert list(index_problems(store, cache)) == []


def test_a_question_reads_no_whole_file_that_was_made_fetched_or_found_right_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    Compactor(store, tmp_path / "maker").compact(DAY(2))
    found(store, tmp_path / "fetcher")
    found(store, tmp_path / "finder")
    for path in (tmp_path / "finder").rglob("*.parquet"):
        os.utime(path)
    found(store, tmp_path / "finder")
    monkeypatch.setattr(hashlib, "file_digest", None)
    for cache in ("maker", "fetcher", "finder"):
        assert len(found(store, tmp_path / cache)) == 1


def test_a_wrong_clock_is_put_right_by_a_rebuild(store: Store, tmp_path: Path) -> None:
    registered(store, build(1), build(3))
    Compactor(store, tmp_path).compact("2099-01-01")
    done = Compactor(store, tmp_path).compact(DAY(2), is_rebuilt=True)
    assert (done.index.covered_before, done.index.covering_before) == (DAY(2), DAY(2))
    assert found(store, tmp_path) == ["venv_20250701_000000", "venv_20250703_000000"]
    assert indexed(store, tmp_path) == ["venv_20250701_000000"]


def test_one_late_register_reads_one_row_and_no_damaged_one_of_its_day(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    [key, *_] = registered(store, *(build(1, second) for second in range(9)))
    Compactor(store, tmp_path / "one").compact(DAY(2))
    Path(store.url, key).write_text("damaged")
    [late] = registered(store, build(1, 30))
    watched = Watched(store)
    Compactor(watched, tmp_path / "two").cover(DAY(1))
    assert [one for call, one in watched.calls if call == "read" and one.startswith(places.ROWS)] == [late]
    assert len(found(store, tmp_path / "two")) == 10


def test_who_never_wins_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_TRIES", 5)  # each makes a segment
    registered(store, build(1))

    def change(call: str, key: str) -> None:
        if (call, key) == ("replace", CURRENT):
            old, etag = current.read_with_etag(store)
            assert current.replace_current(store, replace(old, generation=old.generation + 1), etag)

    with pytest.raises(StoreUnavailable, match="others keep changing the index"):
        Compactor(Watched(store, change), tmp_path, wait=lambda _: None).compact(DAY(2))
    assert found(store, tmp_path) == ["venv_20250701_000000"]


def test_what_nobody_reads_is_removed_after_a_week(store: Store, tmp_path: Path) -> None:
    registered(store, build(1))
    compactor = Compactor(store, tmp_path)
    compactor.compact(DAY(2))
    [first] = index.read(store).segments
    store.put_if_absent(f"{places.INDEX}/{'0' * 16}/builds/builds.parquet", b"of a killed compaction")
    registered(store, build(2))
    compactor.compact(DAY(3))
    retired = index.read(store).retired
    assert set(retired) == {first.name, "0" * 16}
    names = {entry.key.split("/")[2] for entry in store.list(f"{places.INDEX}/")}
    assert set(retired) < names
    old, etag = current.read_with_etag(store)
    assert current.replace_current(store, replace(old, retired=dict.fromkeys(retired, "2025-01-01T00:00:00Z")), etag)
    compactor.compact(DAY(4))
    assert {entry.key.split("/")[2] for entry in store.list(f"{places.INDEX}/")} == names - set(retired)
    assert index.read(store).retired == {}
    assert len(found(store, tmp_path)) == 2


def test_a_name_that_can_be_no_key_ends_no_compaction(tmp_path: Path) -> None:
    class WithOdd(Watched):
        """As S3 lists what somebody put under a name with `//`."""

        def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
            yield from super().list(prefix, start_after)
            if prefix.startswith((places.INDEX, places.DAYS)):
                yield Entry(f"{prefix}/2025-07-01.jsonl.gz", 1, oddity="an object that no key can name")

    store = WithOdd(open_store(str(tmp_path / "store")))
    registered(store, build(1))
    compactor = Compactor(store, tmp_path)
    compactor.compact(DAY(2))
    old, etag = current.read_with_etag(store)
    assert current.replace_current(store, replace(old, retired={"0" * 16: "2025-01-01T00:00:00Z"}), etag)
    compactor.compact(DAY(3))
    assert keep_closed_days(store, "") == []
    assert index.read(store).retired == {}
    assert [key for call, key in store.calls if call == "remove"] == []


@pytest.mark.parametrize("since", ["2025-01-01T00:00:00Z", "9999-01-01T00:00:00Z"])
def test_who_covers_a_day_removes_what_many_left_long_ago(store: Store, tmp_path: Path, since: str) -> None:
    registered(store, build(1))
    compactor = Compactor(store, tmp_path)
    compactor.compact(DAY(2))
    left = [f"{number:016x}" for number in range(101)]
    old, etag = current.read_with_etag(store)
    assert current.replace_current(store, replace(old, retired=dict.fromkeys(left, since)), etag)
    store.put_if_absent(f"{places.INDEX}/{left[0]}/builds/builds.parquet", b"nobody reads it")
    registered(store, build(1, 2))
    compactor.cover(DAY(1))
    is_old = since < "2026"
    assert set(left).isdisjoint(index.read(store).retired) == is_old
    assert any(store.list(f"{places.INDEX}/{left[0]}/")) != is_old
    assert len(found(store, tmp_path)) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": "2025-07-01T00:00:01Z"},
        {"venv_version": "venv_20250701_000001"},
        {"installed_packages": "x"},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_right_is_left_out_and_remembered(tmp_path: Path, fields: dict[str, Any]) -> None:
    store = open_store(str(tmp_path / "store"))
    key = row_key(build(1))
    store.put_if_absent(key, row(cast(Metadata, {**build(1), **fields})))
    [good] = registered(store, build(1, 30))
    with pytest.raises(IntegrityError, match="1 row of the catalog cannot be read") as caught:
        Compactor(store, tmp_path, is_strict=True).compact(DAY(2))
    assert caught.value.problems[0].where == store.uri(key)
    assert index.read(store).segments == ()
    done = Compactor(store, tmp_path).compact(DAY(2))
    assert (done.added, done.index.unread[DAY(1)].key) == (1, key)
    assert found(store, tmp_path) == [good[-25:-5]]
    generation = done.index.generation
    again = Compactor(store, tmp_path).compact(DAY(2))
    assert (again.added, again.index.generation) == (0, generation)
    store.remove(key)
    registered(store, build(1))
    Compactor(store, tmp_path).cover_all()
    assert index.read(store).unread == {}
    assert len(found(store, tmp_path)) == 2


@pytest.mark.parametrize("name", ["dt=2025-07-01/mine", "dt=2025-07-02/venv_20250701_000000", "dt=2025-02-30/x"])
def test_a_row_whose_name_is_no_version_of_its_day_is_left_out(tmp_path: Path, name: str) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1, 30))
    store.put_if_absent(f"{places.ROWS}/{name}.json", row(build(1)))
    done = Compactor(store, tmp_path).compact(DAY(3))
    assert (done.added, [one.count for one in done.index.unread.values()]) == (1, [1])
    assert found(store, tmp_path) == ["venv_20250701_000030"]


@pytest.mark.parametrize("damage", ["gone", "short", "other"])
def test_a_damaged_file_of_the_index_is_no_wrong_answer(tmp_path: Path, damage: str) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    [segment] = Compactor(store, tmp_path / "one").compact(DAY(2)).index.segments
    path = tmp_path / "store" / segment.key(segment.packages[0])
    body = path.read_bytes()
    path.unlink() if damage == "gone" else path.write_bytes(body[:-1] if damage == "short" else body[:-1] + b"x")
    with pytest.raises(IntegrityError, match="table compact --rebuild") as caught:
        found(store, tmp_path / "two")
    assert caught.value.problems[0].where == store.uri(segment.key(segment.packages[0]))
    Compactor(store, tmp_path / "two").compact(DAY(2), is_rebuilt=True)
    assert found(store, tmp_path / "two") == ["venv_20250701_000000"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "2"}, {"format": None}, {"unread": {"x": {}}},
         {"generation": "1"}, {"covered_before": "2025-07-99"}, {"segments": [{}]},
        {"covering_before": "2025-01-01"}, {"segments": {}}, {"retired": {"../x": "2025"}}, {"segments": None},
        {"retired": {"0" * 16: ""}}, {"retired": {"0" * 16: "2025-02-30T00:00:00Z"}},
        {"retired": {"0" * 16: "2025-2-3T00:00:00Z"}}, {"retired": {"0" * 16: 1}}, {"retired": {}},
    ],
)  # fmt: skip
def test_an_index_that_cannot_be_understood_is_refused_and_rebuilt(tmp_path: Path, change: dict[str, Any]) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    Compactor(store, tmp_path).compact(DAY(2))
    path = tmp_path / "store" / CURRENT
    whole = json.loads(path.read_bytes())
    if change == {"segments": {}}:
        whole["segments"] *= 2
    elif change == {"retired": {}}:  # one that is read
        whole["retired"] = {whole["segments"][0]["name"]: "2000-01-01T00:00:00Z"}
    else:
        whole |= change
    path.write_text(json.dumps(whole))
    with pytest.raises(IntegrityError, match="table compact --rebuild"):
        found(store, tmp_path)
    Compactor(store, tmp_path).compact(DAY(2), is_rebuilt=True)
    assert found(store, tmp_path) == indexed(store, tmp_path) == ["venv_20250701_000000"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"last_build_no": 10**18}, id="last"),
        pytest.param({"first_build_no": -(10**18), "last_build_no": -(10**18)}, id="first"),
        pytest.param({"first_build_no": 1751328001}, id="first after last"),
        pytest.param({"last_build_no": 1751414400}, id="not covered"),
        pytest.param({"build_count": 0}, id="none"),
        pytest.param({"builds": {"size_bytes": 40 << 30}}, id="huge file"),
        pytest.param({"unread": {DAY(1): {"count": 10**400, "key": f"{places.ROWS}/dt=2025-07-01/x.json", "why": ""}}},
                     id="huge count"),
        pytest.param({"unread": {DAY(1): {"count": 1, "key": "x", "why": ""}}}, id="no row"),
    ],
)  # fmt: skip
def test_numbers_beyond_their_range_are_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    Compactor(store, tmp_path).compact(DAY(2))
    path = tmp_path / "store" / CURRENT
    whole = json.loads(path.read_bytes())
    [segment] = whole["segments"]
    changed = {name: {**segment["builds"], **one} if name == "builds" else one for name, one in change.items()}
    (whole if "unread" in change else segment).update(changed)
    path.write_text(json.dumps(whole))
    with pytest.raises(IntegrityError, match="table compact --rebuild") as caught:
        found(store, tmp_path)
    assert len(str(caught.value)) < 600
    assert [one.rule for one in index_problems(store, tmp_path)] == ["BAD_INDEX"]
    Compactor(store, tmp_path).compact(DAY(2), is_rebuilt=True)
    assert found(store, tmp_path) == indexed(store, tmp_path) == ["venv_20250701_000000"]


def test_a_file_with_builds_of_days_to_come_comes_into_no_other(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    Compactor(store, tmp_path).compact(DAY(2))
    path = tmp_path / "store" / CURRENT
    whole = json.loads(path.read_bytes())
    [segment] = whole["segments"]
    file = path.with_name(segment["name"]) / f"{segment['builds']['name']}.parquet"
    later = "SELECT * REPLACE (build_no + 315360000 AS build_no)"
    duckdb.execute(f"COPY ({later} FROM '{file}') TO '{tmp_path / 'later'}' (FORMAT parquet)")
    body = (tmp_path / "later").read_bytes()
    file.write_bytes(body)
    segment["builds"].update(sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))
    path.write_text(json.dumps(whole))
    registered(store, build(2))
    files = set(path.parent.glob("*/*"))
    with pytest.raises(IntegrityError, match="table compact --rebuild"):
        Compactor(store, tmp_path / "one").cover_all()
    with pytest.raises(IntegrityError, match="table compact --rebuild"):
        Compactor(store, tmp_path / "two").compact(DAY(3))
    assert set(path.parent.glob("*/*")) == files
    Compactor(store, tmp_path).compact(DAY(3), is_rebuilt=True)
    assert list(index_problems(store, tmp_path / "another")) == []
    assert found(store, tmp_path) == ["venv_20250701_000000", "venv_20250702_000000"]


@pytest.mark.parametrize("more", [1, -1])
@pytest.mark.parametrize("name", ["builds", "packages"])
def test_a_size_that_is_not_that_of_the_file_is_damage(tmp_path: Path, name: str, more: int) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    Compactor(store, tmp_path).compact(DAY(2))
    path = tmp_path / "store" / CURRENT
    whole = json.loads(path.read_bytes())
    [segment] = whole["segments"]
    of_file = segment["builds"] if name == "builds" else segment["packages"][0]
    of_file["size_bytes"] += more
    path.write_text(json.dumps(whole))
    [problem] = index_problems(store, tmp_path / "another")
    assert (problem.rule, problem.where.endswith(f"{of_file['name']}.parquet")) == ("BAD_INDEX", True)
    assert problem.fix == "`venvbuild table compact --rebuild` makes the index anew from the rows"
    Compactor(store, tmp_path).compact(DAY(2), is_rebuilt=True)
    assert list(index_problems(store, tmp_path / "another")) == []
    assert found(store, tmp_path) == indexed(store, tmp_path) == ["venv_20250701_000000"]


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param(b'{"format": 2, "shards": {"later": []}}', id="another shape"),
        pytest.param(b'{"format":2,"x":1,"x":2}', id="a key twice"),
        pytest.param(b'{"format":1,"x":1,"format":2}', id="two formats"),
        pytest.param(b'{"format":2,"x":' + b"[" * 3000 + b"]" * 3000 + b"}", id="deep"),
        pytest.param(b'{"format":1' + b"0" * 400 + b"}", id="huge"),
        pytest.param(b'{"format":1' + b"0" * 5000 + b"}", id="huger"),
        pytest.param(b'{"x":"' + b"x" * 17_000_000 + b'","format":2}', id="large"),
        pytest.param(b'{"format":2,"x":"' + b"x" * 64_000_000 + b'"}', id="larger"),
        pytest.param(b'\xef\xbb\xbf{"generation": 7, "by": "x", "format": 2, "x": ["' + b"x" * 64_000_000, id="head"),
        pytest.param(b'{"format": 2, "generation": 7, "segments": [{"na', id="cut off"),
        pytest.param(b'{"format": 2, "x": "\xff"}', id="no text"),
    ],
)
def test_an_index_of_a_newer_version_is_left_alone(tmp_path: Path, newer: bytes) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    store.put_if_absent(CURRENT, newer)
    for call in (
        lambda: found(store, tmp_path),
        lambda: Compactor(store, tmp_path).compact(DAY(2)),
        lambda: Compactor(store, tmp_path).compact(DAY(2), is_rebuilt=True),
        lambda: Compactor(store, tmp_path).cover_all(),
    ):
        with pytest.raises(IntegrityError, match="fix: update venvbuild") as caught:
            call()
        assert len(str(caught.value)) < 600
    assert store.read(CURRENT).body == newer


@pytest.mark.parametrize("size_bytes", [16_000_001, 40 << 30])
def test_an_index_that_is_too_large_is_rebuilt(tmp_path: Path, size_bytes: int) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    store.put_if_absent(CURRENT, b"")
    os.truncate(tmp_path / "store" / CURRENT, size_bytes)
    with pytest.raises(IntegrityError, match=f"{size_bytes} bytes.*\n?.*table compact --rebuild"):
        found(store, tmp_path)
    Compactor(store, tmp_path).compact(DAY(2), is_rebuilt=True)
    assert found(store, tmp_path) == ["venv_20250701_000000"]


def test_after_the_largest_generation_comes_the_first(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    registered(store, build(1))
    compactor = Compactor(store, tmp_path)
    compactor.compact(DAY(2))
    path = tmp_path / "store" / CURRENT
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"generation": 2**63 - 1}))
    registered(store, build(1, 1))
    compactor.cover(DAY(1))
    assert index.read(store).generation in range(1, 10)
    assert len(found(store, tmp_path)) == 2


@pytest.mark.parametrize("text", ["venv_20250230_000000", "venv_20250701_240000", "venv_2025070_0000000", "x", ""])
def test_what_is_no_version_has_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        build_no(text)


def test_a_version_is_its_instant() -> None:
    assert build_no("venv_20250722_083000") == 1753173000
    assert day_of(1753173000) == "2025-07-22"
    assert index.build_no_of_day("2025-07-22") == build_no("venv_20250722_000000")
    assert last_day_covered_before(datetime(2025, 7, 22, 0, 30, tzinfo=UTC)) == "2025-07-20"


def test_the_command_compacts_and_says_what_it_did(tool: Tool) -> None:
    store = open_store(tool.store)
    for number in range(3):
        register(store, read(store, put_build(store, number)))
    first = tool.run("table", "compact", "--json").json
    assert (first["added"], first["build_count"], first["removed"]) == (3, 3, 0)
    done = tool.run("table", "compact")
    assert (done.code, done.stdout) == (0, "")
    assert f"covers the days before {first['covered_before']}: 0 builds came in" in done.stderr
    assert tool.run("table", "compact", "--rebuild", "--json").json["added"] == 3
    assert [row["venv_version"] for row in tool.run("find", "good", "--json").json][-1] == version(0)
    assert tool.run("table", "check").code == 0
