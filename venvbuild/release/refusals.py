"""What an index that refuses us, or does not answer, means to whoever releases."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.redaction import strip_credentials
from venvbuild.release.backends import Target
from venvbuild.text import shown

_PROXY_WANTS_A_LOGIN = 407


def refused(target: Target, status: int, doing: str, where: str) -> UsageError:
    """401 and 403: which variable, which user. 0: it says so without a status."""
    backend, found = target.backend, target.credentials
    if status == _PROXY_WANTS_A_LOGIN and (through := proxy_of(target.index_url)):
        return UsageError(
            "the proxy does not take the login that it is asked with",
            where=through.shown,
            why=f"HTTP {status} for {doing}",
            fix=through.fix,
            rule="PROXY_REFUSED",
        )
    why = f"{f'HTTP {status}' if status else 'it does not know us'} for {doing}"
    why += f" as {found}" if found else " without credentials"
    more = f"; {backend.taken}" if backend.taken and status == 403 else ""
    tokens = " or ".join((*backend.tokens, "PYPI_PASSWORD")[:2])
    users = " or ".join((*backend.users, "PYPI_USERNAME")[:2])
    fix = f"check {found.origin} and the user's name ({users})" if found else f"set {tokens}, and {users}"
    return UsageError(
        f"{backend.title} does not take the credentials", where=where, why=why + more, fix=fix, rule="REFUSED"
    )


def untrusted(target: Target, why: str) -> UsageError:
    """A certificate that nobody here knows the signer of."""
    return UsageError(
        f"the certificate of {shown(target.host)} is not trusted here",
        where=shown(target.index_url, 200),
        why=shown(why, 200),
        fix="give the certificate of its authority: --ca-file FILE",
        rule="UNTRUSTED",
    )


def silent(target: Target, why: str) -> IndexUnavailable:
    """No answer, or one that a retry may cure."""
    if through := proxy_of(target.index_url):
        return unanswered_by(through, target, why)
    return IndexUnavailable(
        f"{target.backend.title} does not answer",
        where=shown(target.index_url, 200),
        why=shown(why, 200),
        fix="run it again; if it lasts, ask who runs the index",
        rule="INDEX_UNAVAILABLE",
    )


def unanswered_by(through: Proxy, target: Target, why: str) -> IndexUnavailable:
    """The proxy, or the index behind it: who asks through it cannot tell."""
    return IndexUnavailable(
        f"{target.backend.title} does not answer through the proxy {through.shown}",
        where=shown(target.index_url, 200),
        why=shown(why, 200),
        fix=f"{through.fix}; or run it again",
        rule="INDEX_UNAVAILABLE",
    )


@dataclass(frozen=True)
class Proxy:
    """Through whom an address is asked."""

    shown: str
    """Without its login."""
    fix: str
    """What to correct."""


def proxy_of(url: str) -> Proxy | None:
    """The proxy of an address, by the variables that urllib and requests read; None where it is asked itself."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies_environment().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass_environment(parts.netloc):  # type: ignore[attr-defined]
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper())
    name = next((one for one in names if os.environ.get(one)), names[0])
    host = shown(parts.hostname or "", 100)
    return Proxy(shown(strip_credentials(proxy), 200), f"correct {name}, or leave this host out: no_proxy={host}")
