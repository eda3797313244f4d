"""What an account has of one repository, for whoever looks why it does not work.

Source: the pages of DESCRIBE and SHOW, and of SYSTEM$GET_ARTIFACT_REPOSITORY_INFO, undated, as read on 2026-11-28.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from venvbuild.errors import Problem, UsageError
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import plan, state
from venvbuild.snowflake.repository.description import Description, Repository, exact_parts
from venvbuild.snowflake.repository.plan import Change, Plan
from venvbuild.snowflake.repository.surroundings import Surroundings, surroundings
from venvbuild.snowflake.statement import literal
from venvbuild.text import shown

_FIX = "`venvbuild snowflake repository plan --ask` tells what has to change"


@dataclass(frozen=True)
class Standing:
    """Of a repository, its secret, its integration, its grants and its functions."""

    surroundings: Surroundings
    planned: Plan
    info: str
    """What Snowflake tells of it; empty: not told."""
    findings: tuple[Problem, ...]


def standing(session: Session, described: Description, one: Repository) -> Standing:
    """What is there of all that the file says of it.

    Raises:
        UsageError: a name is not whole. StoreUnavailable: Snowflake does not answer.
    """
    where = surroundings(session)
    planned = plan.plan(_of(described, one), state.look(session, _of(described, one)))
    findings = tuple(_finding(change, described) for change in planned.pending)
    return Standing(where, planned, _info(session, planned.state.context.whole(one.name)), findings)


def _of(described: Description, one: Repository) -> Description:
    """What of the file has to do with the repository."""

    def is_one(name: str, wanted: str | None) -> bool:
        return wanted is not None and exact_parts(name) == exact_parts(wanted)

    return replace(
        described,
        secrets=tuple(secret for secret in described.secrets if is_one(secret.name, one.secret)),
        integrations=tuple(found for found in described.integrations if is_one(found.name, one.integration)),
        repositories=(one,),
        policies=(),
        defaults=(),
        functions=tuple(function for function in described.functions if is_one(function.repository, one.name)),
    )


def _finding(change: Change, described: Description) -> Problem:
    name = shown(change.name, 200)
    if change.action == plan.CREATE:
        what = f"{change.kind} {name} is not there, or this role is not shown it"
    else:
        what = f"{change.kind} {name} is not as the file says: {shown(str(change), 300)}"
    return Problem(what, described.where(*change.record.keys), fix=_FIX)


def _info(session: Session, name: str) -> str:
    try:
        statement = f"SELECT SYSTEM$GET_ARTIFACT_REPOSITORY_INFO({literal(name)})"
        rows = session.rows(statement, About("asking about the repository"))
    except UsageError:
        return ""
    return str(next(iter(rows[0].values()), "") or "") if rows else ""
