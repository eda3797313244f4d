"""A first description of a repository that an account has: what DESCRIBE and SHOW tell, and a guess where they do not.

Whoever reads it sees which is which: a guess has a comment above it. Source: the pages of DESCRIBE and SHOW, undated,
as read on 2026-11-28; that of DESCRIBE ARTIFACT REPOSITORY shows no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import state
from venvbuild.snowflake.repository.description import exact_parts
from venvbuild.snowflake.repository.draft import toml
from venvbuild.snowflake.repository.rules import index_fault
from venvbuild.snowflake.statement import exact, identifier, literal, names_of
from venvbuild.text import shown

_ALONE = "Snowflake tells the name alone; the schema is that of the repository"
_URL = "https://nexus.example.com/simple/"


@dataclass
class _Table:
    """One table of the file."""

    head: tuple[str, ...]
    lines: list[str] = field(default_factory=list)

    def known(self, key: str, value: str) -> None:
        self.lines.append(f"{key} = {value}")

    def guess(self, key: str, value: str, why: str) -> None:
        self.lines += [f"# A guess: {why}", f"{key} = {value}"]

    def add(self, key: str, value: str, why: str) -> None:
        """What is known where `why` is empty."""
        self.guess(key, value, why) if why else self.known(key, value)

    def note(self, told: str) -> None:
        self.lines.append(f"# {told}")

    def text(self) -> str:
        head = ".".join(toml(one) if at else one for at, one in enumerate(self.head))
        return "\n".join([f"[{head}]", *self.lines])


def discover(session: Session, name: str) -> str:
    """The text of a file for the repository of this name.

    Raises:
        UsageError: it is not there, or this role is not shown it, or its name is not whole. StoreUnavailable: Snowflake
            does not answer.
    """
    context = state.context_of(session)
    whole = context.whole(name)
    if not context.is_whole(name):
        fix = "write DATABASE.SCHEMA.NAME, or set SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"
        raise UsageError(f"{shown(name)} has no database and schema, and the session has none", fix=fix)
    return _Discovery(session, whole).text()


class _Discovery:
    def __init__(self, session: Session, name: str) -> None:
        self.session, self.name = session, name
        self.tables = list[_Table]()

    def text(self) -> str:
        found = self._repository()
        tables = [self._of_repository(found)]
        secret = _first(found, "authentication_secret", "secret")
        integration = _first(found, "api_integration", "integration", "api_integration_name")
        tables.insert(0, self._integration(integration, secret, _first(found, "index_url")))
        if secret:
            tables.insert(0, self._secret(self._whole(secret)))
        return "\n\n".join([_HEAD.format(self.name), *(one.text() for one in tables)]) + "\n"

    def _ask(self, statement: str) -> Mapping[str, Any]:
        """The properties that an answer tells; none where this role is not told, or in a shape that is not known."""
        try:
            table = self.session.table(statement, About("describing"))
        except UsageError:
            return {}
        return {key: value for key, value in (state.properties(table) or {}).items() if value not in (None, "")}

    def _repository(self) -> Mapping[str, Any]:
        *_, last = exact_parts(self.name)
        schema = self.name.removesuffix(f".{identifier(last)}")
        statement = f"SHOW ARTIFACT REPOSITORIES LIKE {literal(last)} IN SCHEMA {schema}"
        rows = self.session.rows(statement, About("listing the repositories"))
        row = next((one for one in rows if one.get("name") == last), None)
        if row is None:
            raise UsageError(
                "it is not there, or this role is not shown it", where=self.name,
                fix=f"check the name, or GRANT USAGE ON ARTIFACT REPOSITORY {self.name} TO ROLE {self._role()};",
            )  # fmt: skip
        listed = {key: value for key, value in row.items() if value not in (None, "")}
        return {**listed, **self._ask(f"DESCRIBE ARTIFACT REPOSITORY {self.name}")}

    def _role(self) -> str:
        return identifier(self.session.role) if self.session.role else "ROLE"

    def _whole(self, name: str) -> str:
        """What an answer names, perhaps without quotes, or without its schema, which is then the repository's."""
        parts = names_of(name)
        if parts is None or len(parts) == 1:
            before = list(map(identifier, exact_parts(self.name)[:-1]))
            return ".".join([*before, name if parts and name.startswith('"') else identifier(name)])
        return name

    def _of_repository(self, found: Mapping[str, Any]) -> _Table:
        made = _Table(("repository", self.name))
        integration = _first(found, "api_integration", "integration", "api_integration_name")
        if integration:
            made.known("integration", toml(_bare(integration)))
        else:
            made.guess("integration", toml("PYTHON_REPO_INTEGRATION"), "Snowflake does not tell its integration")
        url = _first(found, "index_url")
        if url and not index_fault(url):
            made.known("index_url", toml(url))
        elif url:
            made.note(f"Snowflake tells {toml(shown(url))}, which is no index")
            made.guess("index_url", toml(_URL), "write the URL that it has")
        else:
            made.guess("index_url", toml(_URL), "DESCRIBE does not tell it; write the URL that it has")
        if secret := _first(found, "authentication_secret", "secret"):
            made.add("secret", toml(self._whole(secret)), _ALONE if _is_alone(secret) else "")
        elif "authentication_secret" not in found:
            made.note("Snowflake tells no secret: it has none, or this role is not told.")
        retention = _first(found, "package_retention", "retention")
        if retention and retention.lower() == "on_object_creation":
            made.known("retention", toml("on_object_creation"))
        comment = _first(found, "comment")
        if comment and REDACTOR.redact(comment) == comment:
            made.known("comment", toml(comment))
        elif comment:
            made.note("Its comment has something secret in it, and is left out here; in the account it stays.")
        self._grants(made)
        return made

    def _grants(self, made: _Table) -> None:
        try:
            rows = self.session.rows(f"SHOW GRANTS ON ARTIFACT REPOSITORY {self.name}", About("listing the grants"))
        except UsageError:
            return made.note("This role is not told who may use it: grant_usage_to = []")
        roles = sorted(
            str(row.get("grantee_name"))
            for row in rows
            if str(row.get("privilege")).upper() == "USAGE" and str(row.get("granted_to") or "ROLE").upper() == "ROLE"
        )
        if roles:
            made.known("grant_usage_to", f"[{', '.join(toml(identifier(role)) for role in roles)}]")
        return None

    def _integration(self, name: str | None, secret: str | None, url: str | None) -> _Table:
        made = _Table(("integration", _bare(name) if name else "PYTHON_REPO_INTEGRATION"))
        found = self._ask(f"DESCRIBE INTEGRATION {_bare(name)}") if name else {}
        prefixes = state.listed(found.get("api_allowed_prefixes")) or ()
        # Where a prefix has a login, none can be allowed so; `check` would refuse it.
        clean = tuple(dict.fromkeys(map(strip_credentials, prefixes)))
        if prefixes:
            why = "" if clean == prefixes else "Snowflake tells credentials in one, which are left out"
            made.add("allowed_prefixes", f"[{', '.join(map(toml, clean))}]", why)
        else:
            host = urlsplit(url if url and not index_fault(url) else _URL).netloc
            made.guess("allowed_prefixes", f"[{toml(f'https://{host}')}]", "that of the index; Snowflake tells none")
        told = [one for one in state.listed(found.get("allowed_authentication_secrets")) or () if one.upper() != "NONE"]
        # Without their schemas two may be one.
        secrets = [toml(one) for one in {exact_parts(whole): whole for whole in map(self._whole, told)}.values()]
        if secrets:
            made.add("secrets", f"[{', '.join(secrets)}]", _ALONE if any(map(_is_alone, told)) else "")
        elif secret:
            made.guess("secrets", f"[{toml(self._whole(secret))}]", "that of the repository; Snowflake tells none")
        if str(found.get("use_privatelink_endpoint", "")).lower() == "true":
            made.known("privatelink", "true")
        return made

    def _secret(self, name: str) -> _Table:
        made = _Table(("secret", name))
        found = self._ask(f"DESCRIBE SECRET {name}")
        kind = str(_first(found, "secret_type", "type") or "").lower()
        if kind in ("password", "generic_string"):
            made.known("type", toml(kind))
        else:
            made.guess("type", toml("password"), f"Snowflake tells {toml(kind) if kind else 'no type'}")
        if kind == "generic_string":
            made.guess("value_env", toml("REPO_TOKEN"), "the name of the variable that is to hold its text")
            return made
        # Not the user that Snowflake tells: some indexes have their token there.
        made.guess("username_env", toml("REPO_USER"), "the name of the variable that is to hold the user")
        made.guess("password_env", toml("REPO_TOKEN"), "the name of the variable that is to hold the password")
        return made


def _first(found: Mapping[str, Any], *names: str) -> str | None:
    value = next((found[name] for name in names if found.get(name)), None)
    return None if value is None else str(value)


def _is_alone(name: str) -> bool:
    return len(names_of(name) or (name,)) == 1


def _bare(name: str) -> str:
    """The name of an integration as SQL writes it: answers leave quotes out."""
    return name if name.startswith('"') else identifier(name) if exact(name) != name else name


_HEAD = """\
# The repository {} as an account has it.
# `venvbuild snowflake repository check` judges this file, `plan` prints the SQL.
# Of functions, defaults and packages policies nothing is here; of secrets never a value."""
