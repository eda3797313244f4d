"""DuckDB in this process: one database, a connection for each use."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

import athena
from athena.duck import all_rows, connected, interruptible
from athena.duck.connection import _database


def test_what_is_made_in_one_connection_is_not_in_another() -> None:
    with connected() as one, connected() as other:
        for connection in (one, other):
            connection.execute("CREATE TEMP VIEW mine AS SELECT 1")
    assert all_rows("SELECT count(*) FROM duckdb_views() WHERE view_name = 'mine'") == [(0,)]


def test_threads_ask_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(all_rows, [f"SELECT sum(i) + {n} FROM range(1000) AS t(i)" for n in range(40)])
        assert [one for [(one,)] in answers] == [499500 + n for n in range(40)]


@pytest.mark.parametrize("error", [duckdb.InternalException, duckdb.FatalException])
def test_a_database_that_broke_is_made_anew(error: type[Exception]) -> None:
    before = _database()

    def fail() -> None:
        raise error("invalidated")

    with connected() as connection, pytest.raises(error):
        interruptible(connection, fail)
    assert _database() is not before
    assert all_rows("SELECT 1") == [(1,)]


# after two seconds DuckDB prints a bar to stdout by itself, through a pipe too
SLOW = "SELECT count(*) FROM range({count}) AS t(i) WHERE i % 7 = 3"


def test_a_statement_of_some_seconds_prints_nothing() -> None:
    slow = SLOW.format(count=1_400_000_000)
    asks = f"from athena.duck import opened; print(opened().execute({slow!r}).fetchall())"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout == "[(200000000,)]\n"


def test_nobody_else_opens_a_database() -> None:
    house = Path(athena.__file__).parent
    asking = [path for path in house.glob("**/*.py") if "duckdb.connect(" in path.read_text("utf-8")]
    assert asking == [house / "duck" / "connection.py"]
