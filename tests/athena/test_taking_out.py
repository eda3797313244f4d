"""A damaged build is taken out as docs/stores.md says, to the letter; all else stays as it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from athena import rows
from athena.index import Compactor
from athena.upkeep import find_problems
from tests.support.archives import archive, environment, file
from tests.support.builds import put_build, version
from tests.support.scripted import VERSION, put_whole
from tests.support.tool import REPOSITORY, Tool
from venvbuild import builds
from venvbuild.builds import aliases, evidence, places
from venvbuild.stores import Store, open_store

OURS = version(0)
NEW = 86_400
"""Of the build that takes the other's place, the seconds of `put_build`: a day later."""


def lines(title: str) -> list[str]:
    """What a section of the page says to run."""
    page = (REPOSITORY / "docs" / "stores.md").read_text("utf-8")
    found = re.search(rf"^## {title}\n.*?^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert found
    return found[1].splitlines()


def follow(tool: Tool, line: str, **names: str) -> int:
    """Run a line of the page, with what stands for `STORE` and the others; its exit code."""
    line = re.sub(r"\b[A-Z]{3,}\b", lambda name: names[name[0]], line)
    program, *arguments = line.split()
    if program == "venvbuild":
        return tool.run(*arguments).code
    return subprocess.run(["sh", "-c", line], check=False).returncode


def registered(store: Store, venv_version: str) -> str:
    rows.register(store, builds.read_any(store, venv_version))
    return venv_version


def keys(store: Store, *, of: str = "") -> set[str]:
    """Of all objects but the index and the store's own corner."""
    return {
        one.key for one in store.list("")
        if of in one.key and not one.key.startswith((f"{places.INDEX}/", ".venvbuild/"))
    }  # fmt: skip


PUT: dict[str, tuple[str, Callable[[Store], str], list[str]]] = {
    "ours": (OURS, lambda store: put_build(store, 0), ["table", "check", "--deep"]),
    "a script's": (VERSION, put_whole, ["verify", VERSION]),
}


@pytest.mark.parametrize("whose", PUT)
@pytest.mark.parametrize("covered", ["", "2025-07-23", "2025-07-24"], ids=["rows", "index", "index of all"])
def test_a_damaged_build_is_taken_out_as_the_page_says(tool: Tool, tmp_path: Path, whose: str, covered: str) -> None:
    store, (bad, put, asked) = open_store(tool.store), PUT[whose]
    registered(store, put(store))
    if whose == "ours":
        aliases.promote(store, OURS, "prod")
    others = [registered(store, put_build(store, number)) for number in (1, 2)]
    before = keys(store)
    if covered:
        Compactor(store, tmp_path).compact(covered)
    tool.stored(bad).joinpath(places.archive_name(bad)).write_bytes(b"no archive")
    problems = tool.run(*asked, "--json").json
    problems = problems["error"]["problems"] if "error" in problems else problems["problems"]
    assert {one["fix"] for one in problems} == {evidence.MEND}
    assert evidence.MEND.endswith(", or build again and take this build out (docs/stores.md)")
    others.append(registered(store, put_build(store, NEW)))
    Compactor(store, tmp_path).cover("2025-07-23")
    for line in lines("Taking a build out"):
        names = {"STORE": tool.store, "VERSION": bad, "BUILD": others[-1], "ALIAS": "prod"}
        assert follow(tool, line, **names) == 0, line
    assert tool.run("table", "check", "--deep").code == 0
    assert [one["venv_version"] for one in tool.run("list", "--json").json] == others[::-1]
    assert [one["venv_version"] for one in tool.run("find", "good", "--json").json] == others[::-1]
    assert keys(store, of=bad) == set()
    assert {key for key in before if bad not in key} == {key for key in keys(store) if key in before}
    assert [tool.run("verify", one).code for one in others] == [0, 0, 0]


def test_the_only_build_of_a_store_is_taken_out_as_the_page_says(tool: Tool, tmp_path: Path) -> None:
    store = open_store(tool.store)
    registered(store, put_build(store, 0))
    Compactor(store, tmp_path).compact("2025-07-23")
    for line in lines("Taking a build out")[1:]:  # no alias, and no other build
        assert follow(tool, line, STORE=tool.store, VERSION=OURS) == 0, line
    assert list(find_problems(store, tmp_path / "another")) == []
    assert keys(store) == set()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_whoever_stopped_before_sync_is_told_so(tool: Tool, count: int) -> None:
    store = open_store(tool.store)
    registered(store, put_build(store, 0))
    for line in lines("Taking a build out")[1 : 1 + count]:
        assert follow(tool, line, STORE=tool.store, VERSION=OURS) == 0
    [problem] = tool.run("table", "check", "--json").json["error"]["problems"]
    assert "`venvbuild table sync`" in problem["fix"]
    assert [tool.run("table", command).code for command in ("sync", "check")] == [0, 0]


@pytest.mark.parametrize("leads", ["to the build that is taken out", "to one of another environment"])
def test_an_alias_of_an_environment_without_another_build_goes_as_it_is_told(tool: Tool, leads: str) -> None:
    store = open_store(tool.store)
    for number in (0, 1):
        registered(store, put_build(store, number))
    lone = registered(store, put_build(store, NEW, env_name="salse"))
    aliases.promote(store, lone, "prod")
    aliases.promote(store, OURS, "prod")
    if "another" in leads:
        record = Path(tool.store, places.ALIASES, "salse", "prod", "1.json")
        record.write_text(record.read_text("utf-8").replace(lone, OURS), "utf-8")
    codes = [follow(tool, line, STORE=tool.store, VERSION=lone) for line in lines("Taking a build out")[1:]]
    assert codes == [0, 0, 0, 0, 11]
    [problem] = tool.run("table", "check", "--json").json["error"]["problems"]
    told = re.search(r"; where salse has none, remove the folder (\S+) of the store$", problem["fix"])
    assert told
    assert told[1].replace("salse/prod", "ENV/ALIAS") in (REPOSITORY / "docs" / "stores.md").read_text("utf-8")
    shutil.rmtree(Path(tool.store, told[1]))
    assert tool.run("table", "check", "--deep").code == 0
    assert [one["alias"] for one in tool.run("aliases", "--json").json] == ["prod"]
    assert tool.run("show", "sales@prod").code == 0


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("removed", "pylock.toml"),
        ("removed", "packages.json"),
        ("removed", "archive_index.json"),
        ("restored", "build.log"),
    ],
)
def test_a_sound_build_beside_which_somebody_put_a_file_stays(tool: Tool, way: str, name: str) -> None:
    store, made = open_store(tool.store), archive(environment("3.11"), [file("good.py")])
    body = made.index.text().encode() if name == places.ARCHIVE_INDEX else b"mine"
    files = {places.REQUIREMENTS: b"good==1.0\n", places.archive_name(OURS): made.body}
    files |= {name: body} if way == "restored" else {}
    registered(store, put_build(store, 0, files, **made.facts()))
    changed, metadata = tool.stored(OURS) / name, tool.stored(OURS) / places.METADATA
    changed.write_bytes(body)
    kept = json.loads(metadata.read_bytes())
    named = {one: facts for one, facts in kept["files"].items() if one != name}
    metadata.write_text(json.dumps({**kept, "files": named}), "utf-8")
    problems = tool.run("table", "check", "--deep", "--json").json["error"]["problems"]
    problems += tool.run("verify", OURS, "--json").json["error"]["problems"]
    ways = [
        "if metadata.json was changed, restore it from a backup",
        f"remove {changed.as_uri()}, or move it elsewhere",
    ]
    assert [one["fix"].split("; else ") for one in problems] == [ways, ways]
    if way == "removed":
        changed.unlink()
    else:
        metadata.write_text(json.dumps(kept), "utf-8")
    assert [tool.run(*asked).code for asked in (("verify", OURS), ("table", "check", "--deep"))] == [0, 0]


