"""What an upload was answered, by what twine says of it.

twine writes all of it to stdout, and prints tracebacks of requests for what is no answer. Words of servers are pages of
HTML; they go to the log, and only a sentence of ours to people. Source: facts of twine 7.0, seen against devpi and
pypiserver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What can be made of it."""

    TAKEN = auto()
    """A success; which is no proof that it is there."""
    REFUSED = auto()
    """It cannot be there by this upload, whatever comes."""
    DOUBTFUL = auto()
    """It may be there: by this upload, which was cut, or by one before."""
    UNTRUSTED = auto()
    """No TLS with a certificate that is known here; nothing was sent."""
    REDIRECTED = auto()
    """twine sends no password to where it is sent on."""
    UNREACHABLE = auto()
    """Nobody listens; nothing was sent."""
    LATE = auto()
    """It did not end within its time."""


@dataclass(frozen=True)
class Answer:
    """What became of one upload, before the index is asked."""

    kind: Kind
    status: int = 0
    """Of HTTP; 0: there was none, or not known."""
    said: str = ""
    """Where there was none: what stood in its way, in few words."""

    @property
    def is_open(self) -> bool:
        """Whether the file may yet appear on the index."""
        return self.kind in (Kind.TAKEN, Kind.DOUBTFUL, Kind.LATE)


_STATUS = re.compile(r"HTTPError:\s+(\d{3})\b")
_WORDS = (
    ("RedirectDetected", Kind.REDIRECTED, "it redirects"),
    ("CERTIFICATE_VERIFY_FAILED", Kind.UNTRUSTED, "its certificate is not trusted"),
    ("SSLError", Kind.UNTRUSTED, "there is no TLS"),
    ("NameResolutionError", Kind.UNREACHABLE, "no host has this name"),
    ("Name or service not known", Kind.UNREACHABLE, "no host has this name"),
    ("Connection refused", Kind.UNREACHABLE, "nobody listens there"),
    ("ConnectTimeout", Kind.UNREACHABLE, "it does not answer"),
    ("No route to host", Kind.UNREACHABLE, "there is no way to it"),
    ("Network is unreachable", Kind.UNREACHABLE, "there is no way to it"),
    ("ProxyError", Kind.UNREACHABLE, "the proxy does not let it through"),
)
_NEVER = frozenset({401, 403, 404, 405, 407, 411, 413, 414, 415, 422})
"""Told before a file is stored."""


def of_twine(exit_code: int, output: str) -> Answer:
    """What twine's exit code and its output say."""
    if exit_code == 0:
        return Answer(Kind.TAKEN, 200)
    if found := _STATUS.search(output):
        status = int(found[1])
        return Answer(Kind.REFUSED if status in _NEVER else Kind.DOUBTFUL, status)
    for word, kind, said in _WORDS:
        if word in output:
            return Answer(kind, said=said)
    return Answer(Kind.DOUBTFUL, said="the connection was cut")
