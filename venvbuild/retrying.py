"""What to do again when trying again may help: at once or after pauses, as often as there are pauses."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from venvbuild.errors import StoreUnavailable, VenvBuildError

T = TypeVar("T")
log = logging.getLogger(__name__)

DELAYS_S = (2.0, 4.0)
"""Before the second and the third try of what a network or a server spoils."""


def retried(
    call: Callable[[], T],
    wait: Callable[[float], None] = time.sleep,
    *,
    curable: type[VenvBuildError] = StoreUnavailable,
) -> T:
    """What `call` gives; tried again, twice, after 2 and 4 seconds, while it fails in a way that a retry may cure."""

    def helps(error: Exception, number: int) -> bool:
        if not isinstance(error, curable) or error.is_final:
            return False
        log.warning("%s; trying again (%d of %d)", error.problems[0].as_line(), number, 1 + len(DELAYS_S))
        return True

    return repeated(call, helps, DELAYS_S, wait)


def repeated(
    call: Callable[[], T],
    helps: Callable[[Exception, int], bool],
    delays_s: Sequence[float],
    wait: Callable[[float], None] = time.sleep,
) -> T:
    """What `call` gives; tried again after each of `delays_s` as long as `helps(error, number)`, asked of what a try
    raised and of the number of the next one, from 2, says so. Of what the very last try raises nobody is asked.
    """
    for number, delay_s in enumerate(delays_s, 2):
        try:
            return call()
        except Exception as error:
            if not helps(error, number):
                raise
        wait(delay_s)
    return call()


def tries(delays_s: Sequence[float], wait: Callable[[float], None] = time.sleep) -> Iterator[int]:
    """The numbers of the tries, from 1, with these pauses between them; whoever has succeeded stops asking for more."""
    yield 1
    for number, delay_s in enumerate(delays_s, 2):
        wait(delay_s)
        yield number
