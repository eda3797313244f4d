"""What `snowflake.toml` says: which secret, integration, repository and functions there are to be.

Names of objects stand there as SQL has them: DATABASE.SCHEMA.NAME, or less where `[context]` completes them. What needs
quotes gets them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from venvbuild.errors import Problem, UsageError
from venvbuild.snowflake import runtimes
from venvbuild.snowflake.repository import positions
from venvbuild.snowflake.repository.documents import Document, toml_document, yaml_document
from venvbuild.snowflake.repository.forms import TOML, Form, text
from venvbuild.snowflake.repository.misfits import NAMED, misfits
from venvbuild.snowflake.repository.positions import Keys, Place
from venvbuild.snowflake.repository.texts import NoText, text_of
from venvbuild.snowflake.statement import exact, identifier, names_of
from venvbuild.text import shown

FILE = "snowflake.toml"
_YAML = (".yaml", ".yml")
_MAX_BYTES = 1_000_000
_BOM = "\ufeff"
"""What some editors begin a file with; in SQL it would be a letter of the body."""


@dataclass(frozen=True)
class Secret:
    """What Snowflake gives the index; of its values only the variables are known."""

    keys: Keys
    name: str
    """As SQL writes it; so in each record."""
    kind: str
    """`password` or `generic_string`."""
    username: str | None = None
    username_env: str | None = None
    password_env: str | None = None
    value_env: str | None = None


@dataclass(frozen=True)
class Integration:
    """The way to the index."""

    keys: Keys
    name: str
    """Of one part: an integration belongs to the account."""
    allowed_prefixes: tuple[str, ...]
    secrets: tuple[str, ...] | None
    """None: the file does not say which, and those that are there stay. Empty: none. So with the next."""
    privatelink: bool | None


@dataclass(frozen=True)
class Repository:
    """The index, as functions name it."""

    keys: Keys
    name: str
    integration: str
    index_url: str
    secret: str | None
    retention: str | None
    comment: str | None
    grant_usage_to: tuple[str, ...]
    """Roles, as SQL writes them."""


@dataclass(frozen=True)
class PackagesPolicy:
    """Which packages may be used at all."""

    keys: Keys
    name: str
    allowlist: tuple[str, ...] | None
    """Empty: the SQL has an empty list; None: it has none. So with the other two."""
    blocklist: tuple[str, ...] | None
    additional_creation_blocklist: tuple[str, ...] | None


@dataclass(frozen=True)
class Default:
    """The repository of functions that name none."""

    keys: Keys
    level: str
    """`account`, `database` or `schema`."""
    of: str
    """The database or schema; empty: the account."""
    repository: str


@dataclass(frozen=True)
class Function:
    """A function or procedure that uses a repository."""

    keys: Keys
    name: str
    kind: str
    """`function` or `procedure`."""
    arguments: tuple[tuple[str, str], ...]
    """Names as SQL writes them, and types."""
    returns: str
    python: str
    packages: tuple[str, ...]
    repository: str
    imports: tuple[str, ...]
    architecture: str | None
    handler: str
    body: str | None
    """None: what is imported has it."""
    body_file: str | None
    """From where the command runs, as the description itself is named."""
    body_line: int | None
    """Where its first line stands, in the description or in `body_file`; None: not known."""


@dataclass(frozen=True)
class PrivateLink:
    """The endpoint by which Snowflake reaches an index that the internet does not."""

    keys: Keys
    service: str
    host: str
    subresource: str | None


@dataclass(frozen=True)
class Description:
    """All that a file says, in its order."""

    file: str
    places: Mapping[Keys, Place] = field(repr=False)
    secrets: tuple[Secret, ...] = ()
    integrations: tuple[Integration, ...] = ()
    repositories: tuple[Repository, ...] = ()
    policies: tuple[PackagesPolicy, ...] = ()
    defaults: tuple[Default, ...] = ()
    functions: tuple[Function, ...] = ()
    privatelink: PrivateLink | None = None
    refused: tuple[Problem, ...] = ()
    """Old forms that Snowflake does not take; the rest was read as if they were right."""
    unread: tuple[Problem, ...] = ()
    """What does not fit the file's schema; all that was not read for it is left out."""
    form: Form = TOML
    """How to write what is advised."""

    def where(self, *keys: str) -> str:
        """`FILE:LINE` of a key, or of the table that would have it; `FILE: table.key` where the line is not known."""
        return positions.where(self.file, self.places, keys)


