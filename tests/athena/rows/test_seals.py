"""A file of the cache that is not what was written, or no file, is made again, without a word to whoever asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from athena import index, questions
from athena.engines.duckdb import DuckDB
from athena.index import CURRENT, Compactor
from athena.questions import Search, parse_packages
from athena.rows import RowCache, register
from athena.rows import cache as rows_cache
from athena.rows.seals import Seal
from athena.statement import Scope
from athena.upkeep import find_problems, rows_difference, sync_rows
from tests.athena.rows.test_cache import Counting
from tests.support.builds import put_build, version
from venvbuild.builds import places, read
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.files import remove
from venvbuild.stores import Store, open_store


def bit(path: Path) -> None:
    body = path.read_bytes()
    middle = len(body) // 2
    path.write_bytes(body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])


def folder(path: Path) -> None:
    path.unlink()
    path.joinpath("sub").mkdir(parents=True)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def link(path: Path) -> None:
    elsewhere = path.with_name(f"elsewhere-{path.name}")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(b"\x93" * path.stat().st_size),
    "bit": bit,
    "huge": lambda path: os.truncate(path, 40 << 30),
    "fifo": fifo,
    "loop": loop,
    "link": link,
    "folder": folder,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two builds: that of the first day can be put into the index."""
    store = open_store(str(tmp_path / "store"))
    for second in (0, 86_400):
        register(store, read(store, put_build(store, second)))
    return store


def asked(store: Store, cache: Path) -> tuple[object, ...]:
    """What `list`, `find` and `count` answer."""
    search = Search(parse_packages(["good"]))
    with DuckDB(store, cache) as engine:
        return list(questions.all_builds(engine)), questions.find(engine, search), questions.count(engine, search)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("pattern", ["*.parquet", "*.*"])
def test_a_damaged_file_of_the_cache_is_made_again(
    store: Store, tmp_path: Path, pattern: str, damage: Callable[[Path], object]
) -> None:
    cache = tmp_path / "cache"
    Compactor(store, cache).compact("2025-07-23")
    expected = [asked(store, cache) for _ in range(2)][-1]
    for look_first in (asked, lambda *of: list(find_problems(*of))):
        damaged = [one for one in cache.rglob(pattern) if one.is_file() and not one.is_symlink()]
        assert len(damaged) > 2
        for path in damaged:
            damage(path)
        assert look_first(store, cache) in (expected, [])
        assert asked(store, cache) == expected
        counting = Counting(store)
        assert asked(counting, cache) == expected
        assert counting.read_keys == [CURRENT] * counting.read_keys.count(CURRENT), "it is kept again"


OF_DAY = "2025-07-22"
CHANGES: dict[str, dict[str, object]] = {
    "nothing bad": {"unread": {}},
    "no object": {"unread": {OF_DAY: 5}},
    "no row": {"unread": {OF_DAY: {"zzz": ["a"]}}},
    "another reason": {"unread": {OF_DAY: {f"{places.ROWS}/dt={OF_DAY}/{version(0)}.json": "it is fine"}}},
    "no counts": {"counts": {OF_DAY: "x"}},
    "another listing": {"days": {OF_DAY: "x"}},
    "another seal": {"seal": [1, "x"]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("is_inside", [True, False])
def test_what_is_told_beside_a_file_is_not_believed_when_it_was_changed(
    store: Store, tmp_path: Path, change: dict[str, object], is_inside: bool
) -> None:
    Path(store.url, places.ROWS, f"dt={OF_DAY}", f"{version(0)}.json").write_text("{bad")
    cache = RowCache(store, tmp_path / "cache")
    expected = [cache.unread(cache.days(Scope())) for _ in range(2)][-1]
    [beside] = (tmp_path / "cache").rglob("rows/*.json")
    whole = json.loads(beside.read_bytes())
    (whole["told"] if is_inside else whole).update(change)
    beside.write_text(json.dumps(whole))
    assert cache.unread(cache.days(Scope())) == expected
    Compactor(store, tmp_path / "cache").compact("2025-07-24")
    assert list(index.read(store).unread) == list(expected) == [OF_DAY]


def test_more_bad_rows_than_can_be_told_of_are_an_error_and_no_loop(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = Path(store.url, places.ROWS, f"dt={OF_DAY}")
    for number in range(20):
        day.joinpath(f"{number:02}.json").write_text("{")
    monkeypatch.setattr(rows_cache, "_MOST_TOLD_BYTES", 1000)
    with pytest.raises(IntegrityError, match="20 rows of a day cannot be read, more than can be told of") as caught:
        asked(store, tmp_path / "cache")
    assert "remove the objects there that are no rows" in str(caught.value)
    for path in list(day.glob("[0-9]*.json"))[2:]:
        path.unlink()
    assert len(asked(store, tmp_path / "cache")) == 3


def test_a_disk_that_gives_nothing_back_is_told(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_cache, "_MOST_ROUNDS", 3)
    monkeypatch.setattr(Seal, "fits", lambda *_: False)
    with pytest.raises(UsageError, match="set XDG_CACHE_HOME"):
        asked(store, tmp_path / "cache")


@pytest.mark.parametrize("name", ["bit", "fifo", "folder"])
def test_no_segment_is_made_of_a_damaged_file_of_the_cache(store: Store, tmp_path: Path, name: str) -> None:
    cache = tmp_path / "cache"
    asked(store, cache)
    for path in [one for one in cache.rglob("*") if one.is_file()]:
        DAMAGES[name](path)
    Compactor(store, cache).compact("2025-07-24")
    sync_rows(store, cache, rows_difference(store))
    assert list(find_problems(store, tmp_path / "another")) == []


def test_one_damaged_file_is_made_again_and_no_other(store: Store, tmp_path: Path) -> None:
    cache = RowCache(store, tmp_path / "cache")
    [first] = cache.days(Scope(days=("2025-07-22",)))
    kept = Seal.of(first.path)
    [other] = cache.days(Scope(days=("2025-07-23",)))
    bit(other.path)
    assert Seal.of(other.path) != kept
    assert kept.fits(first.path)
    before = first.path.stat().st_ino
    [again] = cache.days(Scope(days=("2025-07-23",)))
    assert (again.path.stat().st_size > 0, first.path.stat().st_ino) == (True, before)
    remove(first.path)
    assert not kept.fits(first.path)
