"""What Snowflake shows of the objects that the file describes: answers of SHOW and DESCRIBE, whatever their shape.

An answer may be one row with a column for each property, rows of property and value, or one JSON object; columns that
nobody knows are passed over. Which shape DESCRIBE ARTIFACT REPOSITORY has no page says. What cannot be read is
not known, and never equal.

Source: the pages of each SHOW and DESCRIBE, undated, read on 2026-11-28; docs/snowflake-repositories.md names them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from venvbuild.errors import Problem, UsageError
from venvbuild.snowflake.connection import Table
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import facts
from venvbuild.snowflake.repository.description import (
    Default,
    Description,
    Function,
    Integration,
    PackagesPolicy,
    Repository,
    Secret,
    exact_parts,
)
from venvbuild.snowflake.repository.facts import PARAMETER, Context, Facts, Record, Value
from venvbuild.snowflake.repository.forms import NO_PLACE
from venvbuild.snowflake.statement import exact, identifier, literal
from venvbuild.text import shown

Key = tuple[str, ...]
"""Kind, whole name, and what else makes it another object: types of arguments, the role of a grant."""
_PAIRS = (("property", "property_value"), ("property", "value"), ("key", "value"), ("name", "value"))
"""Columns of an answer that has a row for each property."""
_ELEMENT = re.compile(r"""((?:'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|[^,'"])+)(?:,|$)""", re.DOTALL)
"""Of a list with commas."""
_NEVER_EMPTY = ("type", "provider", "integration", "index_url", "allowed_prefixes")
"""Facts that every such object has."""
_NOT_THERE, _NO_RIGHT = "NOT_THERE", "NO_RIGHT"


class Asked(Protocol):
    """Whom we ask: a session."""

    def table(self, statement: str, about: About) -> Table:
        """What a statement gives; raises as `Session.table`."""


@dataclass(frozen=True)
class Seen:
    """One object, as far as it is shown."""

    presence: str
    """`there`, `absent` (or not shown to this role: Snowflake says the same of both), or `hidden`: refused."""
    facts: Facts = field(default_factory=dict)
    """What the answers tell; what is not in it is not known."""
    why: str = ""
    """Why nothing, or not all, is known."""
    unread: tuple[str, ...] = ()
    """Facts that the answers tell in a way that cannot be read, or with NULL: nobody knows whether it is not shown."""
    lost: tuple[str, ...] = ()
    """Where it is not to be had without being replaced: what it has that the file does not give it again."""


@dataclass(frozen=True)
class State:
    """All that was looked at."""

    context: Context
    seen: Mapping[Key, Seen]


def key_of(one: Record, context: Context) -> Key:
    """By what an object is found."""
    if isinstance(one, Default):
        return "default", one.level, facts.plain(one.of) if one.of else ""
    if isinstance(one, Integration):
        return "integration", facts.plain(one.name)
    if isinstance(one, Function):
        return one.kind, context.whole(one.name), types_of(one)
    return kind_of(one), context.whole(one.name)


def kind_of(one: Record) -> str:
    """As the file names its table; of a function, which of the two it is."""
    if isinstance(one, Function):
        return one.kind
    kinds = {Secret: "secret", Integration: "integration", Repository: "repository"}
    return kinds.get(type(one), "default" if isinstance(one, Default) else "packages_policy")


def grant_key(one: Repository, role: str, context: Context) -> Key:
    """Of the grant of USAGE."""
    return "grant", context.whole(one.name), facts.plain(role)


def types_of(one: Function) -> str:
    """Of its arguments, as they make it another function."""
    return ", ".join(of for _, of in one.arguments)


def records_of(description: Description) -> tuple[Record, ...]:
    """In the order in which they can be made; grants belong to repositories, and policies come after them."""
    return (
        *description.secrets, *description.integrations, *description.repositories, *description.policies,
        *description.defaults, *description.functions,
    )  # fmt: skip


def context_of(session: Asked) -> Context:
    """Who we are there.

    Raises:
        UsageError, StoreUnavailable: Snowflake refuses, or does not answer.
    """
    asked = ("ACCOUNT", "ROLE", "DATABASE", "SCHEMA", "REGION")
    statement = f"SELECT {', '.join(f'CURRENT_{name}()' for name in asked)}"
    rows = session.table(statement, About("asking about the session")).rows
    values = [*rows[0].values()] if rows else []
    texts = [None if one is None else str(one) for one in [*values, *[None] * len(asked)]]
    account, role, *places, region = texts[: len(asked)]
    database, schema = (None if one is None else one if one.startswith('"') else identifier(one) for one in places)
    return Context(account, role, database, schema, region)


def look(session: Asked, description: Description) -> State:
    """Ask of each object.

    Raises:
        UsageError: a name is not whole, and the session completes it by nothing.
        StoreUnavailable: Snowflake does not answer.
    """
    context = context_of(session)
    _judge_names(description, context)
    seen = dict[Key, Seen]()
    for one in records_of(description):
        found = of_object(session, one, context)
        if _is_other(one, found, context):
            found = replace(found, lost=_lost(session, one, found, context))
        seen[key_of(one, context)] = found
        if isinstance(one, Repository):
            seen.update(_grants(session, one, found, context))
    return State(context, seen)


def of_object(session: Asked, one: Record, context: Context) -> Seen:
    """What is shown of one; raises as `look`."""
    if isinstance(one, Default):
        return _default(session, one, context)
    if isinstance(one, Repository):
        return _repository(session, one, context)
    words = {Secret: "SECRET", Integration: "INTEGRATION", PackagesPolicy: "PACKAGES POLICY"}
    if isinstance(one, Function):
        statement = f"DESCRIBE {one.kind.upper()} {one.name}({types_of(one)})"
        return _described(session, statement, lambda found: _function(found, one, context))
    statement = f"DESCRIBE {words[type(one)]} {one.name}"
    if isinstance(one, Secret):
        return _described(session, statement, lambda found: _secret(found, one))
    if isinstance(one, Integration):
        return _described(session, statement, lambda found: _integration(found, one, context))
    return _described(session, statement, lambda found: _policy(found))


def _judge_names(description: Description, context: Context) -> None:
    def lacking() -> Iterator[Problem]:
        for one in records_of(description):
            if not isinstance(one, Default | Integration) and not context.is_whole(one.name):
                yield Problem(
                    f"{shown(one.name)} has no database and schema, and the session has none",
                    description.where(*one.keys),
                    fix=NO_PLACE,
                )

    if problems := list(lacking()):
        raise UsageError.of(problems)


def _is_other(one: Record, found: Seen, context: Context) -> bool:
    """Whether it differs in what no ALTER changes."""
    wanted = facts.of_record(one, context)
    names = [name for name in facts.SET_ANEW.get(kind_of(one), ()) if name in wanted and name in found.facts]
    return any(found.facts[name] != wanted[name] for name in names)


def _lost(session: Asked, one: Record, found: Seen, context: Context) -> tuple[str, ...]:
    """Properties that the file does not name, and grants that it does not give."""
    wanted = facts.of_record(one, context)
    more = {name: value for name, value in found.facts.items() if name not in wanted and value}
    told = [f"{name} {value if isinstance(value, str) else facts.told(value)}" for name, value in more.items()]
    words = {"secret": "SECRET", "integration": "INTEGRATION", "repository": "ARTIFACT REPOSITORY"}
    statement = f"SHOW GRANTS ON {words[kind_of(one)]} {one.name}"  # type: ignore[union-attr]  # no default
    table = _ask(session, statement, "SHOW GRANTS")
    if isinstance(table, Seen) or not {"privilege", "grantee_name"} <= set(table.columns):
        return (*told, f"grants that {context.as_role} is not shown")
    kept = {exact(role) for role in one.grant_usage_to} if isinstance(one, Repository) else set[str]()
    for row in table.rows:
        privilege, to, name = (str(row.get(key) or "") for key in ("privilege", "granted_to", "grantee_name"))
        if privilege.upper() != "OWNERSHIP" and not (privilege.upper() == "USAGE" and name in kept):
            whom = name if to.upper() in ("", "ROLE") else f"{to.lower().replace('_', ' ')} {name}"
            told.append(f"{privilege} to {whom}")
    return tuple(told)


def users_of(session: Asked, description: Description, context: Context) -> Mapping[str, tuple[str, ...] | None]:
    """Integration -> the repositories that use it and are not the file's, as SQL writes them; None: not shown.

    Raises:
        StoreUnavailable: Snowflake does not answer.
    """
    names = [facts.plain(one.name) for one in description.integrations]
    if not names:
        return {}
    columns = ("database_name", "schema_name", "name")
    table = _ask(session, "SHOW ARTIFACT REPOSITORIES IN ACCOUNT", "SHOW ARTIFACT REPOSITORIES")
    if isinstance(table, Seen) or not {*columns, "api_integration"} <= set(table.columns):
        return dict.fromkeys(names)
    ours, users = {context.whole(one.name) for one in description.repositories}, dict[str, list[str]]()
    for row in table.rows:
        told, whole = str(row["api_integration"]), ".".join(identifier(str(row[column])) for column in columns)
        for name in names:
            if whole not in ours and _name_of_one(told, name) == name:
                users.setdefault(name, []).append(whole)
    return {name: tuple(users.get(name, ())) for name in names}


# --- shapes


def properties(table: Table) -> dict[str, Any] | None:
    """Property -> value, in lower case; None where the answer has none of the shapes."""
    for pair in _PAIRS:
        if set(pair) <= set(table.columns):
            names = [str(row[pair[0]]).strip().lower() for row in table.rows]
            values = [row[pair[1]] for row in table.rows]
            # Of a property that is told twice nobody knows which counts.
            return dict(zip(names, values, strict=True)) if len(set(names)) == len(names) else None
    if len(table.rows) != 1 or len(table.rows[0]) != len(table.columns):
        return None
    [row] = table.rows
    if len(row) == 1 and (told := json_object(next(iter(row.values())))) is not None:
        return told
    return dict(row)


def json_object(value: object) -> dict[str, Any] | None:
    """Of an object of JSON, its keys in lower case; None where it is none."""
    try:
        found = json.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return {str(name).lower(): one for name, one in found.items()} if isinstance(found, dict) else None


def listed(value: object) -> tuple[str, ...] | None:
    """The texts of a list, as JSON, as SQL or with commas alone; None where it is none."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    text = str(value).strip()
    try:
        found = json.loads(text) if text.startswith("[") else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, list):
        return tuple(map(str, found))
    if text[:1] in "[(" and text[-1:] in "])":
        text = text[1:-1]
    parts, at = list[str](), 0
    while at < len(text):
        part = _ELEMENT.match(text, at)
        if not part:
            return None
        parts.append(_unquoted(part[1].strip()))
        at = part.end()
    return tuple(filter(None, parts))


def _unquoted(text: str) -> str:
    quoted = re.fullmatch(r"'((?:[^'\\]|\\.|'')*)'", text, re.DOTALL)
    return re.sub(r"\\(.)|''", lambda found: found[1] or "'", quoted[1]) if quoted else text


class _Told:
    """Facts that an answer tells."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.found = found
        self.facts = dict[str, Value]()
        self.unread = list[str]()
        """Facts that it tells, and nobody can read."""

    def first(self, *names: str) -> str | None:
        """The first of these properties that is there."""
        return next((name for name in names if name in self.found), None)

    def text(self, fact: str, *names: str, none: str | None = None) -> None:
        """`none`: what NULL means; without it it is not shown."""
        if name := self.first(*names):
            value = none if self.found[name] is None else str(self.found[name])
            if value is None or (value == "" and fact in _NEVER_EMPTY):
                self.unread.append(fact)
            else:
                self.facts[fact] = value

    def truth(self, fact: str, *names: str) -> None:
        if name := self.first(*names):
            word = str(self.found[name]).strip().lower()
            if word in ("true", "false"):
                self.facts[fact] = word == "true"
            else:
                self.unread.append(fact)

    def texts(self, fact: str, *names: str) -> tuple[str, ...] | None:
        name = self.first(*names)
        read = listed(self.found[name]) if name else None
        if read is not None:
            self.facts[fact] = tuple(sorted(read))
        elif name:
            self.unread.append(fact)
        return read


def _described(session: Asked, statement: str, read: Callable[[_Told], Facts]) -> Seen:
    what = re.match(r"(?:DESCRIBE|SHOW) (?:ARTIFACT REPOSITORY|PACKAGES POLICY|\w+)", statement)
    named = what[0] if what else statement
    table = _ask(session, statement, named)
    if isinstance(table, Seen):
        return table
    found = properties(table)
    if found is None:
        return Seen("there", {}, _odd(named, table))
    told = _Told(found)
    read(told)
    unread = tuple(dict.fromkeys(told.unread))
    why = f"{named} tells {_role_of(session)} NULL, or what cannot be read" if unread else ""
    return (
        Seen("there", told.facts, why, unread) if told.facts else Seen("there", {}, why or _odd(named, table), unread)
    )


def _odd(named: str, table: Table) -> str:
    columns = shown(", ".join(table.columns), 120)
    return f"{named} answered in a shape that is not known (columns {columns})"


def _ask(session: Asked, statement: str, named: str) -> Table | Seen:
    """The answer, or what its refusal means."""
    try:
        return session.table(statement, About(named))
    except UsageError as error:
        [problem] = error.problems
        if problem.rule == _NOT_THERE:
            return Seen("absent")
        if problem.rule == _NO_RIGHT:
            return Seen("hidden", {}, f"{named} was refused to {_role_of(session)}")
        return Seen("hidden", {}, f"{named}: {problem.why or problem.what}")


def _unseen(context: Context) -> str:
    """Of what another answer has shown."""
    return f"it is not there, or {context.as_role} cannot see it"


def _role_of(session: Asked) -> str:
    role = getattr(session, "role", None)
    return f"role {shown(str(role))}" if role else "this role"


# --- what each tells


def _secret(told: _Told, one: Secret) -> Facts:
    told.text("type", "secret_type", "type")
    if "type" in told.facts:
        told.facts["type"] = str(told.facts["type"]).lower()
    # A name that comes from a variable is not kept: it may be the secret's better half.
    if one.username is not None:
        told.text("username", "username")
    _remark(told)
    return told.facts


def _remark(told: _Told) -> None:
    """The comment of what the file gives none."""
    if told.found.get("comment"):
        told.text("comment", "comment")


def _integration(told: _Told, one: Integration, context: Context) -> Facts:
    told.text("provider", "api_provider")
    if "provider" in told.facts:
        told.facts["provider"] = str(told.facts["provider"]).upper()
    told.truth("enabled", "enabled")
    told.texts("allowed_prefixes", "api_allowed_prefixes")
    if told.facts.get("allowed_prefixes") == ():  # as _NEVER_EMPTY
        del told.facts["allowed_prefixes"]
        told.unread.append("allowed_prefixes")
    secrets = told.texts("secrets", "allowed_authentication_secrets")
    if secrets is not None:
        left, named = [*(one.secrets or ())], list[str]()
        for name in secrets:
            if name.upper() != "NONE":
                named.append(_name(name, left, context))
                # Where two end alike, each is shown for one of them.
                left = [other for other in left if context.whole(other) != named[-1]]
        told.facts["secrets"] = tuple(sorted(named))
    told.truth("privatelink", "use_privatelink_endpoint")
    _remark(told)
    return told.facts


def _name(told: str, candidates: Sequence[str], context: Context) -> str:
    """A name whole; one that is shown without database and schema is that of the file which ends so."""
    parts = exact_parts(told)
    for one in candidates:
        whole = exact_parts(context.whole(one))
        if whole[-len(parts) :] == parts or whole[-1] == told:
            return context.whole(one)
    return context.whole(told)


def _policy(told: _Told) -> Facts:
    for name in ("allowlist", "blocklist", "additional_creation_blocklist"):
        texts = told.texts(name, name)
        if texts is not None:
            told.facts[name] = facts.packages(texts)
    return told.facts


def _function(told: _Told, one: Function, context: Context) -> Facts:
    told.text("handler", "handler")
    told.text("python", "runtime_version")
    told.text("body", "body", none="" if one.body is None else None)
    if "body" in told.facts:
        told.facts["body"] = facts.body(str(told.facts["body"]))
    _returns(told, one)
    read = [told.texts("packages", name) for name in ("packages", "artifact_repository_packages")]
    if any(texts is not None for texts in read):
        told.facts["packages"] = facts.packages(next((texts for texts in read if texts), ()))
    imports = told.texts("imports", "imports")
    if imports is not None:
        told.facts["imports"] = tuple(sorted(facts.imported(text, context) for text in imports))
    if name := told.first("artifact_repository"):
        repository = told.found[name]
        told.facts["repository"] = _name(str(repository), (one.repository,), context) if repository else ""
    if name := told.first("resource_constraint", "resource_constraints"):
        text = str(told.found[name] or "").strip()
        word = re.search(r"x86|arm", text, re.IGNORECASE)
        if word or text.strip("[]{}()") in ("", "null"):
            told.facts["architecture"] = word[0].lower() if word else None
        else:
            told.unread.append("architecture")
    return told.facts


def _returns(told: _Told, one: Function) -> None:
    """Only where both types are such as can be compared, or are written alike."""
    if name := told.first("returns", "return_type"):
        text, wanted = str(told.found[name]), facts.type_of(one.returns)
        is_same = facts.type_of(text) == wanted
        if is_same or (facts.is_known_type(text) and facts.is_known_type(one.returns)):
            told.facts["returns"] = facts.type_of(text)
        elif facts.type_of(text) == "NUMBER(38,0)" and wanted == "NUMBER":
            told.facts["returns"] = wanted


def _repository(session: Asked, one: Repository, context: Context) -> Seen:
    """DESCRIBE, and where it does not tell all, SHOW, whose columns are known but have no URL."""
    described = _described(
        session, f"DESCRIBE ARTIFACT REPOSITORY {one.name}", lambda told: _of_repository(told, one, context)
    )
    if set(facts.of_record(one, context)) <= set(described.facts):
        return described
    row = _listed_row(session, one, context)
    if row is None:
        return described
    told = {**_of_repository(_Told(row), one, context), **described.facts}
    unread = tuple(name for name in described.unread if name not in told)
    why = described.why or "DESCRIBE ARTIFACT REPOSITORY does not tell it"
    if described.presence == "absent":
        why = f"DESCRIBE ARTIFACT REPOSITORY: {_unseen(context)}"
    return Seen("there", told, why, unread)


def _of_repository(told: _Told, one: Repository, context: Context) -> Facts:
    told.text("integration", "api_integration", "integration", "api_integration_name")
    if told.facts.get("integration"):
        told.facts["integration"] = _name_of_one(str(told.facts["integration"]), one.integration)
    told.text("index_url", "index_url")
    # Who is not shown the URL may not be shown the secret either; else there is none.
    told.text("secret", "authentication_secret", "secret", none=None if "index_url" in told.unread else "")
    if told.facts.get("secret"):
        told.facts["secret"] = _name(str(told.facts["secret"]), (one.secret,) if one.secret else (), context)
    told.text("retention", "package_retention", "retention", none="")
    if "retention" in told.facts:
        told.facts["retention"] = str(told.facts["retention"]).lower()
    told.text("comment", "comment", none="")
    return told.facts


def _name_of_one(told: str, wanted: str) -> str:
    """Of one part: Snowflake may write what needs quotes without them."""
    return facts.plain(wanted) if told == exact(wanted) else facts.plain(told)


def _listed_row(session: Asked, one: Repository, context: Context) -> Mapping[str, Any] | None:
    *_, name = parts = exact_parts(context.whole(one.name))
    statement = f"SHOW ARTIFACT REPOSITORIES LIKE {literal(name)} IN SCHEMA {context.schema_of(one.name)}"
    table = _ask(session, statement, "SHOW ARTIFACT REPOSITORIES")
    if isinstance(table, Seen):
        return None
    columns = ("database_name", "schema_name", "name")
    found = [row for row in table.rows if tuple(row.get(column) for column in columns) == parts]
    return found[0] if len(found) == 1 else None


def _default(session: Asked, one: Default, context: Context) -> Seen:
    of = f"{one.level.upper()} {one.of}".rstrip()
    table = _ask(session, f"SHOW PARAMETERS LIKE {literal(PARAMETER)} IN {of}", "SHOW PARAMETERS")
    if isinstance(table, Seen):
        # A database that is not there has no default, and can get none.
        return Seen("hidden", {}, table.why or f"{of} is not there, or {context.as_role} cannot see it")
    rows = [row for row in table.rows if str(row.get("key")).upper() == PARAMETER]
    if not table.rows:
        return Seen("hidden", {}, f"SHOW PARAMETERS does not know {PARAMETER} here")
    if len(rows) != 1 or not {"value", "level"} <= set(table.columns):
        return Seen("hidden", {}, _odd("SHOW PARAMETERS", table))
    value, level = (str(rows[0][name] or "") for name in ("value", "level"))
    # What another level has is only passed on.
    if not value or level.upper() != one.level.upper():
        return Seen("absent")
    # What is right for a comparison is too little for an UNSET.
    is_whole = len(exact_parts(value)) == 3
    why = "" if is_whole else f"SHOW PARAMETERS tells {shown(value)} without its database or schema"
    return Seen("there", {"repository": _name(value, (one.repository,), context)}, why)


def _grants(session: Asked, one: Repository, found: Seen, context: Context) -> Iterator[tuple[Key, Seen]]:
    keys = [grant_key(one, role, context) for role in one.grant_usage_to]
    if not keys:
        return
    statement = f"SHOW GRANTS ON ARTIFACT REPOSITORY {one.name}"
    table = _ask(session, statement, "SHOW GRANTS") if found.presence != "absent" else found
    if isinstance(table, Seen):
        is_none = found.presence == "absent"
        unseen = Seen("hidden", {}, table.why or f"SHOW GRANTS: {_unseen(context)}")
        yield from ((key, table if is_none else unseen) for key in keys)
        return
    if not {"privilege", "grantee_name"} <= set(table.columns):
        yield from ((key, Seen("hidden", {}, _odd("SHOW GRANTS", table))) for key in keys)
        return
    has = {
        str(row["grantee_name"])
        for row in table.rows
        if str(row["privilege"]).upper() in ("USAGE", "OWNERSHIP")
        and str(row.get("granted_to") or "ROLE").upper() == "ROLE"
    }
    for key in keys:
        names = {key[-1], exact(key[-1])}
        yield key, Seen("there" if names & has else "absent")
