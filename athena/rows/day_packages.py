"""The packages of the builds in a file of the row cache, sorted by name, so that a question about some reads little.

What `venv_packages` says of them, in a file beside that:

    <cache>/<digest of the store>/rows/packages/<as the other's>.parquet

and its seal beside it, in a file that ends with `.json`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path

from athena.duck import Part, connected, interruptible, quoted, scan
from athena.rows.cache import beside, is_used, packages_path, read_told
from athena.rows.seals import Seal, make_way, sealed
from athena.rows.spare import disk_errors, kept, places
from venvbuild.files import write_whole

_GROUP_ROWS = 4096  # what a question about one package reads at least; DuckDB's own are 30 times as large


def packages_of(parts: Iterable[Part]) -> list[Part]:
    """The packages of these parts of the row cache, made unless they are there."""
    return [replace(part, path=_made(part.path)) for part in parts]


def select_of(view: str, source: str) -> str:
    """The SELECT of a shipped view, of rows that are elsewhere than in the table."""
    sql = resources.files("athena").joinpath("sql", "tables", f"{view}.sql").read_text("utf-8")
    select = sql.partition(" AS\n")[2].replace("venv_builds_metadata", source)
    # the same to DuckDB, which takes twice as long to join a row with its own array, and holds all rows for it
    array = "installed_packages"
    unnested = f"FROM (SELECT * EXCLUDE ({array}), unnest({array}) AS package FROM {source}) AS u"  # noqa: S608
    return select.replace(f"FROM {source}\nCROSS JOIN UNNEST({array}) AS u (package)", unnested)


def _made(rows: Path) -> Path:
    folder = packages_path(rows).parent
    there = next((one / rows.name for one in places(folder) if _is_whole(one / rows.name)), None)
    return there or kept(folder, partial(_make, rows))


def _is_whole(path: Path) -> bool:
    """Whether it is there and its bytes are those that were written; from now on it counts as used."""
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        return is_used(path) and Seal.parsed(read_told(path)[0]["seal"]).fits(path)
    return False


def _make(rows: Path, folder: Path) -> Path:
    target = folder / rows.name
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as temporary, connected() as connection:
        made = Path(temporary, target.name)
        connection.execute(f"CREATE TEMP VIEW cached AS FROM {scan([rows])}")
        form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP_ROWS}"
        select = select_of("venv_packages", "cached")
        # by name: the groups whose names lie elsewhere are not read
        copy = f"COPY ({select} ORDER BY name, version, venv_version) TO {quoted(made)} ({form})"
        with disk_errors(folder):
            interruptible(connection, partial(connection.execute, copy))
        for one in (beside(target), target):
            make_way(one)
        write_whole(beside(target), sealed({"seal": Seal.of(made).as_json()}))
        made.replace(target)
    return target
