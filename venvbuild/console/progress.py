"""What is shown while something goes on: a bar on a terminal, elsewhere a line now and then, and one at the end."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Self

import click

from venvbuild.console.output import say, show_bar
from venvbuild.logs import Latest, shows_bars
from venvbuild.run import STEPS
from venvbuild.text import shown, size_text

BAR_WIDTH = 21
"""Characters of a progress bar."""
BEAT_S = 25.0
"""Seconds between two lines of what goes on: never more than 30, however late the thread wakes up."""
WORTH_A_LINE_S = 1.0
"""Seconds outside of a single step that its command tells of."""


class Beat:
    """A line every so often, but on no terminal: `[2/7] create      25.0 s  so far: Downloading numpy (15.6MiB)`.

    By a thread, which has ended when the block has.
    """

    def __init__(self, name: str, every_s: float = BEAT_S) -> None:
        self._name, self._every_s = name, every_s
        self._began = 0.0
        self._ended = threading.Event()
        self._latest = Latest()
        # A daemon: interrupted while it waits for its end, the process does not wait for it again.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Count from now on."""
        self._began = time.monotonic()
        if not shows_bars():
            self._thread.start()

    def end(self) -> None:
        """No line after this; again is no harm."""
        self._ended.set()
        self._latest.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        # Where nobody listens any more, whoever speaks next learns of it.
        with contextlib.suppress(OSError, ValueError):
            while not self._ended.wait(self._every_s):
                # Another program's words are in the log behind a bar.
                doing = shown(self._latest.text.lstrip("| "))
                say(_line(self._name, time.monotonic() - self._began, f"so far: {doing}" if doing else "so far"))


class _Seconds:
    """The seconds of a command, and those of them that are in no step's line."""

    def __init__(self) -> None:
        # `main` knows since when; for others it is now.
        context = click.get_current_context(silent=True)
        self._began: float = context.obj if context and context.obj else time.monotonic()
        self._before: float | None = None
        self._last = self._began
        self._in_steps = 0.0

    def step_began(self) -> None:
        if self._before is None:
            self._before = time.monotonic() - self._began

    def step_ended(self, seconds: float) -> None:
        self.step_began()  # what is unchanged ends only
        self._last = time.monotonic()
        self._in_steps += seconds

    def line(self, at_least_s: float) -> str:
        """All of them, and where those outside of the steps went; empty when these are less than `at_least_s`."""
        in_all, before = time.monotonic() - self._began, self._before or 0.0
        after = in_all - (self._last - self._began)
        outside = in_all - self._in_steps
        noting = max(0.0, outside - before - after)
        if outside < at_least_s:
            return ""
        where = f"{before:.1f} s before, {noting:.1f} s to note what was made, {after:.1f} s after"
        return _line("in all", in_all, f"{outside:.1f} s outside of the steps: {where}")


class StepProgress:
    """`[2/7] create       3.1 s  70 packages by uv 0.13.8`, and while a step runs a bar on a terminal, or a beat."""

    def __init__(self, beat_s: float = BEAT_S) -> None:
        self._beat_s = beat_s
        # In a log of Jenkins each state of a bar would be a line.
        self._is_terminal = shows_bars()
        self._beat: Beat | None = None
        self._seconds = _Seconds()

    def began(self, step: str) -> None:
        """Show the bar where it can be shown, and else have a line said now and then."""
        self._seconds.step_began()
        self._end_beat()
        self._beat = Beat(_name_of(step), self._beat_s)
        self._beat.begin()
        if self._is_terminal:
            done = STEPS.index(step)
            filled = BAR_WIDTH * done // len(STEPS)
            show_bar(f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {step} ...")

    def ended(self, step: str, seconds: float, summary: str) -> None:
        """One timed line."""
        self._end_beat()
        self._seconds.step_ended(seconds)
        say(_line(_name_of(step), seconds, summary), clears=self._is_terminal)

    def in_all(self, at_least_s: float = 0) -> None:
        """A last line: how long the command took, and how much of it is in no step's line, if `at_least_s`."""
        if line := self._seconds.line(at_least_s):
            say(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, and end the beat, before an error is told."""
        self._end_beat()
        if self._is_terminal:
            show_bar()

    def _end_beat(self) -> None:
        if self._beat:
            self._beat.end()


class FetchProgress:
    """A bar on a terminal, and at the end one timed line: what was fetched and what the cache saved."""

    def __init__(self) -> None:
        self._is_terminal = shows_bars()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, before an error is told."""
        self._clear()

    def __call__(self, fetched: int, wanted: int, total: int) -> None:
        """So many of `wanted` bytes are there; `total` is what the cache had, too."""
        # Until now the metadata was read and the machine looked at, which is no fetching.
        if fetched == 0:
            self._began = time.monotonic()
        if fetched < wanted and self._is_terminal:
            filled = BAR_WIDTH * fetched // wanted
            bar = "#" * filled + "." * (BAR_WIDTH - filled)
            show_bar(f"[{bar}] {size_text(fetched)} of {size_text(wanted)}")
        elif fetched == wanted:
            self._clear()
            say(
                f"fetched {size_text(wanted)} of {size_text(total)}, {size_text(total - wanted)} from the cache, "
                f"in {time.monotonic() - self._began:.1f} s"
            )

    def _clear(self) -> None:
        if self._is_terminal:
            show_bar()


def _name_of(step: str) -> str:
    return f"[{STEPS.index(step) + 1}/{len(STEPS)}] {step}"


def _line(name: str, seconds: float, text: str) -> str:
    return f"{name:<15}{seconds:7.1f} s  {text}".rstrip()
