"""The engine that a command asks."""

from __future__ import annotations

from athena.engines import Engine, open_engine
from venvbuild import extras
from venvbuild.settings import Settings
from venvbuild.stores import Store

_EXTRAS = {"trino": "trino"}
"""Engine -> the extra, and the module of it, that it needs."""


def opened(settings: Settings, store: Store) -> Engine:
    """The configured engine, with its client."""
    extra = _EXTRAS.get(settings["engine"])
    if extra:
        extras.add(extra, extra, settings.folders.cache)
    return open_engine(settings, store)
