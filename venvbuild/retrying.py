"""What to do again when trying again may help."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from venvbuild.errors import StoreUnavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

_TRIES = 3


def retried(call: Callable[[], T], wait: Callable[[float], None] = time.sleep) -> T:
    """What `call` gives; tried again, twice, while the store fails in a way that a retry may cure."""
    for attempt in range(1, _TRIES):
        try:
            return call()
        except StoreUnavailable as error:
            if error.problems[0].rule == "SWEPT":
                raise
            log.warning("%s; trying again (%d of %d)", error.problems[0].as_line(), attempt + 1, _TRIES)
            wait(2.0**attempt)
    return call()
