"""The manifest of a release is read with suspicion, and holds files to their bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from venvbuild.errors import IntegrityError, UsageError
from venvbuild.release import BuiltFile, Manifest, manifest

COMMIT = "1f2e3d4" + 33 * "0"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "demo-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (tmp_path / "demo-1.0.tar.gz").write_bytes(b"sdist")
    return tmp_path


def of(dist: Path) -> Manifest:
    files = (
        manifest.described(dist / "demo-1.0-py3-none-any.whl", "wheel"),
        manifest.described(dist / "demo-1.0.tar.gz", "sdist"),
    )
    return Manifest("demo", "1.0", COMMIT, "v1.0", ("hatchling==1.33.0",), files)


def test_what_is_written_is_read_and_the_files_are_as_they_were(dist: Path) -> None:
    of(dist).write(dist)
    read = Manifest.read(dist)
    assert read == of(dist)
    assert read.of_kind("sdist") == (BuiltFile("demo-1.0.tar.gz", 5, read.files[1].sha256, "sdist"),)
    read.require(dist)
    assert json.loads((dist / "venvbuild-release.json").read_bytes())["schema_version"] == 1


def test_other_bytes_and_a_missing_file_are_told_together_with_both_hashes(dist: Path) -> None:
    made = of(dist)
    (dist / "demo-1.0.tar.gz").write_bytes(b"SDIST")
    (dist / "demo-1.0-py3-none-any.whl").unlink()
    with pytest.raises(IntegrityError) as refused:
        made.require(dist)
    gone, other = refused.value.problems
    assert "gone" in gone.what
    assert made.files[0].sha256 in gone.why
    assert made.files[1].sha256 in other.why
    assert manifest.described(dist / "demo-1.0.tar.gz", "sdist").sha256 in other.why


def test_a_link_is_no_file_of_the_release(dist: Path) -> None:
    made = of(dist)
    (dist / "demo-1.0.tar.gz").rename(dist / "elsewhere")
    (dist / "demo-1.0.tar.gz").symlink_to(dist / "elsewhere")
    with pytest.raises(IntegrityError, match="link"):
        made.require(dist)


def test_without_one_the_command_to_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="venvbuild release build"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("schema_version", 2, id="schema"),
        pytest.param("name", "../demo", id="name"),
        pytest.param("version", "one", id="version"),
        pytest.param("version", "1.00", id="version of another form"),
        pytest.param("commit", "HEAD", id="commit"),
        pytest.param("tag", "--force", id="tag that is a flag"),
        pytest.param("tag", "v1.0\n", id="tag of two lines"),
        pytest.param("build_requirements", ["hatchling @ file:///x"], id="requirement"),
        pytest.param("files", [], id="no file"),
        pytest.param("filename", "../demo-1.0.tar.gz", id="file in another folder"),
        pytest.param("filename", "demo-2.0.tar.gz", id="file of another version"),
        pytest.param("filename", "demo-1.0-py3-none-any.whl", id="wheel that is called sdist"),
        pytest.param("sha256", "A" * 64, id="hash"),
        pytest.param("size", -1, id="size"),
        pytest.param("size", True, id="size that is no number"),
    ],
)
def test_what_no_build_writes_is_refused(dist: Path, path: str, value: object) -> None:
    of(dist).write(dist)
    body: dict[str, Any] = json.loads((dist / manifest.FILE).read_bytes())
    (body["files"][1] if path in body["files"][1] else body)[path] = value
    (dist / manifest.FILE).write_text(json.dumps(body))
    with pytest.raises(IntegrityError, match="no manifest"):
        Manifest.read(dist)


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b"[" * 100_000, b" " * 2_000_000], ids=len)
def test_what_is_no_json_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / manifest.FILE).write_bytes(text)
    with pytest.raises(IntegrityError, match="no manifest"):
        Manifest.read(tmp_path)
