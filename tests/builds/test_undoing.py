"""The last move of an alias, taken back, on a folder and on two S3 servers."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

import pytest

from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.scripted import put_whole
from venvbuild.builds import aliases, names, undoing
from venvbuild.errors import IntegrityError, NotInStore, RequirementsRefused, UsageError, VenvBuildError
from venvbuild.stores import Store


@pytest.fixture
def moved(store: Store) -> Store:
    """Three builds, and `sales@prod` has been moved to each."""
    for number in (1, 2, 3):
        archive = {f"{version(number)}.tar.gz": b"x", "archive_index.json": b"{}"}
        aliases.promote(store, put_build(store, number, archive), "prod")
    return store


def follow(store: Store, command: str) -> None:
    """What a fix advises, done to the letter."""
    words = shlex.split(command)
    assert words[:2] == ["venvbuild", "promote"]
    if words[2] == "--undo":
        undoing.undo(store, *words[3].split("@"))
    else:
        env_name = dict(zip(words[4::2], words[5::2], strict=True)).get("--env-name")
        aliases.promote(store, names.find(store, words[2]), words[3], env_name=env_name)


def advised(error: VenvBuildError) -> list[str]:
    """The commands in its fix that move an alias to a build that it names."""
    return re.findall(r"venvbuild promote (?:--undo \S+@\w+|venv_\w+ \w+(?: --env-name \w+)?)", error.problems[0].fix)


def named(store: Store) -> str:
    return names.find(store, "sales@prod")


def test_it_is_a_move_of_its_own_to_the_build_before(moved: Store) -> None:
    before = aliases.history(moved, "sales", "prod")
    move = undoing.undo(moved, "sales", "prod", clock=lambda: 0)
    assert (move.number, move.venv_version, move.previous) == (4, version(2), version(3))
    assert aliases.history(moved, "sales", "prod") == (*before, move)
    assert named(moved) == version(2)
    stored = json.loads(moved.read("venv-catalog/aliases/sales/prod/4.json").body)
    assert stored == {
        "venv_version": version(2),
        "moved_at": "1970-01-01T00:00:00Z",
        "previous": version(3),
        "is_undo": True,
    }


def test_done_again_it_moves_nothing_and_names_both_ways_on(moved: Store) -> None:
    undoing.undo(moved, "sales", "prod")
    with pytest.raises(
        UsageError, match=f"taken back already, at .*: it names {version(2)}.*yours to decide"
    ) as caught:
        undoing.undo(moved, "sales", "prod")
    assert len(aliases.history(moved, "sales", "prod")) == 4
    back, forth = advised(caught.value)
    follow(moved, back)
    assert named(moved) == version(1)
    follow(moved, forth)
    assert named(moved) == version(3)


def test_an_old_record_that_is_damaged_only_leads_nowhere(moved: Store) -> None:
    undoing.undo(moved, "sales", "prod")
    moved.remove("venv-catalog/aliases/sales/prod/1.json")
    moved.put_if_absent("venv-catalog/aliases/sales/prod/1.json", b"{}")
    with pytest.raises(UsageError, match="taken back already") as caught:
        undoing.undo(moved, "sales", "prod")
    [forth] = advised(caught.value)
    follow(moved, forth)
    assert named(moved) == version(3)


def test_no_way_on_is_named_that_leads_to_a_build_that_is_gone(moved: Store) -> None:
    undoing.undo(moved, "sales", "prod")
    remove(moved, 1, "metadata.json")
    remove(moved, 3, "VERSION.tar.gz")
    with pytest.raises(UsageError, match="venvbuild list --env-name sales") as caught:
        undoing.undo(moved, "sales", "prod")
    assert advised(caught.value) == []


def test_where_there_is_nothing_before_it_only_the_way_forth_is_named(store: Store) -> None:
    for number in (1, 2):
        aliases.promote(store, put_build(store, number), "prod")
    undoing.undo(store, "sales", "prod")
    with pytest.raises(UsageError, match="taken back already") as caught:
        undoing.undo(store, "sales", "prod")
    [forth] = advised(caught.value)
    follow(store, forth)
    assert named(store) == version(2)


def test_builds_that_scripts_made_are_gone_back_to_and_named_with_the_environment(store: Store) -> None:
    scripted = [put_whole(store, f"venv_2024010{day}_163000") for day in (1, 2)]
    for one in scripted:
        aliases.promote(store, one, "prod", env_name="sales")
    aliases.promote(store, put_build(store, 3), "prod")
    assert undoing.undo(store, "sales", "prod").venv_version == scripted[1]
    with pytest.raises(UsageError, match="taken back already") as caught:
        undoing.undo(store, "sales", "prod")
    back, forth = advised(caught.value)
    assert (back.endswith(" --env-name sales"), forth.endswith(" prod")) == (True, True)
    for command, wanted in ((forth, version(3)), (back, scripted[0])):
        follow(store, command)
        assert named(store) == wanted


def test_a_move_after_it_can_be_taken_back_too(moved: Store) -> None:
    undoing.undo(moved, "sales", "prod")
    aliases.promote(moved, version(3), "prod")
    assert undoing.undo(moved, "sales", "prod").venv_version == version(2)


def test_an_alias_that_has_moved_once_has_nothing_to_go_back_to(store: Store) -> None:
    aliases.promote(store, put_build(store, 1), "prod")
    with pytest.raises(NotInStore, match="moved once only"):
        undoing.undo(store, "sales", "prod")
    assert named(store) == version(1)


def test_an_alias_that_is_not_there_is_answered_with_those_that_are(moved: Store) -> None:
    with pytest.raises(NotInStore, match="aliases sales@prod"):
        undoing.undo(moved, "sales", "test")


@pytest.mark.parametrize(
    ("env_name", "alias"), [("../x", "prod"), ("sales", "latest"), ("sales", "prod~1"), ("sales", "")]
)
def test_what_cannot_be_an_alias_is_refused(moved: Store, env_name: str, alias: str) -> None:
    with pytest.raises(RequirementsRefused):
        undoing.undo(moved, env_name, alias)


def remove(store: Store, number: int, name: str) -> None:
    store.remove(f"venv-builds/{version(number)}/{name.replace('VERSION', version(number))}")


@pytest.mark.parametrize("name", ["metadata.json", "VERSION.tar.gz", "archive_index.json"])
def test_it_never_goes_back_to_a_build_that_is_gone_and_names_the_one_before(moved: Store, name: str) -> None:
    remove(moved, 2, name)
    with pytest.raises(NotInStore, match=f"cannot go back to {version(2)}.*if that will do") as caught:
        undoing.undo(moved, "sales", "prod")
    assert named(moved) == version(3)
    [command] = advised(caught.value)
    follow(moved, command)
    assert named(moved) == version(1)


def test_where_no_build_is_left_it_says_so(moved: Store) -> None:
    for number in (1, 2):
        remove(moved, number, "metadata.json")
    with pytest.raises(NotInStore, match=r"no build that it named before can be got.*venvbuild list --env-name sales"):
        undoing.undo(moved, "sales", "prod")


def test_the_bad_build_may_be_gone_already(moved: Store) -> None:
    remove(moved, 3, "metadata.json")
    assert undoing.undo(moved, "sales", "prod").venv_version == version(2)


def test_of_a_work_dir_only_the_move_to_its_build_is_taken_back(moved: Store) -> None:
    with pytest.raises(UsageError, match=f"does not name {version(1)}, but {version(3)}") as caught:
        undoing.undo(moved, "sales", "prod", only_from=version(1))
    assert named(moved) == version(3)
    assert undoing.undo(moved, "sales", "prod", only_from=version(3)).venv_version == version(2)
    assert advised(caught.value) == ["venvbuild promote --undo sales@prod"]


class Beaten:
    """A store in which somebody else does something first, once."""

    def __init__(self, store: Store, rival: Callable[[], object]) -> None:
        self._store, self._rivals = store, [rival]

    def put_if_absent(self, key: str, body: bytes) -> bool:
        while self._rivals:
            self._rivals.pop()()
        return self._store.put_if_absent(key, body)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_two_who_take_it_back_at_once_take_back_one_move(moved: Store) -> None:
    rival = Beaten(moved, lambda: undoing.undo(moved, "sales", "prod", clock=lambda: 0))
    move = undoing.undo(rival, "sales", "prod")  # type: ignore[arg-type]
    assert (move.number, move.venv_version, move.moved_at) == (4, version(2), "1970-01-01T00:00:00Z")
    assert len(aliases.history(moved, "sales", "prod")) == 4


def test_what_somebody_else_has_moved_meanwhile_is_not_taken_back(moved: Store) -> None:
    put_build(moved, 4)
    rival = Beaten(moved, lambda: aliases.promote(moved, version(4), "prod"))
    with pytest.raises(UsageError, match=f"meanwhile, to {version(4)}.*venvbuild aliases sales@prod --history"):
        undoing.undo(rival, "sales", "prod")  # type: ignore[arg-type]
    assert named(moved) == version(4)


def test_it_does_not_go_back_to_a_build_of_another_environment(moved: Store) -> None:
    archive = {f"{version(4)}.tar.gz": b"x", "archive_index.json": b"{}"}
    other = put_build(moved, 4, archive, env_name="risk")
    for number, build, before in ((4, other, version(3)), (5, version(1), other)):
        move = {"venv_version": build, "moved_at": "2025-07-22T08:30:09Z", "previous": before}
        moved.put_if_absent(f"venv-catalog/aliases/sales/prod/{number}.json", json.dumps(move).encode())
    with pytest.raises(IntegrityError, match=f"another environment; why: {other} is a build of risk") as caught:
        undoing.undo(moved, "sales", "prod")
    assert named(moved) == version(1)
    [command] = advised(caught.value)
    assert command.startswith(f"venvbuild promote {version(3)} prod")


def test_no_way_on_is_named_that_moves_the_alias_of_another_environment(store: Store) -> None:
    archives = [{f"{version(number)}.tar.gz": b"x", "archive_index.json": b"{}"} for number in range(5)]
    aliases.promote(store, put_build(store, 1, archives[1]), "prod")
    foreign = put_build(store, 2, archives[2], env_name="risk")
    move = {"venv_version": foreign, "moved_at": "2026-11-21T06:30:00Z", "previous": version(1)}
    store.put_if_absent("venv-catalog/aliases/sales/prod/2.json", json.dumps(move).encode())
    for number in (3, 4):
        aliases.promote(store, put_build(store, number, archives[number]), "prod")
    undoing.undo(store, "sales", "prod")
    with pytest.raises(UsageError, match="taken back already") as caught:
        undoing.undo(store, "sales", "prod")
    assert [command.split()[2] for command in advised(caught.value)] == [version(1), version(4)]
    assert f"--store {shlex.quote(store.url)}" in caught.value.problems[0].fix
