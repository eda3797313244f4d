"""Views on Trino and on Athena that read the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, cast

import pytest

import athena
from athena import index, questions, tables
from athena.engines import Answer, Engine, open_engine
from athena.index import Compactor, Index, IndexFile, Segment, compaction
from athena.questions import Search, parse_packages
from athena.rows import register, row_key
from athena.statement import Statement
from athena.tables import VIEWS, definitions, publish, published
from athena.tables.publication import Published
from benchmarks import catalog
from tests.athena.index.test_compaction import DAY, FEW, build, registered
from tests.support import s3_servers
from tests.support.athena_server import AthenaServer
from tests.support.builds import put_build, version
from tests.support.tool import Tool
from tests.support.trino_server import Catalog, TrinoServer
from tests.support.wheels import wheel
from venvbuild import settings
from venvbuild.builds import Metadata, read
from venvbuild.commands.table import command
from venvbuild.errors import QueryEngineError
from venvbuild.stores import Store, open_store

pytestmark = pytest.mark.xdist_group("trino")


@pytest.fixture
def made(trino_server: TrinoServer) -> Catalog:
    return trino_server.new_catalog("2025-07-01", "2025-07-31")


@pytest.fixture
def trino(made: Catalog) -> Engine:
    return open_engine(settings.load({}, made.environment), made.store)


def found(engine: Engine) -> list[str]:
    rows, _ = questions.find(engine, Search(parse_packages(["one"])))
    assert questions.count(engine, Search(parse_packages(["one==1.0"])))[0] == len(rows)
    builds = engine.run(Statement(("SELECT venv_version FROM venv_builds ORDER BY 1",))).rows
    assert sorted(row["venv_version"] for row in rows) == [one for (one,) in builds]
    return [row["venv_version"] for row in rows][::-1]


def test_a_published_index_is_read_with_the_rows_after_it(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    builds = [build(day) for day in range(1, 6)]
    names = [one["venv_version"] for one in builds]
    registered(made.store, *builds)
    Compactor(made.store, tmp_path).compact(DAY(4))
    assert found(trino) == names  # before it is published: the rows
    asked: list[str] = []
    current = publish(Slow(trino, asked.append), made.store)
    assert len(asked) == 13  # as docs/catalog.md says, of an engine that sees the store by another address
    for view in VIEWS:
        assert published(trino, view) == Published(DAY(4), frozenset(one.name for one in current.segments))
    for one in builds[:3]:  # which says that it is the index that is read
        made.store.remove(row_key(one))
    assert found(trino) == names
    asked.clear()
    assert publish(Slow(trino, asked.append), made.store) == current
    assert len(asked) == 3


def test_an_instant_of_the_index_is_right_long_after_2038(trino_server: TrinoServer) -> None:
    """Trino adds no more units than fit into 32 bits."""
    numbers = [0, 1, 86_399, 86_400, 2**31 - 1, 2**31, 4_102_444_799, 253_402_300_799]
    rows = ", ".join(f"(BIGINT '{number}')" for number in numbers)
    wanted = [f"{datetime.fromtimestamp(number, UTC):%Y-%m-%dT%H:%M:%SZ}" for number in numbers]
    for view in VIEWS:
        text = Path(athena.__file__).with_name("sql").joinpath("tables", f"{view}.indexed.sql").read_text("utf-8")
        [instant] = re.findall(r"(date_add\(.*\))\s+AS created_at", text)
        sql = f"SELECT {instant} FROM (VALUES {rows}) AS t (build_no) ORDER BY build_no"
        assert [one for (one,) in trino_server.ask(sql).rows] == wanted


def test_an_index_of_another_store_is_not_published(tool: Tool, made: Catalog, trino: Engine, tmp_path: Path) -> None:
    other = open_store(str(tmp_path / "other"))
    for store, days in ((made.store, (1, 2)), (other, (1, 2, 3))):
        registered(store, *(build(day) for day in days))
    tool.env |= made.environment
    assert tool.run("table", "compact").code == 0
    before = [trino.run(Statement((sql,))).rows for sql in ("SHOW TABLES", f"SHOW CREATE VIEW {VIEWS[0]}")]
    refused = tool.run("table", "compact", "--store", other.url)
    assert refused.code == 2
    assert f"the table venv_builds_metadata is over another store than {other.url}" in refused.stderr
    assert "of the 3 builds in the index of this store the engine finds 0 there" in refused.stderr
    assert [trino.run(Statement((sql,))).rows for sql in ("SHOW TABLES", f"SHOW CREATE VIEW {VIEWS[0]}")] == before
    assert found(trino) == [build(day)["venv_version"] for day in (1, 2)]
    # what is advised: the store of the table, or a table of this one
    assert tool.run("table", "compact", "--store", made.store.url).code == 0
    assert len(found(trino)) == 2
    [replace] = re.findall(r"`venvbuild (table create --replace --location)` and this store as", refused.stderr)
    seen = Path(f"{made.store.url}_moved")
    Path(other.url).rename(seen)
    assert tool.run(*replace.split(), f"local:///{seen.name}", "--store", str(seen)).code == 0
    assert tool.run("table", "compact", "--store", str(seen)).code == 0
    assert found(trino) == [build(day)["venv_version"] for day in (1, 2, 3)]


def test_a_view_of_an_earlier_version_is_replaced(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    key = registered(made.store, build(1))[0]
    Path(made.store.url, key).with_name("venv_20250701_000009.json").write_text("no row\n")
    trino.run(Statement(("CREATE OR REPLACE VIEW venv_builds AS SELECT *, 'x' AS y FROM venv_builds_metadata",)))
    assert len(trino.run(Statement(("SELECT venv_version FROM venv_builds",))).rows) == 2
    publish(trino, made.store)
    assert all(published(trino, view).is_guarded for view in VIEWS)
    assert found(trino) == [build(1)["venv_version"]]


def test_what_comes_late_is_found_when_it_is_published(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    registered(made.store, build(1))
    compactor = Compactor(made.store, tmp_path)
    compactor.compact(DAY(4))
    publish(trino, made.store)
    registered(made.store, build(2), build(5))
    assert found(trino) == [build(day)["venv_version"] for day in (1, 5)]
    compactor.cover(DAY(2))
    publish(trino, made.store)
    assert found(trino) == [build(day)["venv_version"] for day in (1, 2, 5)]
    for day in (1, 2):
        made.store.remove(row_key(build(day)))
    compactor.cover_all()
    publish(trino, made.store)
    assert found(trino) == [build(5)["venv_version"]]


class Slow:
    """An engine before which another publisher comes."""

    name, keeps_tables = "trino", True
    passed_over = left_out_ahead = None

    def __init__(self, engine: Engine, before: Any) -> None:
        self._engine, self._before = engine, before

    def run(self, statement: Statement) -> Answer:
        self._before(statement.sql)
        return self._engine.run(statement)

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        yield self.run(statement)

    def __enter__(self) -> Slow:
        return self

    def __exit__(self, *_: object) -> None:
        return


def test_an_older_index_never_stays_over_a_newer_one(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    registered(made.store, build(1), build(2))
    compactor = Compactor(made.store, tmp_path)
    compactor.compact(DAY(2))
    others: list[Index] = []

    def overtake(sql: str) -> None:
        if "REPLACE VIEW venv_packages" in sql and not others:
            compactor.compact(DAY(3))
            others.append(publish(trino, made.store))

    assert publish(Slow(trino, overtake), made.store) == others[0]
    assert {published(trino, view).covered_before for view in VIEWS} == {DAY(3)}


def test_who_never_wins_says_so(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    registered(made.store, build(1))
    Compactor(made.store, tmp_path).compact(DAY(2))

    def spoil(sql: str) -> None:
        if sql == "SHOW CREATE VIEW venv_builds":
            trino.run(tables.publishing("trino", "", Index())[0])

    with pytest.raises(QueryEngineError, match="others keep changing the views"):
        publish(Slow(trino, spoil), made.store)


def names_of_index(engine: Engine) -> list[str]:
    return sorted(name for (name,) in engine.run(Statement(("SHOW TABLES",))).rows if name.startswith("venv_index_"))


def test_one_query_uses_a_view_ten_times_over_the_segments_of_a_million_builds(
    trino_server: TrinoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "_LARGEST", 1)  # each of its own: as many, and tiny
    made = trino_server.new_catalog("2025-07-01", "2025-08-10")
    catalog.write(Path(made.store.url), catalog.builds(FEW + 1, seconds_apart=86_400))
    assert len(Compactor(made.store, tmp_path).compact("2025-08-02").index.segments) == FEW
    others = "".join(f" JOIN venv_packages p{one} USING (venv_version, name)" for one in range(1, 10))
    ten = f"SELECT count(*) FROM venv_packages p0{others} WHERE name = 'pip'"
    with open_engine(settings.load({}, made.environment), made.store) as trino:
        publish(trino, made.store)
        [(plan,)] = trino.run(Statement((f"EXPLAIN (TYPE DISTRIBUTED) {ten}",))).rows
        assert 10 < len(re.findall(r"^Fragment \d+", plan, re.MULTILINE)) <= 50  # a third of Trino's limit
        assert trino.run(Statement((ten,))).rows == ((FEW + 1,),)


def test_the_tables_of_the_index_are_read_as_they_are(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    registered(made.store, build(1), build(2))
    compactor = Compactor(made.store, tmp_path)
    compactor.compact(DAY(2))
    publish(trino, made.store)
    compactor.compact(DAY(3))  # what was the index lies beside it
    publish(trino, made.store)
    used = {name for view in VIEWS for name in published(trino, view).tables}
    of_builds, of_packages = sorted(used)
    for name, key in ((of_builds, "build_no"), (of_packages, "build_no, name")):
        rows = trino.run(Statement((f"SELECT {key} FROM {name} LIMIT 10",))).rows
        assert len(rows) == len(set(rows)) == 2


def published_at(monkeypatch: pytest.MonkeyPatch, ago: timedelta, engine: Engine, store: Store) -> list[str]:
    """Publish by a clock of then; the tables that the views name."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Then:
            return cls.fromtimestamp((datetime.now(UTC) - ago).timestamp(), tz)

    with monkeypatch.context() as patched:
        patched.setattr(definitions, "datetime", Then)
        publish(engine, store)
    return sorted(name for view in VIEWS for name in published(engine, view).tables)


