"""The engine that a command asks."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from athena import questions
from athena.engines import Engine, open_engine, refuse_unset
from athena.rows import Unread
from venvbuild import extras
from venvbuild.console import output
from venvbuild.errors import Problem, UsageError
from venvbuild.settings import Settings
from venvbuild.stores import Store, folder_of

_M_ARENA_MAX = -8
"""Source: mallopt(3)."""


def cache_of(settings: Settings) -> Path:
    """Where rows and index are kept on this machine."""
    return settings.folders.cache / "catalog"


def publish(settings: Settings, store: Store) -> None:
    """Let an engine that keeps tables read the current index; DuckDB does anyway."""
    from athena import tables  # only here, and below: who asks DuckDB has none

    if settings.engine != "duckdb":
        with opened(settings, store) as engine:
            tables.publish(engine, store)


def table_problems(settings: Settings, store: Store) -> tuple[Problem, ...]:
    """Why the table on the engine answers no question, if one is there; DuckDB needs none."""
    if settings.engine == "duckdb":
        return ()
    from athena import tables

    with opened(settings, store) as engine:
        found = tables.standing(engine)
    problem = found.problem() if found else None
    return (problem,) if problem else ()


@contextmanager
def opened(
    settings: Settings, store: Store, max_bytes: int | None = None, *, is_strict: bool = False
) -> Iterator[Engine]:
    """The configured engine, with its client; with `max_bytes` it is asked only what reads no more than that.

    At the end it is said which rows could not be read, and so are in no answer.

    Raises:
        IntegrityError: there are some, and `is_strict`. UsageError: the store is a folder that is not there.
    """
    if settings.engine == "duckdb":  # the other engines have tables, and need no store
        refuse_absent(settings)
    # Here and not at the top: who asks DuckDB never needs the other clients.
    refuse_unset(settings)
    extras.add_for_engine(settings.engine, settings.folders.cache)
    _keep_little()
    with open_engine(settings, store) as engine:
        try:
            yield engine if max_bytes is None else questions.ByteLimit(engine, store, max_bytes)
            if is_strict:
                from athena import tables

                refuse_unread(store, engine.passed_over or tables.unread(engine))
        finally:
            if not is_strict:
                say_unread(store, engine.passed_over)


def _keep_little() -> None:
    """Let this process give back at once the memory that it is done with: with many builds a quarter of all."""
    # DuckDB reads it when it is imported; else it keeps for ten seconds what it does not need, longer than we live.
    os.environ.setdefault("DUCKDB_JE_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
    # The thread in which a query can be interrupted makes what this one lets go of: glibc has a heap for each, which
    # only grows then. Others than glibc have no such setting.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def refuse_absent(settings: Settings) -> None:
    """Refuse a folder that somebody named and that is not there: a misspelt one would be an empty answer for ever.

    Raises:
        UsageError: it is not there.
    """
    folder = folder_of(settings.store)
    if folder and not settings.is_default("store") and not folder.is_dir():
        raise UsageError(
            "there is no such store",
            where=str(folder),
            fix="name a folder that is there, or s3://bucket[/prefix]; `venvbuild build --store` makes one",
            rule="NO_STORE",
        )


def say_unread(store: Store, unread: Unread | None) -> None:
    """Which rows could not be read, if any: on stderr, beside the answer."""
    if unread:
        output.say(f"warning: {unread.error(store).problems[0].as_line()}")


def refuse_unread(store: Store, unread: Unread | None) -> None:
    """The same where there must be none.

    Raises:
        IntegrityError: there are some.
    """
    if unread:
        raise unread.error(store)
