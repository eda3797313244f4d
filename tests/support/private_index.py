"""A private package index as companies run one: pypiserver behind a password, on 127.0.0.1; and a second host.

with running(folder) as index:
    index.url                     http://127.0.0.1:PORT/simple/
    index.redirects_to_other      files are answered with a redirect to 127.0.0.2, which has them, too
    index.seen, index.other_seen  each request
"""

from __future__ import annotations

import base64
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.requirement import require
from tests.support.tiers import refuse_in_fast

USER, PASSWORD = "svc-Canary", "p@ss/w:rd-Canary-91"
_STARTING_S = 60


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    authorization: str
    agent: str


@dataclass
class PrivateIndex:
    """The running index, behind a front that sees who asks for what."""

    behind: int
    """The port of pypiserver itself."""
    folder: Path
    port: int = 0
    other_port: int = 0
    redirects_to_other: bool = False
    seen: list[Asked] = field(default_factory=list)
    other_seen: list[Asked] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def other_place(self) -> str:
        return f"127.0.0.2:{self.other_port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}/simple/"

    @property
    def url_with_credentials(self) -> str:
        return f"http://{USER}:{quote(PASSWORD, safe='')}@{self.place}/simple/"


class _Handler(BaseHTTPRequestHandler):
    index: PrivateIndex

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.send_error(405)  # each of the two below has its own

    def asked(self) -> Asked:
        return Asked(self.path, self.headers.get("Authorization", ""), self.headers.get("User-Agent", ""))

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"", size: str = "") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", size or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
        pass


class _Front(_Handler):
    def do_GET(self) -> None:
        self.index.seen.append(self.asked())
        if self.index.redirects_to_other and self.path.startswith("/packages/"):
            return self.answer(302, {"Location": f"http://{self.index.other_place}{self.path}"})
        connection = http.client.HTTPConnection("127.0.0.1", self.index.behind, timeout=60)
        passed = {name: value for name, value in self.headers.items() if name in ("Authorization", "Accept", "Range")}
        connection.request(self.command, self.path, headers=passed)
        reply = connection.getresponse()
        kept = {name: value for name, value in reply.getheaders() if name in ("Content-Type", "WWW-Authenticate")}
        self.answer(reply.status, kept, reply.read(), reply.headers.get("Content-Length", ""))
        connection.close()
        return None


class _Other(_Handler):
    def do_GET(self) -> None:
        self.index.other_seen.append(self.asked())
        self.answer(200, {}, (self.index.folder / self.path.rpartition("/")[2]).read_bytes())


@contextmanager
def running(folder: Path) -> Iterator[PrivateIndex]:
    """The wheels in `folder`, to whoever knows the password. Skips without pypiserver."""
    refuse_in_fast("pypiserver")
    require(importlib.util.find_spec("pypiserver"), "pypiserver, the private index, is not installed")
    with _pypiserver(folder) as port:
        index = PrivateIndex(port, folder)
        handlers = [type(one.__name__, (one,), {"index": index}) for one in (_Front, _Other)]
        with (
            ThreadingHTTPServer(("127.0.0.1", 0), handlers[0]) as first,
            ThreadingHTTPServer(("127.0.0.2", 0), handlers[1]) as second,
        ):
            index.port, index.other_port = first.server_port, second.server_port
            for server in (first, second):
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            try:
                yield index
            finally:
                first.shutdown()
                second.shutdown()


@pytest.fixture
def pypiserver(tmp_path: Path) -> Iterator[dict[str, str]]:
    """pypiserver alone, empty, which takes files: the variables of a release that goes there. Skips without it."""
    require(importlib.util.find_spec("pypiserver"), "pypiserver, the private index, is not installed")
    folder = tmp_path / "pypiserver" / "served"
    folder.mkdir(parents=True)
    with serving(folder) as environ:
        yield environ


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """The same, of this folder."""
    with _pypiserver(folder) as port:
        yield {
            "PYPI_BACKEND": "pypiserver",
            "PYPISERVER_URL": f"http://127.0.0.1:{port}/",
            "PYPISERVER_USER": USER,
            "PYPISERVER_TOKEN": PASSWORD,
        }


@contextmanager
def _pypiserver(folder: Path) -> Iterator[int]:
    """Its port. In a process of its own: it patches how modules are imported."""
    passwords = folder.parent / "htpasswd"
    script = "import sys; from passlib.hash import apr_md5_crypt as scheme; print(scheme.hash(sys.stdin.read()))"
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    # By stdin: tests look for it in the command line of every process of the machine.
    hashed = subprocess.run(
        [sys.executable, "-c", script], input=PASSWORD, env=quiet, capture_output=True, text=True, check=True
    )
    passwords.write_text(f"{USER}:{hashed.stdout}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    flags = ["-i", "127.0.0.1", "-p", str(port), "-P", str(passwords), "-a", "update,download,list"]
    flags += ["--disable-fallback", "--hash-algo", "sha256", str(folder)]
    with subprocess.Popen([sys.executable, "-m", "pypiserver", "run", *flags], env=quiet) as server:
        try:
            _wait_for(port, server)
            yield port
        finally:
            server.terminate()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTING_S
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"pypiserver does not listen ({server.poll()})")


def authorization() -> str:
    """What the index wants to be told."""
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
