"""What a build says of itself before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.exported import build_of, saying


@pytest.mark.parametrize("root", ["venv", ""])
@pytest.mark.parametrize(
    ("python_path", "link"), [(None, "/usr/bin/python3.11"), ("/opt/p y/python", "/opt/p y/python"), ("none", None)]
)
def test_where_its_python_leads(tmp_path: Path, root: str, python_path: str | None, link: str | None) -> None:
    assert build_of(tmp_path / "build", archive_root=root, python_path=python_path).link == link


def test_what_its_metadata_says(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    assert (build.env_name, build.python_version, build.platform) == ("sales", "3.11", "linux_x86_64")
    assert build.packages == {"good": "1.0", "other": "1.0"}
    assert not build.is_bundled
    assert saying(build, requires={"abi": "none", "glibc": "2.17", "libraries": []}).is_bundled


def test_the_command_that_restores_it_works_in_any_shell(tmp_path: Path) -> None:
    build = build_of(tmp_path / "a build")
    store = f"'{tmp_path}/a build/store'"
    assert build.command_to_get("./my venv") == f"venvbuild get {build.venv_version} './my venv' --store {store}"
