"""Masks the values this run knows to be secret, and what has the shape of a secret."""

from __future__ import annotations

import base64
import netrc
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from venvbuild.redaction.addresses import user_info_of
from venvbuild.redaction.names import NOT_SECRET_NAME, SECRET_NAME
from venvbuild.redaction.shapes import SHAPES

MASK = "****"
# Shorter values cannot be told from ordinary words; masking them would shred every message.
_MIN_SECRET_LENGTH = 6


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
        user_info = user_info_of(url)
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
            if SECRET_NAME.search(name) and not NOT_SECRET_NAME.search(name):
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
        for shape in SHAPES:
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


REDACTOR = Redactor()
"""The redactor of this process: whoever learns a secret tells it, whoever writes text asks it."""
