"""What is in the ZIP: members as the wheels hold them, the same bytes anywhere, nothing that cannot be imported."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.wheels import wheel
from venvbuild.errors import IntegrityError
from venvbuild.snowflake import zip as zip_module
from venvbuild.snowflake.zip import Content, Written, is_ours, left_out, members_of, write


class _Stream(io.RawIOBase):
    """What cannot be gone back in, so that zipfile writes sizes behind the bytes (flag 3)."""

    def __init__(self) -> None:
        self.body = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self.body += chunk
        return len(chunk)


def packed(path: Path, files: Mapping[str, str], *, level: int = 6, streamed: bool = False) -> Path:
    """A wheel's ZIP, deflated."""
    stream: Any = _Stream() if streamed else io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), text, zipfile.ZIP_DEFLATED, level)
    path.write_bytes(stream.body if streamed else stream.getvalue())
    return path


def made(wheels: Mapping[str, Path], target: Path, ours: Mapping[str, bytes] | None = None) -> Written:
    content = Content.of((members_of(name, path, path.name) for name, path in wheels.items()), ours or {})
    return write(content, target, lambda sha256: f'{{"content_sha256": "{sha256}"}}\n'.encode())


TEXT = "".join(f"x{number} = {number * number * 7919}\n" for number in range(250))
FILES = {
    "tiny/__init__.py": TEXT,
    "tiny/ä.py": "y = 2\n",
    "tiny-1.0.dist-info/RECORD": "",
    "tiny-1.0.dist-info/licenses/LICENSE": "free\n",
}


@pytest.mark.parametrize("streamed", [False, True], ids=["sizes before", "sizes behind"])
def test_members_are_copied_as_the_wheel_holds_them(tmp_path: Path, streamed: bool) -> None:
    source = packed(tmp_path / "tiny.whl", FILES, level=9, streamed=streamed)
    written = made({"tiny": source}, tmp_path / "out.zip")
    body = (tmp_path / "out.zip").read_bytes()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (written.size_bytes, written.sha256)
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(tmp_path / "out.zip") as after:
        assert after.testzip() is None
        names = [info.filename for info in after.infolist()]
        assert names == sorted(
            {*FILES, "tiny/", "tiny-1.0.dist-info/", "tiny-1.0.dist-info/licenses/", zip_module.MANIFEST}
        )
        for info in after.infolist():
            assert (info.date_time, info.create_system, info.extra) == ((1980, 1, 1, 0, 0, 0), 3, b"")
            assert info.external_attr >> 16 == (0o40755 if info.is_dir() else 0o100644)
            assert info.flag_bits == (0 if info.filename.isascii() else 0x800)
            # sizes stand in the local header, no extra field
            flags, size, plain, _, extra = struct.unpack("<6xH10xLLHH", body[info.header_offset :][:30])
            assert (flags, size, plain, extra) == (info.flag_bits, info.compress_size, info.file_size, 0)
        for name in FILES:
            assert after.read(name) == before.read(name)
            assert after.getinfo(name).compress_size == before.getinfo(name).compress_size


