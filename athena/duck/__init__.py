"""DuckDB in this process (connection), and its SQL: translated from Athena's (dialect, exact), or written (sql)."""

from typing import TYPE_CHECKING

from venvbuild import lazily

if TYPE_CHECKING:
    from athena.duck.connection import all_rows, connected, interruptible, opened
    from athena.duck.dialect import is_query, tables_of, to_duckdb
    from athena.duck.exact import exactly
    from athena.duck.sql import CATALOG, Part, duckdb_type, named_tables, quoted, scan
    from athena.duck.translation import macros
else:  # Trino's users need the dialect and no DuckDB, and the shipped questions no types
    _CONNECTION = dict.fromkeys(("all_rows", "connected", "interruptible", "opened"), "connection")
    _DIALECT = dict.fromkeys(("is_query", "tables_of", "to_duckdb"), "dialect")
    _SQL = dict.fromkeys(("CATALOG", "Part", "duckdb_type", "named_tables", "quoted", "scan"), "sql")
    _OTHERS = {"exactly": "exact", "macros": "translation"}
    __getattr__ = lazily.from_modules(__name__, {**_CONNECTION, **_DIALECT, **_SQL, **_OTHERS})
