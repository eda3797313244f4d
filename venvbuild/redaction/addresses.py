"""URLs with credentials in them: what of one may be shown, and what is secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote, urlsplit


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
    user_info = user_info_of(url)
    return url.replace(f"://{user_info}@", "://", 1) if user_info else url


def has_unescaped_password(url: str) -> bool:
    """Whether others read another host in `url` than is meant, as in `https://user:pa/ss@host`."""
    authority, user_info = _authority(url.partition("://")[2]), user_info_of(url)
    return "[" in user_info or (len(user_info) > len(authority) and (":" in authority or "@" in authority))


def user_info_of(url: str) -> str:
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
