"""The rows of a store on this machine, so that a question fetches only what is new.

Many days lie in one Parquet file, for each file costs as much as hundreds of rows. What it has of a day is told by the
digest of the day's listing (keys, sizes, stamps): of a day that changed what an older file has is passed over, and a
row that was removed is in nothing that is read.

    <cache>/<digest of the store>/rows/<digest of the columns>-<digest of its days>.parquet

Beside it stands a file of the same name that ends with `.json`: its days, and which of their rows cannot be read, so
that they are not in it; that is told whenever the day is read. Small files are put together as new ones come.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import _duckdb as duckdb

from athena.duck import Part, connected, duckdb_type, interruptible, quoted, scan
from athena.rows import table
from athena.rows.closed_days import known_rows
from athena.rows.columns import columns
from athena.rows.seals import Seal, make_way, sealed, unsealed
from athena.rows.spare import disk_errors, is_unusable, kept, places
from athena.statement import Scope
from venvbuild.builds.places import ROWS
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.files import regular, write_whole
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store, folder_of
from venvbuild.text import shown

_KEPT_S = 3600  # so long a file that nobody uses is kept: one that was just superseded may be read by another process
_READ_AT_ONCE = 16
_QUICK_S = 0.0005  # a row on a disk of this machine takes a fifth of it, one of a file server more
_FORM = 2
"""Raised when other rows than before come into a file of the same columns."""
_ROWS = 500
"""Of a file: what is sorted at once, in memory. A day that has more is a file of its own."""
_SMALL_FILES = 8
"""So many files of less than half of that are read; more are put together."""
# DuckDB reads no longer line; the limit of what is read keeps all but those below it that are made to grow.
_MAX_LINE_BYTES = 16 << 20
_MOST_TOLD_BYTES = 256 << 20  # with the keys of a million rows that cannot be read
_MOST_ROUNDS = 50
"""So often what is missing is made, while others may sweep it: a disk may also give nothing back that is written."""

Days = Mapping[str, Sequence[Entry]]
"""Rows by day, as `table.list_days` gives them."""


@dataclass(frozen=True, eq=False)
class _Held:
    """A file that is there, as what stands beside it tells."""

    path: Path
    listings: Mapping[str, str]
    """Day -> digest of its listing."""
    counts: Mapping[str, int]
    """Day -> how many rows were listed."""
    unread: Mapping[str, Mapping[str, str]]
    """Day -> key -> what is wrong with the row, of the first; nothing of others."""
    seal: Seal
    made_at: float

    @cached_property
    def is_whole(self) -> bool:
        """Whether its bytes are those that were written."""
        return self.seal.fits(self.path)

    def part(self, days: Iterable[str]) -> Part:
        """These of its days."""
        chosen = tuple(sorted(days))
        return Part(self.path, None if len(chosen) == len(self.listings) else chosen)


class RowCache:
    """The days of one store, below `folder`; several processes may use it at once."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = cache_folder_of(store, folder) / "rows"
        self._made: set[str] = set()

    def days(self, scope: Scope) -> list[Part]:
        """Parquet files with the days in `scope`: the table's columns, `dt`, `key` and `stamp`.

        A row that cannot be read is in none of them; `unread` tells of it.

        Raises:
            StoreUnavailable, UsageError: the store fails or refuses.
        """
        return self.files(table.list_days(self._store, scope))

    def files(self, days: Days) -> list[Part]:
        """The same of days that `table.list_days` has listed.

        Raises:
            IntegrityError: a day has millions of rows that cannot be read. UsageError: the disk keeps nothing, too.
        """
        self._made.clear()
        wanted = {day: _digest([[one.key, one.size_bytes, one.stamp] for one in days[day]], 32) for day in days}
        for _ in range(_MOST_ROUNDS):
            held, chosen = _whole(self._held(), wanted)
            missing = wanted.keys() - {day for _, has in chosen for day in has}
            again = _to_put_together(chosen, days, missing)
            for some in _runs(days, missing.union(*(has for _, has in again))):
                self._make({day: days[day] for day in some}, wanted, held)
            if missing or again:
                continue  # somebody may have swept what was found, or made the same
            parts = [one.part(has) for one, has in chosen]
            # asked again: somebody may have swept it since it was found
            if all(is_used(part.path) for part in parts):
                return parts
        raise UsageError(
            "what is kept of the catalog on this machine is never found again as it was written",
            where=str(self._folder),
            fix="set XDG_CACHE_HOME to a folder on another disk",
        )

    def is_new(self, part: Part) -> bool:
        """Whether the file was made when `files` was called last."""
        return part.path.name in self._made

    def unread(self, parts: Iterable[Part]) -> dict[str, dict[str, str]]:
        """Of these days those with rows that cannot be read: by day their keys, and why of the first."""
        found: dict[str, dict[str, str]] = {}
        for part in parts:
            told = _read_beside(part.path)
            of_days = {day: dict(rows) for day, rows in told.unread.items()} if told else {}
            found |= {day: rows for day, rows in of_days.items() if part.days is None or day in part.days}
        return found

    def remove_unused_before(self, day: str) -> None:
        """Remove the files of earlier days that nobody has used for an hour; the index answers for them."""
        _remove_unused(one.path for one in self._held() if max(one.listings) < day)

    def _held(self) -> list[_Held]:
        """All files of these columns, the newest first."""
        found = [_read_beside(path) for folder in places(self._folder) for path in _paths(folder)]
        return sorted((one for one in found if one), key=lambda one: (-one.made_at, one.path.name))

    def _make(self, days: Days, wanted: Mapping[str, str], held: Sequence[_Held]) -> None:
        """One file of these days: take what others have of them, fetch the rest."""
        listings = {day: wanted[day] for day in days}
        name = f"{_shape()}-{_digest(sorted(listings.items()), 32)}.parquet"

        def make(folder: Path) -> None:
            self._write(folder / name, days, listings, held)
            self._made.add(name)
            _sweep(folder)

        kept(self._folder, make)

    def _write(self, target: Path, days: Days, listings: Mapping[str, str], held: Sequence[_Held]) -> None:
        older, unread = _to_copy(days, listings, held)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
            rows, wanted, made = (Path(temporary, name) for name in ("rows.json", "wanted.json", "rows.parquet"))
            with connected() as connection:
                found = _kept(connection, older) if older else set()
                every = [(day, entry) for day, entries in days.items() for entry in entries]
                known = {(entry.key, entry.stamp) for day, entry in every if entry.key in unread[day]} | found
                missing = [(day, entry) for day, entry in every if (entry.key, entry.stamp) not in known]
                _write_lines(rows, self._fetched(missing, unread))
                if found:
                    _write_lines(wanted, (_line({"key": entry.key, "stamp": entry.stamp}) for _, entry in every))
                copy = _copy(older if found else (), wanted, rows, made)
                with disk_errors(target.parent):
                    interruptible(connection, lambda: connection.execute(copy))
            # before the file itself: who finds that asks for what is beside it
            counts = {day: len(entries) for day, entries in days.items()}
            bad = {day: _with_first_reason(reasons) for day, reasons in unread.items() if reasons}
            told_of = {"days": listings, "counts": counts, "unread": bad, "seal": Seal.of(made).as_json()}
            for one in (beside(target), target):
                make_way(one)
            write_whole(beside(target), self._told(told_of))
            made.replace(target)

    def _told(self, of: Mapping[str, Any]) -> bytes:
        body = sealed(of)
        if len(body) <= _MOST_TOLD_BYTES:
            return body
        day, keys = max(of["unread"].items(), key=lambda pair: len(pair[1]))
        raise IntegrityError(
            f"{len(keys)} rows of a day cannot be read, more than can be told of",
            where=self._store.uri(f"{ROWS}/dt={day}"),
            why=f"the first is {shown(min(keys))}",
            fix="remove the objects there that are no rows",
            rule="BAD_ROW",
        )

    def _fetched(self, missing: Sequence[tuple[str, Entry]], unread: Mapping[str, dict[str, str]]) -> Iterator[bytes]:
        """The rows as lines; into `unread` goes, by day, why of those that cannot be read."""
        by_day = [(day, [entry for _, entry in some]) for day, some in groupby(missing, itemgetter(0))]
        known: dict[str, bytes] = {}
        quick_s = _QUICK_S if folder_of(self._store.url) else 0.0
        for rows in in_turn(lambda day: known_rows(self._store, *day), by_day, _READ_AT_ONCE, quick_s=quick_s):
            known.update(rows)
        found = in_turn(partial(self._row, known), (entry for _, entry in missing), _READ_AT_ONCE, quick_s=quick_s)
        for (day, entry), row in zip(missing, found, strict=True):
            if isinstance(row, str):
                unread[day][entry.key] = row
            elif row is not None:
                key, stamp = json.dumps(entry.key), json.dumps(entry.stamp)
                line = row[:-1] + f',"dt":"{day}","key":{key},"stamp":{stamp}}}\n'.encode()
                if len(line) < _MAX_LINE_BYTES:
                    yield line
                else:
                    unread[day][entry.key] = f"as DuckDB writes it, it has {len(line)} bytes"

    def _row(self, known: dict[str, bytes], entry: Entry) -> bytes | str | None:
        """The row as JSON, which goes out of `known`; why it cannot be read; None when it was removed meanwhile."""
        try:
            return table.read_object(self._store, entry.key, known.pop(entry.key, None))
        except IntegrityError as error:
            return error.problems[0].why


