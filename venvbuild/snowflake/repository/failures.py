"""What Snowflake's errors mean while a repository is made, used or taken away: one table, code by code.

Source of the statuses: *Integrate customer-hosted Python artifact repositories*, "Troubleshooting" (undated, read on
2026-11-29).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from venvbuild.errors import StoreUnavailable, UsageError, VenvBuildError
from venvbuild.redaction import MASK
from venvbuild.snowflake.repository import facts
from venvbuild.snowflake.repository.description import Default, Function, Integration, Repository, exact_parts
from venvbuild.snowflake.repository.facts import Context, Record
from venvbuild.snowflake.repository.forms import NO_PLACE
from venvbuild.snowflake.statement import identifier, literal, names_of
from venvbuild.text import shown

UNCONFIRMED = (
    "READ or USAGE on a secret", "the colon in a GENERIC_STRING", "ALTER API INTEGRATION on one for repositories",
    "what CREATE OR REPLACE does to grants", "what DESCRIBE ARTIFACT REPOSITORY answers", "an empty ALLOWLIST",
    "more than one label for * in a prefix",
)  # fmt: skip
"""What no account has confirmed; docs/snowflake-repositories.md has the same."""
_DOCTOR = "venvbuild snowflake repository doctor"
_CODE = r"(40[0134]|422|50[023])\b(?![.%]?\d)"
_PHRASE = (
    r"(?:Bad Request|Unauthorized|Forbidden|Not Found|Unprocessable|Internal Server|Bad Gateway"
    r"|Client Error|Server Error|Service (?:Temporarily )?Unavailable)"
)
_STATUSES = tuple(
    re.compile(f"(?i){pattern}")
    for pattern in (
        # HTTP 503; HTTP/1.1 403; HTTP status code: 404; HTTPError: 404
        rf"\bHTTPS?(?:/[0-9.]+)?(?:[ _-]?(?:response|status|error|code)){{0,3}}[ :=(\"']{{0,3}}{_CODE}",
        # status: 401; "status_code":401; response code 502; code=502 message=
        rf"(?<!exit )(?<![a-z])(?:status|response)[ _-]?(?:code)?[\"']?(?: is| was| of)?[ :=(\"']{{0,3}}{_CODE}",
        rf"(?<!exit )(?<![a-z])code=[\"']?{_CODE}",
        # 502 Bad Gateway; 404: Not Found; Unauthorized (401)
        rf"(?<![=.\w-]){_CODE}:? {_PHRASE}",
        rf"{_PHRASE}[ :]{{0,2}}[(\[]{_CODE}",
        # Request to https://a/ failed with 401; Artifact repository returned 403
        rf"(?:https?://|\b(?:request|repository|index|server|upstream|registry|proxy)\b)[^;\n]{{0,200}}?\b(?:failed|returned"
        rf"|answered|responded|refused)(?: with| by)?(?: an?)?(?: error| code)?[ :(]{{1,2}}{_CODE}",
    )
)
"""Ways in which programs write the status of an answer: a number alone, or after the word error, is none."""
_OF_SQL = re.compile(r"(?i)error line \d+ at position \d+|syntax error")
_SYNTAX = 1003
_OWN = re.compile(r"Python Interpreter Error|Traceback \(most recent call last\)|_udf_code\.py")
_OF_INDEX = re.compile(r"(?i)\bpip\b|artifact repositor|/simple/")
"""A traceback without such words is that of the function itself."""
_PREFIX = re.compile(r"(?i)error code:? *10003")
_NULL = re.compile(r"(?i)artifact repository server\. *'null'")
_NAMED = (
    r"(?P<kind>Database|Schema|Integration|Secret|Artifact[ _]Repository|Role|Warehouse|Stage|Function|Procedure"
    r"|Packages[ _]Policy) (?:'(?P<quoted>[^']+)'|(?P<bare>[^'\s]+))"
)
_OBJECT = re.compile(rf"(?i)\b{_NAMED} (?:does not exist|not found)")
_OPERATED = re.compile(rf"(?i)privileges? to operate on (?:API |the )?{_NAMED}")
_NO_PLACE = (90105, 90106)
"""No current database; no current schema."""
_AWAY = (14, 4, 250001)
"""The connector's own: no answer after all its tries."""
_NO_WAREHOUSE = 606
_MAX_READ, _MAX_SHOWN = 50_000, 400
_MIN_PLAIN = 6
"""Characters of a secret; a shorter one stands in any sentence, and hiding it there would tell it."""


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
    is_lost: bool = False
    """Whether it did not answer, so that nobody knows what became of the statement."""
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
    whole = shown(" ".join(_masked(said, hidden).split()), _MAX_READ)
    text, status = _cut(whole), 0 if number == _SYNTAX else _status(whole)
    found = _of_code(number, text, status, doing, context) or _of_artifact(text, whole, status, doing, context)
    return replace(found or _other(text, doing), query=shown(query))


