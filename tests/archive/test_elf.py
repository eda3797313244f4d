"""What compiled files ask for, as another reader sees it too."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from venvbuild.archive import bundled_python, elf

OF_THE_TOOL = sorted(Path(sys.base_prefix, "lib").glob("python3.*/lib-dynload/*.so"))[:20]
PROGRAM = Path(sys.executable).resolve()


def patchelf(question: str, path: Path) -> list[str]:
    said = subprocess.run(
        [bundled_python._patchelf(), question, path], capture_output=True, text=True, check=True
    ).stdout
    return [word for line in said.splitlines() for word in line.split(":") if word]


@pytest.mark.parametrize("path", [PROGRAM, *OF_THE_TOOL], ids=lambda path: path.name)
def test_libraries_and_folders_are_those_that_patchelf_reads(path: Path) -> None:
    found = elf.read(path)
    assert found is not None
    assert list(found.needed) == patchelf("--print-needed", path)
    assert list(found.search_path) == patchelf("--print-rpath", path)


def test_the_version_of_glibc_is_the_newest_that_readelf_shows(tmp_path: Path) -> None:
    found = elf.read(PROGRAM)
    assert found is not None
    assert found.glibc is not None
    strings = PROGRAM.read_bytes()
    assert b"GLIBC_%d.%d\0" % found.glibc in strings
    assert (2, 0) < found.glibc < (3, 0)
    assert b"GLIBC_%d.%d\0" % (found.glibc[0], found.glibc[1] + 1) not in strings


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(100), b"\x7fELF\x02\x02"])
def test_what_is_no_such_file_has_nothing_to_say(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert elf.read(tmp_path / "file") is None


def test_a_file_that_is_cut_off_is_damaged_wherever_that_is(tmp_path: Path) -> None:
    whole = PROGRAM.read_bytes()
    for end in (10, 100, 1000, 3000):
        (tmp_path / "cut").write_bytes(whole[:end])
        with pytest.raises(ValueError, match="ends too early"):
            elf.read(tmp_path / "cut")


def test_a_chain_of_versions_without_an_end_is_damaged(tmp_path: Path) -> None:
    at = 64 + 2 * 56
    dynamic = {5: at + 96, 10: 1, 0x6FFFFFFE: at + 80, 0x6FFFFFFF: 1 << 40}  # strings, their size, versions, how many
    table = b"".join(struct.pack("<QQ", tag, value) for tag, value in dynamic.items()).ljust(80, b"\0")
    version = struct.pack("<HHIII", 1, 0, 0, 0, 0)  # without entries; the next one is itself
    load, tables = (1, 0, 0, 0, 0, 1 << 20, 0, 0), (2, 0, at, 0, 0, 80, 0, 0)
    segments = b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in (load, tables))
    head = (
        b"\x7fELF\x02\x01".ljust(32, b"\0") + struct.pack("<Q", 64) + bytes(14) + struct.pack("<HH", 56, 2) + bytes(6)
    )
    (tmp_path / "endless").write_bytes(head + segments + table + version + b"\0")
    with pytest.raises(ValueError, match="more versions"):
        elf.read(tmp_path / "endless")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_is_a_value_error_at_worst(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(OF_THE_TOOL[0].read_bytes()) if OF_THE_TOOL else bytearray(PROGRAM.read_bytes())
    end = data.draw(st.integers(6, len(content)))
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(6, min(4000, len(content) - 1)))] = data.draw(st.integers(0, 255))
    (tmp_path / "damaged").write_bytes(content[:end])
    with contextlib.suppress(ValueError):
        elf.read(tmp_path / "damaged")
