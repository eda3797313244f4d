"""What was made before comes out of the cache, and is believed for its sha256 alone."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.exported import build_of
from venvbuild.archive import FragmentCache
from venvbuild.exports import CONSUMERS, Build, export


def exported(build: Build, folder: Path, name: str, consumer: str = "spark") -> bytes:
    file = export(CONSUMERS[consumer], build, folder / name).file
    assert file
    return file.read_bytes()


def test_the_second_time_nothing_is_read_or_compressed(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    tar, zipped = exported(build, tmp_path, "1.tar.gz"), exported(build, tmp_path, "1.zip", "lambda")
    shutil.rmtree(tmp_path / "build/store")
    for fragment in build.archive.index.fragments:
        cached(tmp_path, fragment.sha256).unlink()
    assert exported(build, tmp_path, "2.tar.gz") == tar
    assert exported(build, tmp_path, "2.zip", "lambda") == zipped


def cached(folder: Path, sha256: str) -> Path:
    return folder / "build/exports-cache/fragments" / sha256[:2] / sha256


def test_a_damaged_entry_is_made_anew(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    made = exported(build, tmp_path, "1.tar.gz")
    for path in (tmp_path / "build/exports-cache/fragments").glob("??/*"):
        path.write_bytes(b"damaged" + path.read_bytes())
    assert exported(build, tmp_path, "2.tar.gz") == made


def test_an_entry_of_another_build_is_not_believed(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    made = exported(build, tmp_path, "1.tar.gz")
    [entry] = (tmp_path / "build/exports-cache/exports").glob("??/*")
    other = entry.with_name(entry.name[::-1])
    entry.rename(other)
    shutil.copy(other, entry)
    entry.write_bytes(entry.read_bytes().replace(b'["', b'["0'))
    assert exported(build, tmp_path, "2.tar.gz") == made


def test_a_sum_in_the_record_is_not_believed(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    one = export(CONSUMERS["spark"], build, tmp_path / "1.tar.gz")
    [entry] = (tmp_path / "build/exports-cache/exports").glob("??/*")
    entry.write_text(entry.read_text().replace(str(one.sha256), "0" * 64))
    two = export(CONSUMERS["spark"], build, tmp_path / "2.tar.gz")
    assert (two.sha256, exported(build, tmp_path, "3.tar.gz")) == (one.sha256, (tmp_path / "1.tar.gz").read_bytes())


def test_what_was_kept_is_found_by_who_prunes(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    exported(build, tmp_path, "1.tar.gz")
    unused = {path.parent.parent.name for path in FragmentCache(tmp_path / "build/exports-cache").unused(0)}
    assert {"exports", "fragments"} <= unused
