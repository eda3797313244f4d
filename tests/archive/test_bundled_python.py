"""An interpreter as it goes into an archive; environments that run with one are in tests/end_to_end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.supplies import here
from venvbuild.archive import bundled_python
from venvbuild.archive.bundled_python import Bundle
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.interpreters import Interpreter

LIB = f"_base/lib/python{here().version}"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    """The Python that runs the tests."""
    with bundled_python.bundle_of(here(), tmp_path_factory.mktemp("bundle")) as made:
        assert made
        yield made


def python(prefix: Path, *files: str) -> Interpreter:
    """An interpreter in `prefix` that consists of these files."""
    for name in files:
        (prefix / name).parent.mkdir(parents=True, exist_ok=True)
        (prefix / name).write_bytes(b"x")
    return replace(here(), prefix=prefix, path=prefix / "bin" / "python")


def test_a_bundle_is_the_program_and_its_library(bundled: Bundle) -> None:
    assert bundled.version == here().full_version
    assert {f"_base/bin/python{here().version}", f"{LIB}/os.py", f"{LIB}/json/__init__.py"} <= set(bundled.members)
    assert bundled.members[bundled_python.bundled_executable(here().version)].mode == 0o755


def test_its_names_lead_to_the_program(bundled: Bundle) -> None:
    assert bundled.members["bin/python"].link == f"../_base/bin/python{here().version}"
    assert bundled.members["_base/bin/python3"].link == f"python{here().version}"


def test_every_file_lies_in_a_folder_of_the_bundle(bundled: Bundle) -> None:
    for name in bundled.members:
        folder = name.rpartition("/")[0]
        assert folder in ("", "bin") or bundled.members[folder].kind == "d", name


@pytest.mark.parametrize("name", ["site-packages", "test", "tkinter", "idlelib", "turtle.py", "__pycache__"])
def test_what_no_server_needs_stays_behind(bundled: Bundle, name: str) -> None:
    assert not [one for one in bundled.members if one.startswith(f"{LIB}/{name}")]


def test_what_describes_the_build_to_compilers_stays_behind(tmp_path: Path) -> None:
    files = [
        f"lib/python{here().version}/{name}"
        for name in ("os.py", "build-details.json", "kept.json", "build-details..x86_64-linux-gnu.json")
    ]
    files += [f"lib/python{here().version}/_sysconfig_vars__linux_x86_64-linux-gnu.json", f"bin/python{here().version}"]
    made = bundled_python.bundled(python(tmp_path, *files), tmp_path)
    assert {name.removeprefix(f"{LIB}/") for name in made.members if name.startswith(f"{LIB}/")} == {
        "os.py",
        "kept.json",
    }


def test_how_it_was_configured_names_no_place_of_this_machine(bundled: Bundle) -> None:
    (content,) = (member.content for name, member in bundled.members.items() if "/_sysconfigdata_" in name)
    assert content
    said: dict[str, Any] = {}
    exec(compile(content, "_sysconfigdata.py", "exec"), said)
    assert said["build_time_vars"]["prefix"] == sys.base_prefix
    assert here().prefix in (Path("/usr"), Path("/usr/local")) or str(here().prefix).encode() not in content


def test_it_asks_a_machine_for_a_glibc_and_for_no_part_of_it(bundled: Bundle) -> None:
    assert bundled.requires.glibc
    assert bundled.requires.glibc.startswith("2.")
    assert not {"libc.so.6", "libm.so.6"} & set(bundled.requires.libraries or ())


def test_without_an_interpreter_there_is_no_bundle(tmp_path: Path) -> None:
    with bundled_python.bundle_of(None, tmp_path) as made:
        assert made is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        pytest.param([], f"bin/python{here().version}", id="program"),
        pytest.param([f"bin/python{here().version}"], f"lib/python{here().version}/os.py", id="library"),
    ],
)
def test_a_python_that_is_not_all_in_one_folder_cannot_be_bundled(
    tmp_path: Path, files: list[str], missing: str
) -> None:
    with pytest.raises(UsageError) as caught:
        bundled_python.bundled(python(tmp_path / "opt", *files), tmp_path)
    (problem,) = caught.value.problems
    assert problem.what == f"Python {here().full_version} cannot be bundled: there is no {tmp_path}/opt/{missing}"
    assert (problem.where, problem.fix[:27]) == ("--bundle-python", "use a Python that is all in")


def test_a_python_of_nothing_but_scripts_asks_for_nothing(tmp_path: Path) -> None:
    version = here().version
    made = bundled_python.bundled(python(tmp_path, f"bin/python{version}", f"lib/python{version}/os.py"), tmp_path)
    assert (made.requires.glibc, made.requires.libraries) == (None, ())


def test_a_program_that_came_in_an_archive_is_asked_itself(tmp_path: Path, bundled: Bundle) -> None:
    program = bundled.members[bundled_python.bundled_executable(here().version)]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_bytes(Path(str(program.source)).read_bytes())
    assert bundled_python.required_by_bundle(tmp_path).glibc is not None


def test_a_damaged_program_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(b"\x7fELF\x02\x01" + b"\xff" * 200)
    with pytest.raises(IntegrityError, match="a compiled file of the interpreter cannot be read") as caught:
        bundled_python.required_by_bundle(tmp_path)
    assert caught.value.problems[0].where == "_base/python"
