"""The tables and the views on an engine that keeps tables: made, shown and dropped by the files in `sql/tables/`.

Rows and index are never touched: the tables are external.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from importlib import resources

from athena import rows
from athena.engines import Engine
from athena.index import VIEWS, Index, day_of
from athena.statement import Scope, Statement
from athena.tables import index_tables
from athena.tables.index_tables import IndexTables
from venvbuild.builds import last_day
from venvbuild.errors import UsageError
from venvbuild.stores import Store

TABLE = "venv_builds_metadata"
GUARD = "venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')"
"""What a line of the table fulfils that is a row; every SELECT of ours about the table has it."""
_SUFFIXES = {"trino": ".trino", "athena": ""}
"""Engine -> what the files of its tables end with; the views are the same everywhere."""
_LOCATION = re.compile(r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._/=+-]+")
_ONLY_SCHEME = {"athena": "s3://"}
_KINDS = ("builds", "packages")
_EXAMPLE_LOCATION, _EXAMPLE_DAY = "s3://your-bucket", "2025-01-01"
_NOT_AHEAD = "AND build_no < to_unixtime(date_trunc('day', current_timestamp AT TIME ZONE 'UTC')) + 2 * 86400"
"""Which builds of an index count that a wrong clock had made."""
_EXAMPLE_SEGMENT = "0123456789abcdef"
_EXAMPLE_TABLE = re.compile(r"\b(venv_index_(builds|packages))_20250101000000_01234567\b")


def creation(
    engine: str, location: str, first_day: str, current: Index, database: str | None = None
) -> tuple[Statement, ...]:
    """What makes the tables and the views over the store at `location`, `s3://bucket/prefix`, unless they are there.

    Rows of days before `first_day` are not seen. `database`, of Athena, is made too, unless it is there.

    Raises:
        UsageError: the engine keeps no tables, or `location` is no URI that it could read.
    """
    table = _placed(engine, TABLE, location).replace(_EXAMPLE_DAY, first_day)
    # in Hive's quotes, as a name may hold a dash
    first = [f"CREATE DATABASE IF NOT EXISTS `{database}`"] if database else []
    return (*(Statement((sql,)) for sql in (*first, table)), *publishing(engine, location, current))


def publishing(engine: str, location: str, current: Index) -> tuple[Statement, ...]:
    """What makes the tables of this index, and then the views read them and the rows after it.

    The views read the rows alone where it has no build. Raises as `creation` does.
    """
    if not current.segments:
        return tuple(Statement((_text(view),)) for view in VIEWS)
    names = IndexTables.of(current, datetime.now(UTC))
    of_index = [_indexed(_placed(engine, f"venv_index_{kind}", location), current, names) for kind in _KINDS]
    views = [_indexed(_text(f"{view}.indexed"), current, names) for view in VIEWS]
    return tuple(Statement((sql,)) for sql in (*of_index, *views))


def _indexed(text: str, current: Index, names: IndexTables) -> str:
    text = _EXAMPLE_TABLE.sub(lambda example: getattr(names, example[2]), text)
    segments = [segment.name for segment in current.segments]
    # a list of Hive's is one text, of SQL several
    text = text.replace(f"values'='{_EXAMPLE_SEGMENT}'", f"values'='{','.join(segments)}'")
    text = text.replace(f"'{_EXAMPLE_SEGMENT}'", ", ".join(f"'{one}'" for one in segments))
    if has_builds_ahead(current):
        # a condition on a column that a question need not read otherwise, so only where there are such builds
        text = text.replace("')\n)\n", f"')\n  {_NOT_AHEAD}\n)\n")
    return text.replace(_EXAMPLE_DAY, current.covered_before)


def has_builds_ahead(current: Index) -> bool:
    """Whether it holds builds of a time to come, by this clock, which no view is to count."""
    return any(day_of(one.last_build_no) > last_day() for one in current.segments)


def _placed(engine: str, name: str, location: str) -> str:
    """The text of a table over the store at `location`."""
    suffix = _suffix(engine)
    is_readable = location.startswith(_ONLY_SCHEME.get(engine, ""))
    if not is_readable or not _LOCATION.fullmatch(location):  # it stands in DDL, which takes no bound values
        raise UsageError(
            f"{location[:200]!a} cannot be the place of a table",
            fix="name the store as the engine sees it: `venvbuild table create --location s3://bucket/prefix`",
        )
    return _text(f"{name}{suffix}").replace(_EXAMPLE_LOCATION, location.rstrip("/"))


def removal_of_views(engine: str) -> tuple[Statement, ...]:
    """What drops the views, if they are there.

    Raises:
        UsageError: the engine keeps no tables.
    """
    _suffix(engine)
    return tuple(Statement((f"DROP VIEW IF EXISTS {view}",)) for view in VIEWS)


def removal_of_tables(of_index: Collection[str] = ()) -> tuple[Statement, ...]:
    """What drops the tables, if they are there; `of_index` are those of the index."""
    return (*index_tables.drops(of_index), Statement((f"DROP TABLE IF EXISTS {TABLE}",)))


def _suffix(engine: str) -> str:
    if engine not in _SUFFIXES:
        raise UsageError(f"{engine} needs no table: it reads the store itself", fix="name another with --engine")
    return _SUFFIXES[engine]


def definitions_on(engine: Engine) -> tuple[str, ...]:
    """The tables and the views as the engine has them, as SQL.

    Raises:
        QueryEngineError: they are not there.
    """
    views = [definition_on(engine, f"SHOW CREATE VIEW {view}") for view in VIEWS]
    named = sorted({name for text in views for name in re.findall(index_tables.NAME, text)})
    tables = [definition_on(engine, f"SHOW CREATE TABLE {table}") for table in (TABLE, *named)]
    return (*tables, *views)


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
