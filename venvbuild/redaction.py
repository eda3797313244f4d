"""Keeps secrets out of every log, file, message and notification.

Two nets: the exact values this run knows to be secret (each also URL-encoded and in base64), and the shapes that
secrets have. What passes `redact` has neither.
"""

from __future__ import annotations

import base64
import netrc
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "****"
# Shorter values cannot be told from ordinary words; masking them would shred every message.
_MIN_SECRET_LENGTH = 6

_SECRET_NAME = re.compile(r"(?i)(secret|token|passw|passphrase|api_?key|access_?key|credential|private_?key|_auth$)")
# These say where a secret is, or whose.
_NOT_SECRET_NAME = re.compile(r"(?i)(_ID|_FILE|_PATH|_DIR|_URL|_URI|SOCK|_PROVIDER)$")

_SHAPES: tuple[re.Pattern[str], ...] = (
    # user:password@, and where a `/` or `@` in it was not escaped; `host:8080/` is no user.
    re.compile(r"(?<=://)[^\s/@:\[\"'<>]*+:(?![0-9]{0,5}[/?#])[^\s\"'<>]{1,2048}(?=@)"),
    re.compile(r"(?<=://)[^\s/@:\"'<>]*:[^\s/@\"'<>]+(?=@)"),
    re.compile(r"(?<=https://)[^\s/@\"'<>]+(?=@)|(?<=http://)[^\s/@\"'<>]+(?=@)"),  # token@
    # Possessive (`*+`): on a long hostile line these must not try every way of splitting it.
    re.compile(r"(?i)(?<=authorization:)\s*+(?:(?:basic|bearer|token)\s++)?+[^\s\"']+"),
    re.compile(r"(?i)(?<=\bcookie:)[^\r\n]+"),
    re.compile(r"(?i)(?<=-token:)\s*+[^\s\"']+"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(
        r"(?i)(?<=X-Amz-Signature=)[^&\s\"']+|(?<=X-Amz-Credential=)[^&\s\"']+|(?<=X-Amz-Security-Token=)[^&\s\"']+"
    ),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_[A-Za-z0-9_]{20,}\b"),
    re.compile(r"\bpypi-[A-Za-z0-9_-]{30,}"),
    re.compile(r"\bxox[baprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*\Z)"),
    # Not before a second `=`: tiktoken==0.5.1 is a pin.
    re.compile(
        r"(?i)(?:(?<=password=)|(?<=passwd=)|(?<=secret=)|(?<=token=)|(?<=api_key=)|(?<=apikey=))(?!=)[^\s&\"',;]+"
    ),
    re.compile(r"(?i)(?<=password: )\S+|(?<=secret: )\S+|(?<=token: )\S+|(?<=api_key: )\S+"),
)


class Redactor:
    """Masks known secrets and secret-shaped text."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._known: re.Pattern[str] | None = None

    def hide(self, *secrets: str) -> None:
        """Remember values that must never be shown; each is also hidden URL-encoded and in base64."""
        for secret in secrets:
            if len(secret) >= _MIN_SECRET_LENGTH:
                self._values.update(_forms(secret))
        # A shorter one may be a part of a longer one, and would leave the rest of it to be seen.
        longest_first = sorted(self._values, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def hide_url(self, url: str) -> None:
        """Hide the user info of `url`: password, `user:password`, or a lone token."""
        user_info = _user_info(url)
        user, _, password = user_info.partition(":")
        if password:
            self.hide(unquote(password), password, f"{unquote(user)}:{unquote(password)}")
        # A lone token. In ssh://git@host it is the name that everybody uses.
        elif user and url.startswith(("http://", "https://")):
            self.hide(unquote(user), user, f"{unquote(user)}:")

    def hide_environment(self, environ: Mapping[str, str]) -> None:
        """Hide the values of variables named like secrets, and the user info of those that hold URLs."""
        for name, value in environ.items():
            if "://" in value:
                for word in value.split():
                    self.hide_url(word)
            if _SECRET_NAME.search(name) and not _NOT_SECRET_NAME.search(name):
                self.hide(value)

    def hide_netrc(self, path: Path) -> None:
        """Hide the passwords of a netrc file; one that is absent or cannot be read has nothing to hide."""
        try:
            hosts = netrc.netrc(str(path)).hosts
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
            return
        for login, _account, password in hosts.values():
            self.hide(password or "", f"{login}:{password}")

    def redact(self, text: str) -> str:
        """`text` with every known or secret-shaped part replaced by `****`."""
        if self._known:
            text = self._known.sub(MASK, text)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return text

    def finds(self, text: str) -> bool:
        """Whether `redact` would change `text`."""
        return self.redact(text) != text

    @property
    def secrets(self) -> frozenset[str]:
        """Every form of every known secret, for the leak gate."""
        return frozenset(self._values)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    for encoded in (base64.b64encode(secret.encode()), base64.urlsafe_b64encode(secret.encode())):
        yield encoded.decode()
        if len(encoded) >= 16:  # long enough that the unpadded form is no ordinary word
            yield encoded.decode().rstrip("=")


@dataclass(frozen=True)
class Address:
    """A URL that others are reached at, with what may be shown of it and what is secret."""

    url: str = field(repr=False)
    """As it was given."""

    @cached_property
    def shown(self) -> str:
        """Without its credentials, for messages and records."""
        return strip_credentials(self.url)

    @cached_property
    def asked(self) -> str:
        """The same for the request itself: what reads like a password in a path is a part of it.

        Raises:
            ValueError: it is no URL.
        """
        return self.url.replace(urlsplit(self.url).netloc, self.place, 1)

    @cached_property
    def credentials(self) -> tuple[str, str] | None:
        """User and password, as they are and not as a URL escapes them; None when it has neither.

        Raises:
            ValueError: it is no URL.
        """
        parts = urlsplit(self.url)
        if parts.username is None and parts.password is None:
            return None
        return unquote(parts.username or ""), unquote(parts.password or "")

    @cached_property
    def place(self) -> str:
        """Host and port: who would get the credentials. Raises as `credentials` does."""
        parts = urlsplit(self.url)
        parts.port  # noqa: B018  # raises when it is no number
        return parts.netloc.rpartition("@")[2]


def strip_credentials(url: str) -> str:
    """`url` without its user info; what is no URL comes back as it is."""
    user_info = _user_info(url)
    return url.replace(f"://{user_info}@", "://", 1) if user_info else url


def has_unescaped_password(url: str) -> bool:
    """Whether others read another host in `url` than is meant, as in `https://user:pa/ss@host`."""
    authority, user_info = _authority(url.partition("://")[2]), _user_info(url)
    return "[" in user_info or (len(user_info) > len(authority) and (":" in authority or "@" in authority))


def _user_info(url: str) -> str:
    """What stands between `://` and the `@` of a URL; empty when there is none.

    In a password that was not escaped, `/`, `?`, `#`, `[` and `@` end the authority too early. Where an `@` comes after
    it, all before the last one is taken for the secret, unless it is plainly of the path.
    """
    scheme, _, rest = url.partition("://")
    authority = _authority(rest)
    user_info, _, place = authority.rpartition("@")
    before, _, after = rest.rpartition("@")
    if not authority or len(before) < len(authority):
        return before if authority else ""
    return user_info if _PLACE.fullmatch(place) and _is_of_the_path(scheme, authority, after) else before


def _is_of_the_path(scheme: str, authority: str, after: str) -> bool:
    """Whether the last `@` of a URL, which comes behind what reads as its authority, is part of its path."""
    here = bool(_SURE_HOST.match(authority.rpartition("@")[2]))
    there = bool(_SURE_HOST.match(after))
    # The revision of a repository, git+https://host/o/r@v1, or a version: https://host/x@1.0/x.whl.
    if ("+" in scheme and "/" not in after) or not (there or re.match("[^/?#:]*[A-Za-z]", after)):
        return True
    has_password = "@" in authority or ":" in authority
    return here and not there if has_password else here or not there


def _authority(rest: str) -> str:
    return re.split("[/?#]", rest, maxsplit=1)[0]


_PLACE = re.compile(r"(?:\[[0-9A-Fa-f:.%\w]+\]|[^\[\]:@]+)(?::[0-9]{1,5})?")
"""Host and port."""
_SURE_HOST = re.compile(r"(?i)(?:localhost|(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*|(?:[0-9]+\.){3}[0-9]+|\[.*?\])(?=[:/?#]|$)")
"""One that nobody has for a user's name or a piece of a password; `nexus` may be either."""


class Lines:
    """Cuts a byte stream into redacted lines, however the writes were split.

    A line that never ends is given out in pieces of `limit` bytes; the pieces overlap by `overlap` bytes held back,
    so that a secret across a cut is still seen whole.
    """

    def __init__(self, redactor: Redactor, limit: int = 1 << 16, overlap: int = 4096) -> None:
        self._redactor, self._limit, self._overlap = redactor, limit, overlap
        self._pending = b""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines which `chunk` completes, redacted, without their line ends."""
        self._pending += chunk
        *whole, self._pending = re.split(rb"\r\n|\n|\r(?!\Z)", self._pending)
        for line in whole:
            yield self._redacted(line)
        if len(self._pending) > self._limit:
            text = self._redacted(self._pending)
            cut = max(0, len(text) - self._overlap)
            self._pending = text[cut:].encode()
            yield text[:cut]

    def close(self) -> Iterator[str]:
        """What is left when the stream has ended."""
        rest, self._pending = self._pending.rstrip(b"\r"), b""
        if rest:
            yield self._redacted(rest)

    def _redacted(self, line: bytes) -> str:
        return self._redactor.redact(line.decode("utf-8", "replace"))


REDACTOR = Redactor()
"""The redactor of this process: whoever learns a secret tells it, whoever writes text asks it."""
