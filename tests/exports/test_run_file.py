"""One file is an environment: in every sh, wherever it lies; whole or told, in its place or nowhere."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.exported import build_of, packable, put_packed, saying
from tests.support.requirement import require
from tests.support.sizes import sizes
from venvbuild import restore
from venvbuild.archive import FLAT, FragmentCache
from venvbuild.errors import IntegrityError
from venvbuild.exports import CONSUMERS, Build
from venvbuild.exports.run_file import RunFile
from venvbuild.interpreters import probe
from venvbuild.restore import RestoreOptions
from venvbuild.stores import open_store

pytestmark = pytest.mark.untraced

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
TEMPLATE = Path(__file__).parents[2] / "venvbuild/exports/run.sh"
HERE = Path(sys.base_prefix, "bin", "python3.11")
NAMES = [
    "plain", "two  spaces", "ünï·cödé 日本", "q'uo''te", 'dou"ble', "$HOME`id`$(id)", "new\nline", "at the end\n",
    "-dash", "*?[a-z]", "{a,b}", "back\\slash\\", "per%cent%n", "#;&|<>", "co:lon", "x" * 200,
]  # fmt: skip
SAYS = "import os, sys; print([sys.prefix, os.environ['VIRTUAL_ENV'], sys.argv[1:]])"


@pytest.fixture(scope="module", autouse=True)
def python() -> None:
    require(HERE.exists(), "these environments are of Python 3.11")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with a Python 3.11 in it, and no other."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "python3.11").symlink_to(HERE)
    return folder


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_of(tmp_path_factory.mktemp("build") / "one", level=1)


def made(build: Build, place: Path) -> Path:
    CONSUMERS["run"].make(build, place)
    return place


@pytest.fixture(scope="module")
def source(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(build, tmp_path_factory.mktemp("source") / "sales.run")


class Host:
    """A folder with the file in it, and who starts it."""

    def __init__(self, folder: Path, source: Path, tools: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.file = folder, Path(shutil.copy(source, folder / "sales.run"))
        self.path = f"{tools}:/usr/bin:/bin"

    def start(self, *arguments: str | Path, shell: str = "dash", **more: Any) -> subprocess.CompletedProcess[str]:
        require(shutil.which(SHELLS[shell][0]), f"there is no {shell} here")
        env = {"PATH": self.path, "LC_ALL": "C.UTF-8", **more.pop("env", {})}
        command = [str(shutil.which(SHELLS[shell][0])), *SHELLS[shell][1:], f"./{self.file.name}", *map(str, arguments)]
        given: dict[str, Any] = {"cwd": self.folder, "env": env, "capture_output": True, "timeout": 60, **more}
        return subprocess.run(command, text=True, check=False, **given)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path != self.file)


@pytest.fixture
def host(tmp_path: Path, source: Path, tools: Path) -> Host:
    return Host(tmp_path / "a host", source, tools)


@pytest.mark.parametrize("shell", SHELLS)
def test_it_unpacks_itself_and_starts_a_command_in_any_sh(host: Host, shell: str) -> None:
    arguments = ["a b", "", "q'uo\"te", "new\nline\n", "--help", "--target", "$HOME", "\\"]
    done = host.start("--", "python", "-c", SAYS, *arguments, shell=shell, env={"PYTHONHOME": "/nowhere"})
    target = str(host.folder / "sales")
    assert (done.returncode, done.stdout) == (0, f"{[target, target, arguments]}\n"), done.stderr
    assert re.fullmatch(r"sales.run: unpacking venv_\S+ \(Python 3.11\) into .*\n", done.stderr)
    assert host.names() == ["sales"]
    assert host.start("--", "python", "-c", "import good; print(good.answer)", shell=shell).stdout == "42\n"


@pytest.mark.parametrize("name", NAMES)
def test_folders_may_be_called_anything(tmp_path: Path, source: Path, tools: Path, name: str) -> None:
    host = Host(tmp_path / name, source, tools)
    for words in (["--target", f"{name}/"], [f"--target={name}"]):
        done = host.start(*words, "--", "python", "-c", SAYS)
        target = str(host.folder / name)
        assert (done.returncode, done.stdout) == (0, f"{[target, target, []]}\n"), done.stderr
    assert host.names() == [name]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_sees_the_environment_of_its_caller(host: Host, shell: str) -> None:
    words = set(re.findall(r"_*[a-z][a-z_]*", TEMPLATE.read_text()))
    names = words | {word.strip("_") for word in words} | {f"_{word}" for word in words}
    env = {name: f"{name} of the caller" for name in names}
    if shell == "bash":  # which takes functions from the environment, too
        functions = re.findall(r"^ *_([a-z_]+)\(\)", TEMPLATE.read_text(), re.MULTILINE)
        env |= {f"BASH_FUNC_{mark}{name}%%": "() {  echo mine\n}" for name in functions for mark in ("", "_")}
    done = host.start(
        "--", "python", "-c", "import os, json; print(json.dumps(dict(os.environ)))", shell=shell, env=env
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert {name: seen.get(name) for name in env} == env
    ours = {"PATH", "VIRTUAL_ENV", "PWD", "OLDPWD", "SHLVL", "_", "LC_ALL", "LC_CTYPE"}  # and those of any shell
    assert set(seen) - set(env) <= ours


def test_without_a_command_the_folder_is_told(host: Host) -> None:
    assert host.start("--").stdout == f"{host.folder}/sales\n"
    again = host.start("--target", host.folder / "sales" / "lib" / "..")
    assert (again.returncode, again.stdout, again.stderr) == (0, f"{host.folder}/sales\n", "")
    assert sorted(path.name for path in (host.folder / "sales").iterdir()) == [
        ".venvbuild.json", "bin", "lib", "pyvenv.cfg", "share",
    ]  # fmt: skip


def test_the_second_start_changes_nothing_and_needs_no_archive(host: Host) -> None:
    assert host.start().returncode == 0
    before = (host.folder / "sales").stat().st_ino
    os.truncate(host.file, host.file.stat().st_size - 100)
    done = host.start("--", "sh", "-c", "exit 7")
    assert (done.returncode, done.stderr, (host.folder / "sales").stat().st_ino) == (7, "", before)


def test_what_the_command_ends_with_is_what_it_ends_with(host: Host) -> None:
    assert host.start("--", "sh", "-c", "kill -9 $$").returncode == -9
    assert host.start("--", "absent").returncode == 127
    assert host.start("--", "-x").returncode == 127


@pytest.mark.parametrize("there", ["file", "folder", "hidden", "link", "empty link", "other", "get of another"])
def test_what_is_there_is_refused_untouched_with_a_way_out(
    host: Host, tmp_path: Path, source: Path, tools: Path, build: Build, there: str
) -> None:
    target = host.folder / "sales"
    if there == "file":
        target.write_text("mine")
    elif "link" in there:
        (tmp_path / "else").mkdir()
        target.symlink_to(tmp_path / "else")
    elif there == "other":
        other = saying(build, archive_sha256="0" * 64)
        host.file.write_bytes(RunFile(other.archive.build).head() + b"x")
        assert host.start().returncode == 8
        target.mkdir()
        (target / ".venvbuild.json").write_text('{\n "archive_sha256": "' + "1" * 64 + '"\n}')
    else:
        target.mkdir()
        (target / (".hidden" if there == "hidden" else "precious")).write_text("mine")
    before = sorted(host.folder.rglob("*"))
    done = host.start("--", "touch", "ran")
    assert (done.returncode, done.stdout, sorted(host.folder.rglob("*"))) == (2, "", before)
    assert "nothing was touched" in done.stderr
    if there != "other":
        assert "by --target" in done.stderr
        assert host.start("--target", "absent").returncode == 0
        (host.folder / "empty").mkdir()
        assert host.start("--target", "empty", "--", "true").returncode == 0


@pytest.mark.parametrize(
    ("number", "is_rebuilt", "says"),
    [
        (0, True, "is VERSION, but not of this archive: get --rebuild installed it anew; nothing was touched"),
        (0, False, "is VERSION, but not of this archive; nothing was touched"),
        (1, True, "is not VERSION; nothing was touched"),
    ],
)
def test_what_get_made_otherwise_is_called_what_it_is(
    host: Host, build: Build, number: int, is_rebuilt: bool, says: str
) -> None:
    there = {"venv_version": f"{build.venv_version}{number or ''}", "archive_sha256": None, "rebuilt": is_rebuilt}
    (host.folder / "sales").mkdir()
    (host.folder / "sales/.venvbuild.json").write_text(json.dumps({"made_by": "venvbuild get", **there}, indent=1))
    done = host.start()
    assert (done.returncode, says.replace("VERSION", build.venv_version) in done.stderr) == (2, True), done.stderr


def test_the_folder_around_it_has_to_be_there_and_what_makes_it_is_said(host: Host, tmp_path: Path) -> None:
    missing = host.start("--target", "it's/not there/venv")
    advice = re.findall(r"(mkdir -p .*)\n", missing.stderr)
    assert (missing.returncode, len(advice)) == (2, 1)
    subprocess.run(["sh", "-c", advice[0]], cwd=host.folder, check=True)
    assert host.start("--target", "it's/not there/venv").returncode == 0
    for odd in ("/", ".", "nowhere/.."):
        assert host.start("--target", odd).returncode == 2
    (host.folder / "empty").mkdir()
    assert host.start("--target", "empty/../empty/.").stdout == f"{host.folder}/empty\n"
    (host.folder / "here").mkdir()
    shutil.copy(host.file, tmp_path)
    says = ["--", "python", "-c", "import os; print(os.listdir('.'))"]
    command: list[str | Path] = ["sh", tmp_path / "sales.run", "--target", ".", *says]
    cwd, env = host.folder / "here", {"PATH": host.path}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=True)
    assert "pyvenv.cfg" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_whose_working_folder_it_replaced_is_told_how_to_come_back(host: Host, shell: str) -> None:
    require(shutil.which(SHELLS[shell][0]), f"there is no {shell} here")
    (host.folder / "here").mkdir()
    run = f'{shlex.join([*SHELLS[shell], str(host.file)])} --target . -- python -c "import sys; print(sys.prefix)"'
    env = {"PATH": host.path}
    done = subprocess.run(
        [*SHELLS[shell], "-c", f"{run}; {run}; echo $?"],
        cwd=host.folder / "here", env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{host.folder}/here\n2\n"
    assert 'a shell that stands there wants cd "$PWD"' in done.stderr
    assert 'the working folder is gone, perhaps as an environment took its place: cd "$PWD"' in done.stderr
    named = run.replace("--target .", f"--target {shlex.quote(str(host.folder / 'here'))}")
    followed = f'{run}; cd "$PWD"; {run}; mkdir ../gone; cd ../gone; rmdir ../gone; {named}'
    shutil.rmtree(host.folder / "here")
    (host.folder / "here").mkdir()
    done = subprocess.run(
        [*SHELLS[shell], "-c", followed],
        cwd=host.folder / "here", env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{host.folder}/here\n" * 3, done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["python"], "unknown argument 'python': a command stands behind --"),
        (["--target"], "--target wants a path"),
        (["--target="], "--target wants a path"),
        (["--python", ""], "--python wants a path"),
    ],
)
def test_a_wrong_call_is_told_and_changes_nothing(host: Host, words: list[str], says: str) -> None:
    done = host.start(*words)
    assert (done.returncode, says in done.stderr, host.names()) == (2, True, [])


def test_help_names_what_is_in_it_and_its_options(host: Host, build: Build) -> None:
    done = host.start("--help")
    assert (done.returncode, done.stderr, host.names()) == (0, "", [])
    for word in (build.venv_version, "Python 3.11", "./sales", "--target DIR", "--python PATH", "-- COMMAND"):
        assert word in done.stdout


def test_a_python_is_needed_unless_one_is_inside_and_can_be_named(host: Host, tmp_path: Path) -> None:
    host.path = f"{without_python(tmp_path)}"
    done = host.start()
    assert (done.returncode, host.names()) == (2, [])
    assert "there is no Python 3.11 on the PATH: install one, or name it by --python /path/to/python3.11" in done.stderr
    wrong = host.start("--python", "/bin/true")
    assert (wrong.returncode, "/bin/true is no Python 3.11 that runs here" in wrong.stderr) == (2, True)
    assert host.start("--python", HERE, "--", "python", "-c", SAYS).returncode == 0
    (host.folder / "sales/bin/python").unlink()
    (host.folder / "sales/bin/python").symlink_to("/nowhere/python3.11")
    gone = host.start("--", "python", "-c", SAYS)
    assert (gone.returncode, "is gone: name another one by --python" in gone.stderr) == (2, True)
    assert host.start("--python", HERE, "--", "python", "-c", SAYS).returncode == 0


def without_python(folder: Path, *names: str) -> Path:
    """A folder for PATH with what everybody has."""
    tools = folder / "few tools"
    tools.mkdir()
    for name in names or ("sh", "tail", "tar", "gzip", "ln", "mv", "rm", "mkdir", "sha256sum"):
        (tools / name).symlink_to(str(shutil.which(name, path="/usr/bin:/bin")))
    return tools


@pytest.mark.parametrize("shell", SHELLS)
def test_without_sha256sum_that_is_said_and_gzip_has_the_last_word(host: Host, tmp_path: Path, shell: str) -> None:
    # no mkdir and no rm either
    host.path = str(without_python(tmp_path, "sh", "tail", "tar", "gzip", "ln", "mv"))
    whole = host.file.read_bytes()
    host.file.write_bytes(whole[:-2000] + b"\0\0\0" + whole[-1997:])
    damaged = host.start("--python", HERE, shell=shell)
    assert (damaged.returncode, "damaged, in its archive" in damaged.stderr, host.names()) == (8, True, [])
    host.file.write_bytes(whole)
    done = host.start("--python", HERE, shell=shell)
    assert (done.returncode, host.names()) == (0, ["sales"]), done.stderr
    assert "there is no sha256sum here" in done.stderr


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"platform": "linux_riscv64"}, "it is for linux_riscv64, this machine is linux_"),
        ({"requires": {"abi": "none", "glibc": "99.0"}}, "it needs glibc 99.0 or newer"),
        ({"requires": {"abi": "cp311d", "glibc": None}}, "it needs a Python with the ABI cp311d"),
        ({"requires": {"abi": "abi3t", "glibc": None}}, "it needs a Python with the ABI abi3t"),
        ({"requires": {"abi": None, "glibc": None, "libraries": ["libnowhere.so.7"]}}, "the library libnowhere.so.7"),
    ],
)
def test_what_does_not_fit_the_machine_is_named_and_nothing_is_left(
    tmp_path: Path, build: Build, tools: Path, said: Mapping[str, Any], words: str
) -> None:
    # `bin/python` leads to one that is there, as with an interpreter inside
    packed = packable_with(tmp_path / "build", HERE) if "libraries" in said.get("requires", {}) else build
    host = Host(tmp_path / "host", made(saying(packed, **said), tmp_path / "sales.run"), tools)
    done = host.start("--", "touch", "ran")
    assert (done.returncode, words in done.stderr, host.names()) == (2, True, []), done.stderr


def packable_with(folder: Path, python: Path) -> Build:
    return build_of(folder, python_path=str(python))


def test_an_interpreter_inside_that_does_not_start_is_told_and_no_other_is_taken(tmp_path: Path, tools: Path) -> None:
    broken = saying(
        packable_with(tmp_path / "build", Path("/nowhere/python3.11")),
        requires={"abi": None, "glibc": None, "libraries": []},
    )
    host = Host(tmp_path / "host", made(broken, tmp_path / "sales.run"), tools)
    done, other = host.start(), host.start("--python", HERE)
    assert (done.returncode, "its Python does not start in" in done.stderr) == (2, True)
    assert (other.returncode, "leave out --python" in other.stderr) == (2, True)
    assert host.names() == []


def test_the_flat_layout_does_too(tmp_path: Path, tools: Path) -> None:
    flat = build_of(tmp_path / "build", archive_root=FLAT)
    host = Host(tmp_path / "host", made(flat, tmp_path / "sales.run"), tools)
    done = host.start("--", "python", "-c", SAYS)
    assert (done.returncode, host.names()) == (0, ["sales"]), done.stderr
    assert (host.folder / "sales").stat().st_mode & 0o777 == 0o755


def test_everybody_may_read_it_and_the_command_has_the_umask_of_its_caller(host: Host) -> None:
    done = host.start("--", "sh", "-c", "umask; umask -S", umask=0o077)
    assert done.stdout.split() == ["0077", "u=rwx,g=,o="]
    for path in (host.folder / "sales").rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o444 == 0o444, path
    assert (host.folder / "sales").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("count", sizes(150, 3000))
def test_a_file_that_is_cut_or_has_another_bit_runs_nothing_and_says_so(host: Host, count: int) -> None:
    whole, chance = host.file.read_bytes(), random.Random(count)
    head = whole.index(b"\n}\n") + 3
    for number in range(count):
        spoilt, kind = bytearray(whole), number % 4
        if kind == 0:
            spoilt = spoilt[: chance.randrange(12, len(whole))]
        else:
            bit = chance.randrange((head if kind > 1 else len(whole)) * 8)
            spoilt[bit // 8] ^= 1 << bit % 8
        host.file.write_bytes(spoilt)
        done = host.start("--", "echo", "ran", shell=chance.choice(list(SHELLS)), errors="replace")
        assert done.returncode != 0, (number, done)  # 1 is the shell's own, of a line that was spoilt
        assert (done.stdout, bool(done.stderr), host.names()) == ("", True, []), (number, done)


def waiting(folder: Path) -> Path:
    """A tar that never ends."""
    folder.mkdir()
    (folder / "tar").write_text(f"#!/bin/sh\n>{shlex.quote(str(folder / 'began'))}\nexec sleep 60\n")
    (folder / "tar").chmod(0o755)
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_one_that_is_ended_on_its_way_leaves_nothing_that_passes_for_whole(
    host: Host, tmp_path: Path, number: signal.Signals
) -> None:
    slow = waiting(tmp_path / "slow")
    command = ["sh", str(host.file), "--", "touch", "ran"]
    running = subprocess.Popen(
        command, cwd=host.folder, env={"PATH": f"{slow}:{host.path}"},
        start_new_session=True, stderr=subprocess.DEVNULL,
        # a shell cannot catch what its caller ignored, as nohup does
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    wait_for((slow / "began").exists)
    os.killpg(running.pid, number)
    code = running.wait(timeout=30)
    assert code == (-number if number == signal.SIGKILL else 128 + number)
    left = [] if number != signal.SIGKILL else [f".venvbuild-run-{running.pid}0"]
    assert host.names() == left
    assert host.start("--", "true").returncode == 0
    assert host.names() == [*left, "sales"]


def test_one_that_is_ended_when_its_folder_was_made_leaves_nothing(host: Host, tmp_path: Path) -> None:
    (tmp_path / "mkdir").write_text('#!/bin/sh\n/bin/mkdir "$@"\nkill -TERM $PPID\n')
    (tmp_path / "mkdir").chmod(0o755)
    done = host.start(env={"PATH": f"{tmp_path}:{host.path}"})
    assert (done.returncode, host.names()) == (143, [])


def wait_for(there: Callable[[], bool]) -> None:
    for _ in range(600):
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_folders_of_killed_ones_are_in_nobodys_way_and_a_place_that_cannot_be_written_is_told(
    host: Host, tmp_path: Path
) -> None:
    # by the shell's own number, as in a container, where it is always the same
    line = "i=0; while [ $i -lt 12 ]; do mkdir .venvbuild-run-$$$i; i=$((i + 1)); done; exec sh ./sales.run"
    done = subprocess.run(["sh", "-c", line], cwd=host.folder, env={"PATH": host.path}, check=True)
    assert (done.returncode, len(host.names())) == (0, 13)
    for says, why in (
        ("", ""),
        ("mkdir: cannot create directory: No space left on device", " (No space left on device)"),
    ):
        (tmp_path / "mkdir").write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n")
        (tmp_path / "mkdir").chmod(0o755)
        refused = host.start("--target", "x", env={"PATH": f"{tmp_path}:{host.path}"})
        told = f"sales.run: no folder can be made in {host.folder}/{why}: give one somewhere else by --target\n"
        assert (refused.returncode, refused.stderr) == (2, told)


def test_a_disk_that_fails_leaves_nothing(host: Host, tmp_path: Path) -> None:
    slow = waiting(tmp_path / "broken")
    line = 'while [ $((i += 1)) -lt 2000 ]; do echo "tar: file $i: no room" >&2; done'
    (slow / "tar").write_text(f"#!/bin/sh\ni=0\n{line}\nexit 1\n")
    done = host.start(env={"PATH": f"{slow}:{host.path}"})
    assert (done.returncode, host.names()) == (7, [])
    assert [line for line in done.stderr.splitlines() if "no room" in line] == [
        f"tar: file {number}: no room" for number in (1997, 1998, 1999)
    ]


def test_several_at_once_all_end_well(host: Host) -> None:
    command = ["sh", str(host.file), "--", "python", "-c", SAYS]
    running = [
        subprocess.Popen(command, cwd=host.folder, env={"PATH": host.path}, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [one.communicate(timeout=120)[0] for one in running]
    assert [one.returncode for one in running] == [0] * 4
    target = str(host.folder / "sales")
    assert set(said) == {f"{[target, target, []]}\n"}
    assert host.names() == ["sales"]


def options(tmp_path: Path) -> RestoreOptions:
    def find(_: str) -> Any:
        return probe(HERE)

    return RestoreOptions(find, FragmentCache(tmp_path / "cache"), "99.0", lambda *counts: None)


def test_what_get_restored_of_the_same_archive_is_the_environment_and_the_other_way_round(
    host: Host, tmp_path: Path
) -> None:
    for name in ("store", "pack"):
        (tmp_path / name).mkdir()
    packed = packable(tmp_path / "pack").pack()
    store = open_store(str(tmp_path / "store"))
    version = put_packed(store, packed)
    same = Build.of(store, version, FragmentCache(tmp_path / "cache"))
    host.file = made(same, host.folder / "same.run")
    restore.get(store, version, host.folder / "sales", options(tmp_path))
    done = host.start("--", "python", "-c", SAYS)
    assert (done.returncode, done.stderr) == (0, "")
    assert host.start("--target", "mine").returncode == 0
    assert restore.get(store, version, host.folder / "mine", options(tmp_path)).target == str(host.folder / "mine")


def test_two_are_the_same_bytes_and_may_be_executed(build: Build, tmp_path: Path) -> None:
    one, other = made(build, tmp_path / "one"), made(build, tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_mode & 0o777 == 0o755
    assert (
        hashlib.sha256(one.read_bytes()[len(RunFile(build.archive.build).head()) :]).hexdigest()
        == (build.archive.build["archive_sha256"])
    )


@pytest.mark.parametrize("field", ["env_name", "platform", "python_version", "archive_root"])
def test_metadata_of_an_enemy_comes_into_no_script(build: Build, field: str) -> None:
    for value in ("x'; touch ran; '", "x\ntouch ran", "$(touch ran)", "x\n"):
        with pytest.raises(IntegrityError, match="cannot stand in a script"):
            RunFile(saying(build, **{field: value}).archive.build).head()


def test_the_script_has_nothing_that_shellcheck_and_shfmt_find() -> None:
    for command in (["shellcheck"], ["shfmt", "-i", "4", "-d"]):
        program = Path(sys.executable).with_name(command[0])
        require(program.exists(), f"{command[0]} is not installed beside the Python of the tests")
        done = subprocess.run([program, *command[1:], TEMPLATE], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(["dash", "-n", TEMPLATE], check=True)
