"""Every Python we build for, by either installer, with the real pip inside."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import foreign, newer_pythons, real_pip, shells
from tests.support.sizes import ends
from tests.support.tool import REPOSITORY, Tool
from tests.support.wheels import wheel
from venvbuild import interpreters
from venvbuild.interpreters import past_its_end

PYTHONS = ("3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")


@pytest.fixture
def tool(tool: Tool) -> Tool:
    main = "def main():\n    import sys\n    print('runs on', '%d.%d' % sys.version_info[:2], sys.prefix)\n"
    wheel(tool.index.folder, "app", "1.0", requires=["lib==1.0; python_version < '3.10'"], files={"app.py": main},
          scripts={"app": "app:main"})  # fmt: skip
    wheel(tool.index.folder, "lib", "1.0")
    return tool


@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize(("python", "installer"), [*((python, "uv") for python in PYTHONS), *ends(PYTHONS, "pip")])
def test_it_builds_and_runs_elsewhere(tool: Tool, tmp_path: Path, python: str, installer: str) -> None:
    interpreter = foreign.interpreter(python)
    pip = real_pip.put_into(tool.index.folder, python)
    done = tool.build("app==1.0", PYTHON_VERSION=python, VENVBUILD_INSTALLER=installer)
    assert done.code == 0, done.stderr
    build = done.json
    assert build["installer"].split()[0] == installer
    assert build["is_conflict_free"] is True
    ended = past_its_end(python, datetime.now(UTC).date())
    assert done.stderr.count("end of life") == done.stderr.count(ended or "end of life") == bool(ended)
    lib = ["lib==1.0"] if python in ("3.8", "3.9") else []
    assert build["installed_packages"] == ["app==1.0", *lib, f"pip=={pip}"]
    there = tmp_path / "moved to"
    there.mkdir()
    archive = tool.stored(build["venv_version"]) / f"{build['venv_version']}.tar.gz"
    subprocess.run(["tar", "-xzf", archive, "-C", there], check=True)
    subprocess.run(["sh", there / "venv/bin/rehome", interpreter.path], check=True)
    clean = {"PATH": "/usr/bin:/bin"}
    said = subprocess.run([there / "venv/bin/app"], check=True, capture_output=True, text=True, env=clean)
    assert said.stdout == f"runs on {python} {there / 'venv'}\n"
    said = subprocess.run([there / "venv/bin/pip", "--version"], check=True, capture_output=True, text=True, env=clean)
    assert re.match(rf"pip {pip} from {re.escape(str(there))}", said.stdout)
    assert subprocess.run([there / "venv/bin/python", "-m", "pip", "check"], env=clean, check=False).returncode == 0
    for shell in (shells.OF_THE_ARCHIVE[0], shells.OF_THE_ARCHIVE[-1]):
        session = shell.session(there / "venv")
        assert (session.stdout, session.stderr) == (shell.expected(there / "venv"), ""), shell.name


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_two_owners_of_a_path_end_the_same_by_either_installer(tool: Tool, installer: str) -> None:
    real_pip.put_into(tool.index.folder, "3.11")
    wheel(tool.index.folder, "alpha", "1.0", files={"shared.py": "who = 'alpha'\n"})
    wheel(tool.index.folder, "omega", "1.0", files={"shared.py": "who = 'omega'\n"})
    file = tool.requirements("omega==1.0", "alpha==1.0")
    for step, more in (("check", ("-r", file, "--installer", installer)), ("create", ())):
        done = tool.run(step, "--work-dir", tool.work, *more)
        assert done.code == 0, done.stderr
    assert (tool.work / "venv/lib/python3.11/site-packages/shared.py").read_text() == "who = 'omega'\n"


def test_pip_builds_the_same_archive_in_two_folders(tool: Tool) -> None:
    real_pip.put_into(tool.index.folder, "3.11")
    file, digests = tool.requirements("app==1.0"), set()
    for name in ("one", "a folder with spaces and a name so long that a shebang cannot hold it " + "x" * 80):
        done = tool.run("build", "--json", "-r", file, "--work-dir", tool.folder / name, "--installer", "pip")
        assert done.code == 0, done.stderr
        digests.add(done.json["archive_sha256"])
    assert len(digests) == 1


HARD_TO_REPEAT = """\
import os, sys
KINDS = frozenset(("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"))
def kind(x, path=None, name=""):
    \'\'\'Sets in the order of hashes, names that the interpreter holds too, equal constants twice.\'\'\'
    if x in {"modules", "path", "name", 1.5, b"bytes", "kind", ("a", "b")}:
        return [kind(y, path=os.path, name="name") for y in sys.modules if y in {"one", "two", "three", "four"}]
    return lambda: ("a long constant, not a name", "a long constant, not a name", 10**6, 10**6)
