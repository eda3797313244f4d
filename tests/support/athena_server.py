"""An Athena on 127.0.0.1: moto's API of Athena, Glue and S3, and the real Trino of the run, which answers.

Tests that use it carry the group of Trino: `pytestmark = pytest.mark.xdist_group("trino")`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import s3_servers
from tests.support.s3_servers import REGION, S3Server
from tests.support.trino_server import Catalog, TrinoServer

_GLUE = "glue"
_CATALOG = """CREATE CATALOG {name} USING hive WITH (
  "hive.metastore" = 'glue', "hive.metastore.glue.endpoint-url" = '{url}', "hive.metastore.glue.region" = '{region}',
  "hive.metastore.glue.aws-access-key" = 'x', "hive.metastore.glue.aws-secret-key" = 'x',
  "fs.native-s3.enabled" = 'true', "s3.endpoint" = '{url}', "s3.region" = '{region}', "s3.path-style-access" = 'true',
  "s3.aws-access-key" = 'x', "s3.aws-secret-key" = 'x', "hive.recursive-directories" = 'true',
  "hive.partition-projection-enabled" = 'true', "hive.ignore-absent-partitions" = 'true'
)"""


@dataclass(frozen=True)
class AthenaServer:
    """A running server."""

    aws: S3Server
    """moto, where Athena, Glue and S3 are."""
    trino: TrinoServer
    """Which answers."""
    output: str
    """Where results may go: `s3://bucket/results/`."""

    def environment(self, database: str) -> dict[str, str]:
        """The settings by which the tool asks the tables of one database."""
        return {
            **s3_servers.ENVIRONMENT,
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "VENVBUILD_ENGINE": "athena",
            "VENVBUILD_ATHENA_DATABASE": database,
            "VENVBUILD_ATHENA_OUTPUT": self.output,
            "VENVBUILD_ATHENA_REGION": REGION,
        }

    def of(self, catalog: Catalog) -> dict[str, str]:
        """For the tool: the store of Trino's catalog, asked by Athena."""
        return {**self.environment(catalog.schema), "VENVBUILD_STORE": catalog.store.url}


@pytest.fixture(scope="session")
def athena_server(trino_server: TrinoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaServer]:
    def command(port: int, _folder: Path) -> list[str]:
        program = Path(__file__).with_name("athena_api.py")
        return [sys.executable, str(program), str(port), f"http://127.0.0.1:{trino_server.port}", _GLUE]

    with s3_servers.running("athena", command, tmp_path_factory.mktemp("athena")) as aws:
        trino_server.ask(_CATALOG.format(name=_GLUE, url=aws.endpoint_url, region=REGION))
        yield AthenaServer(aws, trino_server, f"s3://{aws.new_bucket()}/results/")
