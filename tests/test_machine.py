"""What an environment asks of a machine, and what this one lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from tests.support.supplies import here
from venvbuild import machine
from venvbuild.installed import Distribution
from venvbuild.interpreters import Target
from venvbuild.machine import Requires


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


@pytest.mark.parametrize(
    ("of_wheels", "of_base", "glibc"),
    [
        pytest.param("2.17", "2.34", "2.34", id="the interpreter's"),
        pytest.param("2.28", "2.5", "2.28", id="the wheels'"),
        pytest.param("2.5", "2.17", "2.17", id="as numbers and not as text"),
        pytest.param(None, "2.17", "2.17", id="only the interpreter"),
        pytest.param("2.17", None, "2.17", id="only the wheels"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_of_two_needs_for_glibc_the_newer_counts(of_wheels: str | None, of_base: str | None, glibc: str | None) -> None:
    joined = Requires("cp311", of_wheels).with_base(Requires(glibc=of_base, libraries=("libz.so.1",)))
    assert joined.as_json() == {"abi": "cp311", "glibc": glibc, "libraries": ["libz.so.1"]}


def test_without_an_interpreter_only_the_wheels_ask() -> None:
    assert Requires("none", "2.17").with_base(None).as_json() == {"abi": "none", "glibc": "2.17"}


@pytest.mark.parametrize(
    ("wheel", "takers"),
    [
        ("numpy-2.5.5-cp314-cp314t-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", {"314t": ("cp314t", "2.27")}),
        ("numpy-2.5.5-cp315-cp315t-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", {"315t": ("cp315t", "2.27")}),
        ("numpy-2.5.5-cp314-cp314t-musllinux_1_2_x86_64.whl", {}),
        ("cffi-2.1.1-cp314-cp314t-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", {"314t": ("cp314t", "2.17")}),
        ("cryptography-50.0.2-cp314-cp314t-manylinux_2_28_x86_64.whl", {"314t": ("cp314t", "2.28")}),
        ("cryptography-50.0.2-cp39-abi3-manylinux_2_28_x86_64.whl", {"314": ("abi3", "2.28"), "315": ("abi3", "2.28")}),
        ("cryptography-50.0.2-cp315-abi3.abi3t-manylinux_2_28_x86_64.whl",
         {"315": ("abi3", "2.28"), "315t": ("abi3t", "2.28")}),
        ("cryptography-50.0.2-cp315-abi3.abi3t-manylinux2014_aarch64.manylinux_2_17_aarch64.whl", {}),
    ],
)  # fmt: skip
def test_wheels_as_the_index_has_them_are_read_by_their_tags(wheel: str, takers: Mapping[str, tuple[str, str]]) -> None:
    tags = tuple(map(str, parse_wheel_filename(wheel)[3]))
    one = Distribution("x", "x", "1", (), (), None, tags, None, None, None, (), Path("/x"), "x-1.dist-info", ())
    found = {}
    for kind in ("314", "314t", "315", "315t"):
        environment = {**here().marker_environment, "python_version": f"3.{kind[1:3]}"}
        platforms = tuple(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1))
        python = replace(
            here(), soabi=f"cpython-{kind}-x86_64-linux-gnu", marker_environment=environment, platforms=platforms
        )
        if list(machine.wheels_of_others([one], python, "venv")):
            continue
        needs = machine.of_wheels([one], Target(environment, frozenset(python.supported_tags)))
        found[kind] = (needs.abi, needs.glibc)
        assert list(machine.misfits(needs, python, "2.36")) == []
    assert found == takers


@pytest.mark.parametrize(
    ("abi", "soabi", "fits"),
    [
        ("cp314", "cpython-314-x86_64-linux-gnu", True),
        ("cp314", "cpython-314t-x86_64-linux-gnu", False),
        ("cp314t", "cpython-314-x86_64-linux-gnu", False),
        ("cp314t", "cpython-314t-x86_64-linux-gnu", True),
        ("abi3", "cpython-315-x86_64-linux-gnu", True),
        ("abi3", "cpython-315t-x86_64-linux-gnu", False),
        ("abi3t", "cpython-315-x86_64-linux-gnu", False),
        ("abi3t", "cpython-315t-x86_64-linux-gnu", True),
        ("none", "cpython-315t-x86_64-linux-gnu", True),
        (None, "cpython-315-x86_64-linux-gnu", True),
    ],
)
def test_the_abi_that_the_wheels_need_is_that_of_the_interpreter(abi: str | None, soabi: str, fits: bool) -> None:
    found = [problem.what for problem in machine.misfits(Requires(abi), replace(here(), soabi=soabi), None)]
    assert found == ([] if fits else [f"the environment needs a Python with the ABI {abi}"])
