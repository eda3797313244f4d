"""All consumers by name; a new one is a file of this room and a line here."""

from __future__ import annotations

from venvbuild.exports.consumer import Consumer
from venvbuild.exports.spark import SPARK

_ALL: tuple[Consumer, ...] = (SPARK,)
CONSUMERS: dict[str, Consumer] = {one.name: one for one in _ALL}
"""In the order in which they are told."""
