"""The Python that somebody names: a path, a name, a link, an environment's; and what is none."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.supplies import here
from venvbuild.errors import UsageError
from venvbuild.interpreters import chosen_interpreter

VERSION = here().version


def written(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("name", ["{folder}/link", "link", "./link", "{folder}/venv/bin/python", "python-on-the-path"])
def test_the_python_behind_the_name_is_taken(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(sys.executable)
    subprocess.run([here().path, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "python-on-the-path").symlink_to(here().path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}:{os.environ['PATH']}")
    with contextlib.chdir(tmp_path):
        assert chosen_interpreter(Path(name.format(folder=tmp_path)), VERSION).path == here().path


NONE = {
    "absent": ("nowhere/python", "there is no such file"),
    "a name": ("python0.0", "there is no such file"),
    "a folder": ("folder", "it is a folder, and no Python; fix: "),
    "no program": ("text", "it is no Python that runs here; why: it may not be run"),
    "another program": ("/bin/true", "it is no Python that runs here"),
    "one that ends": ("ends", "it is no Python that runs here"),
    "another version": ("other", f"it is CPython 3.7.17; why: the environment is for CPython {VERSION}"),
    "free-threaded": (
        "threaded",
        f"it is a free-threaded CPython {VERSION}.1; why: the environment is for the usual CPython {VERSION}",
    ),
    "another implementation": ("pypy", f"it is PyPy {VERSION}.1; why: the environment is for CPython {VERSION}"),
}


def says(version: str, implementation: str, soabi: str = "") -> str:
    """A program that answers as a Python does which is asked what it is."""
    facts = (
        f'{{"executable": "/x", "prefix": "/x", "version": "{version}", "soabi": "{soabi}", "marker_environment": '
        f'{{"implementation_name": "{implementation.lower()}", "platform_python_implementation": "{implementation}", '
        f'"python_version": "{version.rpartition(".")[0]}"}}}}'
    )
    return f"#!/bin/sh\necho '{facts}'\n"


@pytest.mark.parametrize("kind", NONE)
def test_what_is_none_is_refused_with_the_reason(kind: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    written(tmp_path / "text", "text", 0o644)
    written(tmp_path / "ends", "#!/bin/sh\nexit 3\n")
    written(tmp_path / "other", says("3.7.17", "CPython"))
    written(
        tmp_path / "threaded", says(f"{VERSION}.1", "CPython", f"cpython-{VERSION.replace('.', '')}t-x86_64-linux-gnu")
    )
    written(tmp_path / "pypy", says(f"{VERSION}.1", "PyPy"))
    name, said = NONE[kind]
    with contextlib.chdir(tmp_path), pytest.raises(UsageError, match=re.escape(f"--python {name}: {said}")) as caught:
        chosen_interpreter(Path(name), VERSION)
    advised = caught.value.problems[0].fix.partition("leave out --python, or name another: --python ")[2]
    assert chosen_interpreter(Path(advised), VERSION).version == VERSION


def test_where_there_is_none_of_the_version_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"why: the environment is for CPython 3\.7; fix: name another one"):
        chosen_interpreter(Path(sys.executable), "3.7")


def test_of_a_folder_of_an_environment_the_program_is_named(tmp_path: Path) -> None:
    subprocess.run([here().path, "-m", "venv", "--without-pip", tmp_path / "a venv"], check=True)
    with pytest.raises(UsageError, match="it is a folder") as caught:
        chosen_interpreter(tmp_path / "a venv", VERSION)
    advised = caught.value.problems[0].fix.partition("--python ")[2].strip("'")
    assert chosen_interpreter(Path(advised), VERSION).path == here().path
