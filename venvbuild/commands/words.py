"""How commands speak: data on stdout, progress on stderr, a bar on a terminal and timed lines elsewhere."""

from __future__ import annotations

import json
import sys
from typing import Any, Self

from venvbuild.errors import StdoutClosed
from venvbuild.redaction import REDACTOR
from venvbuild.run import STEPS

BAR_WIDTH = 21
"""Characters of a progress bar."""


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    print_data(json.dumps(value, indent=2))


def print_data(text: str) -> None:
    """A line of data on stdout."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        raise StdoutClosed from None  # click would end with 1 on the plain error


def say(text: str, end: str = "\n") -> None:
    """A message on stderr."""
    print(REDACTOR.redact(text), file=sys.stderr, end=end, flush=True)  # noqa: T201


class Progress:
    """`[2/7] create      3.1 s  70 packages by uv 0.13.8`, and on a terminal a bar while a step runs."""

    def __init__(self) -> None:
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
