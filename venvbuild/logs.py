"""Where messages go: warnings to stderr, everything to the work dir's build.log, nothing before the redactor saw it."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from venvbuild.redaction import REDACTOR

_LOGGER = logging.getLogger("venvbuild")
_BUFFERED = 10_000  # records; many commands never name a file


class _Redacted(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return REDACTOR.redact(super().format(record))


class _Stderr(logging.Handler):
    """The stderr of the moment, which tests and terminals may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        clear = "\r\033[K" if sys.stderr.isatty() else ""  # a progress bar may stand on the line
        print(clear + self.format(record), file=sys.stderr)  # noqa: T201


class _Waiting(logging.Handler):
    """Keeps records until there is a file. (The standard MemoryHandler's module costs every command 9 ms.)"""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.records) < _BUFFERED:
            self.records.append(record)


def configure() -> None:
    """Start: warnings go to stderr, all else waits in memory until `follow` names a file."""
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
    _LOGGER.setLevel(logging.DEBUG)
    # Handlers of others are not redacted.
    _LOGGER.propagate = False
    logging.raiseExceptions = False  # a log that cannot be written must not print what it was about to redact
    stderr = _Stderr(logging.WARNING)
    stderr.setFormatter(_Redacted("%(levelname)s: %(message)s"))
    _LOGGER.addHandler(stderr)
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
