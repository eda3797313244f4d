"""Whose turn it is: of several that want to do what only one can finish, the others wait and do not do it for nothing.

A hint, on which nothing rests: what is done in a turn must be right without it, too. So nobody is waited for without
end (a holder may be stopped, or killed where a store cannot see that), and where none can be had it is gone on without.
Time is counted by the pauses, so that no clock decides.
"""

from __future__ import annotations

import random
from collections.abc import Callable

MOST_OF_ONE_S = 15.0
"""So long one holder is waited for."""
MOST_S = 300.0
"""So long all of them together."""


def await_turn(ask: Callable[[bool], str], wait: Callable[[float], None], pause_s: float) -> None:
    """Ask until it is our turn, or waiting is no use; with pauses between, of about `pause_s` at first.

    `ask` takes the turn if it can, and tells who has it: "" when we do. It is told whether the one who has it was
    waited for long enough; where it can, it takes the turn from that one.
    """
    holder, of_one_s, in_all_s = "", 0.0, 0.0
    while in_all_s < MOST_S:
        is_too_long = of_one_s >= MOST_OF_ONE_S
        now = ask(is_too_long)
        if not now or (is_too_long and now == holder):
            return
        if now != holder:
            holder, of_one_s = now, 0.0
        # of different lengths, so that not all come at once; shorter ones for who has waited longer
        pause = random.uniform(0.5, 1.5) * pause_s / (1 + in_all_s / 5)  # noqa: S311  # no secret
        wait(pause)
        of_one_s += pause
        in_all_s += pause
