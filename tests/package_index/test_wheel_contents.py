"""What a wheel holds, whatever it says of itself."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from pathlib import Path

import pytest

from tests.support.wheels import wheel
from venvbuild.errors import ResolutionError
from venvbuild.package_index import EntryScripts, UnreadableWheel, WheelContents, record_of, wheel_contents


def contents(folder: Path, files: dict[str, str], tag: str = "py2.py3-none-any") -> WheelContents:
    return WheelContents.read(wheel(folder, "tiny", "1.0", files=files, tag=tag, scripts={"tiny": "tiny:main"}))


def test_each_file_has_the_digest_of_its_bytes_and_what_record_says_of_it(tmp_path: Path) -> None:
    found = contents(tmp_path, {"tiny.py": "x = 1\n"})
    [tiny] = [file for file in found.files if file.path == "tiny.py"]
    sha256 = hashlib.sha256(b"x = 1\n").hexdigest()
    assert (tiny.sha256, tiny.size_bytes, tiny.record) == (sha256, 6, record_of(sha256, 6))
    assert (found.dist_info, found.scripts, found.tags) == (
        "tiny-1.0.dist-info", EntryScripts(("tiny",)), ("py2-none-any", "py3-none-any"),
    )  # fmt: skip
    assert found.sha256 == hashlib.sha256((tmp_path / found.filename).read_bytes()).hexdigest()


def test_of_a_script_that_names_no_python_yet_it_is_what_follows(tmp_path: Path) -> None:
    names = {"one": "#!python\nx\n", "two": "#!pythonw -E\nx\n", "three": "#!/bin/sh\nx\n"}
    found = contents(tmp_path, {f"tiny-1.0.data/scripts/{name}": text for name, text in names.items()})
    told = {Path(file.path).name: (file.sha256, file.is_rewritten) for file in found.files}
    behind = hashlib.sha256(b"x\n").hexdigest()
    assert told["one"] == told["two"] == (behind, True)
    assert told["three"] == (hashlib.sha256(b"#!/bin/sh\nx\n").hexdigest(), False)


def test_through_json_it_is_the_same(tmp_path: Path) -> None:
    found = contents(tmp_path, {"tiny.py": "x", "tiny-1.0.data/scripts/one": "#!python\nx\n"})
    assert WheelContents.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_a_record_that_lies_is_told_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "lies-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lies/a.py", "a")
        archive.writestr("lies\\b.py", "b")
        archive.writestr("./b.py", "b")
        archive.writestr(
            "lies-1.0.dist-info/RECORD", "lies\\a.py,sha256=wrong,7\nlies\\b.py,sha256=y,1\ngone.py,sha256=x,1\n"
        )
    found = WheelContents.read(path)
    assert found.unmet == {"gone.py": "sha256=x,1"}
    told = {file.path: file.record for file in found.files}
    # some wrote RECORD with backslashes, and in a name of the archive one is a letter
    told_of = {"lies/a.py": "sha256=wrong,7", "lies\\b.py": "sha256=y,1"}
    assert told == {**told_of, "b.py": "", "lies-1.0.dist-info/RECORD": ""}


@pytest.mark.parametrize("body", [b"", b"no zip at all", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_wheel_is_an_error_that_names_it(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "bad-1.0-py3-none-any.whl"
    path.write_bytes(body)
    with pytest.raises(ResolutionError, match=r"bad-1\.0-py3-none-any\.whl is no readable wheel"):
        WheelContents.read(path)


@pytest.mark.parametrize(
    ("method", "before", "after"),
    [
        pytest.param(zipfile.ZIP_LZMA, b"]\0\0", b"\xff\0\0", id="lzma"),
        pytest.param(zipfile.ZIP_BZIP2, b"BZh", b"BZ\xff", id="bzip2"),
        pytest.param(zipfile.ZIP_DEFLATED, b"\0\1\xff\xfe", b"\0\1\xff\xff", id="deflated"),
        pytest.param(zipfile.ZIP_STORED, "caf\xe9".encode(), b"caf\xff\xff", id="a name that is not UTF-8"),
        pytest.param(zipfile.ZIP_STORED, b"noname", b"\0oname", id="a name that is empty"),
        pytest.param(zipfile.ZIP_STORED, b"PK\1\2\x14\3\x14\0\0\0\0\0", b"PK\1\2\x14\3\x14\0\0\0\x61\0", id="a method"),
    ],
)
def test_a_wheel_that_is_damaged_inside_is_an_error_that_names_it(
    tmp_path: Path, method: int, before: bytes, after: bytes
) -> None:
    path = tmp_path / "bad-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in ("bad-1.0.dist-info/RECORD", "caf\xe9", "noname"):
            archive.writestr(name, bytes(range(256)))
    WheelContents.read(path)
    body = path.read_bytes()
    assert before in body
    path.write_bytes(body.replace(before, after))
    with pytest.raises(UnreadableWheel, match=r"bad-1\.0-py3-none-any\.whl is no readable wheel"):
        WheelContents.read(path)


def test_a_record_that_no_reader_takes_is_an_error_that_names_the_wheel(tmp_path: Path) -> None:
    path = tmp_path / "bad-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bad-1.0.dist-info/RECORD", f"{'x' * 200_000},,\n")
    with pytest.raises(ResolutionError, match="is no readable wheel: field larger"):
        WheelContents.read(path)


def test_a_wheel_that_is_made_to_fill_the_disk_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "good-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good-1.0.dist-info/RECORD", "")
        archive.writestr("zeros.bin", b"\0" * 2_000_000)
    assert WheelContents.read(made)
    monkeypatch.setattr(wheel_contents, "_ALWAYS_ALLOWED_BYTES", 1 << 20)
    with pytest.raises(ResolutionError, match=r"its [0-9]+ bytes would be [0-9]+ when they are unpacked"):
        WheelContents.read(made)


@pytest.mark.parametrize(
    ("mode", "is_program"),
    [
        (stat.S_IFREG | 0o755, True),
        (stat.S_IFREG | 0o644, False),
        (0o644, False),
        # which uv makes programs of, and pip does not
        (0o755, None),
        (stat.S_IFLNK | 0o777, None),
        (0, False),
    ],
)
@pytest.mark.parametrize("system", [0, 3, 19])
def test_a_file_is_a_program_where_all_installers_make_it_one(
    tmp_path: Path, mode: int, system: int, *, is_program: bool | None
) -> None:
    path = wheel(tmp_path, "tiny", "1.0")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("tiny/run")
        info.create_system, info.external_attr = system, mode << 16
        archive.writestr(info, "x")
    [found] = [one for one in WheelContents.read(path).files if one.path == "tiny/run"]
    # of what another system wrote uv makes no programs, and pip does
    assert found.is_executable == (is_program if system == 3 or not is_program else None)
