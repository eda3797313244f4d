"""The packages alone, as a ZIP: what is in it, in which form, and that it imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported import build_of, packable, stored
from tests.support.packing import Packable
from tests.support.requirement import require
from venvbuild.archive import compression
from venvbuild.errors import IntegrityError
from venvbuild.exports.aws_lambda import LAMBDA, LAMBDA_LAYER
from venvbuild.exports.rules import SizeLimit
from venvbuild.exports.zipping import write_zip
from venvbuild.interpreters import probe

ANY = SizeLimit(1 << 30, "")
USUAL = ["good-1.0.dist-info/METADATA", "good-1.0.dist-info/RECORD", "good-1.0.dist-info/WHEEL"]


def made_of(one: Packable, folder: str = "", **options: Any) -> zipfile.ZipFile:
    path = one.folder / "made.zip"
    with path.open("x+b") as raw:
        write_zip(stored(one, **options).archive, folder, ANY, raw)
    return zipfile.ZipFile(path)


@pytest.fixture
def one(tmp_path: Path) -> Packable:
    found = packable(tmp_path)
    found.install("pip", files={"pip/__init__.py": "", "pip/large.py": "x = 1\n"}, scripts={"pip": "x"})
    (found.site / "nobodys.pth").write_text("import sys\n")
    (found.site / "nobodys.so").write_bytes(bytes(range(256)))
    (found.site / "nobodys.so").chmod(0o755)
    return found


@pytest.mark.parametrize("folder", ["", "python/"])
@pytest.mark.parametrize("root", ["venv", ""])
def test_it_holds_what_is_in_site_packages_but_pip(one: Packable, folder: str, root: str) -> None:
    with made_of(one, folder, archive_root=root) as opened:
        names = opened.namelist()
        assert opened.testzip() is None
        assert opened.read(f"{folder}otter/ünicode.txt").decode() == "é" * 2000
    assert all(name.startswith(folder) for name in names)
    assert {"good/__init__.py", "other.py", "nobodys.pth", *USUAL} <= {name.removeprefix(folder) for name in names}
    assert not [name for name in names if "pip" in name or "bin/" in name or "share" in name or "pycache" in name]


def test_its_entries_have_neither_time_nor_owner(one: Packable) -> None:
    with made_of(one) as opened:
        infos = {info.filename: info for info in opened.infolist()}
    assert {info.date_time for info in infos.values()} == {(1980, 1, 1, 0, 0, 0)}
    assert infos["nobodys.so"].external_attr >> 16 == 0o100755
    assert infos["other.py"].external_attr >> 16 == 0o100644


def test_bytecode_is_left_out(one: Packable) -> None:
    interpreter = probe(Path(sys.executable).resolve())
    assert interpreter
    with made_of(one, compiled_by=interpreter) as opened:
        assert not [name for name in opened.namelist() if name.endswith(".pyc")]


@pytest.mark.parametrize(("consumer", "folder"), [(LAMBDA, ""), (LAMBDA_LAYER, "python")])
def test_it_imports_with_nothing_else_on_the_path(tmp_path: Path, consumer: object, folder: str) -> None:
    build = build_of(tmp_path / "build")
    consumer.make(build, tmp_path / "made.zip")  # type: ignore[attr-defined]
    with zipfile.ZipFile(tmp_path / "made.zip") as opened:
        opened.extractall(tmp_path / "unzipped")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import other; print(other.good.answer)"
    command = [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "unzipped" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_another_reader_unpacks_the_same(one: Packable) -> None:
    require(shutil.which("bsdtar"), "there is no bsdtar here")
    with made_of(one) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    (one.folder / "other").mkdir()
    subprocess.run(["bsdtar", "-xf", one.folder / "made.zip", "-C", one.folder / "other"], check=True)
    assert {name: (one.folder / "other" / name).read_bytes() for name in files} == files


def test_a_file_over_several_fragments_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "PIECE_BYTES", 1000)
    one = packable(tmp_path)
    (one.site / "other.py").write_text("x = 1\n" * 1000)
    with made_of(one) as opened:
        assert opened.read("other.py") == b"x = 1\n" * 1000


def test_a_damaged_archive_gives_none(one: Packable) -> None:
    build = stored(one)
    [archive] = (one.folder / "store").glob("venv-builds/*/*.tar.gz")
    body = bytearray(archive.read_bytes())
    body[-200] ^= 1
    archive.chmod(0o644)
    archive.write_bytes(body)
    with (one.folder / "made.zip").open("x+b") as raw, pytest.raises(IntegrityError, match="damaged"):
        write_zip(build.archive, "", ANY, raw)