def exact_parts(name: str) -> Keys:
    """The parts of a name as Snowflake knows them: upper case where it has no quotes. What is no name is one part."""
    names = names_of(name)
    return tuple(map(exact, names)) if names else (name,)


def is_yaml(path: Path) -> bool:
    """Whether the name of the file says so."""
    return path.suffix.lower() in _YAML


def read(path: Path) -> Description:
    """What the file says, all of it.

    Raises:
        UsageError: it is not there, or not TOML or YAML; it has unknown keys, or values that cannot stand there; all of
            them.
    """
    found = read_some(path)
    if found.unread:
        raise UsageError.of(found.unread)
    return found


def read_some(path: Path) -> Description:
    """What of the file can be read, so that whoever judges it tells all that is wrong at once.

    Raises:
        UsageError: it is not there, or not TOML or YAML.
    """
    file = shown(str(path), 200)
    written = _text_of(path, file)
    document = yaml_document(written, file) if is_yaml(path) else toml_document(written, file)
    return _Reader(path, document).description()


def _text_of(path: Path, file: str) -> str:
    try:
        return text_of(path, _MAX_BYTES)
    except NoText as error:
        fix = error.fix or "name another file with -f"
        if isinstance(error.__cause__, FileNotFoundError):
            fix = (
                f"write {FILE} with `venvbuild snowflake repository init --from-settings`, or name another file with -f"
            )
        raise UsageError(f"it {error}", where=file, fix=fix) from error.__cause__


