"""Where messages go: warnings to stderr, everything to the work dir's build.log, nothing before the redactor saw it."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from pathlib import Path

from venvbuild.redaction import REDACTOR

CLEAR_LINE = "\r\033[K"
"""To a terminal: away with what stands in the line."""
_LOGGER = logging.getLogger("venvbuild")
_BUFFERED = 10_000  # records; many commands never name a file
_SPEAKING = threading.Lock()


class _Redacted(logging.Formatter):
    """Fit for a screen too: a log is read on one. No line of a record begins as another record does."""

    def format(self, record: logging.LogRecord) -> str:
        from venvbuild.text import indented, on_screen  # only here: `--version` tells nothing

        return indented(on_screen(REDACTOR.redact(super().format(record))))


class _Stderr(logging.Handler):
    """The stderr of the moment, which tests and terminals may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        clear = CLEAR_LINE if shows_bars() else ""  # one may stand on the line
        write_stderr(f"{clear}{self.format(record)}\n")


class _Waiting(logging.Handler):
    """Keeps records until there is a file. (The standard MemoryHandler's module costs every command 9 ms.)"""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.records) < _BUFFERED:
            self.records.append(record)


class Latest(logging.Handler):
    """What is being done, as it was told last (level INFO), until this is closed; not redacted."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.text = ""
        """Empty before anything was told."""
        _LOGGER.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        # A warning was told on stderr already, and says what is odd, not what is done.
        if record.levelno == logging.INFO:
            self.text = record.getMessage()

    def close(self) -> None:
        """Listen no more."""
        _LOGGER.removeHandler(self)
        super().close()


def shows_bars() -> bool:
    """Whether stderr is a terminal that can clear a line. (NO_COLOR changes nothing: nothing of ours has a colour.)"""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def write_stderr(text: str) -> None:
    """Write redacted `text` in one piece: whole lines of one thread never stand within a line of another."""
    # `print` writes its end by itself, and a text stream is not thread-safe.
    with _SPEAKING:
        sys.stderr.write(text)
        sys.stderr.flush()


def configure() -> None:
    """Start: warnings go to stderr, all else waits in memory until `follow` names a file."""
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
        if isinstance(handler, logging.FileHandler):
            handler.close()
    _LOGGER.setLevel(logging.DEBUG)
    # Handlers of others are not redacted.
    _LOGGER.propagate = False
    logging.raiseExceptions = False  # a log that cannot be written must not print what it was about to redact
    stderr = _Stderr(logging.WARNING)
    stderr.setFormatter(_Redacted("%(levelname)s: %(message)s"))
    _LOGGER.addHandler(stderr)
    # What other libraries warn of would go to stderr as it is, with what they were answered.
    logging.lastResort = stderr
    _LOGGER.addHandler(_Waiting())


def follow(path: Path) -> None:
    """Append everything to `path` from now on, beginning with what has waited in memory."""
    # A name that is no text has surrogates, which UTF-8 refuses.
    file = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    formatter = _Redacted("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    # The format ends with Z.
    formatter.converter = time.gmtime
    file.setFormatter(formatter)
    for handler in list(_LOGGER.handlers):
        if isinstance(handler, _Waiting):
            for record in handler.records:
                file.handle(record)
            _LOGGER.removeHandler(handler)
        elif isinstance(handler, logging.FileHandler):
            _LOGGER.removeHandler(handler)
            handler.close()
    _LOGGER.addHandler(file)


def followed() -> Path | None:
    """The file that is being written to; None before `follow`."""
    return next(
        (Path(handler.baseFilename) for handler in _LOGGER.handlers if isinstance(handler, logging.FileHandler)), None
    )
