"""A build of tomorrow, by a clock that is fast, counts everywhere; one of a later day nowhere, until that day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from athena import questions
from athena.engines import Engine, open_engine
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import Search, parse_packages
from athena.rows import register
from athena.tables import publish
from tests.athena.conftest import EMBEDDED, ON_ATHENA, ON_TRINO, engine_over
from tests.support.builds import put_build, version
from tests.support.trino_server import Catalog, TrinoServer
from venvbuild import settings
from venvbuild.builds import names, read
from venvbuild.stores import Store, open_store

NEVER = "2999-01-01"
EVERYTHING = Search()


@pytest.fixture(params=["duckdb", ON_TRINO, ON_ATHENA])
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Store, Engine | None]]:
    """An engine, its store, and who publishes into it: Trino, which has the tables that Athena reads here."""
    if request.param in EMBEDDED:
        store = open_store(str(tmp_path / "store"))
        yield DuckDB(store, tmp_path / "cache"), store, None
        return
    server: TrinoServer = request.getfixturevalue("trino_server")
    made: Catalog = server.new_catalog(f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}", "NOW+1DAYS")
    with engine_over(made, request) as opened, open_engine(settings.load({}, made.environment), made.store) as trino:
        yield opened, made.store, trino


def put(store: Store, *days: int) -> list[str]:
    """A build of each day from today, at noon, registered; the newest first."""
    first = datetime.strptime(version(0), "venv_%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    made = [put_build(store, int((noon + timedelta(days=day) - first).total_seconds())) for day in days]
    for one in made:
        register(store, read(store, one))
    return sorted(made, reverse=True)


def counted(engine: Engine, store: Store) -> list[str]:
    """What counts, the newest first; the same wherever one asks."""
    wanted = Search(parse_packages(["good"]))
    found = [row["venv_version"] for row in questions.find(engine, wanted)[0]]
    assert questions.count(engine, Search(parse_packages(["good==1.0"])))[0] == len(found)
    assert [row["venv_version"] for row in questions.all_builds(engine)] == found
    assert [row["venv_version"] for row in questions.all_builds(engine, Search(limit=2))] == found[:2]
    [newest] = engine.run(questions.statement("latest_per_environment", {})).as_dicts()
    assert (newest["venv_version"], newest["latest"], newest["build_count"]) == (found[0], found[0], len(found))
    assert names.find(store, "sales@latest") == found[0]
    return found


def test_one_of_tomorrow_counts_and_one_of_a_later_day_does_not(
    asked: tuple[Engine, Store, Engine | None], tmp_path: Path
) -> None:
    engine, store, publisher = asked
    builds = put(store, -2, 0, 1)
    assert not questions.leaves_out_ahead(engine, EVERYTHING)
    put(store, 2, 400)
    assert counted(engine, store) == builds
    assert questions.leaves_out_ahead(engine, EVERYTHING) == (publisher is None)  # Trino is asked nothing more for it
    assert not questions.leaves_out_ahead(engine, Search(until=f"{datetime.now(UTC):%Y-%m-%d}"))
    compactor = Compactor(store, tmp_path / "cache")
    for before in (f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}", NEVER):  # the second as of a wrong clock
        assert compactor.compact(before).index.covered_before == before
        if publisher:
            publish(publisher, store)
        assert counted(engine, store) == builds
    afresh = DuckDB(store, tmp_path / "cache")  # which knows nothing of the days that the index covers but the index
    assert questions.count(afresh, Search(parse_packages(["good"])))[0] == len(builds)
    assert questions.leaves_out_ahead(afresh, EVERYTHING)


def test_where_the_clock_here_is_slow_the_store_tells_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path / "store"))
    builds = put(store, -2, 0, 1)
    put(store, 2)
    monkeypatch.setattr("venvbuild.builds.ahead.time.time", lambda: 0.0)
    assert counted(DuckDB(store, tmp_path / "cache"), store) == builds
    Compactor(store, tmp_path / "cache").compact(NEVER)
    assert counted(DuckDB(store, tmp_path / "cache"), store) == builds