class _Reader:
    """Gathers all problems of a file before it raises one."""

    def __init__(self, path: Path, document: Document) -> None:
        self.path, self.document, self.form, self.given = path, document, document.form, document.given
        self.problems: list[Problem] = [*document.problems]
        self.context: dict[str, str] = {}
        """`database` and `schema`, as SQL writes them."""

    def description(self) -> Description:
        refused = tuple(self._old_forms())
        self._leave_out(misfits(self.document))
        self._read_context()
        link = self.given.get("privatelink")
        made = Description(
            self.document.file, self.document.places,
            secrets=tuple(self._secret(keys, one) for keys, one in self._of("secret")),
            integrations=tuple(self._integration(keys, one) for keys, one in self._of("integration")),
            repositories=tuple(self._repository(keys, one) for keys, one in self._of("repository")),
            policies=tuple(self._policy(keys, one) for keys, one in self._of("packages_policy")),
            defaults=tuple(self._defaults()),
            functions=tuple(self._function(keys, one) for keys, one in self._of("function")),
            privatelink=PrivateLink(("privatelink",), **{"subresource": None, **link}) if link else None,
            refused=refused, form=self.form,
        )  # fmt: skip
        self._no_twins(made)
        return replace(made, unread=tuple(self.problems))

    def _leave_out(self, found: list[tuple[Keys, Problem]]) -> None:
        """Each object that cannot be read as it stands."""
        told = {problem.where for problem in self.document.problems}  # one problem of a line is enough
        self.problems += [problem for _, problem in found if problem.where not in told]
        for keys, _ in found:
            if not keys or keys[0] == "context":  # without it no name is what it was meant to be
                self.given.clear()
            elif len(keys) > 1 and keys[0] in NAMED:
                self.given.get(keys[0], {}).pop(keys[1], None)
            else:
                self.given.pop(keys[0], None)

    def _tell(self, keys: Keys, what: str, fix: str) -> None:
        self.problems.append(Problem(what, self.document.where(keys), fix=fix))

    def _of(self, table: str) -> Iterator[tuple[Keys, dict[str, Any]]]:
        for key, one in self.given.get(table, {}).items():
            yield (table, key), one

    def _old_forms(self) -> Iterator[Problem]:
        """What is clear, and refused; it is put right here, so that all else is judged as well."""
        pair, where = self.form.pair, self.document.where
        for key, one in self._tables("function"):
            python = one.get("python")
            if isinstance(python, float) or type(python) is int:
                one["python"] = right = _meant(python)
                why = "without quotes 3.10 is a number, and the same one as 3.1"
                fix = f"write {pair('python', text(right))}"
                yield Problem("the Python has no quotes", where(("function", key, "python")), why, fix)
            old = next((name for name in one if name.lower() == "artifact_repository_packages"), None)
            if old and "packages" not in one:
                one["packages"] = one.pop(old)
                fix = f"write {pair('packages', '[...]')}"
                yield Problem(f"{old} is the old word", where(("function", key, old)), "it is deprecated", fix)
        for key, one in self._tables("repository"):
            if str(one.get("type")).upper() == "APPLICATION":
                del one["type"]
                what = f"{pair('type', text('APPLICATION'))} is not for packages of one's own"
                yield Problem(what, where(("repository", key, "type")), fix="leave type out: it is PYPI")

    def _tables(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Those that are tables, before anything was judged."""
        of = self.given.get(table)
        return [(key, one) for key, one in of.items() if isinstance(one, dict)] if isinstance(of, dict) else []

    def _name(self, given: str, keys: Keys, parts: int = 3, *, is_completed: bool = True) -> str:
        """`given` as SQL writes it, completed by the context; a problem where it is no name."""
        name = _as_sql(given)
        names = names_of(name)
        if names is None or len(names) > parts:
            of = "DATABASE.SCHEMA.NAME" if parts == 3 else "one part" if parts == 1 else "DATABASE.SCHEMA"
            fix = "write each part that has a dot in it as '\"a.b\"'"
            if parts == 1 and keys[0] == "integration" and names:
                fix = f"write {self.form.table(('integration', names[-1]))}: an integration is of the account"
            self._tell(keys, f"'{shown(given)}' is no name of {of}", fix)
            return given
        if not is_completed:
            return name
        for level, count in (("schema", 1), ("database", 2)):
            if len(names) == count and parts == 3 and level in self.context:
                names = (self.context[level], *names)
        if len(names) == 1 and parts == 3 and "database" in self.context and "schema" not in self.given["context"]:
            self._tell(keys, f"{shown(name)} has no schema, and [context] only a database",
                       f"write {self.form.pair('schema', text('...'))} in {self.form.table(('context',))}, "
                       "or the name as SCHEMA.NAME")  # fmt: skip
        return ".".join(names)

    def _read_context(self) -> None:
        for level, given in self.given.get("context", {}).items():
            self.context[level] = name = _as_sql(given)
            if len(names_of(name) or ()) != 1:
                what = f"'{shown(given)}' is no name of a {level}"
                self._tell(("context", level), what, "write database and schema apart, each as one name")

    def _secret(self, keys: Keys, one: dict[str, Any]) -> Secret:
        return Secret(keys, self._name(keys[1], keys), kind=one["type"], **{k: one[k] for k in one if k != "type"})

    def _integration(self, keys: Keys, one: dict[str, Any]) -> Integration:
        named = one.get("secrets")
        secrets = None if named is None else tuple(self._name(name, (*keys, "secrets")) for name in named)
        prefixes = tuple(one["allowed_prefixes"])
        return Integration(keys, self._name(keys[1], keys, 1), prefixes, secrets, one.get("privatelink"))

    def _repository(self, keys: Keys, one: dict[str, Any]) -> Repository:
        secret = one.get("secret")
        return Repository(
            keys, self._name(keys[1], keys), self._name(one["integration"], (*keys, "integration"), 1),
            one["index_url"], self._name(secret, (*keys, "secret")) if secret else None,
            one.get("retention"), one.get("comment"),
            tuple(self._name(role, (*keys, "grant_usage_to"), 1) for role in one.get("grant_usage_to", ())),
        )  # fmt: skip

    def _policy(self, keys: Keys, one: dict[str, Any]) -> PackagesPolicy:
        lists = ("allowlist", "blocklist", "additional_creation_blocklist")
        return PackagesPolicy(
            keys, self._name(keys[1], keys), *(tuple(one[name]) if name in one else None for name in lists)
        )

    def _defaults(self) -> Iterator[Default]:
        given = self.given.get("default", {})
        if "account" in given:
            yield self._default(("default", "account"), "account", "", given["account"])
        for level, parts in (("database", 1), ("schema", 2)):
            for key, repository in given.get(level, {}).items():
                keys = ("default", level, key)
                of = self._name(key, keys, parts, is_completed=False)
                yield self._default(keys, level, of, repository)

    def _default(self, keys: Keys, level: str, of: str, repository: str) -> Default:
        return Default(keys, level, of, self._name(repository, keys))

    def _function(self, keys: Keys, one: dict[str, Any]) -> Function:
        body, body_line = self._body(keys, one)
        return Function(
            keys, self._name(keys[1], keys), one.get("kind", "function"),
            tuple((self._name(name, (*keys, "arguments"), 1), of) for name, of in one.get("arguments", {}).items()),
            one["returns"], one["python"], tuple(one["packages"]),
            self._name(one["repository"], (*keys, "repository")), tuple(one.get("imports", ())),
            one.get("architecture"), one["handler"], body,
            str(self.path.parent / one["body_file"]) if "body_file" in one else None, body_line,
        )  # fmt: skip

    def _body(self, keys: Keys, one: dict[str, Any]) -> tuple[str | None, int | None]:
        if "body" in one and "body_file" in one:
            self._tell((*keys, "body_file"), "body and body_file are both there", "leave one of them out")
        if "body" in one:
            place = self.document.places.get((*keys, "body"))
            return one["body"].lstrip(_BOM), (place.text_line or None) if place else None
        if "body_file" in one:
            path = self.path.parent / one["body_file"]
            try:
                # Whoever waits for a FIFO waits for ever.
                if os.path.exists(path) and not os.path.isfile(path):
                    raise NoText("is no file")
                return text_of(path, _MAX_BYTES).lstrip(_BOM), 1
            except NoText as error:
                fix = error.fix or f"name a file, from where this one lies, or write {self._long_body()}"
                self._tell((*keys, "body_file"), f"{shown(str(path), 200)} {error}", fix)
        elif not one.get("imports"):
            fix = f"write {self.form.pair('body_file', text('FILE.py'))}, or {self._long_body()}"
            self._tell(keys, "it has no body", fix)
        return None, None

    def _long_body(self) -> str:
        return self.form.pair("body", self.form.long_text)

    def _no_twins(self, made: Description) -> None:
        """Two names that are one to Snowflake."""
        for of in (made.secrets, made.integrations, made.repositories, made.policies, made.functions):
            self._once((one.name, one.keys[-1], one.keys, _types(one)) for one in of)
        for level in ("database", "schema"):
            self._once((one.of, one.keys[-1], one.keys, "") for one in made.defaults if one.level == level)
        lists = [
            *(((*one.keys, "arguments"), [name for name, _ in one.arguments]) for one in made.functions),
            *(((*one.keys, "secrets"), one.secrets or ()) for one in made.integrations),
            *(((*one.keys, "grant_usage_to"), one.grant_usage_to) for one in made.repositories),
        ]
        for keys, names in lists:
            self._once((name, name, keys, "") for name in names)

    def _once(self, names: Iterable[tuple[str, str, Keys, str]]) -> None:
        """Of each: the name, as it was given, where, and what else makes it another one."""
        seen: dict[object, str] = {}
        for name, given, keys, types in names:
            one = exact_parts(name), types
            if one in seen:
                self._tell(keys, f"{shown(name)} is the same object as '{shown(seen[one])}'", "leave one out")
            seen.setdefault(one, given)


def _types(one: object) -> str:
    """Functions of one name and other types are others."""
    kinds = [kind for _, kind in one.arguments] if isinstance(one, Function) else []
    return ",".join(kinds).replace(" ", "").upper()


def _as_sql(given: str) -> str:
    """A name as SQL writes it: with quotes where it needs them, but for one that has some, which is taken as it is."""
    return (
        given if '"' in given else ".".join(part if names_of(part) else identifier(part) for part in given.split("."))
    )


def _meant(python: float) -> str:
    """The Python that was meant by a number."""
    told = "3.10" if python == 3.1 else str(python)
    return told if told in runtimes.running() else runtimes.DEFAULT
