"""Views on Trino and on Athena that read the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import athena
from athena import index, questions, tables
from athena.engines import Answer, Engine, open_engine
from athena.index import Compactor, Index, IndexFile, Segment, compaction
from athena.questions import Search, parse_packages
from athena.rows import register, row_key
from athena.statement import Statement
from athena.tables import VIEWS, publish, published
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
from venvbuild.builds import read
from venvbuild.errors import QueryEngineError
from venvbuild.stores import open_store

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
    current = publish(trino, made.store)
    for view in VIEWS:
        assert published(trino, view) == Published(DAY(4), frozenset(one.name for one in current.segments))
    for one in builds[:3]:  # which says that it is the index that is read
        made.store.remove(row_key(one))
    assert found(trino) == names
    assert publish(trino, made.store) == current


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
    passed_over = None

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


def test_tables_of_the_index_that_no_view_names_go_after_an_hour(made: Catalog, trino: Engine, tmp_path: Path) -> None:
    registered(made.store, build(1), build(2))
    Compactor(made.store, tmp_path).compact(DAY(2))
    publish(trino, made.store)
    first = names_of_index(trino)
    old = [f"{name[:-24]}_20250722083000_01234567" for name in first]
    for name, other in zip(first, old, strict=True):
        ddl = tables.definition_on(trino, f"SHOW CREATE TABLE {name}")
        trino.run(Statement((ddl.replace(name, other),)))
    Compactor(made.store, tmp_path).compact(DAY(3))
    publish(trino, made.store)  # somebody may still read what the views named until now
    now = names_of_index(trino)
    assert len(now) == 4
    assert {*first} < {*now}
    trino.run(Statement((f"DROP TABLE {now[-1]}",)))
    publish(trino, made.store)  # of a view whose table is gone another is made
    assert found(trino) == [build(day)["venv_version"] for day in (1, 2)]


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
