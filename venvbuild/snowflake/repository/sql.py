"""The statements that make what a description says, in the order in which they can run; and those of one object.

What is there already stays; what an ALTER of this module sets is then as the file says, and nothing else of it. Only
functions and procedures are replaced, and what somebody allows to. The value of a secret comes from whoever knows it;
without one it is `***`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from venvbuild.snowflake.repository.description import (
    Default,
    Description,
    Function,
    Integration,
    PackagesPolicy,
    PrivateLink,
    Repository,
    Secret,
)
from venvbuild.snowflake.repository.facts import PARAMETER, Record
from venvbuild.snowflake.statement import literal, of_handler

EGRESS = "SELECT SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES();"
PRIVATELINK_STATUS = "SELECT SYSTEM$GET_PRIVATELINK_ENDPOINTS_INFO();"
MASK = "***"
Value = Callable[[str], str]
"""Of a variable's name; what a secret holds."""


@dataclass(frozen=True)
class Statement:
    """One of them."""

    action: str
    """`create`, `alter`, `grant` or `drop`."""
    kind: str
    """Of the object: `secret`, `integration`, `repository`, `packages_policy`, `default`, `function`, `procedure`."""
    name: str
    """Of the object, as SQL writes it; of a default, what it is the default of."""
    sql: str
    """With its semicolon."""


def corrections(description: Description) -> tuple[str, ...]:
    """What sets the values of secrets that were made with `***`, which no CREATE ... IF NOT EXISTS does any more."""
    made = list[str]()
    for one in description.secrets:
        named = [("USERNAME", one.username_env), ("PASSWORD", one.password_env), ("SECRET_STRING", one.value_env)]
        words = " ".join(f"{word} = '...'" for word, variable in named if variable)
        made.append(f"ALTER SECRET {one.name} SET {words};")
    return tuple(made)


def masked(_variable: str) -> str:
    """What stands for a secret wherever somebody could read it."""
    return MASK


def statements(description: Description, value: Value = masked) -> tuple[Statement, ...]:
    """All of a description: secrets, integrations, repositories, grants, policies, defaults, functions."""
    made = list[Statement]()
    for secret in description.secrets:
        made.append(created(secret, value))
    for integration in description.integrations:
        # No more: the page of ALTER API INTEGRATION does not name PrivateLink.
        fields = ("allowed_prefixes", *(["secrets"] if integration.secrets else []))
        made += [created(integration), *altered(integration, fields)]
    for repository in description.repositories:
        made += [created(repository), *altered(repository, ("index_url", "secret", "retention", "comment"))]
    for repository in description.repositories:
        made += [granted(repository, role) for role in repository.grant_usage_to]
    for of in (description.policies, description.defaults, description.functions):
        made += [created(one) for one in of]
    return tuple(made)


def created(one: Record, value: Value = masked, *, is_replacing: bool = False) -> Statement:
    """What makes an object; what of it is there stays, unless it is replaced, with all that hangs on it."""
    if isinstance(one, Default):
        sql = f"ALTER {_level(one)} SET {PARAMETER} = {one.repository};"
        return Statement("alter", "default", one.of or "account", sql)
    if isinstance(one, Function):
        return _function(one)
    kind, words, clauses = _clauses(one, value)
    head = f"CREATE OR REPLACE {words} {one.name}" if is_replacing else f"CREATE {words} IF NOT EXISTS {one.name}"
    return Statement("create", kind, one.name, _statement(head, *clauses))


def altered(
    one: Record, fields: Collection[str], value: Value = masked, *, is_rotated: bool = False
) -> tuple[Statement, ...]:
    """What sets these fields of an object that is there; `is_rotated`: a secret's value too."""
    if isinstance(one, Default | Function):
        return (created(one),)
    if isinstance(one, Secret):
        named = {"USERNAME": one.username} if "username" in fields or is_rotated else {}
        variables = (("USERNAME", one.username_env), ("PASSWORD", one.password_env), ("SECRET_STRING", one.value_env))
        named |= {word: value(variable) for word, variable in variables if variable and is_rotated}
        words = " ".join(f"{word} = {literal(text)}" for word, text in named.items() if text is not None)
        return (Statement("alter", "secret", one.name, f"ALTER SECRET IF EXISTS {one.name} SET {words};"),)
    if isinstance(one, Integration):
        clauses = [clause for name, clause in _settable(one) if name in fields]
        # Without it the answer depends on which changes of behaviour the account has.
        sql = _statement(f"ALTER API INTEGRATION IF EXISTS {one.name} SET", *clauses, "ENABLED = TRUE")
        return (Statement("alter", "integration", one.name, sql),)
    if isinstance(one, PackagesPolicy):
        clauses = [clause for name, clause in _lists(one) if name in fields]
        sql = _statement(f"ALTER PACKAGES POLICY IF EXISTS {one.name} SET", *clauses)
        return (Statement("alter", "packages_policy", one.name, sql),)
    # One property each: no page shows several in one SET.
    head = f"ALTER ARTIFACT REPOSITORY IF EXISTS {one.name} SET"
    clauses = [clause for name, clause in _of_repository(one) if name in fields]
    return tuple(Statement("alter", "repository", one.name, f"{head} {clause};") for clause in clauses)


