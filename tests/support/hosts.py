"""Three hosts, 127.0.0.1 to 127.0.0.3, that answer each path as they are told: for redirects from one to another."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


@dataclass
class Hosts:
    """The running hosts."""

    urls: tuple[str, ...] = ()
    """Of each, without a path."""
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Path -> status, and the body; of a redirect, where it leads. The rest is 404."""
    authorization: str = ""
    """Where there is one, the first host answers 401 to all else."""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """(address, path, Authorization) of each request."""


@contextmanager
def hosts(certificate: Path | None = None) -> Iterator[Hosts]:
    """The three; they speak TLS when they have a certificate."""
    found = Hosts()
    servers = [_Server((address, 0), type("_Told", (_Handler,), {"hosts": found})) for address in ADDRESSES]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        for server in servers:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https" if certificate else "http"
    found.urls = tuple(
        f"{scheme}://{address}:{server.server_port}" for address, server in zip(ADDRESSES, servers, strict=True)
    )
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up."""


class _Handler(BaseHTTPRequestHandler):
    hosts: Hosts

    def do_GET(self) -> None:
        address, authorization = self.connection.getsockname()[0], self.headers.get("Authorization", "")
        self.hosts.seen.append((address, self.path, authorization))
        status, body = self.hosts.answers.get(self.path, (404, ""))
        if address == ADDRESSES[0] and self.hosts.authorization not in ("", authorization):
            status, body = 401, ""
        self.send_response(status)
        if 300 <= status < 400 and body:
            self.send_header("Location", body)
        content = b"" if 300 <= status < 400 else body.encode()
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
        pass
