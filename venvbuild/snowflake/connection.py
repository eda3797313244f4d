"""Who we are to Snowflake, and a session there: the one place where the connector is imported.

Each of its calls is made in a thread of its own. In the main thread an interruption would arrive while the connector
calls us back for its log, and would be lost there: the run would go on as if nobody had asked it to end.

Authentication, first that is there: a named connection of connections.toml, a key pair, a token, a password.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from venvbuild.errors import IntegrityError, UsageError
from venvbuild.parallel import each
from venvbuild.redaction import REDACTOR
from venvbuild.settings import azure
from venvbuild.snowflake import refusals
from venvbuild.text import count_text, shown

FOUR_WAYS = (
    "name a connection of connections.toml (--connection NAME or SNOWFLAKE_DEFAULT_CONNECTION_NAME); or set "
    "SNOWFLAKE_ACCOUNT and SNOWFLAKE_USER with SNOWFLAKE_PRIVATE_KEY_FILE (a key pair), SNOWFLAKE_TOKEN (a "
    "programmatic access token) or SNOWFLAKE_PASSWORD"
)
_CLOSING_S = 3
_NO_DETECTION = "SNOWFLAKE_DISABLE_PLATFORM_DETECTION"


@dataclass(frozen=True)
class Timeouts:
    """How long is waited, in seconds."""

    login_s: int = 30
    request_s: int = 60
    query_s: int = 900
    """A PUT of all bytes is one."""


@dataclass(frozen=True)
class Login:
    """Where we log in, and how."""

    by: refusals.By
    """For messages."""
    parameters: Mapping[str, Any] = field(repr=False)
    """For the connector; has secrets."""
    database: str | None = None
    schema: str | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str], connection: str | None = None) -> Self:
        """What the variables SNOWFLAKE_* say; `connection` is the name of one in connections.toml.

        An empty variable counts as unset, and so does the text that Azure Pipelines puts for one that is not defined.

        Raises:
            UsageError: nothing says who we are, or something is missing or wrong.
        """
        given = azure.defined(environ)
        named = connection or given.get("SNOWFLAKE_DEFAULT_CONNECTION_NAME")
        places = given.get("SNOWFLAKE_DATABASE"), given.get("SNOWFLAKE_SCHEMA")
        if named:
            # The file's own values count: a flag or a name was asked for, the others may be anybody's.
            by = refusals.By(f"the connection {shown(named)}", shown(named), is_connection=True)
            return cls(by, {"connection_name": named}, *places)
        how, secret, warnings = _authentication(given)
        address = _address(given)
        more = {
            name.lower(): given[f"SNOWFLAKE_{name}"]
            for name in ("USER", "ROLE", "WAREHOUSE", "DATABASE", "SCHEMA")
            if f"SNOWFLAKE_{name}" in given
        }
        host = str(address.get("host", f"{address['account']}.snowflakecomputing.com"))
        by = refusals.By(how, host, secret.get("private_key_file"), "private_key_password" in secret)
        return cls(by, {**address, **more, **secret}, *places, warnings)


def _authentication(given: Mapping[str, str]) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """How, the parameters for it, and what is to be said about it."""
    authenticator = given.get("SNOWFLAKE_AUTHENTICATOR", "").lower()
    if key_file := given.get("SNOWFLAKE_PRIVATE_KEY_FILE"):
        _require(given, "SNOWFLAKE_USER")
        if not Path(key_file).is_file():
            raise UsageError(
                "the private key is not there",
                where=shown(key_file, 200),
                fix="set SNOWFLAKE_PRIVATE_KEY_FILE to the file that has it (PEM, PKCS#8)",
            )
        passphrase = given.get("PRIVATE_KEY_PASSPHRASE", "")
        REDACTOR.hide(passphrase)
        with_passphrase = {"private_key_password": passphrase} if passphrase else {}
        return "a key pair", {"authenticator": "SNOWFLAKE_JWT", "private_key_file": key_file, **with_passphrase}, ()
    if token := given.get("SNOWFLAKE_TOKEN"):
        REDACTOR.hide(token)
        if authenticator not in ("", "oauth", "programmatic_access_token"):
            raise UsageError(
                f"'{shown(authenticator)}' takes no token",
                where="SNOWFLAKE_AUTHENTICATOR",
                fix="set it to oauth for an OAuth token, unset it for a programmatic access token",
            )
        kind = "oauth" if authenticator == "oauth" else "PROGRAMMATIC_ACCESS_TOKEN"
        return "a token", {"authenticator": kind, "token": token}, ()
    if password := given.get("SNOWFLAKE_PASSWORD"):
        REDACTOR.hide(password)
        _require(given, "SNOWFLAKE_USER")
        return "a password", {"password": password}, (_ENDED,)
    raise UsageError("nothing says who asks Snowflake", where="SNOWFLAKE_*", fix=FOUR_WAYS, rule="NOT_CONFIGURED")


_ENDED = (
    "SNOWFLAKE_PASSWORD alone: logins of services by one factor have ended on most accounts; use a key pair "
    "(SNOWFLAKE_PRIVATE_KEY_FILE) or a programmatic access token (SNOWFLAKE_TOKEN)"
)


def _require(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        raise UsageError(f"{name} is not set", where=name, fix=FOUR_WAYS, rule="NOT_CONFIGURED")
    return given[name]


def _address(given: Mapping[str, str]) -> dict[str, Any]:
    """The account, and where it is when that is not its usual host."""
    address: dict[str, Any] = {"account": _require(given, "SNOWFLAKE_ACCOUNT")}
    if host := given.get("SNOWFLAKE_HOST"):
        address["host"] = host
    port = given.get("SNOWFLAKE_PORT", "")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise UsageError(f"'{shown(port)}' is no port", where="SNOWFLAKE_PORT", fix="write a number, or unset it")
    if port:
        address["port"] = int(port)
    protocol = given.get("SNOWFLAKE_PROTOCOL", "").lower()
    if protocol not in ("", "http", "https"):
        raise UsageError(f"'{shown(protocol)}' is no protocol", where="SNOWFLAKE_PROTOCOL", fix="unset it")
    if protocol == "http" and not _is_this_machine(host or ""):
        raise UsageError(
            "a login would go over the network in clear",
            where="SNOWFLAKE_PROTOCOL",
            fix="unset it: https is the default",
        )
    if protocol:
        address["protocol"] = protocol
    return address


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Table(NamedTuple):
    """What a statement gives."""

    columns: tuple[str, ...]
    """Their names in lower case, also where there is no row."""
    rows: list[Mapping[str, Any]]
    """By those names."""


class Session:
    """A session, while `connected` holds it open."""

    def __init__(self, connection: Any, login: Login) -> None:
        self._connection = connection
        self.login = login

    @property
    def role(self) -> str | None:
        """The current role; None when there is none."""
        role = self._connection.role
        return str(role) if role else None

    def table(self, statement: str, about: refusals.About) -> Table:
        """What a statement gives.

        Raises:
            UsageError, StoreUnavailable: Snowflake refuses it, or does not answer (see `refusals`).
        """
        with _translated(self, about, time.monotonic()):
            [table] = each(self._asked, [statement])
        return table

    def _asked(self, statement: str) -> Table:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            names = tuple(str(column[0]).lower() for column in cursor.description or ())
            return Table(names, [dict(zip(names, row, strict=False)) for row in cursor.fetchall()])

    def rows(self, statement: str, about: refusals.About) -> list[Mapping[str, Any]]:
        """The rows of it."""
        return self.table(statement, about).rows

    def current(self, *names: str) -> Sequence[str | None]:
        """CURRENT_ROLE(), CURRENT_ACCOUNT() and so on, in the order of `names`.

        Raises:
            UsageError, StoreUnavailable: Snowflake refuses, or does not answer. IntegrityError: it answers otherwise.
        """
        asked = ", ".join(f"CURRENT_{name}()" for name in names)
        rows = self.rows(f"SELECT {asked}", refusals.About("asking about the session"))
        if len(rows) != 1 or len(rows[0]) != len(names):
            raise IntegrityError(
                "Snowflake does not tell who we are",
                where=self.login.by.host,
                why=f"SELECT {asked} gave {count_text(len(rows), 'row')}",
                fix="run it again; something on the way may change answers",
            )
        return [None if value is None else str(value) for value in rows[0].values()]


@contextlib.contextmanager
def _translated(session: Session, about: refusals.About, began: float) -> Iterator[None]:
    from snowflake.connector.errors import Error

    try:
        yield
    except Error as error:
        seconds = time.monotonic() - began
        raise refusals.of_statement(error, about, session.login.by.host, session.role, seconds) from error


@contextlib.contextmanager
def connected(login: Login, timeouts: Timeouts = Timeouts()) -> Iterator[Session]:  # it is frozen
    """A session that ends with the block.

    Raises:
        UsageError: Snowflake does not let us in, or the connector lacks something.
        StoreUnavailable: it does not answer.
    """
    # Before the import: else the connector asks the metadata services of three clouds where it runs.
    os.environ[_NO_DETECTION] = "true"
    import snowflake.connector
    from snowflake.connector.errors import Error

    began = time.monotonic()
    try:
        [opened] = each(lambda one: snowflake.connector.connect(**one), [{**login.parameters, **_options(timeouts)}])
    except Error as error:
        raise refusals.of_login(error, login.by, time.monotonic() - began, FOUR_WAYS) from error
    try:
        yield Session(opened, login)
    finally:
        # What was done is done, and what failed has told; a session that nobody closes ends by itself.
        with contextlib.suppress(Error, TimeoutError):
            each(lambda one: one.close(), [opened], timeout_s=_CLOSING_S)


def _options(timeouts: Timeouts) -> dict[str, Any]:
    return {
        "login_timeout": timeouts.login_s,
        "request_timeout": timeouts.request_s,
        "query_timeout": timeouts.query_s,
        # One statement is one thing to us, and a COMMIT at the end would be waited for when Snowflake is away.
        "autocommit": True,
        # Nothing of a login is kept on the disk.
        "client_store_temporary_credential": False,
        # Else each login prints a FutureWarning about it.
        "enable_server_session_keep_alive_auto_detection": False,
        "server_session_keep_alive": False,
        "client_session_keep_alive": False,
        "client_out_of_band_telemetry_enabled": False,
        "application": "venvbuild",
    }
