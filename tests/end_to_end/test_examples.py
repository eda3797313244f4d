"""The examples of the repository, built for real from the package index."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.tool import REPOSITORY, Tool
from venvbuild import interpreters

EXAMPLES = REPOSITORY / "examples"
TRIES = 5


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_kedro_builds_as_its_own_closure_and_imports_elsewhere(real_tool: Tool, tmp_path: Path, python: str) -> None:
    require(
        any(one.version == python for one in interpreters.installed(os.environ)), f"there is no Python {python} here"
    )
    done = real_tool.run("build", "--json", "--locked", "-r", EXAMPLES / "kedro/requirements.txt", "--python", python)
    assert done.code == 0, done.stderr
    build = done.json
    assert {"kedro==0.19.14", "pandas==2.2.3"} < set(build["installed_packages"])
    assert build["is_conflict_free"] is True  # kedro and kedro-telemetry need each other: a cycle is no conflict
    archive = real_tool.stored(build["venv_version"]) / f"{build['venv_version']}.tar.gz"
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    interpreter = interpreters.find(python, anything_will_do=False, environ=os.environ, uv=Path("uv")).interpreter
    subprocess.run(["sh", tmp_path / "venv/bin/rehome", interpreter.path], check=True)
    script = "import kedro, pandas; print(kedro.__version__, pandas.DataFrame({'a': [1, 2]}).a.sum())"
    clean = {"PATH": "/usr/bin:/bin", "DO_NOT_TRACK": "1"}
    said = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", script], env=clean, capture_output=True, text=True, check=True
    )
    assert said.stdout == "0.19.14 3\n"


def test_the_conflict_is_5_and_can_be_forced(real_tool: Tool) -> None:
    file = EXAMPLES / "conflict/requirements.txt"
    done = real_tool.run("build", "-r", file)
    assert done.code == 5
    assert "httpx 0.27.0 needs httpcore==1.*" in done.stderr
    done = real_tool.run("build", "--json", "-r", file, FAIL_ON_CONFLICTS="false")
    assert done.json["conflicts"] == ["httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed"]


def test_every_line_of_unpinned_but_the_first_is_refused_with_the_newest_version(real_tool: Tool) -> None:
    for _ in range(TRIES):
        done = real_tool.run("check", "--json", "-r", EXAMPLES / "unpinned/requirements.txt")
        assert done.code == 3
        problems = done.json["error"]["problems"]
        assert [int(problem["where"].rpartition(":")[2]) for problem in problems] == list(range(3, 11))
        if problems[0]["fix"] != "write numpy==<version>":
            break  # else the index told it too late
    assert problems[0]["fix"].startswith("write numpy==2.")
