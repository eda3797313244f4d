"""Which Python is found for a version, and which is none for it, though it says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import uv

from tests.support.supplies import here, pretend
from venvbuild.interpreters import Interpreter, NoInterpreter, find, installed

USUAL = replace(
    here(),
    full_version="3.77.1",
    soabi="cpython-377-x86_64-linux-gnu",
    marker_environment={**here().marker_environment, "python_version": "3.77", "python_full_version": "3.77.1"},
)
FREE_THREADED = replace(USUAL, soabi="cpython-377t-x86_64-linux-gnu")


def found(environ: dict[str, str]) -> Interpreter:
    return find("3.77", anything_will_do=False, environ=environ, uv=Path(uv.find_uv_bin())).interpreter


def test_a_free_threaded_python_is_passed_over_wherever_it_lies(tmp_path: Path) -> None:
    pretend(FREE_THREADED, tmp_path / "pyenv/versions/3.77.1t/bin/python3")
    pretend(USUAL, tmp_path / "pyenv/versions/3.77.1/bin/python3")
    pretend(FREE_THREADED, tmp_path / "first/python3.77")
    pretend(USUAL, tmp_path / "second/python3.77")
    by_pyenv = found({"PYENV_ROOT": str(tmp_path / "pyenv"), "PATH": ""})
    assert by_pyenv.path == tmp_path / "pyenv/versions/3.77.1/bin/python3"
    by_path = found({"PATH": f"{tmp_path / 'first'}:{tmp_path / 'second'}"})
    assert by_path.path == tmp_path / "second/python3.77"


def test_where_only_a_free_threaded_one_is_there_it_is_named_as_that(tmp_path: Path) -> None:
    pretend(FREE_THREADED, tmp_path / "python3")
    environ = {"PATH": str(tmp_path)}
    assert [one.is_free_threaded for one in installed(environ)] == [True]
    with pytest.raises(NoInterpreter, match=r"found 3\.77\.1 \(free-threaded\) in the PATH"):
        found(environ)
    with pytest.raises(NoInterpreter):
        find("3.11", anything_will_do=True, environ=environ, uv=Path(uv.find_uv_bin()))


@pytest.mark.parametrize(
    ("soabi", "takes", "not_taken"),
    [
        ("cpython-315-x86_64-linux-gnu", {"cp315-cp315", "cp314-abi3", "py3-none"}, {"cp315-cp315t", "cp315-abi3t"}),
        ("cpython-315t-x86_64-linux-gnu", {"cp315-cp315t", "cp315-abi3t", "py3-none"}, {"cp315-cp315", "cp314-abi3"}),
    ],
)
def test_a_python_takes_the_wheels_of_its_kind_alone(soabi: str, takes: set[str], not_taken: set[str]) -> None:
    environment = {**USUAL.marker_environment, "python_version": "3.15"}
    one = replace(USUAL, soabi=soabi, marker_environment=environment)
    tags = {tag.rpartition("-")[0] for tag in one.supported_tags}
    assert takes <= tags
    assert not not_taken & tags
