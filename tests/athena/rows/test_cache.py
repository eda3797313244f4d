"""Rows are fetched once, and what changed in the store is seen."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from athena import questions, rows
from athena.duck import Part, scan
from athena.engines import Answer
from athena.engines.duckdb import DuckDB
from athena.questions import Search, parse_packages
from athena.rows import RowCache, newest_days, packages_of
from athena.statement import Scope, Statement
from benchmarks import catalog
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.places import Place
from tests.support.recording_proxy import RecordingProxy
from venvbuild.builds import Metadata, places
from venvbuild.errors import IntegrityError
from venvbuild.stores import Entry, Store, StoredObject, open_store


class Counting:
    """A store that tells what is asked of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.url = store.url
        self.read_keys: list[str] = []
        self.listed: list[tuple[str, str]] = []

    def read(self, key: str, max_bytes: int | None = None) -> StoredObject:
        self.read_keys.append(key)
        return self._store.read(key, max_bytes)

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        self.listed.append((prefix, start_after))
        return self._store.list(prefix, start_after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def rows_of(cache: RowCache, scope: Scope | None = None) -> list[str]:
    parts = cache.days(scope or Scope())
    if not parts:
        return []
    found = duckdb.execute(f"SELECT venv_version FROM {scan(parts)} ORDER BY 1").fetchall()
    return [version for (version,) in found]


def metadata(day: int, second: int = 0, **fields: Any) -> Metadata:
    [made] = catalog.builds(1)
    name, at = f"venv_202507{day:02}_0000{second:02}", f"2025-07-{day:02}T00:00:{second:02}Z"
    return cast(Metadata, {**made, "venv_version": name, "created_at": at, **fields})


def test_rows_are_read_once_and_new_ones_are_added(store: Store, tmp_path: Path) -> None:
    for day in (1, 2):
        rows.register(store, metadata(day))
    counting = Counting(store)
    cache = RowCache(counting, tmp_path / "cache")
    assert rows_of(cache) == ["venv_20250701_000000", "venv_20250702_000000"]
    assert rows_of(RowCache(counting, tmp_path / "cache")) == rows_of(cache)
    assert len(counting.read_keys) == 2
    added = rows.register(store, metadata(2, 1))
    assert rows_of(cache)[-1] == "venv_20250702_000001"
    assert counting.read_keys[2:] == [added]


def test_no_row_has_the_credentials_of_a_url_and_each_is_made_again_the_same(store: Store) -> None:
    place = "s3://bucket/me@example.com/venv-builds/v/v.tar.gz"
    build = metadata(1, build_url="https://robot:hunter2-pass@ci.example.com/job/1/", venv_archive=place)
    key = rows.register(store, build)
    found = rows.read_row(store, key)
    assert found
    assert (found["build_url"], found["venv_archive"]) == ("https://ci.example.com/job/1/", place)
    assert rows.expected_row(build) == found


def test_only_what_is_in_scope_is_listed_and_read(store: Store, tmp_path: Path) -> None:
    for day in range(1, 6):
        rows.register(store, metadata(day))
        rows.register(store, metadata(day, 1))
    counting = Counting(store)
    cache = RowCache(counting, tmp_path / "cache")
    assert rows_of(cache, Scope(days=("2025-07-02", "2025-07-02"))) == ["venv_20250702_000000", "venv_20250702_000001"]
    assert counting.listed == [("venv-catalog/builds/dt=2025-07-02/", "")]
    assert len(rows_of(cache, Scope(since="2025-07-04"))) == 4
    assert counting.listed[1:] == [("venv-catalog/builds/", "venv-catalog/builds/dt=2025-07-03~")]
    assert {key[23:33] for key in counting.read_keys} == {"2025-07-02", "2025-07-04", "2025-07-05"}


def test_a_row_that_was_removed_or_written_again_is_seen(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    keys = [rows.register(store, metadata(1, second)) for second in (0, 1)]
    cache = RowCache(store, tmp_path / "cache")
    assert len(rows_of(cache)) == 2
    (tmp_path / "store" / keys[0]).unlink()
    assert rows_of(cache) == ["venv_20250701_000001"]
    (tmp_path / "store" / keys[1]).unlink()
    assert rows_of(cache) == []
    for env_name in ("one", "two"):  # of the same size
        rows.register(store, metadata(1, env_name=env_name))
        [day] = cache.days(Scope())
        assert duckdb.execute(f"SELECT env_name FROM {scan([day])}").fetchall() == [(env_name,)]
        (tmp_path / "store" / keys[0]).unlink()


def test_files_that_nobody_uses_are_removed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    cache = RowCache(store, tmp_path / "cache")
    for second in range(3):
        rows.register(store, metadata(1, second))
        [used] = cache.days(Scope())
        assert len(list(used.path.parent.glob("*.parquet"))) == second + 1
    for path in used.path.parent.glob("*.parquet"):
        packages_of([Part(path)])
        os.utime(path, (time.time() - (60 if path == used.path else 7300),) * 2)
    rows.register(store, metadata(1, 3))
    [newest] = cache.days(Scope())
    left = {used.path.stem, newest.path.stem}
    assert {path.stem for path in used.path.parent.iterdir()} - {"packages"} == left
    assert {path.stem for path in used.path.parent.glob("packages/*")} == {used.path.stem}


@pytest.mark.parametrize("name", ["_SUCCESS.json", ".hidden.json", "note.txt", "sub/x.json"])
def test_what_engines_skip_is_skipped(tmp_path: Path, name: str) -> None:
    store = open_store(str(tmp_path / "store"))
    rows.register(store, metadata(1))
    store.put_if_absent(f"{places.ROWS}/dt=2025-07-01/{name}", b"{}")
    assert rows_of(RowCache(store, tmp_path / "cache")) == ["venv_20250701_000000"]


def damaged(**fields: Any) -> bytes:
    row = json.loads(rows.row(metadata(1)))
    return json.dumps({name: value for name, value in {**row, **fields}.items() if value != "gone"}).encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property"),
        (b"[1]", "no JSON object"),
        (json.dumps(json.loads(rows.row(metadata(1))), indent=1).encode(), "not one line"),
        (rows.row(metadata(1)) * 2, "not one line"),
        (b"\xff", "codec can't decode"),
        (damaged(created_at=None), "created_at is missing"),
        (damaged(venv_version="gone"), "venv_version is missing"),
        (damaged(is_conflict_free="yes"), "is_conflict_free is no boolean"),
        (damaged(installed_packages="kedro==1"), "installed_packages is no array<string>"),
        (damaged(python_version=3.1), "python_version is no string"),
        (damaged(created_at="2025-07-01T00:00:00Z"), "no instant as YYYY-MM-DD HH:MM:SS"),
        (damaged(created_at="2025-07-01 24:00:00"), "no instant as YYYY-MM-DD HH:MM:SS"),
        (damaged(recorded_at="2025-07-01 24:00:00"), "no instant as YYYY-MM-DD HH:MM:SS"),
        (damaged(recorded_at="2025-07-01 23:60:00"), "minute must be in 0..59"),
        (damaged(recorded_at=""), "no instant as YYYY-MM-DD HH:MM:SS"),
        (damaged(created_at="2025-02-30 00:00:00"), "day is out of range"),
        (damaged(archive_size_bytes=10**30), "archive_size_bytes is no bigint"),
        (damaged(duration_s={"check": "slow"}), "duration_s is no map"),
        (damaged(requires={"abi": 3}), "requires is no struct"),
        (damaged(venv_version="venv_20250701_000001"), "it belongs at"),
        (b" " * 16_000_001, "16000001 bytes, more than 16000000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_row_is_told_each_time_until_it_is_mended(tmp_path: Path, body: bytes, why: str) -> None:
    store = open_store(str(tmp_path / "store"))
    key = rows.row_key(metadata(1))
    store.put_if_absent(key, body)
    good = rows.register(store, metadata(1, 1))
    for _ in range(2):
        cache = RowCache(store, tmp_path / "cache")
        [(found, told)] = cache.unread(cache.days(Scope()))["2025-07-01"].items()
        assert (found, why in told) == (key, True)
        assert rows_of(cache) == ["venv_20250701_000001"]
    with pytest.raises(IntegrityError, match="`venvbuild table sync` writes the row anew") as caught:
        rows.read_row(store, key)
    assert caught.value.problems[0].where == store.uri(key)
    (tmp_path / "store" / key).unlink()
    rows.register(store, metadata(1))
    assert cache.unread(cache.days(Scope())) == {}
    assert rows_of(cache) == ["venv_20250701_000000", "venv_20250701_000001"]
    assert rows.read_row(store, good)


def test_a_row_of_another_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    key = rows.row_key(metadata(1))
    store.put_if_absent(key, damaged(env_name="gone", platform=None, later=[{}], schema_version=7,
                                     requires={"abi": "cp311", "cpu": {"flags": [1]}}))  # fmt: skip
    found = rows.read_row(store, key)
    assert found
    assert (found["env_name"], found["platform"], found["schema_version"]) == (None, None, 7)
    assert (found["requires"], "later" in found) == ({"abi": "cp311"}, False)
    assert rows_of(RowCache(store, tmp_path / "cache")) == ["venv_20250701_000000"]


def changed(old: bytes, new: str) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(old, new.encode())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(bytes, id="ours"),
        pytest.param(lambda body: b"\xef\xbb\xbf " + body.strip() + b"\t\n", id="a mark and blanks around it"),
        pytest.param(changed(b'"build_url":null', '"later":{"n":1e300},"build_url":null'), id="more"),
        pytest.param(changed(b'"glibc":"2.17"', '"cpu":[1],"glibc":"2.17"'), id="more within"),
        pytest.param(changed(b"uv 0.13.8", r"\u00e4\ud83d\ude00\u2028\n\\ \"dt\":"), id="escapes"),
        pytest.param(changed(b"uv 0.13.8", "\u00e4\U0001f600\u2028"), id="characters"),
        pytest.param(changed(b'"check":0.2', '"check":-0E-2,"x":1E+15,"y":null'), id="numbers"),
        pytest.param(changed(b'"platform":', '"Platform":"x","PLATform":'), id="other cases"),
    ],
)
def test_what_is_kept_of_a_row_is_what_was_read_of_it(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    store = open_store(str(tmp_path / "store"))
    body = rows.row(metadata(1, build_url=None, installer="uv 0.13.8"))
    key = rows.row_key(metadata(1))
    assert store.put_if_absent(key, change(body))
    assert change is bytes or change(body) != body
    try:
        found = rows.read_row(store, key)
    except IntegrityError:
        assert rows_of(RowCache(store, tmp_path / "cache")) == []
        return
    assert found
    [part] = RowCache(store, tmp_path / "cache").days(Scope())
    names = [column.name for column in rows.columns() if column.type != "timestamp"]
    texts = ", ".join(f"to_json({name})" for name in names)
    [kept] = duckdb.execute(f"SELECT {texts} FROM {scan([part])}").fetchall()
    as_json = [None if text is None else json.loads(text) for text in kept]
    # DuckDB has each member of a STRUCT, also those that are not there
    wanted = [{"libraries": None, **found[name]} if name == "requires" else found[name] for name in names]
    assert as_json == wanted
    [place] = duckdb.execute(f"SELECT dt, key, stamp FROM {scan([part])}").fetchall()
    [entry] = store.list(key)
    assert place == ("2025-07-01", key, entry.stamp)


def test_the_packages_are_sorted_for_who_asks_twice(tmp_path: Path) -> None:
    catalog.write(tmp_path / "store", [metadata(day) for day in range(1, 6)])
    store = open_store(str(tmp_path / "store"))

    def answers() -> tuple[object, int]:
        with DuckDB(store, tmp_path / "cache") as engine:
            found = questions.find(engine, Search(parse_packages(["pip", "kedro>=0.1"])))[0]
            return found, len(list((tmp_path / "cache").glob("*/rows/packages/*.parquet")))

    first, second = answers(), answers()
    assert (first[0], first[1], second[1]) == (second[0], 0, 1)
    catalog.write(tmp_path / "store", [metadata(day) for day in range(6, 12)])  # half is new, half was sorted
    with DuckDB(store, tmp_path / "cache") as engine:
        assert questions.count(engine, Search(parse_packages(["pip"])))[0] == 11
        rows_of_sql = engine.run(Statement(("SELECT count(*), count(DISTINCT venv_version) FROM venv_packages",))).rows
    wanted = sum(len(metadata(day)["installed_packages"]) for day in range(1, 12))
    assert rows_of_sql == ((wanted, 11),)


def test_a_row_that_grows_beyond_what_duckdb_reads_is_one_bad_row(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    good = rows.register(store, metadata(1, 1))
    numbers = ",".join(f'"{number}":1e15' for number in range(150_000))
    # with what we do not know, which is left out, so that the rest is written anew
    body = damaged(later=1, duration_s="HERE", installer="x" * 13_500_000).replace(b'"HERE"', f"{{{numbers}}}".encode())
    assert len(body) < 16_000_000
    store.put_if_absent(rows.row_key(metadata(1)), body)
    cache = RowCache(store, tmp_path / "cache")
    assert rows_of(cache) == [good[-25:-5]]
    assert "as DuckDB writes it" in str(cache.unread(cache.days(Scope())))


def test_days_without_end_are_a_few_files_and_each_row_is_read_once(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    catalog.write(tmp_path / "store", [metadata(day, second) for day in range(1, 21) for second in range(2)])
    counting = Counting(store)
    cache = RowCache(counting, tmp_path / "cache")
    assert len(cache.days(Scope())) == 1
    for day in range(21, 31):  # each asked for as it comes
        rows.register(store, metadata(day))
        parts = cache.days(Scope())
        assert len(parts) <= 4
    assert len(rows_of(cache)) == 50
    assert sorted(counting.read_keys) == sorted(set(counting.read_keys))
    assert len(rows_of(cache, Scope(since="2025-07-10", before="2025-07-12"))) == 4
    assert rows_of(cache, Scope(days=("2025-07-03",))) == ["venv_20250703_000000", "venv_20250703_000001"]
    assert len(counting.read_keys) == 50


def test_many_small_files_are_put_together(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    cache = RowCache(store, tmp_path / "cache")
    for day in range(1, 13):
        rows.register(store, metadata(day))
        cache.days(Scope(days=(f"2025-07-{day:02}",)))
    assert len(cache.days(Scope())) == 1
    assert len(rows_of(cache)) == 12


def test_what_was_bad_in_a_file_stays_known_when_it_is_put_together_with_others(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    store.put_if_absent(rows.row_key(metadata(1)), b"{")
    counting = Counting(store)
    cache = RowCache(counting, tmp_path / "cache")
    for day in (2, 3):
        rows.register(store, metadata(day))
        [part] = cache.days(Scope())
        assert list(cache.unread([part])) == ["2025-07-01"]
    assert len(counting.read_keys) == 3
    assert cache.unread(cache.days(Scope(since="2025-07-02"))) == {}


def test_the_newest_days_are_listed_backwards_and_no_further_than_they_are_taken(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    for day in (1, 2, 20, 30):
        rows.register(store, metadata(day))
    counting = Counting(store)
    found = newest_days(counting, Scope(newest=1), date(2025, 7, 30))
    assert next(found)[0] == "2025-07-30"
    assert counting.listed == [("venv-catalog/builds/", "venv-catalog/builds/dt=2025-07-28~")]
    assert [day for day, _ in found] == ["2025-07-20", "2025-07-02", "2025-07-01"]
    every = [[day for day, _ in newest_days(store, Scope(newest=n, since=since), date(2025, month, 30))]
             for n in (None, 1) for since in (None, "2025-07-20") for month in (5, 7, 9)]  # fmt: skip
    newer, older = ["2025-07-30", "2025-07-20"], ["2025-07-02", "2025-07-01"]
    assert every == 2 * ([newer + older] * 3 + [newer] * 3)


def test_the_newest_build_costs_one_listing_and_the_rows_of_its_day(place: Place, tmp_path: Path) -> None:
    store = place.open()
    for day in range(1, 4):
        rows.register(store, metadata(day))
    now = datetime.now(UTC).replace(microsecond=0)
    newest = {"venv_version": f"venv_{now:%Y%m%d_%H%M%S}", "created_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    rows.register(store, cast(Metadata, {**metadata(1), **newest}))
    if not place.endpoint_url:
        counting = Counting(store)
        with DuckDB(counting, tmp_path) as engine:
            [found] = questions.all_builds(engine, Search(limit=1))
        assert (len(counting.listed), len(counting.read_keys)) == (1, 1)
    else:
        with RecordingProxy(place.endpoint_url) as proxy:
            behind = open_store(place.url, endpoint_url=proxy.endpoint_url)
            with DuckDB(behind, tmp_path) as engine:
                [found] = questions.all_builds(engine, Search(limit=1))
            assert [one.status for one in proxy.requests("GET", "list-type=2")] == [200]
            assert len(proxy.requests("GET")) == 2
    assert found["venv_version"] == newest["venv_version"]


def test_an_answer_comes_in_pieces_that_together_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path / "store"))
    catalog.write(tmp_path / "store", [metadata(day, second) for day in range(1, 6) for second in range(3)])
    every = questions.plan_all_builds(Search())
    with DuckDB(store, tmp_path / "cache") as engine:
        versions = questions.plan_find(engine, Search(parse_packages(["pip"]))).statement
        whole = [engine.run(one) for one in (every, versions)]
        monkeypatch.setattr("athena.engines.duckdb._SLICE_ROWS", 4)
        monkeypatch.setattr("athena.engines.duckdb.PIECE_ROWS", 5)
        pieces = [list(engine.pieces(one)) for one in (every, versions)]
    assert [[len(piece) for piece in some] for some in pieces] == [[5, 1, 5, 1, 3], [5, 5, 5, 0]]
    assert [Answer.joined(some) for some in pieces] == whole
