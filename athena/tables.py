"""The table and the views on an engine that keeps tables: made, shown and dropped by the files in `sql/tables/`.

The rows are never touched: the table is external.
"""

from __future__ import annotations

import re
from importlib import resources

from athena import table
from athena.engines import Engine
from athena.statement import Scope, Statement
from venvbuild.errors import UsageError
from venvbuild.stores import Store

TABLE, VIEWS = "venv_builds_metadata", ("venv_builds", "venv_packages")
_FILES = {"trino": f"{TABLE}.trino", "athena": TABLE}
"""Engine -> the file of its table; the views are the same everywhere."""
_LOCATION = re.compile(r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._/=+-]+")
_ONLY_SCHEME = {"athena": "s3://"}
_EXAMPLE_LOCATION, _EXAMPLE_DAY = "s3://your-bucket", "2025-01-01"


def creation(engine: str, location: str, first_day: str, database: str | None = None) -> tuple[Statement, ...]:
    """What makes the table and its views over the store at `location`, `s3://bucket/prefix`, unless they are there.

    Days before `first_day` are not seen. `database`, of Athena, is made too, unless it is there.

    Raises:
        UsageError: the engine keeps no tables, or `location` is no URI that it could read.
    """
    if engine not in _FILES:
        raise UsageError(f"{engine} needs no table: it reads the store itself", fix="name another with --engine")
    is_readable = location.startswith(_ONLY_SCHEME.get(engine, ""))
    if not is_readable or not _LOCATION.fullmatch(location):  # it stands in DDL, which takes no bound values
        raise UsageError(
            f"{location[:200]!a} cannot be the place of a table",
            fix="name the store as the engine sees it: --location s3://bucket/prefix",
        )
    made = _text(_FILES[engine]).replace(_EXAMPLE_LOCATION, location.rstrip("/")).replace(_EXAMPLE_DAY, first_day)
    first = [f"CREATE DATABASE IF NOT EXISTS `{database}`"] if database else []
    return tuple(Statement((sql,)) for sql in (*first, made, *map(_text, VIEWS)))


def removal(engine: str) -> tuple[Statement, ...]:
    """What drops the views and the table, if they are there."""
    if engine not in _FILES:
        raise UsageError(f"{engine} needs no table: it reads the store itself", fix="name another with --engine")
    drops = [f"DROP VIEW IF EXISTS {view}" for view in VIEWS]
    return tuple(Statement((sql,)) for sql in (*drops, f"DROP TABLE IF EXISTS {TABLE}"))


def definitions(engine: Engine) -> tuple[str, ...]:
    """The table and the views as the engine has them, as SQL.

    Raises:
        QueryEngineError: they are not there.
    """
    asked = [f"SHOW CREATE TABLE {TABLE}", *(f"SHOW CREATE VIEW {view}" for view in VIEWS)]
    answers = (engine.run(Statement((sql,))).rows for sql in asked)
    return tuple("\n".join(str(row[0]) for row in rows) for rows in answers)  # of Athena each line is a row


def first_day(store: Store, today: str) -> str:
    """The day of the oldest row; `today` when there is none."""
    return next(iter(table.days(store, Scope())), today)


def _text(name: str) -> str:
    return resources.files("athena").joinpath("sql", "tables", f"{name}.sql").read_text("utf-8").rstrip().rstrip(";")