def _masked(said: str, hidden: Sequence[str]) -> str:
    """Without values of secrets, also such as are ordinary words, which the redactor lets pass."""
    for value in sorted(hidden, key=len, reverse=True):
        inner = literal(value)[1:-1]
        if len(value) < _MIN_PLAIN:
            said = said.replace(f"'{inner}'", f"'{MASK}'")
        elif value.isalpha():
            # Where it stands alone, and not as a part of longer words.
            said = re.sub(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", MASK, said)
        else:
            said = said.replace(value, MASK).replace(inner, MASK)
    return said


def _cut(text: str) -> str:
    """What is shown of it: its beginning, or what tells most, which may stand behind a long log."""
    found = _last_status(text) or _PREFIX.search(text) or _NULL.search(text)
    if found is None or found.end() <= _MAX_SHOWN - 100:
        return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
    end = min(len(text), found.end() + 100)
    dots = "..." if end < len(text) else ""
    return f"...{text[max(0, end - _MAX_SHOWN + 6) : end]}{dots}"


def _of_code(number: Any, text: str, status: int, doing: Doing, context: Context) -> Reason | None:
    if number == 3001:
        why = f"{context.as_role} may not {doing.action} it"
        return Reason(text, why, _allowing(text, doing, context))
    if number in (2003, 2043) and not status:
        return Reason(text, f"it is not there, or {context.as_role} cannot see it", _visible(text, doing, context))
    if number in _NO_PLACE:
        return Reason(text, "the session has none", NO_PLACE)
    if number == _NO_WAREHOUSE:
        return no_warehouse(context, text)
    if number in _AWAY:
        return Reason(text, "Snowflake does not answer", "run it again", is_away=True, is_lost=True)
    return None


def no_warehouse(context: Context, text: str = "the session has no warehouse") -> Reason:
    """Packages are got on one."""
    role = _role(context)
    fix = f"set SNOWFLAKE_WAREHOUSE, or `warehouse` in connections.toml; GRANT USAGE ON WAREHOUSE NAME TO ROLE {role};"
    return Reason(text, "Snowflake gets the packages of a function on a warehouse", fix)


def _status(text: str) -> int:
    found = _last_status(text)
    return int(found[1]) if found else 0


def _last_status(text: str) -> re.Match[str] | None:
    """The last that it tells: before it stand tries that were repeated."""
    if _OF_SQL.search(text) or (_OWN.search(text) and not _OF_INDEX.search(text)):
        return None
    found = [one for pattern in _STATUSES for one in pattern.finditer(text)]
    return max(found, key=lambda one: one.start(1), default=None)


def _of_artifact(text: str, whole: str, status: int, doing: Doing, context: Context) -> Reason | None:
    """What the index, or the way to it, has refused; `text` is what is shown of the `whole`."""
    if _NULL.search(whole):
        return Reason(text, "Snowflake's side", "run it again; if it stays so, ask Snowflake's support", is_away=True)
    repository, is_of_prefix = context.whole(_repository_of(doing)), _PREFIX.search(whole) is not None
    if not status and not is_of_prefix:
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
    if is_of_prefix:
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
    found = _OBJECT.search(text)
    if found and found["kind"].lower() == "role":
        return "name another role in grant_usage_to, or let an administrator create it"
    if found and not _is_own(found, doing):
        return f"check its name; if it is there: {_used(found, doing, context)}"
    return f"check its name; if it is there: {grants(doing, context)}"


def _allowing(text: str, doing: Doing, context: Context) -> str:
    """The GRANT of the right that is missing: on the object that Snowflake names, where it names one."""
    found, one = _OPERATED.search(text), doing.record
    if found is None or _is_own(found, doing):
        return grants(doing, context)
    kind = found["kind"].lower()
    if isinstance(one, Default) and kind == one.level:
        return grants(doing, context)
    # A function is changed by making it again.
    is_made = doing.action in ("create", "replace") or (doing.action == "alter" and isinstance(one, Function))
    if kind == "schema" and is_made and not isinstance(one, Integration | Default):
        return grants(replace(doing, action="create"), context)
    return _used(found, doing, context)


def _is_own(found: re.Match[str], doing: Doing) -> bool:
    """Whether an error names what the statement is about."""
    name = _named(found)
    is_kind = _noun(doing).split()[-1] == re.split("[ _]", found["kind"].upper())[-1]
    return is_kind and _is_alike(name, doing.name.partition("(")[0])


def _is_alike(told: str, whole: str) -> bool:
    """Whether an error's name is the end of a whole one; Snowflake may leave quotes out."""
    last = exact_parts(whole)[-1]
    return told in (last, whole) or exact_parts(told)[-1] == last


def _named(found: re.Match[str]) -> str:
    return (found["quoted"] or found["bare"]).rstrip(".").partition("(")[0]


def _used(found: re.Match[str], doing: Doing, context: Context) -> str:
    """What lets a role use an object that a statement only names."""
    kind, role = found["kind"].upper().replace("_", " "), _role(context)
    privileges = {"STAGE": ("READ",), "SECRET": ("USAGE", "READ"), "PACKAGES POLICY": ("APPLY",)}.get(kind, ("USAGE",))
    name = _whole(_named(found), kind, doing, context)
    # Of a secret it is not known which of them counts.
    return " ".join(f"GRANT {one} ON {kind} {name} TO ROLE {role};" for one in privileges)


def _whole(name: str, kind: str, doing: Doing, context: Context) -> str:
    """A name that an error tells, perhaps its end alone, as SQL has to write it."""
    one = doing.record
    named = {
        "SECRET": (one.secrets or ()) if isinstance(one, Integration) else (getattr(one, "secret", None),),
        "ARTIFACT REPOSITORY": (getattr(one, "repository", None),),
        "SCHEMA": () if isinstance(one, Integration | Default) else (context.schema_of(one.name),),
    }.get(kind, ())
    for candidate in filter(None, named):
        whole = candidate if kind == "SCHEMA" else context.whole(candidate)
        if _is_alike(name, whole):
            return facts.plain(whole)
    parts = names_of(name)
    if parts is None:
        return identifier(name)
    is_alone = kind in ("DATABASE", "SCHEMA", "INTEGRATION", "WAREHOUSE", "ROLE")
    return name if is_alone else context.whole(name)


def grants(doing: Doing, context: Context) -> str:
    """What an administrator has to run so that the role may do it."""
    role, one, noun = _role(context), doing.record, _noun(doing)
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


def _noun(doing: Doing) -> str:
    words = {"repository": "ARTIFACT REPOSITORY", "packages_policy": "PACKAGES POLICY"}
    return words.get(doing.kind, doing.kind.upper())


def _types(one: Record) -> str:
    return f"({', '.join(of for _, of in one.arguments)})" if isinstance(one, Function) else ""