def granted(one: Repository, role: str) -> Statement:
    """What lets a role use a repository."""
    sql = f"GRANT USAGE ON ARTIFACT REPOSITORY {one.name} TO ROLE {role};"
    return Statement("grant", "repository", one.name, sql)


def dropped(one: Record) -> Statement:
    """What takes an object away, or a default."""
    if isinstance(one, Default):
        return Statement("drop", "default", one.of or "account", f"ALTER {_level(one)} UNSET {PARAMETER};")
    if isinstance(one, Function):
        types = ", ".join(of for _, of in one.arguments)
        return Statement("drop", one.kind, one.name, f"DROP {one.kind.upper()} {one.name}({types});")
    kind, words, _ = _clauses(one, masked)
    return Statement("drop", kind, one.name, f"DROP {words} {one.name};")


def called(one: Function) -> str | None:
    """What runs a function or procedure once; None where that takes arguments."""
    if one.arguments:
        return None
    if one.kind == "procedure":
        return f"CALL {one.name}();"
    is_table = one.returns.lstrip().upper().startswith("TABLE")
    return f"SELECT * FROM TABLE({one.name}());" if is_table else f"SELECT {one.name}();"  # noqa: S608  # names are read as such


def provision(link: PrivateLink) -> str:
    """The statement that asks for the endpoint."""
    given = (link.service, link.host, *([link.subresource] if link.subresource else []))
    return f"SELECT SYSTEM$PROVISION_PRIVATELINK_ENDPOINT({', '.join(map(literal, given))});"


def _statement(head: str, *clauses: str) -> str:
    return "\n".join([head, *(f"  {clause}" for clause in clauses if clause)]) + ";"


def _literals(texts: Sequence[str]) -> str:
    return f"({', '.join(map(literal, texts))})"


def _level(one: Default) -> str:
    return f"{one.level.upper()} {one.of}".rstrip()


def _clauses(one: Secret | Integration | Repository | PackagesPolicy, value: Value) -> tuple[str, str, tuple[str, ...]]:
    """Kind, the words of SQL for it, and all that a CREATE says of it."""
    if isinstance(one, Secret):
        return "secret", "SECRET", _of_secret(one, value)
    if isinstance(one, Integration):
        prefixes, secrets = (clause for _, clause in _settable(one))
        return "integration", "API INTEGRATION", (
            "API_PROVIDER = ARTIFACT_REPOSITORY_API", prefixes,
            "USE_PRIVATELINK_ENDPOINT = TRUE" if one.privatelink else "", secrets if one.secrets else "",
            "ENABLED = TRUE",
        )  # fmt: skip
    if isinstance(one, Repository):
        properties = (clause for _, clause in _of_repository(one))
        head = ("TYPE = PYPI", f"API_INTEGRATION = {one.integration}")
        return "repository", "ARTIFACT REPOSITORY", (*head, *properties)
    lists = (clause for _, clause in _lists(one))
    return "packages_policy", "PACKAGES POLICY", ("LANGUAGE PYTHON", *lists)


def _of_secret(one: Secret, value: Value) -> tuple[str, ...]:
    if one.kind == "generic_string":
        return "TYPE = GENERIC_STRING", f"SECRET_STRING = {literal(value(one.value_env or ''))}"
    username = one.username if one.username is not None else value(one.username_env or "")
    password = literal(value(one.password_env or ""))
    return "TYPE = PASSWORD", f"USERNAME = {literal(username)}", f"PASSWORD = {password}"


def _settable(one: Integration) -> tuple[tuple[str, str], ...]:
    """Field and clause."""
    secrets = f"({', '.join(one.secrets)})" if one.secrets else "NONE"
    return (
        ("allowed_prefixes", f"API_ALLOWED_PREFIXES = {_literals(one.allowed_prefixes)}"),
        ("secrets", f"ALLOWED_AUTHENTICATION_SECRETS = {secrets}"),
    )


def _of_repository(one: Repository) -> Iterator[tuple[str, str]]:
    yield "index_url", f"INDEX_URL = {literal(one.index_url)}"
    if one.secret:
        yield "secret", f"AUTHENTICATION_SECRET = {one.secret}"
    if one.retention:
        yield "retention", f"PACKAGE_RETENTION = {one.retention.upper()}"
    if one.comment is not None:
        yield "comment", f"COMMENT = {literal(one.comment)}"


def _lists(one: PackagesPolicy) -> Iterator[tuple[str, str]]:
    for name in ("allowlist", "blocklist", "additional_creation_blocklist"):
        texts = getattr(one, name)
        if texts is not None:
            yield name, f"{name.upper()} = {_literals(texts)}"


def _function(one: Function) -> Statement:
    arguments = ", ".join(f"{name} {of}" for name, of in one.arguments)
    clauses = [
        f"RETURNS {one.returns}",
        "LANGUAGE PYTHON",
        *of_handler(one.python, one.repository, one.packages, one.imports, one.architecture),
        f"HANDLER = {literal(one.handler)}",
    ]
    head = f"CREATE OR REPLACE {one.kind.upper()} {one.name}({arguments})"
    sql = _statement(head, *clauses)
    if one.body is not None:
        body = one.body.replace("\r\n", "\n").strip("\n")
        sql = f"{sql[:-1]}\nAS $$\n{body}\n$$;"
    return Statement("create", one.kind, one.name, sql)
