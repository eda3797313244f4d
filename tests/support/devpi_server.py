"""A real devpi-server for one session, and an index of its own for each test.

    index = devpi.index(volatile=False)
    index.url, index.user, index.password        http://127.0.0.1:PORT/alice/i1/

It takes 10 to 100 s to start. Its folder is made once per version and copied; it needs no internet. Tests with it share
a process (`pytestmark = pytest.mark.xdist_group("devpi")`), or each process would start one.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.downloads import fetched
from tests.support.requirement import require

_ROOT_PASSWORD = "root-Canary-55"
_STARTING_S = 300
USER, PASSWORD = "alice", "a1ice-Canary%62"


@dataclass(frozen=True)
class DevpiIndex:
    """One index."""

    url: str
    """Where files are sent to; `+simple/` below it is where they are installed from."""
    user: str = USER
    password: str = PASSWORD

    def environment(self) -> dict[str, str]:
        """The variables that somebody sets."""
        return {
            "PYPI_BACKEND": "devpi",
            "DEVPI_INDEX_URL": self.url,
            "DEVPI_USER": self.user,
            "DEVPI_TOKEN": self.password,
        }


@dataclass
class Devpi:
    """The running server."""

    port: int
    log: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def index(self, *, volatile: bool = False) -> DevpiIndex:
        """A new index without bases."""
        path = f"/{USER}/i{next(self._numbers)}"
        self.ask("PUT", path, {"bases": [], "volatile": volatile, "type": "stage"}, USER, PASSWORD)
        return DevpiIndex(f"{self.url}{path}/")

    def ask(self, method: str, path: str, body: Any = None, user: str = "root", password: str = _ROOT_PASSWORD) -> Any:
        """One request of devpi's own interface, as JSON."""
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Basic {basic}"}
        if method != "GET":
            headers["X-Devpi-Auth"] = base64.b64encode(f"{user}:{self._login(user, password)}".encode()).decode()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def _login(self, user: str, password: str) -> str:
        data = json.dumps({"user": user, "password": password}).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/+login", data, headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as reply:
            return str(json.load(reply)["result"]["password"])

    def uploads(self, index: DevpiIndex) -> int:
        """How many POSTs the index got, by the server's own log."""
        path = index.url.removeprefix(self.url)
        return sum(f'"POST {path}' in line or f"POST {path}" in line for line in self.log.read_text().splitlines())


@pytest.fixture(scope="session")
def devpi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devpi]:
    require(importlib.util.find_spec("devpi_server"), "devpi-server, the private index, is not installed")
    made = fetched("devpi-folder", importlib.metadata.version("devpi-server"), _make)
    folder = tmp_path_factory.mktemp("devpi") / "server"
    shutil.copytree(made, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    log = folder.parent / "log"
    flags = ["--serverdir", str(folder / "data"), "--secretfile", str(folder / "secret")]
    flags += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*_program("devpi-server"), *flags], env=_environment(folder), stdout=out, stderr=subprocess.STDOUT
        )
    try:
        found = Devpi(port, log)
        _wait_for(found, server)
        found.ask("PUT", f"/{USER}", {"password": PASSWORD, "email": "alice@example.com"})
        yield found
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()


def _make(folder: Path) -> None:
    """A new server's folder and the secret of its logins."""
    init = ["--serverdir", str(folder / "data"), "--root-passwd", _ROOT_PASSWORD, "--no-root-pypi"]
    secret = ["--secretfile", str(folder / "secret")]
    for command in ([*_program("devpi-init"), *init], [*_program("devpi-gen-secret"), *secret]):
        subprocess.run(command, env=_environment(folder), check=True, capture_output=True, timeout=_STARTING_S)


def _program(name: str) -> list[str]:
    # The tests' environment may have been moved, and its scripts not.
    script = (
        "import sys; from importlib.metadata import entry_points; del sys.argv[0]; "
        "[one] = entry_points(group='console_scripts', name=sys.argv[0]); sys.exit(one.load()())"
    )
    return [sys.executable, "-c", script, name]


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONWARNINGS": "ignore", "LANG": "C.UTF-8"}


def _wait_for(found: Devpi, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTING_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{found.url}/+api", timeout=5) as reply:
            if reply.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"devpi-server does not answer ({server.poll()}): {found.log.read_text()[-2000:]}")
