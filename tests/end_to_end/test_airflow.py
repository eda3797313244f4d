"""The DAG that `export --for airflow` makes, run by Airflow itself, on the Python of a restored build."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.downloads import airflow
from tests.support.tool import Tool
from tests.support.wheels import wheel


@pytest.mark.slow
def test_a_task_runs_on_the_python_of_the_environment(tool: Tool) -> None:
    wheel(tool.index.folder, "only_there", "1.0")
    done = tool.run("build", "-r", tool.requirements("only_there==1.0"), "--env-name", "sales", "--python", "3.12")
    assert done.code == 0, done.stderr
    (tool.folder / "dags").mkdir()
    exported = tool.run("export", "sales@latest", "--for", "airflow", "-o", "dags/sales_dag.py")
    assert exported.code == 0, exported.stderr
    # Who has another place for environments changes the path, as docs/exports.md says.
    place = str(tool.folder / "venvs")
    (tool.folder / "venvs").mkdir()
    get = shlex.split(exported.stdout.splitlines()[1].replace("/opt/venvs", place))
    assert tool.run(*get[1:]).code == 0
    dag = tool.folder / "dags/sales_dag.py"
    text = dag.read_text("utf-8").replace("/opt/venvs", place)
    dag.write_text(text.replace("return sys.prefix", "import only_there\n    return only_there.__file__"))
    run_airflow(tool.folder, "db", "migrate")
    said = run_airflow(tool.folder, "dags", "test", "sales")
    assert f"Returned value was: {place}/sales/lib/python3.12/site-packages/only_there.py" in said


def run_airflow(folder: Path, *arguments: str) -> str:
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder),
        "AIRFLOW_HOME": str(folder / "airflow"), "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }  # fmt: skip
    done = subprocess.run(
        [airflow(), "-m", "airflow", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False,
        timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
