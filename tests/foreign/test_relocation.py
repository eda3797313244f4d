"""An environment changed where it is, so that it runs there; what only its old place has is named."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import foreign as others
from tests.support import old_script
from tests.support.old_script import Workspace
from tests.support.wheels import wheel
from venvbuild.errors import IntegrityError
from venvbuild.foreign import recognised, relocate
from venvbuild.installed.scripts import Script

SITE = "lib/python3.11/site-packages"
MAIN = "import sys\ndef main():\n    print(sys.prefix)\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("agent")
    long = folder / "a folder whose path is far too long for the first line of a script" / ("and-longer-" * 8)
    app = wheel(folder, "app", "1.0", files={"app.py": MAIN}, scripts={"app": "app:main"})
    return old_script.small(long, app)


@pytest.fixture
def job(made: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    copy = made.copy(tmp_path / "copy")
    made.folder.rename(made.folder.with_name("hidden"))
    yield copy
    made.folder.with_name("hidden").rename(made.folder)


def relocated(job: Workspace) -> list[str]:
    """What cannot move, a line each."""
    return [problem.as_line() for problem in relocate(recognised(job.venv), others.interpreter("3.11"))]


def test_scripts_activate_and_links_name_the_old_place_no_more(job: Workspace, made: Workspace) -> None:
    (job.venv / "in").symlink_to(made.venv / "lib")
    (job.venv / "bin/activate.csh").write_text(f"setenv VIRTUAL_ENV {made.venv}\n")
    assert (job.venv / "bin/app").read_bytes().startswith(b"#!/bin/sh\n'''exec'")
    assert relocated(job) == []
    assert os.readlink(job.venv / "in") == "lib"
    assert not (job.venv / "bin/activate.csh").exists()
    assert os.access(job.venv / "bin/app", os.X_OK)
    assert others.run([job.venv / "bin/app"]) == str(job.venv)
    said = others.run(["bash", "-c", f'. "{job.venv}/bin/activate"; app; echo "$VIRTUAL_ENV"'])
    assert said.splitlines() == [str(job.venv)] * 2
    for path in job.venv.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert os.fsencode(made.folder) not in path.read_bytes(), path


def test_what_was_installed_is_as_its_record_says(job: Workspace) -> None:
    relocated(job)
    record = (job.venv / SITE / "app-1.0.dist-info/RECORD").read_text()
    assert "../../../bin/app,sha256=" in record
    assert "../../../_scripts/app,sha256=" in record
    assert "__pycache__" not in record
    assert others.run([job.venv / "bin/python", "-c", "import app; print(app.__file__)"]).startswith(str(job.venv))


def test_editable_installs_of_each_kind_are_named_and_left_as_they_are(job: Workspace) -> None:
    packages = job.venv / SITE
    (packages / "mine.egg-link").write_text("/srv/mine\n.\n")
    (packages / "easy-install.pth").write_text("/srv/mine\n")
    (packages / "__editable__.new-1.0.pth").write_text("import __editable___new_1_0_finder\n")
    (packages / "distutils-precedence.pth").write_text("import os; var = 1\n")
    lines = relocated(job)
    assert len(lines) == 3, lines
    for what in (
        "mine.egg-link is of an editable",
        "/srv/mine is outside of",
        "__editable__.new-1.0.pth is of an edit",
    ):
        assert any(what in line for line in lines), what
    assert (packages / "easy-install.pth").read_text() == "/srv/mine\n"


def test_a_file_that_holds_the_old_place_is_named_and_told_what_to_do(job: Workspace, made: Workspace) -> None:
    (job.venv / SITE / "built.so").write_bytes(b"\x7fELF" + bytes(1 << 20) + os.fsencode(made.venv) + b"/include\0")
    (line,) = relocated(job)
    assert f"{SITE}/built.so holds the environment's path" in line
    assert "install its package again" in line


def test_a_script_that_would_mean_something_else_is_not_written(
    job: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = old_script.contents(job.venv)
    monkeypatch.setattr(Script, "ordinary", property(lambda script: b"#!python\n'Doc.'\n"))
    with pytest.raises(IntegrityError, match="bin/app would not be the script that its package brings"):
        relocated(job)
    assert old_script.contents(job.venv) == before


def test_others_reach_the_scripts_whatever_the_umask_is(job: Workspace) -> None:
    before = os.umask(0o077)
    try:
        relocated(job)
    finally:
        os.umask(before)
    assert stat.S_IMODE((job.venv / "_scripts").stat().st_mode) == 0o755
    assert (job.venv / "_scripts" / "app").stat().st_mode & 0o044 == 0o044


def test_a_second_time_it_changes_nothing(job: Workspace, tmp_path: Path) -> None:
    relocated(job)
    before = old_script.contents(job.venv)
    assert relocated(job) == []
    assert old_script.contents(job.venv) == before


def test_a_folder_for_bytecode_that_is_gone_is_no_fault(job: Workspace) -> None:
    shutil.rmtree(job.venv / SITE / "__pycache__", ignore_errors=True)
    assert relocated(job) == []
