"""What `snowflake.toml` says: which secret, integration, repository and functions there are to be.

Names of objects stand there as SQL has them: DATABASE.SCHEMA.NAME, or less where `[context]` completes them. What needs
quotes gets them.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from venvbuild.errors import Problem, UsageError
from venvbuild.snowflake.repository import positions
from venvbuild.snowflake.repository.positions import Place
from venvbuild.snowflake.repository.texts import NoText, text_of
from venvbuild.snowflake.statement import exact, identifier, names_of
from venvbuild.text import shown

FILE = "snowflake.toml"
YAML = (".yaml", ".yml")
_MAX_BYTES = 1_000_000
_NAMED = ("secret", "integration", "repository", "packages_policy", "function")
"""Tables whose keys are names of objects."""
Keys = tuple[str, ...]
"""The way to a value: `("secret", "my_repo_secret", "type")`."""


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
    secrets: tuple[str, ...]
    privatelink: bool


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

    def where(self, *keys: str) -> str:
        """`FILE:LINE` of a key, or of the table that would have it; `FILE: table.key` where the line is not known."""
        return _where(self.file, self.places, keys)


def exact_parts(name: str) -> Keys:
    """The parts of a name as Snowflake knows them: upper case where it has no quotes. What is no name is one part."""
    names = names_of(name)
    return tuple(map(exact, names)) if names else (name,)


def read(path: Path) -> Description:
    """What the file says.

    Raises:
        UsageError: it is not there or not TOML; it has unknown keys, or values that cannot stand there; all of them.
    """
    file = shown(str(path), 200)
    if path.suffix in YAML:
        raise UsageError("YAML is not read yet", where=file, fix="write the same as TOML, in a file that ends in .toml")
    text = _text_of(path, file)
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the second: brackets in brackets; a number may be too long, too
        line = re.search(r"at line (\d+)", str(error))
        at = f"{file}:{line[1]}" if line else file
        raise UsageError(
            f"it is not TOML: {shown(str(error))}", where=at, fix="write text in quotes, and each key once"
        ) from None
    reader = _Reader(path, file, given, positions.places(text))
    return reader.description()


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


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    text = resources.files(__package__).joinpath("description.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _where(file: str, places: Mapping[Keys, Place], keys: Keys) -> str:
    if line := _line(places, keys):
        return f"{file}:{line}"
    return f"{file}: {shown('.'.join(keys))}" if keys else file


def _line(places: Mapping[Keys, Place], keys: Keys) -> int:
    """Of a key, or of the table that would have it; 0 where it is not known."""
    found = (places.get(keys[:length]) for length in range(len(keys), 0, -1))
    return next((place.line for place in found if place), 0)


class _Reader:
    """Gathers all problems of a file before it raises one."""

    def __init__(self, path: Path, file: str, given: dict[str, Any], places: Mapping[Keys, Place]) -> None:
        self.path, self.file, self.given, self.places = path, file, given, places
        self.problems: list[Problem] = []
        self.context: dict[str, str] = {}
        """`database` and `schema`, as SQL writes them."""

    def description(self) -> Description:
        refused = tuple(self._old_forms())
        self.problems += self._unquoted_dots() or _misfits(self.file, self.places, self.given)
        self._raise()
        self._read_context()
        given = self.given
        made = Description(
            self.file, self.places,
            secrets=tuple(self._secret(keys, one) for keys, one in self._of("secret")),
            integrations=tuple(self._integration(keys, one) for keys, one in self._of("integration")),
            repositories=tuple(self._repository(keys, one) for keys, one in self._of("repository")),
            policies=tuple(self._policy(keys, one) for keys, one in self._of("packages_policy")),
            defaults=tuple(self._defaults()),
            functions=tuple(self._function(keys, one) for keys, one in self._of("function")),
            privatelink=PrivateLink(("privatelink",), **{"subresource": None, **given["privatelink"]})
            if "privatelink" in given else None,
            refused=refused,
        )  # fmt: skip
        self._no_twins(made)
        self._raise()
        return made

    def _raise(self) -> None:
        if self.problems:
            raise UsageError.of(self.problems)

    def _tell(self, keys: Keys, what: str, fix: str) -> None:
        self.problems.append(Problem(what, _where(self.file, self.places, keys), fix=fix))

    def _of(self, table: str) -> Iterator[tuple[Keys, dict[str, Any]]]:
        for key, one in self.given.get(table, {}).items():
            yield (table, key), one

    def _old_forms(self) -> Iterator[Problem]:
        """What is clear, and refused; it is put right here, so that all else is judged as well."""
        for key, one in self._tables("function"):
            python = one.get("python")
            if isinstance(python, float) or type(python) is int:
                one["python"] = right = "3.10" if python == 3.1 else shown(str(python))
                why = "without quotes 3.10 is a number, and the same one as 3.1"
                where = _where(self.file, self.places, ("function", key, "python"))
                yield Problem("the Python has no quotes", where, why, f'write python = "{right}"')
            old = next((name for name in one if name.lower() == "artifact_repository_packages"), None)
            if old and "packages" not in one:
                one["packages"] = one.pop(old)
                where = _where(self.file, self.places, ("function", key, old))
                yield Problem(f"{old} is the old word", where, "it is deprecated", "write packages = [...]")
        for key, one in self._tables("repository"):
            if str(one.get("type")).upper() == "APPLICATION":
                del one["type"]
                where = _where(self.file, self.places, ("repository", key, "type"))
                what = 'type = "APPLICATION" is not for packages of one\'s own'
                yield Problem(what, where, fix="leave type out: it is PYPI")

    def _tables(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Those that are tables, before anything was judged."""
        of = self.given.get(table)
        return [(key, one) for key, one in of.items() if isinstance(one, dict)] if isinstance(of, dict) else []

    def _unquoted_dots(self) -> list[Problem]:
        """`[secret.MY_DB.PUBLIC.S]` is a table in a table in a table."""
        found = list[Problem]()
        for table in _NAMED:
            of = self.given.get(table)
            known = schema()["properties"][table]["additionalProperties"]["properties"]
            for key, value in of.items() if isinstance(of, dict) else ():
                keys: Keys = (table, key)
                while isinstance(value, dict):
                    inner = next((one for one in value if isinstance(value[one], dict) and one not in known), None)
                    if inner is None:
                        break
                    keys, value = (*keys, inner), value[inner]
                if len(keys) > 2:
                    what = f"the dots of [{shown('.'.join(keys))}] make a table of each part"
                    fix = f'write [{table}."{shown(".".join(keys[1:]))}"]'
                    found.append(Problem(what, _where(self.file, self.places, keys), fix=fix))
        return found

    def _name(self, text: str, keys: Keys, parts: int = 3, *, is_completed: bool = True) -> str:
        """`text` as SQL writes it, completed by the context; a problem where it is no name."""
        name = _as_sql(text)
        names = names_of(name)
        if names is None or len(names) > parts:
            of = "DATABASE.SCHEMA.NAME" if parts == 3 else "one part" if parts == 1 else "DATABASE.SCHEMA"
            self._tell(keys, f"'{shown(text)}' is no name of {of}", "write each part that has a dot in it as '\"a.b\"'")
            return text
        if not is_completed:
            return name
        for level, count in (("schema", 1), ("database", 2)):
            if len(names) == count and parts == 3 and level in self.context:
                names = (self.context[level], *names)
        if len(names) == 1 and parts == 3 and "database" in self.context and "schema" not in self.given["context"]:
            self._tell(keys, f"{shown(name)} has no schema, and [context] only a database",
                       'write schema = "..." in [context], or the name as SCHEMA.NAME')  # fmt: skip
        return ".".join(names)

    def _read_context(self) -> None:
        for level, text in self.given.get("context", {}).items():
            self.context[level] = name = _as_sql(text)
            if len(names_of(name) or ()) != 1:
                what = f"'{shown(text)}' is no name of a {level}"
                self._tell(("context", level), what, "write database and schema apart, each as one name")

    def _secret(self, keys: Keys, one: dict[str, Any]) -> Secret:
        return Secret(keys, self._name(keys[1], keys), kind=one["type"], **{k: one[k] for k in one if k != "type"})

    def _integration(self, keys: Keys, one: dict[str, Any]) -> Integration:
        return Integration(
            keys, self._name(keys[1], keys, 1), tuple(one["allowed_prefixes"]),
            tuple(self._name(name, (*keys, "secrets")) for name in one.get("secrets", ())),
            one.get("privatelink", False),
        )  # fmt: skip

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
            place = self.places.get((*keys, "body"))
            return one["body"], (place.text_line or None) if place else None
        if "body_file" in one:
            path = self.path.parent / one["body_file"]
            try:
                # Whoever waits for a FIFO waits for ever.
                if os.path.exists(path) and not os.path.isfile(path):
                    raise NoText("is no file")
                return text_of(path, _MAX_BYTES), 1
            except NoText as error:
                fix = error.fix or "name a file, from where this one lies, or write body = '''...'''"
                self._tell((*keys, "body_file"), f"{shown(str(path), 200)} {error}", fix)
        elif not one.get("imports"):
            self._tell(keys, "it has no body", "write body_file = \"FILE.py\", or body = '''...'''")
        return None, None

    def _no_twins(self, made: Description) -> None:
        """Two names that are one to Snowflake."""
        for of in (made.secrets, made.integrations, made.repositories, made.policies, made.functions):
            self._once((one.name, one.keys[-1], one.keys, _types(one)) for one in of)
        for level in ("database", "schema"):
            self._once((one.of, one.keys[-1], one.keys, "") for one in made.defaults if one.level == level)
        lists = [
            *(((*one.keys, "arguments"), [name for name, _ in one.arguments]) for one in made.functions),
            *(((*one.keys, "secrets"), one.secrets) for one in made.integrations),
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


def _as_sql(text: str) -> str:
    """A name as SQL writes it: with quotes where it needs them, but for one that has some, which is taken as it is."""
    return text if '"' in text else ".".join(part if names_of(part) else identifier(part) for part in text.split("."))


# --- what does not fit the schema


def _misfits(file: str, places: Mapping[Keys, Place], given: dict[str, Any]) -> list[Problem]:
    import jsonschema  # 130 ms, so only where it is needed

    found = list[tuple[Keys, tuple[str, str, str]]]()
    try:
        errors = list(jsonschema.Draft202012Validator(schema()).iter_errors(given))
    except RecursionError:  # it writes each value into its message, however deep that is
        return [Problem("it has tables in tables in tables, far too deep", file, fix="write each key in its own table")]
    for error in errors:
        keys = tuple(str(one) for one in error.absolute_path if isinstance(one, str))
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            found += [((*keys, key), _unknown(keys, key, known)) for key in error.instance if key not in known]
        else:
            found.append((keys, _misfit(keys, error.validator, error.validator_value, error.instance)))
    found.sort(key=lambda one: _line(places, one[0]))
    # Of three keys that are not there it tells three times.
    return list(dict.fromkeys(Problem(what, _where(file, places, keys), why, fix) for keys, (what, why, fix) in found))


def _unknown(keys: Keys, key: str, known: list[str]) -> tuple[str, str, str]:
    """What, why and fix."""
    what = f"unknown key '{shown(key)}'"
    of = keys[0] if keys else ""
    if of == "secret" and key in ("password", "token", "value", "secret_string"):
        wanted = "password_env" if key == "password" else "value_env"
        return f"{what}: the value of a secret never stands in this file", "", variable_for(wanted)
    if of == "function" and key.lower() == "artifact_repository_packages":
        return f"{what}: ARTIFACT_REPOSITORY_PACKAGES is the old word", "", "write packages = [...]"
    near = difflib.get_close_matches(key.lower(), known, 1, 0.6)
    if near:
        return what, "", f"did you mean {near[0]}?"
    return what, "", f"there are {', '.join(known)}"


def variable_for(key: str) -> str:
    """An advice. Not as a line of the file: with `password` before a `=` the name would be hidden as a value."""
    return f'give {key} the name of a variable, as in "REPO_TOKEN"'


def _misfit(keys: Keys, rule: str, wanted: Any, value: Any) -> tuple[str, str, str]:
    """What, why and fix. The value itself is not shown but where it can be no secret."""
    key = shown(keys[-1]) if keys else "the file"
    if rule == "required":
        lacks = [name for name in wanted if name not in value]
        return f"'{key}' lacks {', '.join(lacks)}", "", f"write {lacks[0]} = ..."
    if rule == "enum" and keys[0] == "repository" and key == "type":
        return "it is no type of a repository", "", "leave type out: it is PYPI"
    if rule == "enum" and keys[0] == "secret":
        why = "OAuth and IAM secrets do not work for an artifact repository, only a password or one text"
        return "it is no type of a secret for an index", why, 'write type = "password" or type = "generic_string"'
    if rule == "enum":
        return f"{key} can only be {' or '.join(map(repr, wanted))}", "", f"write {key} = {json.dumps(wanted[0])}"
    if rule == "pattern" and key.endswith("_env"):
        return f"{key} is no name of a variable", "", f"{variable_for(key)}, without a $ and never the value itself"
    if rule == "pattern":
        return f"{key} is no type of SQL", "", 'write it as in "NUMBER(10, 2)" or "TABLE (a STRING)"'
    if rule in ("minLength", "minItems"):
        return f"{key} is empty", "", "write something there, or leave it out if it may be"
    kinds = {"string": "a text in quotes", "array": "a list of texts", "boolean": "true or false", "object": "a table"}
    return f"{key} is not {kinds.get(str(wanted), str(wanted))}", "", f"make it {kinds.get(str(wanted), str(wanted))}"
