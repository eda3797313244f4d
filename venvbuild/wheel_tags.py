"""The compatibility tags that a wheel says of itself (PEP 425)."""

from __future__ import annotations

import itertools
import math

_MOST = 1_000
"""More than the wheels of all indexes have; a short line can stand for millions."""


def expanded(tag: str) -> tuple[str, ...]:
    """The tags of a compressed set, in lower case as everybody compares them; what has not three parts, or absurdly
    many tags, comes back as it is.
    """
    parts = [part.split(".") for part in tag.lower().split("-")]
    if len(parts) != 3 or math.prod(map(len, parts)) > _MOST:
        return (tag,)
    return tuple(map("-".join, itertools.product(*parts)))
