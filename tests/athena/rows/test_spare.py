"""A cache that cannot be written is read as far as it can be, and questions are answered all the same."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import Search, all_builds, find, parse_packages
from athena.rows import register, spare
from benchmarks import catalog
from tests.athena.rows.test_cache import Counting
from tests.support.requirement import require
from tests.support.users import NOBODY, require_open_clone
from venvbuild import errors
from venvbuild.errors import UsageError
from venvbuild.stores import Store, open_store


@pytest.fixture
def place(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that everybody may come to, on a machine where everybody has room for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")
    return open_folder


@pytest.fixture
def filled(place: Path) -> Iterator[Counting]:
    """A store of 60 rows: those of the first day are in its index."""
    store = open_store(str(place / "store"))
    catalog.write(place / "store", catalog.builds(60))
    Compactor(store, place / "of the compactor").compact("2025-07-02")
    yield Counting(store)
    if spare._spare.cache_info().currsize:
        spare._spare().cleanup()
        spare._spare.cache_clear()


def read_again(store: Counting) -> list[str]:
    """What was read of rows and of the index's files since this was asked last."""
    found = [key for key in store.read_keys if "/dt=" in key or key.endswith(".parquet")]
    store.read_keys.clear()
    return found


def asked(store: Store, folder: Path) -> tuple[list[str], list[str]]:
    with DuckDB(store, folder) as engine:
        listed = [str(one["venv_version"]) for one in all_builds(engine)]
        found = find(engine, Search(parse_packages(["numpy"])))[0]
        return listed, [str(one["venv_version"]) for one in found]


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """On a mount of its own."""
    for options in (["--bind"], ["-o", "remount,bind,ro"]):
        done = subprocess.run(["mount", *options, folder, folder], capture_output=True, check=False)
        require(done.returncode == 0, "a folder cannot be mounted read-only here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def of_root(folder: Path) -> Iterator[None]:
    """While we are nobody."""
    require(os.geteuid() == 0, "only root can become somebody who has no rights")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    require_open_clone()
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """So that nobody may even look into what is there."""
    for path in folder.iterdir():
        path.chmod(0o700)
    with of_root(folder / "absent"):
        yield


@contextmanager
def a_file(folder: Path) -> Iterator[None]:
    """In its place."""
    folder.rename(folder.with_name("moved"))
    folder.write_text("in the way")
    yield


@pytest.mark.parametrize("is_warm", [False, True], ids=["empty", "filled"])
@pytest.mark.parametrize("made", [read_only, of_root, closed, a_file])
def test_questions_are_answered_with_a_cache_that_cannot_be_written(
    filled: Counting, place: Path, made: Callable[[Path], AbstractContextManager[None]], is_warm: bool
) -> None:
    folder = place / "cache"
    folder.mkdir()
    expected = asked(filled, place / "another")
    assert len(expected[0]) == 60
    assert len(expected[1]) > 10
    if is_warm:
        asked(filled, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    read_again(filled)
    with made(folder):
        assert asked(filled, folder) == expected
        assert bool(read_again(filled)) is not (is_warm and made in (read_only, of_root))
        assert asked(filled, folder) == expected
        assert not read_again(filled), "what was fetched is kept as long as this process lives"
    if made is not a_file:
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_new_row_joins_what_a_read_only_cache_has(filled: Counting, place: Path) -> None:
    folder = place / "cache"
    folder.mkdir()
    asked(filled, folder)
    *_, last = catalog.builds(61)
    register(filled, last)
    read_again(filled)
    with read_only(folder):
        assert asked(filled, folder)[0][0] == last["venv_version"]
    assert len(read_again(filled)) == 1


def test_a_cache_without_room_for_files_is_told(filled: Counting, few_inodes: Callable[[int], Path]) -> None:
    for count in (2, 5, 8):
        folder = few_inodes(count)
        with pytest.raises(OSError, match="No space left") as failed:
            asked(filled, folder)
        told = errors.of_disk(failed.value)
        assert told
        assert "no inodes left" in told.problems[0].what
        subprocess.run(["umount", folder], check=True)


def test_where_there_is_no_temporary_folder_either_both_are_named(
    filled: Counting, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    (place / "cache").write_text("in the way")
    monkeypatch.setattr("tempfile.TemporaryDirectory", none)
    with pytest.raises(UsageError, match="neither the cache nor a temporary folder") as refused:
        asked(filled, place / "cache")
    assert refused.value.problems[0].fix == "set XDG_CACHE_HOME or TMPDIR to a folder that can be written"
