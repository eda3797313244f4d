"""Rows that cannot be read among many that can: each question answers for the others, on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from athena import questions, rows, tables
from athena.engines import Engine, open_engine
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import Search, parse_packages
from athena.tables import publish
from athena.upkeep import find_problems
from benchmarks import catalog
from tests.support.trino_server import TrinoServer
from venvbuild import settings
from venvbuild.builds import Metadata, places
from venvbuild.errors import IntegrityError, QueryEngineError
from venvbuild.stores import Store, open_store

DAYS = ("2025-07-01", "2025-07-02", "2025-07-03", "2025-07-04")
Row = dict[str, Any]


def good_rows(count: int) -> list[Row]:
    """Small rows, as they are written, spread over four days."""
    [whole] = catalog.builds(1)
    made = []
    for number in range(count):
        second = 60 + number * (4 * 86400 - 7200) // count
        day, rest = divmod(second, 86400)
        clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
        changed = {
            "venv_version": f"venv_2025070{day + 1}_{clock.replace(':', '')}",
            "created_at": f"{DAYS[day]}T{clock}Z",
            "installed_packages": ["kedro==0.19.1", f"own=={number}"],
        }
        made.append(json.loads(rows.row(cast(Metadata, {**whole, **changed}))))
    return made


def of_next_version(row: Row) -> Row:
    """As a tool would write it whose schema requires one field more, and has more in the ones that we know."""
    more = {"attested_by": {"key": "k", "chain": [{"of": [1, None]}]}, "schema_version": 2}
    return {**row, **more, "requires": {**row["requires"], "cpu": {"flags": ["avx2"], "level": 3}}}


def of_older_version(row: Row) -> Row:
    """As a tool would write it that knew less."""
    known = ("venv_version", "created_at", "installed_packages", "env_name", "schema_version")
    return {name: row[name] for name in known}


def as_line(row: Row, **fields: Any) -> bytes:
    changed = {name: value for name, value in {**row, **fields}.items() if value != "gone"}
    return (json.dumps(changed) + "\n").encode()


Damage = Callable[[Row], bytes]
NO_JSON: dict[str, Damage] = {
    "empty": lambda _: b"",
    "cut": lambda row: as_line(row)[:-30],
    "array": lambda row: b'["kedro==1", "x", 3]\n',
    "pretty": lambda row: json.dumps(row, indent=1).encode(),
    "two lines": lambda row: as_line(row) * 2,
    "text": lambda _: b"not a row\n",
    "no UTF-8": lambda _: b"\xff\xfe\x00\n",
    "deep": lambda _: b"[" * 100_000,
    "NaN": lambda row: as_line(row, duration_s={"check": float("nan")}),
    "Infinity": lambda row: as_line(row, duration_s={"check": float("inf")}),
}
OF_ANOTHER_SHAPE: dict[str, Damage] = {
    "deep inside": lambda row: as_line(row, later=json.loads("[" * 65 + "]" * 65)),
    "a key twice": lambda row: as_line(row).replace(b'"installer"', b'"env_name"'),
    "a key twice but for case": lambda row: as_line(row, ENV_NAME="other"),
    "half a surrogate pair": lambda row: as_line(row, env_name="\ud800"),
    "no version": lambda row: as_line(row, venv_version="gone"),
    "no instant": lambda row: as_line(row, created_at=None),
    "another version": lambda row: as_line(row, venv_version="venv_20250701_235959"),
    "another instant": lambda row: as_line(row, created_at="2025-07-01 23:59:59"),
    "ISO instant": lambda row: as_line(row, created_at=row["created_at"].replace(" ", "T") + "Z"),
    "no such day": lambda row: as_line(row, created_at="2025-02-30 00:00:00"),
    "text for a boolean": lambda row: as_line(row, is_conflict_free="yes"),
    "text for a list": lambda row: as_line(row, installed_packages="kedro==1"),
    "number for text": lambda row: as_line(row, python_version=3.1),
    "list for text": lambda row: as_line(row, env_name=["sales"]),
    "number in a struct": lambda row: as_line(row, requires={"abi": 3}),
    "number for a struct": lambda row: as_line(row, requires=3),
    "no instant of a script": lambda row: as_line(row, recorded_at="yesterday"),
}
NUMBERS: dict[str, Damage] = {
    "beyond bigint": lambda row: as_line(row, archive_size_bytes=2**63),
    "far beyond bigint": lambda row: as_line(row, package_count=10**30),
    "beyond double": lambda row: as_line(row, duration_s={"check": 1}).replace(b'"check": 1', b'"check": 1e400'),
    "text for a number": lambda row: as_line(row, package_count="many"),
    "text for a map": lambda row: as_line(row, duration_s="slow"),
    "text in a map": lambda row: as_line(row, duration_s={"check": "slow"}),
}
KINDS = {**NO_JSON, **OF_ANOTHER_SHAPE, **NUMBERS}


# what Trino's reader cannot pass over: its stack overflows, or it refuses the file
END_A_QUERY = ("deep", "number for a struct", "text for a map")
PASS_ON_TRINO = {*KINDS} - {
    "empty", "cut", "array", "pretty", "text", "no UTF-8", "no version", "no instant", "another version",
    "another instant", "no such day",
}  # fmt: skip


class Filled:
    """A store with so many good rows, one in fifty of another version of the tool, and bad ones, some of each kind."""

    def __init__(self, store: Store, builds: int, each: int, kinds: dict[str, Damage]) -> None:
        self.store = store
        made = good_rows(builds + each * len(kinds))
        step = len(made) // (each * len(kinds))
        spoiled = made[::step][: each * len(kinds)]
        good = [row for row in made if row not in spoiled]
        self.good = sorted(row["venv_version"] for row in good)
        self.newer, self.older = self.good[1::100], self.good[2::100]
        self.row = good[0]
        for row in good:
            is_newer, is_older = row["venv_version"] in self.newer, row["venv_version"] in self.older
            written = of_next_version(row) if is_newer else of_older_version(row) if is_older else row
            self.write(self.key(row), as_line(written))
        self.bad: list[str] = []
        for row, damage in zip(spoiled, [*kinds.values()] * each, strict=True):
            self.bad.append(self.key(row))
            self.write(self.bad[-1], damage(row))

    def key(self, row: Row) -> str:
        return f"{places.ROWS}/dt={row['created_at'][:10]}/{row['venv_version']}.json"

    def write(self, key: str, body: bytes) -> None:
        path = Path(self.store.url, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def assert_all_good_are_found(engine: Engine, filled: Filled, may_have: set[str]) -> None:
    """Each question has every good row; of the others only those that this engine cannot tell from good ones."""
    found, _ = questions.find(engine, Search(parse_packages(["kedro>=0.19"])))
    assert set(filled.good) <= {row["venv_version"] for row in found} <= {*filled.good, *may_have}
    counted, _ = questions.count(engine, Search(parse_packages(["kedro==0.19.1"])))
    assert len(filled.good) <= counted <= len(filled.good) + len(may_have)
    listed = {row["venv_version"]: row for row in questions.all_builds(engine)}
    assert set(filled.good) <= set(listed) <= {*filled.good, *may_have}
    newer, older = listed[filled.newer[0]], listed[filled.older[0]]
    requires = {"abi": f"cp{newer['python_version'].replace('.', '')}", "glibc": "2.17"}
    assert (newer["schema_version"], newer["requires"], "attested_by" in newer) == (2, requires, False)
    assert (older["is_conflict_free"], older["package_count"], older["installed_packages"][0]) == (
        None, None, "kedro==0.19.1",
    )  # fmt: skip
    for name in ("latest_per_environment", "versions_in_use", "package_growth", "environment_growth"):
        assert engine.run(questions.statement(name, {})).rows
    assert questions.difference(engine, filled.good[0], filled.good[-1]).changes


@pytest.mark.parametrize(("builds", "each"), [(60, 1), pytest.param(2000, 20, marks=pytest.mark.slow)])
def test_duckdb_answers_for_the_good_ones_and_says_what_it_passed_over(tmp_path: Path, builds: int, each: int) -> None:
    filled = Filled(open_store(str(tmp_path / "store")), builds, each, KINDS)
    told = {one.where for one in find_problems(filled.store, tmp_path) if one.rule in ("BAD_ROW", "MISPLACED_ROW")}
    assert told == {filled.store.uri(key) for key in filled.bad}
    for before in ("", "2025-07-03", "2025-07-05"):
        if before:
            done = Compactor(filled.store, tmp_path).compact(before)
            again = Compactor(filled.store, tmp_path).cover_all()
            assert again
            assert (again.index.segments, again.added) == (done.index.segments, 0)
        for cache in (tmp_path, tmp_path / f"new-{before}"):
            with DuckDB(filled.store, cache) as engine:
                assert_all_good_are_found(engine, filled, set())
                assert engine.passed_over
                assert (engine.passed_over.count, engine.passed_over.key) == (len(filled.bad), min(filled.bad))
    with DuckDB(filled.store, tmp_path) as engine:  # which reads the index alone
        questions.find(engine, Search(parse_packages(["kedro"])))
        assert engine.passed_over
        assert engine.passed_over.count == len(filled.bad)
    strict = Compactor(filled.store, tmp_path, is_strict=True)
    with pytest.raises(IntegrityError, match=f"{len(filled.bad)} rows of the catalog cannot be read"):
        strict.compact("2025-07-05", is_rebuilt=True)


@pytest.mark.xdist_group("trino")
@pytest.mark.parametrize(("builds", "each"), [(60, 1), pytest.param(2000, 20, marks=pytest.mark.slow)])
def test_trino_answers_for_the_good_ones_before_and_after_compaction(
    trino_server: TrinoServer, tmp_path: Path, builds: int, each: int
) -> None:
    made = trino_server.new_catalog(DAYS[0], DAYS[-1])
    kinds = {name: damage for name, damage in KINDS.items() if name not in END_A_QUERY}
    filled = Filled(made.store, builds, each, kinds)
    # of the right version, with values that it makes something of: only `table check` tells
    passes = {key[-25:-5] for key, name in zip(filled.bad, [*kinds] * each, strict=True) if name in PASS_ON_TRINO}
    with open_engine(settings.load({}, made.environment), made.store) as trino:
        for before in ("", "2025-07-03"):
            if before:
                Compactor(made.store, tmp_path).compact(before)
                publish(trino, made.store)
            assert_all_good_are_found(trino, filled, passes)
        unread = tables.unread(trino)
        assert unread
        assert unread.key in filled.bad
        for name in END_A_QUERY:
            filled.write(filled.bad[-1], KINDS[name](filled.row))
            with pytest.raises(QueryEngineError, match="`venvbuild table check` names the rows that cannot be read"):
                questions.all_builds(trino)
