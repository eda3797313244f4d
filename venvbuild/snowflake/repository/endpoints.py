"""The private endpoints of an account: what SYSTEM$GET_PRIVATELINK_ENDPOINTS_INFO answered, and what is to be done.

Source: the page of that function and *Manage private connectivity endpoints*, undated, as read on 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import answers, sql
from venvbuild.snowflake.repository.description import PrivateLink
from venvbuild.snowflake.repository.surroundings import Surroundings
from venvbuild.text import shown

_SERVICE = {"provider_service_name": "AWS", "provider_resource_id": "AZURE", "target_service_id": "GCP"}
"""The field that names what an endpoint leads to -> the cloud."""
_READY = ("AVAILABLE", "APPROVED", "ACCEPTED")
_STEP = {
    "AWS": "accept it at AWS: VPC, Endpoint services, Endpoint connections",
    "AZURE": "approve it at Azure: Private Link Center, Pending connections",
    "GCP": "accept it at Google Cloud: Private Service Connect, Published services",
}
"""Cloud -> where the index's side says yes."""
_STATES = {
    "PENDING_CREATION": "Snowflake is making it: ask again",
    "FAILED": "it has failed at the cloud, and cannot be used: make another, or ask Snowflake's support",
    "PENDING_DELETION": "it is to be deleted: SYSTEM$RESTORE_PRIVATELINK_ENDPOINT keeps it",
    "DELETING": "it is being deleted",
}


@dataclass(frozen=True)
class Endpoint:
    """One of them."""

    service: str
    """`com.amazonaws.vpce...`, or the id of a resource; as Snowflake tells it, and so the others."""
    host: str
    state: str
    """Of Snowflake: `CREATED`."""
    status: str
    """Of the cloud: `Available`."""
    cloud: str
    """`AWS`, `AZURE`, `GCP`; empty: not known."""

    @property
    def is_ready(self) -> bool:
        """Whether it carries what is sent."""
        return self.status.strip().upper() in _READY and self.state.strip().upper() in ("", "CREATED")

    def step(self) -> str:
        """What is to be done; empty where nothing is."""
        state, status = self.state.strip().upper(), self.status.strip().upper()
        if self.is_ready:
            return ""
        if state in _STATES:
            return _STATES[state]
        if "PENDING" in status:
            return _STEP.get(self.cloud, "accept the connection at the cloud")
        return f"its status is {shown(self.status) or 'not told'}: look at the cloud"

    def is_of(self, link: PrivateLink) -> bool:
        """Whether it is the one that the file describes."""
        return self.service.lower() == link.service.lower() and self.host.lower() == link.host.lower()


def cloud_of(service: str) -> str:
    """Of what an endpoint is to lead to; empty: not known."""
    starts = {"com.amazonaws.": "AWS", "/subscriptions/": "AZURE", "projects/": "GCP"}
    return next((cloud for start, cloud in starts.items() if service.lower().startswith(start)), "")


def parse(text: str, where: str) -> tuple[Endpoint, ...]:
    """All of an answer, in its order.

    Raises:
        UsageError: it is none.
    """
    try:
        found = answers.objects(text, "ENDPOINTS_INFO")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the answer is no JSON: {shown(str(error))}", where=where, fix="see what it is") from None
    return tuple(_endpoints(found, where))


def _endpoints(found: Iterable[Any], where: str) -> Iterable[Endpoint]:
    for given in found:
        one = answers.lower(given)
        field = next((name for name in _SERVICE if name in one), None)
        if not one:
            raise UsageError(f"{shown(str(given))} is no endpoint", where=where, fix="see what the account answers")
        service, host, state, status = (
            str(one.get(name) or "") for name in (field or "", "host", "endpoint_state", "status")
        )
        yield Endpoint(service, host, state, status, _SERVICE.get(field or "", ""))


def judge(link: PrivateLink, seen: Surroundings, where: str) -> None:
    """Whether the account can have it.

    Raises:
        UsageError: it is in another cloud than the index, or its edition has no such endpoints.
    """
    if not seen.may_have_privatelink:
        what = f"the account's edition is {shown(str(seen.edition))}, which has no private endpoints"
        fix = "let the account get Business Critical, or reach the index over the internet"
        raise UsageError(what, where=where, fix=fix)
    cloud = cloud_of(link.service)
    if cloud and seen.cloud and cloud != seen.cloud:
        what = f"the service is at {cloud}, and the account at {seen.cloud}"
        raise UsageError(what, where=where, fix=f"name a service of the index at {seen.cloud}")


def ask(session: Session) -> tuple[Endpoint, ...]:
    """Those of the account.

    Raises:
        UsageError: this role may not ask. StoreUnavailable: Snowflake does not answer.
    """
    where = "SYSTEM$GET_PRIVATELINK_ENDPOINTS_INFO"
    return parse(_told(session, sql.PRIVATELINK_STATUS, "asking for the endpoints"), where)


def provision(session: Session, link: PrivateLink) -> str:
    """Ask for it; what Snowflake says.

    Raises:
        UsageError: this role may not. StoreUnavailable: Snowflake does not answer.
    """
    return _told(session, sql.provision(link), f"provisioning the endpoint of {shown(link.host)}")


def _told(session: Session, statement: str, doing: str) -> str:
    try:
        rows = session.rows(statement.rstrip(";"), About(doing))
    except UsageError as error:
        [problem] = error.problems
        fix = "use the role ACCOUNTADMIN: SNOWFLAKE_ROLE=ACCOUNTADMIN, or `role` in connections.toml"
        raise UsageError(problem.what, where=problem.where, why=problem.why, fix=fix, rule=problem.rule) from error
    return str(next(iter(rows[0].values()), "") or "") if rows else ""
