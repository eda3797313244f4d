"""`--bundle-python`: environments that bring their interpreter run where there is no Python at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign, real_pip
from tests.support.sizes import ends
from tests.support.tool import Tool
from tests.support.wheels import wheel

PYTHONS = [f"3.{minor}" for minor in range(8, 14)]
NOTHING = {"PATH": "/nowhere", "HOME": "/nowhere"}
PROBE = """
import bz2, ctypes, hashlib, json, lzma, multiprocessing, sqlite3, ssl, sys, sysconfig, zlib

def square(number):
    return number * number

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        squares = pool.map(square, [3])
    sqlite3.connect(":memory:").execute("select 1")
    ssl.create_default_context()
    with open("/proc/self/maps") as maps:
        files = sorted({line.split(None, 5)[5].strip() for line in maps if "/" in line})
    python = [name for name in files if "libpython" in name or "lib-dynload" in name or "/bin/python" in name]
    print(json.dumps({"prefix": sys.prefix, "base": sys.base_prefix, "path": sys.path[1:], "python": python,
                      "squares": squares, "library": sysconfig.get_config_var("LIBDIR")}))
"""


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    (tmp_path / "probe.py").write_text(PROBE)
    return tmp_path / "probe.py"


def asked(python: Path, probe: Path) -> dict[str, Any]:
    """What a Python says of itself that was started without any help of the machine."""
    done = subprocess.run([python, probe], env=NOTHING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def runs_on_its_own(venv: Path, probe: Path) -> None:
    said = asked(venv / "bin/python", probe)
    assert (said["prefix"], said["squares"]) == (str(venv), [9])
    assert said["python"]
    places = [*said["path"], *said["python"], said["base"], said["library"]]
    assert [place for place in places if not os.path.realpath(place).startswith(f"{venv}/")] == []


@pytest.mark.parametrize("python", ends(PYTHONS))
def test_after_plain_tar_it_runs_without_any_python(tmp_path: Path, probe: Path, tool: Tool, python: str) -> None:
    app = wheel(
        tmp_path, "app", "1.0", files={"app.py": "def main():\n    print('app runs')\n"}, scripts={"app": "app:main"}
    )
    venv, there = foreign.make("uv", python, tmp_path / "made", app), tmp_path / "moved to"
    done = tool.run("pack", "--venv", venv, "--bundle-python", "-o", "packed.tar.gz", "--json")
    assert done.code == 0, done.stderr
    assert "libssl.so.3" in done.json["libraries"] or "libssl.so.1.1" in done.json["libraries"]
    shutil.rmtree(venv)
    there.mkdir()
    subprocess.run(["tar", "-xzf", "packed.tar.gz", "-C", there], check=True, cwd=tmp_path)
    moved = there / "venv"
    runs_on_its_own(moved, probe)
    assert foreign.run([moved / "bin/app"], PATH="/usr/bin:/bin") == "app runs"
    foreign.run(["sh", moved / "bin/rehome"], PATH="/usr/bin:/bin")
    assert os.readlink(moved / "bin/python") == f"../_base/bin/python{python}"
    runs_on_its_own(moved, probe)
    subprocess.run([moved / "bin/python", "-m", "venv", "--without-pip", tmp_path / "nested"], env=NOTHING, check=True)
    said = asked(tmp_path / "nested/bin/python", probe)
    assert said["prefix"] == str(tmp_path / "nested")
    assert os.path.realpath(said["base"]) == str(moved / "_base")


def with_copy_of(tool: Tool, python: str) -> Path:
    """A Python of the tool's user, which can be taken away: a copy of one of this machine."""
    real = foreign.interpreter(python)
    copy = tool.folder / "pyenv" / "versions" / real.full_version
    leave_out = shutil.ignore_patterns("test", "__pycache__", "site-packages", "config-*", "*.a")
    for part in ("bin", f"lib/python{python}"):
        shutil.copytree(real.prefix / part, copy / part, symlinks=True, ignore=leave_out)
    for library in (real.prefix / "lib").glob("libpython*"):
        shutil.copy2(library, copy / "lib" / library.name, follow_symlinks=False)
    tool.env["PYENV_ROOT"] = str(tool.folder / "pyenv")
    return copy


@pytest.mark.parametrize("python", [pytest.param("3.11", marks=pytest.mark.slow), "3.13"])
def test_a_build_is_restored_where_its_python_is_gone(tool: Tool, probe: Path, python: str) -> None:
    copy, pip = with_copy_of(tool, python), real_pip.put_into(tool.index.folder, python)
    wheel(tool.index.folder, "app", "1.0", scripts={"app": "app:main"}, files={"app.py": "def main():\n    print(1)\n"})
    tool.env |= {"PYTHON_VERSION": python, "VENVBUILD_BUNDLE_PYTHON": "yes"}
    build = tool.build("app==1.0").json
    assert build["requires"]["libraries"] == sorted(build["requires"]["libraries"])
    assert {"libffi.so.8", "libsqlite3.so.0"} <= set(build["requires"]["libraries"])
    assert tuple(map(int, build["requires"]["glibc"].split("."))) >= (2, 17)
    shown = tool.run("show", build["venv_version"]).stdout
    assert f"libraries {' '.join(build['requires']['libraries'])}" in shown
    again = tool.build("app==1.0", XDG_CACHE_HOME=str(tool.folder / "another cache")).json
    assert again["archive_sha256"] == build["archive_sha256"]
    index = json.loads((tool.stored(build["venv_version"]) / "archive_index.json").read_text())
    assert {one["version"] for one in index["fragments"] if one["distribution"] == "_base"} == {copy.name}
    shutil.rmtree(copy)
    done = tool.run("get", build["venv_version"], "got", "--compile", "--json")
    assert done.code == 0, done.stderr
    got = tool.folder / "got"
    assert done.json["python"] == str(got / f"_base/bin/python{python}")
    assert done.json["python_full_version"] == build["python_full_version"]
    assert list((got / "lib").rglob("app.cpython-*.pyc"))
    is_compiled(got / f"_base/lib/python{python}")
    runs_on_its_own(got, probe)
    assert foreign.run([got / "bin/app"], PATH="/usr/bin:/bin") == "1"
    assert f"pip=={pip}" in foreign.run([got / "bin/pip", "list", "--format=freeze"], PIP_NO_INDEX="1").splitlines()
    foreign.run([got / "bin/python", "-m", "venv", tool.folder / "nested"])
    assert "pip" in foreign.run([tool.folder / "nested/bin/pip", "--version"])
    verified = tool.run("verify", build["venv_version"], "--restore", "--json")
    assert (verified.code, verified.json["imported"]) == (0, ["app", "pip"]), verified.stderr


