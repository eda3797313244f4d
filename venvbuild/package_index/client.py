"""Our own questions to the package index: which files a project has, what they need, whether it answers at all.

Installers say "no matching distribution" for a dead index, a login page and a typing error alike; the exit code of a
failed build therefore rests on what is asked here. Speaks the simple repository API, JSON and HTML (PEP 503, 592, 629,
658, 691, 700, 714, 792).
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import http.client
import io
import netrc
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from email.parser import Parser
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

from venvbuild.errors import IndexUnavailable, IntegrityError, ResolutionError, UsageError
from venvbuild.package_index.min_age import MinAge
from venvbuild.package_index.pages import Page, file_of, read_page
from venvbuild.package_index.project import File, Project
from venvbuild.redaction import REDACTOR, Address, strip_credentials
from venvbuild.text import some_of

# PEP 691: JSON where the server has it, else HTML, of whatever age the server is
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_PAGE_LIMIT = 64 << 20
"""Of a page, as it comes and as it is when it is inflated."""
_FILE_LIMIT = 16 << 30
"""Of a file of which neither the index nor the server says how large it is."""
_WHOLE_LIMIT = 4 << 30
"""Of a wheel that is read into memory, from a server that knows no ranges."""
ENDLESS = "ENDLESS_PAGE"
"""The rule of an answer that is larger than any may be, or comes so slowly that it never ends."""
_CHUNK = 1 << 18
_KINDS = hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}
"""Of hashes that somebody may have; the two have no length of their own."""
_SLOWEST = 1000
"""Bytes a second; what comes slower, after a grace of one time-out, never ends."""


class PackageIndex:
    """One index, asked with the credentials of its URL or of netrc.

    Every call raises `IndexUnavailable` (6: refused, DNS, time-out, 429, 5xx) and `UsageError` (2: 401, 403, or an
    address that is no index: it does not answer for `pip` either).
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 20,
        cafile: Path | None = None,
        netrc_file: Path | None = None,
        extra_urls: tuple[str, ...] = (),
        find_links: tuple[str, ...] = (),
        judge: Callable[[Address], None] | None = None,
    ) -> None:
        """`judge` is shown every address before it is asked, those of redirects too, and raises to refuse one."""
        # as uv asks them: further indexes first, and the first that has a name is the one that counts for it
        self._addresses = tuple(Address(one.rstrip("/")) for one in (*extra_urls, url))
        self.url = self._addresses[-1].shown
        """Of the main index, without credentials: for messages."""
        self._find_links = find_links
        self._timeout_s = timeout_s
        self._netrc = netrc_file
        # Of the head of an answer: what comes after it is judged as it comes.
        self._judge_address = judge or (lambda _: None)
        self._cafile = cafile
        self._opener = self._opened()
        self._told: dict[str, Project | None] = {}
        self._min_age: MinAge | None = None
        self._admitted: dict[str, Project] = {}

    def sharing(self, known: dict[str, Project | None] | None, min_age: MinAge | None) -> Self:
        """This index, before it is asked: it begins with what another one, of the same places, has read, adds to it,
        and hides files that are too new from all who look for one.
        """
        self._told, self._min_age = self._told if known is None else known, min_age
        return self

    def hurried(self, timeout_s: float) -> Self:
        """The same index, whose answers it shares, for who waits no longer than this."""
        one = copy.copy(self)
        one._timeout_s = min(timeout_s, self._timeout_s)
        one._opener = one._opened()
        return one

    def _opened(self) -> urllib.request.OpenerDirector:
        whole_s = 3 * self._timeout_s
        return urllib.request.build_opener(
            _Http(whole_s), _Https(self._cafile, whole_s), _Redirects(self._judge_address)
        )

    @property
    def places(self) -> tuple[str, ...]:
        """Where it looks, without credentials: who looks in the same places is told the same."""
        links = (strip_credentials(one) if "://" in one else one for one in self._find_links)
        return (*(one.shown for one in self._addresses), *links)

    def project(self, name: str) -> Project | None:
        """The project of this canonical name; None when neither an index nor a place of find-links has a file of it."""
        told = self.told(name)
        if told is None or not told.files:
            return None
        if self._min_age is None:
            return told
        if name not in self._admitted:
            admits = self._min_age.admits
            files = tuple(file for file in told.files if admits(name, file.uploaded_at))
            self._admitted[name] = replace(told, files=files)
        return self._admitted[name]

    @property
    def in_quarantine(self) -> dict[str, str]:
        """The reason, by canonical name, of the projects that were asked for and are in quarantine (PEP 792)."""
        stati = {name: one.status for name, one in list(self._told.items()) if one}
        return {name: one.reason for name, one in stati.items() if one and one.word == "quarantined"}

    def told(self, name: str) -> Project | None:
        """The same with all its files, however new, and where it has a status and no file. Raises as `project` does."""
        if name not in self._told:
            linked = tuple(file for place in self._find_links for file in self._linked(place, name))
            pages = (self._page(one.url, name) for one in self._addresses)
            page = next((one for one in pages if one.files or one.status), Page())
            # every index has pip; an address that is none (a typing error, a login page) has nothing, which installers
            # call a missing package
            if page == Page() and not linked and name != "pip" and not self._answers_for_pip():
                raise UsageError(
                    "the package index does not answer for any package, not even pip",
                    where=f"{self.url}/{name}/",
                    why="404 or a page that lists no files (a login page?)",
                    fix="correct the index URL (VENVBUILD_INDEX_URL); it ends in /simple on most servers",
                    rule="WRONG_INDEX",
                )
            files = (*linked, *page.files)
            self._told[name] = Project(name, files, page.status) if files or page.status else None
        return self._told[name]

    def _answers_for_pip(self) -> bool:
        return self.told("pip") is not None

    def _page(self, url: str, name: str) -> Page:
        """What one index says; nothing when it does not have the project."""
        try:
            return read_page(*self._read_page(f"{url}/{name}/"), name)
        except _NotFound:
            return Page()

    def _linked(self, place: str, name: str) -> Iterator[File]:
        """The files of a folder or a page of links (pip's and uv's `--find-links`)."""
        if place.startswith("file://"):
            place = urllib.request.url2pathname(urllib.parse.urlsplit(place).path)
        if "://" not in place:
            if not Path(place).exists():
                raise UsageError(
                    "there is no such folder for --find-links",
                    where=place,
                    fix="correct it, or leave it out (VENVBUILD_FIND_LINKS, --find-links)",
                )
            for path in sorted(Path(place).glob("*")):
                for file in file_of(path.name, path.absolute().as_uri(), name, "", "", None, False):
                    yield replace(file, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
            return
        with contextlib.suppress(_NotFound):
            yield from read_page(*self._read_page(place), name).files

    def _read_page(self, url: str) -> tuple[bytes, str, str]:
        """Content, media type and final address of a page."""
        with self._open(url, {"Accept": _ACCEPT}) as reply:
            content = _decoded(reply, self._whole(reply, _PAGE_LIMIT))
            return content, reply.headers.get_content_type(), reply.url

    def requirements_of(self, file: File) -> list[str]:
        """The Requires-Dist lines of a wheel, from PEP 658 or by reading the wheel's end.

        Raises:
            IntegrityError: the wheel's bytes are not those the index promises.
        """
        if file.has_metadata:
            # promised and not there: the wheel has it too
            with contextlib.suppress(_NotFound), self._open(file.url + ".metadata") as reply:
                return _requires_dist(_decoded(reply, self._whole(reply, _PAGE_LIMIT)))
        try:
            with zipfile.ZipFile(_Ranged(self, file.url)) as archive:
                member = next(
                    member
                    for member in archive.namelist()
                    if member.endswith(".dist-info/METADATA") and member.count("/") == 1
                )
                if archive.getinfo(member).file_size > _PAGE_LIMIT:
                    raise zipfile.BadZipFile(f"its METADATA has over {_PAGE_LIMIT >> 20} MiB")
                return _requires_dist(archive.read(member))
        except _NotFound as error:
            raise _file_is_gone(file) from error
        except (zipfile.BadZipFile, StopIteration, NotImplementedError, OSError) as error:
            # zipfile raises NotImplementedError for a compression it does not know
            # whose fault it is: other bytes than promised are the index's (8), the promised ones the publisher's (4)
            self.verify(file)
            raise ResolutionError(
                f"{file.filename} is no readable wheel: {error}",
                where=file.address.shown,
                fix="ask its publisher to upload it again, or pin another version",
            ) from error

    def verify(self, file: File, allowed: frozenset[str] = frozenset()) -> None:
        """Read the whole file; one of its hashes is `allowed` (`sha256:...`, `sha512:...`), or the one the index names.

        Raises:
            IntegrityError: it is another one. IndexUnavailable: the connection is cut within the file.
        """
        self._judge(file, self._hashed(file, None, {one.partition(":")[0] for one in allowed}), allowed)

    def hashes_of(self, file: File, kinds: Collection[str]) -> frozenset[str]:
        """Read the whole file; its hashes of these kinds (`sha512`: `sha512:...`) and sha256. Raises as `verify`."""
        found = self._hashed(file, None, kinds)
        self._judge(file, found)
        return found

    def _judge(self, file: File, found: frozenset[str], allowed: frozenset[str] = frozenset()) -> None:
        expected = allowed or frozenset({f"sha256:{file.sha256}"} if file.sha256 else ())
        if expected and expected.isdisjoint(found):
            raise IntegrityError(
                f"{file.filename} has other bytes than promised",
                where=file.address.shown,
                why=f"expected {some_of(sorted(expected), 300)}, got {', '.join(sorted(found))}",
                fix="ask who runs the index; a proxy or a cache may have damaged or replaced the file",
                rule="WRONG_BYTES",
            )

    def download(self, file: File, target: Path) -> str:
        """Write the file to `target`; its sha256. Raises as `verify` does."""
        try:
            with target.open("wb") as out:
                found = self._hashed(file, out)
            # of the bytes that came; read again, they may be others
            self._judge(file, found)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return next(iter(found)).removeprefix("sha256:")

    def _hashed(self, file: File, out: IO[bytes] | None, kinds: Collection[str] = ()) -> frozenset[str]:
        """What comes, by sha256 and by those of these kinds that are any (`_KINDS`); written to `out`."""
        digests, size = {kind: hashlib.new(kind) for kind in {"sha256", *(_KINDS & {*kinds})}}, 0
        try:
            with self._open(file.url) as reply:
                promised = reply.headers.get("Content-Length")
                for chunk in self._pieces(reply):
                    for digest in digests.values():
                        digest.update(chunk)
                    size += len(chunk)
                    _refuse_larger(file, size)
                    if out:
                        out.write(chunk)
        except _NotFound as error:
            raise _file_is_gone(file) from error
        except (http.client.HTTPException, OSError) as error:
            raise _unavailable(file.address.shown, error) from error
        # http.client ends a read of so many bytes without a word when the connection is cut
        if promised is not None and promised.isdigit() and size < int(promised):
            raise _unavailable(file.address.shown, f"the connection was cut after {size} of {promised} bytes")
        return frozenset(f"{kind}:{digest.hexdigest()}" for kind, digest in digests.items())

    def read_range(self, url: str, first: int, last: int) -> tuple[bytes, int]:
        """Bytes `first` to `last` (inclusive; negative `first`: from the end) and the size of the whole file."""
        wanted = f"bytes={first}" if first < 0 else f"bytes={first}-{last}"
        # identity: ranges of an encoded body would count other bytes
        with self._open(url, {"Range": wanted, "Accept-Encoding": "identity"}) as reply:
            is_part = reply.status == http.client.PARTIAL_CONTENT
            body = self._whole(reply, (-first if first < 0 else last + 1 - first) if is_part else _WHOLE_LIMIT)
            if is_part:
                return body, _size_of_all(reply, first, len(body))
            # a server that knows no ranges sends everything, with 200
            return (body[first:] if first < 0 else body[first : last + 1]), len(body)

    def _open(self, url: str, headers: dict[str, str] | None = None) -> Any:
        address = Address(url)
        self._judge_address(address)
        try:
            if urllib.parse.urlsplit(url).scheme not in ("http", "https", "file"):
                raise ValueError(url)
            request = urllib.request.Request(  # noqa: S310  # the scheme is judged by the settings, or came from the index
                # urllib takes `user:password@host` for the name of a host
                address.asked,
                headers={"User-Agent": "venvbuild", **(headers or {})},
            )
            credentials = address.credentials or self._credentials_for(address)
        except ValueError as error:
            raise UsageError("this is no URL", where=address.shown, fix="write https://host/simple") from error
        if credentials:
            # Unredirected: a redirect to another host (a CDN) must not carry our credentials there.
            basic = base64.b64encode(":".join(credentials).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {basic}")
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(address.shown, error.code, bool(credentials)) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, FileNotFoundError):  # of a file:// index
                raise _NotFound from error
            raise _unavailable(address.shown, error.reason) from error
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise _unavailable(address.shown, error) from error

    def _pieces(self, reply: Any) -> Iterator[bytes]:
        """What comes, as it comes.

        Raises:
            IndexUnavailable: so slowly that it may never end.
        """
        begun, size = time.monotonic(), 0
        # not `read`, which waits until all of a chunk is there
        while piece := reply.read1(_CHUNK):
            size += len(piece)
            yield piece
            if time.monotonic() - begun > self._timeout_s + size / _SLOWEST:
                raise _unavailable(Address(reply.url).shown, f"it sends less than {_SLOWEST} bytes a second", ENDLESS)

    def _whole(self, reply: Any, limit: int) -> bytes:
        """All of a reply of at most `limit` bytes; one that stalls, breaks or is cut is an unavailable index."""
        content = bytearray()
        try:
            for piece in self._pieces(reply):
                content += piece
                if len(content) > limit:
                    raise _too_large(reply, limit)
        except (http.client.HTTPException, OSError) as error:
            raise _unavailable(Address(reply.url).shown, error) from error
        # what is cut off and yet read without an error would pass for a page with fewer files
        promised = reply.headers.get("Content-Length") or ""
        if promised.isdigit() and len(content) < int(promised):
            raise _unavailable(Address(reply.url).shown, f"cut after {len(content)} of {promised} bytes")
        return bytes(content)

    def _credentials_for(self, address: Address) -> tuple[str, str] | None:
        # pages name their files by URLs without credentials, mostly on the index's own host
        for ours in self._addresses:
            if ours.credentials and address.place == ours.place:
                return ours.credentials
        return netrc_login(self._netrc, urllib.parse.urlsplit(address.url).hostname)


def netrc_login(file: Path | None, host: str | None) -> tuple[str, str] | None:
    """User and password that a netrc file has for a host; None where it has none, or is none."""
    # as pip does: a netrc that cannot be read counts as none
    with contextlib.suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError):
        entry = netrc.netrc(str(file)).authenticators(host) if file and host else None
        if entry:
            return entry[0] or "", entry[2] or ""
    return None


