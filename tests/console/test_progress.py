"""What is said while a step runs where no bar can be shown, and where the seconds went that no step has."""

from __future__ import annotations

import io
import logging
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from types import SimpleNamespace

import click
import pytest

from tests.support.logged import listening
from tests.support.scripts import REPOSITORY
from venvbuild import logs
from venvbuild.console import output
from venvbuild.console.progress import BEAT_S, WORTH_A_LINE_S, Beat, StepProgress
from venvbuild.redaction import Redactor

LOG = logging.getLogger("venvbuild.test_progress")
SECRET = "correct-horse-battery-3"
_AT_ONCE_S = 0.001
_PATIENCE_S = 60
_MANY = 5_000


class Stderr(io.StringIO):
    """What was written, a call each, as it comes."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self.written: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        self.written.put(text)
        return super().write(text)

    def next(self, part: str = "") -> str:
        """The next line that has `part` in it, which may be long in coming."""
        for _ in range(_MANY):
            line = self.written.get(timeout=_PATIENCE_S)
            if part in line:
                return line
        raise AssertionError(f"{part!r} is in none of {_MANY} lines")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The seconds that progress sees: `clock.now`."""
    made = SimpleNamespace(now=100.0)
    monkeypatch.setattr("venvbuild.console.progress.time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """The log, which each test has for itself."""
    with listening():
        yield


def beating() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one is not threading.main_thread()}


# --- the beat


def test_a_step_that_goes_on_says_which_it_is_and_for_how_long(clock: SimpleNamespace) -> None:
    with redirect_stderr(Stderr()) as stderr, StepProgress(_AT_ONCE_S) as progress:
        progress.began("create")
        clock.now += 30
        assert stderr.next("30.0") == "[2/7] create      30.0 s  so far\n"


def test_a_line_comes_at_least_every_thirty_seconds() -> None:
    assert BEAT_S < 30


def test_it_says_what_the_log_was_told_last(clock: SimpleNamespace) -> None:
    with redirect_stderr(Stderr()) as stderr:
        with Beat("pack", _AT_ONCE_S):
            LOG.info("resolving 5 pins")
            LOG.warning("2 packages are not pinned by you")
            LOG.debug("+ uv pip compile")
            first = stderr.next(":")
            LOG.info("| Downloading torch (731.0MiB)")
            second = stderr.next("torch")
        assert first == "pack               0.0 s  so far: resolving 5 pins\n"
        assert second == "pack               0.0 s  so far: Downloading torch (731.0MiB)\n"


def test_what_the_log_was_told_before_is_of_another_step() -> None:
    with redirect_stderr(Stderr()) as stderr:
        LOG.info("resolving 5 pins")
        with Beat("pack", _AT_ONCE_S):
            assert stderr.next().endswith("so far\n")


def test_what_others_say_is_shown_without_secrets_and_fit_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with redirect_stderr(Stderr()) as stderr:
        redactor = Redactor()
        redactor.hide(SECRET)
        monkeypatch.setattr("venvbuild.text.REDACTOR", redactor)
        with Beat("pack", _AT_ONCE_S):
            LOG.info("| fetching https://user:%s@host/\x1b[31m %s", SECRET, "x" * 500)
            line = stderr.next("fetching")
        assert SECRET not in line
        assert r"\x1b[31m" in line
        assert len(line) < 120


def test_nothing_is_said_of_a_step_that_has_ended() -> None:
    with redirect_stderr(Stderr()) as stderr:
        before = beating()
        with StepProgress(_AT_ONCE_S) as progress:
            progress.began("create")
            stderr.next()
            progress.ended("create", 1.0, "5 packages")
            assert beating() == before
            assert stderr.getvalue().endswith("[2/7] create       1.0 s  5 packages\n")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_said_after_a_step_that_failed(error: type[BaseException]) -> None:
    before, listeners = beating(), list(logging.getLogger("venvbuild").handlers)

    def fail() -> None:
        with redirect_stderr(Stderr()) as stderr, StepProgress(_AT_ONCE_S) as progress:
            progress.began("pack")
            stderr.next()
            raise error

    with pytest.raises(error):
        fail()
    assert (beating(), logging.getLogger("venvbuild").handlers) == (before, listeners)


def test_the_next_step_has_a_beat_of_its_own() -> None:
    with redirect_stderr(Stderr()) as stderr:
        before = beating()
        with StepProgress(_AT_ONCE_S) as progress:
            for step in ("create", "inspect"):
                progress.began(step)
                stderr.next(step)
                assert len(beating() - before) == 1


def test_a_terminal_has_its_bar_and_no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Stderr(is_terminal=True)
    monkeypatch.setattr(sys, "stderr", terminal)
    before = beating()
    with StepProgress(_AT_ONCE_S) as progress:
        progress.began("create")
        assert beating() == before
        progress.ended("create", 1.0, "")
    assert "so far" not in terminal.getvalue()
    assert "] create ..." in terminal.getvalue()


def test_a_beat_that_nobody_listens_to_ends_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_text: str) -> None:
        raise BrokenPipeError

    unhandled: list[object] = []
    monkeypatch.setattr(threading, "excepthook", unhandled.append)
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=refuse, isatty=lambda: False))
    before = beating()
    with Beat("pack", _AT_ONCE_S):
        for thread in beating() - before:
            thread.join(_PATIENCE_S)
        assert beating() == before
    assert unhandled == []


def test_each_line_is_written_in_one_piece() -> None:
    """Whoever says it: else a beat could stand between a line and its end."""
    with redirect_stderr(Stderr()) as stderr:
        output.say("said")
        handler = logs._Stderr()
        handler.emit(logging.LogRecord("venvbuild", logging.WARNING, "", 0, "odd", None, None))
        assert [stderr.next(), stderr.next()] == ["said\n", "odd\n"]
        with Beat("pack", _AT_ONCE_S):
            beat = stderr.next("pack")
        assert beat.endswith("so far\n")


INTERRUPTED = """
import signal, sys, threading, time
from venvbuild.console.progress import StepProgress
from venvbuild.errors import Terminated

def terminate(*_):
    raise Terminated("terminated")

signal.signal(signal.SIGTERM, terminate)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with StepProgress(0.01) as progress:
        progress.began("create")
        time.sleep(600)
except BaseException as error:
    print(type(error).__name__, threading.active_count())
"""


@pytest.mark.parametrize(("number", "told"), [(signal.SIGINT, "KeyboardInterrupt 1"), (signal.SIGTERM, "Terminated 1")])
def test_a_signal_ends_the_beat_and_the_process(number: signal.Signals, told: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        assert re.match(r"\[2/7\] create +\d+\.\d s  so far\n", running.stderr.readline())
        running.send_signal(number)
        stdout, _ = running.communicate(timeout=_PATIENCE_S)
    assert (running.returncode, stdout) == (0, f"{told}\n")


# --- the seconds that no step has


def run(clock: SimpleNamespace, at_least_s: float = 0) -> None:
    """Two seconds before the steps, 3 and 4 in two of them, 1.5 to note what each made, 6 after."""
    progress = StepProgress()
    clock.now += 2
    for step, seconds in (("check", 3), ("create", 4)):
        progress.began(step)
        clock.now += seconds + 1.5
        progress.ended(step, seconds, "")
    clock.now += 6
    progress.in_all(at_least_s)


def test_the_seconds_outside_of_the_steps_are_told(clock: SimpleNamespace) -> None:
    with redirect_stderr(Stderr()) as stderr:
        run(clock)
        assert stderr.getvalue().splitlines()[-1] == (
            "in all            18.0 s  "
            "11.0 s outside of the steps: 2.0 s before, 3.0 s to note what was made, 6.0 s after"
        )


def test_the_seconds_count_from_the_start_of_the_command(clock: SimpleNamespace) -> None:
    with redirect_stderr(Stderr()) as stderr:
        with click.Context(click.Command("build"), obj=90.0):
            run(clock)
        assert "in all            28.0 s  21.0 s outside of the steps: 12.0 s before" in stderr.getvalue()


def test_a_step_that_was_unchanged_is_no_second(clock: SimpleNamespace) -> None:
    with redirect_stderr(Stderr()) as stderr:
        progress = StepProgress()
        clock.now += 2
        progress.ended("pack", 0, "unchanged")
        progress.in_all(WORTH_A_LINE_S)
        assert stderr.getvalue().splitlines() == [
            "[4/7] pack         0.0 s  unchanged",
            "in all             2.0 s  "
            "2.0 s outside of the steps: 2.0 s before, 0.0 s to note what was made, 0.0 s after",
        ]


def test_few_seconds_outside_of_a_single_step_are_not_worth_a_line(clock: SimpleNamespace) -> None:
    with redirect_stderr(Stderr()) as stderr:
        progress = StepProgress()
        progress.began("pack")
        clock.now += 5.5
        progress.ended("pack", 5, "")
        progress.in_all(WORTH_A_LINE_S)
        assert "in all" not in stderr.getvalue()
