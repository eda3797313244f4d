"""The manifest tells what nobody wrote to since the installer ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from venvbuild.installed.manifest import Look, Manifest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "venv/lib/näme"
    path.parent.mkdir(parents=True)
    path.write_text("one")
    return path


def look(path: Path) -> Look:
    return Look.of(path.lstat())


def test_it_comes_back_as_it_was_written(file: Path, tmp_path: Path) -> None:
    with open(os.fsencode(file.parent) + b"/latin-\xe9", "wb"):
        pass
    (tmp_path / "manifest").write_text(Manifest.taken(tmp_path / "venv").text())
    read = Manifest.read(tmp_path / "manifest")
    assert read == Manifest.taken(tmp_path / "venv")
    assert len(read.looks) == 2


def test_an_untouched_file_looks_as_it_did(file: Path, tmp_path: Path) -> None:
    assert Manifest.taken(tmp_path / "venv").is_untouched("lib/näme", look(file))
    assert not Manifest.taken(tmp_path / "venv").is_untouched("lib/other", look(file))


def test_moving_the_whole_environment_touches_no_file(file: Path, tmp_path: Path) -> None:
    before = Manifest.taken(tmp_path / "venv")
    (tmp_path / "venv").rename(tmp_path / "moved")
    assert Manifest.taken(tmp_path / "moved") == before


def test_size_and_mtime_put_back_deceive_nobody(file: Path, tmp_path: Path) -> None:
    before, manifest = file.stat(), Manifest.taken(tmp_path / "venv")
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(file)[:2] == (before.st_size, before.st_mtime_ns)
    assert not manifest.is_untouched("lib/näme", look(file))


def test_links_folders_and_bytecode_are_not_in_it(file: Path, tmp_path: Path) -> None:
    (file.parent / "link").symlink_to("näme")
    (file.parent / "__pycache__").mkdir()
    (file.parent / "__pycache__/x.pyc").write_bytes(b"")
    assert set(Manifest.taken(tmp_path / "venv").looks) == {"lib/näme"}


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": [1]}', "nothing"])
def test_one_that_cannot_be_read_tells_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest").write_text(content)
    assert Manifest.read(tmp_path / "manifest") is None
    assert Manifest.read(tmp_path / "absent") is None
