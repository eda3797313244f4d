"""A DuckDB database with the catalog in it: views over files, closed to everything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import _duckdb as duckdb

from athena.duck import Part, connected, duckdb_type, opened, scan
from athena.index import BUILDS, FACTS, PACKAGES
from athena.rows import columns, select_of

_TAIL = "venv_tail"
_FACTS = ", ".join(FACTS)
# the index has neither: a version is the instant of its build, and build_no that instant in seconds
_CREATED_AT = "make_timestamp(build_no * 1000000) AS created_at"
_VERSION = "strftime(created_at, 'venv_%Y%m%d_%H%M%S') AS venv_version"
_VENV_PACKAGES = {
    **dict.fromkeys(("name", "version", "venv_version"), "VARCHAR"),
    "created_at": "TIMESTAMP",
    **FACTS,
    "dt": "VARCHAR",
}
_SMALL_BYTES = 32 << 20
_DAY = "strftime(created_at, '%Y-%m-%d') AS dt"


@dataclass(frozen=True)
class Sources:
    """The files that a statement reads."""

    rows: tuple[Part, ...] = ()
    """Days for `venv_builds_metadata`, as the row cache has them."""
    tail: tuple[Part, ...] = ()
    """Days for `venv_builds`, which the index does not cover."""
    tail_packages: tuple[Part, ...] = ()
    """Their packages."""
    tail_whole: tuple[Part, ...] = ()
    """Days for `venv_packages` as the row cache has them: these packages nobody sorted yet."""
    builds: tuple[Path, ...] = ()
    packages: tuple[Path, ...] = ()
    """Files of the index."""
    end_build_no: int | None = None
    """Of these the builds before it count."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        parts = (*self.rows, *self.tail, *self.tail_packages, *self.tail_whole)
        return (*(part.path for part in parts), *self.builds, *self.packages)


@cache
def table_types() -> Mapping[str, Mapping[str, str]]:
    """The columns of the table and its views in their order, with their types as Hive writes them."""
    metadata = {column.name: column.type for column in columns()}
    facts = {name: metadata[name] for name in ("created_at", *FACTS)}
    sizes = {name: metadata[name] for name in ("platform", "package_count", "archive_size_bytes")}
    day = {"dt": "string"}
    return {
        "venv_builds_metadata": metadata | day,
        "venv_builds": {"venv_version": "string"} | facts | sizes | day,
        "venv_packages": {"name": "string", "version": "string", "venv_version": "string"} | facts | day,
    }


def connect(sources: Sources) -> duckdb.DuckDBPyConnection:
    """A database in memory that sees these files and nothing else: no network, no extension, no setting.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    # by itself DuckDB fetches the extension that a function is in from the network
    threads = {"threads": 1} if is_small(sources) else {}
    connection = opened(autoinstall_known_extensions=False, autoload_known_extensions=False, **threads)
    try:
        connection.execute("SET parquet_metadata_cache = true")  # before views look at the files
        for name, select in _views(sources).items():
            connection.execute(f"CREATE VIEW {name} AS {select}")
        # in this order: with access off no path can be allowed any more, and a lock keeps statements from putting it on
        # again
        connection.execute("SET allowed_paths = $paths", {"paths": [str(path) for path in sources.paths]})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_shipped(sources: Sources, tables: Collection[str]) -> duckdb.DuckDBPyConnection:
    """These of the same views in the database that this process has anyway, where nothing is closed: for shipped SQL.

    A database of its own takes 16 ms and 10 MB more. Raises as `connect` does.
    """
    connection = connected()
    try:
        for name, select in _views(sources).items():
            if name in tables:
                connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_small(sources: Sources) -> bool:
    """Whether one thread reads these files as soon as several would, without the memory of each."""
    size_bytes = 0
    for path in sources.paths:
        with suppress(OSError):  # DuckDB will tell
            size_bytes += path.stat().st_size
    return size_bytes < _SMALL_BYTES


def _views(sources: Sources) -> Mapping[str, str]:
    """Name -> SELECT of the table and its views."""
    of_table = {column.name: duckdb_type(column.type) for column in columns()} | {"dt": "VARCHAR"}
    end = "" if sources.end_build_no is None else f" WHERE build_no < {sources.end_build_no}"
    builds = [_builds(_select(sources.builds, BUILDS)) + end, select_of("venv_builds", _TAIL)]
    packages = [_packages(_select(sources.packages, PACKAGES)) + end, _select(sources.tail_packages, _VENV_PACKAGES)]
    if sources.tail_whole:
        packages += [select_of("venv_packages", _TAIL)]
    # no view of its own, which a statement could ask here and nowhere else
    with_tail = f"WITH {_TAIL} AS NOT MATERIALIZED"
    return {
        "venv_builds_metadata": _select(sources.rows, of_table),
        "venv_builds": f"{with_tail} ({_select(sources.tail, of_table)}) {' UNION ALL '.join(builds)}",
        "venv_packages": f"{with_tail} ({_select(sources.tail_whole, of_table)}) {' UNION ALL '.join(packages)}",
    }


def _builds(files: str) -> str:
    return f"""SELECT {_VERSION}, created_at, {_FACTS}, platform, package_count, archive_size_bytes, {_DAY}
        FROM (SELECT *, {_CREATED_AT} FROM ({files}))"""  # noqa: S608


def _packages(files: str) -> str:
    return f"""SELECT name, version, {_VERSION}, created_at, {_FACTS}, {_DAY}
        FROM (SELECT *, {_CREATED_AT} FROM ({files}))"""  # noqa: S608


def _select(paths: Sequence[Path | Part], types: Mapping[str, str]) -> str:
    if paths:
        return f"SELECT {', '.join(types)} FROM {scan(paths)}"  # noqa: S608
    # read_parquet takes no empty list
    return f"SELECT {', '.join(f'NULL::{type_} AS {name}' for name, type_ in types.items())} WHERE false"