class _NotFound(Exception):
    """404 or 410."""


class _Ranged(io.RawIOBase):
    """A remote file read by ranges, so that a wheel's METADATA costs two small requests."""

    def __init__(self, index: PackageIndex, url: str) -> None:
        self._index, self._url, self._place = index, url, 0
        # where zipfile looks for the end record; the directory of most wheels, and METADATA, lie there too
        self._tail, self._size = index.read_range(url, -(1 << 16), 0)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._place + size)
        if self._place >= end:
            return b""
        tail_begins = self._size - len(self._tail)
        if self._place >= tail_begins:
            body = self._tail[self._place - tail_begins : end - tail_begins]
        else:
            body, _ = self._index.read_range(self._url, self._place, end - 1)
        self._place += len(body)
        return body


def _size_of_all(reply: Any, first: int, length: int) -> int:
    """The size of the file that this is `length` bytes of, from `first` on (negative: from the end); by RFC 9110, 14.4.

    Raises:
        IndexUnavailable: the reply does not say, or is of other bytes than those that were asked for.
    """
    said = reply.headers.get("Content-Range") or ""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", said)
    if found:
        begin, end, size = map(int, found.groups())
        if end + 1 - begin == length and begin == (max(0, size + first) if first < 0 else first) and end < size:
            return size
    why = f"asked for a part of the file, it sends {length} bytes as Content-Range: {said[:100] or 'none'}"
    raise _unavailable(Address(reply.url).shown, why)


