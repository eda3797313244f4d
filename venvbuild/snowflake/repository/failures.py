"""What Snowflake's errors mean while a repository is made, used or taken away: one table, code by code.

Source of the statuses: *Integrate customer-hosted Python artifact repositories*, "Troubleshooting" (undated, read on
2026-11-29).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from venvbuild.errors import StoreUnavailable, UsageError, VenvBuildError
from venvbuild.redaction import MASK
from venvbuild.snowflake.repository import facts
from venvbuild.snowflake.repository.description import Default, Function, Integration, Repository
from venvbuild.snowflake.repository.facts import Context, Record
from venvbuild.snowflake.statement import identifier, literal
from venvbuild.text import shown

UNCONFIRMED = (
    "READ or USAGE on a secret", "the colon in a GENERIC_STRING", "ALTER API INTEGRATION on one for repositories",
    "what CREATE OR REPLACE does to grants", "what DESCRIBE ARTIFACT REPOSITORY answers", "an empty ALLOWLIST",
    "more than one label for * in a prefix",
)  # fmt: skip
"""What no account has confirmed; docs/snowflake-repositories.md has the same."""
_DOCTOR = "venvbuild snowflake repository doctor"
_STATUS = re.compile(r"(?i)(?:HTTP|status|response|error)[^0-9\n=]{0,24}=?\b(40[0134]|422|50[023])\b(?! *\d)")
_TEXT_OF_STATUS = re.compile(
    r"(?i)(?<![=.-])\b(40[0134]|422|50[023]) (?:Bad Request|Unauthorized|Forbidden|Not Found|Unprocessable|Internal"
    r"|Bad Gateway|Service Unavailable)"
)
_PREFIX = re.compile(r"(?i)error code:? *10003")
_NULL = re.compile(r"(?i)artifact repository server\. *'null'")
_OBJECT = re.compile(
    r"(?i)\b(Database|Schema|Integration|Secret|Artifact Repository|Role|Warehouse|Stage|Function|Procedure"
    r"|Packages Policy) '?([^'\s]+)'? (?:does not exist|not found)"
)
_NO_PLACE = (90105, 90106)
"""No current database; no current schema."""
_AWAY = (14, 4, 250001)
"""The connector's own: no answer after all its tries."""
_NO_WAREHOUSE = 606


@dataclass(frozen=True)
class Doing:
    """One statement, and what it is for."""

    action: str
    """`create`, `alter`, `replace`, `grant`, `drop`, `try`."""
    kind: str
    name: str
    """Whole."""
    record: Record
    masked: str
    """The statement, as everybody may read it."""

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.name}"


@dataclass(frozen=True)
class Reason:
    """Why a statement failed."""

    what: str
    why: str
    fix: str
    is_away: bool = False
    """Whether Snowflake has failed, and another run may cure it."""
    is_known: bool = True
    """Whether the error is one of those that pages tell of."""
    query: str = ""
    """Its id, for whoever asks Snowflake."""

    def error(self, before: str = "", after: str = "") -> VenvBuildError:
        """For the person who runs the job: where it happened before it, what is done and what is not after it."""
        query = f"query {self.query}" if self.query else ""
        why = "; ".join(filter(None, (self.why, after, query)))
        made = StoreUnavailable if self.is_away else UsageError
        return made(f"{before}{self.what}", why=why, fix=self.fix)


def reason_of(error: VenvBuildError, doing: Doing, context: Context, hidden: Sequence[str] = ()) -> Reason:
    """What a refused statement means. The values in it, `hidden`, are not told, though Snowflake may repeat them."""
    cause = error.__cause__
    number, query = getattr(cause, "errno", None), str(getattr(cause, "sfqid", None) or "")
    said = str(getattr(cause, "msg", None) or error.problems[0].why or error.problems[0].what)
    for value in sorted(hidden, key=len, reverse=True):
        # Also what is an ordinary word, which the redactor lets pass.
        for form in (value, literal(value)[1:-1]):
            said = said.replace(form, MASK)
    text = shown(" ".join(said.split()), 400)
    found = _of_code(number, text, doing, context) or _of_artifact(text, doing, context) or _other(text, doing)
    return Reason(found.what, found.why, found.fix, found.is_away, found.is_known, shown(query))


def _of_code(number: Any, text: str, doing: Doing, context: Context) -> Reason | None:
    if number == 3001:
        why = f"{context.as_role} may not {doing.action} it"
        return Reason(text, why, grants(doing, context))
    if number in (2003, 2043) and not _status(text):
        return Reason(text, f"it is not there, or {context.as_role} cannot see it", _visible(text, doing, context))
    if number in _NO_PLACE:
        fix = 'write [context] with database = "..." and schema = "...", or USE SCHEMA: set SNOWFLAKE_DATABASE and '
        return Reason(text, "the session has none", f"{fix}SNOWFLAKE_SCHEMA")
    if number == _NO_WAREHOUSE:
        return no_warehouse(context, text)
    if number in _AWAY:
        return Reason(text, "Snowflake does not answer", "run it again", is_away=True)
    return None


