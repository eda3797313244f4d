"""What the index is asked, how its answers are read, and who gets our credentials."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from tests.support.index_server import PASSWORD, USER, IndexServer
from tests.support.receivers import self_signed
from tests.support.wheels import sdist, wheel
from venvbuild.errors import IndexUnavailable, IntegrityError, ResolutionError, UsageError
from venvbuild.package_index import client
from venvbuild.package_index.client import PackageIndex
from venvbuild.package_index.pages import file_of


class _Canned:
    """A server that answers each path as told: (status, headers, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.seen: list[tuple[str, str]] = []
        self.later: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """What a path answers from the second time on."""
        self.content_range = "bytes {begin}-{end}/{size}"
        """What it says of a part; "" for nothing."""
        canned = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canned.seen.append((self.path, self.headers.get("Authorization", "")))
                status, headers, body = canned.answers.get(self.path, (404, {}, b""))
                if self.path in canned.later:
                    canned.answers[self.path] = canned.later.pop(self.path)
                begin, end = 0, len(body)
                wanted = self.headers.get("Range", "")
                if wanted.startswith("bytes=-"):
                    begin = max(0, end - int(wanted[7:]))
                elif wanted.startswith("bytes="):
                    begin, end = int(wanted[6:].split("-")[0]), int(wanted.split("-")[1]) + 1
                self.send_response(206 if wanted and status == 200 else status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if wanted and canned.content_range:
                    said = canned.content_range.format(begin=begin, end=end - 1, size=len(body))
                    self.send_header("Content-Range", said)
                self.send_header("Content-Length", str(end - begin))
                self.end_headers()
                self.wfile.write(body[begin:end])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def canned() -> Iterator[_Canned]:
    made = _Canned()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_page_of_json_is_read(canned: _Canned) -> None:
    name = "good-1.0-py3-none-any.whl"
    page = {"meta": {"api-version": "1.1"}, "name": "good", "files": [
        {"filename": name, "url": f"../../f/{name}", "hashes": {"sha256": "ab"},
         "requires-python": ">=3.9", "yanked": "broken", "core-metadata": {"sha256": "cd"}},
        {"filename": "good-2.0.tar.gz", "url": "/f/good-2.0.tar.gz", "hashes": {}, "yanked": False},
        {"filename": "good-2.0.exe", "url": "x", "hashes": {}},
        {"filename": "other-2.0.tar.gz", "url": "x", "hashes": {}}]}  # fmt: skip
    kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    canned.answers["/simple/good/"] = (200, kind, json.dumps(page).encode())
    project = PackageIndex(f"{canned.url}/simple").project("good")
    assert project is not None
    assert [(file.filename, file.yanked, file.has_metadata, file.requires_python) for file in project.files] == [
        ("good-1.0-py3-none-any.whl", "broken", True, ">=3.9"), ("good-2.0.tar.gz", None, False, "")]  # fmt: skip
    assert project.files[0].url == f"{canned.url}/f/good-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "name",
    [
        "good-1.0-py3-none-any.whl",
        "Good-1.0.post1+local.1-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "good-1.0-7_build-py3-none-any.whl",
        "good-one-py3-none-any.whl",
        "go__od-1.0-py3-none-any.whl",
        "good-1.0-py3-none.whl",
        "good-1_0-py3-none-any.whl",
        "g.o_od-1!2.0rc1-py2.py3-none-any.whl",
        "good-1.0-py3-none-any.WHL",
    ],
)
def test_the_name_of_a_wheel_is_read_as_packaging_reads_it(name: str) -> None:
    try:
        owner, version, _, tags = parse_wheel_filename(name)
        expected = [(version, tags)]
    except InvalidWheelFilename:
        owner, expected = canonicalize_name("good"), []
    files = file_of(name, "https://x/y", owner, "", "", None, False)
    assert [(file.version, file.tags) for file in files] == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"files": 3}', b'{"files": [{"filename": 1}]}', b"\xff\xfe"])
def test_a_broken_page_is_an_empty_one(canned: _Canned, body: bytes) -> None:
    kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    canned.answers["/simple/good/"] = (200, kind, body)
    with pytest.raises(UsageError, match="not even pip"):
        PackageIndex(f"{canned.url}/simple").project("good")


