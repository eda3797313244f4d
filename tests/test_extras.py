"""An extra is added by the first command that needs it."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.wheels import wheel
from venvbuild import bootstrap, extras
from venvbuild.errors import IndexUnavailable, UsageError


@pytest.fixture(autouse=True)
def _path_as_it_was() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop("tiny_extra", None)


@pytest.fixture
def locks(tmp_path: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks with the one extra `tiny`, which the index has."""
    made = wheel(index.folder, "tiny-extra", "1.0", files={"tiny_extra.py": "x = 1\n"})
    (tmp_path / "locks").mkdir()
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (tmp_path / "locks" / "tiny.txt").write_text(f"tiny-extra==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setenv("VENVBUILD_INDEX_URL", index.url())
    return tmp_path / "locks"


def test_an_extra_is_installed_once_and_can_be_imported(locks: Path, tmp_path: Path, index: IndexServer) -> None:
    extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert importlib.import_module("tiny_extra").x == 1
    sys.modules.pop("tiny_extra")
    del sys.path[-1]
    for file in index.folder.iterdir():
        file.unlink()
    extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert importlib.import_module("tiny_extra").x == 1


def test_a_program_of_an_extra_runs_in_its_own_python_or_in_ours(locks: Path, tmp_path: Path) -> None:
    python = extras.python_with("tiny", ["json", "tiny_extra"], tmp_path / "cache", locks)
    assert subprocess.run([python, "-I", "-m", "tiny_extra"], check=True)
    assert extras.python_with("tiny", ["json"], tmp_path / "cache", locks) == Path(sys.executable)


def test_a_module_in_a_package_that_is_not_there_is_installed_too(locks: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pip install"):  # and no ModuleNotFoundError
        extras.add("other", "no_such_package.inner", tmp_path / "cache", locks)


def test_a_damaged_extra_is_made_again_a_day_after_the_last_look(
    locks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    del sys.path[-1]
    [seal] = tmp_path.glob("cache/tool-*/seal")
    [module] = tmp_path.glob("cache/tool-*/lib/python3.*/site-packages/tiny_extra.py")
    module.write_text("x = 2\n")
    os.utime(seal, (time.time() - 2 * 24 * 60 * 60,) * 2)
    extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert importlib.import_module("tiny_extra").x == 1
    assert "its own set-up is damaged (tiny_extra.py has other bytes than its RECORD says)" in capsys.readouterr().err


def test_what_is_there_is_not_installed(tmp_path: Path) -> None:
    before = list(sys.path)
    extras.add("tiny", "json", tmp_path / "cache", tmp_path)
    assert sys.path == before
    assert not (tmp_path / "cache").exists()


def test_without_a_lock_pip_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pip install 'venvbuild\[tiny\]'"):
        extras.add("tiny", "tiny_extra", tmp_path / "cache", tmp_path)


def test_an_index_that_does_not_answer_is_6_and_leaves_nothing(
    locks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENVBUILD_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(IndexUnavailable):
        extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


LONG_AGO = 1_000_000_000


def set_up_of(cache: Path, digit: str, *, name: str = "tool-{}-py3.11-01234567") -> Path:
    """A set-up that was last started in 2001."""
    home = cache / name.format(digit * 16)
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").write_text("")
    os.utime(home, (LONG_AGO, LONG_AGO))
    return home


def test_what_nobody_started_for_long_is_unused_and_nothing_else(tmp_path: Path) -> None:
    old, half_made = set_up_of(tmp_path, "a"), set_up_of(tmp_path, "b", name=".tool-{}-py3.11-01234567-x1_y")
    os.utime(set_up_of(tmp_path, "c"))
    for name in ("tool-mine", "mytool-{}-py3.11-01234567", "tool-{}-py3.11-01234567.bak"):
        set_up_of(tmp_path, "d", name=name)
    (tmp_path / f"tool-{'e' * 16}-py3.11-01234567").symlink_to(old)
    (tmp_path / f"{old.name}.lock").touch()
    assert extras.unused(tmp_path, 86400) == [half_made, old]


def test_the_one_that_runs_is_never_unused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = set_up_of(tmp_path, "a")
    monkeypatch.setattr(sys, "prefix", str(old))
    assert extras.unused(tmp_path, 0) == []


def test_what_somebody_holds_stays_as_it_is_until_they_end(tmp_path: Path) -> None:
    home = set_up_of(tmp_path, "a")
    # as bin/venvbuild does: held by the process that becomes the tool
    script = (
        "import os, sys; from pathlib import Path; from venvbuild import bootstrap\n"
        f"assert bootstrap.hold(Path({str(home)!r}))\n"
        "os.execv('/bin/sh', ['sh', '-c', 'echo there; read _'])"
    )
    root = str(Path(extras.__file__).parents[1])
    running = subprocess.Popen([sys.executable, "-c", script], env={"PYTHONPATH": root}, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert running.stdout
    assert running.stdout.readline() == "there\n"
    assert extras.unused(tmp_path, 86400) == []  # it was just started
    os.utime(home, (LONG_AGO, LONG_AGO))
    assert extras.unused(tmp_path, 86400) == [home]
    assert not extras.remove(home)
    assert (home / "bin" / "python").is_file()
    running.communicate("\n")
    assert extras.remove(home)
    assert [path.name for path in tmp_path.iterdir()] == [f"{home.name}.lock"]


def test_what_is_just_made_is_left_to_its_maker(tmp_path: Path) -> None:
    home = set_up_of(tmp_path, "a", name=".tool-{}-py3.11-01234567-x1_y")
    with bootstrap.locked(tmp_path / f"tool-{'a' * 16}-py3.11-01234567.lock"):
        assert not extras.remove(home)
    assert extras.remove(home)
    assert not home.exists()


def test_who_starts_while_it_is_removed_makes_it_anew(locks: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    python = bootstrap.set_up(locks / "tiny.txt", cache)
    home = python.parent.parent
    code = f"from pathlib import Path; from venvbuild import extras; print(extras.remove(Path({str(home)!r})))"
    command = [sys.executable, "-c", code]
    root = str(Path(extras.__file__).parents[1])
    # this process holds it, so another one cannot
    assert subprocess.run(command, env={"PYTHONPATH": root}, capture_output=True, text=True).stdout == "False\n"
    assert python.exists()
    forgotten = [int(fd) for fd in os.listdir("/proc/self/fd") if leads_to(fd, home)]
    assert len(forgotten) == 1
    os.close(forgotten[0])
    assert subprocess.run(command, env={"PYTHONPATH": root}, capture_output=True, text=True).stdout == "True\n"
    assert not python.exists()
    assert bootstrap.set_up(locks / "tiny.txt", cache) == python
    assert python.exists()


def leads_to(fd: str, path: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/self/fd/{fd}")) == path
    except OSError:
        return False
