"""Movable names: numbered moves, none lost, none overwritten, on a folder and on two S3 servers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.places import Place
from tests.support.scripted import VERSION, put_scripted, put_whole
from tests.support.sizes import HEAVY, sizes
from venvbuild.builds import aliases, names, undoing
from venvbuild.errors import IntegrityError, NotInStore, RequirementsRefused, UsageError
from venvbuild.stores import Store, open_store

_RIVAL = """
import sys
from venvbuild import builds
from venvbuild.stores import open_store
store = open_store(sys.argv[1], endpoint_url=sys.argv[2] or None)
print("ready", flush=True)
sys.stdin.readline()
builds.promote(store, sys.argv[3], "prod")
"""


def test_an_alias_points_where_it_was_moved_last_and_its_history_stays(store: Store) -> None:
    first, second = put_build(store, 1), put_build(store, 2)
    aliases.promote(store, first, "prod", clock=lambda: 0)
    aliases.promote(store, second, "prod", clock=lambda: 60)
    moves = aliases.history(store, "sales", "prod")
    assert [(move.number, move.venv_version, move.previous) for move in moves] == [(1, first, None), (2, second, first)]
    assert [move.moved_at for move in moves] == ["1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z"]
    assert aliases.current_move(store, "sales", "prod") == moves[1]


def test_the_eleventh_move_counts_more_than_the_ninth(store: Store) -> None:
    for number in range(1, 12):
        put_build(store, number)
        aliases.promote(store, version(number), "prod")
    current = aliases.current_move(store, "sales", "prod")
    assert current
    assert (current.number, current.venv_version) == (11, version(11))


@HEAVY
@pytest.mark.parametrize("count", sizes(4, 8))
def test_processes_moving_one_alias_make_one_history_without_gaps(place: Place, count: int) -> None:
    store = place.open()
    versions = [put_build(store, number) for number in range(count)]
    command = [sys.executable, "-c", _RIVAL, place.url, place.endpoint_url or ""]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    rivals = [subprocess.Popen([*command, one], **pipes) for one in versions]  # type: ignore[call-overload]
    assert [rival.stdout.readline() for rival in rivals] == ["ready\n"] * count
    for rival in rivals:
        rival.stdin.write("go\n")
        rival.stdin.flush()
    for rival in rivals:
        rival.communicate(timeout=120)
    assert [rival.returncode for rival in rivals] == [0] * count
    moves = aliases.history(store, "sales", "prod")
    assert [move.number for move in moves] == list(range(1, count + 1))
    assert sorted(move.venv_version for move in moves) == versions
    assert [move.previous for move in moves] == [None, *(move.venv_version for move in moves[:-1])]


class Beaten:
    """A store in which somebody else is always first, once."""

    def __init__(self, store: Store, rival: str) -> None:
        self._store, self._rival = store, rival

    def put_if_absent(self, key: str, body: bytes) -> bool:
        if self._rival:
            rival, self._rival = self._rival, ""
            aliases.promote(self._store, rival, "prod")
        return self._store.put_if_absent(key, body)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_who_comes_second_moves_it_on_from_where_the_first_left_it(store: Store) -> None:
    first, second = put_build(store, 1), put_build(store, 2)
    move = aliases.promote(Beaten(store, first), second, "prod")  # type: ignore[arg-type]
    assert (move.number, move.previous) == (2, first)
    assert [one.venv_version for one in aliases.history(store, "sales", "prod")] == [first, second]


def test_promoting_again_what_is_already_promoted_moves_nothing(store: Store) -> None:
    move = aliases.promote(store, put_build(store, 1), "prod")
    assert aliases.promote(store, version(1), "prod") == move
    assert aliases.history(store, "sales", "prod") == (move,)


def test_an_alias_belongs_to_the_environment_of_the_build(store: Store) -> None:
    put_build(store, 1, env_name="sales")
    put_build(store, 2, env_name="sales-eu")
    aliases.promote(store, version(1), "prod")
    aliases.promote(store, version(2), "prod")
    aliases.promote(store, version(2), "test")
    found = [(move.env_name, move.alias, move.venv_version) for move in current(store)]
    assert found == [("sales", "prod", version(1)), ("sales-eu", "prod", version(2)), ("sales-eu", "test", version(2))]
    assert [move.env_name for move in current(store, "sales")] == ["sales"]


def current(store: Store, env_name: str | None = None) -> list[aliases.Move]:
    """What counts, of an environment or of all; nothing is damaged."""
    found = aliases.moves_back(store, env_name, None, is_whole=False, damaged=lambda error: pytest.fail(str(error)))
    return [move for _, move in found]


def test_one_damaged_record_is_one_damaged_record(store: Store) -> None:
    for number in (1, 2, 3, 1):
        aliases.promote(store, put_build(store, number) if number < 4 else version(1), "prod")
    store.remove("venv-catalog/aliases/sales/prod/2.json")
    store.put_if_absent("venv-catalog/aliases/sales/prod/2.json", b"")
    damaged: list[IntegrityError] = []
    found = list(aliases.moves_back(store, "sales", "prod", is_whole=True, damaged=damaged.append))
    assert [(back, move.number) for back, move in found] == [(0, 4), (1, 3), (3, 1)]
    assert [error.problems[0].where for error in damaged] == [store.uri("venv-catalog/aliases/sales/prod/2.json")]
    with pytest.raises(NotInStore, match="aliases sales@prod"):  # whose record need not be read for it
        aliases.move_before(store, "sales", "test", 0)


@pytest.mark.parametrize("alias", ["", "latest", "a/b", "..", "venv_20250722_083000", "x" * 65, "con", "prod\n"])
def test_a_name_that_cannot_be_an_alias_is_refused(store: Store, alias: str) -> None:
    put_build(store, 1)
    with pytest.raises(RequirementsRefused):
        aliases.promote(store, version(1), alias)
    assert list(store.list("venv-catalog/aliases/")) == []


def test_a_build_that_was_never_committed_cannot_be_promoted(store: Store) -> None:
    with pytest.raises(NotInStore, match=version(1)):
        aliases.promote(store, put_build(store, 1, is_committed=False), "prod")
    assert list(store.list("venv-catalog/aliases/")) == []


@pytest.mark.parametrize("name", ["archive_index.json", "VERSION.tar.gz"])
def test_a_build_that_nobody_can_restore_cannot_be_promoted(store: Store, name: str) -> None:
    name = name.replace("VERSION", version(1))
    put_build(store, 1, {"requirements.txt": b"", "archive_index.json": b"{}", f"{version(1)}.tar.gz": b"x"})
    store.remove(f"venv-builds/{version(1)}/{name}")
    with pytest.raises(NotInStore, match=f"cannot be restored: its {name} is gone"):
        aliases.promote(store, version(1), "prod")
    assert list(store.list("venv-catalog/aliases/")) == []


def test_a_build_that_a_script_made_is_promoted_as_one_of_the_environment_that_is_named(store: Store) -> None:
    scripted = put_whole(store)
    with pytest.raises(UsageError, match="of no environment") as caught:
        aliases.promote(store, scripted, "prod")
    flag, _ = caught.value.problems[0].fix.rpartition(": ")[2].split()
    assert flag == "--env-name"
    move = aliases.promote(store, scripted, "prod", env_name="risk")
    assert (move.name, move.venv_version) == ("risk@prod", scripted)
    assert names.find(store, "risk@prod") == scripted
    with pytest.raises(RequirementsRefused):
        aliases.promote(store, scripted, "prod", env_name="../x")


def test_one_that_has_no_archive_cannot_be_promoted(store: Store) -> None:
    with pytest.raises(NotInStore, match=f"its {VERSION}.tar.gz is gone"):
        aliases.promote(store, put_scripted(store), "prod", env_name="risk")


def test_no_other_environment_than_its_own_gets_an_alias_of_a_build(store: Store) -> None:
    put_build(store, 1)
    with pytest.raises(UsageError, match=r"a build of sales, not of risk.*leave it out"):
        aliases.promote(store, version(1), "prod", env_name="risk")
    assert list(store.list("venv-catalog/aliases/")) == []
    assert aliases.promote(store, version(1), "prod", env_name="sales") == aliases.promote(store, version(1), "prod")


GOOD = {"venv_version": version(1), "moved_at": "2025-07-22T08:30:00Z", "previous": None}
WRONG: tuple[dict[str, object], ...] = (
    {"venv_version": "../x"},
    {"venv_version": 1},
    {"previous": "../x"},
    {"previous": ""},
    {"previous": version(0)},
    {"is_undo": "yes"},
    {"is_undo": True},
    {"moved_at": "\x1b[31m"},
    {"moved_at": None},
    {"moved_at": "9999-99-99T99:99:99Z"},
)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"[" * 100_000, b" " * 16_000_001, *(json.dumps({**GOOD, **wrong}).encode() for wrong in WRONG)],
    ids=lambda body: f"{len(body)} bytes {body[:60]!r}",
)
def test_a_damaged_record_is_an_integrity_error_and_named(store: Store, body: bytes) -> None:
    store.put_if_absent("venv-catalog/aliases/sales/prod/1.json", body)
    with pytest.raises(IntegrityError, match=r"prod/1\.json"):
        aliases.current_move(store, "sales", "prod")


def test_what_is_said_of_a_damaged_record_helps(store: Store) -> None:
    place = "venv-catalog/aliases/sales/prod"
    for number in (1, 2, 3):
        aliases.promote(store, put_build(store, number), "prod")
    kept = store.read(f"{place}/2.json").body
    for number in (2, 3):
        store.remove(f"{place}/{number}.json")
        store.put_if_absent(f"{place}/{number}.json", b"{}")
    of_the_second, of_the_last = aliases.alias_problems(store)
    # without it the third would be one whose move before is lost
    assert of_the_second.fix.startswith("restore the object from a backup, or give up its history: ")
    assert of_the_last.fix == "restore the object from a backup, or remove it and move the alias again"
    store.remove(f"{place}/2.json")
    store.put_if_absent(f"{place}/2.json", kept)
    store.remove(f"{place}/3.json")
    aliases.promote(store, version(1), "prod")
    assert list(aliases.alias_problems(store)) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param({"is_undo": True}, f"took that one back, which was from {version(1)}", id="no undo"),
        pytest.param({"previous": version(1)}, f"named {version(1)}, and the one before {version(2)}", id="before"),
    ],
)
def test_a_move_that_does_not_follow_the_one_before_is_told_and_not_taken_back(
    store: Store, change: dict[str, Any], what: str
) -> None:
    for number in (1, 2, 3):
        aliases.promote(store, put_build(store, number), "prod")
    key = "venv-catalog/aliases/sales/prod/3.json"
    changed = {**json.loads(store.read(key).body), **change}
    store.remove(key)
    store.put_if_absent(key, json.dumps(changed).encode())
    (problem,) = aliases.alias_problems(store)
    assert (problem.where, problem.rule, what in problem.why) == (store.uri(key), "BAD_ALIAS", True)
    with pytest.raises(IntegrityError, match="--history`, and name the build: venvbuild promote BUILD prod"):
        undoing.undo(store, "sales", "prod")


@pytest.mark.parametrize(
    ("env_name", "alias"), [("Sales.v2", "prod"), ("sales", "Prod"), ("sales", "v1.2"), ("todo", "prod")]
)
def test_what_stands_in_the_place_of_a_folder_is_told_and_a_note_is_none(
    tmp_path: Path, env_name: str, alias: str
) -> None:
    store = open_store(str(tmp_path))
    aliases.promote(store, put_build(store, 1, env_name=env_name), alias)
    root = tmp_path / "venv-catalog/aliases"
    notes = ("README", "notes.txt", "Makefile", "history.backup", "notes", "prod.json.bak", "prod.2026-01-01")
    for note in (*notes, "Thumbs.db", "COPYING", "README.1st", "SHA256SUMS", "prod.json.swp", "core.12345"):
        (root / note).write_text("x")
        (root / env_name / note).write_text("x")
    assert [move.name for move in current(store)] == [f"{env_name}@{alias}"]
    for folder in (root / env_name / alias, root / env_name):
        shutil.rmtree(folder)
        folder.write_text("x")
        assert [problem.where for problem in aliases.alias_problems(store)] == [folder.as_uri()]
        damaged: list[IntegrityError] = []
        assert list(aliases.moves_back(store, None, None, is_whole=False, damaged=damaged.append)) == []
        assert "move this elsewhere" in str(damaged[0])
        folder.unlink()
        folder.mkdir()


def test_of_an_alias_that_is_named_another_one_says_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    aliases.promote(store, put_build(store, 1), "prod")
    (tmp_path / "venv-catalog/aliases/sales/other").write_text("x")
    [(_, move)] = aliases.moves_back(store, "sales", "prod", is_whole=True, damaged=lambda one: pytest.fail(str(one)))
    assert move.venv_version == version(1)


def test_a_changed_metadata_is_no_fault_of_the_alias_or_the_entry(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    aliases.promote(store, put_build(store, 1), "prod")
    folder = tmp_path / "venv-builds" / version(1)
    kept = (folder / "metadata.json").read_text()
    (folder / "metadata.json").write_text(kept.replace('"env_name": "sales"', '"env_name": "other"'))
    told = "env_name is other, and by claim.json it is sales"
    for name in ("sales@prod", "sales@latest"):
        with pytest.raises(IntegrityError, match=rf"metadata\.json: {told}; fix: restore it from a backup"):
            names.find(store, name)
    assert [(problem.what, problem.rule) for problem in aliases.alias_problems(store)] == [(told, "DAMAGED")]
    (folder / "claim.json").write_text("")
    for name in ("sales@prod", "sales@latest"):
        with pytest.raises(IntegrityError, match=r"claim\.json: it is not as it was.*restore it from a backup"):
            names.find(store, name)


def test_what_is_no_move_is_passed_over(store: Store) -> None:
    aliases.promote(store, put_build(store, 1), "prod")
    for name in ("02.json", "9.txt", "x.json", "0.json"):
        store.put_if_absent(f"venv-catalog/aliases/sales/prod/{name}", b"")
    assert [move.number for move in aliases.history(store, "sales", "prod")] == [1]


def test_a_move_is_stored_as_the_contract_says(store: Store) -> None:
    aliases.promote(store, put_build(store, 1), "prod", clock=lambda: 0)
    stored = json.loads(store.read("venv-catalog/aliases/sales/prod/1.json").body)
    assert stored == {"venv_version": version(1), "moved_at": "1970-01-01T00:00:00Z", "previous": None}


def test_a_record_of_before_there_was_an_undo_is_read(store: Store) -> None:
    store.put_if_absent("venv-catalog/aliases/sales/prod/1.json", json.dumps(GOOD).encode())
    move = aliases.current_move(store, "sales", "prod")
    assert move
    assert (move.venv_version, move.moved_at, move.is_undo) == (version(1), "2025-07-22T08:30:00Z", False)


def test_a_number_of_any_length_counts(store: Store) -> None:
    first, second, third = (put_build(store, number) for number in range(3))
    aliases.promote(store, first, "prod")
    for number, build in ((999_999_999, first), (1_000_000_000, second), (10**100, third)):
        move = {"venv_version": build, "moved_at": "2025-07-22T08:30:01Z", "previous": first}
        store.put_if_absent(f"venv-catalog/aliases/sales/prod/{number}.json", json.dumps(move).encode())
        assert names.find(store, "sales@prod") == build
    assert aliases.promote(store, first, "prod").number == 10**100 + 1
