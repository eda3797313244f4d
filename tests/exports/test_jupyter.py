"""The command that makes a kernel of a build; that the kernel starts: tests/restore/test_kernel.py."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.support.exported import build_of, saying
from venvbuild.exports import CONSUMERS, export

KERNELS = [("sales", "sales"), ("Sales.X", "sales.x"), ("python3", "python3-venv")]


@pytest.mark.parametrize(("env_name", "kernel"), KERNELS)
def test_it_answers_with_the_command_and_makes_nothing(tmp_path: Path, env_name: str, kernel: str) -> None:
    build = saying(build_of(tmp_path / "build"), env_name=env_name, installed_packages=["ipykernel==7.1.0"])
    made = export(CONSUMERS["jupyter"], build)
    [paste] = made.settings
    words = shlex.split(paste.text)
    assert words[:4] == ["venvbuild", "get", build.venv_version, f"./{env_name}"]
    assert words[-2:] == ["--kernel", kernel]
    assert (made.file, made.sha256) == (None, None)
