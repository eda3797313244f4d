"""Which Pythons everybody on this machine may run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.supplies import here
from tests.support.users import NOBODY, as_user
from venvbuild.interpreters import Interpreter, closed_part, find_open_interpreter


@pytest.fixture
def python(open_folder: Path) -> Interpreter:
    """One that everybody may run, by its modes: a program of a shell."""
    prefix = open_folder / "opt" / "python"
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / f"python{here().version}"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    library = prefix / "lib" / f"python{here().version}"
    library.mkdir(parents=True)
    (library / "os.py").write_text("")
    return replace(here(), path=program, prefix=prefix)


@pytest.mark.parametrize(
    ("part", "mode"),
    [
        ("", 0o755), ("opt", 0o711), ("opt", 0o750), ("opt/python", 0o700), ("opt/python/bin", 0o700),
        ("opt/python/bin/pythonX", 0o700), ("opt/python/bin/pythonX", 0o754), ("opt/python/lib", 0o750),
        ("opt/python/lib/pythonX", 0o700), ("opt/python/lib/pythonX/os.py", 0o640),
    ],
)  # fmt: skip
def test_what_keeps_others_from_a_python_is_named(python: Interpreter, open_folder: Path, part: str, mode: int) -> None:
    changed = open_folder / part.replace("pythonX", f"python{here().version}")
    changed.chmod(mode)
    is_open = mode in (0o755, 0o711)
    assert closed_part(python) == (None if is_open else changed)

    def reads() -> bool:
        subprocess.run([python.path], check=True)
        return bool([*(python.prefix / "lib" / f"python{here().version}").glob("os.py")])

    if is_open:
        assert as_user(NOBODY, reads)


def test_a_library_elsewhere_closes_nothing(python: Interpreter, open_folder: Path) -> None:
    assert closed_part(replace(python, prefix=open_folder / "usr")) is None


def test_an_open_one_is_found_that_others_run() -> None:
    found = find_open_interpreter(here().version)
    require(found, f"there is no Python {here().version} here that everybody may run")
    assert found
    assert (found.version, closed_part(found)) == (here().version, None)

    def run() -> str:
        os.chdir("/")
        return subprocess.run([found.path, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout

    assert as_user(NOBODY, run) == "42\n"


def test_a_closed_one_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = replace(here(), path=tmp_path / "python")
    closed.path.write_text("")
    others = find_open_interpreter(here().version)
    monkeypatch.setattr("venvbuild.interpreters.access.matching", lambda _: iter([closed, others]))
    assert find_open_interpreter(here().version) is others
