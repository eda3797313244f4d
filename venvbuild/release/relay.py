"""The index as pip is given it: read through us, on 127.0.0.1, while a release is tried.

pip runs the code of whoever builds from an sdist, and hands its home and its variables on to it. So the credentials of
the index stay in our own process: pip gets a password that is good for reading here, until the trial ends.
"""

from __future__ import annotations

import base64
import hmac
import html
import re
import secrets
import shutil
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from venvbuild.errors import VenvBuildError
from venvbuild.package_index import File
from venvbuild.release.index import Index

HOST = "127.0.0.1"
USER = "venvbuild"
_NAME = re.compile(r"/simple/(?P<name>[a-z0-9][a-z0-9-]*)/?")
_FILE = re.compile(r"/files/(?P<name>[a-z0-9][a-z0-9-]*)/(?P<filename>[^/]+)")


class Relay:
    """Answers for one index; nothing is sent to it from here."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.password = secrets.token_hex(16)
        self._files: dict[tuple[str, str], File] = {}
        self._server = ThreadingHTTPServer((HOST, 0), type("Handler", (_Handler,), {"relay": self}))
        self._server.daemon_threads = True

    @property
    def root(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self._server.server_port}/simple"

    def page(self, name: str) -> tuple[int, bytes]:
        """Status and text of the page of a project."""
        walk = self.index.page(name)
        if walk.status != 200:
            return walk.status or 502, b""
        lines = []
        for file in walk.files:
            self._files[name, file.filename] = file
            digest = f"#sha256={file.sha256}" if file.sha256 else ""
            more = f' data-requires-python="{html.escape(file.requires_python)}"' if file.requires_python else ""
            more += f' data-yanked="{html.escape(file.yanked)}"' if file.yanked is not None else ""
            url = f"/files/{name}/{urllib.parse.quote(file.filename)}{digest}"
            lines.append(f'<a href="{url}"{more}>{html.escape(file.filename)}</a><br>\n')
        return 200, f"<!DOCTYPE html><html><body>{''.join(lines)}</body></html>".encode()

    def file(self, name: str, filename: str, folder: Path) -> Path | None:
        """A file that a page named, in `folder`."""
        found = self._files.get((name, filename))
        if found is None:
            return None
        path = folder / "file"
        self.index.download(found, path)
        return path

    def lets_in(self, authorization: str) -> bool:
        """Whether it is our pip."""
        wanted = "Basic " + base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        return hmac.compare_digest(authorization.encode(), wanted.encode())

    def told(self, text: str) -> str:
        """What pip says, with the address of the index itself."""
        return text.replace(self.root, self.index.root)

    def run(self) -> None:
        """Until it is stopped."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def served(index: Index) -> Iterator[Relay]:
    """A relay of this index, until this block ends."""
    relay = Relay(index)
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    relay: Relay

    def do_GET(self) -> None:
        if not self.relay.lets_in(self.headers.get("Authorization", "")):
            return self._answer(401, b"")
        path = urllib.parse.unquote(self.path)
        try:
            if page := _NAME.fullmatch(path):
                return self._answer(*self.relay.page(page["name"]))
            wanted = _FILE.fullmatch(path)
            with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as folder:
                found = self.relay.file(wanted["name"], wanted["filename"], Path(folder)) if wanted else None
                if found is None:
                    return self._answer(404, b"")
                with found.open("rb") as file:
                    self._begin(200, found.stat().st_size)
                    shutil.copyfileobj(file, self.wfile)
        except VenvBuildError:  # who waits for pip asks the index itself why
            self._answer(424, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self._begin(status, len(body))
        self.wfile.write(body)

    def _begin(self, status: int, size: int) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name for it
        """pip says itself what it asks for."""
