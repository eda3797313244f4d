"""The engine that a command asks."""

from __future__ import annotations

from pathlib import Path

from athena.byte_limit import ByteLimit
from athena.engines import Engine, open_engine
from venvbuild import extras
from venvbuild.settings import Settings
from venvbuild.stores import Store

_EXTRAS = {"trino": "trino"}
"""Engine -> the extra, and the module of it, that it needs."""


def cache_of(settings: Settings) -> Path:
    """Where rows and index are kept on this machine."""
    return settings.folders.cache / "catalog"


def opened(settings: Settings, store: Store, max_bytes: int | None = None) -> Engine:
    """The configured engine, with its client; with `max_bytes` it is asked only what reads no more than that."""
    extra = _EXTRAS.get(settings["engine"])
    if extra:
        extras.add(extra, extra, settings.folders.cache)
    engine = open_engine(settings, store)
    return engine if max_bytes is None else ByteLimit(engine, store, max_bytes)
