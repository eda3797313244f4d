"""Naming a build: by version, by alias, as the newest one."""

from __future__ import annotations

import pytest

from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from venvbuild.builds import aliases, names
from venvbuild.errors import NotInStore, RequirementsRefused
from venvbuild.stores import Store


def test_a_version_names_itself(store: Store) -> None:
    assert names.find(store, version(1)) == version(1)


def test_an_alias_names_the_build_it_was_moved_to(store: Store) -> None:
    aliases.promote(store, put_build(store, 1), "prod")
    put_build(store, 2)
    assert names.find(store, "sales@prod") == version(1)


def test_latest_is_the_newest_committed_conflict_free_build_of_that_environment(store: Store) -> None:
    put_build(store, 1)
    put_build(store, 2)
    put_build(store, 3, is_conflict_free=False, conflicts=["a 1 needs b, b is missing"])
    put_build(store, 4, is_committed=False)
    put_build(store, 5, env_name="sales-eu")
    assert names.find(store, "sales@latest") == version(2)


def test_an_environment_that_is_not_there_is_answered_with_those_that_are(store: Store) -> None:
    for number, name in enumerate(("sales", "sales-eu", "sales", "risk")):
        put_build(store, number, env_name=name)
    with pytest.raises(NotInStore, match="environments risk, sales-eu, sales") as caught:
        names.find(store, "nope@latest")
    assert caught.value.problems[0].rule == "NO_SUCH_BUILD"


def test_an_alias_that_is_not_there_is_answered_with_those_that_are(store: Store) -> None:
    aliases.promote(store, put_build(store, 1), "prod")
    with pytest.raises(NotInStore, match="aliases sales@prod"):
        names.find(store, "sales@test")


def test_in_an_empty_store_there_is_nothing_and_that_is_said(store: Store) -> None:
    with pytest.raises(NotInStore, match="there are no environments"):
        names.find(store, "sales@latest")


def test_only_builds_with_conflicts_are_no_latest(store: Store) -> None:
    put_build(store, 1, is_conflict_free=False, conflicts=["a 1 needs b, b is missing"])
    with pytest.raises(NotInStore, match="no conflict-free build"):
        names.find(store, "sales@latest")


@pytest.mark.parametrize("name", ["../x@prod", "@prod", "sales@", "sales@a/b", "sales@..", "latest@prod", "a@b@c"])
def test_a_malformed_name_is_refused_as_a_parameter(store: Store, name: str) -> None:
    with pytest.raises(RequirementsRefused):
        names.find(store, name)


@pytest.mark.parametrize("name", ["", "sales", "venv_1", "\x1b[31m"])
def test_what_is_no_name_of_a_build_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotInStore, match="names no build"):
        names.find(store, name)
