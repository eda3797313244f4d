"""Those who are notified: a web server that keeps what it is sent, and a real SMTP server."""

from __future__ import annotations

import http.server
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Webhook:
    """A web server, and what was posted to it."""

    port: int = 0
    status: int = 200
    posts: list[tuple[str, Any]] = field(default_factory=list)
    """Path and JSON body."""

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def webhook(certificate: Path | None = None) -> Iterator[Webhook]:
    """One that speaks TLS when it has a certificate."""
    received = Webhook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is the standard library's
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.append((self.path, json.loads(body)))
            self.send_response(received.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    received.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def self_signed(file: Path, *others: str) -> Path:
    """A certificate of 127.0.0.1 and other addresses, and its key, in one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", *others)]
    builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


@dataclass
class Mailbox:
    """An SMTP server, and what it was given."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    received = Mailbox(port=_free_port())
    controller = Controller(received, hostname="127.0.0.1", port=received.port)
    controller.start()
    try:
        yield received
    finally:
        controller.stop()


@contextmanager
def _accepting(server: socket.socket, accept: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    """`accept` in a thread, until the end, which it hears of by `ended` and by the server's."""
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def trickling() -> Iterator[tuple[int, threading.Event]]:
    """The port of a web server whose answer never ends, a byte at a time; and whether somebody hung up on it."""
    left, ended = threading.Event(), threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not ended.wait(0.3):
                try:
                    connection.sendall(b"X")
                except OSError:
                    left.set()
                    return

    def accept() -> None:
        while not ended.is_set():
            try:
                connection = server.accept()[0]
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server, _accepting(server, accept, ended):
        yield server.getsockname()[1], left


@contextmanager
def silent() -> Iterator[tuple[int, threading.Event]]:
    """The port of a server that takes connections and never says a word; and whether one has come."""
    came, ended = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            while not ended.is_set():
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return
                came.set()

        with _accepting(server, accept, ended):
            yield server.getsockname()[1], came
        for connection in kept:
            connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
