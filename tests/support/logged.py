"""What the tool says while a test listens, whatever other tests have done to its log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(f"{record.levelname}: {record.getMessage()}")


@contextmanager
def listening() -> Iterator[list[str]]:
    """`WARNING: what was said`, a record each, as it comes; files that are followed meanwhile are closed afterwards."""
    logger, said = logging.getLogger("venvbuild"), list[str]()
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [_Listener(said)], False
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        for handler in logger.handlers:
            handler.close()
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])
