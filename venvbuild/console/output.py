"""How commands speak: data on stdout, messages on stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any, NoReturn

from venvbuild.errors import StdoutClosed
from venvbuild.logs import write_stderr
from venvbuild.redaction import REDACTOR


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    print_data(json.dumps(value, indent=2))


def print_data(text: str) -> None:
    """A line of data on stdout."""
    try:
        # Flushed, or a closed pipe would show only while Python exits.
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        raise StdoutClosed from None  # click would end with 1 on the plain error


def say(text: str, end: str = "\n") -> None:
    """A message on stderr."""
    write_stderr(REDACTOR.redact(text) + end)


def end_at_once() -> NoReturn:
    """End the process, as a success, without waiting for any thread; what was printed and logged is out."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
