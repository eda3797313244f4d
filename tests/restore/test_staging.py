"""The hidden folder on the way: what killed ones left goes, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.users import NOBODY
from tests.support.volumes import Mounts
from venvbuild.restore import staging


def left(folder: Path, name: str = "x", *, is_locked: bool = True) -> Path:
    """One as a killed process leaves it."""
    one = folder / f".venvbuild-get-{name}"
    (one / "venv" / "lib").mkdir(parents=True)
    (one / "venv" / "lib" / "a.py").write_text("")
    (one / "archive").write_text("half")
    if is_locked:
        (one / "lock").write_text("")
    return one


def test_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    left(tmp_path, "one")
    left(tmp_path, "two")
    (tmp_path / ".venvbuild-get-killed at once").mkdir()
    with staging.made_in(tmp_path) as mine:
        assert staging.sweep(tmp_path, mine) == []
        assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_is_at_stays(tmp_path: Path) -> None:
    with staging.made_in(tmp_path) as living, staging.made_in(tmp_path) as mine:
        (living / "work").write_text("")
        assert staging.sweep(tmp_path, mine) == [living]
        assert (living / "work").exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "only root can give a folder away")
    unlike = left(tmp_path, "without a lock", is_locked=False)
    theirs = left(tmp_path, "of another user")
    os.chown(theirs, NOBODY, NOBODY)
    (tmp_path / "elsewhere").mkdir()
    precious = left(tmp_path / "elsewhere")
    (tmp_path / ".venvbuild-get-link").symlink_to(precious)
    (tmp_path / ".venvbuild-get-file").write_text("")
    linked = tmp_path / ".venvbuild-get-linked lock"
    linked.mkdir()
    (linked / "lock").symlink_to(tmp_path / "elsewhere" / "new")
    before = {path for path in tmp_path.rglob("*") if path != linked}
    with staging.made_in(tmp_path) as mine:
        assert {*staging.sweep(tmp_path, mine)} == {unlike, theirs, linked}
    assert {path for path in tmp_path.rglob("*") if path != linked} == before


def test_links_in_it_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("")
    one = left(tmp_path)
    (one / "venv" / "link").symlink_to(tmp_path / "precious")
    (one / "link").symlink_to(tmp_path / "precious")
    with staging.made_in(tmp_path) as mine:
        assert staging.sweep(tmp_path, mine) == []
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["file"]


def test_what_is_mounted_in_it_is_left_alone(tmp_path: Path, mounts: Mounts) -> None:
    one = left(tmp_path)
    (one / "venv" / "share").mkdir()
    (mounts.tmpfs(one / "venv" / "share") / "precious").write_text("")
    with staging.made_in(tmp_path) as mine:
        assert staging.sweep(tmp_path, mine) == [one]
    assert (one / "venv" / "share" / "precious").exists()


def test_it_has_a_folder_of_its_own_when_others_sweep_what_has_no_lock_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    swept: list[Path] = []

    def sweeping(path: str | Path, *arguments: int, **more: int) -> int:
        if path == "lock" and len(swept) < 3:
            swept.extend(tmp_path.iterdir())
            swept[-1].rmdir()
        return real(path, *arguments, **more)

    monkeypatch.setattr(os, "open", sweeping)
    with staging.made_in(tmp_path) as mine:
        assert [path.name for path in tmp_path.iterdir()] == [mine.name]
        assert (mine / "lock").exists()
    assert (len(swept), list(tmp_path.iterdir())) == (3, [])
