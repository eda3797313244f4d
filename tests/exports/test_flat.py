"""A stored archive becomes a flat one, byte for byte the one that `--layout flat` packs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported import build_of, packable, stored
from venvbuild.archive import FLAT, ROOT, Member, compression
from venvbuild.errors import IntegrityError
from venvbuild.exports import CONSUMERS, export, flat
from venvbuild.exports.flat import write_flat
from venvbuild.interpreters import probe

ROOTS = (("venv", ROOT), ("flat", FLAT))


def made_of(folder: Path, **options: Any) -> bytes:
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


def test_files_over_several_fragments_and_bytecode_are_cut_as_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "PIECE_BYTES", 1000)
    interpreter = probe(Path(sys.executable).resolve())
    (tmp_path / "flat").mkdir()
    one = packable(tmp_path / "flat")
    (one.site / "nobodys.py").write_text("x = 1\n" * 1000)
    archives = [one.pack(f"{name}.tar.gz", archive_root=root, compiled_by=interpreter) for name, root in ROOTS]
    build = stored(one, compiled_by=interpreter)
    with (tmp_path / "made").open("x+b") as raw:
        write_flat(build.archive, raw)
    assert (tmp_path / "made").read_bytes() == archives[1].path.read_bytes()
    assert len(archives[0].index.fragments) > 20


def test_a_hostile_link_is_refused(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    writer = flat._Writer(build.archive)
    with pytest.raises(IntegrityError, match="leads out of the environment"):
        writer.blocks_of(Member("lib/x", "l", 0o777, link="../../x").header())
    with pytest.raises(IntegrityError, match="lies outside of venv/"):
        writer.blocks_of(Member("x", "f", 0o644).header("other"))


def test_a_damaged_store_gives_no_file(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    [archive] = tmp_path.glob("build/store/venv-builds/*/*.tar.gz")
    archive.chmod(0o644)
    archive.write_bytes(archive.read_bytes().replace(b"\0", b"\1"))
    (tmp_path / "out").mkdir()
    with pytest.raises(IntegrityError, match="damaged"):
        export(CONSUMERS["spark"], build, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_tar_unpacks_it_into_a_folder_that_runs(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build", python_path=str(Path(sys.executable).resolve()))
    made = export(CONSUMERS["spark"], build, tmp_path / "x.tar.gz").file
    (tmp_path / "environment").mkdir()
    subprocess.run(["tar", "-xzf", str(made), "-C", tmp_path / "environment"], check=True)
    python = str(tmp_path / "environment/bin/python")
    command = [python, "-c", "import other; print(other.__file__)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "environment/lib/python3.11/site-packages/other.py")
