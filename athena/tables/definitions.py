"""The tables and the views on an engine that keeps tables: made, shown and dropped by the files in `sql/tables/`.

Rows and index are never touched: the tables are external.
"""

from __future__ import annotations

import re
from importlib import resources

from athena import rows
from athena.engines import Engine
from athena.index import Index
from athena.statement import Scope, Statement
from venvbuild.errors import UsageError
from venvbuild.stores import Store

TABLE, VIEWS = "venv_builds_metadata", ("venv_builds", "venv_packages")
TABLES = (TABLE, "venv_index_builds", "venv_index_packages")
GUARD = "venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')"
"""What a line of the table fulfils that is a row; every SELECT of ours about the table has it."""
_SUFFIXES = {"trino": ".trino", "athena": ""}
"""Engine -> what the files of its tables end with; the views are the same everywhere."""
_LOCATION = re.compile(r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._/=+-]+")
_ONLY_SCHEME = {"athena": "s3://"}
_EXAMPLE_LOCATION, _EXAMPLE_DAY = "s3://your-bucket", "2025-01-01"
_OF_SEGMENT = re.compile(r"    SELECT [^;]*? WHERE segment = '0123456789abcdef'")
"""What a view reads of one segment; a view has it for each."""


def creation(
    engine: str, location: str, first_day: str, current: Index, database: str | None = None
) -> tuple[Statement, ...]:
    """What makes the tables and the views over the store at `location`, `s3://bucket/prefix`, unless they are there.

    Rows of days before `first_day` are not seen. `database`, of Athena, is made too, unless it is there.

    Raises:
        UsageError: the engine keeps no tables, or `location` is no URI that it could read.
    """
    suffix = _suffix(engine)
    is_readable = location.startswith(_ONLY_SCHEME.get(engine, ""))
    if not is_readable or not _LOCATION.fullmatch(location):  # it stands in DDL, which takes no bound values
        raise UsageError(
            f"{location[:200]!a} cannot be the place of a table",
            fix="name the store as the engine sees it: --location s3://bucket/prefix",
        )
    texts = [_text(f"{name}{suffix}").replace(_EXAMPLE_LOCATION, location.rstrip("/")) for name in TABLES]
    # in Hive's quotes, as a name may hold a dash
    first = [f"CREATE DATABASE IF NOT EXISTS `{database}`"] if database else []
    made = (*first, *(text.replace(_EXAMPLE_DAY, first_day) for text in texts))
    return (*(Statement((sql,)) for sql in made), *views(current))


def views(current: Index) -> tuple[Statement, ...]:
    """What makes the views read this index and the rows after it; the rows alone where it has no build."""
    if not current.segments:
        return tuple(Statement((_text(view),)) for view in VIEWS)
    return tuple(Statement((_indexed(_text(f"{view}.indexed"), current),)) for view in VIEWS)


def _indexed(text: str, current: Index) -> str:
    def branches(example: re.Match[str]) -> str:
        some = (example[0].replace("0123456789abcdef", segment.name) for segment in current.segments)
        return "\n    UNION ALL\n".join(some)

    return _OF_SEGMENT.sub(branches, text).replace(_EXAMPLE_DAY, current.covered_before)


def removal(engine: str) -> tuple[Statement, ...]:
    """What drops the views and the tables, if they are there."""
    _suffix(engine)  # refuses an engine without tables
    drops = [f"DROP VIEW IF EXISTS {view}" for view in VIEWS]
    return tuple(Statement((sql,)) for sql in (*drops, *(f"DROP TABLE IF EXISTS {table}" for table in TABLES)))


def _suffix(engine: str) -> str:
    if engine not in _SUFFIXES:
        raise UsageError(f"{engine} needs no table: it reads the store itself", fix="name another with --engine")
    return _SUFFIXES[engine]


def definitions_on(engine: Engine) -> tuple[str, ...]:
    """The tables and the views as the engine has them, as SQL.

    Raises:
        QueryEngineError: they are not there.
    """
    asked = [*(f"SHOW CREATE TABLE {table}" for table in TABLES), *(f"SHOW CREATE VIEW {view}" for view in VIEWS)]
    return tuple(definition_on(engine, sql) for sql in asked)


def definition_on(engine: Engine, sql: str) -> str:
    """What the engine answers to SHOW CREATE, which of Athena comes line by line."""
    return "\n".join(str(row[0]) for row in engine.run(Statement((sql,))).rows)


def first_day(store: Store, today: str) -> str:
    """The day of the oldest row; `today` when there is none."""
    days = rows.list_days(store, Scope()).items()
    return next((day for day, entries in days if any(rows.is_well_named(entry.key) for entry in entries)), today)


def _text(name: str) -> str:
    # the file ends in a `;`, for those who paste it; Trino refuses one
    return resources.files("athena").joinpath("sql", "tables", f"{name}.sql").read_text("utf-8").rstrip().rstrip(";")
