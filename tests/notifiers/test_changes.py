"""What changed since the last good build, and what is said where that cannot be known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.builds import put_build
from tests.support.outcomes import made_up
from venvbuild import builds
from venvbuild.builds import places
from venvbuild.notifiers.changes import Changes, changes_since_last_good, differences
from venvbuild.stores import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def test_pins_are_compared_with_those_of_the_last_good_build(store: Store) -> None:
    put_build(store, 1, {"requirements.txt": b"needy==0.9\ngone==1.0\n"})
    good = put_build(store, 2, {"requirements.txt": b"needy==0.9\n"})
    put_build(store, 3, is_conflict_free=False)
    put_build(store, 4, is_committed=False)
    assert changes_since_last_good(made_up(), store) == Changes(good, ("needy 0.9 -> 1.0", "+ other 2.0"))


def test_without_a_good_build_there_is_nothing_to_tell(store: Store) -> None:
    assert changes_since_last_good(made_up(), store) is None
    put_build(store, 1, is_conflict_free=False)
    assert changes_since_last_good(made_up(), store) is None


@pytest.mark.parametrize("body", [b"needy==0.8\n", b"", b"\xff\xfe", b"needy>=1\n"])
def test_a_damaged_file_of_the_last_good_build_is_not_believed(tmp_path: Path, store: Store, body: bytes) -> None:
    good = put_build(store, 2, {"requirements.txt": b"needy==0.9\n"})
    (tmp_path / "store" / builds.key(good, places.REQUIREMENTS)).write_bytes(body)
    found = changes_since_last_good(made_up(), store)
    assert found is not None
    assert (found.since, found.lines) == (good, ())
    assert found.unknown.endswith("requirements.txt is not the one that metadata.json names")


def test_a_file_that_is_gone_or_refused_today_cannot_be_told(tmp_path: Path, store: Store) -> None:
    refused = put_build(store, 2, {"requirements.txt": b"needy>=0.9\n"})
    found = changes_since_last_good(made_up(), store)
    assert found is not None
    assert (found.since, found.lines) == (refused, ())
    assert found.unknown.startswith("requirements.txt:1: ")
    gone = put_build(store, 3)
    (tmp_path / "store" / builds.key(gone, places.REQUIREMENTS)).unlink()
    found = changes_since_last_good(made_up(), store)
    assert found is not None
    assert (found.since, found.lines) == (gone, ())
    assert gone in found.unknown


@pytest.mark.parametrize("body", ["{", json.dumps({"venv_version": 1})])
def test_where_metadata_is_damaged_the_last_good_build_cannot_be_named(tmp_path: Path, store: Store, body: str) -> None:
    put_build(store, 1)
    damaged = put_build(store, 2)
    (tmp_path / "store" / builds.key(damaged, places.METADATA)).write_text(body)
    found = changes_since_last_good(made_up(), store)
    assert found is not None
    assert (found.since, found.lines) == ("", ())
    assert "the metadata is" in found.unknown


def test_pins_that_differ_are_told_by_name() -> None:
    before, now = {"a": "1", "b": "1", "c": "1"}, {"a": "2", "c": "1", "d": "3"}
    assert list(differences(before, now)) == ["a 1 -> 2", "- b 1", "+ d 3"]
