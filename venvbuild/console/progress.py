"""What is shown while something goes on: a bar on a terminal, and elsewhere a timed line at the end."""

from __future__ import annotations

import sys
import time
from typing import Self

from venvbuild.console.output import say
from venvbuild.run import STEPS
from venvbuild.text import size_text

BAR_WIDTH = 21
"""Characters of a progress bar."""


class StepProgress:
    """`[2/7] create      3.1 s  70 packages by uv 0.13.8`, and on a terminal a bar while a step runs."""

    def __init__(self) -> None:
        # In a log of Jenkins each state of a bar would be a line.
        self._is_terminal = sys.stderr.isatty()

    def began(self, step: str) -> None:
        """Show the bar, where it can be shown."""
        if self._is_terminal:
            done = STEPS.index(step)
            filled = BAR_WIDTH * done // len(STEPS)
            say(f"\r\033[K[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {step} ...", end="")

    def ended(self, step: str, seconds: float, summary: str) -> None:
        """One timed line."""
        clear = "\r\033[K" if self._is_terminal else ""
        say(f"{clear}[{STEPS.index(step) + 1}/{len(STEPS)}] {step:<9}{seconds:7.1f} s  {summary}".rstrip())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, before an error is told."""
        if self._is_terminal:
            say("\r\033[K", end="")


class FetchProgress:
    """A bar on a terminal, and at the end one timed line: what was fetched and what the cache saved."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
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
            say(f"\r\033[K[{bar}] {size_text(fetched)} of {size_text(wanted)}", end="")
        elif fetched == wanted:
            self._clear()
            say(
                f"fetched {size_text(wanted)} of {size_text(total)}, {size_text(total - wanted)} from the cache, "
                f"in {time.monotonic() - self._began:.1f} s"
            )

    def _clear(self) -> None:
        if self._is_terminal:
            say("\r\033[K", end="")
