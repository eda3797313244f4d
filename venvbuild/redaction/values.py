"""Which values are too ordinary to be secrets, or to be looked for everywhere."""

from __future__ import annotations

import os
import re

MIN_LENGTH = 6
"""Shorter values cannot be told from ordinary words; masking them would shred every message."""

# Values that people leave in, and words that any message may have.
_ORDINARY = re.compile(
    "(?i)admin|administrator|anonymous|change-?it|change-?me|configure|database|default|demo|developer|development"
    "|disabled|docker|enabled|example|github|gitlab|guest|installed|invalid|jenkins|latest|letmein|localhost|master"
    "|missing|mysecret|nexus|nobody|notset|optional|package|packages|passphrase|passwd|password|placeholder|postgres"
    "|postgresql|private|production|project|public|python|registry|release|replace-?me|required|requirements|sample"
    "|secret|security|service|simple|snapshot|staging|standard|testing|testuser|undefined|unknown|unspecified|username"
    "|venvbuild|version|yourpassword"
)
_NO_VALUE = re.compile(
    r"(?i)true|false|yes|no|on|off|none|null|nil|undefined|empty|missing|required|optional|unset|redacted|hidden|masked"
)
_WORD = re.compile(r"[A-Za-z]+")
_PATH_WORD = re.compile(r"[a-z0-9._@~+-]+")
_FILE = re.compile(
    r"(?i)[\w./\\:~@+ -]*\.(?:pem|key|crt|cer|der|p12|pfx|jks|json|ya?ml|toml|txt|cfg|conf|ini|env|asc|gpg|pub|netrc"
    r"|properties|xml|dat|db|log|py|sh|sock|token|cache|lock)"
)
_FINGERPRINT = re.compile(r"(?i)(?:0x)?(?:[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{40})|[0-9a-f]{4}")


def is_fingerprint(value: str) -> bool:
    """Whether the value names OpenPGP keys, as GPG_KEY of Docker's images of Python does."""
    words = value.split()
    return bool(words) and all(map(_FINGERPRINT.fullmatch, words))


def is_plain(value: str) -> bool:
    """Whether a value says no more than a switch, a small number or a place would."""
    text = value.strip()
    return not text or _NO_VALUE.fullmatch(text) is not None or (text.isdigit() and len(text) < 6) or is_path(text)


def is_path(value: str) -> bool:
    """Whether a value is where a file is. One that only begins with a slash may well be a key in base64."""
    if "\n" in value or len(value) > 4096:
        return False
    if re.match(r"(?i)file:|~/|\.{1,2}/|[a-z]:\\", value) or _FILE.fullmatch(value):
        return True
    if not value.startswith("/"):
        return False
    words = [word for word in value.split("/") if word]
    is_written_like_one = len(words) > 1 and all(map(_PATH_WORD.fullmatch, words))
    return not words or is_written_like_one or os.path.exists(value) or os.path.isdir(f"/{words[0]}")


def is_ordinary(value: str) -> bool:
    """Whether a value may stand in any message and mean something else there: `testing`, `Password`, `nexus`."""
    text = value.strip()
    return _ORDINARY.fullmatch(text) is not None or (len(text) < 8 and _WORD.fullmatch(text) is not None)


def is_word(value: str) -> bool:
    """Whether it may be a part of longer words: it is looked for where it stands alone."""
    return len(value) < 12 and _WORD.fullmatch(value) is not None


def can_be_told(value: str) -> bool:
    """Whether finding a value means something: `testing` or `password` stand in any wheel."""
    return len(value) >= 12 or (
        len(value) >= MIN_LENGTH and re.search(r"\d", value) is not None and re.search(r"\D", value) is not None
    )