def test_metadata_comes_from_pep_658_or_from_the_end_of_the_wheel(canned: _Canned, tmp_path: Path) -> None:
    made = wheel(tmp_path, "good", "1.0", requires=["dep>=1"], python=">=3.8", files={"big.bin": b"x" * 500_000})
    for attribute in ("", ' data-core-metadata="sha256=x"'):
        link = f'<a href="/f/{made.name}"{attribute}>x</a>'.encode()
        canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html"}, link)
        canned.answers[f"/f/{made.name}"] = (200, {}, made.read_bytes())
        canned.answers[f"/f/{made.name}.metadata"] = (200, {}, b"Requires-Dist: dep>=1\nRequires-Python: >=3.8\n")
        index = PackageIndex(f"{canned.url}/simple")
        project = index.project("good")
        assert project is not None
        assert index.requirements_of(project.files[0]) == ["dep>=1"]
    assert (f"/f/{made.name}.metadata", "") in canned.seen


@pytest.mark.parametrize(
    "said",
    [
        "",
        "bytes 0-9/*",
        "bytes {begin}-{end}/10",
        "bytes 0-{end}/{size}",
        "bytes {begin}-{begin}/{size}",
        "lines 1-2/3",
    ],
)
def test_a_part_that_is_not_the_one_asked_for_is_not_read(canned: _Canned, tmp_path: Path, said: str) -> None:
    made = wheel(tmp_path, "good", "1.0", files={"big.bin": b"x" * 500_000})
    canned.content_range = said
    canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html"}, f'<a href="/f/{made.name}">x</a>'.encode())
    canned.answers[f"/f/{made.name}"] = (200, {}, made.read_bytes())
    index = PackageIndex(f"{canned.url}/simple")
    project = index.project("good")
    assert project
    with pytest.raises(IndexUnavailable, match="Content-Range"):
        index.requirements_of(project.files[0])


