"""What Snowflake's errors mean to the person who runs the job: one table, code by code.

Codes: Snowflake's documentation of each feature; what the connector 5 makes of them was seen with the real connector.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from venvbuild.errors import StoreUnavailable, UsageError, VenvBuildError
from venvbuild.snowflake.statement import identifier
from venvbuild.text import shown

_MAX_SHOWN = 400
_TIMED_OUT = 14
"""The connector's own: login or statement, after all its tries."""
_TRANSFER_OR_TRIES = 4
"""The connector's own: a file did not go through, or HTTP failed after all tries."""
_CONNECTION = 250001
_NO_ACCOUNT = re.compile(r"status: 40[34]\b")
_KEY_FORM = "the key has to be PEM, PKCS#8 (it begins with BEGIN PRIVATE KEY or BEGIN ENCRYPTED PRIVATE KEY)"
_KEY_UNREAD = 251007
_KEY_REFUSED = "Authentication failed."
"""What the connector says, without asking anybody, of a key that it cannot use."""
_ANOTHER_WAY = "use a key pair (SNOWFLAKE_PRIVATE_KEY_FILE) or a programmatic access token (SNOWFLAKE_TOKEN) instead"


@dataclass(frozen=True)
class By:
    """What we log in by."""

    how: str
    """`a password`, `a token`, `a key pair`, `the connection prod`."""
    host: str
    """What an error names."""
    key_file: str | None = None
    has_passphrase: bool = False
    is_connection: bool = False
    """Whether connections.toml has it all, and not the variables."""


@dataclass(frozen=True)
class About:
    """What a statement was for."""

    doing: str
    """`uploading app.zip`."""
    where: str = ""
    """The stage or file that it was about."""
    stage: str = ""
    """The stage's name for GRANT; empty: no statement on a stage."""


class _Sentence(NamedTuple):
    what: str
    fix: str


LOGIN: dict[int, _Sentence] = {
    390102: _Sentence(
        "Snowflake has locked this user",
        "wait a quarter of an hour, or let an administrator: ALTER USER NAME SET MINS_TO_UNLOCK = 0",
    ),
    390144: _Sentence(
        "Snowflake does not take this key",
        "register its public key: ALTER USER NAME SET RSA_PUBLIC_KEY = '...'; check SNOWFLAKE_ACCOUNT and "
        "SNOWFLAKE_USER, which are signed with it",
    ),
    390303: _Sentence("Snowflake does not take this OAuth token", "get a new one, and set SNOWFLAKE_TOKEN to it"),
    390318: _Sentence("this OAuth token has ended", "get a new one, and set SNOWFLAKE_TOKEN to it"),
    390422: _Sentence(
        "a network policy of Snowflake does not let this machine in",
        "let an administrator add its address to the policy, or run this where it is allowed",
    ),
    390189: _Sentence("this role is not there, or the user does not have it", "check SNOWFLAKE_ROLE, or unset it"),
}
"""Code of a login -> what it means, and what to do."""
_UNKNOWN: dict[str, _Sentence] = {
    "a password": _Sentence("this password", f"check both; or {_ANOTHER_WAY}"),
    "a token": _Sentence(
        "this token",
        "make a new one, and set SNOWFLAKE_TOKEN to it; check SNOWFLAKE_ACCOUNT and SNOWFLAKE_USER; for an OAuth token "
        "set SNOWFLAKE_AUTHENTICATOR=oauth",
    ),
    "a key pair": _Sentence("this key", LOGIN[390144].fix),
}
"""What we logged in by -> the same of 390100: user and secret do not fit."""
_NOT_CONFIGURED = (7, 251005)


def of_login(error: Any, by: By, seconds: float, four_ways: str) -> VenvBuildError:
    """A login that failed, as an error of ours."""
    text, number, how, host = _text(error), error.errno, by.how, by.host
    if by.key_file and (number == _KEY_UNREAD or (number == _CONNECTION and _KEY_REFUSED in text)):
        return _of_key(by.key_file, text, has_passphrase=by.has_passphrase)
    if number in _NOT_CONFIGURED:
        return UsageError(
            f"{how} cannot be used: the connector has no login for it",
            where=host,
            why=text,
            fix=four_ways,
            rule="NOT_CONFIGURED",
        )
    if sentence := _sentence(number, by):
        return UsageError(sentence.what, where=host, why=f"{text} (by {how})", fix=_fix(sentence.fix, by))
    if number == _TIMED_OUT or _is_away(number, text):
        return _away(host, seconds, text, by=by)
    if number == _CONNECTION and _NO_ACCOUNT.search(text):
        return UsageError(
            "no account answers there, or something on the way refuses",
            where=host,
            why=text,
            fix=_fix("check SNOWFLAKE_ACCOUNT (ORGANISATION-ACCOUNT), SNOWFLAKE_HOST and the proxy", by),
        )
    checked = "see why; check what it has" if by.is_connection else "see why; check SNOWFLAKE_*"
    return UsageError(f"Snowflake does not let us in by {how}", where=host, why=text, fix=_fix(checked, by))


