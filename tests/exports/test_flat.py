"""A stored archive becomes a flat one, byte for byte the one that `--layout flat` packs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.exported import build_of, packable
from venvbuild.archive import FLAT
from venvbuild.exports.flat import write_flat


def made_of(folder: Path, **options: object) -> bytes:
    with (folder / "made").open("x+b") as raw:
        build = build_of(folder / "build", **options)
        write_flat(build.archive, raw)
    return (folder / "made").read_bytes()


@pytest.mark.parametrize("level", [1, 5])
def test_the_bytes_are_those_of_a_flat_build(tmp_path: Path, level: int) -> None:
    (tmp_path / "flat").mkdir()
    flat = packable(tmp_path / "flat").pack(level=level, archive_root=FLAT).path.read_bytes()
    assert made_of(tmp_path, level=level) == flat


def test_a_flat_archive_is_copied(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build", archive_root=FLAT)
    with (tmp_path / "made").open("x+b") as raw:
        assert write_flat(build.archive, raw) == build.archive.build["archive_sha256"]
    assert (tmp_path / "made").read_bytes() == (tmp_path / "build/venv.tar.gz").read_bytes()
