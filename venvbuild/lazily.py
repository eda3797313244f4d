"""Faces that import some of what they hand on only when it is asked for, so that who does not need it pays nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def from_modules(face: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of the face named `face` (PEP 562): `modules` has, by name, where in its room each one is."""

    def imported(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{face}.{modules[name]}"), name)

    return imported
