"""Which libraries this machine lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvbuild import machine


def test_those_that_cannot_be_loaded_are_named_in_order() -> None:
    assert machine.missing_libraries(["libz-of-nowhere.so.9", "libc.so.6", "liba.so.0"]) == (
        "libz-of-nowhere.so.9",
        "liba.so.0",
    )
    assert machine.missing_libraries([]) == ()


@pytest.mark.parametrize("name", ["{folder}/library.so", "../library.so", "-c", "--help", ""])
def test_a_name_that_is_no_soname_is_missing_and_never_loaded(tmp_path: Path, name: str) -> None:
    system = next(path for path in map(Path, ("/lib", "/lib64", "/usr/lib")) for path in path.rglob("libm.so.6"))
    (tmp_path / "library.so").symlink_to(system)
    soname = name.format(folder=tmp_path)
    assert machine.missing_libraries([soname]) == (soname,)