def changed(before: str, after: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(bytes(100)), id="no JSON"),
        pytest.param(lambda path: path.write_bytes(b"[]"), id="no object"),
        pytest.param(lambda path: path.write_bytes(b"{}"), id="no field"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b" " * 16_000_000), id="large"),
        pytest.param(changed('"package_count": 1', '"package_count": "1"'), id="another type"),
        pytest.param(changed('"schema_version": 1', '"schema_version": 2'), id="another schema"),
        pytest.param(changed(f'"venv_version": "{OURS}"', f'"venv_version": "{version(1)}"'), id="another's"),
        pytest.param(changed('"created_at": "2025', '"created_at": "2024'), id="another instant"),
        pytest.param(instead(os.mkfifo), id="a FIFO"),
        pytest.param(instead(lambda path: path.symlink_to("elsewhere")), id="a link"),
        pytest.param(instead(lambda path: shutil.copytree(path.parents[1] / version(1), path)), id="a folder"),
    ],
)
def test_a_build_whose_metadata_no_backup_has_is_taken_out(tool: Tool, damage: Callable[[Path], object]) -> None:
    store = open_store(tool.store)
    for number in (0, 1):
        registered(store, put_build(store, number))
    aliases.promote(store, OURS, "prod")
    damage(tool.stored(OURS) / places.METADATA)
    for asked in (["table", "check"], ["verify", OURS]):
        problems = tool.run(*asked, "--json").json["error"]["problems"]
        told = [
            re.search(r"or build again and take this build out \(docs/stores\.md\)", one["fix"]) for one in problems
        ]
        assert all(told)
    for line in lines("Taking a build out"):
        assert follow(tool, line, STORE=tool.store, VERSION=OURS, BUILD=version(1), ALIAS="prod") == 0, line
    assert [one["venv_version"] for one in tool.run("list", "--json").json] == [version(1)]


