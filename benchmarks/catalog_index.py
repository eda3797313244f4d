"""Prints what questions cost with the index: bytes, seconds, and how both grow from 1,000 builds to a million.

python -m benchmarks.catalog_index FOLDER COUNT...

Up to 100,000 builds are written as rows into a folder store and compacted as users do it; more are fed to the index
from the generator's stream. Nothing stays rows, but where it says so. Each answer is compared with plain Python's.
Bytes are those that the process read from files for its first answer, modules and the files of the index being at
hand; "ms" is the best of five later answers, "engine" the part that is DuckDB's own, "floor" to hand out these rows as
Python's tuples. The layout to compare with is a line of JSON a build, scanned whole. FOLDER is a new one, and stays. It
asserts nothing but that the answers are right.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from athena import index, questions
from athena import rows as catalog_rows
from athena.duck import quoted, to_duckdb
from athena.engines.duckdb import DuckDB
from athena.index import Compactor, Index, Segment
from athena.index.current import replace_current
from athena.index.segments import Ingredients, make
from athena.questions import Search, parse_packages
from athena.rows.cache import lines, types
from athena.statement import Statement
from benchmarks import catalog
from venvbuild.stores import Store, open_store

AS_ROWS = 100_000
NEW_BUILDS = 1000
_SECONDS_APART = 301
_SPECIFIERS = ">=0.19,<0.20"
SEARCHES = {
    "find kedro": Search(parse_packages(["kedro"])),
    "find rare": Search(parse_packages(["rare"])),
    f"count kedro{_SPECIFIERS}": Search(
        parse_packages([f"kedro{_SPECIFIERS}"]), python_version="3.11", is_conflict_free=True
    ),
}
_JSON = "SELECT count(*) FROM {} WHERE len(list_filter(installed_packages, lambda p: p LIKE 'kedro==%')) > 0"


@dataclass
class Expected:
    """What plain Python answers, made while the builds go by."""

    json_bytes: int = 0
    found: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in SEARCHES})

    def see(self, build: Mapping[str, Any], row: bytes) -> None:
        """Look at one build; they come the oldest first."""
        self.json_bytes += len(row)
        for name, search in SEARCHES.items():
            [wanted] = search.packages
            start = f"{wanted.name}=="
            matches = [one for one in build["installed_packages"] if one.startswith(start)]
            if wanted.specifiers:
                facts = (build["python_version"], build["is_conflict_free"])
                matches = [one for one in matches if facts == ("3.11", True) and _fits(one.removeprefix(start))]
            if matches:
                self.found[name].append(f"{build['venv_version']} {' '.join(matches)}")

    def digest(self, name: str) -> str:
        """Of all that is found, the newest first; of a count, the number."""
        if name.startswith("count"):
            return str(len(self.found[name]))
        return _digest(reversed(self.found[name]))


@cache
def _fits(version: str) -> bool:
    try:
        return SpecifierSet(_SPECIFIERS).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _digest(found: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def main() -> None:
    """A table for each number of builds."""
    folder, counts = Path(sys.argv[1]), [int(text) for text in sys.argv[2:]]
    for count in counts:
        _measure(folder / str(count), count)


def _measure(folder: Path, count: int) -> None:
    store = open_store(str(folder / "store"))
    begun = time.perf_counter()
    expected, json_s = _fill(store, folder, count)
    print(f"\n{count} builds (filled in {time.perf_counter() - begun:.0f} s)")
    current = index.read(store)
    size_bytes = sum(file.size_bytes for segment in current.segments for file in segment.files)
    print(f"  JSON: {expected.json_bytes / 1e6:.1f} MB, DuckDB scans it in {json_s:.2f} s")
    print(
        f"  index: {size_bytes / 1e6:.1f} MB in {sum(len(one.files) for one in current.segments)} files, "
        f"{len(current.segments)} segments; per 100,000 builds {size_bytes / count / 10:.1f} MB"
    )
    _print_answers(folder, expected, f"{count}")
    if count <= AS_ROWS:
        _add(store, folder, count, expected)
        _print_answers(folder, expected, "with two days of rows")


def _fill(store: Store, folder: Path, count: int) -> tuple[Expected, float]:
    """Rows or segments, and what is to be found; the seconds in which DuckDB scans the JSON."""
    expected, seconds, segments = Expected(), 0.0, []
    builds = catalog.builds(count, seconds_apart=_SECONDS_APART)
    last = ""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        for number in range(0, count, AS_ROWS):
            path = Path(temporary, "rows.json")
            with path.open("wb") as file:
                for build in islice(builds, AS_ROWS):
                    row = catalog_rows.row(build)
                    file.write(row)
                    expected.see(build, row)
                    last = build["created_at"][:10]
                    if count <= AS_ROWS:
                        catalog.write(folder / "store", [build])
            seconds += _scanned(path)
            if count > AS_ROWS:
                segments.append(_segment(store, path, Path(temporary, str(number))))
    after = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
    if count <= AS_ROWS:
        begun = time.perf_counter()
        Compactor(store, folder / "cache").compact(after)
        print(f"\n{count} builds compacted in {time.perf_counter() - begun:.1f} s")
    else:
        replace_current(store, Index(1, after, after, tuple(segments)), "")
    return expected, seconds


def _scanned(path: Path) -> float:
    begun = time.perf_counter()
    duckdb.execute(_JSON.format(lines(path, {"installed_packages": "VARCHAR[]"}))).fetchone()
    return time.perf_counter() - begun


def _segment(store: Store, rows: Path, folder: Path) -> Segment:
    """Of a stream of rows, which never were objects of the store."""
    folder.mkdir()
    parquet = folder.with_suffix(".parquet")
    duckdb.execute(f"COPY (SELECT * FROM {lines(rows, types())}) TO {quoted(parquet)} (FORMAT parquet)")
    made = make(Ingredients(rows=[parquet]), folder)
    assert made
    for file in made.segment.files:
        store.put_if_absent(made.segment.key(file), made.path(file))
    parquet.unlink()
    return made.segment


def _add(store: Store, folder: Path, count: int, expected: Expected) -> None:
    """1,000 builds of later days come into the index, and two days of builds stay rows."""
    more = list(islice(catalog.builds(count + NEW_BUILDS * 2, seconds_apart=_SECONDS_APART), count, None))
    before = f"{more[NEW_BUILDS]['created_at']:.10}"
    tail = (date.fromisoformat(before) + timedelta(days=2)).isoformat()
    more = [one for one in more if one["created_at"] < tail]
    catalog.write(folder / "store", more)
    compactor, begun = Compactor(store, folder / "cache"), time.perf_counter()
    done = compactor.compact(before)
    print(f"  {done.added} new builds compacted in {time.perf_counter() - begun:.2f} s")
    begun = time.perf_counter()
    late = compactor.cover(f"{more[0]['created_at']:.10}")
    print(f"  {late and late.added} more, late, of a day that was covered, in {time.perf_counter() - begun:.2f} s")
    for one in more:
        expected.see(one, catalog_rows.row(one))


def _print_answers(folder: Path, expected: Expected, title: str) -> None:
    print(f"  {title + ':':34}{'rows':>9}{'read, kB':>10}{'fewer':>9}{'ms':>8}{'engine':>8}{'floor':>7}")
    for name in SEARCHES:
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.catalog_index", "--ask", folder, name],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        got = json.loads(told)
        if got.get("digest", str(got["rows"])) != expected.digest(name):
            raise SystemExit(f"{name}: {got['rows']} is not what plain Python finds, {len(expected.found[name])}")
        fewer = f"{expected.json_bytes / got['bytes']:.0f} x"
        print(
            f"  {name:34}{got['rows']:9}{got['bytes'] / 1000:10.1f}{fewer:>9}"
            f"{got['s'] * 1000:8.1f}{got['engine_s'] * 1000:8.1f}{got['floor_s'] * 1000:7.1f}"
        )


class Watched(DuckDB):
    """The engine, which also tells what of an answer's time is DuckDB's own."""

    def engine_s(self, statement: Statement) -> tuple[float, float]:
        """Seconds to make the answer inside DuckDB, and to hand out its rows as Python's tuples."""
        self.run(statement)
        assert self._opened
        connection, sql = self._opened[1], f"CREATE OR REPLACE TEMP TABLE answer AS {to_duckdb(statement.sql)}"
        return (
            min(_timed(lambda: connection.execute(sql, list(statement.values))) for _ in range(5)),
            min(_timed(lambda: connection.execute("FROM answer").fetchall()) for _ in range(5)),
        )


