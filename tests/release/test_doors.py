"""The scripts that a project's scripts/ may hold, and the README of the example project, as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import real_pip
from tests.support.index_server import IndexServer
from tests.support.requirement import require
from tests.support.scripts import REPOSITORY
from tests.support.wheels import wheel
from venvbuild import interpreters

EXAMPLE = REPOSITORY / "examples" / "release"
DOORS = ["version.py", "build.py", "publish.py"]
STAND_IN = """\
#!/bin/sh
printf '%s|' "$(pwd)" "$PYPI_BACKEND" "$@"; echo
case "$2" in {failing}) exit 11 ;; esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """With the scripts in scripts/, and no tool."""
    folder = tmp_path / "a project"
    (folder / "scripts").mkdir(parents=True)
    for name in DOORS:
        shutil.copy(EXAMPLE / name, folder / "scripts")
    return folder


def stand_in(folder: Path, failing: str = "none") -> Path:
    """A `venvbuild` that prints where it runs, the variable, and its arguments."""
    folder.mkdir(exist_ok=True)
    (folder / "venvbuild").write_text(STAND_IN.format(failing=failing))
    (folder / "venvbuild").chmod(0o755)
    return folder


def run(*command: str | Path, path: Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin", "PYPI_BACKEND": "gitlab", **more}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def python(version: str) -> Path:
    found = [one.path for one in interpreters.installed(os.environ) if one.version == version]
    require(found, f"there is no Python {version}")
    return found[0]


@pytest.mark.parametrize(
    ("line", "handed_over"),
    [
        ("version.py minor --tag", ["release|bump|minor|--tag|"]),
        ("version.py patch --tag --message 'Two words'", ["release|bump|patch|--tag|--message|Two words|"]),
        ("build.py", ["release|build|", "release|check|"]),
        ("publish.py", ["release|publish|"]),
    ],
)
def test_a_line_of_the_scripts_is_a_line_of_the_tool_in_the_project(
    project: Path, tmp_path: Path, line: str, handed_over: list[str]
) -> None:
    name, *words = shlex.split(line)
    path = stand_in(tmp_path / "programs")
    ran = run(python("3.8"), project / "scripts" / name, *words, path=path, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [f"{project}|gitlab|{one}" for one in handed_over]


@pytest.mark.parametrize(
    ("name", "failing", "calls"),
    [("version.py", "bump", 1), ("build.py", "build", 1), ("build.py", "check", 2), ("publish.py", "publish", 1)],
)
def test_the_exit_code_is_that_of_the_tool_and_a_failed_build_is_not_checked(
    project: Path, tmp_path: Path, name: str, failing: str, calls: int
) -> None:
    ran = run(sys.executable, project / "scripts" / name, path=stand_in(tmp_path / "programs", failing), cwd=tmp_path)
    assert ran.returncode == 11
    assert len(ran.stdout.splitlines()) == calls


@pytest.mark.parametrize("name", DOORS)
def test_without_the_tool_it_says_what_to_do_and_that_helps(project: Path, tmp_path: Path, name: str) -> None:
    programs = tmp_path / "programs"
    ran = run(python("3.8"), project / "scripts" / name, path=programs, cwd=tmp_path)
    assert ran.returncode == 2
    assert "venvbuild is not installed" in ran.stderr
    assert "put its bin folder on the PATH" in ran.stderr
    assert run(python("3.8"), project / "scripts" / name, path=stand_in(programs), cwd=tmp_path).returncode == 0


def test_the_tool_beside_the_python_that_runs_the_script_comes_first(project: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    stand_in(environment / "bin", failing="bump")
    ran = run(
        environment / "bin" / "python", project / "scripts" / "version.py", "minor",
        path=stand_in(tmp_path / "programs"), cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 11


# --- bin/release


def test_the_script_hands_its_words_over_in_the_project_that_it_lies_in(tmp_path: Path) -> None:
    project = tmp_path / "a project"
    (project / "bin").mkdir(parents=True)
    script = project / "bin" / "release"
    script.write_bytes((EXAMPLE / "bin" / "release").read_bytes())
    script.chmod(0o755)
    tool = stand_in(tmp_path / "programs", failing="run")
    named = {"VENVBUILD": str(tool / "venvbuild")}
    for path, more in ((tool, {}), (tmp_path, named)):
        ran = run(script, "run", "two words", path=path, cwd=tmp_path, **more)
        assert (ran.returncode, ran.stdout) == (11, f"{project}|gitlab|release|run|two words|\n")


def test_the_script_has_nothing_that_shellcheck_and_shfmt_find() -> None:
    for command in (["shellcheck"], ["shfmt", "-i", "4", "-d"]):
        program = Path(sys.executable).parent / command[0]
        require(program.exists(), f"{command[0]} is not installed beside the Python of the tests")
        linted = subprocess.run(
            [program, *command[1:], EXAMPLE / "bin" / "release"], capture_output=True, text=True, check=False
        )
        assert linted.returncode == 0, linted.stdout + linted.stderr


# --- the example project


def test_its_readme_installs_upgrades_and_goes_back(index: IndexServer, tmp_path: Path) -> None:
    text = (EXAMPLE / "project" / "README.md").read_text("utf-8")
    programs = real_pip.environment(tmp_path / "environment")
    seen = []
    for title, published in (("Install", "0.2.0"), ("Upgrade", "0.3.0"), ("Go back", "0.3.0")):
        files = {"databricks_tools.py": f"def main():\n    print('databricks-tools version {published}')\n"}
        scripts = {"databricks-tools": "databricks_tools:main"}
        wheel(index.folder, "databricks-tools", published, files=files, scripts=scripts)
        [block] = re.findall(rf"^## {title}\n.*?^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in [*block.splitlines(), "databricks-tools --version"]:
            command = shlex.split(line.replace("https://pypi.company.com/team/prod/+simple/", index.url()))
            ran = run(programs / command[0], *command[1:], path=programs, cwd=tmp_path)
            assert ran.returncode == 0, ran.stderr
        seen.append(ran.stdout.split()[-1])
    assert seen == ["0.2.0", "0.3.0", "0.2.0"]