def test_tables_of_the_index_go_when_no_view_named_them_for_a_day(
    made: Catalog, trino: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compactor = Compactor(made.store, tmp_path)
    of_days = []
    for ago in (3, 2, 1, 0):  # `table compact`, once a day, each a little later
        registered(made.store, build(4 - ago))
        compactor.compact(DAY(5 - ago))
        of_days.append(published_at(monkeypatch, timedelta(days=ago, minutes=ago), trino, made.store))
        assert {*of_days[-2:][0]} <= {*names_of_index(trino)}  # somebody may still read what the views named
    first, second, third, fourth = of_days
    # the clock of those who dropped was today's: `third` was in the views until now
    assert names_of_index(trino) == sorted([*third, *fourth])
    assert not {*first, *second} & {*names_of_index(trino)}
    trino.run(Statement((f"DROP TABLE {fourth[-1]}",)))
    publish(trino, made.store)  # of a view whose table is gone another is made
    assert found(trino) == [build(day)["venv_version"] for day in range(1, 5)]


def test_what_an_earlier_version_reads_is_not_dropped(
    made: Catalog, trino: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(made.store, build(1), build(2))
    compactor = Compactor(made.store, tmp_path)
    compactor.compact(DAY(2))
    old = published_at(monkeypatch, timedelta(days=4), trino, made.store)
    earlier = []
    for name in old:
        text = tables.definition_on(trino, f"SHOW CREATE TABLE {name}")
        earlier.append(text.replace(name, name[:-24]))
        trino.run(Statement((earlier[-1],)))
    view = tables.definition_on(trino, "SHOW CREATE VIEW venv_builds").replace("CREATE VIEW", "CREATE OR REPLACE VIEW")
    compactor.compact(DAY(3))
    published_at(monkeypatch, timedelta(days=2), trino, made.store)
    asked = 0

    def return_to_the_old(sql: str) -> None:
        nonlocal asked
        asked += sql == "SHOW TABLES"
        if asked == 2 and sql == "SHOW CREATE VIEW venv_builds":  # looked at once more, before it drops
            trino.run(Statement((view,)))

    trino.run(Statement((f"DROP VIEW {VIEWS[1]}",)))
    publish(Slow(trino, return_to_the_old), made.store)
    assert asked == 2
    assert {old[0], *(name[:-24] for name in old)} < {*names_of_index(trino)}
    assert old[1] not in names_of_index(trino)
    for one in VIEWS:
        trino.run(Statement((f"SELECT count(*) FROM {one}",)))


def test_builds_of_a_time_to_come_that_a_wrong_clock_published_count_no_more(
    made: Catalog, trino: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = cast(Metadata, {**build(1), "venv_version": "venv_29990505_080000", "created_at": "2999-05-05T08:00:00Z"})
    registered(made.store, build(1), far)
    Compactor(made.store, tmp_path).compact("2999-06-01")
    with monkeypatch.context() as patched:
        patched.setattr(definitions, "last_day", lambda: "2999-06-01")
        publish(trino, made.store)
        assert trino.run(Statement(("SELECT count(*) FROM venv_builds",))).rows == ((2,),)
    publish(trino, made.store)
    assert found(trino) == [build(1)["venv_version"]]
    named = names_of_index(trino)
    with monkeypatch.context() as patched:
        patched.setattr(definitions, "last_day", lambda: "2999-06-01")
        publish(trino, made.store)  # who leaves out more than it must is let be
    publish(trino, made.store)
    assert names_of_index(trino) == named


def test_drop_takes_what_somebody_publishes_meanwhile(
    made: Catalog, trino: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(made.store, build(1), build(2))
    compactor = Compactor(made.store, tmp_path)
    compactor.compact(DAY(2))
    publish(trino, made.store)

    def overtake(sql: str) -> None:
        if sql == "DROP VIEW IF EXISTS venv_builds":
            compactor.compact(DAY(3))
            publish(trino, made.store)
            assert len(names_of_index(trino)) == 4

    for variable, value in made.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("venvbuild.console.engine.open_engine", lambda *_: Slow(trino, overtake))
    command.main(["drop"], standalone_mode=False)
    assert trino.run(Statement(("SHOW TABLES",))).rows == ()


@pytest.mark.parametrize("engine", ["athena", "trino"])
def test_the_shipped_sql_of_the_index_is_what_is_made(engine: str) -> None:
    file = IndexFile("builds/builds", 1, "")
    example = Segment("0123456789abcdef", 1, 1, 1, file, ())
    statements = tables.publishing(engine, "s3://your-bucket", Index(1, "2025-01-01", "2025-01-01", (example,)))
    texts = [re.sub(r"_\d{14}_[0-9a-f]{8}\b", "_20250101000000_01234567", one.sql) for one in statements]
    suffix = ".trino" if engine == "trino" else ""
    of_index = [f"venv_index_{kind}{suffix}" for kind in ("builds", "packages")]
    folder = Path(athena.__file__).parent / "sql" / "tables"
    shipped = [(folder / f"{one}.sql").read_text() for one in (*of_index, *(f"{view}.indexed" for view in VIEWS))]
    assert texts == [one.rstrip("\n").removesuffix(";") for one in shipped]


def test_commands_on_athena_publish(tool: Tool, athena_server: AthenaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = athena_server.aws.new_bucket()
    tool.store = f"s3://{bucket}/team"
    tool.env |= {**athena_server.environment(f"db_{bucket.rpartition('-')[2]}"), "VENVBUILD_STORE": tool.store}
    for variable, value in {**s3_servers.ENVIRONMENT, "AWS_ENDPOINT_URL": athena_server.aws.endpoint_url}.items():
        monkeypatch.setenv(variable, value)
    store = open_store(tool.store)
    for number in range(2):
        register(store, read(store, put_build(store, number)))
    assert tool.run("table", "compact").code == 10  # there is no table to publish into
    made = tool.run("table", "create")
    assert made.code == 0, made.stderr
    shown = tool.run("table", "show").stdout
    [segment] = index.read(store).segments
    assert shown.count(segment.name) == 4  # of each view, and of the table that it reads
    assert f"{tool.store}/venv-catalog/index" in shown
    put_build(store, 2)
    assert tool.run("table", "sync").code == 0
    assert [row["venv_version"] for row in tool.run("find", "good", "--json").json] == [
        version(number) for number in (2, 1, 0)
    ]
    assert tool.run("find", "good>=1", "--json").json == tool.run("find", "good", "--json", "--engine", "duckdb").json
    for _ in range(2):
        assert tool.run("table", "drop").code == 0
    assert tool.run("table", "check").code == 0


def test_generated_builds_are_the_same_with_and_without_an_index(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    builds = list(catalog.builds(40, seconds_apart=40_000))
    catalog.write(Path(made.store.url), builds)
    asked = [Statement((f"SELECT * FROM {view} ORDER BY 1, 2, 3",)) for view in VIEWS]
    before = [trino.run(one) for one in asked]
    Compactor(made.store, tmp_path).compact(DAY(12))
    publish(trino, made.store)
    assert [trino.run(one) for one in asked] == before


def test_a_build_of_a_covered_day_is_found_on_trino_when_register_ends(
    tool: Tool, made: Catalog, trino: Engine, tmp_path: Path
) -> None:
    wheel(tool.index.folder, "one", "1.0")
    tool.env |= made.environment
    tool.store = made.store.url
    registered(made.store, build(1))
    Compactor(made.store, tmp_path / "cache").compact("2999-01-01")
    publish(trino, made.store)
    ended = tool.run("build", "-r", tool.requirements("one==1.0"), "--json")
    assert ended.code == 0, ended.stderr
    assert found(trino) == [build(1)["venv_version"], ended.json["venv_version"]]
