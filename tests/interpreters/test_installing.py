"""What is said of a Python that is not here; each way is gone as far as it goes without fetching one."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import uv

from tests.support.index_server import IndexServer
from tests.support.supplies import here
from tests.support.tool import Ended, Tool
from tests.support.wheels import wheel
from venvbuild import interpreters
from venvbuild.interpreters import installing

UV = Path(uv.find_uv_bin())
ANOTHER = "3.14" if here().version != "3.14" else "3.13"
"""A Python that uv knows and that is on no PATH below."""
PYENV = """\
#!/bin/sh
set -eu
if [ "$1 $2" = "install --list" ]; then
    printf 'Available versions:\\n  3.9.1\\n  {minor}-dev\\n  {minor}.9\\n  {minor}.10\\n  {minor}.10t\\n  {minor}.11rc1\\n  pypy{minor}\\n'
    exit
fi
mkdir -p "$PYENV_ROOT/versions/$2/bin"
printf '#!/bin/sh\\nexec {python} "$@"\\n' > "$PYENV_ROOT/versions/$2/bin/python3"
chmod +x "$PYENV_ROOT/versions/$2/bin/python3"
"""  # noqa: E501


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """On a machine whose PATH has the Python of the tests alone, and whose home is empty."""
    wheel(tool.index.folder, "tiny", "1.0")
    tool.requirements("tiny==1.0")
    path = tool.folder / "path"
    path.mkdir()
    (path / f"python{here().version}").symlink_to(here().path)
    tool.env.update(PATH=f"{path}:/no/such", PYENV_ROOT="", PYTHON_VERSION=ANOTHER)
    return tool


def check(tool: Tool, *arguments: str, **env: str) -> Ended:
    return tool.run("check", "--json", *arguments, **env)


def refused(tool: Tool, *arguments: str, **env: str) -> dict[str, str]:
    done = check(tool, *arguments, **env)
    assert done.code == 2, done.stdout + done.stderr
    [problem] = done.json["error"]["problems"]
    assert problem["what"].endswith("is not installed here")
    return dict(problem)


def commands(fix: str) -> list[str]:
    return re.findall(r"`([^`]+)`", fix)


def test_it_is_said_what_is_here_and_where_was_looked(tool: Tool) -> None:
    problem = refused(tool)
    assert problem["why"] == f"found {here().full_version} in the PATH, and it is not among uv's own Pythons"
    assert problem["fix"].startswith(
        "choose one that is here: --python X.Y; or let uv fetch it: --allow-python-download;"
    )
    assert check(tool, "--python", here().version).code == 0


def test_in_a_run_of_jenkins_the_form_is_named_and_no_flag(tool: Tool) -> None:
    fix = refused(tool, BUILD_TAG="jenkins-envs-1", VENVBUILD_STORE="s3://bucket")["fix"]
    assert fix.startswith(
        "choose a PYTHON_VERSION that is here, or an agent that has it (in the job's form: AGENT_LABEL)"
    )
    assert "--" not in fix.partition("an administrator installs it:")[0]
    assert check(tool, PYTHON_VERSION=here().version).code == 0


def test_pyenv_installs_it_where_it_is_looked_for(tool: Tool) -> None:
    root = tool.folder / "a root with spaces"
    program(root / "bin" / "pyenv", PYENV.format(minor=ANOTHER, python=here().path))
    problem = refused(tool, PYENV_ROOT=str(root))
    assert f"in {root}/versions and the PATH" in problem["why"]
    [install, _uv] = commands(problem["fix"])
    assert install.endswith(f" install {ANOTHER}.10")
    subprocess.run(["sh", "-c", install], check=True)  # as written
    made = root / "versions" / f"{ANOTHER}.10" / "bin" / "python3"
    assert made.is_file()
    # It is a stand-in for the Python of the tests, and found where the real one would be.
    assert interpreters.find(here().version, anything_will_do=False, environ={"PYENV_ROOT": str(root)}, uv=UV)


def test_pyenv_is_named_only_where_its_versions_are_looked_at_and_it_knows_this_one(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "pyenv", PYENV.format(minor="3.12", python=here().path))

    def ways(wanted: str, **environ: str) -> list[str]:
        return commands(", or ".join(installing.ways_to_install(wanted, environ, None)))

    on_path, elsewhere, pyenv = str(tmp_path / "bin"), str(tmp_path / "root"), str(tmp_path / "bin" / "pyenv")
    assert ways("3.12", PATH=on_path) == []
    assert ways("3.12", PATH="/no/such", PYENV_ROOT=elsewhere) == []
    assert ways("3.15", PATH=on_path, PYENV_ROOT=elsewhere) == []
    assert ways("3.12", PATH=on_path, PYENV_ROOT=elsewhere) == [f"PYENV_ROOT={elsewhere} {pyenv} install 3.12.10"]
    assert ways("3.12.9", PATH="", PYENV_ROOT=str(tmp_path)) == [f"PYENV_ROOT={tmp_path} {pyenv} install 3.12.9"]


def test_a_package_that_puts_it_on_the_path_is_enough(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [one for one in interpreters.installed(os.environ) if one.version != here().version]
    other = others[-1]
    fix = refused(tool, PYTHON_VERSION=other.version)["fix"]
    assert f"a package that puts python{other.version} on the PATH" in fix
    (tool.folder / "path" / f"python{other.version}").symlink_to(other.path)
    assert check(tool, PYTHON_VERSION=other.version).code == 0


def test_uv_fetches_it_by_the_command_that_is_named(tool: Tool) -> None:
    [install] = commands(refused(tool)["fix"])
    assert install == f"{UV} python install {ANOTHER}"
    # A mirror that lacks it stands for the internet: by what it is asked it is seen that the command is right.
    env = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "UV_PYTHON_INSTALL_MIRROR": tool.index.url("none")}
    ended = subprocess.run(["sh", "-c", install], env=env, capture_output=True, text=True, check=False)
    assert re.search(rf"{re.escape(tool.index.url('none'))}\S*/cpython-{re.escape(ANOTHER)}\.", ended.stderr), (
        ended.stderr
    )


def test_the_flag_has_uv_fetch_it_and_away_is_no_missing_python(tool: Tool) -> None:
    done = check(tool, "--allow-python-download", UV_PYTHON_INSTALL_MIRROR=tool.index.url("none"))
    assert (done.code, f"uv could not fetch Python {ANOTHER}" in done.stdout) == (6, True), done.stdout


@pytest.mark.parametrize("given", [(), ("--allow-python-download",)], ids=["", "flag"])
def test_of_a_python_that_nobody_offers_no_download_is_promised(tool: Tool, given: tuple[str, ...]) -> None:
    fix = refused(tool, *given, PYTHON_VERSION="3.77")["fix"]
    assert "--allow-python-download" not in fix
    assert commands(fix) == []


def test_what_uv_installed_is_found(tool: Tool) -> None:
    others: Mapping[str, interpreters.Interpreter] = {one.version: one for one in interpreters.installed(os.environ)}
    other = next(one for version, one in others.items() if version != here().version)
    [key] = re.findall(r"^cpython-\S+", installing._said(UV, "python", "list", "--only-downloads", "--offline",
                       "--no-config", f"cpython@{other.version}"), re.MULTILINE)  # fmt: skip
    folder = Path(os.environ["HOME"], ".local", "share", "uv", "python", key, "bin")
    folder.mkdir(parents=True)
    (folder / f"python{other.version}").symlink_to(other.path)
    (folder / "python").symlink_to(other.path)
    done = check(tool, PYTHON_VERSION=other.version)
    assert done.code == 0, done.stdout


def test_get_is_told_no_flags_that_it_does_not_have(monkeypatch: pytest.MonkeyPatch, index: IndexServer) -> None:
    with pytest.raises(interpreters.NoInterpreter) as caught:
        interpreters.find_interpreter("3.77")
    assert caught.value.problems[0].fix.startswith("an administrator installs it: ")
