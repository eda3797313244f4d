"""A package index on 127.0.0.1 that behaves as one of those that cannot be run here, and fails as it is told to.

    with FakeIndex(PROFILES["artifactory"]) as index:
        index.environment()              the variables that somebody sets
        index.cut = 1                    the next upload is stored, and its connection cut
        index.posts                      file names, in order

A contract fake: statuses, addresses and user names are those of the vendors' documentation and of other people's
reports. None of the vendors was ever asked.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TOKEN = "fake-Canary-90 %:@/"
_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Profile:
    """How a kind of index behaves."""

    backend: str
    upload: str
    """The path of uploads."""
    simple: str
    """The path that names of projects come after; ends in a slash."""
    user: str
    """The only one that is let in; empty: any."""
    same: int
    """The status of a file that is there with these bytes."""
    other: int
    """And with other bytes; 200: it is replaced."""
    wrong: int = 401
    """Of a wrong token."""
    said: str = ""
    is_json: bool = False
    has_root: bool = True


PROFILES = {
    one.backend: one
    for one in (
        Profile(
            "artifactory", "/artifactory/api/pypi/pypi-local", "/artifactory/api/pypi/pypi-local/simple/", "ci",
            403, 403, said="Not enough permissions to delete/overwrite artifact", has_root=False,
        ),
        Profile("aws_codeartifact", "/pypi/python-packages/", "/pypi/python-packages/simple/", "aws", 409, 409,
                is_json=True, has_root=False),
        Profile(
            "gitlab", "/api/v4/projects/data%2Ftools/packages/pypi",
            "/api/v4/projects/data%2Ftools/packages/pypi/simple/",
            "deploy-1", 400, 400, said='{"message":"Validation failed: File name has already been taken"}',
            has_root=False,
        ),
        Profile(
            "azure_artifacts", "/myorg/myproject/_packaging/feed/pypi/upload/",
            "/myorg/myproject/_packaging/feed/pypi/simple/", "", 409, 409, is_json=True, has_root=False,
        ),
        Profile("pypiserver", "/", "/simple/", "svc", 400, 400, 403),
    )
}  # fmt: skip


@dataclass
class FakeIndex:
    """Listens while it is a context."""

    profile: Profile
    files: dict[str, bytes] = field(default_factory=dict)
    """File name -> its bytes."""
    posts: list[str] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each, in order."""
    users: list[str] = field(default_factory=list)
    """Who each upload came from."""
    cut: int = 0
    """So many uploads are stored, and nobody hears of it."""
    statuses: list[int] = field(default_factory=list)
    """Answers of the next uploads, which store nothing."""
    hidden_polls: int = 0
    """So many looks at a page do not yet show what was sent since."""
    forgets: bool = False
    """Uploads are answered with 200, and not stored."""
    spoils: bytes = b""
    """Put behind each file that is downloaded."""
    hangs: threading.Event | None = None
    """Set: uploads are read, and never answered until it is set."""
    redirects: str = ""
    """Where pages are looked for: by another name of this host, which asks nobody who they are."""
    token: str = TOKEN
    tls: Path | None = None
    """A certificate and its key: https, then."""

    def __post_init__(self) -> None:
        self._hidden: set[str] = set()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"index": self}))
        self._server.daemon_threads = True
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def upload_url(self) -> str:
        return self.url + self.profile.upload

    @property
    def index_url(self) -> str:
        return self.url + self.profile.simple

    def environment(self) -> dict[str, str]:
        """Backend and credentials; both addresses, for those whose own variables make https://."""
        token = {"aws_codeartifact": "AWS_CODEARTIFACT_TOKEN", "azure_artifacts": "AZURE_ARTIFACTS_TOKEN"}
        name = self.profile.backend.upper()
        return {
            "PYPI_BACKEND": self.profile.backend,
            "VENVBUILD_RELEASE_UPLOAD_URL": self.upload_url,
            "VENVBUILD_RELEASE_INDEX_URL": self.index_url,
            token.get(self.profile.backend, f"{name}_TOKEN"): self.token,
            **({f"{name}_USER": self.profile.user} if self.profile.user not in ("", "aws") else {}),
        }

    def lets_in(self, authorization: str) -> bool:
        said = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return said[2] == self.token and said[0] != "" and self.profile.user in ("", said[0])

    def stored(self, name: str, body: bytes) -> int:
        """The status of an upload."""
        if self.statuses:
            return self.statuses.pop(0)
        if name in self.files:
            status = self.profile.same if self.files[name] == body else self.profile.other
            if status != 200:
                return status
        if not self.forgets:
            self.files[name] = body
            if self.hidden_polls:
                self._hidden.add(name)
        return 200

    def page(self, project: str) -> list[str]:
        """Names of files of a project, as they are shown at the moment."""
        names = [name for name in sorted(self.files) if re.sub(r"[-_.]+", "-", name.split("-")[0]).lower() == project]
        if self._hidden and self.hidden_polls > 0:
            self.hidden_polls -= 1
            return [name for name in names if name not in self._hidden]
        return names

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.hangs:
            self.hangs.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone, or trusts nobody: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    index: FakeIndex

    def do_POST(self) -> None:
        index = self.index
        index.requests.append(("POST", self.path))
        fields = self._fields(self.rfile.read(int(self.headers["Content-Length"])))
        said = self.headers.get("Authorization", "")
        if not said or not index.lets_in(said):
            return self._answer(index.profile.wrong, b"<html>who are you</html>")
        if self.path != index.profile.upload or fields.get(":action") != b"file_upload":
            return self._answer(404 if self.path.startswith(index.profile.simple) else 405, b"<html>nothing</html>")
        name = fields["filename"].decode()
        index.posts.append(name)
        index.users.append(base64.b64decode(said.removeprefix("Basic ")).decode().partition(":")[0])
        if index.hangs:
            index.hangs.wait(600)
        status = index.stored(name, fields["content"])
        if index.cut:
            index.cut -= 1
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return None
        return self._answer(status, index.profile.said.encode())

    def do_GET(self) -> None:
        index = self.index
        index.requests.append(("GET", self.path))
        said = self.headers.get("Authorization", "")
        is_open = bool(index.redirects) and index.redirects.endswith(self.headers["Host"])
        if index.redirects and not is_open:
            return self._answer(302, b"", location=index.redirects + self.path)
        if not is_open and (not said or not index.lets_in(said)):
            return self._answer(index.profile.wrong if said else 401, b"who are you")
        if self.path.startswith("/files/"):
            return self._answer(200, index.files[self.path.rpartition("/")[2]] + index.spoils)
        if self.path == index.profile.simple and index.profile.has_root:
            return self._answer(200, b"<html></html>")
        project = re.fullmatch(re.escape(index.profile.simple) + "([a-z0-9-]+)/?", self.path)
        names = index.page(project[1]) if project else []
        if not names:
            return self._answer(404, b"no such project")
        digests = {name: hashlib.sha256(index.files[name]).hexdigest() for name in names}
        if index.profile.is_json and _JSON in self.headers.get("Accept", ""):
            files = [{"filename": one, "url": f"/files/{one}", "hashes": {"sha256": digests[one]}} for one in names]
            return self._answer(200, json.dumps({"meta": {}, "files": files}).encode(), _JSON)
        links = [f'<a href="/files/{html.escape(one)}#sha256={digests[one]}">{html.escape(one)}</a>' for one in names]
        return self._answer(200, "".join(links).encode())

    def _fields(self, body: bytes) -> Mapping[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        found: dict[str, bytes] = {}
        parts: list[Message] = message_from_bytes(head + body).get_payload()  # type: ignore[assignment]
        for part in parts:
            name = str(part.get_param("name", header="content-disposition"))
            found[name] = part.get_payload(decode=True)  # type: ignore[assignment]
            if part.get_filename():
                found["filename"] = str(part.get_filename()).encode()
        return found

    def _answer(self, status: int, body: bytes, kind: str = "text/html", location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name for it
        """What came is in `FakeIndex.requests`."""
