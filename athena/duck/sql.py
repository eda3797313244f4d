"""Pieces of DuckDB's SQL about files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def scan(paths: Iterable[Path]) -> str:
    """DuckDB's SQL for what is in these files; their folders mean nothing."""
    # by itself DuckDB makes a column of each folder that is called `name=value`, wherever the cache lies
    return f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)"


def quoted(text: str | Path) -> str:
    """As a literal of DuckDB's SQL, where it takes no bound value."""
    return "'" + str(text).replace("'", "''") + "'"
