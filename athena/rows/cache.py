"""The rows of a store on this machine, so that a question fetches only what is new.

A day of the catalog is one Parquet file, named by the digest of the day's listing (keys, sizes, stamps): a day that
changed is another file, and a row that was removed is in none that is read.

    <cache>/<digest of the store>/2025-07-22/<digest of the columns>-<digest of the listing>.parquet

Rows that cannot be read are not in it. Which they are stands beside it, in a file of the same name that ends with
`.unread`; it is told whenever the day is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import chain
from pathlib import Path

import _duckdb as duckdb

from athena.duck import connected, duckdb_type, interruptible, quoted, scan
from athena.rows import table
from athena.rows.closed_days import known_rows
from athena.rows.columns import columns
from athena.rows.spare import disk_errors, is_unusable, kept, places
from athena.statement import Scope
from venvbuild.errors import IntegrityError
from venvbuild.files import write_whole
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store

_KEPT_S = 3600  # so long a file that nobody uses is kept: one that was just superseded may be read by another process
_READ_AT_ONCE = 16
_FORM = 2
"""Raised when other rows than before come into a file of the same columns."""
# DuckDB reads no longer line; the limit of what is read keeps all but those below it that are made to grow.
_MAX_LINE_BYTES = 16 << 20


class RowCache:
    """The days of one store, below `folder`; several processes may use it at once."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = cache_folder_of(store, folder)

    def days(self, scope: Scope) -> list[Path]:
        """The Parquet files of the days in `scope`, the oldest first: the table's columns, `dt`, `key` and `stamp`.

        A row that cannot be read is in none of them; `unread` tells of it.

        Raises:
            StoreUnavailable, UsageError: the store fails or refuses.
        """
        return self.files(table.list_days(self._store, scope))

    def files(self, days: Mapping[str, Sequence[Entry]]) -> list[Path]:
        """The same of days that `table.list_days` has listed."""
        return [self._day(day, entries) for day, entries in days.items()]

    def unread(self, files: Iterable[Path]) -> dict[str, dict[str, str]]:
        """Of these days those with rows that cannot be read: by day the key of each, and what is wrong with it."""
        found = ((path.parent.name, _unread_in(path)) for path in files)
        return {day: rows for day, rows in found if rows}

    def remove_unused_before(self, day: str) -> None:
        """Remove the files of earlier days that nobody has used for an hour; the index answers for them."""
        with suppress(OSError):  # it only makes room
            for folder in self._folder.glob("????-??-??"):
                if folder.name < day:
                    remove_unused(folder.rglob("*.parquet"))

    def _day(self, day: str, entries: Sequence[Entry]) -> Path:
        shape = _digest([_FORM, *([column.name, column.type] for column in columns())], 8)
        listing = _digest([[entry.key, entry.size_bytes, entry.stamp] for entry in entries], 32)
        name = f"{shape}-{listing}.parquet"
        folders = places(self._folder / day)
        there = next((folder / name for folder in folders if is_used(folder / name)), None)
        if there:
            return there
        alike = chain.from_iterable(_dated(folder, f"{shape}-*.parquet") for folder in folders)
        older = max(alike, default=(0, None))[1]

        def make(folder: Path) -> Path:
            self._make(day, entries, folder / name, older)
            remove_unused(folder.glob("*.parquet"))
            return folder / name

        return kept(self._folder / day, make)

    def _make(self, day: str, entries: Sequence[Entry], target: Path, older: Path | None) -> None:
        """Take what an older file of the day has, fetch the rest, and give the result its name when it is whole."""
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
            rows, wanted, made = (Path(temporary, name) for name in ("rows.json", "wanted.json", "day.parquet"))
            with connected() as connection:
                # asked again: somebody may have swept it since it was found
                found = _kept(connection, older) if older and is_used(older) else set()
                missing = [entry for entry in entries if (entry.key, entry.stamp) not in found]
                unread: dict[str, str] = {}
                _write_lines(rows, self._fetched(day, missing, unread))
                _write_lines(wanted, (_line({"key": entry.key, "stamp": entry.stamp}) for entry in entries))
                copy = _copy(older if found else None, wanted, rows, made)
                with disk_errors(target.parent):
                    interruptible(connection, lambda: connection.execute(copy))
            # before the file itself: who finds that asks for what is beside it
            if unread:
                write_whole(_beside(target), json.dumps(unread).encode())
            else:
                _beside(target).unlink(missing_ok=True)
            made.replace(target)

    def _fetched(self, day: str, entries: Sequence[Entry], unread: dict[str, str]) -> Iterator[bytes]:
        """The rows as lines; into `unread` goes why of those that cannot be read."""
        known = known_rows(self._store, day, entries)
        for entry, row in zip(entries, in_turn(partial(self._row, known), entries, _READ_AT_ONCE), strict=True):
            if isinstance(row, str):
                unread[entry.key] = row
            elif row is not None:
                line = _line({**row, "dt": day, "key": entry.key, "stamp": entry.stamp})
                if len(line) < _MAX_LINE_BYTES:
                    yield line
                else:
                    unread[entry.key] = f"as DuckDB writes it, it has {len(line)} bytes"

    def _row(self, known: Mapping[str, bytes], entry: Entry) -> table.CatalogRow | str | None:
        """The row; why it cannot be read; None when it was removed meanwhile."""
        try:
            return table.read_row(self._store, entry.key, known.get(entry.key))
        except IntegrityError as error:
            return error.problems[0].why


