"""The engine that a command asks."""

from __future__ import annotations

from pathlib import Path

from athena import tables
from athena.engines import Engine, open_engine
from athena.questions import ByteLimit
from venvbuild import extras
from venvbuild.errors import Problem
from venvbuild.settings import Settings
from venvbuild.stores import Store


def cache_of(settings: Settings) -> Path:
    """Where rows and index are kept on this machine."""
    return settings.folders.cache / "catalog"


def publish(settings: Settings, store: Store) -> None:
    """Let an engine that keeps tables read the current index; DuckDB does anyway."""
    if settings.engine != "duckdb":
        with opened(settings, store) as engine:
            tables.publish(engine, store)


def table_problems(settings: Settings, store: Store) -> tuple[Problem, ...]:
    """Why the table on the engine answers no question, if one is there; DuckDB needs none."""
    if settings.engine == "duckdb":
        return ()
    with opened(settings, store) as engine:
        found = tables.standing(engine)
    problem = found.problem() if found else None
    return (problem,) if problem else ()


def opened(settings: Settings, store: Store, max_bytes: int | None = None) -> Engine:
    """The configured engine, with its client; with `max_bytes` it is asked only what reads no more than that."""
    # Here and not at the top: who asks DuckDB never needs the other clients.
    extras.add_for_engine(settings.engine, settings.folders.cache)
    engine = open_engine(settings, store)
    return engine if max_bytes is None else ByteLimit(engine, store, max_bytes)
