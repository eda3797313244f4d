"""devpi's own interface, beside the one that all indexes have: is there an index, does it know us, does it let go.

Seen on devpi-server 6.20.
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from venvbuild.errors import IndexUnavailable
from venvbuild.release.backends import Target
from venvbuild.release.refusals import refused, silent, untrusted
from venvbuild.text import first_line, shown

_TIMEOUT_S = 30
_BODY_LIMIT = 4 << 20


@dataclass(frozen=True)
class DevpiIndex:
    """One index of a devpi-server, asked as who publishes there."""

    target: Target

    @property
    def url(self) -> str:
        """`https://HOST/USER/INDEX`."""
        return self.target.upload_url.rstrip("/")

    @property
    def name(self) -> str:
        """`USER/INDEX`."""
        return "/".join(urlsplit(self.url).path.strip("/").split("/")[-2:])

    def status(self) -> int:
        """200 where there is such an index; else what is answered. Raises as `ask` does."""
        return self.ask("GET", f"{self.url}/+api")[0]

    def knows_us(self) -> bool:
        """Whether the credentials are taken; reading is open to all, and does not tell. Raises as `ask` does."""
        # ["ok", "alice", []], or noauth, expired, nouser.
        return bool(_of(self.ask("GET", f"{self.url}/+api")[1], "authstatus", [""])[0] == "ok")

    def is_volatile(self) -> bool:
        """Whether it gives up what it has. Raises as `ask` does."""
        # devpi leaves out what is as it is by default.
        return bool(_of(self.ask("GET", self.url)[1], "volatile", True))

    def remove(self, project: str, version: str) -> int:
        """Remove all files of a version; the status. Raises as `ask` does."""
        return self.ask("DELETE", f"{self.url}/{quote(project)}/{quote(version)}")[0]

    def ask(self, method: str, url: str) -> tuple[int, bytes]:
        """Status and body of one request.

        Raises:
            UsageError: 401, 403; an unknown authority. IndexUnavailable: no answer, 429, 5xx.
        """
        target = self.target
        try:
            request = self._request(method, url)
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=self._trusting) as reply:  # noqa: S310  # below
                return reply.status, reply.read(_BODY_LIMIT)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (401, 403):
                    doing = f"{method} {shown(urlsplit(url).path, 200)}"
                    raise refused(target, error.code, doing, shown(self.url, 200)) from error
                if error.code >= 500 or error.code == 429:
                    raise silent(target, f"HTTP {error.code}") from error
                return error.code, b""
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise untrusted(target, error.reason.verify_message) from error
            raise silent(target, first_line(error.reason)) from error
        except OSError as error:
            raise silent(target, first_line(error)) from error

    def _request(self, method: str, url: str) -> urllib.request.Request:
        headers = {"Accept": "application/json", "User-Agent": "venvbuild"}
        request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310  # judged by the configuration
        if found := self.target.credentials:
            basic = base64.b64encode(f"{found.user}:{found.token}".encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {basic}")
        return request

    @property
    def _trusting(self) -> ssl.SSLContext | None:
        if urlsplit(self.url).scheme != "https":
            return None
        context = ssl.create_default_context()
        if self.target.ca_file:
            context.load_verify_locations(self.target.ca_file)
        return context


def _of(body: bytes, key: str, otherwise: Any) -> Any:
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        return json.loads(body)["result"].get(key, otherwise)
    raise IndexUnavailable("it does not answer as devpi does", fix="is it devpi? name another backend: --backend NAME")
