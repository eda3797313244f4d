"""Files that appear whole, and what tells that one changed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from venvbuild.files import Amount, amount_of, regular, remove, walk, write_new, write_whole


def test_what_is_written_replaces_the_name_and_no_other_name_of_the_file(tmp_path: Path) -> None:
    cached, linked = tmp_path / "cached", tmp_path / "linked"
    cached.write_bytes(b"theirs")
    os.link(cached, linked)
    write_whole(linked, b"ours")
    assert (cached.read_bytes(), linked.read_bytes()) == (b"theirs", b"ours")


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", b"ours")
    assert (tmp_path / "target").read_bytes() == b"theirs"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("can_link", [True, False])
def test_a_new_file_is_whole_and_takes_nobodys_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_link: bool
) -> None:
    if not can_link:

        def refused(_one: Path, _other: Path) -> None:
            raise PermissionError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refused)
    write_new(tmp_path / "new", b"ours")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("new", "link"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / name, b"other")
    assert (tmp_path / "new").read_bytes() == b"ours"
    assert sorted(os.listdir(tmp_path)) == ["link", "new"]


def test_a_mode_is_kept_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "script", b"", mode=0o100755)
    finally:
        os.umask(before)
    assert (tmp_path / "script").stat().st_mode & 0o7777 == 0o755


def test_only_what_has_to_last_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_whole(tmp_path / "a", b"")
    assert synced == []
    write_whole(tmp_path / "b", b"", durable=True)
    assert len(synced) == 1


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "folder", b"ours")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("kind", ["absent", "fifo", "folder", "link", "loop"])
def test_what_is_no_regular_file_is_not_read_nor_waited_for(tmp_path: Path, kind: str) -> None:
    file, odd = tmp_path / "file", tmp_path / kind
    file.write_bytes(b"x")
    with regular(file) as opened:
        assert opened.read() == b"x"
    if kind == "fifo":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    elif kind != "absent":
        odd.symlink_to(file if kind == "link" else odd)
    with pytest.raises(OSError), regular(odd):  # the systems have several numbers for it
        pass


def test_a_link_to_a_folder_is_removed_and_not_the_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    remove(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_walk_passes_over_folders_of_one_name(tmp_path: Path) -> None:
    for name in ("a/b.py", "a/__pycache__/b.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(path for path, _ in walk(tmp_path)) == ["a", "a/b.py"]


def test_each_file_counts_once_however_many_names_it_has_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"12345")
    os.link(tmp_path / "a" / "one", tmp_path / "again")
    (tmp_path / "a" / "__pycache__").mkdir()
    (tmp_path / "a" / "__pycache__" / "two").write_bytes(b"123")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"1" * 1000)
    (tmp_path / "a" / "link").symlink_to(outside)
    link = len(str(outside))
    assert amount_of([tmp_path / "a", tmp_path / "again", tmp_path / "absent"]) == Amount(3, 8 + link)
    assert amount_of([tmp_path / "a" / "link"]) == Amount(1, link)
