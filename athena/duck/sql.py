"""Pieces of DuckDB's SQL: about files, types, and the functions of the SQL that we ship."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CATALOG = frozenset({"venv_builds_metadata", "venv_builds", "venv_packages"})
"""The table and its views."""
SHIPPED = """
CREATE MACRO date_format(t, f) AS strftime(t, replace(replace(f, '%i', '%M'), '%s', '%S'));
CREATE MACRO array_join(a, s) AS array_to_string(a, s);
CREATE MACRO json_format(j) AS CAST(j AS VARCHAR);
"""
"""Functions of Athena and Trino that DuckDB lacks, as far as `athena/sql/` uses them: it is asked as it stands.

What users write passes `exactly`, and never meets these.
"""
_PLAIN = {"string": "VARCHAR", "boolean": "BOOLEAN", "bigint": "BIGINT", "double": "DOUBLE", "timestamp": "TIMESTAMP"}


def named_tables(sql: str) -> frozenset[str]:
    """Those of the catalog that the text names outside of its comments; to be asked of SQL that we ship."""
    return CATALOG & set(re.findall(r"\w+", re.sub(r"--[^\n]*", "", sql)))


@dataclass(frozen=True)
class Part:
    """A file of which some days count."""

    path: Path
    days: tuple[str, ...] | None = None
    """`YYYY-MM-DD`, its column `dt`; None: all of it counts."""


def scan(files: Iterable[Path | Part]) -> str:
    """DuckDB's SQL for what is in these files; their folders mean nothing."""
    parts = [Part(one) if isinstance(one, Path) else one for one in files]
    whole = [one.path for one in parts if one.days is None]
    if len(whole) == len(parts):
        return _scan(whole)
    selects = [f"FROM {_scan([one.path])} WHERE dt IN ({_listed(one.days)})" for one in parts if one.days is not None]
    return f"({' UNION ALL '.join([*([f'FROM {_scan(whole)}'] if whole else []), *selects])})"


def _listed(days: Iterable[str]) -> str:
    return ", ".join(map(quoted, days))


def _scan(paths: Iterable[Path]) -> str:
    # by itself DuckDB makes a column of each folder that is called `name=value`, wherever the cache lies
    return f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)"


def quoted(text: str | Path) -> str:
    """As a literal of DuckDB's SQL, where it takes no bound value."""
    return "'" + str(text).replace("'", "''") + "'"


def duckdb_type(hive_type: str) -> str:
    """`struct<abi:string>` -> `STRUCT(abi VARCHAR)`, of the types that our table has."""
    outer, _, inner = hive_type.removesuffix(">").partition("<")
    if not inner:
        return _PLAIN[outer]
    parts = _parts(inner)
    if outer == "array":
        return f"{duckdb_type(*parts)}[]"
    if outer == "map":
        return f"MAP({', '.join(map(duckdb_type, parts))})"
    fields = (field.partition(":") for field in parts)
    return f"STRUCT({', '.join(f'{name} {duckdb_type(type_)}' for name, _, type_ in fields)})"


def _parts(inner: str) -> list[str]:
    """What stands between commas, but for those within brackets."""
    parts, depth = [""], 0
    for letter in inner:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
