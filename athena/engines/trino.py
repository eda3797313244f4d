"""Trino, whose tables read the catalog where the store keeps it (`sql/tables/`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import requests
import trino
from trino.exceptions import TrinoQueryError

from athena.engines.engine import BAD_ROW_ERRORS, BAD_ROW_FIX, NO_COLUMN_FIX, PIECE_ROWS, Answer
from athena.statement import Statement
from venvbuild.errors import QueryEngineError
from venvbuild.settings import Settings
from venvbuild.stores import Store
from venvbuild.text import first_line

_HINTS = {
    "TABLE_NOT_FOUND": "make the table and the views (docs/catalog.md), or correct the catalog and the schema",
    "SCHEMA_NOT_FOUND": "correct VENVBUILD_TRINO_CATALOG and VENVBUILD_TRINO_SCHEMA",
    "COLUMN_NOT_FOUND": NO_COLUMN_FIX,
    **dict.fromkeys(BAD_ROW_ERRORS, BAD_ROW_FIX),
    "CATALOG_NOT_FOUND": "correct VENVBUILD_TRINO_CATALOG",
}


class Trino:
    """A connection to a Trino server; each statement is a query of its own."""

    name, keeps_tables = "trino", True
    passed_over = left_out_ahead = None

    def __init__(self, connection: Any, url: str) -> None:
        self._connection = connection
        self._url = url
        """Without credentials."""

    @classmethod
    def of(cls, settings: Settings, _store: Store) -> Self:
        """As configured."""
        user = settings.trino_user
        # `open_engine` has refused what is not configured
        assert settings.trino_url
        assert user
        url = urlsplit(settings.trino_url)
        password = unquote(url.password) if url.password else None
        connect: Any = trino.dbapi.connect  # the client is typed in part only
        connection = connect(
            host=url.hostname,
            port=url.port or (443 if url.scheme == "https" else 8080),
            http_scheme=url.scheme,
            user=user,
            auth=trino.auth.BasicAuthentication(user, password) if password else None,
            catalog=settings.trino_catalog,
            schema=settings.trino_schema,
            source="venvbuild",
            timezone="UTC",  # else the session has this machine's, and `current_date` its day
            legacy_prepared_statements=False,  # else it asks the server first; Trino has the new way since 418
        )
        return cls(connection, f"{url.scheme}://{url.netloc.rpartition('@')[2]}/")

    def run(self, statement: Statement) -> Answer:
        """See `Engine`."""
        return Answer.joined(list(self.pieces(statement)))

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        """See `Engine`."""
        cursor = self._connection.cursor()
        with self._translated(cursor):
            try:
                cursor.execute(statement.sql, list(statement.values) or None)
                while True:
                    rows = cursor.fetchmany(PIECE_ROWS)
                    yield Answer.of([column[0] for column in cursor.description or ()], rows)
                    if not rows:
                        return
            except BaseException:
                # a query that nobody waits for goes on at the server
                with suppress(Exception):  # the error that led here is the one to tell
                    cursor.cancel()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def _translated(self, cursor: Any) -> Iterator[None]:
        try:
            yield
        except TrinoQueryError as error:
            raise QueryEngineError(
                f"Trino cannot answer: {error.error_name}",
                where=f"{self._url} query {error.query_id}",
                why=first_line(error.message or error),
                fix=_HINTS.get(error.error_name or "", "correct the query"),
            ) from error
        except (trino.exceptions.Error, requests.RequestException) as error:
            raise QueryEngineError(
                "Trino does not answer",
                where=" query ".join(filter(None, (self._url, cursor.query_id))),
                why=first_line(error)[:300],
                fix="check VENVBUILD_TRINO_URL and the server",
            ) from error
