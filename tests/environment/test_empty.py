"""What was in an environment before any package is noticed, whatever stands there now, and comes back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from venvbuild.environment.empty import EmptyVenv

CONFIGURATION = "pyvenv.cfg"


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    found = tmp_path / "venv"
    (found / "lib/python3.11").mkdir(parents=True)
    (found / "bin").mkdir()
    (found / CONFIGURATION).write_text("home = /usr/bin")
    (found / "bin/activate").write_text("# sh")
    (found / "bin/activate").chmod(0o755)
    (found / "bin/python").symlink_to("/usr/bin/python3")
    (found / "lib64").symlink_to("lib")
    return found


def longer(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


def other(path: Path) -> None:
    path.write_text("home = /bin/usr")


def link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def another_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/bin/sh")


def file(path: Path) -> None:
    path.unlink()
    path.write_text("#!/bin/sh")


def empty_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "more").touch()


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "another content": (CONFIGURATION, other),
    "a longer one": (CONFIGURATION, longer),
    "gone": (CONFIGURATION, Path.unlink),
    "a link to the same": (CONFIGURATION, link),
    "a pipe": (CONFIGURATION, pipe),
    "a folder": (CONFIGURATION, folder),
    "no program": ("bin/activate", lambda path: path.chmod(0o644)),
    "a link elsewhere": ("bin/python", another_link),
    "a file for a link": ("bin/python", file),
    "no link to a folder": ("lib64", empty_folder),
}


@pytest.mark.parametrize(("path", "change"), CHANGES.values(), ids=CHANGES)
def test_what_is_changed_is_told_and_put_back(venv: Path, path: str, change: Callable[[Path], object]) -> None:
    empty = EmptyVenv.of(venv)
    assert list(empty.changed(venv)) == []
    change(venv / path)
    assert list(empty.changed(venv)) == [path]
    empty.put_back(path, venv)
    assert list(empty.changed(venv)) == []


def test_a_folder_that_is_gone_comes_back(venv: Path) -> None:
    empty = EmptyVenv.of(venv)
    shutil.rmtree(venv / "bin")
    for path in sorted(empty.changed(venv)):
        empty.put_back(path, venv)
    assert list(empty.changed(venv)) == []
