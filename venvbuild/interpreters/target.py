"""What an environment is for: a Python and a platform, which need not be those that run us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """The Python an environment is for; it need not be the one that runs us."""

    marker_environment: Mapping[str, str]
    """All eleven variables of PEP 508 but `extra`."""
    tags: frozenset[str]
    """The wheel tags it can install: `cp311-cp311-manylinux_2_17_x86_64`."""
