"""Whether a line of a text file holds a credential.

Stricter than the redactor, which may mask a word too many, where a word too many here refuses an honest file:
`tiktoken==0.7` and `# token: rotate in May` are no credentials. And wider: `password = x` with blanks is one.
"""

from __future__ import annotations

import re

from venvbuild.redaction import REDACTOR, Redactor

_MIN_KNOWN = 8  # a shorter known secret (`test`, `postgres`) may well be the name of a package

_SHAPES = Redactor()
"""Knows no secret of this run, only what secrets look like."""

_PLACEHOLDER = re.compile(r"\$\{\w+\}|\$\w+|<[^<>\s]*>|\*{3,}")
_NO_USER_INFO = re.compile(r"://(?::?|git)@")  # everybody is `git` at a forge; `:@` is what placeholders leave
# Also `://user:pass/word@host`, which no URL parser takes for a password but somebody's tool did. Digits up to a slash
# are a port, whatever follows them.
_USER_INFO = re.compile(r"://[^/\s@:]*:(?!\d+(?:/|$))[^\s@]{1,512}@")

# `==` is a pin and `://` the scheme of a URL, whatever the word before it. At most 40 characters lie between label
# and sign: without a bound a line of 64 KiB would take half a minute.
_LABELLED = re.compile(
    r"(?i)(?P<label>passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|credentials?|authorization|cookie)"
    r"[\w.-]{0,40}[\"']?(?P<before>[ \t]*)(?P<sep>=(?!=)|:(?!//))(?P<after>[ \t]*)(?P<value>[^\s]+)"
)
_VERSION = re.compile(r"v?\d+(\.\d+)+[\w.*+!-]*,?|\d{1,3}")
_NO_VALUE = re.compile(r"[\[({%.…-].*|[xX]+|none|null|true|false", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*[.,;:!?)]*")
_SCHEME = re.compile(r"(?i)(?:basic|bearer|token|digest)\b")
_MACHINE_MADE = re.compile(r"(?i)token|api|access")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?!.*-----END)")


def holds_credential(line: str) -> bool:
    """Whether `line` holds a known secret, something of a secret's shape, or a value labelled as one."""
    if _holds_known(line):
        return True
    if not may_hold_credential(line):
        return False
    text = _NO_USER_INFO.sub("://", _PLACEHOLDER.sub("", line))
    if _USER_INFO.search(text) or any(not _is_harmless(found) for found in _LABELLED.finditer(text)):
        return True
    # what is left of the labels has been judged; the redactor must not take `token==0.7` for `token=` and a value
    unlabelled = _LABELLED.sub(lambda found: f" {found['value']}", text)
    return _SHAPES.finds(unlabelled.replace("==", " == "))


def may_hold_credential(text: str) -> bool:
    """Whether it is worth asking of any line in `text`; false for most files, at a tenth of the cost of asking."""
    return "://" in text or _LABELLED.search(text) is not None or _SHAPES.finds(text) or _holds_known(text)


def opens_private_key(line: str) -> bool:
    """Whether a private key begins in `line` and goes on in the next."""
    return _PRIVATE_KEY.search(line) is not None


def _holds_known(text: str) -> bool:
    return any(len(secret) >= _MIN_KNOWN and secret in text for secret in REDACTOR.secrets)


def _is_harmless(found: re.Match[str]) -> bool:
    """Whether the labelled value is a version, a placeholder or prose rather than a secret."""
    value, rest = found["value"], found.string[found.end() :]
    if _VERSION.fullmatch(value.strip("\"'")) or _NO_VALUE.fullmatch(value):
        return True
    # `Authorization: Basic` is prose by its words; the secret is what comes after them
    if _SCHEME.match(value) and found["label"].lower() == "authorization":
        return False
    is_prose = found["after"] and (found["sep"] == ":" or found["before"])
    if not is_prose or not _WORD.fullmatch(value):
        return False
    # `# password: see vault` is a sentence and `# token: rotate` no token, but `# password: swordfish` may be one
    return bool(rest.strip()) or (bool(_MACHINE_MADE.match(found["label"])) and value.islower() and len(value) <= 12)