@pytest.mark.parametrize("name", [f"{OURS}.bak", f"copy of {OURS}", version(2)])
def test_a_copy_of_a_builds_folder_is_moved_away(tool: Tool, tmp_path: Path, name: str) -> None:
    store = open_store(tool.store)
    registered(store, put_build(store, 0))
    copy = tool.stored(OURS).with_name(name)
    shutil.copytree(tool.stored(OURS), copy)
    [problem] = tool.run("table", "check", "--json").json["error"]["problems"]
    assert problem["fix"] == f"{evidence.MEND}; if the folder is a copy, move it out of {places.BUILDS}"
    copy.rename(tmp_path / "copy")
    assert tool.run("table", "check", "--deep").code == 0


def renamed(tool: Tool, to: str) -> None:
    """Let the build be whole under this version, which is no instant, with its entry."""
    folder, entry = tool.stored(OURS), Path(tool.store, places.environment_entry("sales", OURS))
    created_at = json.loads((folder / places.METADATA).read_bytes())["created_at"]
    instant = re.sub(r"venv_(....)(..)(..)_(..)(..)(..)", r"\1-\2-\3T\4:\5:\6Z", to)
    for path in list(folder.iterdir()):
        body = path.read_bytes().replace(OURS.encode(), to.encode())
        path.write_bytes(body.replace(created_at.encode(), instant.encode()))
        path.rename(folder / path.name.replace(OURS, to))
    metadata = json.loads((folder / places.METADATA).read_bytes())
    for name, facts in metadata["files"].items():
        body = (folder / name).read_bytes()
        facts.update(sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))
    (folder / places.METADATA).write_text(json.dumps(metadata), "utf-8")
    folder.rename(tool.stored(to))
    entry.rename(entry.with_name(to))


@pytest.mark.parametrize(
    "bad", ["venv_20261130_235960", "venv_20261130_240000", "venv_20261131_000000", "venv_09991231_235959"]
)
def test_a_build_of_ours_whose_version_is_no_instant_is_taken_out(tool: Tool, bad: str) -> None:
    store = open_store(tool.store)
    put_build(store, 0)
    renamed(tool, bad)
    aliases.promote(store, registered(store, put_build(store, 1)), "prod")
    move = {"venv_version": bad, "moved_at": "2026-11-30T12:00:00Z", "previous": version(1)}
    Path(tool.store, places.ALIASES, "sales", "prod", "2.json").write_text(json.dumps(move), "utf-8")
    assert tool.run("table", "sync").code == 8
    [problem] = tool.run("table", "check", "--json").json["error"]["problems"]
    assert problem["fix"] == "build again and take this build out (docs/stores.md)"
    again = registered(store, put_build(store, NEW))
    for line in lines("Taking a build out"):
        assert follow(tool, line, STORE=tool.store, VERSION=bad, BUILD=again, ALIAS="prod") == 0, line
    assert [one["venv_version"] for one in tool.run("aliases", "--json").json] == [again]
    assert keys(store, of=bad) == set()


def to_another_environment(record: Path) -> None:
    for path in record.parent.iterdir():  # the one after it says so, too
        changed(version(int(record.stem)), version(9))(path)


@pytest.mark.parametrize("whose", ["ours", "a script's"])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(instead(Path.mkdir), id="a folder"),
        pytest.param(to_another_environment, id="another's"),
        pytest.param(Path.unlink, id="lost"),
    ],
)
def test_an_alias_of_which_no_backup_has_an_older_move_gives_up_its_history(
    tool: Tool, damage: Callable[[Path], object], number: int, whose: str
) -> None:
    store = open_store(tool.store)
    registered(store, put_build(store, 9, env_name="risk"))
    for one in (1, 2):
        aliases.promote(store, registered(store, put_build(store, one)), "prod")
    last = registered(store, PUT[whose][1](store))
    aliases.promote(store, last, "prod", env_name="sales")
    aliases.promote(store, version(1), "staging")
    damage(Path(tool.store, places.ALIASES, "sales", "prod", f"{number}.json"))
    [problem] = tool.run("table", "check", "--json").json["error"]["problems"]
    way = r", or give up its history: see which BUILD `(.*)` names, remove the folder (\S+) of the store, and ([^;]*)"
    told = re.search(way, problem["fix"])
    assert told
    moves = tool.run(*told[1].split()[1:], "--json").json
    [build] = [one["venv_version"] for one in moves if one["alias"] == "prod"]
    assert build == last
    shutil.rmtree(Path(tool.store, told[2]))
    assert follow(tool, told[3], BUILD=build) == 0
    assert [tool.run(*asked).code for asked in (("table", "check"), ("aliases", "--history"))] == [0, 0]
    moves = tool.run("aliases", "--history", "--json").json
    assert [(one["alias"], one["venv_version"]) for one in moves] == [("prod", last), ("staging", version(1))]