def test_another_zlib_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = packed(tmp_path / "tiny.whl", FILES)
    first = made({"tiny": source}, tmp_path / "1.zip")
    monkeypatch.setattr(zip_module, "zlib_ng", zlib)
    second = made({"tiny": source}, tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert first == second
    # none compresses
    monkeypatch.setattr(zip_module, "zlib_ng", SimpleNamespace(crc32=zlib.crc32, decompressobj=zlib.decompressobj))
    assert made({"tiny": source}, tmp_path / "3.zip") == first


def test_the_content_is_one_however_the_wheel_was_compressed_and_whatever_the_manifest_says(tmp_path: Path) -> None:
    hard, soft = (packed(tmp_path / f"{level}.whl", FILES, level=level) for level in (9, 1))
    first, second = made({"tiny": hard}, tmp_path / "1.zip"), made({"tiny": soft}, tmp_path / "2.zip")
    assert first.sha256 != second.sha256
    assert first.content_sha256 == second.content_sha256
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        lines = [
            f"{name}\0{hashlib.sha256(archive.read(name)).hexdigest()}\n"
            for name in sorted(archive.namelist())
            if name != zip_module.MANIFEST
        ]
    assert first.content_sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()
    other = packed(tmp_path / "other.whl", {**FILES, "tiny/__init__.py": "x = 2\n"})
    assert made({"tiny": other}, tmp_path / "3.zip").content_sha256 != first.content_sha256


def test_what_a_zip_has_no_place_for_is_left_out_and_counted(tmp_path: Path) -> None:
    data = "tiny-1.0.data"
    names = {
        f"{data}/purelib/tiny/pure.py": "tiny/pure.py",
        f"{data}/platlib/tiny/plat.py": "tiny/plat.py",
        "Tiny-1.data/purelib/tiny/other.py": "tiny/other.py",
        f"{data}/scripts/tiny": "",
        f"{data}/headers/tiny.h": "",
        f"{data}/data/share/tiny.txt": "",
        f"{data}/data/share/other.txt": "",
        "tiny/__pycache__/pure.cpython-311.pyc": "",
        "tiny-1.0.dist-info/METADATA": "tiny-1.0.dist-info/METADATA",
    }
    members = members_of("tiny", packed(tmp_path / "tiny.whl", dict.fromkeys(names, "x")), "tiny.whl")
    assert members.paths == tuple(sorted(filter(None, names.values())))
    assert left_out([members]) == {"__pycache__": 1, "data": 2, "headers": 1, "scripts": 1}


def _encrypted(path: Path) -> None:
    body = path.read_bytes()
    central = body.index(b"PK\1\2") + 8
    path.write_bytes(body[:central] + b"\1" + body[central + 1 :])


def _other_crc(path: Path) -> None:
    body = path.read_bytes()
    central = body.index(b"PK\1\2") + 16
    path.write_bytes(body[:central] + b"\0\0\0\0" + body[central + 4 :])


def _larger(path: Path) -> None:
    body = path.read_bytes()
    central = body.index(b"PK\1\2") + 24
    path.write_bytes(body[:central] + struct.pack("<L", 2999) + body[central + 4 :])


def _not_deflated(path: Path) -> None:
    body = path.read_bytes()
    path.write_bytes(body[:60] + b"\xff" * 8 + body[68:])


def _no_zip(path: Path) -> None:
    path.write_bytes(b"PK\3\4 no more of it")


def _with(name: str, method: int = zipfile.ZIP_DEFLATED) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), "x = 1\n", method)

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(_encrypted, "tiny/__init__.py is encrypted", id="encrypted"),
        pytest.param(_other_crc, "tiny/__init__.py is damaged: CRC", id="crc"),
        pytest.param(_larger, "tiny/__init__.py is damaged: it has more bytes", id="size"),
        pytest.param(_not_deflated, "tiny/__init__.py is damaged", id="bytes"),
        pytest.param(_no_zip, "no readable ZIP", id="no ZIP"),
        pytest.param(_with("x.py", zipfile.ZIP_BZIP2), "x.py is neither stored nor deflated", id="bzip2"),
        pytest.param(_with("../x.py"), "no path below a folder", id="above"),
        pytest.param(_with("/x.py"), "no path below a folder", id="root"),
        pytest.param(_with("venvbuild-manifest.json"), "a name of ours", id="ours"),
    ],
)
def test_what_cannot_be_copied_is_refused_with_its_name(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    source = packed(tmp_path / "tiny.whl", {"tiny/__init__.py": TEXT})
    damage(source)
    with pytest.raises(IntegrityError, match=said) as refused:
        made({"tiny": source}, tmp_path / "out.zip")
    assert refused.value.exit_code == 8
    assert "tiny.whl" in str(refused.value)


def test_more_than_zipimport_reads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = packed(tmp_path / "tiny.whl", {f"tiny/m{number}.py": TEXT for number in range(9)})
    monkeypatch.setattr(zip_module, "_MOST_ENTRIES", 10)
    with pytest.raises(IntegrityError, match="would have 11 entries, and 10 can be imported"):
        made({"tiny": source}, tmp_path / "out.zip")
    monkeypatch.setattr(zip_module, "_MOST_ENTRIES", 11)
    assert made({"tiny": source}, tmp_path / "out.zip").entry_count == 11
    monkeypatch.setattr(zip_module, "_MOST_BYTES", 6000)
    with pytest.raises(IntegrityError, match="the ZIP would have more than 4 GiB"):
        made({"tiny": packed(tmp_path / "2.whl", FILES | {"t.py": TEXT})}, tmp_path / "2.zip", {"o.py": b"x" * 5000})


def test_of_two_owners_of_a_path_the_last_by_name_wins_and_it_is_told(tmp_path: Path) -> None:
    first = packed(tmp_path / "b.whl", {"shared.py": "who = 'b'\n", "same.py": "x\n"})
    second = packed(tmp_path / "a.whl", {"shared.py": "who = 'a'\n", "same.py": "x\n"})
    content = Content.of([members_of("b", first, "b.whl"), members_of("a", second, "a.whl")], {})
    assert [(one.path, one.lost, one.won) for one in content.overlaps] == [("shared.py", "a", "b")]
    write(content, tmp_path / "out.zip", lambda _: b"{}")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.read("shared.py") == b"who = 'b'\n"


def test_a_file_where_another_has_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="x/ is a file of it, and a folder of another"):
        made(
            {"a": packed(tmp_path / "a.whl", {"x": ""}), "b": packed(tmp_path / "b.whl", {"x/y.py": ""})},
            tmp_path / "out.zip",
        )


def test_a_namespace_of_two_wheels_imports(tmp_path: Path) -> None:
    wheels = {
        name: wheel(tmp_path, name, "1.0", files={f"space/{name}/__init__.py": f"who = '{name}'\n"})
        for name in ("a", "b")
    }
    made(wheels, tmp_path / "out.zip")
    script = "import sys; sys.path.insert(0, sys.argv[1]); import space.a, space.b; print(space.a.who, space.b.who)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, tmp_path / "out.zip"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "a b\n"


def test_a_zip_of_ours_is_known_by_its_manifest(tmp_path: Path) -> None:
    source = packed(tmp_path / "tiny.whl", FILES)
    made({"tiny": source}, tmp_path / "out.zip")
    assert is_ours(tmp_path / "out.zip")
    assert not is_ours(source)
    assert not is_ours(tmp_path / "absent.zip")
