"""The embedded engine: DuckDB in this process, over the rows of the store, without an account anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Self

import duckdb

from athena.columns import columns
from athena.dialect import duckdb_type, to_duckdb
from athena.engines import Answer
from athena.row_cache import RowCache, scan
from athena.statement import Statement, Value
from venvbuild.errors import QueryEngineError
from venvbuild.settings import Settings
from venvbuild.stores import Store

_VIEWS = ("venv_builds", "venv_packages")


class DuckDB:
    """Answers from the rows as they are now: each statement lists the days that it needs, and fetches what is new.

    A statement sees the catalog and nothing else: no file, no network, no extension.
    """

    def __init__(self, cache: RowCache) -> None:
        self._cache = cache

    @classmethod
    def of(cls, settings: Settings, store: Store) -> Self:
        """As configured."""
        return cls(RowCache(store, settings.folders.cache / "catalog"))

    def run(self, statement: Statement) -> Answer:
        """See `Engine`."""
        sql = to_duckdb(statement.sql)
        days = self._cache.days(statement.scope)
        try:
            with _database(days) as connection:
                return _interruptible(connection, lambda: _answer(connection, sql, statement.values))
        except duckdb.Error as error:
            raise QueryEngineError(
                "DuckDB cannot answer", why=str(error).splitlines()[0], fix="correct the query"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[Value]) -> Answer:
    cursor = connection.execute(sql, list(values))
    return Answer.of([name for name, *_ in cursor.description or ()], cursor.fetchall())


def _interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], Answer]) -> Answer:
    """What `work` gives; DuckDB itself does not hear signals while it works, so it works beside us."""
    with ThreadPoolExecutor(1) as worker:
        answer = worker.submit(work)
        try:
            return answer.result()
        except BaseException:
            connection.interrupt()
            raise


def _database(days: list[Path]) -> duckdb.DuckDBPyConnection:
    """A database in memory with the catalog in it, closed to everything else."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        connection.execute(_table(days))
        for view in _VIEWS:
            sql = resources.files("athena").joinpath("sql", "tables", f"{view}.sql").read_text("utf-8")
            connection.execute(to_duckdb(sql))
        connection.execute("SET allowed_paths = $paths", {"paths": [str(path) for path in days]})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _table(days: list[Path]) -> str:
    if days:
        names = ", ".join(column.name for column in columns())
        return f"CREATE VIEW venv_builds_metadata AS SELECT {names}, dt FROM {scan(days)}"  # noqa: S608
    typed = ", ".join(f"{column.name} {duckdb_type(column.type)}" for column in columns())
    return f"CREATE TABLE venv_builds_metadata ({typed}, dt VARCHAR)"
