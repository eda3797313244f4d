"""What of a wheel works from a ZIP: told from what it holds, one line a distribution that needs one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.wheels import wheel
from venvbuild.requirements import Pin
from venvbuild.snowflake import runtimes
from venvbuild.snowflake.judge import (
    KNOWN_DATA,
    KNOWN_TO_WORK,
    Judgement,
    failures_of,
    judge,
    native_problems,
    reached,
)
from venvbuild.snowflake.zip import members_of

NATIVE_TAG = "cp311-cp311-manylinux_2_17_x86_64"


ENVIRONMENT = runtimes.target("3.11", "x86_64").marker_environment


def judged(
    folder: Path, name: str = "tiny", version: str = "1.0", *, tag: str = "py3-none-any", **more: Any
) -> Judgement:
    path = wheel(folder, name, version, tag=tag, **more)
    found = members_of(name, path, path.name)
    return judge(found, version, is_for_any=tag.endswith("any"), environment=ENVIRONMENT)


@pytest.mark.parametrize(
    ("files", "tag", "native"),
    [
        (["tiny/_c.cpython-311-x86_64-linux-gnu.so", "tiny.libs/libgcc.so.1"], NATIVE_TAG, 2),
        (["tiny/_c.abi3.so"], NATIVE_TAG, 1),
        (["tiny/debugger.so"], "py3-none-any", 1),
        (["tiny/lib.dll", "tiny/lib.dylib"], "py3-none-any", 0),  # of other systems
        (["tiny/lib.dylib"], NATIVE_TAG, 1),
        (["tiny/so.py", "tiny/x.so.txt"], "py3-none-any", 0),
        (["tiny-1.0.data/platlib/tiny/_c.so"], NATIVE_TAG, 1),
        (["tiny-1.0.data/scripts/tiny"], NATIVE_TAG, 0),  # text
    ],
)
def test_what_only_a_file_system_can_load_is_native(tmp_path: Path, files: list[str], tag: str, native: int) -> None:
    found = judged(tmp_path, tag=tag, files=dict.fromkeys(["tiny/__init__.py", *files], "x"))
    assert len(found.native_files) == native
    assert found.verdict == ("native" if native else "pure")


def test_an_extension_module_is_named_before_the_libraries_beside_it(tmp_path: Path) -> None:
    files = ["tiny.libs/liba.so.1", "tiny/_c.cpython-311-x86_64-linux-gnu.so"]
    found = judged(tmp_path, tag=NATIVE_TAG, files=dict.fromkeys(files, ""))
    assert found.native_files == (files[1], files[0])


def test_data_is_counted_and_code_and_metadata_are_none(tmp_path: Path) -> None:
    files = ["t/__init__.py", "t/py.typed", "t/x.pyi", "t/a.json", "t/b.txt", "tiny-1.0.dist-info/licenses/L"]
    found = judged(tmp_path, files=dict.fromkeys(files, "x"))
    assert list(found.remarks(is_unpacked=False)) == [
        "tiny==1.0 has 2 data files: what is read with importlib.resources works, what is opened by path not"
    ]
    assert list(found.remarks(is_unpacked=True)) == []
    assert list(judged(tmp_path, "pure").remarks(is_unpacked=False)) == []


@pytest.mark.parametrize("place", ["tiny-1.0.data/scripts/tiny", "tiny/bin/tiny"])
def test_a_program_of_a_machine_is_native_though_it_is_no_library(tmp_path: Path, place: str) -> None:
    files: dict[str, str | bytes] = {"tiny/__init__.py": "", place: b"\x7fELF\2\1\1"}
    found = judged(tmp_path, tag="py3-none-manylinux_2_17_x86_64", files=files)
    assert (found.verdict, found.programs) == ("native", (place,))
    [told] = native_problems([found], [found], [], failures_of([found], [], tmp_path, None, tmp_path), "x86")
    assert told.what == f"tiny==1.0 is native (1 program, {place})"
    assert told.why == "a program cannot be run from a ZIP"
    assert told.fix == "--native packages (Snowflake installs it: PACKAGES = ('tiny==1.0')) or leave it out"
    [line] = found.remarks(is_unpacked=True)
    assert f"has a program, {place}, which cannot be run" in line


def test_a_wheel_for_one_machine_in_which_nothing_is_native_is_told(tmp_path: Path) -> None:
    found = judged(tmp_path, tag="py3-none-manylinux_2_17_x86_64", files={"tiny/__init__.py": ""})
    assert found.verdict == "pure"
    assert list(found.remarks(is_unpacked=False)) == [
        "tiny==1.0 has a wheel for one machine alone, and nothing native in it: it counts as pure"
    ]


def test_what_was_measured_of_a_package_is_told_of_the_versions_it_is_true_of(tmp_path: Path) -> None:
    def told(name: str, version: str) -> list[str]:
        return list(judged(tmp_path, name, version, files={f"{name}/x.json": ""}).remarks(is_unpacked=False))

    for name, known in KNOWN_DATA.items():
        assert told(name, known.tried) == [
            f"{name}=={known.tried} opens its data by path, and fails late: {known.error} (tried with {known.tried})"
        ]
        later = told(name, "9999.0")
        assert later == [] if known.works_from else f"not; {known.tried} failed late: {known.error}" in later[0]
    for name in KNOWN_TO_WORK:
        assert told(name, "1.0") == []


def test_what_is_reached_is_what_pins_need_with_their_extras_and_past_nothing_left_out(tmp_path: Path) -> None:
    def needs(name: str, *requires: str) -> Judgement:
        return judged(tmp_path, name, requires=list(requires))

    everything = [
        needs("a", "b[more]", "win; sys_platform == 'win32'"),
        needs("b", "c", "d; extra == 'more'", "e; extra == 'other'"),
        needs("c", "a", "f; no sense"),
        needs("d"),
    ]
    pins = [Pin("a", "a", (), "1.0", None, (), 1, True)]
    assert reached(pins, everything, ENVIRONMENT) == {"a", "b", "c", "d"}
    assert reached(pins, everything, ENVIRONMENT, without={"b"}) == {"a", "b"}
    pins = [Pin("b", "b", ("other",), "1.0", None, (), 1, True)]
    assert reached(pins, everything, ENVIRONMENT) == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize(("name", "line"), [("tiny.pth", "import tiny"), ("tiny.start", "tiny:begin")])
def test_what_python_reads_when_it_starts_is_told_for_nobody_reads_it(tmp_path: Path, name: str, line: str) -> None:
    found = judged(tmp_path, files={name: line, "tiny.py": ""})
    assert [name in line for line in found.remarks(is_unpacked=True)] == [True]
    assert found.data_count == 0


def test_needs_are_those_of_the_target(tmp_path: Path) -> None:
    requires = [
        "One_Two>=1",
        "win; sys_platform == 'win32'",
        "arm; platform_machine == 'aarch64'",
        "more; extra == 'e'",
    ]
    assert judged(tmp_path, requires=requires).needs == {"one-two"}
    assert judged(tmp_path, "odd", requires=["!!!", "fine"]).needs == {"fine"}


def test_each_native_one_is_told_in_the_order_of_the_file_with_the_two_ways_out() -> None:
    def native(name: str, *needs: str) -> Judgement:
        return Judgement(name, "1.0", (f"{name}/_c.so", f"{name}/_d.so"), 0, (), frozenset(needs))

    pins = [Pin(name, name, (), "1.0", None, (), line, True, "a.txt") for line, name in ((2, "zz"), (3, "bb"))]
    natives = [native("aa"), native("bb"), native("zz", "aa")]
    told = native_problems(natives, natives, pins, dict.fromkeys(("aa", "bb", "zz"), "it cannot"), "x86 warehouse")
    assert [one.where for one in told] == ["a.txt:2", "a.txt:3", ""]
    assert told[0].as_line() == (
        "a.txt:2: zz==1.0 is native (2 files, zz/_c.so ...); why: it cannot; fix: --native packages (Snowflake "
        "installs it: PACKAGES = ('aa==1.0', 'bb==1.0', 'zz==1.0')) or --native ship (x86 warehouse)"
    )
    assert told[2].what == "aa==1.0 is native (needed by zz==1.0; 2 files, aa/_c.so ...)"
