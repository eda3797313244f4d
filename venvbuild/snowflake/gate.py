"""A gate on this machine that uv's questions go through, and that is open to allowed hosts alone.

uv follows what an index leads it to. The gate is its proxy (RFC 9110, 7.7 and 9.3.6) and connects to no other host: a
TLS connection passes through as it is, a plain request after its head was read.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import secrets
import selectors
import socket
import socketserver
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR, Address

_CONNECT_S = 20.0
_CHUNK = 1 << 16
_OF_THE_GATE = ("proxy-authorization", "proxy-connection", "connection", "keep-alive")


@dataclass
class Gate:
    """Who may be asked, and who was not."""

    judge: Callable[[Address], None]
    """Raises for an address that nobody is to ask."""
    refusals: list[UsageError] = field(default_factory=list)
    """Why somebody was not asked, in order."""
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    """That lead a program through the gate."""

    def refusal(self) -> UsageError | None:
        """The first of them."""
        return self.refusals[0] if self.refusals else None

    def admits(self, url: str) -> bool:
        """Whether this address may be asked."""
        try:
            self.judge(Address(url))
        except UsageError as error:
            self.refusals.append(error)
            return False
        return True


@contextmanager
def opened(judge: Callable[[Address], None]) -> Iterator[Gate]:
    """A gate on a free port of 127.0.0.1, for whoever has its `variables`."""
    gate, token = Gate(judge), secrets.token_urlsafe(24)
    REDACTOR.hide(token)
    expected = "Basic " + base64.b64encode(f"gate:{token}".encode()).decode()
    handler = type("_Of", (_Handler,), {"gate": gate, "expected": expected})
    with _Server(("127.0.0.1", 0), handler) as server:
        url = f"http://gate:{token}@127.0.0.1:{server.server_address[1]}"
        gate.variables = dict.fromkeys((*_PROXIES, *map(str.upper, _PROXIES)), url) | {"no_proxy": "", "NO_PROXY": ""}
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield gate
        finally:
            server.shutdown()


_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: who asked sees that the connection ended."""


class _Handler(BaseHTTPRequestHandler):
    gate: Gate
    expected: str
    timeout = 3600

    def do_CONNECT(self) -> None:
        if self._is_open_for(f"https://{self.path}"):
            host, _, port = self.path.rpartition(":")
            with self._reached("https", host, int(port)) as (remote, proxy):
                if proxy:
                    _ask(remote, f"CONNECT {self.path} HTTP/1.1", {"Host": self.path, **_credentials(proxy)})
                    status = _status(remote)
                    if status != http.client.OK:
                        return self._end(status)
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pass_on(self.connection, remote)
        return None

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.scheme == "http" and parts.hostname and self._is_open_for(self.path):
            with self._reached("http", parts.hostname, parts.port or 80) as (remote, proxy):
                place = self.path if proxy else parts._replace(scheme="", netloc="").geturl() or "/"
                kept = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_GATE}
                head = f"{self.command} {place} HTTP/1.1"
                _ask(remote, head, {**kept, "Connection": "close", **(_credentials(proxy) if proxy else {})})
                _pass_on(self.connection, remote)
        self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def _is_open_for(self, url: str) -> bool:
        self.close_connection = True
        if not secrets.compare_digest(self.headers.get("Proxy-Authorization", ""), self.expected):
            self._end(http.client.PROXY_AUTHENTICATION_REQUIRED)
            return False
        if not self.gate.admits(url):
            self._end(http.client.FORBIDDEN)
            return False
        return True

    @contextmanager
    def _reached(self, scheme: str, host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
        """The host itself, or the proxy that this process is told to use for it, with its URL."""
        proxy = _proxy_for(scheme, host, port)
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        place = (parts.hostname or "", parts.port or 80) if proxy else (host.strip("[]"), port)
        try:
            remote = socket.create_connection(place, _CONNECT_S)
        except OSError:
            self._end(http.client.BAD_GATEWAY)
            raise
        with remote:
            yield remote, proxy

    def _end(self, status: int) -> None:
        self.wfile.write(f"HTTP/1.1 {status} \r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
        """Nothing: what uv asked for is told by whoever runs it."""


def _proxy_for(scheme: str, host: str, port: int) -> str:
    """As our own questions to the index find it; empty for none."""
    if urllib.request.proxy_bypass(f"{host}:{port}"):
        return ""
    return urllib.request.getproxies().get(scheme, "")


def _credentials(proxy: str) -> dict[str, str]:
    found = Address(proxy if "://" in proxy else f"http://{proxy}").credentials
    encoded = base64.b64encode(":".join(found).encode()).decode() if found else ""
    return {"Proxy-Authorization": f"Basic {encoded}"} if found else {}


def _ask(remote: socket.socket, line: str, headers: dict[str, str]) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    remote.sendall(f"{line}\r\n{head}\r\n".encode("latin-1"))


def _status(remote: socket.socket) -> int:
    """Of a proxy's answer, whose head is read and nothing behind it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < _CHUNK:
        byte = remote.recv(1)
        if not byte:
            break
        head += byte
    words = head.split(maxsplit=2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else http.client.BAD_GATEWAY


def _pass_on(client: socket.socket, remote: socket.socket) -> None:
    """What each sends to the other, until one of them has ended."""
    other = {client: remote, remote: client}
    for one in other:
        one.settimeout(None)
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        for one in other:
            selector.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                chunk = ready.recv(_CHUNK)
                if not chunk:
                    return
                other[ready].sendall(chunk)
