"""A file of a build is gone: it is named, and each command that is advised gives an environment."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.builds import put_build, version
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.errors import NotInStore
from venvbuild.restore import gone
from venvbuild.stores.folder import FolderStore


@pytest.fixture
def built(tool: Tool) -> tuple[str, str]:
    """Two builds of one environment, the older one first."""
    wheel(tool.index.folder, "good", "1.0")
    tool.env.update(ENV_NAME="sales")
    older, newer = (tool.build("good==1.0").json["venv_version"] for _ in range(2))
    return older, newer


def commands(fix: str) -> list[list[str]]:
    """What each way says to run, without the program."""
    ways = [way.rpartition(": venvbuild ")[2] for way in fix.split("; or ") if ": venvbuild " in way]
    return [shlex.split(way) for way in ways]


@pytest.mark.parametrize(
    ("name", "flags", "ways"),
    [
        ("VERSION.tar.gz", [], ["--rebuild", "another"]),
        ("archive_index.json", [], ["--rebuild", "another"]),
        ("metadata.json", [], ["another"]),
        ("requirements.lock.txt", ["--rebuild"], ["same", "another"]),
        ("requirements.txt", ["--rebuild"], ["same", "another"]),
    ],
)
def test_a_file_that_is_gone_is_named_and_every_advice_works(
    tool: Tool, built: tuple[str, str], name: str, flags: list[str], ways: list[str]
) -> None:
    older, newer = built
    file = tool.stored(newer) / name.replace("VERSION", newer)
    file.unlink()
    target = tool.folder / "a place"
    cold = str(tool.folder / "cold cache")
    done = tool.run("get", newer, target, *flags, "--json", XDG_CACHE_HOME=cold)
    assert done.code == 9, done.stderr
    [problem] = done.json["error"]["problems"]
    assert problem["where"] == file.as_uri()
    assert file.name in problem["what"]
    assert problem["fix"].startswith("restore it from a backup; or ")
    found = commands(problem["fix"])
    assert [one[1] for one in found] == [older if way == "another" else newer for way in ways]
    assert ["--rebuild" in one for one in found] == [way == "--rebuild" for way in ways]
    for command in found:
        assert tool.run(*command, XDG_CACHE_HOME=cold).code == 0
        assert (target / "bin" / "python").exists()
        shutil.rmtree(target)
    if name == "metadata.json":
        assert newer in tool.run("list").stdout
        assert "`venvbuild table sync`" in problem["why"]
        assert tool.run("table", "sync").code == 0
        assert newer not in tool.run("list").stdout
        assert tool.run("table", "check").code == 0


def test_where_nothing_else_is_there_only_a_backup_helps(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    put_build(store, 1)
    put_build(store, 2, is_conflict_free=False, conflicts=["a needs b"])
    put_build(store, 3, env_name="other")
    store.remove(f"venv-builds/{version(1)}/{version(1)}.tar.gz")
    with pytest.raises(NotInStore, match=r"tar\.gz is gone") as said, gone.told(store, version(1), tmp_path):
        raise NotInStore("anything")
    assert said.value.problems[0].fix == "restore it from a backup"


def test_of_a_build_that_never_was_nothing_is_added(tmp_path: Path) -> None:
    with pytest.raises(NotInStore, match=r"^anything$"), gone.told(FolderStore(tmp_path), version(1), tmp_path):
        raise NotInStore("anything")
