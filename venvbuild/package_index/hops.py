"""One address asked as it stands, its redirects followed by hand: who is asked on the way, and what the last answers.

Source: RFC 9110, 15.4; that Snowflake follows 20 redirects, its page *Integrate customer-hosted Python artifact
repositories* (undated, read on 2026-11-28).
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from venvbuild.package_index.client import (
    _ACCEPT,
    _PAGE_LIMIT,
    PackageIndex,
    _decoded,
    _Http,
    _HttpsConnection,
)
from venvbuild.package_index.pages import read_page
from venvbuild.package_index.project import File
from venvbuild.redaction import Address
from venvbuild.text import first_line

MOST = 20
"""Redirects that Snowflake follows."""
_REDIRECTS = (301, 302, 303, 307, 308)
_UNTRUSTED, _SILENT = "untrusted", "silent"


@dataclass(frozen=True)
class Walk:
    """From an address to where its redirects end."""

    urls: tuple[str, ...]
    """All that were asked, or were to be, in order; may hold what is secret, in queries."""
    status: int = 0
    """Of the last answer; 0: none came."""
    fault: str = ""
    """Why it ended before its end: a sentence without an address; empty: it did not."""
    kind: str = ""
    """`untrusted`: no certificate that is known here; `silent`: no answer; else empty."""
    files: tuple[File, ...] = ()
    """Of a page."""

    @property
    def is_untrusted(self) -> bool:
        """Whether the last host has no certificate that this machine trusts."""
        return self.kind == _UNTRUSTED

    @property
    def is_silent(self) -> bool:
        """Whether the last host did not answer, or with 429 or 5xx: a retry may cure it."""
        return self.kind == _SILENT or self.status == 429 or self.status >= 500


class Walker(PackageIndex):
    """Asks an index, and whom it sends to. Only the index's own host gets the credentials, until it sends away."""

    def __init__(
        self, url: str, authorization: str | None, *, timeout_s: float = 20, cafile: Path | None = None
    ) -> None:
        """`authorization` is the whole value of the header; `cafile` is trusted beside the machine's authorities."""
        super().__init__(url, timeout_s=timeout_s)
        self._authorization = authorization
        self._home = _origin(url)
        self.issuers: dict[str, str] = {}
        """Host -> who signed its certificate."""
        self._opener = urllib.request.build_opener(
            _Http(3 * timeout_s), _NotedHttps(3 * timeout_s, self.issuers.__setitem__, cafile), _NoRedirects()
        )

    def look(self, url: str) -> Walk:
        """What is answered there; nothing of the body is read."""
        return self._walk(url, {"Accept": _ACCEPT}, lambda _: ())

    def page(self, url: str, name: str, *, is_fresh: bool = False) -> Walk:
        """The files of the page of a project; `is_fresh`: no cache on the way is to answer.

        Raises:
            IndexUnavailable: it breaks off. UsageError: it is larger than any page.
        """

        def read(reply: Any) -> tuple[File, ...]:
            content = _decoded(reply, self._whole(reply, _PAGE_LIMIT))
            return read_page(content, reply.headers.get_content_type(), reply.url, name).files

        return self._walk(url, {"Accept": _ACCEPT, **({"Cache-Control": "no-cache"} if is_fresh else {})}, read)

    def first_byte(self, url: str) -> Walk:
        """Of a file. No HEAD: what is signed for GET is refused to it."""
        return self._walk(url, {"Range": "bytes=0-0", "Accept-Encoding": "identity"}, lambda _: ())

    def _walk(self, url: str, headers: Mapping[str, str], read: Callable[[Any], tuple[File, ...]]) -> Walk:
        if not _is_of_the_web(url):
            return Walk((url,), 0, "it is no URL of the web")
        urls, is_at_home, url = list[str](), True, _escaped(url)
        while True:
            urls.append(url)
            is_at_home = is_at_home and _origin(url) == self._home
            try:
                reply = self._ask(url, headers, with_credentials=is_at_home)
            except urllib.error.HTTPError as error:
                with error:
                    status, target = error.code, error.headers.get("Location")
                if status not in _REDIRECTS:
                    return Walk(tuple(urls), status)
                fault, url = _next(urls, target)
                if fault:
                    return Walk(tuple(urls), status, fault)
                continue
            except (http.client.HTTPException, OSError, ValueError) as error:
                reason = error.reason if isinstance(error, urllib.error.URLError) else error
                if isinstance(reason, ssl.SSLCertVerificationError):
                    return Walk(tuple(urls), 0, reason.verify_message, _UNTRUSTED)
                return Walk(tuple(urls), 0, first_line(reason), _SILENT)
            with reply:
                return Walk(tuple(urls), reply.status, files=read(reply) if reply.status == http.client.OK else ())

    def _ask(self, url: str, headers: Mapping[str, str], *, with_credentials: bool) -> Any:
        request = urllib.request.Request(  # noqa: S310  # the scheme is judged by _is_of_the_web
            Address(url).asked, headers={"User-Agent": "venvbuild", **headers}
        )
        if with_credentials and self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        return self._opener.open(request, timeout=self._timeout_s)


def _next(urls: list[str], target: str | None) -> tuple[str, str]:
    """What is wrong with a redirect, or nothing; and where it leads."""
    if not target:
        return "it redirects without saying where to", ""
    try:
        url = _escaped(urllib.parse.urljoin(urls[-1], target))
    except ValueError:
        url = ""
    if not _is_of_the_web(url):
        return "it redirects to what is no URL of the web", ""
    if url in urls:
        return f"its redirects go round in a circle of {len(urls) - urls.index(url)}", ""
    if len(urls) > MOST:
        return f"it redirects more than {MOST} times", ""
    return "", url


def _is_of_the_web(url: str) -> bool:
    try:
        scheme, host, _ = _origin(url)
    except ValueError:
        return False
    return scheme in ("http", "https") and bool(host)


def _escaped(url: str) -> str:
    """Without its fragment, and what should have been escaped is, as browsers do it."""
    parts = urllib.parse.urlsplit(url)
    path, query = (urllib.parse.quote(part, safe=_SAFE) for part in (parts.path, parts.query))
    return parts._replace(path=path, query=query, fragment="").geturl()


_SAFE = "%/:=&?~#+!$,;'@()*[]"


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; raises ValueError where it is no URL."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> None:
        """None: so it comes back as an error."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _NotedHttps(urllib.request.HTTPSHandler):
    """Trusts the machine's authorities, and those of a file; tells who signed a host's certificate."""

    def __init__(self, head_s: float, note: Callable[[str, str], None], cafile: Path | None = None) -> None:
        urllib.request.AbstractHTTPHandler.__init__(self)
        self._head_s, self._note, self._cafile = head_s, note, cafile
        self._trusting: ssl.SSLContext | None = None

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        if self._trusting is None:
            self._trusting = ssl.create_default_context()
            if self._cafile:
                self._trusting.load_verify_locations(self._cafile)
        return self.do_open(partial(_Noted, self._note, self._head_s), req, context=self._trusting)


class _Noted(_HttpsConnection):
    def __init__(self, note: Callable[[str, str], None], head_s: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(head_s, *args, **kwargs)
        self._note = note

    def connect(self) -> None:
        super().connect()
        found: Any = (self.sock.getpeercert() or {}).get("issuer", ())
        names = {key: value for one in found for key, value in one}
        # Through a proxy, `host` is that.
        self._note(
            getattr(self, "_tunnel_host", None) or self.host,
            names.get("organizationName") or names.get("commonName") or "",
        )
