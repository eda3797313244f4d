"""The manifest tells what nobody wrote to since the installer ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from venvbuild.installed.manifest import Look, Manifest, Seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "venv/lib/näme"
    path.parent.mkdir(parents=True)
    path.write_text("one")
    return path


def look(path: Path) -> Look:
    return Look.of(path.lstat())


def read(file: Path) -> Manifest:
    """With what was read of the one file."""
    return Manifest({"lib/näme": Seen(look(file), "ab")})


def test_it_comes_back_as_it_was_written(file: Path, tmp_path: Path) -> None:
    written = Manifest({**read(file).files, os.fsdecode(b"latin-\xe9"): Seen(look(file), "cd")})
    (tmp_path / "manifest").write_text(written.text())
    assert Manifest.read(tmp_path / "manifest") == written


def test_of_an_untouched_file_it_has_what_was_read(file: Path) -> None:
    assert read(file).sha256_of("lib/näme", look(file)) == "ab"
    assert read(file).sha256_of("lib/other", look(file)) == ""


def test_moving_the_whole_environment_touches_no_file(file: Path, tmp_path: Path) -> None:
    before = read(file)
    (tmp_path / "venv").rename(tmp_path / "moved")
    assert before.sha256_of("lib/näme", look(tmp_path / "moved/lib/näme")) == "ab"


def test_size_and_mtime_put_back_deceive_nobody(file: Path, tmp_path: Path) -> None:
    before, manifest = file.stat(), read(file)
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(file)[:2] == (before.st_size, before.st_mtime_ns)
    assert manifest.sha256_of("lib/näme", look(file)) == ""


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a": 1}', '{"a": [1]}', '{"a": [1, 2, 3, 4, 5]}', '{"a": [[1], ""]}', "nothing"]
)
def test_one_that_cannot_be_read_tells_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest").write_text(content)
    assert Manifest.read(tmp_path / "manifest") is None
    assert Manifest.read(tmp_path / "absent") is None
