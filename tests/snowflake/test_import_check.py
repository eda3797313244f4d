"""Whether what lies in the ZIP imports from there, alone, without secrets; and what cannot be judged is said."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.tool import REPOSITORY
from tests.support.wheels import wheel
from venvbuild.interpreters import Interpreter, probe
from venvbuild.snowflake import import_check
from venvbuild.snowflake.import_check import Checked, Modules, check, modules_of
from venvbuild.snowflake.zip import Content, WheelMembers, members_of, write

LOADER = REPOSITORY / "venvbuild" / "snowflake" / "native_loader.py"


@pytest.fixture(scope="module")
def python() -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


def members(folder: Path, name: str, *paths: str) -> WheelMembers:
    made = wheel(folder, name, "1.0", files=dict.fromkeys(paths, ""))
    return members_of(name, made, made.name)


def test_the_modules_of_a_wheel_are_told_by_its_paths(tmp_path: Path) -> None:
    paths = [
        "one.py",
        "pack/__init__.py",
        "pack/__main__.py",
        "pack/deep/mod.py",
        "space/inner/__init__.py",
        "space/inner/x.py",
        "space/alone.py",
        "no-module/x.py",
        "tests/test_x.py",
        "setup.py",
        "pack/_c.cpython-311-x86_64-linux-gnu.so",
        "pack/_d.abi3.so",
        "pack/_e.abi3t-x86_64-linux-gnu.so",
        "pack/_f.cpython-314t-x86_64-linux-gnu.so",
        "pack/libother.so",
        "_top.so",
        "pack.libs/libx.so.1",
    ]
    [found] = modules_of([members(tmp_path, "tiny", *paths)])
    assert found.top == ("_top", "one", "pack", "space.alone", "space.inner")
    assert found.all == ("one", "pack", "pack.deep.mod", "space.alone", "space.inner", "space.inner.x")
    assert found.natives == {
        "_top": "_top.so",
        "pack._c": "pack/_c.cpython-311-x86_64-linux-gnu.so",
        "pack._d": "pack/_d.abi3.so",
        "pack._e": "pack/_e.abi3t-x86_64-linux-gnu.so",
        "pack._f": "pack/_f.cpython-314t-x86_64-linux-gnu.so",
    }


def test_a_folder_with_an_init_of_another_wheel_is_no_namespace(tmp_path: Path) -> None:
    first, second = modules_of([members(tmp_path, "a", "old/__init__.py"), members(tmp_path, "b", "old/b.py")])
    assert (first.top, second.top) == (("old",), ("old",))


class Zip:
    """A ZIP of tiny wheels, name -> files, and its check."""

    def __init__(self, folder: Path, python: Interpreter) -> None:
        self.folder, self.python = folder, python
        self.archive = folder / "out.zip"
        (folder / "scratch").mkdir()

    def modules(self, wheels: dict[str, dict[str, str]]) -> tuple[list[Modules], list[WheelMembers]]:
        made = [wheel(self.folder / "wheels", name, "1.0", files=files) for name, files in wheels.items()]
        found = [members_of(name, path, path.name) for name, path in zip(wheels, made, strict=True)]
        return modules_of(found), found

    def check(
        self, wheels: dict[str, dict[str, str]], left_out: dict[str, dict[str, str]] | None = None, **more: Any
    ) -> Checked:
        inside, found = self.modules(wheels)
        outside, _ = self.modules(left_out or {})
        write(Content.of(found, {"_venvbuild_native.py": LOADER.read_bytes()}), self.archive, lambda _: b"{}")
        given = {"is_deep": False, "ships": False, **more}
        return check(self.archive, inside, outside, self.python, self.folder / "scratch", **given)


@pytest.fixture
def a_zip(tmp_path: Path, python: Interpreter) -> Zip:
    return Zip(tmp_path, python)


def test_what_imports_from_the_zip_is_counted(a_zip: Zip) -> None:
    checked = a_zip.check({"one": {"one.py": "import two\n"}, "two": {"two/__init__.py": "print('talks')\n"}})
    assert (checked.imported, checked.failures, checked.notes) == (("one", "two"), (), ())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("open(__file__.replace('bad', 'data')).read()", "NotADirectoryError: "),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import os; os._exit(0)", "it ends the process"),
        ("import sys; sys.modules[__name__] = sys", "shadowed: another one comes first, built-in"),
    ],
)
def test_what_does_not_is_a_failure_of_its_distribution(a_zip: Zip, body: str, error: str) -> None:
    checked = a_zip.check({"bad": {"bad.py": f"{body}\n"}, "aaa": {"aaa.py": ""}})
    [(name, outcome)] = checked.failures
    assert (name, outcome.module) == ("bad", "bad")
    assert outcome.error.startswith(error)
    assert checked.imported == ("aaa",)
    [problem] = checked.problems({"bad": "1.0"})
    assert problem.what == "bad of bad==1.0 does not import from the ZIP"
    assert "--import-check none" in problem.fix


def test_a_module_of_the_standard_library_that_was_imported_before_shadows_one_of_the_zip(a_zip: Zip) -> None:
    [(_, outcome)] = a_zip.check({"sys": {"sys.py": ""}}).failures
    assert outcome.error.startswith("shadowed")


def test_the_zip_comes_before_the_standard_library(a_zip: Zip) -> None:
    assert a_zip.check({"wave": {"wave.py": "import dataclasses\n"}}).failures == ()


def test_what_needs_what_snowflake_installs_is_not_checked_and_said(a_zip: Zip) -> None:
    wheels = {
        "user": {"user.py": "import native.part\n"},
        "able": {"able.py": "try:\n import native\nexcept ImportError:\n pass\n"},
    }
    checked = a_zip.check(wheels, {"native": {"native/__init__.py": "", "native/part.py": ""}})
    assert (checked.imported, checked.failures) == (("able",), ())
    assert checked.notes == ("NOT CHECKED, for they need what Snowflake installs (native): user",)


def test_every_module_is_tried_and_what_fails_in_a_folder_as_well_is_no_failure_of_the_zip(a_zip: Zip) -> None:
    files = {
        "pack/__init__.py": "",
        "pack/windows.py": "import winreg\n",
        "pack/reads.py": "import os; open(os.path.join(os.path.dirname(__file__), 'x.txt')).read()\n",
        "pack/x.txt": "x",
        "pack/fine.py": "",
    }
    assert a_zip.check({"pack": files}).failures == ()
    a_zip.archive.unlink()
    checked = a_zip.check({"pack": files}, is_deep=True)
    assert checked.imported == ("pack", "pack.fine")
    assert [outcome.module for _, outcome in checked.failures] == ["pack.reads"]
    assert checked.notes == ("1 module imports neither from the ZIP nor from a folder: pack.windows",)


def test_it_sees_no_secret_and_no_home(a_zip: Zip, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("SNOWFLAKE_PASSWORD", "PROGET_URL", "VENVBUILD_INDEX_PASSWORD", "PYTHONPATH", "NETRC")
    for name in names:
        monkeypatch.setenv(name, "/Canary-55")
    monkeypatch.setenv("HTTPS_PROXY", "http://robot:Canary-56@proxy.example.com")
    body = (
        "import os, sys\n"
        "seen = [value for value in os.environ.values() if 'Canary' in value]\n"
        f"seen += [name for name in os.environ if name in {names!r}]\n"
        "seen += [path for path in sys.path if 'site-packages' in path]\n"
        "seen += os.listdir(os.environ['HOME'])\n"
        "raise RuntimeError(repr(seen))\n"
    )
    [(_, outcome)] = a_zip.check({"bad": {"bad.py": body}}).failures
    assert outcome.error == "RuntimeError: []"


@pytest.mark.parametrize("how", ["{}", "{'env': {}}", "{'cwd': '/'}"])
def test_nothing_that_a_module_started_outlives_it(a_zip: Zip, how: str) -> None:
    note = a_zip.folder / "pid"
    body = (
        "import subprocess, sys\n"
        "words = [sys.executable, '-c', 'import time; time.sleep(300)']\n"
        f"child = subprocess.Popen(words, start_new_session=True, **{how})\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
    )
    assert a_zip.check({"one": {"one.py": body}}).imported == ("one",)
    state = Path("/proc", note.read_text(), "stat")
    # ended, though nobody may have asked for its exit code yet
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_folder_of_stubs_is_no_native_module(a_zip: Zip) -> None:
    native = "nat/_c.cpython-39-x86_64-linux-gnu.so"  # of another Python
    files = {"nat/__init__.py": "import nat._c\n", "nat/_c/x.pyi": "", native: ""}
    checked = a_zip.check({"nat": files}, ships=True, natives_of=["nat"])
    assert checked.imported == ("nat",)
    [(name, outcome)] = checked.failures
    assert (name, outcome.module) == ("nat", "nat._c")
    assert outcome.error == f"shadowed: it is a folder, not {native}"


def test_it_ends_after_a_while_and_says_what_was_not_checked(a_zip: Zip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_check, "TIME_LIMIT_S", 2)
    wheels = {"fine": {"aaa.py": ""}, "slow": {"slow.py": "import time\ntime.sleep(600)\n"}, "zzz": {"zzz.py": ""}}
    checked = a_zip.check(wheels)
    assert checked.failures == ()
    assert "zzz" not in checked.imported
    [note] = checked.notes
    assert note.startswith("the import check was ended after 2 s: the rest is NOT CHECKED, ")
