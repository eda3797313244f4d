"""Segments of the index as files on this machine: made of rows and of other segments by DuckDB.

What a question reads of a file are its footer and the row groups that may hold what it looks for. So the packages of a
large segment are cut, between names, into several files, each with a small footer; a question about some names opens
only theirs.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import _duckdb as duckdb

from athena.duck import Part, interruptible, opened, quoted, scan
from athena.index.current import IndexFile, Segment

# Facts of a build that stand beside each of its packages too, so that most questions need no join.
FACTS = {"env_name": "VARCHAR", "python_version": "VARCHAR", "is_conflict_free": "BOOLEAN"}
BUILDS = {
    "build_no": "BIGINT",
    **FACTS,
    "platform": "VARCHAR",
    "package_count": "BIGINT",
    "archive_size_bytes": "BIGINT",
}
PACKAGES = {"name": "VARCHAR", "version": "VARCHAR", "build_no": "BIGINT", **FACTS}
"""Column -> DuckDB's type, in the order of the file."""
# V1, which every engine reads
_PARQUET = "FORMAT parquet, PARQUET_VERSION V1, COMPRESSION zstd, COMPRESSION_LEVEL 9, ROW_GROUP_SIZE"
# Smaller ones make footers larger, larger ones make questions read more beside what they look for.
_GROUP_ROWS, _SMALLEST_GROUP_ROWS, _GROUPS = 30_720, 4096, 32
_FILE_ROWS = 1_000_000
_SORTING_ROWS = 122_880


@dataclass(frozen=True)
class MadeSegment:
    """A segment whose files lie below `folder`, by their names."""

    segment: Segment
    folder: Path

    def path(self, file: IndexFile) -> Path:
        """Where a file of it is."""
        return self.folder / f"{file.name}.parquet"


@dataclass(frozen=True)
class Ingredients:
    """Of what a segment is made."""

    rows: Sequence[Path | Part] = ()
    """Days of the row cache."""
    builds: Sequence[Path] = ()
    """Files of other segments."""
    packages: Sequence[Path] = ()
    removed: Sequence[int] = ()
    """Builds of these segments that are not wanted, by build_no."""


def make(some: Ingredients, folder: Path) -> MadeSegment | None:
    """A segment of all these builds, its files in the empty `folder`; None when there are no builds."""
    # what does not fit into memory; by itself DuckDB puts it into a folder `.tmp` where the process stands
    with opened(temp_directory=str(folder / "spilled")) as connection:
        return interruptible(connection, lambda: _made(connection, some, folder))


def _made(connection: duckdb.DuckDBPyConnection, some: Ingredients, folder: Path) -> MadeSegment | None:
    connection.execute("CREATE TEMP TABLE removed AS SELECT unnest($n::BIGINT[]) AS build_no", {"n": some.removed})
    for kind in ("builds", "packages"):
        (folder / kind).mkdir(parents=True)
    builds = folder / "builds" / "builds.parquet"
    selects = [_builds_of(some.rows)] if some.rows else []
    selects += [_of_files(BUILDS, some.builds)] if some.builds else []
    connection.execute(_copy(" UNION ALL ".join(selects), "build_no", builds))
    counted = connection.execute(
        f"SELECT count(*), min(build_no), max(build_no) FROM {scan([builds])}"  # noqa: S608
    ).fetchone()
    if not counted or not counted[0]:
        return None
    packages = tuple(_packages(connection, some, folder))
    count, first, last = counted
    segment = Segment(secrets.token_hex(8), count, first, last, _file(folder, builds), packages)
    return MadeSegment(segment, folder)


def _builds_of(rows: Sequence[Path | Part]) -> str:
    facts = ", ".join(list(BUILDS)[1:])
    return f"SELECT epoch(created_at)::BIGINT AS build_no, {facts} FROM {scan(rows)}"  # noqa: S608


def _packages_of(rows: Sequence[Path | Part]) -> str:
    facts = ", ".join(FACTS)
    unnested = f"""SELECT unnest(installed_packages) AS package, epoch(created_at)::BIGINT AS build_no, {facts}
        FROM {scan(rows)}"""  # noqa: S608
    return f"""SELECT split_part(package, '==', 1) AS name, substr(package, strpos(package, '==') + 2) AS version,
        build_no, {facts} FROM ({unnested})"""  # noqa: S608


def _of_files(columns: Iterable[str], files: Sequence[Path]) -> str:
    return f"SELECT {', '.join(columns)} FROM {scan(files)} WHERE build_no NOT IN (FROM removed)"  # noqa: S608


def _packages(connection: duckdb.DuckDBPyConnection, some: Ingredients, folder: Path) -> Iterator[IndexFile]:
    whole = folder / "packages" / "whole.parquet"
    selects = [_packages_of(some.rows)] if some.rows else []
    selects += [_of_files(PACKAGES, some.packages)] if some.packages else []
    # as a whole first: where a file may be cut, between two names, is known when all are counted
    connection.execute(_copy(" UNION ALL ".join(selects), "name, version, build_no", whole, _SORTING_ROWS))
    counts = connection.execute(f"SELECT name, count(*) FROM {scan([whole])} GROUP BY 1 ORDER BY 1")  # noqa: S608
    for number, (first, last, rows) in enumerate(_ranges(counts.fetchall())):
        path = folder / "packages" / f"{number:03}.parquet"
        select = f"SELECT * FROM {scan([whole])} WHERE name BETWEEN $first AND $last"  # noqa: S608
        # It is sorted already, and DuckDB keeps the order of one file; 2048 rows are one of its vectors.
        group_rows = max(_SMALLEST_GROUP_ROWS, min(_GROUP_ROWS, rows // _GROUPS // 2048 * 2048))
        connection.execute(_copy(select, "", path, group_rows), {"first": first, "last": last})
        yield _file(folder, path, first, last)
    whole.unlink()


def _ranges(counts: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str, int]]:
    """First name, last name and rows of each file; a name is in one file."""
    first, last, rows = None, "", 0
    for name, count in counts:
        if first is not None and rows + count > _FILE_ROWS:
            yield first, last, rows
            first, rows = None, 0
        first, last, rows = name if first is None else first, name, rows + count
    if first is not None:
        yield first, last, rows


def _copy(select: str, order: str, path: Path, group_rows: int = _GROUP_ROWS) -> str:
    ordered = f" ORDER BY {order}" if order else ""
    return f"COPY ({select}{ordered}) TO {quoted(path)} ({_PARQUET} {group_rows})"


def _file(folder: Path, path: Path, first_name: str = "", last_name: str = "") -> IndexFile:
    body = path.read_bytes()
    name = path.relative_to(folder).with_suffix("").as_posix()
    return IndexFile(name, len(body), hashlib.sha256(body).hexdigest(), first_name, last_name)