def is_compiled(library: Path) -> None:
    """Its bytecode is checked by hash, and names the place where it is."""
    for path in library.rglob("*.pyc"):
        assert path.read_bytes()[4:8] == b"\x03\0\0\0", path
        assert b".venvbuild-get-" not in path.read_bytes(), path
    (shutil_,) = library.glob("__pycache__/shutil.cpython-*.pyc")
    (json_,) = library.glob("json/__pycache__/tool.cpython-*.pyc")
    assert os.fsencode(library / "shutil.py") in shutil_.read_bytes()
    assert os.fsencode(library / "json/tool.py") in json_.read_bytes()


def test_no_path_of_the_interpreter_stands_in_a_text_of_it(tool: Tool, tmp_path: Path) -> None:
    python = foreign.interpreter("3.11")
    venv = foreign.make("uv", "3.11", tmp_path / "made")
    assert tool.run("pack", "--venv", venv, "--bundle-python", "-o", "packed.tar.gz").code == 0
    subprocess.run(["tar", "-xzf", "packed.tar.gz"], check=True, cwd=tmp_path)
    for path in (tmp_path / "venv/_base").rglob("*"):
        if path.is_file() and path.read_bytes()[:4] != b"\x7fELF":
            assert os.fsencode(python.prefix) not in path.read_bytes(), path


def test_two_folders_and_the_cache_give_the_same_bytes_and_change_no_interpreter(tool: Tool, tmp_path: Path) -> None:
    copy, digests = with_copy_of(tool, "3.11"), set()
    places = ("one", "a folder with spaces " + "x" * 130)
    for place in places:
        foreign.run([copy / "bin/python3.11", "-B", "-m", "venv", "--without-pip", tmp_path / place])
    before = foreign.snapshot(copy)
    for name, place in (("cold", places[0]), ("warm", places[0]), ("elsewhere", places[1])):
        done = tool.run("pack", "--venv", place, "--bundle-python", "-o", f"{name}.tar.gz", "--json")
        digests.add(done.json["sha256"])
    assert len(digests) == 1
    assert foreign.snapshot(copy) == before


def test_get_of_an_archive_without_metadata_uses_the_interpreter_inside(tool: Tool, tmp_path: Path) -> None:
    venv = foreign.make("uv", "3.12", tmp_path / "made")
    assert tool.run("pack", "--venv", venv, "--bundle-python", "-o", "packed.tar.gz").code == 0
    done = tool.run("get", "--from-archive", "packed.tar.gz", "got", "--json", PATH="/usr/bin:/bin", PYENV_ROOT=None)
    assert done.code == 0, done.stderr
    assert done.json["python"] == str(tmp_path / "got/_base/bin/python3.12")
    again = tool.run("pack", "--venv", "got", "-o", "without.tar.gz", "--json")
    assert (again.code, again.json["libraries"]) == (0, None)
    assert again.json["sha256"] == tool.run("pack", "--venv", venv, "-o", "plain.tar.gz", "--json").json["sha256"]
    bundled = tool.run("pack", "--venv", "got", "--bundle-python", "-o", "with.tar.gz")
    assert bundled.code == 0, bundled.stderr
    assert (tmp_path / "with.tar.gz").read_bytes() == (tmp_path / "packed.tar.gz").read_bytes()


def test_an_interpreter_that_is_damaged_cannot_be_bundled(tool: Tool, tmp_path: Path) -> None:
    copy = with_copy_of(tool, "3.11")
    foreign.run([copy / "bin/python3.11", "-m", "venv", "--without-pip", tmp_path / "made"])
    (library,) = (copy / "lib/python3.11/lib-dynload").glob("_ssl.*")
    library.write_bytes(library.read_bytes()[:1000])
    done = tool.run("pack", "--venv", "made", "--bundle-python", "-o", "packed.tar.gz")
    assert (done.code, f"_base/lib/python3.11/lib-dynload/{library.name}" in done.stderr) == (8, True), done.stderr


def test_an_interpreter_that_is_gone_cannot_be_bundled(tool: Tool, tmp_path: Path) -> None:
    venv = foreign.make("uv", "3.11", tmp_path / "made")
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/bin/python3.11")
    done = tool.run("pack", "--venv", venv, "--bundle-python", "-o", "packed.tar.gz")
    assert (done.code, "leave out --bundle-python" in done.stderr) == (2, True)
    assert tool.run("pack", "--venv", venv, "-o", "packed.tar.gz").code == 0