def _with_first_reason(reasons: Mapping[str, str]) -> Mapping[str, str]:
    """Why of the first of a day, which is what is told; of the others only their keys."""
    first = min(reasons)
    return {key: why if key == first else "" for key, why in reasons.items()}


def _chosen(held: Sequence[_Held], wanted: Mapping[str, str]) -> list[tuple[_Held, set[str]]]:
    """Files, and which of the wanted days are to be read of each; those first that have the most."""
    having = [(one, {day for day, listing in one.listings.items() if wanted.get(day) == listing}) for one in held]
    chosen, found = [], set[str]()
    for one, has in sorted(having, key=lambda pair: -len(pair[1])):
        if new := has - found:
            chosen.append((one, new))
            found |= new
    return chosen


def _whole(held: Sequence[_Held], wanted: Mapping[str, str]) -> tuple[Sequence[_Held], list[tuple[_Held, set[str]]]]:
    """The files without damaged ones among those that are chosen of them, and these."""
    while True:
        chosen = _chosen(held, wanted)
        damaged = {one for one, _ in chosen if not one.is_whole}
        if not damaged:
            return held, chosen
        held = [one for one in held if one not in damaged]


def _to_put_together(
    chosen: Sequence[tuple[_Held, set[str]]], days: Days, missing: Iterable[str]
) -> list[tuple[_Held, set[str]]]:
    """Files that come into the one that is made, so that of n rows there are about log n files."""
    counts = [(sum(len(days[day]) for day in has), (one, has)) for one, has in chosen]
    small = sorted((pair for pair in counts if pair[0] < _ROWS / 2), key=lambda pair: pair[0])
    if len(small) > _SMALL_FILES:
        return [one for _, one in small]
    total, again = sum(len(days[day]) for day in missing), []
    for count, one in small:
        if not total or count > 2 * total or total + count > _ROWS:
            break
        again.append(one)
        total += count
    return again


