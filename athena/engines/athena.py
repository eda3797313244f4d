"""Amazon Athena by PyAthena, whose tables read the catalog in S3 (`sql/tables/`)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

import boto3
import pyathena
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pyathena.converter import DefaultTypeConverter
from pyathena.util import RetryConfig

from athena.engines.athena_errors import configuration_error, engine_error
from athena.engines.engine import PIECE_ROWS, Answer
from athena.statement import Bound, Statement, Value
from venvbuild.errors import UsageError
from venvbuild.settings import BY_NAME, Settings
from venvbuild.stores import Store

_POLL_S = 0.25
_TRIES = 4
"""Of a request that Athena throttles, with back-off."""
# Athena writes arrays without quotes, `[a, b]`: what a parser would make of them is a guess.
_AS_TEXT = ("array", "map", "row", "json", "time", "time with time zone", "varbinary")
_COMMENTS = re.compile(r"\A(?:\s*--[^\n]*(?:\n|\Z))+")
# partitions of AWS that have their own
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}

logging.getLogger("pyathena").setLevel(logging.CRITICAL)  # it logs a traceback of each error that it raises


class Athena:
    """A connection to Athena in one region; each statement is a query of its own."""

    name, keeps_tables = "athena", True
    passed_over = left_out_ahead = None

    def __init__(self, connection: Any, region: str) -> None:
        self._connection = connection
        self._region = region

    @classmethod
    def of(cls, settings: Settings, _store: Store) -> Self:
        """As configured. Credentials, and the region unless set, come from boto3's default chain.

        Raises:
            UsageError: settings are missing; all that are, at once. Or AWS's own configuration is wrong.
        """
        try:
            region = settings.athena_region or boto3.session.Session().region_name
            _require(settings, region)
            connection = pyathena.connect(
                region_name=region,
                schema_name=settings.athena_database,
                work_group=settings.athena_workgroup or "",  # None would mean variables that are not ours
                s3_staging_dir=settings.athena_output or "",
                poll_interval=_POLL_S,
                converter=_converter(),
                retry_config=RetryConfig(attempt=_TRIES),
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=10, read_timeout=60
                ),
            )
        except BotoCoreError as error:
            raise configuration_error(error) from error
        return cls(connection, region)

    def run(self, statement: Statement) -> Answer:
        """See `Engine`."""
        return Answer.joined(list(self.pieces(statement)))

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        """See `Engine`."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(*_pyformat(statement))
            while True:
                rows = cursor.fetchmany(PIECE_ROWS)
                yield Answer.of([column[0] for column in cursor.description or ()], rows)
                if not rows:
                    return
        except (pyathena.error.Error, BotoCoreError, ClientError, ValueError) as error:
            raise engine_error(error, self._where(cursor.query_id)) from error
        except BaseException:
            # PyAthena stops a query on Ctrl-C only; after SIGTERM it would go on, and be billed
            with suppress(Exception):  # what led here is the one to tell
                cursor.cancel()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _where(self, query_id: str | None) -> str:
        if not query_id:
            return f"Athena in {self._region}"
        host = next((host for start, host in _CONSOLES.items() if self._region.startswith(start)), None)
        console = host or f"{self._region}.console.aws.amazon.com"
        page = f"https://{console}/athena/home?region={self._region}#/query-editor/history/{query_id}"
        return f"query {query_id} in work group {self._connection.work_group or 'primary'} {page}"


def _require(settings: Settings, region: str | None) -> None:
    missing = [] if settings.athena_database else [BY_NAME["athena_database"].env]
    if not region:
        missing.append(BY_NAME["athena_region"].env)
    if not (settings.athena_workgroup or settings.athena_output):
        missing.append(f"{BY_NAME['athena_output'].env} or {BY_NAME['athena_workgroup'].env}")
    if missing:
        raise UsageError(f"for the engine athena set {', '.join(missing)}", fix="`venvbuild config` shows what is set")


def _converter() -> DefaultTypeConverter:
    converter = DefaultTypeConverter()
    for name in _AS_TEXT:
        converter.set(name, lambda text: text)
    return converter


def _pyformat(statement: Statement) -> tuple[str, dict[str, Value]]:
    """The text with `%(v0)s` for each value, without the comments that it begins with; the values by these names."""
    # pyformat, as PyAthena quotes its values; with qmark the caller has to write them as SQL
    text, values = "", dict[str, Value]()
    for piece in statement.pieces:
        if isinstance(piece, Bound):
            name = f"v{len(values)}"
            values[name] = piece.value
            text += f"%({name})s"
        else:
            text += piece.replace("%", "%%")  # or pyformat would take it for a value's place
    return _COMMENTS.sub("", text), values  # Athena's DDL has a parser of its own, which need not know comments
