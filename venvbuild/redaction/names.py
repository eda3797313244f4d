"""Names of variables and labels that stand for secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

LISTED = "VENVBUILD_SECRET_NAMES"
"""The variable that lists further names."""

# A word of a name that ends so: PGPASSWORD, npmtoken, MYSQL_PWD.
_ENDINGS = re.compile(
    r".*(?:PASSW(?:OR)?DS?|PASSWRD|PSWD|PASSPHRASES?|PASSCODE|SECRETS?|TOKEN|CREDENTIALS?|WEBHOOKS?|PASS|PWD|PSW|BINDPW"
    r"|ROOTPW|USERPW|(?:API|ACCESS|SECRET|PRIVATE|AUTH|ACCOUNT|MASTER|ENCRYPTION|SIGNING|SHARED|STORAGE|DEPLOY)KEYS?)"
)
_WORDS = frozenset(
    {
        "PW", "PASSES", "PAT", "PATS", "CRED", "CREDS", "TOKENS", "AUTHORIZATION", "BEARER", "COOKIE", "COOKIES", "SAS",
        "JWT", "OTP", "TOTP", "SALT", "HMAC", "MNEMONIC",
    }
)  # fmt: skip
_NO_SECRET_WORDS = frozenset(
    {"BYPASS", "COMPASS", "ENCOMPASS", "TRESPASS", "SURPASS", "OVERPASS", "UNDERPASS", "OLDPWD", "TIKTOKEN"}
)
# With KEY and AUTH alone many things are named; as the last word, or before one of these, they are secrets.
_AT_THE_END = frozenset({"KEY", "KEYS", "AUTH"})
_AFTER_KEY = re.compile(
    r"\d+|BASE|BASE64|B64|VALUE|DATA|JSON|PEM|STRING|TEXT|OLD|NEW|PROD|PRODUCTION|DEV|TEST|STAGING|QA|LIVE|CONFIG|HEADER"
)
_NO_SECRET_KEYS = frozenset(
    {
        "PUBLIC", "PUB", "PRIMARY", "FOREIGN", "CACHE", "SORT", "PARTITION", "OBJECT", "S3", "UNIQUE", "ROW", "DICT",
        "HOST", "KNOWN", "GROUP", "GROUPING", "INDEX", "JOIN", "MAP",
    }
)  # fmt: skip
# Names of which the last word says where a secret is, or whose, or how long it may be.
_ABOUT = frozenset(
    {
        "ID", "IDS", "FILE", "FILES", "FILENAME", "PATH", "PATHS", "DIR", "DIRS", "DIRECTORY", "FOLDER", "URL", "URLS",
        "URI", "URIS", "ENDPOINT", "HOST", "HOSTNAME", "PORT", "SOCK", "SOCKET", "PROVIDER", "PROVIDERS", "NAME",
        "NAMES", "TYPE", "TYPES", "USER", "USR", "USERNAME", "EMAIL", "LENGTH", "SIZE", "COUNT", "TTL", "EXPIRY",
        "EXPIRES", "EXPIRATION", "TIMEOUT", "SECONDS", "MINUTES", "HOURS", "DAYS", "ENABLED", "DISABLED", "METHOD",
        "SCHEME", "ALGORITHM", "ALG", "MODE", "VERSION", "REGION", "POLICY", "LIMIT", "MIN", "MAX", "AGE", "ATTEMPTS",
        "RETRIES", "REQUIRED", "STDIN", "HELPER", "STORE", "MANAGER", "FORMAT", "PREFIX", "SUFFIX", "PROMPT", "ARN",
        "ISSUER", "AUDIENCE", "REALM", "LOCATION", "FINGERPRINT", "SPACE", "BACKEND", "CLASS", "HINT", "SCOPE",
        "SCOPES", "ROTATION",
    }
)  # fmt: skip
_CONNECTIONS = re.compile(
    r"(?i)conn(?:ection)?_?-?str(?:ings?)?(?:_|$)|(?:^|_)dsn(?:_|$)|sqlalchemy|database_ur[il]|(?:^|_)jdbc|(?:^|_)odbc"
)


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether a variable, key or flag of this name holds a secret: `NEXUS_PSW`, `api-key`, `clientSecret`."""
    words = words_of(name)
    if not words or name in ("PWD", "OLDPWD"):  # the shell's
        return False
    if words[-2:] == ["SECRET", "ID"] and {"CLIENT", "AWS"}.isdisjoint(words):  # Vault's AppRole calls the secret so
        return True
    if not {"WEBHOOK", "WEBHOOKS", "HOOK"}.isdisjoint(words):
        return words[-1] not in _ABOUT - {"URL", "URLS", "URI", "URIS", "ENDPOINT"}
    return words[-1] not in _ABOUT and any(_is_secret_word(words, index) for index in range(len(words)))


def _is_secret_word(words: list[str], index: int) -> bool:
    word = words[index]
    if word in _AT_THE_END:
        before, after = words[max(0, index - 1) : index], words[index + 1 :]
        return not (word.startswith("KEY") and before and before[0] in _NO_SECRET_KEYS) and all(
            map(_AFTER_KEY.fullmatch, after)
        )
    return word in _WORDS or (word not in _NO_SECRET_WORDS and _ENDINGS.fullmatch(word) is not None)


def is_clear_label(label: str) -> bool:
    """Whether a label in a text means a secret. `key` and `auth` alone mean too many things there."""
    words = words_of(label)
    if not words or words[-1] in ("AUTHORIZATION", "COOKIE", "COOKIES"):  # headers, whose values have more than a word
        return False
    if "KEY" in words or "KEYS" in words or "AUTH" in words:
        # `entry.key` of a program is any key.
        is_qualified = len(words) > 1 and "KEYS" not in words and re.search(r"(?i)\.(?:key|auth)$", label) is None
        return is_qualified and is_secret(label)
    return (
        "HOOK" not in words and label.lower() not in ("pat", "sas", "salt", "pass", "jwt", "pwd") and is_secret(label)
    )


def is_machine_made(label: str) -> bool:
    """Whether such a secret is made by a machine, so that no word of a language is one."""
    return re.search(r"(?i)passw|passphrase|passcode|pwd|psw|_pw|secret|_pass$", label) is None


def is_connection(name: str) -> bool:
    """Whether a variable says how to reach a database, with what is needed for that."""
    return _CONNECTIONS.search(name) is not None


def is_of_a_public_key(name: str) -> bool:
    """Whether it may hold the fingerprint of an OpenPGP key."""
    return re.search(r"(?i)gpg|pgp|fingerprint|release_key", name) is not None


def listed(text: str) -> tuple[str, ...]:
    """The names and patterns of `VENVBUILD_SECRET_NAMES`, separated by commas or blanks."""
    return tuple(name for name in re.split(r"[\s,;]+", text) if name)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns (`*`, `?`, `[...]`) is for this name; upper and lower case are the same."""
    return any(fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)


def words_of(name: str) -> list[str]:
    """`NEXUS_PSW` and `nexusPsw` -> `["NEXUS", "PSW"]`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    # `API_KEY1`, but `S3` and `BASE64` are names.
    words = [re.sub(r"(?<=[A-Z]{3})\d$", "", word) for word in re.split(r"[\W_]+", parted.upper())]
    return [word for word in words if word]
