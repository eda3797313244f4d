"""The embedded engine: DuckDB in this process, over the store's rows and index, without an account anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Self

import _duckdb as duckdb

from athena import duck, index
from athena.duck import Part, interruptible
from athena.engines import duckdb_database
from athena.engines.duckdb_database import Sources, table_types
from athena.engines.engine import PIECE_ROWS, Answer, tables_of
from athena.index import Index, IndexCache, day_of, end_build_no
from athena.rows import RowCache, Unread, last_day, list_days, newest_days, packages_of
from athena.statement import Scope, Statement
from venvbuild.errors import IntegrityError, QueryEngineError
from venvbuild.settings import Settings
from venvbuild.stores import Entry, Store
from venvbuild.text import first_line

Days = Mapping[str, Sequence[Entry]]
_SLICE_ROWS = 250
"""Rows of the table that are asked of together where the newest come first: with all that they hold they are large."""
_TABLE, _BUILDS, _PACKAGES = "venv_builds_metadata", "venv_builds", "venv_packages"


class DuckDB:
    """Answers from the catalog as it is now: each statement looks which index there is and lists the days after it.

    Of the table all days are listed. What is new is fetched; as long as nothing is, the database stays open. A
    statement sees the catalog and nothing else: no file, no network, no extension.
    """

    name, keeps_tables = "duckdb", False

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._rows, self._index = RowCache(store, folder), IndexCache(store, folder)
        self._reading = Sources()
        """What was opened last, or could not be."""
        self._opened: tuple[Sources, duckdb.DuckDBPyConnection] | None = None
        self._open_for: frozenset[str] | None = None
        """The tables in what is open, if that is for SQL that we ship; None: all of them, for what users write too."""
        self._has_macros = False
        """Whether `macros` are defined in what is open."""
        self._asked: tuple[frozenset[str], Scope] | None = None
        """The tables and the scope for which it was opened."""
        self._folder = folder
        self._left_out_ahead = False
        self._unread: dict[str, Unread] = {}
        self._unread_by_index: dict[str, Unread] = {}
        """By day: of all days that were read, and of those that the index covers."""

    @property
    def passed_over(self) -> Unread | None:
        """See `Engine`."""
        days = {**self._unread_by_index, **self._unread}
        return Unread.in_all(days) if days else None

    @property
    def left_out_ahead(self) -> bool:
        """See `Engine`."""
        return self._left_out_ahead

    @classmethod
    def of(cls, settings: Settings, store: Store) -> Self:
        """As configured."""
        return cls(store, settings.folders.cache / "catalog")

    def run(self, statement: Statement) -> Answer:
        """See `Engine`."""
        return Answer.joined(list(self.pieces(statement)))

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        """See `Engine`."""
        if statement.scope.is_newest_first and tables_of(statement) == {_TABLE}:
            days = newest_days(self._store, statement.scope, datetime.now(UTC).date())
            for listed in _slices(self._counted(days), statement.scope):
                yield from self._asked_again(statement, listed)
        else:
            yield from self._asked_again(statement)

    def _asked_again(self, statement: Statement, listed: Days | None = None) -> Iterator[Answer]:
        try:
            piece, cursor = self._first(statement, listed)
        except IntegrityError:
            # what somebody pruned just when we began to use it is fetched again, once
            if all(path.exists() for path in self._reading.paths):
                raise
            self._close()
            again = replace(statement, scope=replace(statement.scope, is_as_before=False))
            piece, cursor = self._first(again, listed)
        yield piece
        while len(piece) == PIECE_ROWS:
            piece = interruptible(cursor, lambda: _next(cursor))
            yield piece

    def _first(self, statement: Statement, listed: Days | None) -> tuple[Answer, duckdb.DuckDBPyConnection]:
        """The first piece, for which all is read as answers are sorted, and where the others come from."""
        is_ours, sql = _asked(statement)
        connection = self._catalog(statement, listed)
        try:
            if not is_ours:
                self._define_macros(connection)
            values = list(statement.values) if is_ours else []
            cursor = interruptible(connection, lambda: connection.execute(sql, values))
            return interruptible(connection, lambda: _next(cursor)), cursor
        except duckdb.Error as error:
            # a statement sees no other files, so what cannot be read is one of the cache
            if isinstance(error, duckdb.IOException) or str(self._folder) in str(error):
                raise self._damaged(error) from error
            raise QueryEngineError("DuckDB cannot answer", why=first_line(error), fix="correct the query") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _catalog(self, statement: Statement, listed: Days | None) -> duckdb.DuckDBPyConnection:
        """A database with the tables of the statement, as they are now; or with the days that were listed."""
        tables, scope = tables_of(statement), statement.scope
        asked = (tables, replace(scope, is_as_before=False))
        is_as_before = scope.is_as_before and statement.is_shipped
        if not (is_as_before and self._opened and asked == self._asked):
            # what is open is of the question before, should fetching fail now
            self._asked = None
            try:
                found = Sources(tuple(self._files(listed))) if listed is not None else self._sources(tables, scope)
            except duckdb.Error as error:  # of what it was to be copied from
                raise self._damaged(error) from error
            self._database(found, tables if statement.is_shipped else None)
            self._asked = asked if listed is None else None
        assert self._opened
        return self._opened[1]

    def _sources(self, tables: frozenset[str], scope: Scope) -> Sources:
        """What the statement needs, fetched.

        Raises:
            IntegrityError: the index, or a file of it, is gone or damaged.
        """
        rows = tuple(self._days(scope)) if _TABLE in tables else ()
        if not tables & {_BUILDS, _PACKAGES}:
            return Sources(rows)
        while True:
            current = index.read(self._store)
            try:
                found = replace(self._of_index(current, tables, scope), rows=rows)
                self._index.remove_unused(current)
                return found
            except IntegrityError:  # of a segment that was removed since, in a very long pause
                if index.read(self._store).generation == current.generation:
                    raise

    def _of_index(self, current: Index, tables: frozenset[str], scope: Scope) -> Sources:
        segments = [one for one in current.segments if scope.since is None or day_of(one.last_build_no) >= scope.since]
        since = max(scope.since or "", current.covered_before)  # the empty text sorts before every day
        tail = self._days(replace(scope, since=since or None))
        end = end_build_no(self._store, segments)
        self._left_out_ahead |= end is not None
        self._unread_by_index = current.unread_since(scope.since)
        # to sort the packages takes longer than to answer without, and a new machine may ask once in its life
        new = [part for part in tail if self._rows.is_new(part)]
        older = [part for part in tail if not self._rows.is_new(part)]
        return Sources(
            tail=tuple(tail) if _BUILDS in tables else (),
            tail_packages=tuple(packages_of(older)) if _PACKAGES in tables else (),
            tail_whole=tuple(new) if _PACKAGES in tables else (),
            builds=tuple(self._index.builds(segments)) if _BUILDS in tables else (),
            packages=tuple(self._index.packages(segments, scope.names)) if _PACKAGES in tables else (),
            end_build_no=end,
        )

    def _days(self, scope: Scope) -> list[Part]:
        return self._files(dict(self._counted(list_days(self._store, scope).items())))

    def _counted(self, listed: Iterable[tuple[str, Sequence[Entry]]]) -> Iterator[tuple[str, Sequence[Entry]]]:
        """Those of the days that are not ahead."""
        near = last_day(self._store, "")
        far = cache(partial(last_day, self._store, "~"))  # which asks the store: once, and where there are later days
        for day, entries in listed:
            if day <= near or day <= far():
                yield day, entries
            else:
                self._left_out_ahead = True

    def _files(self, listed: Days) -> list[Part]:
        files = self._rows.files(listed)
        others = {day: one for day, one in self._unread.items() if day not in listed}
        self._unread = others | {day: Unread.of(reasons) for day, reasons in self._rows.unread(files).items()}
        return files

    def _database(self, sources: Sources, shipped: frozenset[str] | None) -> None:
        """Open it; for SQL that we ship with no more than the tables which that names."""
        if self._opened and self._opened[0] == sources and self._open_for in (None, shipped):
            return
        self._close()
        self._reading = sources
        open_for = shipped if duckdb_database.is_small(sources) else None
        try:
            if open_for is None:
                connection = duckdb_database.connect(sources)
            else:
                connection = duckdb_database.connect_shipped(sources, open_for)
        except duckdb.Error as error:
            raise self._damaged(error) from error
        self._opened, self._has_macros, self._open_for = (sources, connection), False, open_for

    def _define_macros(self, connection: duckdb.DuckDBPyConnection) -> None:
        if not self._has_macros:
            for one in duck.macros():
                connection.execute(one)
            self._has_macros = True

    def _damaged(self, error: duckdb.Error) -> IntegrityError:
        return IntegrityError(
            "a file of the local cache is damaged",
            where=str(self._folder),
            why=first_line(error),
            fix="remove this folder; it is filled again",
        )

    def _close(self) -> None:
        if self._opened:
            self._opened[1].close()
            self._opened = None


def _asked(statement: Statement) -> tuple[bool, str]:
    """Whether its values are bound, and the SQL that DuckDB is asked."""
    if statement.is_shipped:
        return True, statement.sql
    # a user's statement has its values as literals: their types decide what it means
    if duck.is_query(statement.sql):
        return False, duck.exactly(statement.text, table_types())
    return True, duck.to_duckdb(statement.sql)


def _next(cursor: duckdb.DuckDBPyConnection) -> Answer:
    return Answer.of([name for name, *_ in cursor.description or ()], cursor.fetchmany(PIECE_ROWS))


def _slices(days: Iterable[tuple[str, Sequence[Entry]]], scope: Scope) -> Iterator[Days]:
    """Days that are asked of together: with as many rows as are wanted at first, then more, never very many."""
    some: dict[str, Sequence[Entry]] = {}
    rows = min(scope.newest or _SLICE_ROWS, _SLICE_ROWS)
    for day, entries in days:
        some[day] = entries
        if sum(map(len, some.values())) >= rows:
            yield some
            some, rows = {}, min(2 * rows, _SLICE_ROWS)
    if some:
        yield some
