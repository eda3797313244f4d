"""DuckDB in this process; an interrupt stops it.

Here and elsewhere it is imported as `_duckdb`, DuckDB itself, which `duckdb` hands on: what that adds for data frames,
and we never call, takes as long again to import.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import _duckdb as duckdb

from athena.duck.sql import SHIPPED

T = TypeVar("T")


def interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """What `work` gives, which uses the connection; whatever interrupts us ends its query too."""
    # DuckDB hears no signal while it works, so it works beside us. A pool because it waits for its thread: the
    # connection is the caller's again only when nobody uses it any more.
    with ThreadPoolExecutor(1) as worker:
        answer = worker.submit(work)
        try:
            return answer.result()
        except (duckdb.InternalException, duckdb.FatalException):  # a database that met one answers nothing any more
            _database.cache_clear()
            raise
        except BaseException:
            connection.interrupt()
            raise


def connected() -> duckdb.DuckDBPyConnection:
    """A connection of its own to one empty database of this process.

    What is TEMP in it is the connection's; make nothing else.
    """
    # a database takes 15 ms to make, this none
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    # what is kept of rows is written by one thread: several take as long, and each its memory
    return opened(threads=1)


def opened(**configuration: str | bool | int | float | list[str]) -> duckdb.DuckDBPyConnection:
    """A new database in memory, with the functions of the SQL that we ship.

    It prints no bar, which by itself DuckDB does to stdout, where data goes.
    """
    connection = duckdb.connect(config=configuration)
    connection.execute(f"SET enable_progress_bar = false; {SHIPPED}")
    return connection


def all_rows(sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query, on a connection of its own.

    Raises:
        duckdb.Error: a file that it names cannot be read.
    """
    with connected() as connection:
        return interruptible(connection, lambda: connection.execute(sql).fetchall())