"""


HARD_TO_READ = """\
import json

def render(name, slots={"name": "name"}):
    return t"{name!r:>{slots}}"

class Box[T: int]:
    held: T

try:
    json.loads("{}")["one":"two"]
except KeyError, TypeError:
    pass
"""
"""Syntax of Python 3.14: templates (PEP 750), exceptions without brackets (PEP 758)."""
LAZY = "lazy import json\nlazy from os import path\n"
"""Of Python 3.15 (PEP 810)."""


@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize(("python", "installer"), [*((python, "uv") for python in PYTHONS), *ends(PYTHONS, "pip")])
def test_with_bytecode_it_is_the_same_archive_in_two_folders_and_the_bytecode_is_used(
    tool: Tool, python: str, installer: str
) -> None:
    foreign.interpreter(python)
    if installer == "pip":
        real_pip.put_into(tool.index.folder, python)
    wheel(tool.index.folder, "hard", "1.0", files={"hard/__init__.py": HARD_TO_REPEAT, "hard/two.py": "print 2\n",
          "hard/none.py": "def f(x):\n    return x in {None, 'a', 'b', 'c'}\n", "hard/new.py": HARD_TO_READ,
          "hard/lazy.py": LAZY})  # fmt: skip
    file, built = tool.requirements("app==1.0", "hard==1.0"), []
    for name, umask, env in (
        ("one", 0o022, {}),
        (
            "a folder with spaces",
            0o077,
            {"XDG_CACHE_HOME": str(tool.folder / "c"), "LC_ALL": "C", "PYTHONHASHSEED": "5"},
        ),
    ):
        before = os.umask(umask)
        try:
            done = tool.run("build", "--json", "-r", file, "--work-dir", tool.folder / name, "--installer", installer,
                            "--bytecode", "--python", python, **env)  # fmt: skip
        finally:
            os.umask(before)
        assert done.code == 0, done.stderr
        built.append(done.json)
    assert built[0]["archive_sha256"] == built[1]["archive_sha256"]
    assert built[0]["content_sha256"] == built[1]["content_sha256"]
    assert tool.run("get", built[0]["venv_version"], "venv").code == 0
    target = tool.folder / "venv"
    compiled = {path: path.read_bytes() for path in target.rglob("*.pyc")}
    said = subprocess.run([target / "bin/python", "-v", "-c", "import hard; print(hard.__spec__.cached)"], text=True,
                          env={"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, check=True)  # fmt: skip
    assert f"code object from '{said.stdout.strip()}'" in said.stderr
    assert {path: path.read_bytes() for path in target.rglob("*.pyc")} == compiled
    assert Path(said.stdout.strip()) in compiled
    names = {path.name.split(".")[0] for path in compiled if path.parents[1].name == "hard"}
    since = {"__init__": (3, 8), "none": (3, 11), "new": (3, 14), "lazy": (3, 15)}
    assert names == {name for name, first in since.items() if tuple(map(int, python.split("."))) >= first}


def test_a_patch_version_can_be_asked_for(tool: Tool) -> None:
    found = interpreters.find("3.11", anything_will_do=False, environ=os.environ, uv=Path("uv")).interpreter
    build = tool.build("app==1.0", PYTHON_VERSION=found.full_version).json
    assert (build["python_version"], build["python_full_version"]) == ("3.11", found.full_version)


def test_the_file_may_pin_pip_itself(tool: Tool) -> None:
    wheel(tool.index.folder, "pip", "24.0", files={"pip/__init__.py": ""})
    done = tool.build("app==1.0", "pip==24.0")
    assert done.code == 0, done.stderr
    assert "pip==24.0" in done.json["installed_packages"]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize("python", newer_pythons.NEWER)
def test_the_tool_itself_runs_on_it(tool: Tool, real_index: dict[str, str], python: str) -> None:
    seen = {"VENVBUILD_PYTHON": str(foreign.interpreter(python).path), "PYTHONPATH": None}
    # One of Debian has its certificates where these are not.
    trusts = {"SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"}
    set_up = tool.environment(**seen, **trusts, VENVBUILD_INDEX_URL=None, **real_index)
    program, pins = REPOSITORY / "bin/venvbuild", tool.requirements("app==1.0")
    subprocess.run([program, "--version"], env=set_up, check=True)
    built = subprocess.run([program, "build", "-r", pins, "--json", "--python", python], env=tool.environment(**seen),
                           check=True, capture_output=True, text=True)  # fmt: skip
    assert json.loads(built.stdout)["python_version"] == python
    assert "Warning" not in built.stderr
