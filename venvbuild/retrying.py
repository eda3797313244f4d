"""What to do again when trying again may help."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from venvbuild.errors import StoreUnavailable, VenvBuildError

T = TypeVar("T")
log = logging.getLogger(__name__)

_TRIES = 3


def retried(
    call: Callable[[], T],
    wait: Callable[[float], None] = time.sleep,
    *,
    curable: type[VenvBuildError] = StoreUnavailable,
) -> T:
    """What `call` gives; tried again, twice, after 2 and 4 seconds, while it fails in a way that a retry may cure."""
    for attempt in range(1, _TRIES):
        try:
            return call()
        except curable as error:
            if error.problems[0].rule == "SWEPT":  # the same claim would be refused again
                raise
            log.warning("%s; trying again (%d of %d)", error.problems[0].as_line(), attempt + 1, _TRIES)
            wait(2.0**attempt)
    return call()
