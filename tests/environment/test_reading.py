"""What is read of an environment is what is there, whoever helped."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from venvbuild.environment import hash_files, reading
from venvbuild.environment.empty import EmptyVenv, _Entry
from venvbuild.environment.reading import Read, Reading, read_all
from venvbuild.installed import Look, Seen

BASE = EmptyVenv(dict.fromkeys(["pyvenv.cfg", "bin/python"], _Entry(0o100644, content=b"base")))
OWN_FOLDER = EmptyVenv({"lib/hollow": _Entry(stat.S_IFDIR), "lib/hollow/inside": _Entry(stat.S_IFDIR)})
MANY = 100


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    found = tmp_path / "venv"
    (found / "lib/deep/er").mkdir(parents=True)
    (found / "bin").mkdir()
    (found / "lib/hollow/inside").mkdir(parents=True)
    for name in BASE.paths:
        (found / name).write_text("base")
    for number in range(MANY):
        (found / f"lib/{number}.py").write_text(str(number))
    (found / "lib/empty").touch()
    (found / "lib/large.so").write_bytes(os.urandom((3 << 20) + 1))
    (found / os.fsdecode(b"lib/deep/er/line\nb\xe4c\xf6")).write_text("odd")
    (found / "lib/program").write_text("#!/bin/sh")
    (found / "lib/program").chmod(0o755)
    (found / "lib64").symlink_to("lib")
    (found / "lib/link").symlink_to("empty")
    (found / "lib/gone").symlink_to("nowhere")
    os.mkfifo(found / "lib/fifo")
    return found


def expected(venv: Path) -> Read:
    there, seen = set(), {}
    for path in venv.rglob("*"):
        name = str(path.relative_to(venv))
        if name in BASE.paths or (path.is_dir() and not path.is_symlink()):
            continue
        there.add(name)
        if path.is_file() and not path.is_symlink():
            seen[name] = Seen(Look.of(path.lstat()), hashlib.sha256(path.read_bytes()).hexdigest())
    return Read(BASE, frozenset(there), frozenset(["lib/hollow/inside"]), seen)


def test_alone(venv: Path) -> None:
    assert read_all(venv, BASE) == expected(venv)
    assert read_all(venv, OWN_FOLDER).empty == frozenset()


def nothing(*_: object) -> list[int]:
    return []


@pytest.fixture(params=[2, 5])
def processors(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(request.param)))


@pytest.mark.usefixtures("processors")
def test_by_the_other_processes_alone(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_files, "taken", nothing)
    monkeypatch.setattr(hash_files, "reader", lambda _: nothing)  # a share of ours would have no record
    with Reading(venv, BASE, package_count=MANY) as begun:
        found = begun.finish()
    assert found == expected(venv)
    assert [path.name for path in venv.parent.iterdir()] == ["venv"]


@pytest.mark.usefixtures("processors")
def test_by_both(venv: Path) -> None:
    for _ in range(3):
        with Reading(venv, BASE, package_count=MANY) as begun:
            assert begun.finish() == expected(venv)


@pytest.mark.usefixtures("processors")
def test_few_large_packages_are_read_by_all(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_files, "taken", nothing)
    read_here = list[str]()
    monkeypatch.setattr(hash_files, "reader", lambda _: read_here.append)
    monkeypatch.setattr(reading, "_BYTES_WORTH_IT", 1 << 20)
    assert read_all(venv, BASE) == expected(venv)
    assert read_here == []


@pytest.mark.parametrize(("cores", "helpers"), [(1, 0), (2, 1), (5, 4), (64, 7)])
def test_a_helper_for_each_core_but_ours(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, helpers: int
) -> None:
    script = tmp_path / "helper.py"
    script.write_text("import sys; open(sys.argv[2] + '/began-' + sys.argv[3], 'x')")
    monkeypatch.setattr(reading, "_SCRIPT", script)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    with Reading(venv, BASE, package_count=MANY) as begun:
        assert begun.finish() == expected(venv)
        assert len(list(venv.parent.glob(".reading-*/began-*"))) == helpers


HELPERS = {
    "ends": "",
    "the first ends": "if number != '0': hash_files.main(venv, folder, number)",
    "the first dies when it has listed": "list_them() if number == '0' else hash_files.main(venv, folder, number)",
    "all but the first end": "if number == '0': hash_files.main(venv, folder, number)",
    "fails": "raise SystemExit(1)",
    "takes a share and dies": "list_them(); os.mkdir(folder + '/3'); os.kill(os.getpid(), 9)",
    "takes all and dies": "list_them(); list(hash_files.taken(folder)); os.kill(os.getpid(), 9)",
    "leaves half of what it read": "list_them(); list(hash_files.taken(folder)); write(body[: len(body) // 2])",
    "leaves nonsense": "list_them(); list(hash_files.taken(folder)); write(b'\\xffnonsense')",
}


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("does", HELPERS.values(), ids=HELPERS)
def test_what_another_process_does_not_give_is_read_all_the_same(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    script = tmp_path / "helper.py"
    script.write_text(
        f"import os, sys; sys.path.insert(0, {os.path.dirname(hash_files.__file__)!r}); import hash_files\n"
        "venv, folder, number = sys.argv[1:]\n"
        "def list_them():\n"
        "    global body\n"
        "    paths = hash_files.paths_of(venv, frozenset(hash_files.read_paths(folder, 'base')))\n"
        "    hash_files.write_paths(folder, 'paths', paths)\n"
        "    read = hash_files.reader(venv)\n"
        "    share = hash_files.share_of\n"
        "    body = b''.join(bytes([n]) + b''.join(map(read, share(paths, n))) for n in range(64))\n"
        "def write(content):\n"
        "    open(folder + '/seen-' + number, 'wb').write(content)\n"
        f"{does}\n"
    )
    monkeypatch.setattr(reading, "_SCRIPT", script)
    with Reading(venv, BASE, package_count=MANY) as begun:
        begun._threads[0].join()
        assert begun.finish() == expected(venv)


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("package_count", [1, MANY])
def test_what_was_changed_meanwhile_is_read_anew(venv: Path, package_count: int) -> None:
    with Reading(venv, BASE, package_count=package_count) as begun:
        while package_count > 1 and not list(venv.parent.glob(".reading-*/seen-0")):
            time.sleep(0.01)
        (venv / "lib/7.py").unlink()
        (venv / "lib/7.py").write_text("another")
        (venv / "lib/more.py").write_text("more")
        (venv / "lib/8.py").unlink()
        begun.forget(["lib/7.py", "lib/8.py", "lib/more.py", "../precious"])
        found = begun.finish()
    assert found == expected(venv)


@pytest.mark.usefixtures("processors")
def test_nobody_reads_on_when_an_error_ends_it(venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, pid = tmp_path / "helper.py", tmp_path / "pid"
    script.write_text(f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    monkeypatch.setattr(reading, "_SCRIPT", script)

    def fail_when_it_runs() -> None:
        while not pid.is_file() or not pid.read_text():
            time.sleep(0.01)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Reading(venv, BASE, package_count=MANY):
        fail_when_it_runs()
    for _ in range(3_000):
        if not Path("/proc", pid.read_text()).exists():
            break
        time.sleep(0.01)
    else:
        pytest.fail("it is still there")
    assert not list(tmp_path.glob(".reading-*"))