def no_warehouse(context: Context, text: str = "the session has no warehouse") -> Reason:
    """Packages are got on one."""
    role = _role(context)
    fix = f"set SNOWFLAKE_WAREHOUSE, or `warehouse` in connections.toml; GRANT USAGE ON WAREHOUSE NAME TO ROLE {role};"
    return Reason(text, "Snowflake gets the packages of a function on a warehouse", fix)


def _status(text: str) -> int:
    found = _STATUS.search(text) or _TEXT_OF_STATUS.search(text)
    return int(found[1]) if found else 0


def _of_artifact(text: str, doing: Doing, context: Context) -> Reason | None:
    """What the index, or the way to it, has refused."""
    if _NULL.search(text):
        return Reason(text, "Snowflake's side", "run it again; if it stays so, ask Snowflake's support", is_away=True)
    status, repository = _status(text), context.whole(_repository_of(doing))
    if not status and not _PREFIX.search(text):
        return None
    if status in (422, 500, 503):
        return Reason(text, "Snowflake's side", "run it again; if it stays so, ask Snowflake's support", is_away=True)
    advice = {
        401: (
            "the index does not take the secret",
            f"try another by {_DOCTOR}, then apply it with --rotate-secret",
        ),
        403: ("the index refuses this package, or sends to a host that no prefix allows", f"see which: {_DOCTOR}"),
        404: (
            f"the repository is not there, {context.as_role} has no USAGE on it, or the index lacks the package",
            f"GRANT USAGE ON ARTIFACT REPOSITORY {repository} TO ROLE {_role(context)}; or see what it has: {_DOCTOR}",
        ),
        502: (
            "Snowflake cannot reach the index: name, network, TLS or too many redirects",
            f"see from here: {_DOCTOR}",
        ),
    }
    if status in advice:
        return Reason(text, *advice[status])
    if _PREFIX.search(text):
        return Reason(text, "a host on the way is under no allowed prefix", f"see which: {_DOCTOR}, then allow it")
    return None


def _other(text: str, doing: Doing) -> Reason:
    return Reason(text, f"of {shown(' '.join(doing.masked.split()), 300)}", "see what Snowflake says", is_known=False)


def _repository_of(doing: Doing) -> str:
    one = doing.record
    return one.repository if isinstance(one, Function | Default) else doing.name


def _role(context: Context) -> str:
    return identifier(context.role) if context.role else "ROLE"


def _visible(text: str, doing: Doing, context: Context) -> str:
    """The GRANT that shows what was not found."""
    found, role = _OBJECT.search(text), _role(context)
    if found and found[1].lower() == "role":
        return "name another role in grant_usage_to, or let an administrator create it"
    if found:
        more = f"GRANT USAGE ON {found[1].upper()} {found[2].rstrip('.')} TO ROLE {role};"
        return f"check its name; if it is there: {more}"
    return f"check its name; if it is there: {grants(doing, context)}"


def grants(doing: Doing, context: Context) -> str:
    """What an administrator has to run so that the role may do it."""
    role, one = _role(context), doing.record
    words = {"repository": "ARTIFACT REPOSITORY", "packages_policy": "PACKAGES POLICY"}
    noun = words.get(doing.kind, doing.kind.upper())
    if doing.action == "try":
        return f"GRANT USAGE ON {noun} {doing.name.partition('(')[0]}{_types(one)} TO ROLE {role};"
    if isinstance(one, Default):
        if one.level == "account":
            return "let ACCOUNTADMIN run it: USE ROLE ACCOUNTADMIN, or `role` in connections.toml"
        return f"GRANT MODIFY ON {one.level.upper()} {one.of} TO ROLE {role};"
    if doing.action == "grant":
        return f"GRANT MANAGE GRANTS ON ACCOUNT TO ROLE {role}; or let the owner of it run this"
    if doing.action in ("create", "replace"):
        if isinstance(one, Integration):
            return f"GRANT CREATE INTEGRATION ON ACCOUNT TO ROLE {role};"
        more = ""
        if isinstance(one, Repository):
            more = f" GRANT USAGE ON INTEGRATION {facts.plain(one.integration)} TO ROLE {role};"
        if isinstance(one, Function):
            more = f" GRANT USAGE ON ARTIFACT REPOSITORY {context.whole(one.repository)} TO ROLE {role};"
        return f"GRANT CREATE {noun} ON SCHEMA {context.schema_of(one.name)} TO ROLE {role};{more}"
    name = f"{doing.name.partition('(')[0]}{_types(one)}"
    return f"GRANT OWNERSHIP ON {noun} {name} TO ROLE {role} COPY CURRENT GRANTS; or let its owner run this"


def _types(one: Record) -> str:
    return f"({', '.join(of for _, of in one.arguments)})" if isinstance(one, Function) else ""
