"""Who is asked while uv resolves: nobody but allowed hosts, whatever the index leads to."""

from __future__ import annotations

import base64
import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.snowflake.test_making import Maker
from tests.support.index_server import IndexServer
from tests.support.wheels import wheel
from venvbuild.errors import UsageError
from venvbuild.snowflake import gate
from venvbuild.snowflake.gate import Gate
from venvbuild.snowflake.wheels import ForeignHost, Hosts


class Leading(BaseHTTPRequestHandler):
    """An index whose pages lead to another host: by links, by a redirect of the file, or of the page itself."""

    index: IndexServer
    other: str
    how: str
    here: str

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        project = self.path.strip("/").rpartition("/")[2]
        if self.how == "page" or (self.how == "file" and "/files/" in self.path):
            return self._answer(302, b"", Location=f"http://{self.other}{self.path}")
        page = self.index.page("ok", project)
        body = page.replace(b'href="', f'href="http://{self.other}'.encode()) if self.how == "links" else page
        return self._answer(200 if page else 404, body)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
        pass


@pytest.fixture
def leading(index: IndexServer) -> Iterator[type[Leading]]:
    """One on 127.0.0.2, which leads to `index`; its place is `here`, and `how` is to be set."""
    handler: type[Leading] = type("_Leading", (Leading,), {"index": index, "other": f"127.0.0.1:{index.port}"})
    with ThreadingHTTPServer(("127.0.0.2", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        handler.here = f"127.0.0.2:{server.server_port}"
        yield handler
        server.shutdown()


@pytest.mark.parametrize("how", ["links", "file", "page"])
def test_no_byte_is_asked_of_another_host_before_it_is_allowed(
    tmp_path: Path, leading: type[Leading], index: IndexServer, how: str
) -> None:
    wheel(index.folder, "tiny", "1.0", requires=["helper"])
    wheel(index.folder, "helper", "2.0")
    leading.how = how
    maker = Maker(tmp_path, f"http://robot:Canary@{leading.here}/ok/simple")
    with pytest.raises(ForeignHost, match=f"to another host: 127.0.0.1:{index.port}.*--allow-host") as refused:
        maker.make("tiny==1.0")
    assert index.requests == []
    if how == "links":
        assert "the index's page of tiny" in str(refused.value)
    # followed to the letter, it is asked, and without credentials
    made = maker.make("tiny==1.0", allowed_hosts=(refused.value.problems[0].fix.rpartition(" ")[2],))
    assert [one.name for one in made.distributions] == ["helper", "tiny"]
    assert {authorization for _, authorization in index.requests} == {""}


@pytest.fixture
def open_gate(index: IndexServer) -> Iterator[Gate]:
    with gate.opened(Hosts.of([index.url()], [], [], may_http=False).judge) as opened:
        yield opened


def asked(through: Gate, url: str, authorization: str | None = None, *, tunnels: bool = False) -> int:
    """The status of the answer that comes through the gate, with the credentials of its variables unless others are
    given; `tunnels` as for TLS.
    """
    proxy, there = urlsplit(through.variables["HTTP_PROXY"]), urlsplit(url)
    basic = "Basic " + base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    headers = {"Proxy-Authorization": basic if authorization is None else authorization}
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.port or 0, timeout=20)) as connection:
        if tunnels:
            connection.set_tunnel(there.hostname or "", there.port, headers)
        connection.request("GET", there.path if tunnels else url, headers={} if tunnels else headers)
        return connection.getresponse().status


def test_nobody_goes_through_who_does_not_know_its_word(open_gate: Gate, index: IndexServer) -> None:
    url = index.url() + "/pip/"
    assert [asked(open_gate, url, ""), asked(open_gate, url, "Basic eDp5"), asked(open_gate, url)] == [407, 407, 200]
    assert len(index.requests) == 1
    assert open_gate.refusal() is None
    assert asked(open_gate, "http://127.0.0.3:9/simple/pip/") == 403
    assert isinstance(open_gate.refusal(), UsageError)


@pytest.mark.parametrize("tunnels", [False, True])
def test_the_users_own_proxy_is_behind_it(
    open_gate: Gate, index: IndexServer, monkeypatch: pytest.MonkeyPatch, tunnels: bool
) -> None:
    # a second gate stands for it: it wants credentials, and says what it was asked for
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    seen: list[str] = []
    url = f"{index.url()}/pip/"
    with gate.opened(lambda address: seen.append(address.shown)) as theirs:
        ways = [gate._proxy_for, lambda *_: ""]  # both are in this process, and theirs goes to the host itself
        monkeypatch.setattr(gate, "_proxy_for", lambda *place: ways.pop(0)(*place))
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, theirs.variables[name])
        assert asked(open_gate, url, tunnels=tunnels) == 200
    assert seen == [f"https://127.0.0.1:{index.port}" if tunnels else url]
