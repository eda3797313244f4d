"""A package index on 127.0.0.1 that serves a folder of wheels, well or badly: the first part of the path says how.

/ok/simple         as an index should       /status-503/simple   every answer is that status
/auth/simple       only to user:password    /hang/simple         never answers
/login/simple      a login page with 200    /file-403/simple     pages are right, files are that status
/cut/simple        files end early          /wrong/simple        files have other bytes than promised
/none/simple       404 for all, pip too     /json/simple         pages are JSON (PEP 691, 700)
/flood/simple      the project `endless` has a page that never ends: as fast as it can
/drip/simple       the same, a byte now and then
/bomb/simple       the same, inflated from gzip: 80 MiB
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import html
import json
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import HeaderParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.wheels import wheel
from venvbuild.environment.wanted import pip_version

JSON = "application/vnd.pypi.simple.v1+json"
USER, PASSWORD = "ci-robot", "s3cr3t-Canary-42"  # a secret of the tests, so that leaks can be looked for


class IndexServer:
    """The running index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """Wheels and sdists put here are served at once."""
        self.requests: list[tuple[str, str]] = []
        """(path, Authorization header or empty), in order."""
        self.ours: list[str] = []
        """Paths that the tool itself asked for, not uv or pip, in order."""
        self.hanging = threading.Event()
        """Set when uv or pip waits for `/hang`."""
        self.yanked: dict[str, str] = {}
        """File name -> reason."""
        self.sizes: dict[str, int] = {}
        """File name -> the size that pages of JSON tell, when it is not its own."""
        self.hashless = False
        """Whether pages name no hashes."""
        self.keeps = False
        """Whether it allows to keep what it gives, as public indexes do."""
        self.hash_kind = "sha256"
        """Of the hashes that pages name."""
        self.uploaded: dict[str, str] = {}
        """File name -> upload time, told by pages of JSON (PEP 700)."""
        self.statuses: dict[str, tuple[str, str]] = {}
        """Project -> status and reason (PEP 792), told by pages of both forms."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, mode: str = "ok") -> str:
        return f"http://127.0.0.1:{self.port}/{mode}/simple"

    @property
    def url_with_credentials(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}/auth/simple"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization", "")
                index.requests.append((self.path, authorization))
                is_ours = self.headers.get("User-Agent") == "venvbuild"
                if is_ours:
                    index.ours.append(self.path)
                match = re.fullmatch(r"/([a-z0-9-]+)/(simple|files)/(?:([^/]+)/?)?", self.path)
                if not match:
                    return self._answer(404, b"no such page")
                mode, kind, name = match[1], match[2], match[3] or ""
                refused = index.refusal(mode, kind, authorization, is_ours=is_ours)
                if refused is not None:
                    return self._answer(*refused)
                return self._page(mode, name) if kind == "simple" else self._file(mode, name)

            def _page(self, mode: str, name: str) -> None:
                if mode == "login":
                    return self._answer(200, b"<html><form action='/login'><input type=password></form></html>")
                if mode == "json":
                    page = index.json_page(name)
                    return self._answer(200, page, kind=JSON) if page else self._answer(404, b"no such project")
                if name == "endless" and mode in ("flood", "drip", "bomb"):
                    return self._endless(mode)
                page = index.page(mode, name)
                return self._answer(200, page) if page else self._answer(404, b"no such project")

            def _endless(self, mode: str) -> None:
                bomb = gzip.compress(b" " * (80 << 20), 1) if mode == "bomb" else b""
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                if bomb:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                with contextlib.suppress(OSError):  # who asked has had enough
                    self.wfile.write(bomb)
                    while not bomb and not index.hanging.is_set():
                        self.wfile.write(b" " * (1 if mode == "drip" else 1 << 16))
                        time.sleep(0.05 if mode == "drip" else 0.001)

            def _file(self, mode: str, name: str) -> None:
                path = index.folder / name
                if not path.is_file():
                    return self._answer(404, b"no such file")
                content = path.read_bytes()
                if mode == "wrong":
                    content = content[:-30] + bytes(30)
                return self._answer(200, content, content[: len(content) // 2] if mode == "cut" else None)

            def _answer(self, status: int, body: bytes, sent: bytes | None = None, kind: str = "") -> None:
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="index"')
                plain = "application/octet-stream" if body[:2] == b"PK" else "text/html"
                self.send_header("Content-Type", kind or plain)
                self.send_header("Content-Length", str(len(body)))
                if index.keeps:
                    self.send_header("Cache-Control", "max-age=600")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body if sent is None else sent)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
                pass

        return Handler

    def refusal(self, mode: str, kind: str, authorization: str, *, is_ours: bool) -> tuple[int, bytes] | None:
        """What a bad index says instead of an answer."""
        if mode == "hang":
            if not is_ours:  # we ask before uv does, and wait some seconds only
                self.hanging.set()
            time.sleep(3600)
        if mode == "none":
            return 404, b"nothing here"
        if mode == "auth" and authorization != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            return 401, b"who are you"
        if mode.startswith("status-") or (mode.startswith("file-") and kind == "files"):
            return int(mode.rpartition("-")[2]), b"no"
        return None

    def _files_of(self, project: str) -> Iterator[Path]:
        for file in sorted([*self.folder.glob("*.whl"), *self.folder.glob("*.tar.gz")]):
            stem = file.name.split("-")[0] if file.suffix == ".whl" else file.name.rpartition("-")[0]
            if re.sub(r"[-_.]+", "-", stem).lower() == project:
                yield file

    def json_page(self, project: str) -> bytes:
        """The project's page (PEP 691); empty when there is no such project."""
        files = [
            {
                "filename": file.name,
                "url": f"/json/files/{file.name}",
                "hashes": {self.hash_kind: hashlib.new(self.hash_kind, file.read_bytes()).hexdigest()},
                "size": self.sizes.get(file.name, file.stat().st_size),
                "requires-python": _requires_python(file),
                "yanked": (self.yanked[file.name] or True) if file.name in self.yanked else False,
                **({"upload-time": self.uploaded[file.name]} if file.name in self.uploaded else {}),
            }
            for file in self._files_of(project)
        ]
        page: dict[str, object] = {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": files}
        if project in self.statuses:
            page["project-status"] = dict(zip(("status", "reason"), self.statuses[project], strict=True))
        return json.dumps(page).encode() if files or project in self.statuses else b""

    def page(self, mode: str, project: str) -> bytes:
        """The project's page (PEP 503); empty when there is no such project."""
        links = []
        for file in self._files_of(project):
            digest, python = hashlib.new(self.hash_kind, file.read_bytes()).hexdigest(), _requires_python(file)
            attributes = f' data-requires-python="{html.escape(python)}"' if python else ""
            if file.name in self.yanked:
                attributes += f' data-yanked="{html.escape(self.yanked[file.name])}"'
            fragment = "" if self.hashless else f"#{self.hash_kind}={digest}"
            links.append(f'<a href="/{mode}/files/{file.name}{fragment}"{attributes}>{file.name}</a>')
        status, reason = self.statuses.get(project, ("", ""))
        head = "".join(
            f'<meta name="pypi:project-status{more}" content="{html.escape(said)}">'
            for more, said in (("", status), ("-reason", reason))
            if said
        )
        page = f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(links)}</body></html>"
        return page.encode() if links or status else b""


@contextmanager
def running(folder: Path) -> Iterator[IndexServer]:
    """An index of the wheels in `folder`, with a tiny stand-in for every pip that the tool puts into environments."""
    for version in {pip_version(f"3.{minor}") for minor in range(8, 15)}:
        if not list(folder.glob(f"pip-{version}-*.whl")):
            wheel(folder, "pip", version, files={"pip/__init__.py": f'__version__ = "{version}"\n'})
    index = IndexServer(folder)
    thread = threading.Thread(
        target=index._server.serve_forever, args=(0.05,), daemon=True
    )  # looks for its end so often
    thread.start()
    try:
        yield index
    finally:
        index._server.shutdown()
        index._server.server_close()


def _requires_python(file: Path) -> str | None:
    if file.suffix != ".whl":
        return None
    with zipfile.ZipFile(file) as archive:
        name = next((name for name in archive.namelist() if name.endswith(".dist-info/METADATA")), None)
        return (
            HeaderParser().parsestr(archive.read(name).decode("utf-8", "replace")).get("Requires-Python")
            if name
            else None
        )
