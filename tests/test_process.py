"""Running other programs: what they see, what is heard of them, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import children_of, is_running
from venvbuild.process import CommandFailed, clean_environment, run
from venvbuild.redaction import REDACTOR


def shell(script: str, **more: object) -> list[str]:
    return ["sh", "-c", script]


def test_stdout_is_data_and_stderr_is_heard_by_the_line() -> None:
    heard: list[str] = []
    done = run(
        shell("echo data; echo one >&2; printf two >&2"), env=clean_environment(), timeout_s=20, on_line=heard.append
    )
    assert (done.stdout, done.stderr, heard) == ("data\n", "one\ntwo", ["one", "two"])


def test_a_failure_holds_command_code_and_words() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(shell("echo no luck >&2; exit 7"), env=clean_environment(), timeout_s=20)
    assert caught.value.exit_code == 7
    assert "no luck" in str(caught.value)
    assert run(shell("exit 7"), env=clean_environment(), timeout_s=20, check=False).exit_code == 7


def test_a_program_that_takes_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with pytest.raises(CommandFailed) as caught:
        run(shell(f"sleep 1000 & echo $! > '{mark}'; wait"), env=clean_environment(), timeout_s=1)
    assert caught.value.exit_code is None
    grandchild = int(mark.read_text())
    for _ in range(100):
        if not Path(f"/proc/{grandchild}").exists() or "Z" in Path(f"/proc/{grandchild}/stat").read_text().split()[2]:
            return
        time.sleep(0.05)
    pytest.fail("the grandchild is still running")


def test_secrets_and_settings_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL", "PYTHONPATH", "DEPLOY_TOKEN", "UV_INDEX"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    env = clean_environment(Path("/empty"), EXTRA="1")
    assert env["https_proxy"] == "http://proxy:3128"
    assert (env["HOME"], env["EXTRA"]) == ("/empty", "1")
    assert not {"AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL", "PYTHONPATH", "DEPLOY_TOKEN", "UV_INDEX"} & set(env)


def test_a_secret_split_over_two_writes_is_masked() -> None:
    REDACTOR.hide("split-canary-0815")
    script = "import os, time; os.write(2, b'x split-can'); time.sleep(0.2); os.write(2, b'ary-0815 y\\n')"
    done = run([sys.executable, "-c", script], env=clean_environment(), timeout_s=20)
    assert done.stderr == "x **** y"


def test_stdin_is_closed_and_there_is_no_terminal() -> None:
    done = run(shell("cat; test -t 0 || echo none"), env=clean_environment(), timeout_s=20)
    assert done.stdout == "none\n"


def test_a_program_that_is_not_there_is_file_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        run(["no-such-program-at-all"], env=clean_environment(), timeout_s=20)


def test_a_daemon_that_keeps_the_streams_open_does_not_hold_us_up() -> None:
    begun = time.monotonic()
    done = run(shell("echo done; sleep 300 &"), env=clean_environment(), timeout_s=200)
    assert done.stdout == "done\n"
    assert time.monotonic() - begun < 100  # not the daemon's 300 s


def test_a_child_dies_with_us_when_we_are_interrupted(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from venvbuild.process import run, clean_environment; "
        f"run(['sh', '-c', 'echo $$ > \"{mark}\"; exec sleep 1000'], env=clean_environment(), timeout_s=900)"
    )
    root = str(Path(__file__).parents[1])
    running = subprocess.Popen([sys.executable, "-c", script, root], stderr=subprocess.DEVNULL)
    while not mark.exists() or not mark.read_text().strip():
        time.sleep(0.02)
    child = int(mark.read_text())
    running.send_signal(signal.SIGINT)
    try:
        running.wait(30)
    finally:
        running.kill()
        running.wait()
    assert becomes(lambda: not is_running(child))


def test_a_child_dies_with_us_when_we_are_interrupted_while_it_starts() -> None:
    script = """
import os, signal, subprocess, sys
sys.path.insert(0, sys.argv[1])
from venvbuild.process import run, clean_environment