def cache_folder_of(store: Store, folder: Path) -> Path:
    """Where below `folder` the cache keeps what is of this store."""
    return folder / _digest(store.url, 32)


def _digest(facts: object, length: int) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:length]


def is_used(path: Path) -> bool:
    """Whether it is there, and can be read with what is beside it; from now on it counts as used."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        if not is_unusable(error):
            raise
        beside = _beside(path)
        return _is_readable(path) and (_is_readable(beside) or not os.path.lexists(beside))
    return True


def remove_unused(paths: Iterable[Path]) -> None:
    """Remove the files that nobody has used for an hour."""
    for path in paths:
        with suppress(OSError):  # it only makes room
            if path.stat().st_mtime < time.time() - _KEPT_S:
                path.unlink()
                _beside(path).unlink()


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _dated(folder: Path, pattern: str) -> Iterator[tuple[float, Path]]:
    with suppress(OSError):  # it may be closed to us
        for path in folder.glob(pattern):
            with suppress(OSError):  # others may remove it
                yield path.stat().st_mtime, path


def _beside(path: Path) -> Path:
    """Where it is kept which rows of the day cannot be read."""
    return path.with_suffix(".unread")


def _unread_in(path: Path) -> dict[str, str]:
    with suppress(FileNotFoundError, ValueError):
        return dict(json.loads(_beside(path).read_bytes()))
    return {}


def _line(row: dict[str, object]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)


def _kept(connection: duckdb.DuckDBPyConnection, older: Path) -> set[tuple[str, str]]:
    """Key and stamp of each row in an older file."""
    return set(connection.execute(f"SELECT key, stamp FROM {scan([older])}").fetchall())  # noqa: S608


def _copy(older: Path | None, wanted: Path, rows: Path, made: Path) -> str:
    names = ", ".join(types())
    selects = [f"SELECT {names} FROM {lines(rows, types())}"]  # noqa: S608
    if older:
        listed = lines(wanted, {"key": "VARCHAR", "stamp": "VARCHAR"})
        selects += [f"SELECT {names} FROM {scan([older])} SEMI JOIN {listed} USING (key, stamp)"]  # noqa: S608
    return f"COPY ({' UNION ALL '.join(selects)} ORDER BY key) TO {quoted(made)} (FORMAT parquet, COMPRESSION zstd)"


@cache
def types() -> Mapping[str, str]:
    """DuckDB's types of all that a file has."""
    of_table = {column.name: duckdb_type(column.type) for column in columns()}
    return {**of_table, "dt": "VARCHAR", "key": "VARCHAR", "stamp": "VARCHAR"}


def lines(path: Path, columns: Mapping[str, str]) -> str:
    """DuckDB's SQL for a file with an object of JSON a line, with these columns and types."""
    typed = ", ".join(f"{name}: {quoted(type_)}" for name, type_ in columns.items())
    form = "format = 'newline_delimited', hive_partitioning = false"
    return f"read_json({quoted(path)}, {form}, columns = {{{typed}}})"
