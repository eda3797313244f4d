"""Naming a build: by version, by alias, as the newest one."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from venvbuild.builds import aliases, builds_ahead, names, undoing
from venvbuild.errors import IntegrityError, NotInStore, RequirementsRefused
from venvbuild.stores import Store, open_store


def test_a_version_names_itself(store: Store) -> None:
    assert names.find(store, version(1)) == version(1)


def test_an_alias_names_the_build_it_was_moved_to(store: Store) -> None:
    aliases.promote(store, put_build(store, 1), "prod")
    put_build(store, 2)
    assert names.find(store, "sales@prod") == version(1)


def test_moves_are_counted_back_and_a_move_back_is_one_too(store: Store) -> None:
    first, second = put_build(store, 1), put_build(store, 2)
    for one in (first, second):
        aliases.promote(store, one, "prod")
    undoing.undo(store, "sales", "prod")
    aliases.promote(store, second, "prod")
    found = [names.find(store, f"sales@prod{back}") for back in ("", "~0", "~1", "~2", "~3")]
    assert found == [second, second, first, second, first]


@pytest.mark.parametrize(("count", "told"), [(1, "once; fix: sales@prod is"), (2, "2 times; fix: sales@prod~1 is")])
def test_more_moves_than_there_were_are_not_found_and_said_how_many_there_are(
    store: Store, count: int, told: str
) -> None:
    for number in range(count):
        aliases.promote(store, put_build(store, number), "prod")
    with pytest.raises(NotInStore, match=f"sales@prod~{count} is before the first move.*it has moved {told} the first"):
        names.find(store, f"sales@prod~{count}")
    assert names.find(store, f"sales@prod~{count - 1}") == version(0)


@pytest.mark.parametrize("back", ["", "x", "-1", "1~1", "+1", " 1", "¹", "9999999999", "\x1b[31m"])
def test_what_is_no_number_of_moves_is_refused_with_one_that_is(store: Store, back: str) -> None:
    aliases.promote(store, put_build(store, 1), "prod")
    aliases.promote(store, put_build(store, 2), "prod")
    with pytest.raises(RequirementsRefused, match="number of moves") as caught:
        names.find(store, f"sales@prod~{back}")
    assert "\x1b" not in str(caught.value)
    [advised] = re.findall(r"write (\S+)", caught.value.problems[0].fix)
    assert names.find(store, advised) == version(1)


def test_the_newest_build_has_no_moves(store: Store) -> None:
    put_build(store, 1)
    put_build(store, 2)
    with pytest.raises(RequirementsRefused, match="venvbuild list --env-name sales --conflict-free"):
        names.find(store, "sales@latest~1")


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


def test_each_environment_is_named_once_whatever_lies_beside_its_builds(store: Store) -> None:
    for number, name in enumerate(("sales", "sales-eu", "sales0", "Sales.v2")):
        put_build(store, number, env_name=name)
    for name in ("sales/é", "sales/~~", "note", "é/x"):
        store.put_if_absent(f"venv-catalog/envs/{name}", b"")
    with pytest.raises(NotInStore, match=r"environments Sales\.v2, sales-eu, sales, sales0[^,]"):
        names.find(store, "nope@latest")


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


def test_a_build_of_a_time_to_come_is_no_latest_and_said(store: Store) -> None:
    late = put_build(store, 10**9)
    with pytest.raises(NotInStore, match=f"{late} is ahead of the clock.*give that version itself: {late}"):
        names.find(store, "sales@latest")
    put_build(store, 1)
    assert names.find(store, "sales@latest") == version(1)
    assert names.find(store, late) == late


def test_where_the_clock_here_is_the_wrong_one_the_store_tells_the_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_build(store, 1)
    newest = put_build(store, int(time.time()) - 1_753_173_000)
    monkeypatch.setattr("venvbuild.builds.ahead.time.time", lambda: 0.0)
    assert names.find(store, "sales@latest") == newest
    assert builds_ahead(store) == ()


def test_latest_and_those_that_name_builds_ahead_ask_the_same_objects_for_the_time(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    early, late = put_build(store, 1), put_build(store, 10**9)
    entry = tmp_path / f"venv-catalog/envs/sales/{late}"
    os.utime(entry, (4 * 10**9, 4 * 10**9))
    assert (names.find(store, "sales@latest"), builds_ahead(store)) == (early, (late,))
    os.utime(entry)
    for path in (tmp_path / "venv-builds" / late).iterdir():
        os.utime(path, (4 * 10**9, 4 * 10**9))
    assert (names.find(store, "sales@latest"), builds_ahead(store)) == (late, ())


def test_a_build_of_tomorrow_is_the_latest(store: Store) -> None:
    put_build(store, 1)
    early = put_build(store, int(time.time()) - 1_753_173_000 + 80_000)
    assert names.find(store, "sales@latest") == early
    late = put_build(store, int(time.time()) - 1_753_173_000 + 2 * 86_400)
    assert (names.find(store, "sales@latest"), builds_ahead(store)) == (early, (late,))


def test_an_entry_or_an_alias_of_another_environments_build_is_refused(store: Store) -> None:
    build = put_build(store, 1, env_name="risk")
    store.put_if_absent(f"venv-catalog/envs/sales/{build}", b"")
    move = {"venv_version": build, "moved_at": "2025-07-22T08:30:01Z", "previous": None}
    store.put_if_absent("venv-catalog/aliases/sales/prod/1.json", json.dumps(move).encode())
    for name in ("sales@latest", "sales@prod"):
        with pytest.raises(IntegrityError, match=f"of another environment; why: {build} is a build of risk"):
            names.find(store, name)


def test_where_a_move_of_before_leads_elsewhere_moving_on_is_not_advised(store: Store) -> None:
    build = put_build(store, 1, env_name="risk")
    move = {"venv_version": build, "moved_at": "2025-07-22T08:30:01Z", "previous": None}
    store.put_if_absent("venv-catalog/aliases/sales/prod/1.json", json.dumps(move).encode())
    aliases.promote(store, put_build(store, 2), "prod")
    with pytest.raises(IntegrityError, match=r"`venvbuild aliases sales@prod --history` shows what else"):
        names.find(store, "sales@prod~1")


@pytest.mark.parametrize("name", ["../x@prod", "@prod", "sales@", "sales@a/b", "sales@..", "latest@prod", "a@b@c"])
def test_a_malformed_name_is_refused_as_a_parameter(store: Store, name: str) -> None:
    with pytest.raises(RequirementsRefused):
        names.find(store, name)


@pytest.mark.parametrize("name", ["", "sales", "venv_1", "\x1b[31m"])
def test_what_is_no_name_of_a_build_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotInStore, match="names no build"):
        names.find(store, name)
