"""What this machine keeps of catalogs: what nobody uses goes, and who asks meanwhile is answered."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from athena import rows
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import all_builds
from athena.questions.binding import statement
from athena.upkeep import local_files
from tests.support.builds import put_build, version
from venvbuild import builds
from venvbuild.files import remove
from venvbuild.stores import Store, open_store

LONG_AGO = 1_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(str(tmp_path / "store"))
    for number in range(3):
        rows.register(store, builds.read(store, put_build(store, number)))
    return store


@pytest.fixture
def cache(store: Store, tmp_path: Path) -> Path:
    """The cache of somebody who asked about days and index."""
    folder = tmp_path / "cache"
    Compactor(store, folder).compact("2025-07-23")
    ask(store, folder)
    return folder


def ask(store: Store, cache: Path) -> list[str]:
    with DuckDB(store, cache) as engine:
        engine.run(statement("package_versions", {"names": ["pip"], "since": None}))
        return [build["venv_version"] for build in all_builds(engine)]


def age(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_what_was_just_used_is_kept_however_few_days_are_asked_for(cache: Path) -> None:
    assert local_files.unused(cache, 0) == []


def test_files_of_days_and_segments_that_nobody_used_go_and_nothing_of_others(store: Store, cache: Path) -> None:
    (cache / "notes.parquet").write_text("")
    (cache / "mine" / "rows").mkdir(parents=True)
    (cache / "mine" / "rows" / "day.parquet").write_text("")
    age(cache)
    found = local_files.unused(cache, 86400)
    assert {path.suffix for path in found} == {".parquet", ".json", ""}
    for path in found:
        remove(path)
    left = {path.relative_to(cache) for path in cache.rglob("*.parquet")}
    assert left == {Path("notes.parquet"), Path("mine/rows/day.parquet")}
    assert ask(store, cache) == [version(2), version(1), version(0)]


def test_what_a_question_uses_counts_as_used(store: Store, cache: Path) -> None:
    age(cache)
    ask(store, cache)
    used = set(local_files.unused(cache, 86400))
    assert used == set()


def test_who_asks_while_files_go_is_answered(store: Store, cache: Path) -> None:
    every = statement("all_builds", {"limit": None})
    with DuckDB(store, cache) as engine:
        first = engine.run(every)
        for path in cache.rglob("*.parquet"):
            path.unlink()
        again = engine.run(replace(every, scope=replace(every.scope, is_as_before=True)))
    assert again == first
    assert len(first.rows) == 3


def test_what_tells_of_bad_rows_goes_with_the_rows_and_never_before(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    row = rows.register(store, builds.read(store, put_build(store, 1)))
    Path(store.url, row).write_text("spoiled")
    folder = tmp_path / "cache"
    ask(store, folder)
    [told] = folder.rglob("rows/*.json")
    os.utime(told, (LONG_AGO, LONG_AGO))
    assert told not in local_files.unused(folder, 0)
    os.utime(told.with_suffix(".parquet"), (LONG_AGO, LONG_AGO))
    found = local_files.unused(folder, 0)
    assert found.index(told) > found.index(told.with_suffix(".parquet"))
    told.with_suffix(".parquet").unlink()
    assert told in local_files.unused(folder, 0)


def test_what_former_versions_kept_goes_when_nobody_uses_it(store: Store, cache: Path) -> None:
    kept, old = (cache / rows.cache_folder_of(store, cache) / day for day in ("2025-07-21", "2025-07-22"))
    for day in (old, kept):
        (day / "packages").mkdir(parents=True)
        for name in ("a-b.parquet", "a-b.unread", "packages/a-b.parquet"):
            (day / name).write_text("")
    age(old)
    found = local_files.unused(cache, 86400)
    assert [path.relative_to(old).as_posix() for path in found] == ["a-b.parquet", "packages/a-b.parquet", "a-b.unread"]
    rows.register(store, builds.read(store, put_build(store, 86400)))
    ask(store, cache)
    assert not old.exists()
    assert len([*kept.rglob("a-b.*")]) == 3
