"""From which addresses Snowflake comes: what SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES answered, and until when it holds.

Source: Snowflake's page of that function, undated, as read on 2026-11-28: on AWS one object, several after each other,
or a list; on Azure, in preview, a list with `published` and `usage`, and `//` comments in it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from venvbuild.errors import UsageError
from venvbuild.text import shown

SOON = timedelta(days=14)
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*', re.DOTALL)
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
    """The ranges of an answer, in its order.

    Raises:
        UsageError: it is none; says what was not understood.
    """
    clean = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else "", text).strip()
    try:
        found = json.loads(clean if clean.startswith(("[", '"')) else f"[{clean.rstrip(',')}]")
        if isinstance(found, str):  # a client may have written the answer as a text
            return parse(found, where)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the answer is no JSON: {shown(str(error))}", where=where, fix=_FIX) from None
    # A program may have made a row of the answer.
    found = found[0] if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list) else found
    if not found:
        raise UsageError("the answer names no range", where=where, fix=_FIX)
    return tuple(_range(one, where) for one in found)


def _range(given: Any, where: str) -> Range:
    one = {str(key).lower(): value for key, value in given.items()} if isinstance(given, dict) else {}
    prefix = one.get("ipv4_prefix", one.get("ipv6_prefix"))
    try:
        network = ipaddress.ip_network(prefix if isinstance(prefix, str) else "")
        effective, expires = (_instant(one.get(key)) for key in ("effective", "expires"))
    except ValueError as error:
        told = shown(json.dumps(given))
        raise UsageError(f"{told} is no range: {shown(str(error))}", where=where, fix=_FIX) from None
    return Range(str(network), effective, expires, str(one.get("usage") or ""))


def _instant(given: Any) -> datetime | None:
    if given is None or given == "":
        return None
    found = datetime.fromisoformat(given if isinstance(given, str) else "")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}"
