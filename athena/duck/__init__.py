"""DuckDB in this process (connection), and its SQL: translated from Athena's (dialect), or written (sql)."""

from typing import TYPE_CHECKING

from venvbuild import lazily

if TYPE_CHECKING:
    from athena.duck.connection import all_rows, connected, interruptible
    from athena.duck.dialect import CATALOG, duckdb_type, tables_of, to_duckdb
    from athena.duck.sql import quoted, scan
else:  # Trino's users need the dialect and no DuckDB
    _CONNECTION = dict.fromkeys(("all_rows", "connected", "interruptible"), "connection")
    _DIALECT = dict.fromkeys(("CATALOG", "duckdb_type", "tables_of", "to_duckdb"), "dialect")
    __getattr__ = lazily.from_modules(__name__, {**_CONNECTION, **_DIALECT, "quoted": "sql", "scan": "sql"})
