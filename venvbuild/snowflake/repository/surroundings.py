"""The account that is asked: where it is and what it is, as far as this role is shown it.

Source: the pages of CURRENT_REGION and of ORGANIZATION_USAGE.ACCOUNTS, undated, as read on 2026-11-29.
"""

from __future__ import annotations

from dataclasses import dataclass

from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.text import shown

_EDITION = "SELECT EDITION FROM SNOWFLAKE.ORGANIZATION_USAGE.ACCOUNTS WHERE ACCOUNT_NAME = CURRENT_ACCOUNT_NAME()"
_LESSER = ("STANDARD", "ENTERPRISE")
"""Editions without PrivateLink."""


@dataclass(frozen=True)
class Surroundings:
    """Of a session; None: not shown."""

    account: str | None
    role: str | None
    region: str | None
    """`AWS_US_WEST_2`, without its group."""
    edition: str | None
    """`BUSINESS_CRITICAL`."""

    @property
    def cloud(self) -> str | None:
        """`AWS`, `AZURE` or `GCP`."""
        word = (self.region or "").partition("_")[0].upper()
        return word if word in ("AWS", "AZURE", "GCP") else None

    @property
    def may_have_privatelink(self) -> bool:
        """Whether nothing that is shown says no."""
        return self.edition not in _LESSER

    def __str__(self) -> str:
        role = f"role {shown(self.role)}" if self.role else "no role"
        cloud = self.cloud or "a cloud that it does not tell"
        edition = shown(self.edition) if self.edition else "not shown to this role"
        region = shown(str(self.region))
        return f"{shown(str(self.account))}, {role}; {cloud}, region {region}; edition {edition}"


def surroundings(session: Session) -> Surroundings:
    """Who we are there, and where that is.

    Raises:
        UsageError, StoreUnavailable: Snowflake refuses, or does not answer.
    """
    account, role, region = session.current("ACCOUNT", "ROLE", "REGION")
    return Surroundings(account, role, region.rpartition(".")[2] if region else None, _edition(session))


def _edition(session: Session) -> str | None:
    try:
        rows = session.table(_EDITION, About("asking about the edition")).rows
    except UsageError:  # most roles are not shown it
        return None
    value = next(iter(rows[0].values()), None) if len(rows) == 1 else None
    return None if value is None else str(value).strip().upper().replace(" ", "_")