def test_a_page_without_end_is_no_page_with_fewer_files(canned: _Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PAGE_LIMIT", 1 << 20)
    link = b'<a href="good-1.0.tar.gz">x</a>'
    for size, is_read in ((1 << 20, True), ((1 << 20) + 1, False)):
        canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html"}, link + b" " * (size - len(link)))
        index = PackageIndex(f"{canned.url}/simple")
        if is_read:
            assert index.project("good")
        else:
            with pytest.raises(UsageError, match="over 1 MiB"):
                index.project("good")


def test_bytes_that_were_wrong_once_are_not_kept(canned: _Canned, tmp_path: Path) -> None:
    """A cache on the way may send others the next time."""
    page = f'<a href="/f/good-1.0.tar.gz#sha256={hashlib.sha256(b"right").hexdigest()}">x</a>'.encode()
    canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html"}, page)
    canned.answers["/f/good-1.0.tar.gz"] = (200, {}, b"wrong")
    canned.later["/f/good-1.0.tar.gz"] = (200, {}, b"right")
    index = PackageIndex(f"{canned.url}/simple")
    project = index.project("good")
    assert project
    with pytest.raises(IntegrityError, match="other bytes than promised"):
        index.download(project.files[0], tmp_path / "got")
    assert not (tmp_path / "got").exists()
    assert index.download(project.files[0], tmp_path / "got") == hashlib.sha256(b"right").hexdigest()


def test_an_authority_of_ones_own_is_trusted_only_where_it_is_named(canned: _Canned, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    canned.server.socket = context.wrap_socket(canned.server.socket, server_side=True)
    canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html"}, b'<a href="good-1.0.tar.gz">x</a>')
    url = canned.url.replace("http:", "https:") + "/simple"
    trusting = PackageIndex(url, cafile=certificate)
    assert trusting.project("good")
    for cafile in (None, tmp_path / "absent.pem"):
        with pytest.raises(IndexUnavailable, match="certificate"):
            PackageIndex(url, cafile=cafile).project("good")


def test_credentials_are_not_carried_to_another_host(canned: _Canned) -> None:
    other = canned.url.replace("127.0.0.1", "localhost")
    canned.answers["/simple/good/"] = (302, {"Location": f"{other}/elsewhere/"}, b"")
    canned.answers["/elsewhere/"] = (200, {"Content-Type": "text/html"}, b'<a href="good-1.0.tar.gz">x</a>')
    PackageIndex(canned.url.replace("//", "//robot:s3cret@") + "/simple").project("good")
    assert [bool(authorization) for _, authorization in canned.seen] == [True, False]


def test_credentials_come_from_netrc_too(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "good", "1.0")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    assert PackageIndex(index.url("auth"), netrc_file=netrc).project("good") is not None
    with pytest.raises(UsageError, match="wants credentials"):
        PackageIndex(index.url("auth")).project("good")


@pytest.mark.parametrize(
    ("mode", "error"),
    [("status-401", UsageError), ("status-403", UsageError), ("status-418", UsageError), ("none", UsageError),
     ("login", UsageError), ("status-429", IndexUnavailable), ("status-502", IndexUnavailable)],
)  # fmt: skip
def test_each_status_has_its_class(index: IndexServer, mode: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        PackageIndex(index.url(mode)).project("good")


def test_a_name_the_index_does_not_have_is_none_when_it_has_pip(index: IndexServer) -> None:
    assert PackageIndex(index.url()).project("nowhere") is None


def test_verify_finds_wrong_and_cut_files(index: IndexServer) -> None:
    wheel(index.folder, "good", "1.0")
    for mode, error in (("wrong", IntegrityError), ("cut", IndexUnavailable), ("file-404", ResolutionError)):
        asked = PackageIndex(index.url(mode))
        project = asked.project("good")
        assert project is not None
        with pytest.raises(error):
            asked.verify(project.files[0])


def test_a_download_that_is_wrong_leaves_no_file(index: IndexServer, tmp_path: Path) -> None:
    sdist(index.folder, "good", "1.0")
    asked = PackageIndex(index.url("wrong"))
    project = asked.project("good")
    assert project is not None
    with pytest.raises(IntegrityError):
        asked.download(project.files[0], tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_page_that_is_cut_is_an_index_that_is_unavailable(canned: _Canned) -> None:
    canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html", "Transfer-Encoding": "chunked"}, b"zz")
    with pytest.raises(IndexUnavailable):
        PackageIndex(f"{canned.url}/simple").project("good")


def test_a_link_that_is_no_url_hides_no_other(canned: _Canned) -> None:
    links = b'<a href="http://[bad">x</a><a href="good-1.0.tar.gz">x</a>'
    canned.answers["/simple/good/"] = (200, {"Content-Type": "text/html"}, links)
    project = PackageIndex(f"{canned.url}/simple").project("good")
    assert project is not None
    assert len(project.files) == 1


def test_further_indexes_and_folders_are_asked_too(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "good", "1.0")
    wheel(tmp_path / "links", "good", "2.0")
    asked = PackageIndex(index.url("none"), extra_urls=(index.url(),), find_links=(str(tmp_path / "links"),))
    project = asked.project("good")
    assert project is not None
    assert [str(version) for version in project.versions] == ["1.0", "2.0"]
    asked.verify(project.files[0])


def test_an_address_that_is_no_url_is_2() -> None:
    with pytest.raises(UsageError):
        PackageIndex("gopher://x/simple").project("good")


def test_a_folder_of_find_links_may_be_a_url_and_one_that_is_not_there_is_named(
    index: IndexServer, tmp_path: Path
) -> None:
    wheel(tmp_path / "my links", "linked", "1.0")
    asked = PackageIndex(index.url(), find_links=((tmp_path / "my links").as_uri(),))
    project = asked.project("linked")
    assert project
    assert [file.filename for file in project.files] == ["linked-1.0-py3-none-any.whl"]
    with pytest.raises(UsageError, match="no such folder for --find-links") as refused:
        PackageIndex(index.url(), find_links=("/no/such/folder",)).project("linked")
    assert refused.value.problems[0].where == "/no/such/folder"


class _Endless(BaseHTTPRequestHandler):
    """Sends for ever: many bytes at once, one now and then, or a head of which a byte comes now and then."""

    def do_GET(self) -> None:
        with contextlib.suppress(OSError):
            while self.path == "/simple/head/":
                self.wfile.write(b"H")
                time.sleep(0.05)
            if self.headers.get("Range"):
                self.send_response(206)
                self.send_header("Content-Range", "bytes 0-9/10")
            else:
                self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            while True:
                self.wfile.write(b" " * (1 if "drip" in self.path else 1 << 16))
                time.sleep(0.05 if "drip" in self.path else 0)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def endless() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "error", "what"),
    [
        ("good", UsageError, "a page of over 1 MiB"),
        ("drip", IndexUnavailable, "it sends less than 1000 bytes a second"),
        ("head", IndexUnavailable, "the package index is unavailable"),
    ],
)
def test_a_page_that_never_ends_is_given_up(
    endless: str, monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception], what: str
) -> None:
    monkeypatch.setattr(client, "_PAGE_LIMIT", 1 << 20)
    with pytest.raises(error, match=what):
        PackageIndex(f"{endless}/simple", timeout_s=0.3).project(name)


def test_a_file_that_never_ends_is_given_up_by_what_the_index_says_of_its_size(
    endless: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_FILE_LIMIT", 1 << 20)
    name, index = "good-1.0-py3-none-any.whl", PackageIndex(endless)
    for size, said in ((100_000, "has 100000 bytes, and more come"), (None, "of no file how large it is")):
        [file] = file_of(name, f"{endless}/{name}", "good", "", "", None, False, size)
        with pytest.raises(IntegrityError, match=said):
            index.download(file, tmp_path / name)
        assert not list(tmp_path.iterdir())
        with pytest.raises(UsageError, match="more than the 65536 bytes that it was asked for"):
            index.requirements_of(file)


@pytest.mark.parametrize("size", [None, 0, -1, "5", True, 7.5, [7]])
def test_a_size_that_is_none_is_not_believed(canned: _Canned, size: object) -> None:
    one = {"filename": "good-1.0-py3-none-any.whl", "url": "/f/good", "size": size}
    kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    canned.answers["/simple/good/"] = (200, kind, json.dumps({"files": [one, {**one, "size": 7}]}).encode())
    project = PackageIndex(f"{canned.url}/simple").project("good")
    assert project
    assert [file.size_bytes for file in project.files] == [None, 7]


@pytest.mark.parametrize("encoding", ["gzip", "X-GZIP", "deflate"])
def test_a_page_is_inflated_to_no_more_than_a_page_may_have(
    canned: _Canned, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(client, "_PAGE_LIMIT", 1 << 20)
    compress = zlib.compress if encoding == "deflate" else gzip.compress
    link = b'<a href="good-1.0.tar.gz">x</a>'
    head = {"Content-Type": "text/html", "Content-Encoding": encoding}
    packed = compress(link)
    for body, said in (
        (compress(link + b" " * (1 << 20)), "over 1 MiB"),
        (packed[:-4], "compressed, and cut"),
        (link, "cannot be inflated"),
    ):
        canned.answers["/simple/good/"] = (200, head, body)
        with pytest.raises((UsageError, IndexUnavailable), match=said):
            PackageIndex(f"{canned.url}/simple").project("good")
    canned.answers["/simple/good/"] = (200, head, packed)
    assert PackageIndex(f"{canned.url}/simple").project("good")


def test_metadata_that_is_made_to_fill_memory_is_not_unpacked(
    canned: _Canned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PAGE_LIMIT", 1 << 20)
    head = "Metadata-Version: 2.1\nName: good\nVersion: 1.0\n"
    made = wheel(tmp_path, "good", "1.0", metadata=head + " \n" * 600_000)
    canned.answers[f"/f/{made.name}"] = (200, {}, made.read_bytes())
    [file] = file_of(made.name, f"{canned.url}/f/{made.name}", "good", "", "", None, False)
    with pytest.raises(ResolutionError, match="its METADATA has over 1 MiB"):
        PackageIndex(canned.url).requirements_of(file)
