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
_ANOTHER_WAY = "use a key pair (SNOWFLAKE_PRIVATE_KEY_FILE) or a programmatic access token (SNOWFLAKE_TOKEN) instead"


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
    390100: _Sentence("Snowflake does not know this user with this password", f"check both; or {_ANOTHER_WAY}"),
    390102: _Sentence(
        "Snowflake has locked this user",
        "wait a quarter of an hour, or let an administrator: ALTER USER NAME SET MINS_TO_UNLOCK = 0",
    ),
    390144: _Sentence(
        "Snowflake does not take this key",
        "register its public key: ALTER USER NAME SET RSA_PUBLIC_KEY = '...'; check SNOWFLAKE_ACCOUNT and "
        "SNOWFLAKE_USER, which are signed with it",
    ),
    390197: _Sentence(
        "Snowflake wants a second factor of this user", _ANOTHER_WAY.replace("instead", "instead of a password")
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
_NOT_CONFIGURED = (7, 251005)


def of_login(error: Any, how: str, host: str, seconds: float, four_ways: str) -> VenvBuildError:
    """A login that failed, as an error of ours; `how` is what we logged in by."""
    text, number = _text(error), error.errno
    if number in _NOT_CONFIGURED:
        return UsageError(
            f"{how} cannot be used: the connector has no login for it",
            where=host,
            why=text,
            fix=four_ways,
            rule="NOT_CONFIGURED",
        )
    if number in LOGIN:
        sentence = LOGIN[number]
        return UsageError(sentence.what, where=host, why=f"{text} (by {how})", fix=sentence.fix)
    if number == _TIMED_OUT or _is_away(number, text):
        return _away(host, seconds, text)
    if number == _CONNECTION and _NO_ACCOUNT.search(text):
        return UsageError(
            "no account answers there, or something on the way refuses",
            where=host,
            why=text,
            fix="check SNOWFLAKE_ACCOUNT (ORGANISATION-ACCOUNT), SNOWFLAKE_HOST and the proxy",
        )
    return UsageError(f"Snowflake does not let us in by {how}", where=host, why=text, fix="see why; check SNOWFLAKE_*")


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


def _away(host: str, seconds: float, text: str, about: About | None = None) -> StoreUnavailable:
    doing = about.doing if about else "the login"
    return StoreUnavailable(
        f"{doing} failed after {seconds:.0f} s: Snowflake or its storage does not answer",
        where=host,
        why=text,
        fix="nothing half-made is there: run it again"
        if about
        else "run it again; if it stays so, check SNOWFLAKE_ACCOUNT, SNOWFLAKE_HOST, the network and its proxy",
    )


def _text(error: Any) -> str:
    """The server's words, without the ids that the connector adds."""
    return shown(" ".join(str(error.msg).split()), _MAX_SHOWN)
