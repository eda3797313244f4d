"""The packages of a day of rows, sorted by name, so that a question about some of them reads little.

What `venv_packages` says of the day, in a file beside that of the row cache:

    <cache>/<digest of the store>/2025-07-22/packages/<as the day's>.parquet
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import partial
from importlib import resources
from pathlib import Path

from athena.duck import connected, interruptible, quoted, scan
from athena.rows.cache import is_used, remove_unused
from athena.rows.spare import disk_errors, kept, places

_GROUP_ROWS = 4096  # what a question about one package reads at least; DuckDB's own are 30 times as large


def packages_of(days: Iterable[Path]) -> list[Path]:
    """The files of packages of these days of the row cache, made unless they are there."""
    return [_made(day) for day in days]


def select_of(view: str, source: str) -> str:
    """The SELECT of a shipped view, of rows that are elsewhere than in the table."""
    sql = resources.files("athena").joinpath("sql", "tables", f"{view}.sql").read_text("utf-8")
    return sql.partition(" AS\n")[2].replace("venv_builds_metadata", source)


def _made(day: Path) -> Path:
    folder = day.parent / "packages"
    there = next((one / day.name for one in places(folder) if is_used(one / day.name)), None)
    return there or kept(folder, partial(_make, day))


def _make(day: Path, folder: Path) -> Path:
    target = folder / day.name
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as temporary, connected() as connection:
        made = Path(temporary, target.name)
        connection.execute(f"CREATE TEMP VIEW day AS FROM {scan([day])}")
        form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP_ROWS}"
        select = select_of("venv_packages", "day")
        # by name: the groups whose names lie elsewhere are not read
        copy = f"COPY ({select} ORDER BY name, version, venv_version) TO {quoted(made)} ({form})"
        with disk_errors(folder):
            interruptible(connection, partial(connection.execute, copy))
        made.replace(target)
    remove_unused(folder.glob("*.parquet"))
    return target