class Interrupted(subprocess.Popen):
    def __init__(self, words, **given):
        super().__init__(words, **given)
        if words[0] == "sleep":
            print(self.pid, flush=True)
            os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = Interrupted
run(["sleep", "1000"], env=clean_environment(), timeout_s=900)
"""
    root = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", script, root], capture_output=True, text=True, timeout=60)
    assert "KeyboardInterrupt" in done.stderr
    assert becomes(lambda: not is_running(int(done.stdout)))


# --- killed


PROGRAM = """
import os, sys, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from venvbuild.process import run, clean_environment
folder = Path(sys.argv[2])
def start(name):
    script = 'sleep 1000 & echo $$ $! > "$0.part"; mv "$0.part" "$0"; wait'
    run(['sh', '-c', script, folder / name], env=clean_environment(), timeout_s=900)
def pause():
    run(['true'], env=clean_environment(), timeout_s=20)
    (folder / 'ready').touch()
    while not (folder / 'go').exists():
        time.sleep(0.02)
"""
"""`start` runs what goes on for ever and writes its two pids; `pause` waits for us."""


@contextmanager
def program(script: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Killed in the end."""
    command = [sys.executable, "-X", "dev", "-c", PROGRAM + script, str(Path(__file__).parents[1]), str(folder)]
    with (folder / "said").open("w") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def wait_for(*paths: Path) -> list[int]:
    """Until all of them are there; the numbers in them."""
    assert becomes(lambda: all(path.exists() for path in paths))
    return [int(word) for path in paths for word in path.read_text().split()]


def becomes(is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so; it takes moments where all is well."""
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def test_whatever_was_started_dies_with_us_when_we_are_killed(tmp_path: Path) -> None:
    """From each thread, with what the commands started themselves; and the process that sees to it, too."""
    script = (
        "for name in 'ab': threading.Thread(target=start, args=(name,)).start()\nrun(['true'], env={}, timeout_s=9)\n"
    )
    with program(f"{script}start('c')", tmp_path) as running:
        pids = wait_for(*(tmp_path / name for name in "abc"))
        all_of_it = {*pids, *children_of(running.pid)}
    assert len(pids) == 6
    assert len(all_of_it) == 7
    assert becomes(lambda: not any(map(is_running, all_of_it)))


def test_a_fork_of_ours_keeps_nothing_alive_that_was_started(tmp_path: Path) -> None:
    script = "run(['true'], env={}, timeout_s=9)\nfork = os.fork()\nif not fork: time.sleep(600)\n"
    with program(f"{script}(folder / 'fork').write_text(str(fork))\nstart('a')", tmp_path):
        pids = wait_for(tmp_path / "a")
    [fork] = wait_for(tmp_path / "fork")
    try:
        assert is_running(fork)
        assert becomes(lambda: not any(map(is_running, pids)))
    finally:
        os.kill(fork, signal.SIGKILL)


def test_nothing_is_left_of_us_when_we_end_by_ourselves(tmp_path: Path) -> None:
    with program("pause()", tmp_path) as running:
        wait_for(tmp_path / "ready")
        [helper] = children_of(running.pid)
        (tmp_path / "go").touch()
        assert (running.wait(60), (tmp_path / "said").read_text()) == (0, "")
        assert becomes(lambda: not is_running(helper))


def test_when_the_process_that_sees_to_it_was_killed_there_is_another(tmp_path: Path) -> None:
    with program("pause()\nrun(['true'], env={}, timeout_s=9)\nstart('a')", tmp_path) as running:
        wait_for(tmp_path / "ready")
        [helper] = children_of(running.pid)
        os.kill(helper, signal.SIGKILL)
        (tmp_path / "go").touch()
        pids = wait_for(tmp_path / "a")
    assert becomes(lambda: not any(map(is_running, pids)))


def test_a_run_in_a_thread_can_be_told_to_end() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CommandFailed) as caught:
        run(["sleep", "1000"], env=clean_environment(), timeout_s=900, stop=lambda _: stop.is_set())
    assert caught.value.exit_code is None
