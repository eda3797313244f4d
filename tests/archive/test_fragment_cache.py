"""The cache keeps what it was given, or nothing: never something else."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from venvbuild.archive.fragment_cache import FragmentCache
from venvbuild.builds.archive_index import Fragment

KEY = "ab" * 32
FRAGMENT = Fragment("good", "1.0", 0, 4, "c" * 64, 9, "d" * 64, 7, continues=False)


@pytest.fixture
def cache(tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path / "cache")


def test_what_was_put_comes_back_under_its_digest(cache: FragmentCache) -> None:
    digest = cache.put(b"body")
    assert digest == hashlib.sha256(b"body").hexdigest()
    assert cache.get(digest) == b"body"
    assert cache.get("0" * 64) is None
    assert (cache.has(digest, 4), cache.has(digest, 5), cache.has("0" * 64, 4)) == (True, False, False)


def test_what_is_read_unchecked_comes_in_parts_and_is_lacking_where_it_is_gone(cache: FragmentCache) -> None:
    body = os.urandom(700_000)
    digest = cache.put(body)
    assert [bytes(part) for part in cache.read_unchecked(digest)] == [body[: 1 << 18], body[1 << 18 : 1 << 19],
                                                                      body[1 << 19 :]]  # fmt: skip
    assert list(cache.read_unchecked("0" * 64)) == []


def test_a_damaged_fragment_is_removed_and_absent(cache: FragmentCache, tmp_path: Path) -> None:
    digest = cache.put(b"body")
    entry = next((tmp_path / "cache").rglob(digest))
    entry.write_bytes(b"bodY")
    assert cache.get(digest) is None
    assert not entry.exists()


def test_what_a_key_gave_is_remembered_without_its_place(cache: FragmentCache) -> None:
    cache.remember(KEY, [FRAGMENT])
    assert cache.look_up(KEY) == (FRAGMENT,)
    assert cache.look_up("0" * 64) is None


@pytest.mark.parametrize("wrong", [b'"crc32": 8', b'"crc32": x'])
def test_one_wrong_byte_in_what_is_remembered_is_noticed(cache: FragmentCache, tmp_path: Path, wrong: bytes) -> None:
    cache.remember(KEY, [FRAGMENT])
    entry = next((tmp_path / "cache").rglob(KEY))
    entry.write_bytes(entry.read_bytes().replace(b'"crc32": 7', wrong))
    assert cache.look_up(KEY) is None
    assert not entry.exists()


def test_an_entry_under_another_key_is_not_believed(cache: FragmentCache, tmp_path: Path) -> None:
    cache.remember(KEY, [FRAGMENT])
    other = "ab" + "0" * 62
    next((tmp_path / "cache").rglob(KEY)).rename(tmp_path / "cache/distributions/ab" / other)
    assert cache.look_up(other) is None


def test_the_least_recently_used_go_when_it_is_full(tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "cache", limit_bytes=1000)
    digests = [cache.put(bytes([number]) * 300) for number in range(3)]
    for age, digest in enumerate(digests):
        os.utime(next((tmp_path / "cache").rglob(digest)), (age, age))
    assert cache.get(digests[0])  # now it is the one that was used last
    cache.put(b"more" * 75)
    assert [cache.get(digest) is not None for digest in digests] == [True, False, True]


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "cache", limit_bytes=1000)
    cache.put(b"body")
    left = tmp_path / "cache/fragments/.half-written"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    cache.put(b"x" * 1001)
    assert not left.exists()


@pytest.mark.parametrize("limit_bytes", [10_000, 1000])
def test_measuring_and_evicting_look_at_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit_bytes: int
) -> None:
    filled = FragmentCache(tmp_path / "cache")
    digests = [filled.put(bytes([number]) * 300) for number in range(8)]
    for age, digest in enumerate(digests):
        os.utime(next((tmp_path / "cache").rglob(digest)), (age, age))
    scanned: list[str] = []
    scandir = os.scandir

    def counted(place: str) -> object:
        scanned.append(os.fspath(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", counted)
    FragmentCache(tmp_path / "cache", limit_bytes).put(b"one more")
    monkeypatch.undo()
    assert len(scanned) == len(set(scanned)) > 2
    assert sum(filled.get(digest) is not None for digest in digests) == (8 if limit_bytes == 10_000 else 2)


def test_a_folder_that_cannot_be_written_keeps_nothing_and_fails_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = FragmentCache(tmp_path / "file")
    digest = cache.put(b"body")
    cache.remember(KEY, [FRAGMENT])
    assert cache.get(digest) is None
    assert cache.look_up(KEY) is None


def test_a_full_disk_leaves_nothing_half_written(
    cache: FragmentCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> Path:
        assert path.is_file()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    digest = cache.put(b"body")
    assert cache.get(digest) is None
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_no_path_gets_in_as_a_digest(cache: FragmentCache) -> None:
    with pytest.raises(ValueError, match="no sha256"):
        cache.get("../../etc/passwd")


def test_what_nobody_used_is_unused_and_what_is_no_entry_is_nothing(cache: FragmentCache, tmp_path: Path) -> None:
    old, fresh = (cache.put(body) for body in (b"old", b"fresh"))
    cache.remember(KEY, [FRAGMENT])
    folder = tmp_path / "cache"
    begun, other, elsewhere = folder / f"fragments/ab/.{KEY}-01", folder / "fragments/notes.txt", folder / "mine" / KEY
    for path in (begun, other, elsewhere):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert cache.get(fresh) == b"fresh"  # which is to use it
    assert cache.unused(86400) == sorted(
        [folder / "fragments" / old[:2] / old, begun, folder / "distributions/ab" / KEY]
    )


def test_what_was_packed_of_a_package_is_known_by_its_name(cache: FragmentCache, tmp_path: Path) -> None:
    digests = {name: cache.put(name.encode()) for name in ("good", "better", "fetched")}
    for number, name in enumerate(("good", "better")):
        cache.remember(f"{number}" * 64, [replace(FRAGMENT, distribution=name, sha256=digests[name])])
    note = tmp_path / "cache" / "distributions" / "00" / ("0" * 64)
    os.utime(note, (1_000_000_000, 1_000_000_000))
    found = cache.of_distributions({"good"})
    assert found == sorted([note, tmp_path / "cache" / "fragments" / digests["good"][:2] / digests["good"]])
    assert note.stat().st_mtime == 1_000_000_000  # to look for it is not to use it
    assert cache.of_distributions({"fetched"}) == []
