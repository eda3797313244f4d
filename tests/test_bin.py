"""bin/: each script is one verb that works from anywhere, and the first start of bin/venvbuild sets the tool up."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.requirement import require
from tests.support.scripts import BIN, REPOSITORY, tool_cache
from tests.support.wheels import wheel
from venvbuild import interpreters
from venvbuild.run import STEPS

SCRIPTS = sorted(path for path in BIN.iterdir() if path.is_file())
PROGRAMS = Path(sys.executable).parent
"""Where the lint tools of locks/test.txt are."""
FIRST_USE = "first use, installing"
SYNC = ["snowflake", "sync", "--zip-name", "app_packages.zip", "--download-dir", "./downloaded_packages", "--overwrite"]
"""What the door to Snowflake asks for: the names and the behaviour of the script that it stands for."""


def run(*command: str | Path, env: Mapping[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# --- the scripts


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_nothing_that_shellcheck_and_shfmt_find(script: Path) -> None:
    for command in (["shellcheck"], ["shfmt", "-i", "4", "-d"]):
        require((PROGRAMS / command[0]).exists(), f"{command[0]} is not installed beside the Python of the tests")
        linted = run(PROGRAMS / command[0], *command[1:], script, env=os.environ)
        assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("step", [*STEPS, "summary", "report", "notify", "promote"])
def test_a_step_has_a_script_that_is_one_exec_of_venvbuild(step: str) -> None:
    lines = (BIN / step).read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert [line for line in lines if not line.startswith("#")] == [
        "set -eu",
        f'exec "$(dirname -- "$(readlink -f -- "${{BASH_SOURCE[0]}}")")/venvbuild" {step} "$@"',
    ]
    assert os.access(BIN / step, os.X_OK)


@pytest.mark.parametrize("step", [*STEPS, "summary", "report", "notify", "promote"])
def test_a_step_works_through_a_link_from_another_folder_in_an_empty_environment(step: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a folder with spaces"
    elsewhere.mkdir()
    (elsewhere / "a link").symlink_to(BIN / step)
    env = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tool_cache())}
    ran = run("./a link", "--help", env=env, cwd=elsewhere)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"Usage: venvbuild {step} ")


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """The scripts in a checkout whose programs only print how they were called."""
    folder = tmp_path / "a checkout with spaces & $(more)"
    shutil.copytree(BIN, folder / "bin")
    for name in ("venvbuild/bootstrap.py", "tests/suite.py"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("import sys\nprint(sys.argv[1:])\n")
    return folder / "bin"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(["dash", "-ec", '"$0" "$@"'], id="dash"),
        pytest.param(["dash", "-uc", 'exec "$0" "$@"'], id="dash, exec"),
        pytest.param(["bash", "-u"], id="bash"),
        pytest.param(["bash", "--posix", "-u"], id="bash like sh"),
        pytest.param(["env", "-i", "VENVBUILD_PYTHON=PYTHON"], id="nothing in the environment"),
    ],
)
def test_a_script_hands_its_arguments_over_untouched(scripts: Path, script: Path, caller: list[str]) -> None:
    program = shutil.which(caller[0])
    require(program, f"{caller[0]} is not installed")
    odd = ["", "two words", "$HOME", "*", "-x", "it's", "a\nb"]
    words = [word.replace("PYTHON=PYTHON", f"PYTHON={sys.executable}") for word in caller[1:]]
    ran = run(str(program), *words, scripts / script.name, *odd, env={"VENVBUILD_PYTHON": sys.executable})
    more = {"venvbuild": [], "test": [], "sync-snowflake-packages": SYNC}
    step = more.get(script.name, [script.name])
    assert (ran.returncode, ran.stdout) == (0, f"{[*step, *odd]}\n"), ran.stderr


def test_the_seven_scripts_in_order_build_an_environment(tmp_path: Path, index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0", scripts={"tiny": "tiny:main"}, files={"tiny.py": "def main(): print('hello')\n"})
    (tmp_path / "pins.txt").write_text("tiny==1.0\n")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "XDG_CACHE_HOME": str(tool_cache()),
        "VENVBUILD_INDEX_URL": index.url(),
        "VENVBUILD_STORE": str(tmp_path / "store"),
    }
    for step in STEPS:
        more = ["-r", "pins.txt"] if step == "check" else []
        ran = run(BIN / step, *more, env=env, cwd=tmp_path)
        assert ran.returncode == 0, f"{step}: {ran.stderr}"
    built = json.loads(next(tmp_path.glob("store/venv-builds/*/metadata.json")).read_text())
    assert "tiny==1.0" in built["installed_packages"]
    assert run(tmp_path / "venvbuild-work" / "venv" / "bin" / "tiny", env=env).stdout == "hello\n"
    assert len(list(tmp_path.glob("store/venv-catalog/builds/dt=*/*.json"))) == 1


def test_the_exit_code_of_a_step_comes_through_its_script(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pandas\n")
    env = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tool_cache()), "VENVBUILD_INDEX_URL": "http://127.0.0.1:1"}
    ran = run(BIN / "check", env=env, cwd=tmp_path)
    assert ran.returncode == 3
    assert ran.stderr.startswith("requirements.txt:1: pandas is not pinned")


# --- the first start


class Clone:
    """A repository whose tool is tiny, so that setting it up takes seconds: the same scripts and bootstrap."""

    def __init__(self, folder: Path, index: IndexServer) -> None:
        self.folder, self.index, self.cache = folder, index, folder / "the cache"
        for name in ("bin/venvbuild", "venvbuild/bootstrap.py"):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target)
        (folder / "venvbuild" / "__init__.py").touch()
        (folder / "venvbuild" / "main.py").write_text(
            "import sys, tiny\ndef main(): print('started', tiny.x, *sys.argv)\n"
        )
        (folder / "locks").mkdir()
        self.lock("1.0")

    def lock(self, version: str, sha256: str = "") -> None:
        made = wheel(self.index.folder, "tiny", version)
        digest = sha256 or hashlib.sha256(made.read_bytes()).hexdigest()
        (self.folder / "locks" / "base.txt").write_text(f"tiny=={version} --hash=sha256:{digest}\n")

    def environment(self, **more: str) -> dict[str, str]:
        env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "XDG_CACHE_HOME": str(self.cache)}
        return {**env, "VENVBUILD_INDEX_URL": self.index.url(), "PIP_RETRIES": "0", **more}

    def start(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run(self.folder / "bin" / "venvbuild", *arguments, env=self.environment(**more))

    def set_ups(self) -> list[str]:
        """What the cache holds, but for lock files."""
        cache = self.cache / "venvbuild"
        return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock") if cache.exists() else []


@pytest.fixture
def clone(tmp_path: Path, index: IndexServer) -> Clone:
    return Clone(tmp_path / "a clone with spaces", index)


def test_the_first_start_sets_the_tool_up_and_the_second_says_nothing(clone: Clone) -> None:
    first, second = clone.start("list", "--limit", "2 3"), clone.start()
    assert (first.returncode, first.stdout) == (0, "started 1 venvbuild list --limit 2 3\n"), first.stderr
    assert FIRST_USE in first.stderr
    assert (second.stdout, second.stderr) == ("started 1 venvbuild\n", "")


def test_two_first_starts_at_once_share_one_set_up(clone: Clone) -> None:
    both = [
        subprocess.Popen(
            [clone.folder / "bin" / "venvbuild"],
            env=clone.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum(stderr.count(FIRST_USE) for _, stderr in said) == 1
    assert len(clone.set_ups()) == 1


def test_a_set_up_whose_module_is_damaged_is_made_again_and_the_command_runs(clone: Clone) -> None:
    """At once when the tool cannot be imported, else a day after the last look."""
    clone.start()
    [name] = clone.set_ups()
    home = clone.cache / "venvbuild" / name
    [module] = home.glob("lib/python3.*/site-packages/tiny.py")
    whole = module.read_bytes()
    for file, damaged, last_look_s in (
        (module, b"x = (", 0),
        (module, b"x = 2", 2 * 24 * 60 * 60),
        (home / "pyvenv.cfg", None, 0),
        (home / "bin/python", b"no program", 0),
    ):
        looked = time.time() - last_look_s
        os.utime(home / "seal", (looked, looked))
        file.unlink()
        if damaged:
            file.write_bytes(damaged)
            file.chmod(0o755)
        started = clone.start("list", "--limit", "2 3")
        assert (started.returncode, started.stdout) == (0, "started 1 venvbuild list --limit 2 3\n"), started.stderr
        assert re.fullmatch(
            rf"venvbuild: its own set-up is damaged \(.*{file.name} .+\), installing .+\n", started.stderr
        )
        assert module.read_bytes() == whole
        assert clone.set_ups() == [name]


def test_a_set_up_that_was_sealed_without_the_locks_packages_is_made_again_at_the_next_start(clone: Clone) -> None:
    """As by a pip that was told to install elsewhere."""
    clone.start()
    [home] = (clone.cache / "venvbuild").glob("tool-*[!k]")
    for path in home.glob("lib/python3.*/site-packages/tiny*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    seal = home / "seal"
    seal.write_text("".join(line for line in seal.read_text().splitlines(keepends=True) if "/tiny-" not in line))
    started = clone.start("list")
    assert (started.returncode, started.stdout) == (0, "started 1 venvbuild list\n"), started.stderr
    assert "damaged (tiny is gone), installing it again" in started.stderr


def test_an_import_that_fails_in_a_whole_set_up_is_told_as_it_is(clone: Clone) -> None:
    (clone.folder / "venvbuild" / "main.py").write_text("import no_such_module\n")
    ended = clone.start()
    assert ended.returncode == 1
    assert "is damaged" not in ended.stderr
    assert ended.stderr.endswith("ModuleNotFoundError: No module named 'no_such_module'\n")


def test_a_set_up_of_another_user_is_used_where_it_can_be_read_and_else_told_in_a_sentence(
    volume: Path, index: IndexServer
) -> None:
    of_the_system = "/usr/bin/python3"
    fits = [of_the_system, "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]
    require(os.geteuid() == 0, "only root can become somebody who has no rights")
    require(subprocess.run(fits, check=False).returncode == 0, "the system has no Python 3.11 with venv")
    volume.chmod(0o755)
    clone = Clone(volume / "a clone", index)
    before = os.umask(0o022)
    try:
        with_password = index.url().replace("://", "://me:hunter2@")
        assert clone.start(VENVBUILD_PYTHON=of_the_system, VENVBUILD_INDEX_URL=with_password).returncode == 0
    finally:
        os.umask(before)
    [home] = (clone.cache / "venvbuild").glob("tool-*[!k]")
    assert not [path for path in home.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]

    def start_as_nobody(**more: str) -> subprocess.CompletedProcess[str]:
        env = clone.environment(VENVBUILD_PYTHON=of_the_system, HOME="/nonexistent", PATH="/usr/bin:/bin", **more)
        return subprocess.run(
            [clone.folder / "bin" / "venvbuild"],
            env=env,
            cwd="/",
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert start_as_nobody().stdout == "started 1 venvbuild\n"  # as it was made
    module = next(home.glob("lib/python3.*/site-packages/tiny.py"))
    shutil.rmtree(module.parent / "__pycache__")  # which would do in place of the module
    for path in (clone.cache, clone.cache / "venvbuild", home, home / "pyvenv.cfg", module.parent, module):
        path.chmod(0o700)
        ended = start_as_nobody()
        assert ended.returncode == 2, ended.stderr
        first, fix = ended.stderr.splitlines()
        assert first.startswith("venvbuild cannot be set up: Permission denied: ")
        assert fix == "  fix: let this user write there (owner, mode), or set XDG_CACHE_HOME to a folder of their own"
        path.chmod(0o755)
    for last_look_s in (0, 2 * 24 * 60 * 60):
        looked = time.time() - last_look_s
        os.utime(home / "seal", (looked, looked))
        ended = start_as_nobody()
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "started 1 venvbuild\n", "")
        assert (home / "seal").stat().st_mtime == pytest.approx(looked)
    (volume / "own").mkdir()
    os.chown(volume / "own", 65534, 65534)
    ended = start_as_nobody(XDG_CACHE_HOME=str(volume / "own"))
    assert (ended.returncode, ended.stdout) == (0, "started 1 venvbuild\n"), ended.stderr


def test_a_changed_lock_gets_a_set_up_of_its_own(clone: Clone) -> None:
    clone.start()
    clone.lock("2.0")
    again = clone.start()
    assert (again.returncode, again.stdout) == (0, "started 1 venvbuild\n"), again.stderr
    assert FIRST_USE in again.stderr
    assert len(clone.set_ups()) == 2


def test_an_index_that_is_not_there_ends_with_6_and_leaves_nothing(clone: Clone) -> None:
    ended = clone.start(VENVBUILD_INDEX_URL="http://user:hunter2@127.0.0.1:1/simple")
    assert ended.returncode == 6
    assert "the package index is unreachable, refuses access or lacks a dependency" in ended.stderr
    assert "VENVBUILD_INDEX_URL" in ended.stderr
    assert "hunter2" not in ended.stderr
    assert clone.set_ups() == []


def test_other_bytes_than_the_lock_names_end_with_2_and_leave_nothing(clone: Clone) -> None:
    clone.lock("1.0", sha256="0" * 64)
    ended = clone.start()
    assert ended.returncode == 2
    assert "the index gives other files than locks/base.txt names" in ended.stderr
    assert clone.set_ups() == []


def test_an_interrupted_set_up_leaves_nothing(clone: Clone) -> None:
    env = clone.environment(VENVBUILD_INDEX_URL=clone.index.url("hang"))
    starting = subprocess.Popen(
        [clone.folder / "bin" / "venvbuild"], env=env, stderr=subprocess.PIPE, start_new_session=True
    )
    assert clone.index.hanging.wait(120)
    os.killpg(starting.pid, signal.SIGINT)
    starting.communicate(timeout=60)
    assert starting.returncode == 130
    assert clone.set_ups() == []


def test_a_cache_that_cannot_be_written_ends_with_2(clone: Clone) -> None:
    clone.cache.write_text("a file, no folder")
    ended = clone.start()
    assert ended.returncode == 2
    assert "XDG_CACHE_HOME" in ended.stderr


# --- what the host may lack


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for the PATH with what the scripts need and no Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("bash", "dirname", "readlink"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def test_without_a_python_on_the_path_it_ends_with_2_and_says_what_to_install(clone: Clone, bare_path: Path) -> None:
    ended = clone.start(PATH=str(bare_path))
    assert ended.returncode == 2
    assert "needs Python 3.11 or newer" in ended.stderr
    assert "apt-get install python3 python3-venv" in ended.stderr


def test_a_python_that_is_too_old_is_passed_over(clone: Clone, bare_path: Path) -> None:
    old = bare_path / "python3"
    old.write_text(f'#!{shutil.which("sh")}\n[ "$2" = -c ] && exit 1\necho "was run: $*"\n')
    old.chmod(0o755)
    ended = clone.start(PATH=str(bare_path))
    assert (ended.returncode, ended.stdout) == (2, "")


def test_no_python_of_the_path_is_tried_twice(scripts: Path, tmp_path: Path) -> None:
    """That of the PATH may be a shim, which searches each time that it is started."""
    programs = tmp_path / "shims"
    programs.mkdir()
    for name in ("python3", "python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} >>{tmp_path}/tried\nexec {sys.executable} "$@"\n')
        (programs / name).chmod(0o755)
    ran = run(scripts / "venvbuild", "--version", env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "tried").read_text() == "python3\n"


PROGRAMS_THAT_ARE_NO_PYTHON = {
    "absent": (None, "No such file or directory (exit 127)"),
    "not executable": ("", "Permission denied (exit 126)"),
    "old": ('#!/bin/sh\necho "it is Python 3.9"\n', "it is Python 3.9"),
    "silent": ("#!/bin/sh\nexit 0\n", "it says nothing"),
    "broken": ("#!/bin/sh\necho first; echo no encodings >&2; exit 1\n", "no encodings (exit 1)"),
}


@pytest.mark.parametrize("caller", [["bash", "-u"], ["bash", "--posix", "-u"], ["dash", "-uc", 'exec "$0" "$@"']])
@pytest.mark.parametrize("script", ["venvbuild", "test"])
@pytest.mark.parametrize("kind", PROGRAMS_THAT_ARE_NO_PYTHON)
def test_a_named_python_that_cannot_run_it_is_refused_and_no_other_is_taken(
    scripts: Path, script: str, kind: str, caller: list[str], tmp_path: Path
) -> None:
    require(shutil.which(caller[0]), f"{caller[0]} is not installed")
    text, wrong = PROGRAMS_THAT_ARE_NO_PYTHON[kind]
    named = tmp_path / "named python"
    if text is not None:
        named.write_text(text)
        named.chmod(0o755 if text else 0o644)
    ran = run(*caller, scripts / script, "list", env={**os.environ, "LC_ALL": "C", "VENVBUILD_PYTHON": str(named)})
    assert (ran.returncode, ran.stdout) == (2, "")
    first, *more = ran.stderr.splitlines()
    assert first.startswith(f"VENVBUILD_PYTHON is {named}, and ")
    assert first.endswith(wrong)
    assert len(more) == 1
    assert more[0].startswith("  fix: ")


def test_each_real_python_that_is_too_old_is_told_by_its_version(scripts: Path) -> None:
    old = [one for one in interpreters.installed(os.environ) if one.version in ("3.8", "3.9", "3.10")]
    require(old, "there is no Python older than 3.11")
    for one in old:
        ran = run(scripts / "venvbuild", env={**os.environ, "VENVBUILD_PYTHON": str(one.path)})
        assert ran.returncode == 2
        assert f"VENVBUILD_PYTHON is {one.path}, and " in ran.stderr
        assert f" Python 3.11 or newer: it is Python {one.version}\n" in ran.stderr


def test_a_python_without_venv_ends_with_2_and_names_the_package(clone: Clone, bare_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", broken], check=True)
    packages = next(broken.glob("lib/python3.*/site-packages"))
    (packages / "no_venv.pth").write_text("import sys; sys.modules['venv'] = None\n")
    ended = clone.start(PATH=f"{broken / 'bin'}:{bare_path}")
    assert ended.returncode == 2
    assert re.search(r"apt-get install python3\.[0-9]+-venv", ended.stderr)
    assert clone.set_ups() == []
