"""The files of the catalog for readers that know no `CURRENT.json`: DuckDB, polars, pyarrow, Spark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from athena.index import current
from athena.rows import RowCache, Unread, is_well_named, last_day, list_days
from athena.statement import Scope
from venvbuild.stores import Store


@dataclass(frozen=True)
class TableFiles:
    """Files that together hold each build once, as they were at one moment; they stay for seven days."""

    table: str
    covered_before: str
    """`YYYY-MM-DD`: builds of earlier days are in `files`, those from this day on in `tail`; empty: all in `tail`."""
    files: tuple[str, ...]
    """Parquet, of the index: absolute paths, or `s3://...`."""
    tail: tuple[str, ...]
    """JSON, a row each, the oldest first."""
    end_build_no: int | None = None
    """Builds from this one on that are in `files` are of a time to come, and count nowhere; None: there are none."""
    unread: Unread | None = None
    """Rows that cannot be read, so that they are in neither."""


def table_files(store: Store, table: str, cache: Path) -> TableFiles:
    """The files of one of `current.VIEWS`; `cache` keeps rows on this machine, as they are looked at.

    Raises:
        IntegrityError: CURRENT.json cannot be read. StoreUnavailable, UsageError: the store fails or refuses.
    """
    index = current.read(store)
    days = list_days(store, Scope(since=index.covered_before or None))
    last = last_day(store, max(days, default=""))
    counted = {day: entries for day, entries in days.items() if day <= last}
    rows = RowCache(store, cache)
    bad = rows.unread(rows.files(counted))
    keys = [entry.key for day, entries in counted.items() for entry in entries if entry.key not in bad.get(day, {})]
    of_index = [one.key(file) for one in index.segments for file in one.files_of(table)]
    unread = {**index.unread, **{day: Unread.of(reasons) for day, reasons in bad.items()}}
    return TableFiles(
        table,
        index.covered_before,
        _places(store, of_index),
        _places(store, filter(is_well_named, keys)),
        current.end_build_no(store, index.segments),
        Unread.in_all(unread) if unread else None,
    )


def _places(store: Store, keys: Iterable[str]) -> tuple[str, ...]:
    # no `file://` URI, which DuckDB does not decode, and of which pyarrow takes no list
    return tuple(f"{store.url}/{key}" for key in keys)
