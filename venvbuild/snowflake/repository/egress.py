"""From which addresses Snowflake comes: what SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES answered, and until when it holds.

Source: Snowflake's page of that function, undated, as read on 2026-11-28: on AWS one object, several after each other,
or a list; on Azure, in preview, a list with `published` and `usage`, and `//` comments in it.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from venvbuild.errors import UsageError
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import answers
from venvbuild.snowflake.repository.sql import EGRESS
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild.snowflake.connection import Session

SOON = timedelta(days=14)
_COLUMN = "EGRESS_IP_RANGES"
"""In the name that a client gives the column of the answer."""
_LAST_SECOND = 1e11
_FIX = "give what the SELECT answered, as it is"


@dataclass(frozen=True)
class Range:
    """Addresses that Snowflake uses; all accounts of the region share them."""

    prefix: str
    """`153.45.151.0/24`, or of IPv6."""
    effective: datetime | None
    """None: it is in force."""
    expires: datetime | None
    """None: no end was told."""
    usage: str = ""
    """What Azure's answer says of it."""

    def state(self, now: datetime) -> str:
        """`in force`, `not yet in force`, `expires soon` or `expired`."""
        if self.expires and self.expires <= now:
            return "expired"
        if self.effective and self.effective > now:
            return "not yet in force"
        return "expires soon" if self.expires and self.expires - now <= SOON else "in force"

    def warning(self, now: datetime) -> str:
        """A sentence about it; empty where there is nothing to tell."""
        state = self.state(now)
        if state == "expired":
            return f"{self.prefix} expired on {_day(self.expires)}: take it out, and ask for the ranges again"
        if state == "not yet in force":
            return f"{self.prefix} is in force from {_day(self.effective)} on: let it in before"
        if state == "expires soon":
            return f"{self.prefix} expires on {_day(self.expires)}: ask for the ranges again before"
        return ""


def parse(text: str, where: str) -> tuple[Range, ...]:
    """The ranges of an answer, in its order, whatever a client put around them: rows, lists, texts.

    Raises:
        UsageError: it is none; says what was not understood.
    """
    try:
        found = answers.objects(text, _COLUMN)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the answer is no JSON: {shown(str(error))}", where=where, fix=_FIX) from None
    if not found:
        raise UsageError("the answer names no range", where=where, fix=_FIX)
    return tuple(_range(one, where) for one in found)


def ask(session: Session) -> str:
    """What the account answers.

    Raises:
        UsageError: it has no such ranges, or this role may not ask. StoreUnavailable: Snowflake does not answer.
    """
    rows = session.rows(EGRESS.rstrip(";"), About("asking for the addresses"))
    return str(next(iter(rows[0].values()), "") or "") if rows else ""


def _range(given: Any, where: str) -> Range:
    one = answers.lower(given)
    prefix = one.get("ipv4_prefix", one.get("ipv6_prefix"))
    try:
        network = ipaddress.ip_network(prefix if isinstance(prefix, str) else "")
        effective, expires = (_instant(one.get(key)) for key in ("effective", "expires"))
    except (ValueError, OverflowError, OSError) as error:
        told = shown(json.dumps(given))
        raise UsageError(f"{told} is no range: {shown(str(error))}", where=where, fix=_FIX) from None
    return Range(str(network), effective, expires, str(one.get("usage") or ""))


def _instant(given: Any) -> datetime | None:
    if given is None or given == "":
        return None
    if isinstance(given, int | float) and not isinstance(given, bool):
        # Of seconds, or of thousandths of them, since 1970: as seconds these are after the year 5000.
        return datetime.fromtimestamp(given / 1000 if given > _LAST_SECOND else given, UTC)
    found = datetime.fromisoformat(given if isinstance(given, str) else "")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}"
