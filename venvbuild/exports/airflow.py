"""Airflow: a DAG whose task runs on the Python of a restored environment, by ExternalPythonOperator."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Makes, Paste
from venvbuild.exports.rules import Finding, Rule, Source, has_libraries, not_checked

_PAGE = Source(
    "https://airflow.apache.org/docs/apache-airflow-providers-standard/stable/operators/python.html", "2026-11-29"
)
_FOLDER = "/opt/venvs"
_DAG = Template('''"""A task in the environment $version of $env_name.

Each worker has it after

    $get
"""

import datetime

try:
    from airflow.providers.standard.operators.python import ExternalPythonOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.python import ExternalPythonOperator

PYTHON = "$python"


def task():
    """Runs on that Python, alone: what it needs it imports itself."""
    import sys

    return sys.prefix


with DAG("$env_name", schedule=None, start_date=datetime.datetime(2025, 1, 1), catchup=False):
    ExternalPythonOperator(task_id="task", python=PYTHON, python_callable=task, expect_airflow=False)
''')


@dataclass(frozen=True)
class _Airflow:
    """A DAG, in a file or to be pasted."""

    name: str = "airflow"
    takes: str = "a DAG with the path of the Python for ExternalPythonOperator; without -o on stdout"
    makes: Makes = "text"
    rules: tuple[Rule, ...] = (
        not_checked(
            "path",
            "each worker has the environment at the path of the DAG",
            "get it there on each worker; the command stands in the DAG",
            _PAGE,
        ),
        not_checked(
            "platform",
            "the workers fit the build",
            "they must be {platform}, and have {glibc} and a Python {python_version}",
            _PAGE,
            inside=Finding("NOT CHECKED", "they must be {platform}, and have {glibc}"),
        ),
        has_libraries("the workers", _PAGE),
        not_checked(
            "values",
            "what a task takes and returns can be read by both Pythons",
            "values of packages must be of versions that Airflow's Python has, too; plain ones always can",
            _PAGE,
        ),
    )

    def file_name(self, build: Build) -> str:
        """`sales_dag.py`, which can be imported."""
        return f"{build.env_name.replace('.', '_').replace('-', '_')}_dag.py"

    def make(self, build: Build, place: Path) -> str:
        """The DAG."""
        text = _dag(build).encode("utf-8", "backslashreplace")
        place.write_bytes(text)
        return sha256(text).hexdigest()

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """How each worker gets the environment, the path, and the DAG where there is no file."""
        on_workers = (Paste("on each worker", _get(build)), Paste("python of ExternalPythonOperator", _python(build)))
        return on_workers if made else (*on_workers, Paste("a DAG", _dag(build).rstrip("\n")))


def _python(build: Build) -> str:
    return f"{_FOLDER}/{build.env_name}/bin/python"


def _get(build: Build) -> str:
    return build.command_to_get(f"{_FOLDER}/{build.env_name}")


def _dag(build: Build) -> str:
    # Whatever the name of the store is: a quotation mark would end the docstring, a backslash mean something in it.
    get = _get(build).replace("\\", "\\\\").replace('"', '\\"')
    return _DAG.substitute(version=build.venv_version, env_name=build.env_name, get=get, python=_python(build))


AIRFLOW = _Airflow()
