"""The statements that make what a description says, in the order in which they can run.

What is there already stays; what an ALTER of this module sets is then as the file says, and nothing else of it. Only
functions and procedures are replaced. The value of a secret comes from whoever knows it; without one it is `***`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from venvbuild.snowflake.statement import literal

EGRESS = "SELECT SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES();"
PRIVATELINK_STATUS = "SELECT SYSTEM$GET_PRIVATELINK_ENDPOINTS_INFO();"
MASK = "***"
Value = Callable[[str], str]
"""Of a variable's name; what a secret holds."""


@dataclass(frozen=True)
class Statement:
    """One of them."""

    action: str
    """`create`, `alter` or `grant`."""
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
        made.append(_secret(secret, value))
    for integration in description.integrations:
        made += _integration(integration)
    for repository in description.repositories:
        made += _repository(repository)
    for repository in description.repositories:
        made += _grants(repository)
    made += map(_policy, description.policies)
    made += map(_default, description.defaults)
    made += map(_function, description.functions)
    return tuple(made)


def provision(link: PrivateLink) -> str:
    """The statement that asks for the endpoint."""
    given = (link.service, link.host, *([link.subresource] if link.subresource else []))
    return f"SELECT SYSTEM$PROVISION_PRIVATELINK_ENDPOINT({', '.join(map(literal, given))});"


def _statement(head: str, *clauses: str) -> str:
    return "\n".join([head, *(f"  {clause}" for clause in clauses if clause)]) + ";"


def _literals(texts: Sequence[str]) -> str:
    return f"({', '.join(map(literal, texts))})"


def _secret(one: Secret, value: Value) -> Statement:
    if one.kind == "generic_string":
        clauses = ["TYPE = GENERIC_STRING", f"SECRET_STRING = {literal(value(one.value_env or ''))}"]
    else:
        username = one.username if one.username is not None else value(one.username_env or "")
        password = literal(value(one.password_env or ""))
        clauses = ["TYPE = PASSWORD", f"USERNAME = {literal(username)}", f"PASSWORD = {password}"]
    return Statement("create", "secret", one.name, _statement(f"CREATE SECRET IF NOT EXISTS {one.name}", *clauses))


def _integration(one: Integration) -> Iterator[Statement]:
    prefixes = f"API_ALLOWED_PREFIXES = {_literals(one.allowed_prefixes)}"
    yield Statement("create", "integration", one.name, _statement(
        f"CREATE API INTEGRATION IF NOT EXISTS {one.name}",
        "API_PROVIDER = ARTIFACT_REPOSITORY_API",
        prefixes,
        "USE_PRIVATELINK_ENDPOINT = TRUE" if one.privatelink else "",
        f"ALLOWED_AUTHENTICATION_SECRETS = ({', '.join(one.secrets)})" if one.secrets else "",
        # Without it the answer depends on which changes of behaviour the account has.
        "ENABLED = TRUE",
    ))  # fmt: skip
    # No more: the page of ALTER API INTEGRATION names neither its secrets nor PrivateLink.
    yield Statement("alter", "integration", one.name, _statement(
        f"ALTER API INTEGRATION IF EXISTS {one.name} SET", prefixes, "ENABLED = TRUE"
    ))  # fmt: skip


def _repository(one: Repository) -> Iterator[Statement]:
    settable = [
        f"INDEX_URL = {literal(one.index_url)}",
        f"AUTHENTICATION_SECRET = {one.secret}" if one.secret else "",
        f"PACKAGE_RETENTION = {one.retention.upper()}" if one.retention else "",
        f"COMMENT = {literal(one.comment)}" if one.comment is not None else "",
    ]
    yield Statement("create", "repository", one.name, _statement(
        f"CREATE ARTIFACT REPOSITORY IF NOT EXISTS {one.name}",
        "TYPE = PYPI", f"API_INTEGRATION = {one.integration}", *settable,
    ))  # fmt: skip
    # One property each: no page shows several in one SET.
    for clause in filter(None, settable):
        sql = f"ALTER ARTIFACT REPOSITORY IF EXISTS {one.name} SET {clause};"
        yield Statement("alter", "repository", one.name, sql)


def _grants(one: Repository) -> Iterator[Statement]:
    for role in one.grant_usage_to:
        sql = f"GRANT USAGE ON ARTIFACT REPOSITORY {one.name} TO ROLE {role};"
        yield Statement("grant", "repository", one.name, sql)


def _policy(one: PackagesPolicy) -> Statement:
    lists = (("ALLOWLIST", one.allowlist), ("BLOCKLIST", one.blocklist),
             ("ADDITIONAL_CREATION_BLOCKLIST", one.additional_creation_blocklist))  # fmt: skip
    clauses = (f"{word} = {_literals(texts)}" for word, texts in lists if texts is not None)
    head = f"CREATE PACKAGES POLICY IF NOT EXISTS {one.name}"
    return Statement("create", "packages_policy", one.name, _statement(head, "LANGUAGE PYTHON", *clauses))


def _default(one: Default) -> Statement:
    of = f"{one.level.upper()} {one.of}".rstrip()
    sql = f"ALTER {of} SET DEFAULT_PYTHON_ARTIFACT_REPOSITORY = {one.repository};"
    return Statement("alter", "default", one.of or "account", sql)


def _function(one: Function) -> Statement:
    arguments = ", ".join(f"{name} {of}" for name, of in one.arguments)
    clauses = [
        f"RETURNS {one.returns}",
        "LANGUAGE PYTHON",
        # A bare 3.10 would be the number 3.1.
        f"RUNTIME_VERSION = {literal(one.python)}",
        f"ARTIFACT_REPOSITORY = {one.repository}",
        f"PACKAGES = {_literals(one.packages)}",
        f"IMPORTS = {_literals(one.imports)}" if one.imports else "",
        f"RESOURCE_CONSTRAINT = (architecture = {literal(one.architecture)})" if one.architecture else "",
        f"HANDLER = {literal(one.handler)}",
    ]
    head = f"CREATE OR REPLACE {one.kind.upper()} {one.name}({arguments})"
    sql = _statement(head, *clauses)
    if one.body is not None:
        body = one.body.replace("\r\n", "\n").strip("\n")
        sql = f"{sql[:-1]}\nAS $$\n{body}\n$$;"
    return Statement("create", one.kind, one.name, sql)