def _ask(folder: Path, name: str) -> None:
    """In a process of its own: what one question costs, as JSON."""
    store, search = open_store(str(folder / "store")), SEARCHES[name]
    ask, plan = (
        (questions.count, questions.plan_count) if name.startswith("count") else (questions.find, questions.plan_find)
    )
    with Watched(store, folder / "cache") as engine:  # fetches files, loads modules
        ask(engine, search)
    with Watched(store, folder / "cache") as engine:
        begun = _read_bytes()
        answer, _ = ask(engine, search)
        read = _read_bytes() - begun
        seconds = min(_timed(lambda: ask(engine, search)) for _ in range(5))
        engine_s, floor_s = engine.engine_s(plan(engine, search).statement)
    rows = answer if isinstance(answer, int) else len(answer)
    digest = (
        str(answer)
        if isinstance(answer, int)
        else _digest(f"{r['venv_version']} {' '.join(r['matches'])}" for r in answer)
    )
    print(
        json.dumps(
            {"rows": rows, "digest": digest, "bytes": read, "s": seconds, "engine_s": engine_s, "floor_s": floor_s}
        )
    )


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _read_bytes() -> int:
    """That this process has read from files so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


if __name__ == "__main__":
    if sys.argv[1] == "--ask":
        _ask(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
