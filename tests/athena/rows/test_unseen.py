"""Builds without rows, seen at a glance, on a folder and on two S3 servers."""

from __future__ import annotations

from athena.rows import register, unseen_build
from tests.support.builds import put_build
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.scripted import put_scripted
from venvbuild import builds
from venvbuild.stores import Store


def test_one_of_the_builds_that_are_older_than_the_catalog_is_named(store: Store) -> None:
    assert unseen_build(store) is None
    for number in (1, 2):
        register(store, builds.read(store, put_build(store, number)))
    old = [put_scripted(store, f"venv_2025010{day}_163000") for day in (1, 2)]
    for one in old:
        found = unseen_build(store)
        assert found
        assert (found.what, found.rule) == (f"{one} has no row", "NO_ROW")
        register(store, builds.read_any(store, one))
    assert unseen_build(store) is None


def test_none_that_can_have_no_row_is_named(store: Store) -> None:
    put_build(store, 0, is_committed=False)
    put_scripted(store, "venv_20250101_163000", is_conflict_free="yes")
    put_scripted(store, "venv_20250101_163000_b")
    assert unseen_build(store) is None