def _sentence(number: int, by: By) -> _Sentence | None:
    if number == 390100:
        secret, fix = _UNKNOWN.get(by.how, _Sentence(by.how, "check what it has"))
        return _Sentence(f"Snowflake does not know this user with {secret}", fix)
    if number == 390197:
        # Who already uses another way is not helped by it.
        is_service = f"let an administrator: ALTER USER NAME SET TYPE = SERVICE, which logs in by {by.how}"
        other = _ANOTHER_WAY.replace("instead", "instead of a password")
        return _Sentence(
            "Snowflake wants a second factor of this user",
            other if by.how == "a password" or by.is_connection else is_service,
        )
    return LOGIN.get(number)


def _fix(text: str, by: By) -> str:
    """The advice, by the names that connections.toml has for the variables when it was what counted."""
    if not by.is_connection:
        return text
    named = re.sub(r"SNOWFLAKE_([A-Z_]+)", lambda found: f"`{found[1].lower()}`", text)
    return f"in connections.toml: {named}"


def _of_key(key_file: str, text: str, *, has_passphrase: bool) -> UsageError:
    # The connector's name for it is none of ours.
    text = text.replace("private_key_password", "PRIVATE_KEY_PASSPHRASE")
    wants_passphrase = has_passphrase or "passphrase" in text
    return UsageError(
        "the private key cannot be used",
        where=shown(key_file, 200),
        why=text,
        fix=f"set PRIVATE_KEY_PASSPHRASE to its passphrase; {_KEY_FORM}" if wants_passphrase else _KEY_FORM,
    )


def of_statement(error: Any, about: About, host: str, role: str | None, seconds: float) -> VenvBuildError:
    """A statement that failed, as an error of ours; `role` is the current one."""
    text, number = _text(error), error.errno
    as_role = f"role {shown(role)}" if role else "no role"
    if number == 3001:
        return UsageError(
            f"Snowflake does not allow {about.doing} ({as_role})",
            where=about.where,
            why=text,
            fix=_grant(about, role),
            rule="NO_RIGHT",
        )
    if number in (2003, 2043):
        create = (
            f"CREATE STAGE {about.stage}; or, if it is there, {_grant(about, role)}"
            if about.stage
            else "check the name"
        )
        return UsageError(
            f"it is not there, or {as_role} cannot see it",
            where=about.where,
            why=text,
            fix=f"{create} (and USAGE on its database and schema)" if about.stage else create,
            rule="NOT_THERE",
        )
    if number == 606:
        return UsageError(
            f"{about.doing} needs a warehouse", where=host, why=text, fix="set SNOWFLAKE_WAREHOUSE", rule="NO_WAREHOUSE"
        )
    if number in (_TIMED_OUT, _TRANSFER_OR_TRIES, _CONNECTION):
        return _away(host, seconds, text, about)
    return UsageError(f"Snowflake refuses {about.doing}", where=about.where or host, why=text, fix="see why")


def _grant(about: About, role: str | None) -> str:
    if not about.stage:
        return "let an administrator grant it"
    return f"GRANT READ, WRITE ON STAGE {about.stage} TO ROLE {identifier(role) if role else 'ROLE'};"


def _is_away(number: int, text: str) -> bool:
    return number == _TRANSFER_OR_TRIES or (number == _CONNECTION and "retries" in text)


def _away(host: str, seconds: float, text: str, about: About | None = None, by: By | None = None) -> StoreUnavailable:
    doing = about.doing if about else "the login"
    login = "run it again; if it stays so, check SNOWFLAKE_ACCOUNT, SNOWFLAKE_HOST, the network and its proxy"
    return StoreUnavailable(
        f"{doing} failed after {seconds:.0f} s: Snowflake or its storage does not answer",
        where=host,
        why=text,
        fix=_fix(login, by) if by else "nothing half-made is there: run it again",
    )


def _text(error: Any) -> str:
    """The server's words, without the ids that the connector adds."""
    return shown(" ".join(str(error.msg).split()), _MAX_SHOWN)
