"""Environments that found a new home: wherever that is and whatever it is called, every shell activates them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import shells
from tests.support.archives import archive, environment, file
from tests.support.packing import Packable
from tests.support.requirement import require
from tests.support.shells import Shell
from venvbuild.archive import FragmentCache
from venvbuild.interpreters import Interpreter, probe
from venvbuild.restore import restoring
from venvbuild.restore.restoring import RestoreOptions

pytestmark = pytest.mark.untraced

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
NAMES = [
    "plain", "two  spaces", "ünï·cödé 日本", "q'uo''te", 'dou"ble', "$HOME`id`$(id)", "bang!1", "!!", "new\nline",
    "back\\slash\\", "-dash", "~", "*?[a-z]", "{a,b}", "per%cent%n", "#hash", ";id&|<>", "x" * 200,
]  # fmt: skip
CSH_TWICE = "set prompt='% '\nsource $ONE/activate.csh\nsource $OTHER/activate.csh\nset PS1=$prompt:q"


def find(python_version: str) -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with nothing but what every environment has."""
    return archive(environment(PYTHON), [file("lib/a.py")]).written(tmp_path_factory.mktemp("source"))


def got(source: Path, target: Path) -> Path:
    machine = RestoreOptions(find, FragmentCache(source.parent / "cache"), "99.0", lambda *counts: None)
    restoring.from_archive(source, target, machine)
    return target


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Restored under the name that is the parameter."""
    return got(source, tmp_path_factory.mktemp("target") / request.param)


@pytest.mark.parametrize(
    ("target", "shell"),
    [
        pytest.param(name, shell, id=f"{ascii(name)[1:21]}-{shell.name}")
        for name in NAMES
        for shell in shells.WRITTEN_BY_GET
        if "\n" not in name or shell.command[0] != "bsd-csh"  # which itself cannot keep a line end in a variable
    ],
    indirect=["target"],
)
def test_a_shell_activates_what_get_restored_whatever_it_is_called(target: Path, shell: Shell) -> None:
    done = shell.session(target)
    assert (done.stdout, done.stderr, done.returncode) == (shell.expected(target), "", 0)


@pytest.mark.parametrize(
    ("command", "script"),
    [
        (("dash", "-eu"), "PS1='% '; . $ONE/activate.sh; . $OTHER/activate.sh"),
        (("bsd-csh", "-fe"), CSH_TWICE),
        (("tcsh", "-f"), CSH_TWICE),
    ],
    ids=["dash", "csh", "tcsh"],
)
def test_one_environment_replaces_another_and_the_first_path_comes_back(
    command: tuple[str, ...], script: str, source: Path, tmp_path: Path
) -> None:
    require(shutil.which(command[0], path=shells.PATH), f"there is no {command[0]} here")
    one, other = got(source, tmp_path / "one"), got(source, tmp_path / "other")
    done = subprocess.run(
        command, input=f'{script}\nprintf "%s\\n" "$PS1" "$PATH"\ndeactivate\nprintf "%s\\n" "$PATH"\n',
        env={"PATH": shells.PATH, "ONE": str(one / "bin"), "OTHER": str(other / "bin")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"(other) % \n{other}/bin:{shells.PATH}\n{shells.PATH}\n", "")


@pytest.mark.parametrize(("shell", "script"), [("dash", ". {}/activate.sh"), ("tcsh -f", "source {}/activate.csh")])
def test_the_prompt_is_left_alone_where_that_is_asked_for(
    shell: str, script: str, source: Path, tmp_path: Path
) -> None:
    require(shutil.which(shell.split()[0], path=shells.PATH), f"there is no {shell.split()[0]} here")
    activate = script.format(got(source, tmp_path / "venv") / "bin")
    prompt = "set prompt='% '" if "csh" in shell else "prompt='% '; PS1=$prompt"
    done = subprocess.run(
        shell.split(), input=f"{prompt}\n{activate}\nprintf %s \"$prompt\"\ndeactivate\n",
        env={"PATH": shells.PATH, "VIRTUAL_ENV_DISABLE_PROMPT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("% ", "")


@pytest.mark.parametrize("shell", [*shells.WRITTEN_BY_GET, shells.BUSYBOX], ids=shells.named)
def test_after_a_move_nothing_is_activated_and_what_helps_is_said(shell: Shell, source: Path, tmp_path: Path) -> None:
    old, new = got(source, tmp_path / "q'uo te $HOME !x"), tmp_path / "new"
    old.rename(new)
    for number in range(2):
        done = shell.session(new, shell.tries)
        assert "nothing was activated: this environment was moved or copied" in done.stderr
        assert done.stderr.splitlines()[1] == str(old)
        if "-e" in shell.name:
            assert (done.stdout, done.returncode) == ("", 1)  # as after any command that fails
        else:
            assert done.stdout == f"none\n{shells.PATH}\n"
        if not number:
            # a copy leaves one where it was, as whoever gets another one there does
            shutil.copytree(new, old, symlinks=True)
    # what it advises: by its path, or anew
    says: list[str | Path] = [new / "bin" / "python", "-c", "import sys; print(sys.prefix)"]
    assert subprocess.run(says, capture_output=True, text=True, check=True).stdout == f"{new}\n"
    again = shell.session(got(source, new))
    assert (again.stdout, again.stderr, again.returncode) == (shell.expected(new), "", 0)


def test_a_place_that_leads_to_the_moved_one_is_activated(source: Path, tmp_path: Path) -> None:
    old = got(source, tmp_path / "old")
    old.rename(tmp_path / "new")
    old.symlink_to("new")
    for shell in (shells.WRITTEN_BY_GET[0], shells.BUSYBOX, shells.WRITTEN_BY_GET[-1]):
        for way in (old, tmp_path / "new"):
            done = shell.session(way)
            assert (done.stdout, done.stderr) == (shell.expected(old), "")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    env = Packable(tmp_path_factory.mktemp("packed"), python_version=PYTHON)
    (env.venv / "pyvenv.cfg").write_text(f"home = /opt/python/bin\nversion_info = {PYTHON}.7\n")
    return env.pack().path


@pytest.mark.parametrize("name", NAMES)
def test_rehome_links_the_python_it_is_given_wherever_it_is(name: str, packed: Path, tmp_path: Path) -> None:
    there = tmp_path / name
    there.mkdir()
    subprocess.run(["tar", "-xzf", packed, "-C", there], check=True)
    python = find(PYTHON).path
    for _ in range(2):  # the second time finds its own `home`
        done = subprocess.run(
            ["sh", f"./{name}/venv/bin/rehome", str(python)], cwd=tmp_path, env={"PATH": shells.PATH},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == f"rehome: {there}/venv runs on {python}\n"
    says: list[str | Path] = [there / "venv/bin/python", "-c", "import sys; print(sys.prefix)"]
    assert subprocess.run(says, capture_output=True, text=True, check=True).stdout == f"{there}/venv\n"
    configuration = (there / "venv/pyvenv.cfg").read_text()
    assert configuration == f"home = {python.parent}\nversion_info = {PYTHON}.7\n"
    assert sorted(path.name for path in (there / "venv").iterdir()) == ["bin", "lib", "pyvenv.cfg"]


@pytest.mark.parametrize("name", NAMES)
def test_rehome_finds_the_python_of_the_path_wherever_that_is(name: str, packed: Path, tmp_path: Path) -> None:
    tools = tmp_path / name
    tools.mkdir()
    (tools / f"python{PYTHON}").symlink_to(find(PYTHON).path)
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path], check=True)
    path = f"/nonexistent::{tools}:{shells.PATH}"
    subprocess.run(["sh", tmp_path / "venv/bin/rehome"], env={"PATH": path}, check=True)
    assert (tmp_path / "venv/bin/python").readlink() == find(PYTHON).path


def test_what_rehome_writes_everybody_can_read(packed: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzpf", packed, "-C", tmp_path], check=True)
    subprocess.run(["sh", tmp_path / "venv/bin/rehome", find(PYTHON).path], umask=0o077, check=True)
    assert (tmp_path / "venv/pyvenv.cfg").stat().st_mode & 0o777 == 0o644


def test_rehome_passes_over_what_calls_itself_python_and_is_none(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / f"python{PYTHON}").symlink_to("/bin/true")
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / f"python{PYTHON}").symlink_to(find(PYTHON).path)
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path], check=True)
    path = f"{tmp_path}/first:{tmp_path}/second:{shells.PATH}"
    done = subprocess.run(["sh", tmp_path / "venv/bin/rehome"], env={"PATH": path}, capture_output=True, check=False)
    assert (done.returncode, (tmp_path / "venv/bin/python").readlink()) == (0, find(PYTHON).path)


@pytest.mark.parametrize("python", ["/nonexistent/python", "/bin/true", "/bin/false", ""])
def test_rehome_refuses_what_is_no_python_and_changes_nothing(python: str, packed: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path], check=True)
    before = (tmp_path / "venv/pyvenv.cfg").read_text()
    done = subprocess.run(["sh", tmp_path / "venv/bin/rehome", python], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"rehome: {python} is no Python {PYTHON} that runs here\n")
    assert (tmp_path / "venv/pyvenv.cfg").read_text() == before
    assert (tmp_path / "venv/bin/python").readlink() == Path(f"/usr/bin/python{PYTHON}")
