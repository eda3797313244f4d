"""A stored archive in parts: each is what the index says, or there is none."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from tests.support.builds import put_build
from tests.support.exported import build_of, packable, put_packed
from venvbuild.archive import FragmentCache
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.restore import StoredArchive
from venvbuild.stores import open_store


def test_it_is_copied_byte_for_byte(tmp_path: Path) -> None:
    stored, raw = build_of(tmp_path / "build").archive, io.BytesIO(b"head")
    raw.seek(4)
    whole = hashlib.sha256(b"head")
    assert stored.copy_to(raw, whole) == stored.build["archive_sha256"]
    assert raw.getvalue() == b"head" + (tmp_path / "build/venv.tar.gz").read_bytes()
    assert whole.digest() == hashlib.sha256(raw.getvalue()).digest()


@pytest.mark.parametrize("cut", [0, 1])
def test_another_archive_is_not_copied(tmp_path: Path, cut: int) -> None:
    stored = build_of(tmp_path / "build").archive
    [archive] = tmp_path.glob("build/store/venv-builds/*/*.tar.gz")
    body = archive.read_bytes()
    archive.chmod(0o644)
    archive.write_bytes(body[:-8] + (b"" if cut else bytes(8)))
    with pytest.raises(IntegrityError, match=r"not the one that metadata\.json names"):
        stored.copy_to(io.BytesIO())


def test_a_fragment_comes_from_the_cache_when_the_store_is_gone(tmp_path: Path) -> None:
    stored = build_of(tmp_path / "build").archive
    plain = [stored.plain(fragment) for fragment in stored.index.fragments]
    (tmp_path / "build/store").rename(tmp_path / "gone")
    assert [stored.plain(fragment) for fragment in stored.index.fragments] == plain


def test_an_index_of_another_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    packed = packable(tmp_path / "one").pack()
    store = open_store(str(tmp_path / "store"))
    version = put_packed(store, packed, archive_root="", schema_version=2)
    with pytest.raises(IntegrityError, match=r"archive_root of metadata\.json is ''"):
        StoredArchive.of(store, version, FragmentCache(tmp_path / "cache"))


def test_a_build_without_an_index_says_so(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    with pytest.raises(UsageError, match=r"build it again from its requirements\.txt"):
        StoredArchive.of(store, put_build(store, 1), FragmentCache(tmp_path / "cache"))
