"""A build brought back, or read again, by a call."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import venvbuild
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.errors import NotInStore, UsageError
from venvbuild.stores import Store


@pytest.fixture
def built(tool: Tool) -> tuple[Store, str]:
    """A store with a build of the environment `sales`."""
    wheel(tool.index.folder, "good", "1.0")
    done = tool.build("good==1.0", ENV_NAME="sales")
    assert done.code == 0, done.stderr
    return venvbuild.open_store(tool.store), done.json["venv_version"]


def test_an_environment_is_restored_by_any_name_of_its_build(built: tuple[Store, str], tmp_path: Path) -> None:
    store, venv_version = built
    restored = venvbuild.get(store, "sales@latest", tmp_path / "venv", compiles=True)
    assert restored.venv_version == venv_version
    python = tmp_path / "venv" / "bin" / "python"
    said = subprocess.run([python, "-c", "import good; print(good.x)"], capture_output=True, text=True, check=True)
    assert said.stdout == "1\n"
    assert list((tmp_path / "venv").rglob("good.*.pyc"))


def test_a_target_that_is_taken_is_refused(built: tuple[Store, str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(UsageError):
        venvbuild.get(built[0], "sales@latest", tmp_path / "mine")


def test_a_whole_build_has_no_problems_and_a_damaged_one_has_them_named(built: tuple[Store, str], tool: Tool) -> None:
    store, venv_version = built
    whole = venvbuild.verify(store, "sales@latest", restores=True)
    assert (whole.venv_version, whole.problems) == (venv_version, ())
    assert whole.imported is not None
    assert "good" in whole.imported
    with (tool.stored(venv_version) / "requirements.txt").open("a") as file:
        file.write("evil==1.0\n")
    assert [Path(one.where).name for one in venvbuild.verify(store, venv_version).problems] == ["requirements.txt"]


def test_a_build_that_is_not_there_is_told(built: tuple[Store, str]) -> None:
    with pytest.raises(NotInStore):
        venvbuild.verify(built[0], "risk@latest")
