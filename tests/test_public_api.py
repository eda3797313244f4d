"""What others may import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import venvbuild
from tests.support.tool import REPOSITORY, Tool
from tests.support.wheels import wheel

EXAMPLE = textwrap.dedent((venvbuild.__doc__ or "").partition("tells more:\n\n")[2])
PAGE = (REPOSITORY / "docs" / "library.md").read_text("utf-8")


@pytest.mark.parametrize("name", venvbuild.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(venvbuild, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(venvbuild, "nonsense")  # noqa: B009  # a type checker knows that it is not there


def test_importing_it_imports_no_module_of_it() -> None:
    script = "import sys, venvbuild; print([name for name in sys.modules if name.startswith('venvbuild.')])"
    root = str(Path(venvbuild.__file__).parents[1])
    said = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {script}"], check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    assert said == "[]\n"


def test_a_silent_progress_is_one(capfd: pytest.CaptureFixture[str]) -> None:
    progress: venvbuild.Progress = venvbuild.Silent()
    progress.began("check")
    progress.ended("check", 1.0, "51 pins")
    assert capfd.readouterr() == ("", "")


def test_the_name_of_the_environment_is_the_one_that_was_given() -> None:
    assert venvbuild.load_settings({"env_name": "sales"}, {"ENV_NAME": "other"}).env_name == "sales"
    with pytest.raises(venvbuild.VenvBuildError, match="no setting 'env_nam'"):
        venvbuild.load_settings({"env_nam": "sales"}, {})


@pytest.fixture
def user(tool: Tool) -> Tool:
    """A folder with a requirements file, and an index that has what it pins."""
    wheel(tool.index.folder, "kedro", "0.19.14")
    tool.requirements("kedro==0.19.14")
    tool.env["VENVBUILD_STORE"] = ""
    return tool


def run(script: str, user: Tool) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=user.folder, env=user.environment(),
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_the_example_of_the_docstring_runs_as_it_stands(user: Tool) -> None:
    said = run(EXAMPLE, user).splitlines()
    name, venv_version, count = said[0].split()
    assert (name, count) == ("sales", "2")
    assert said[1] == f"{venv_version} ['kedro==0.19.14']"
    assert Path(said[2]).exists()
    assert (user.folder / "venv" / "bin" / "python").exists()


def test_the_examples_of_the_page_run_one_after_another_as_they_stand(user: Tool) -> None:
    script = "".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    said = run(script, user)
    assert "kedro==0.19.14" in said
    assert "whole" in said
    assert "no build of an environment named risk" in said


def test_the_page_names_all_of_it_and_nothing_else() -> None:
    assert set(re.findall(r"^\| `(?:venvbuild\.)?(\w+)", PAGE, re.MULTILINE)) == {*venvbuild.__all__} - {"__version__"}


def test_the_examples_are_typed(tmp_path: Path) -> None:
    script = "".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    (tmp_path / "page.py").write_text(script)
    (tmp_path / "docstring.py").write_text(EXAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"),
         "--follow-imports", "silent", "page.py", "docstring.py"],
        cwd=tmp_path, env={"MYPYPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "heavy"),
    [
        ("get", {"athena", "boto3", "duckdb", "sqlglot"}),
        ("find", {"boto3", "venvbuild.restore", "venvbuild.environment"}),
        ("load_settings", {"athena", "boto3", "duckdb", "venvbuild.stores"}),
    ],
)
def test_a_name_imports_what_it_needs_alone(user: Tool, name: str, heavy: set[str]) -> None:
    said = run(f"import json, sys, venvbuild; venvbuild.{name}; print(json.dumps(list(sys.modules)))", user)
    assert set(json.loads(said)) & heavy == set()
