"""Engines over generated catalogs, each asked the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from athena.engines import Answer, Engine, open_engine
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.statement import Statement
from athena.tables import publish
from benchmarks import catalog
from tests.support.athena_server import AthenaServer
from tests.support.trino_server import Catalog, TrinoServer
from venvbuild import settings
from venvbuild.builds import Metadata
from venvbuild.stores import Store, open_store

EMBEDDED = {"duckdb", "indexed"}
ON_TRINO = pytest.param("trino", marks=pytest.mark.xdist_group("trino"))
ON_ATHENA = pytest.param("athena", marks=pytest.mark.xdist_group("trino"))
ENGINES = ["duckdb", "indexed", ON_TRINO, ON_ATHENA]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test with the mark `on_athena(count)` Athena always gets so many cases, the others under `bin/test --all`.

    For many cases of one kind: Athena gets the SQL that Trino gets, and the server behind both is one and the same.
    """
    for item in items:
        if isinstance(item, pytest.Function) and _is_left_to_trino(item):
            item.add_marker("slow")


def _is_left_to_trino(item: pytest.Function) -> bool:
    mark = item.get_closest_marker("on_athena")
    if not mark or item.callspec.params["engine"] != "athena":
        return False
    return any(index >= mark.args[0] for name, index in item.callspec.indices.items() if name != "engine")


class Indexed(DuckDB):
    """DuckDB over a catalog whose days, but those of the tail, are always in the index."""

    def __init__(self, store: Store, folder: Path, before: str) -> None:
        super().__init__(store, folder)
        self._before = before

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        """Compacts first: the rows of these tests are written without a register."""
        compactor = Compactor(self._store, self._folder)
        compactor.compact(self._before)
        compactor.cover_all()
        yield from super().pieces(statement)


YANKED = ["odd==2.0", "odd-one==2.0+cu118"]
COVERED_BEFORE = "2025-07-24"


def embedded(name: str, store: Store, cache: Path) -> DuckDB:
    """DuckDB over the rows alone, or over an index of all but the last week of the builds."""
    return DuckDB(store, cache) if name == "duckdb" else Indexed(store, cache, COVERED_BEFORE)


def engine_over(made: Catalog, request: pytest.FixtureRequest) -> Engine:
    """Trino or Athena, as the fixture of `request` is asked for, over a catalog of Trino's."""
    if request.param == "trino":
        return open_engine(settings.load({}, made.environment), made.store)
    server: AthenaServer = request.getfixturevalue("athena_server")
    return athena_engine(server.of(made), made.store)


def athena_engine(environ: Mapping[str, str], store: Store) -> Engine:
    """The engine that a user with this environment has; boto3 reads its part of it now."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environ.items():
            patched.setenv(name, value)
        return open_engine(settings.load({}, environ), store)


@pytest.fixture(scope="session")
def builds() -> list[Metadata]:
    """300 builds, the newest first, as `all_builds` gives them; of 1,000, a query of Trino takes twice as long."""
    made = list(catalog.builds(300, seconds_apart=8723))[::-1]
    # the others have none, which is how every build was before there were imports
    made[3]["imported_from"] = {"archive": "s3://old/venv.tar.gz", "archive_sha256": "e" * 64,
                                "venv_version": "venv_20250722_163000", "created_at": None}  # fmt: skip
    made[4] |= {"archive_root": "", "schema_version": 2}
    made[5] |= {"warnings": ["requirements.txt:3: odd==2.0 is yanked; why: \"it\", 'bites'"], "yanked_packages": YANKED}
    made[6] |= {"warnings": [], "yanked_packages": []}
    made[7] |= {"warnings": [], "yanked_packages": YANKED[:1]}
    return made


@pytest.fixture(scope="session", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, builds: list[Metadata]
) -> Iterator[Engine]:
    """Each engine over these builds."""
    if request.param in EMBEDDED:
        folder = tmp_path_factory.mktemp("catalog")
        catalog.write(folder / "store", builds)
        yield embedded(request.param, open_store(str(folder / "store")), folder / "cache")
        return
    with engine_over(request.getfixturevalue("july"), request) as opened:
        yield opened


@pytest.fixture(scope="session")
def july(trino_server: TrinoServer, builds: list[Metadata]) -> Catalog:
    """These builds where Trino reads them: an index of several segments, and the rows of the last week."""
    made = trino_server.new_catalog(builds[-1]["created_at"][:10], builds[0]["created_at"][:10])
    catalog.write(Path(made.store.url), builds)
    for before in ("2025-07-22", "2025-07-23", COVERED_BEFORE):
        Compactor(made.store, trino_server.data / "cache").compact(before)
    with open_engine(settings.load({}, made.environment), made.store) as trino:
        assert len(publish(trino, made.store).segments) > 1
    return made


@pytest.fixture(params=ENGINES)
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Store]]:
    """Each engine over a store of the test's own, which is empty; its rows may be of July 2025."""
    if request.param in EMBEDDED:
        store = open_store(str(tmp_path / "store"))
        yield embedded(request.param, store, tmp_path / "cache"), store
        return
    server: TrinoServer = request.getfixturevalue("trino_server")
    made = server.new_catalog("2025-07-01", "2025-07-31")
    with engine_over(made, request) as opened:
        yield opened, made.store


@pytest.fixture
def put(small: tuple[Engine, Store]) -> Callable[..., str]:
    """Writes a row of a small build, `fields` changed, into the store of `small`; its venv_version."""

    def one(number: int, *installed: str, **fields: Any) -> str:
        [metadata] = catalog.builds(1, seed=number)
        name = f"venv_20250722_{number:06}"
        at = f"2025-07-22T{number // 10000:02}:{number // 100 % 100:02}:{number % 100:02}Z"
        changed = {"is_conflict_free": True, "conflicts": [], "installed_packages": list(installed)}
        whole = {**metadata, "venv_version": name, "created_at": at, **changed, **fields}
        catalog.write(Path(small[1].url), [cast(Metadata, whole)])
        return name

    return one
