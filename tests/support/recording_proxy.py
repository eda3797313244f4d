"""A proxy in front of an S3 server, which writes down every request and spoils those it is told to.

    with RecordingProxy(server.endpoint_url) as proxy:
        proxy.spoil("PUT", "metadata.json", lose_reply(), times=1)
        open_store(url, endpoint_url=proxy.endpoint_url).put_if_absent(...)
        assert [seen.status for seen in proxy.seen] == [None, 412]

One request per connection; bodies are held whole.
"""

from __future__ import annotations

import email.utils
import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

_CONDITIONS = ("If-None-Match", "If-Match", "Range")
_NOT_FORWARDED = {"connection", "expect", "keep-alive", "transfer-encoding"}
_STALL_LIMIT_S = 600


@dataclass
class Seen:
    """A request in the order of its arrival."""

    method: str
    path: str
    """`/bucket/key`, decoded, without the query."""
    query: str
    """`uploadId=...&partNumber=1`."""
    conditions: dict[str, str]
    """Those of If-None-Match, If-Match and Range that it had when it came in."""
    status: int | None = None
    """What the client was told; None when it was told nothing."""


@dataclass(frozen=True)
class Message:
    """A request or a reply on its way."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int = 0

    def without(self, name: str) -> Message:
        return replace(self, headers=tuple(item for item in self.headers if item[0].lower() != name.lower()))


@dataclass(frozen=True)
class Fault:
    """What happens to a request, in the order of the fields."""

    reset_upload_after: int | None = None
    """Bytes of its body, then the connection is reset; the server never hears of it."""
    before_reset: Callable[[], None] = lambda: None
    """Called between these bytes and the reset of an upload: it may wait."""
    answer: Message | None = None
    """Given in the server's place."""
    on_request: Callable[[Message], Message] = lambda message: message
    stall: bool = False
    """The server's reply is held back until the proxy is closed."""
    lose_reply: bool = False
    on_reply: Callable[[Message], Message] = lambda message: message
    reset_download_after: int | None = None
    """Bytes of the reply's body, then the connection is reset."""


def answer(status: int, code: str) -> Fault:
    """An S3 error without asking the server: `answer(503, "SlowDown")`, `answer(400, "ExpiredToken")`."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>as the test wants it</Message></Error>".encode()
    headers = (
        ("Content-Type", "application/xml"),
        ("Content-Length", str(len(body))),
        ("Date", email.utils.formatdate(usegmt=True)),
    )
    return Fault(answer=Message(headers, body, status))


def lose_reply() -> Fault:
    """The server does it, the client hears nothing."""
    return Fault(lose_reply=True)


def stall() -> Fault:
    """The server does it, the reply does not come within any patience."""
    return Fault(stall=True)


def reset_upload(after_bytes: int, before: Callable[[], None] = lambda: None) -> Fault:
    """The connection is reset within the body, after `before` has returned."""
    return Fault(reset_upload_after=after_bytes, before_reset=before)


def reset_download(after_bytes: int) -> Fault:
    return Fault(reset_download_after=after_bytes)


def flip_up(at: int) -> Fault:
    """One bit of the request's body changes on the way."""
    return Fault(on_request=lambda message: replace(message, body=_flipped(message.body, at)))


def flip_down(at: int) -> Fault:
    """One bit of the reply's body changes on the way."""
    return Fault(on_reply=lambda message: replace(message, body=_flipped(message.body, at)))


def strip_header(name: str) -> Fault:
    """The server does not see this request header (and must not check signatures)."""
    return Fault(on_request=lambda message: message.without(name))


def leave_out(name: str) -> Fault:
    """The client does not see this header of the reply."""
    return Fault(on_reply=lambda message: message.without(name))


def shift_date(by_s: float) -> Fault:
    """The reply is dated `by_s` seconds later than the server says."""

    def shifted(message: Message) -> Message:
        date = dict(message.headers)["Date"]
        later = email.utils.parsedate_to_datetime(date).timestamp() + by_s
        shown = ("Date", email.utils.formatdate(later, usegmt=True))
        return replace(message.without("Date"), headers=(*message.without("Date").headers, shown))

    return Fault(on_reply=shifted)


@dataclass
class _Rule:
    method: str
    pattern: re.Pattern[str]
    fault: Fault
    times: int


@dataclass
class RecordingProxy:
    """Listens on a free port of 127.0.0.1 while it is a context; `upstream` is the server's `http://host:port`."""

    upstream: str
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = False  # so that closing waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def spoil(self, method: str, path: str, fault: Fault, times: int = 1_000_000) -> None:
        """The next `times` requests of `method` (empty: any) whose `path?query` has the pattern `path` get `fault`.

        Rules are tried in the order in which they were given; a request gets one.
        """
        with self._lock:
            self._rules.append(_Rule(method, re.compile(path), fault, times))

    def requests(self, method: str = "", path: str = "") -> list[Seen]:
        """Those seen so far that a rule with this method and pattern would have met."""
        with self._lock:
            return [
                one for one in self.seen if one.method.startswith(method) and re.search(path, f"{one.path}?{one.query}")
            ]

    def arrived(self, one: Seen) -> Fault:
        """Write `one` down; what is to happen to it."""
        with self._lock:
            self.seen.append(one)
            for rule in self._rules:
                matches = one.method.startswith(rule.method) and rule.pattern.search(f"{one.path}?{one.query}")
                if rule.times and matches:
                    rule.times -= 1
                    return rule.fault
        return Fault()

    def wait_for_closing(self) -> None:
        self._closing.wait(_STALL_LIMIT_S)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # answers `Expect: 100-continue` by itself
    proxy: RecordingProxy

    def _handle(self) -> None:
        self.close_connection = True
        url = urlsplit(self.path)
        conditions = {name: self.headers[name] for name in _CONDITIONS if name in self.headers}
        one = Seen(self.command, unquote(url.path), url.query, conditions)
        fault = self.proxy.arrived(one)
        length = int(self.headers.get("Content-Length") or 0)
        if fault.reset_upload_after is not None:
            self.rfile.read(min(fault.reset_upload_after, length))
            fault.before_reset()
            return self._reset()
        request = Message(tuple(self.headers.items()), self.rfile.read(length))
        reply = fault.answer or self._forwarded(fault.on_request(request))
        if fault.stall:
            self.proxy.wait_for_closing()
        if fault.stall or fault.lose_reply:
            return self._reset()
        reply = fault.on_reply(reply)
        one.status = reply.status
        self.send_response_only(reply.status)
        for name, value in reply.without("Connection").headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: fault.reset_download_after])
            self.wfile.flush()
        if fault.reset_download_after is not None:
            self._reset()
        return None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

    def _forwarded(self, request: Message) -> Message:
        target = urlsplit(self.proxy.upstream)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:  # Host too: it is signed
                if name.lower() not in _NOT_FORWARDED:
                    connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(request.body)
            reply = connection.getresponse()
            body = reply.read()
            headers = [(name, value) for name, value in reply.getheaders() if name.lower() not in _NOT_FORWARDED]
            if self.command != "HEAD" and not any(name.lower() == "content-length" for name, _ in headers):
                headers.append(("Content-Length", str(len(body))))
            return Message(tuple(headers), body, reply.status)
        finally:
            connection.close()

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)  # closing sends RST, not FIN
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The record is `RecordingProxy.seen`."""


def _flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
