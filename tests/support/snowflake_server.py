"""A Snowflake on 127.0.0.1 for the real connector: logins, stages kept in moto's S3, and what a test scripts.

    server.refuse("PUT", Refusal("003001", "42501", "Insufficient privileges ..."))
    server.answer("SHOW DATABASES", Rows(("name",), (("MY_DB",),)))
    assert server.logins[0]["AUTHENTICATOR"] == "SNOWFLAKE_JWT"

It knows PUT, GET, LIST, REMOVE and `SELECT CURRENT_...()`, and with an `account` what that knows. Everything else is a
syntax error, unless a test says what comes of it: a server that takes any text would pass any test. As Snowflake's own
does, LIST, GET and REMOVE take a path as the beginning of names; LIST tells sizes with the padding of encryption, and
an md5 of nothing that was sent.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import gzip
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.support.recording_proxy import RecordingProxy
from tests.support.s3_servers import ACCESS_KEY, REGION, SECRET_KEY, S3Server
from tests.support.snowflake_account import Account
from tests.support.snowflake_account import Refusal as Refusal
from tests.support.snowflake_account import Rows as Rows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STAGE = "MY_DB.MY_SCHEMA.PACKAGES_STAGE"
ROLE, ACCOUNT, WAREHOUSE = "SYNC_ROLE", "XY12345", "WH"
USER, PASSWORD = "sync_bot", "sn0w-Canary-91 @/:'"
_NAME = r'(?:[A-Za-z_][\w$]*|"(?:[^"]|"")+")'
_STAGE = re.compile(rf"@({_NAME})\.({_NAME})\.({_NAME})((?:/[^/']+)*)/?")
_LITERAL = r"'((?:[^'\\]|\\.|'')*)'"
_HOLDS_AT_MOST_S = 300


class Status(NamedTuple):
    """HTTP alone."""

    number: int


class Cut(NamedTuple):
    """The connection ends without an answer."""


class Lost(NamedTuple):
    """The account does it, and the connection ends without an answer."""


class Usual(NamedTuple):
    """As if nothing was scripted."""


@dataclass
class Hold:
    """No answer before the test says so; then the usual one."""

    has_come: threading.Event = field(default_factory=threading.Event)
    may_go: threading.Event = field(default_factory=threading.Event)

    def met(self) -> None:
        """Say that it has come, and wait until it may go."""
        self.has_come.set()
        self.may_go.wait(_HOLDS_AT_MOST_S)


Scripted = Refusal | Rows | Status | Cut | Lost | Usual | Hold


@dataclass
class _Rule:
    pattern: re.Pattern[str]
    scripted: Scripted
    times: int


class _Place(NamedTuple):
    """What stands behind a @ in a statement."""

    stage: str
    """`MY_DB.MY_SCHEMA.PACKAGES_STAGE`, as Snowflake keeps it."""
    path: str
    """Without a slash at either end."""


class SnowflakeServer:
    """The running server."""

    def __init__(self, s3: S3Server) -> None:
        self._s3 = _client_of(s3)
        self._bucket = s3.new_bucket()
        self.transfers = RecordingProxy(s3.endpoint_url)
        """Between the connector and S3: what went up and down, and faults for it."""
        self.stages = {STAGE}
        """Those that are there and can be seen."""
        self.role = ROLE
        """Of every session, as Snowflake keeps its name."""
        self.account: Account | None = None
        """What is described, shown, created, changed and dropped there."""
        self.warehouse: str | None = WAREHOUSE
        self.logins: list[dict[str, Any]] = []
        """The `data` of each login body."""
        self.statements: list[str] = []
        self.dated: dict[str, str] = {}
        """Path -> the last_modified that LIST tells instead of S3's."""
        self.crashes: list[BaseException] = []
        """Of this server: a fault of the test's, which the connector would retry for seconds."""
        self.requests: list[str] = []
        """Paths of every request."""
        self._rules: list[_Rule] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def environment(self, **more: str) -> dict[str, str]:
        """The variables by which the tool reaches it, with a password."""
        return {**self.address(), "SNOWFLAKE_USER": USER, "SNOWFLAKE_PASSWORD": PASSWORD, **more}

    def address(self) -> dict[str, str]:
        """Where it is, without who asks."""
        return {
            "SNOWFLAKE_ACCOUNT": "myorg-myaccount",
            "SNOWFLAKE_HOST": "127.0.0.1",
            "SNOWFLAKE_PORT": str(self.port),
            "SNOWFLAKE_PROTOCOL": "http",
        }

    # --- what tests script

    def refuse(self, pattern: str, scripted: Scripted, times: int = 1_000_000) -> None:
        """The next `times` statements that begin with `pattern` (`LOGIN` is a login) get this."""
        self._rules.append(_Rule(re.compile(pattern), scripted, times))

    answer = refuse

    def let_pass(self, pattern: str, times: int) -> None:
        """The next `times` statements that begin so are answered as usual, whatever is scripted after this."""
        self.refuse(pattern, Usual(), times)

    def forget(self) -> None:
        """What was scripted; from now on all is well."""
        self._rules.clear()

    def hold(self, pattern: str) -> Hold:
        """Let the next statement that begins so wait until the test says `may_go.set()`."""
        held = Hold()
        self.refuse(pattern, held, times=1)
        return held

    # --- what lies in a stage

    def files(self, stage: str = STAGE) -> dict[str, bytes]:
        """All that is in a stage, by its path."""
        prefix = _prefix(stage)
        return {key.removeprefix(prefix): self._read(key) for key in self._keys(prefix)}

    def store(self, path: str, body: bytes, stage: str = STAGE) -> None:
        """Put it there behind everybody's back."""
        self._s3.put_object(Bucket=self._bucket, Key=_prefix(stage) + path, Body=body)

    def remove(self, path: str, stage: str = STAGE) -> None:
        """Take it away."""
        self._s3.delete_object(Bucket=self._bucket, Key=_prefix(stage) + path)

    def object_puts(self) -> list[str]:
        """The keys that were sent, in order."""
        return [one.path for one in self.transfers.requests("PUT")]

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def _read(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    # --- what it answers

    def scripted_for(self, statement: str) -> Scripted | None:
        for rule in self._rules:
            if rule.times and rule.pattern.match(statement):
                rule.times -= 1
                return rule.scripted
        return None

    def answer_to(self, statement: str) -> dict[str, Any]:
        """The body of a reply."""
        scripted = self.scripted_for(statement)
        if scripted is not None and not isinstance(scripted, Usual):
            if isinstance(scripted, Hold):
                scripted.met()
            elif isinstance(scripted, Refusal):
                return _refusal(scripted)
            elif isinstance(scripted, Rows):
                return _result(scripted)
            else:
                if isinstance(scripted, Lost) and self.account:
                    self.account.answer(statement)
                raise _NoAnswer(scripted)
        verb = statement.split(None, 1)[0].upper() if statement.split() else ""
        if verb == "SELECT" and re.match(r"SELECT CURRENT_[A-Z]+\(\)", statement):
            return _result(self._session(statement))
        handler = {"PUT": self._put, "GET": self._get, "LIST": self._list, "REMOVE": self._remove}.get(verb)
        if handler or not self.account:
            return handler(statement) if handler else _syntax_error(statement)
        answered = self.account.answer(statement)
        return _refusal(answered) if isinstance(answered, Refusal) else _result(answered)

    def _session(self, statement: str) -> Rows:
        places = {"DATABASE": self.account.database, "SCHEMA": self.account.schema} if self.account else {}
        known = {"ACCOUNT": ACCOUNT, "ROLE": self.role, "WAREHOUSE": self.warehouse, **places}
        names = re.findall(r"CURRENT_([A-Z]+)\(\)", statement)
        return Rows([f"CURRENT_{name}()" for name in names], [[known.get(name) for name in names]])

    def _place(self, statement: str) -> _Place | Refusal:
        """The stage that a statement names, when it is there."""
        quoted = [text for text in re.findall(_LITERAL, statement) if text.startswith("@")]
        named = quoted[0] if quoted else next((word for word in statement.split() if word.startswith("@")), "")
        found = _STAGE.fullmatch(named)
        if not found:
            return Refusal("001003", "42000", f"SQL compilation error:\nsyntax error at '{named}'.")
        stage = ".".join(_kept(found[number]) for number in (1, 2, 3))
        if stage not in self.stages:
            text = f"SQL compilation error:\nStage '{stage}' does not exist or not authorized."
            return Refusal("002003", "02000", text)
        return _Place(stage, found[4].strip("/"))

    def _put(self, statement: str) -> dict[str, Any]:
        place = self._place(statement)
        source = re.match(rf"PUT {_LITERAL}", statement)
        if isinstance(place, Refusal) or not source:
            return _refusal(place) if isinstance(place, Refusal) else _syntax_error(statement)
        info = self._stage_info(place, is_folder=True)
        return _transfer(
            command="UPLOAD",
            src_locations=[_plain(source[1]).removeprefix("file://")],
            stageInfo=info,
            uploadInfo=info,
            autoCompress=not re.search(r"\bAUTO_COMPRESS\s*=\s*FALSE\b", statement),
            overwrite=bool(re.search(r"\bOVERWRITE\s*=\s*TRUE\b", statement)),
            sourceCompression="auto_detect",
            threshold=209715200,
            encryptionMaterial=None,
        )

    def _get(self, statement: str) -> dict[str, Any]:
        place = self._place(statement)
        if isinstance(place, Refusal):
            return _refusal(place)
        target = next(text for text in re.findall(_LITERAL, statement) if text.startswith("file://"))
        whole = self._stage_info(_Place(place.stage, ""), is_folder=True)
        return _transfer(
            command="DOWNLOAD",
            src_locations=self._matching(place, statement) or [place.path],
            stageInfo=whole,
            localLocation=_plain(target).removeprefix("file://"),
            threshold=1,
            encryptionMaterial=[],
            presignedUrls=None,
            autoCompress=False,
            overwrite=False,
        )

    def _list(self, statement: str) -> dict[str, Any]:
        place = self._place(statement)
        if isinstance(place, Refusal):
            return _refusal(place)
        rows = []
        name = _last(place.stage)
        for path in self._matching(place, statement):
            head = self._s3.head_object(Bucket=self._bucket, Key=_prefix(place.stage) + path)
            size = head["ContentLength"]
            when = email.utils.formatdate(head["LastModified"].timestamp(), usegmt=True)
            when = self.dated.get(path, when)
            rows.append((f"{name}/{path}", str((size // 16 + 1) * 16), uuid.uuid4().hex, when))
        return _result(Rows(("name", "size", "md5", "last_modified"), rows))

    def _remove(self, statement: str) -> dict[str, Any]:
        place = self._place(statement)
        if isinstance(place, Refusal):
            return _refusal(place)
        name = _last(place.stage)
        paths = self._matching(place, statement)
        for path in paths:
            self.remove(path, place.stage)
        return _result(Rows(("name", "result"), [(f"{name}/{path}", "removed") for path in paths]))

    def _matching(self, place: _Place, statement: str) -> list[str]:
        """Paths that begin with the place's and have the PATTERN as a whole."""
        asked = re.search(rf"PATTERN\s*=\s*{_LITERAL}", statement)
        prefix = _prefix(place.stage)
        paths = [key.removeprefix(prefix) for key in self._keys(prefix + place.path)]
        return [path for path in paths if not asked or re.fullmatch(_plain(asked[1]), path)]

    def _stage_info(self, place: _Place, *, is_folder: bool) -> dict[str, Any]:
        path = _prefix(place.stage) + (f"{place.path}/" if place.path and is_folder else "")
        return {
            "locationType": "S3",
            "location": f"{self._bucket}/{path}",
            "path": path,
            "region": REGION,
            "storageAccount": None,
            "isClientSideEncrypted": False,
            "creds": {
                "AWS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_KEY": SECRET_KEY,
                "AWS_TOKEN": "token",
                "AWS_ID": ACCESS_KEY,
                "AWS_KEY": SECRET_KEY,
            },
            "presignedUrl": None,
            "endPoint": self.transfers.endpoint_url,
        }

    # --- HTTP

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self._body() or b"{}")
                path = self.path.partition("?")[0]
                server.requests.append(path)
                try:
                    self._send(200, self._reply(path, body))
                except _NoAnswer as none:
                    if isinstance(none.scripted, Status):
                        self._send(none.scripted.number, {"success": False, "message": "as the test wants it"})
                    self.close_connection = True
                except Exception as crash:  # noqa: BLE001  # the fixture raises it
                    server.crashes.append(crash)
                    self._send(200, _refusal(Refusal("300002", "XX000", "the loopback server crashed")))

            do_DELETE = do_POST  # noqa: N815

            def _reply(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
                if path == "/session/v1/login-request":
                    server.logins.append(body["data"])
                    return server.login_reply(body["data"])
                if path == "/queries/v1/query-request":
                    server.statements.append(body["sqlText"])
                    answered = server.answer_to(body["sqlText"])
                    if "finalRoleName" in answered["data"]:
                        answered["data"]["finalRoleName"] = server.role
                    return answered
                return {"success": True, "data": None, "code": None, "message": None}

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body

            def _send(self, status: int, value: Mapping[str, Any]) -> None:
                body = json.dumps(value).encode()
                with contextlib.suppress(OSError):  # a client that was killed
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
                pass

        return Handler

    def login_reply(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        scripted = self.scripted_for("LOGIN")
        if isinstance(scripted, Refusal):
            message, code = scripted.message, scripted.code
            return {"success": False, "code": code, "message": message, "data": {"authnMethod": "x"}}
        if scripted is not None and not isinstance(scripted, Rows | Usual | Hold):
            raise _NoAnswer(scripted)
        session = {"databaseName": None, "schemaName": None, "warehouseName": WAREHOUSE, "roleName": self.role}
        return {
            "success": True,
            "code": None,
            "message": None,
            "data": {
                "token": "session-Canary-token",
                "masterToken": "master-Canary-token",
                "validityInSeconds": 3600,
                "masterValidityInSeconds": 14400,
                "sessionId": 1234,
                "serverVersion": "9.40.0",
                "parameters": [{"name": "CLIENT_TELEMETRY_ENABLED", "value": False}],
                "sessionInfo": session,
            },
        }

    def __enter__(self) -> SnowflakeServer:
        self.transfers.__enter__()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for rule in self._rules:
            if isinstance(rule.scripted, Hold):
                rule.scripted.may_go.set()
        self._server.shutdown()
        self._server.server_close()
        self.transfers.__exit__(None, None, None)


@functools.cache
def _client_of(s3: S3Server) -> S3Client:
    """Making one takes half a second."""
    return s3.client()


class _NoAnswer(Exception):
    """HTTP is to say it."""

    def __init__(self, scripted: Scripted) -> None:
        self.scripted = scripted


def _prefix(stage: str) -> str:
    return f"{stage.lower()}/" if '"' not in stage else f"{stage}/"


def _last(stage: str) -> str:
    """The stage's own name as LIST tells it."""
    return str(re.findall(_NAME, stage)[-1]).strip('"').lower()


def _kept(name: str) -> str:
    """A name as Snowflake keeps it: bare ones in capitals; quotes stay only where they matter."""
    if not name.startswith('"'):
        return name.upper()
    return name[1:-1] if re.fullmatch(r'"[A-Z_][A-Z0-9_$]*"', name) else name


def _plain(literal: str) -> str:
    """What a literal's text says."""
    return re.sub(r"\\(.)|''", lambda found: found[1] or "'", literal)


def _transfer(**fields: Any) -> dict[str, Any]:
    data = {"parallel": 4, "queryId": str(uuid.uuid4()), **fields}
    return {"success": True, "code": None, "message": None, "data": data}


def _result(answered: Rows) -> dict[str, Any]:
    columns = [
        {"name": name, "type": "fixed" if name == "size" else "text", "nullable": True, "length": None,
         "byteLength": None, "precision": 38 if name == "size" else None, "scale": 0 if name == "size" else None}
        for name in answered.columns
    ]  # fmt: skip
    data = {
        "parameters": [],
        "rowtype": columns,
        "rowset": [list(row) for row in answered.rows],
        "total": len(answered.rows),
        "returned": len(answered.rows),
        "queryId": str(uuid.uuid4()),
        "queryResultFormat": "json",
        "statementTypeId": 4096,
        "finalDatabaseName": "MY_DB",
        "finalSchemaName": "MY_SCHEMA",
        "finalWarehouseName": WAREHOUSE,
        "finalRoleName": ROLE,
        "version": 1,
    }
    return {"success": True, "code": None, "message": None, "data": data}


def _refusal(refused: Refusal) -> dict[str, Any]:
    data = {
        "errorCode": refused.code,
        "sqlState": refused.sqlstate,
        "internalError": False,
        "queryId": str(uuid.uuid4()),
    }
    return {"success": False, "code": refused.code, "message": refused.message, "data": data}


def _syntax_error(statement: str) -> dict[str, Any]:
    first = statement.split()[0] if statement.split() else ""
    return _refusal(Refusal("001003", "42000", f"SQL compilation error:\nsyntax error unexpected '{first}'."))


@pytest.fixture
def snowflake_server(moto_server: S3Server) -> Iterator[SnowflakeServer]:
    with SnowflakeServer(moto_server) as server:
        yield server
        for crash in server.crashes:
            raise crash
