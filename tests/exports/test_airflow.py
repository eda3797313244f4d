"""The DAG: Python of any version that Airflow has; that it runs there: tests/end_to_end/test_airflow.py."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import pytest

from tests.support.exported import build_of, saying
from venvbuild.exports import CONSUMERS, export

AIRFLOW = CONSUMERS["airflow"]


def test_without_a_file_it_is_told_with_the_path_and_the_way_there(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    made = export(AIRFLOW, build)
    get, python, dag = made.settings
    assert shlex.split(get.text)[:4] == ["venvbuild", "get", build.venv_version, "/opt/venvs/sales"]
    assert python.text == "/opt/venvs/sales/bin/python"
    assert made.file is None
    assert f'PYTHON = "{python.text}"' in dag.text


def test_into_a_file_goes_the_same_dag(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    made = export(AIRFLOW, build, tmp_path / "dag.py")
    assert made.file
    assert made.file.read_text("utf-8") == export(AIRFLOW, build).settings[2].text + "\n"
    assert len(made.settings) == 2


@pytest.mark.parametrize("folder", ["plain", '"""\nimport os; os.abort()\n"""', "back\\slash\\x", "'"])
def test_it_is_a_module_whatever_the_store_is_called(tmp_path: Path, folder: str) -> None:
    build = build_of(tmp_path / folder)
    dag = export(AIRFLOW, saying(build, env_name="a.b-C_1")).settings[2].text
    tree = ast.parse(dag, feature_version=(3, 8))
    docstring = ast.get_docstring(tree)
    assert docstring
    assert shlex.split(docstring.split("after\n")[1])[-1] == str(tmp_path / folder / "store")
    assert [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import)] == ["import datetime"]
