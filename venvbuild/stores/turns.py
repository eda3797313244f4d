"""Whose turn it is: of several that want to do what only one can finish, the others wait and do not do it for nothing.

A hint, on which nothing rests: what is done in a turn must be right without it, too. So nobody is waited for without
end (a holder may be stopped, or killed where a store cannot see that), and where none can be had it is gone on without.
No clock of another machine decides, and none that somebody sets.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

MOST_OF_ONE_S = 15.0
"""So long one holder is waited for."""
MOST_S = 120.0
"""So long all of them together."""


def await_turn(ask: Callable[[str], str], wait: Callable[[float], None], pause_s: float) -> None:
    """Ask until it is our turn, or waiting is no use; with pauses between, of about `pause_s`, later half of that.

    `ask` takes the turn if it can, and tells who has it: "" when we do. It is told who was waited for long enough, ""
    when nobody was; where it can, it takes the turn from that one, and from no other.
    """
    holder, of_one_s, in_all_s = "", 0.0, 0.0
    while in_all_s < MOST_S:
        began = time.monotonic()
        waited_for = holder if of_one_s >= MOST_OF_ONE_S else ""
        now = ask(waited_for)
        if not now or now == waited_for:
            return
        if now != holder:
            holder, of_one_s = now, 0.0
        # of different lengths, so that not all come at once; shorter ones for who has waited longer
        pause = random.uniform(0.5, 1.5) * pause_s / (1 + min(in_all_s / 5, 1))  # noqa: S311  # no secret
        wait(pause)
        # asking takes time, too, and a pause may be longer than it was to be
        passed = max(pause, time.monotonic() - began)
        of_one_s += passed
        in_all_s += passed