def _runs(days: Days, some: Iterable[str]) -> Iterator[list[str]]:
    """These days, in order, as many together as go into a file."""
    run, count = list[str](), 0
    for day in sorted(some):
        if run and count + len(days[day]) > _ROWS:
            yield run
            run, count = [], 0
        run.append(day)
        count += len(days[day])
    if run:
        yield run


def _to_copy(
    days: Days, listings: Mapping[str, str], held: Sequence[_Held]
) -> tuple[list[Part], dict[str, dict[str, str]]]:
    """Where rows of these days are already, a day in one file; and what is known of those that cannot be read."""
    copied: dict[_Held, set[str]] = {}
    unread: dict[str, dict[str, str]] = {day: {} for day in days}
    for day in days:
        having = [one for one in held if day in one.listings and one.is_whole]
        same = next((one for one in having if one.listings[day] == listings[day]), None)
        if same:
            unread[day] = dict(same.unread.get(day, {}))
        if having:
            # of a day some files have a few rows: those that came late into the index
            copied.setdefault(same or max(having, key=lambda one: one.counts.get(day, 0)), set()).add(day)
    return [one.part(some) for one, some in copied.items() if is_used(one.path)], unread


def cache_folder_of(store: Store, folder: Path) -> Path:
    """Where below `folder` the cache keeps what is of this store."""
    return folder / _digest(store.url, 32)