def _decoded(reply: Any, content: bytes) -> bytes:
    """A page that came compressed, though nobody asked for that, inflated to at most what a page may have."""
    if (reply.headers.get("Content-Encoding") or "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    # 32: whether zlib or gzip, its head says
    inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        found = inflating.decompress(content, _PAGE_LIMIT + 1)
    except zlib.error as error:
        raise _unavailable(Address(reply.url).shown, f"a page cannot be inflated: {error}") from error
    if len(found) > _PAGE_LIMIT:
        raise _too_large(reply, _PAGE_LIMIT)
    if not inflating.eof:
        raise _unavailable(Address(reply.url).shown, "a page is compressed, and cut")
    return found


def _too_large(reply: Any, limit: int) -> UsageError:
    return UsageError(
        f"the package index answers with a page of over {limit >> 20} MiB"
        if limit >= 1 << 20
        else f"the package index answers with more than the {limit} bytes that it was asked for",
        where=Address(reply.url).shown,
        fix="correct the index URL",
        rule=ENDLESS,
    )


def _refuse_larger(file: File, size_bytes: int) -> None:
    limit = file.size_bytes or _FILE_LIMIT
    if size_bytes > limit:
        raise IntegrityError(
            f"{file.filename} has other bytes than promised",
            where=file.address.shown,
            why=f"the index says that it has {limit} bytes, and more come"
            if file.size_bytes
            else f"it has more than {limit >> 30} GiB, and the index says of no file how large it is",
            fix="ask who runs the index; a proxy or a cache may have damaged or replaced the file",
            rule="WRONG_BYTES",
        )


def _refused(url: str, status: int, with_credentials: bool) -> Exception:
    if status in (404, 410):
        return _NotFound()
    if status in (401, 403, 407):
        why = (
            "the credentials given are not accepted"
            if with_credentials
            else "it wants credentials and none are configured"
        )
        return UsageError(
            f"the package index refuses access (HTTP {status})",
            where=url,
            why=why,
            fix="put them into the index URL in the environment (VENVBUILD_INDEX_URL) or into netrc",
            rule="INDEX_REFUSES",
        )
    if status == 429 or status >= 500:
        return _unavailable(url, f"HTTP {status}")
    return UsageError(
        f"the package index answers HTTP {status}", where=url, fix="correct the index URL", rule="WRONG_INDEX"
    )


def _unavailable(url: str, reason: object, rule: str = "INDEX_UNAVAILABLE") -> IndexUnavailable:
    return IndexUnavailable(
        "the package index is unavailable",
        where=url,
        why=REDACTOR.redact(str(reason)),
        fix="try again; if it lasts, check the network, the proxy and the index URL",
        rule=rule,
    )


def _file_is_gone(file: File) -> ResolutionError:
    return ResolutionError(
        f"{file.filename} is listed by the index but is not there (HTTP 404)",
        where=file.address.shown,
        fix="ask who runs the index, or pin another version",
        rule="NO_SUCH_FILE",
    )


class _Impatient(http.client.HTTPConnection):
    """Waits so long for the head of an answer, however often a byte of it comes."""

    def __init__(self, head_s: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_s = head_s

    def getresponse(self) -> http.client.HTTPResponse:
        hanging_up = threading.Timer(self._head_s, self._hang_up)
        hanging_up.daemon = True
        hanging_up.start()
        try:
            return super().getresponse()
        finally:
            hanging_up.cancel()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # closed meanwhile
            self.sock.shutdown(socket.SHUT_RDWR)


class _HttpsConnection(_Impatient, http.client.HTTPSConnection):
    pass


class _Http(urllib.request.HTTPHandler):
    def __init__(self, head_s: float) -> None:
        super().__init__()
        self._head_s = head_s

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Impatient, self._head_s), req)


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, judge: Callable[[Address], None]) -> None:
        self._judge = judge

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            self._judge(Address(newurl))
        except BaseException:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Https(urllib.request.HTTPSHandler):
    """Trusts the machine's authorities, and those of `cafile` where it can be read."""

    def __init__(self, cafile: Path | None, head_s: float) -> None:
        # Not its own: from Python 3.12 on that reads the authorities at once, 50 ms that most builds have no need of.
        urllib.request.AbstractHTTPHandler.__init__(self)
        self._cafile, self._head_s = cafile, head_s
        self._trusting: ssl.SSLContext | None = None

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        if self._trusting is None:
            self._trusting = ssl.create_default_context()
            if self._cafile:
                with contextlib.suppress(OSError):
                    self._trusting.load_verify_locations(self._cafile)
        return self.do_open(partial(_HttpsConnection, self._head_s), req, context=self._trusting)


def _requires_dist(metadata: bytes) -> list[str]:
    # somebody's name in Latin-1 must not hide what the package needs
    message = Parser().parsestr(metadata.decode("utf-8", "replace"), headersonly=True)
    return [str(line) for line in message.get_all("Requires-Dist") or ()]
