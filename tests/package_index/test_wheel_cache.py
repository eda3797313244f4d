"""What wheels hold, remembered, and never believed when it is another."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.wheels import wheel
from venvbuild.package_index import WheelCache, WheelContents
from venvbuild.package_index.wheel_cache import _head


@pytest.fixture
def kept(tmp_path: Path) -> tuple[WheelCache, WheelContents, Path]:
    """A cache with a wheel in it, and the file of that."""
    contents = WheelContents.read(wheel(tmp_path, "tiny", "1.0"))
    cache = WheelCache(tmp_path / "wheels")
    cache.put(contents)
    return cache, contents, tmp_path / "wheels" / f"{contents.sha256}.json"


def test_what_was_kept_is_found_by_the_hashes_of_a_lock(kept: tuple[WheelCache, WheelContents, Path]) -> None:
    cache, contents, path = kept
    assert list(cache.known(["sha256:" + "0" * 64, f"sha256:{contents.sha256}"])) == [contents]
    assert json.loads(path.read_bytes())["filename"] == contents.filename


@pytest.mark.parametrize("damage", ["empty", "half", "one bit", "[]", "gone", "folder"])
def test_a_damaged_entry_counts_as_none(kept: tuple[WheelCache, WheelContents, Path], damage: str) -> None:
    cache, contents, path = kept
    body = path.read_bytes()
    bodies = {
        "empty": b"",
        "half": body[: len(body) // 2],
        "one bit": body.replace(b"tiny.py", b"tinx.py"),
        "[]": b"[]",
    }
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "gone":
        path.write_bytes(bodies[damage])
    assert cache.get(contents.sha256) is None


@pytest.mark.parametrize("suffix", [".json", ".whl"])
def test_a_pipe_in_the_place_of_an_entry_is_not_waited_for(
    kept: tuple[WheelCache, WheelContents, Path], suffix: str
) -> None:
    cache, contents, path = kept
    path.unlink()
    os.mkfifo(path.with_suffix(suffix))
    assert (cache.get(contents.sha256) if suffix == ".json" else cache.wheel(contents.sha256)) is None
    cache.put(contents)
    assert cache.get(contents.sha256) == contents


def test_an_entry_under_the_name_of_another_counts_as_none(kept: tuple[WheelCache, WheelContents, Path]) -> None:
    cache, _, path = kept
    path.rename(path.with_name(f"{'0' * 64}.json"))
    assert cache.get("0" * 64) is None


@pytest.mark.parametrize("form", ['"form": 3', '"form": 5', '"formed": 4'])
def test_an_entry_of_another_form_is_read_anew(kept: tuple[WheelCache, WheelContents, Path], form: str) -> None:
    cache, contents, path = kept
    rest = path.read_bytes().partition(b'", ')[2].replace(b'"form": 4', form.encode())
    path.write_bytes(_head(rest) + rest)
    assert cache.get(contents.sha256) is None
    cache.put(contents)
    assert cache.get(contents.sha256) == contents


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "wheels").write_text("a file")
    contents = WheelContents.read(wheel(tmp_path, "tiny", "1.0"))
    WheelCache(tmp_path / "wheels").put(replace(contents))
    assert WheelCache(tmp_path / "wheels").get(contents.sha256) is None


def test_what_is_no_digest_becomes_no_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no sha256"):
        list(WheelCache(tmp_path).known(["sha256:../../x"]))