def _digest(facts: object, length: int) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:length]


@cache
def _shape() -> str:
    return _digest([_FORM, *([column.name, column.type] for column in columns())], 8)


def is_used(path: Path) -> bool:
    """Whether it is there, and can be read with what is beside it; from now on it counts as used."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        if not is_unusable(error):
            raise
        told = beside(path)
        return _is_readable(path) and (_is_readable(told) or not os.path.lexists(told))
    return True


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _paths(folder: Path) -> list[Path]:
    with suppress(OSError):  # it may be closed to us
        return list(folder.glob(f"{_shape()}-*.parquet"))
    return []


def _sweep(folder: Path) -> None:
    """Remove files of other columns, and those that have no day which a newer one has not, unless they are used."""
    found = {path: _read_beside(path) for path in folder.glob("*.parquet")}
    seen, old = set[str](), []
    for path, one in sorted(found.items(), key=lambda pair: -pair[1].made_at if pair[1] else 0.0):
        if one is None or not path.name.startswith(_shape()) or one.listings.keys() <= seen:
            old.append(path)
        else:
            seen |= one.listings.keys()
    _remove_unused(old)
    for day in folder.parent.glob("????-??-??"):
        _sweep_former(day)


def _sweep_former(day: Path) -> None:
    """Remove what former versions of the tool kept of a day, `2025-07-22/*.parquet`, unless one uses it."""
    _remove_unused(day.glob("*.parquet"))
    with suppress(OSError):  # something is in it still
        for told in day.glob("*.unread"):
            if not told.with_suffix(".parquet").exists():
                told.unlink()
        for emptied in (day / "packages", day):
            if emptied.is_dir():
                emptied.rmdir()


def _remove_unused(paths: Iterable[Path]) -> None:
    """Remove the files that nobody has used for an hour."""
    for path in paths:
        with suppress(OSError):  # it only makes room
            if path.stat().st_mtime < time.time() - _KEPT_S:
                path.unlink()
                beside(path).unlink(missing_ok=True)
                for one in (packages_path(path), beside(packages_path(path))):
                    one.unlink(missing_ok=True)


def packages_path(path: Path) -> Path:
    """Where the packages are of the builds in this file."""
    return path.parent / "packages" / path.name


def beside(path: Path) -> Path:
    """Where it is kept what a file of the cache is: its seal; which days it has, and which rows cannot be read."""
    return path.with_suffix(".json")


def _read_beside(path: Path) -> _Held | None:
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        told, made_at = read_told(path)
        if told["days"]:
            facts = (dict(told["days"]), dict(told["counts"]), dict(told["unread"]))
            return _Held(path, *facts, Seal.parsed(told["seal"]), made_at)
    return None


def read_told(path: Path) -> tuple[Any, float]:
    """What stands beside a file of the cache, and when that was written.

    Raises:
        OSError, ValueError, TypeError, KeyError, RecursionError: it cannot be read, or is not what was written.
    """
    with regular(beside(path)) as file:
        facts = os.fstat(file.fileno())
        if facts.st_size > _MOST_TOLD_BYTES:
            raise ValueError(f"it has {facts.st_size} bytes")
        return unsealed(file.read()), facts.st_mtime


def _line(row: dict[str, object]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)


def _kept(connection: duckdb.DuckDBPyConnection, older: Sequence[Part]) -> set[tuple[str, str]]:
    """Key and stamp of each row in older files."""
    return set(connection.execute(f"SELECT key, stamp FROM {scan(older)}").fetchall())  # noqa: S608


def _copy(older: Sequence[Part], wanted: Path, rows: Path, made: Path) -> str:
    names = ", ".join(types())
    select = f"SELECT {names} FROM {lines(rows, types())}"  # noqa: S608  # in the order of their keys
    if older:
        listed = lines(wanted, {"key": "VARCHAR", "stamp": "VARCHAR"})
        kept = f"SELECT {names} FROM {scan(older)} SEMI JOIN {listed} USING (key, stamp)"  # noqa: S608
        select = f"{select} UNION ALL {kept} ORDER BY key"
    return f"COPY ({select}) TO {quoted(made)} (FORMAT parquet, COMPRESSION zstd)"


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
