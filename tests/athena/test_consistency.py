"""The table against what it should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from athena import table
from athena.consistency import find_problems
from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.tool import Tool
from venvbuild import metadata
from venvbuild.stores import Store, open_store


def registered(store: Store, number: int) -> str:
    return table.register(store, metadata.read(store, put_build(store, number)))


def rules(store: Store) -> list[tuple[str, str]]:
    return [(problem.rule, problem.where.rpartition("/")[2]) for problem in find_problems(store)]


def test_a_table_with_a_row_for_each_build_is_whole(store: Store) -> None:
    for number in range(3):
        registered(store, number)
    put_build(store, 9, is_committed=False)
    store.put_if_absent(f"{table.ROWS}/dt=2025-07-22/_SUCCESS", b"")
    assert rules(store) == []


def test_a_build_without_a_row_and_a_row_without_a_build_are_named(store: Store) -> None:
    put_build(store, 1)
    described = metadata.read(store, put_build(store, 2))
    table.register(store, {**described, "venv_version": version(3)})
    table.register(store, described)
    found = {problem.rule: problem.what for problem in find_problems(store)}
    assert set(found) == {"NO_BUILD", "NO_ROW"}
    assert version(3) in found["NO_BUILD"]
    assert version(1) in found["NO_ROW"]


@pytest.mark.parametrize("name", ["dt=2025-07-22/venv.tar.gz", "dt=2025-07-22/x/y.json", "x.json", "dt=today/x.json"])
def test_an_object_that_is_no_row_is_named(store: Store, name: str) -> None:
    registered(store, 1)
    store.put_if_absent(f"{table.ROWS}/{name}", b"x")
    assert rules(store) == [("STRAY_OBJECT", name.rpartition("/")[2])]


def test_every_damaged_or_misplaced_row_is_named(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    keys = [registered(store, number) for number in range(3)]
    Path(tmp_path, keys[0]).write_text('{\n"a": 1}')
    Path(tmp_path, table.ROWS, "dt=2025-07-23").mkdir()
    moved = Path(tmp_path, table.ROWS, "dt=2025-07-23", Path(keys[1]).name)
    Path(tmp_path, keys[1]).rename(moved)
    Path(tmp_path, keys[2]).write_text("")
    assert rules(store) == [
        ("BAD_ROW", Path(keys[0]).name),
        ("BAD_ROW", Path(keys[2]).name),
        ("MISPLACED_ROW", moved.name),
    ]


def test_check_is_0_when_all_is_well_and_11_when_not(tool: Tool) -> None:
    store = open_store(tool.store)
    registered(store, 1)
    assert (tool.run("table", "check").code, tool.run("table", "check", "--json").json) == (0, [])
    store.put_if_absent(f"{table.ROWS}/dt=2025-07-22/note.txt", b"x")
    done = tool.run("table", "check", "--json")
    assert done.code == 11
    assert done.json["error"]["problems"][0]["where"].endswith("note.txt")
