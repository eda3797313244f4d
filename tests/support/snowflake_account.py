"""An account with secrets, integrations, artifact repositories, policies, defaults and functions, made of our own SQL.

    account = Account(shape="pairs")
    account.answer("CREATE SECRET IF NOT EXISTS D.S.X\\n  TYPE = PASSWORD ...")
    server.account = account        # behind the loopback server, for the real connector

It takes the forms that the tool writes, and nothing else: all other text is a syntax error. What SHOW and DESCRIBE say
comes in one of several shapes, since no page says which one DESCRIBE ARTIFACT REPOSITORY has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlglot
from sqlglot import TokenType

from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Table
from venvbuild.snowflake.refusals import About

SHAPES = ("documented", "pairs", "json")
NAMES = ("MY_DB", "PUBLIC")
PARAMETER = "DEFAULT_PYTHON_ARTIFACT_REPOSITORY"
_KINDS = {
    "SECRET": "SECRET", "API INTEGRATION": "INTEGRATION", "INTEGRATION": "INTEGRATION",
    "ARTIFACT REPOSITORY": "ARTIFACT REPOSITORY", "PACKAGES POLICY": "PACKAGES POLICY", "FUNCTION": "FUNCTION",
    "PROCEDURE": "PROCEDURE",
}  # fmt: skip
_TYPES = re.compile(r"\((.*?)\)(?=\n|;|$)", re.DOTALL)
Name = tuple[str, ...]


class Rows(NamedTuple):
    """What a statement gives."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]


class Refusal(NamedTuple):
    """Snowflake says no."""

    code: str
    sqlstate: str
    message: str


class Dotted(tuple[str, ...]):
    """A name or a word, and not a list of texts."""

    __slots__ = ()


class Names(tuple[Dotted, ...]):
    """A list of them."""

    __slots__ = ()


@dataclass
class Account:
    """All that is in it."""

    shape: str = "documented"
    says_unset: bool = True
    """Whether an integration shows a property that is not set."""
    database: str | None = None
    """Of each session; so the schema."""
    schema: str | None = None
    objects: dict[tuple[str, Name, str], dict[str, Any]] = field(default_factory=dict)
    """Kind, whole name and types of arguments -> properties."""
    grants: set[tuple[Name, str]] = field(default_factory=set)
    defaults: dict[tuple[str, Name], Name] = field(default_factory=dict)
    run: list[str] = field(default_factory=list)
    """Every statement that changed something."""
    others: list[str] = field(default_factory=list)
    """GRANTs that an administrator has run."""

    def answer(self, statement: str) -> Rows | Refusal:
        """What it says to one."""
        reader = _Reader(statement, self)
        try:
            return reader.answer()
        except _Refused as refused:
            return refused.refusal
        except (IndexError, KeyError, ValueError):
            first = statement.split()[0] if statement.split() else ""
            return Refusal("001003", "42000", f"SQL compilation error:\nsyntax error unexpected '{first}'.")

    def whole(self, name: Name) -> Name:
        """Completed by the session."""
        return (*(self.database or NAMES[0], self.schema or NAMES[1])[: 3 - len(name)], *name)


class LocalSession:
    """A session on it without a connector, for what is asked thousands of times."""

    role = "DEVELOPER"

    def __init__(self, account: Account) -> None:
        self.account = account

    def table(self, statement: str, about: About) -> Table:
        if "CURRENT_" in statement:
            return Table(("a", "r", "d", "s"), [{"a": "XY", "r": self.role, "d": NAMES[0], "s": NAMES[1]}])
        answered = self.account.answer(statement)
        if isinstance(answered, Refusal):
            rules = {"002003": "NOT_THERE", "003001": "NO_RIGHT"}
            raise UsageError(answered.message, where=about.where, rule=rules.get(answered.code, ""))
        columns = tuple(name.lower() for name in answered.columns)
        return Table(columns, [dict(zip(columns, row, strict=True)) for row in answered.rows])


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Reader:
    """One statement, word by word."""

    def __init__(self, statement: str, account: Account) -> None:
        self.statement, self.account = statement, account
        head, _, rest = statement.partition("\nAS $$\n")
        self.body = rest.removesuffix(";").removesuffix("\n$$") if rest else None
        self.head = head
        self.tokens: list[Any] = sqlglot.tokenize(head, dialect="snowflake")
        self.at = 0

    # --- words

    def take(self, *words: str) -> bool:
        """Whether these come next; then they are passed."""
        texts = [one.text.upper() for one in self.tokens[self.at : self.at + len(words)]]
        is_there = texts == list(words) and not self._is_quoted(self.tokens[self.at])
        self.at += len(words) * is_there
        return is_there

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise ValueError(words)

    def end(self) -> None:
        if self.at != len(self.tokens) and not (self.take(";") and self.at == len(self.tokens)):
            raise ValueError(self.tokens[self.at].text)

    @staticmethod
    def _is_quoted(token: Any) -> bool:
        return token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)

    def name(self) -> Name:
        parts = [self._part()]
        while self.at < len(self.tokens) and self.tokens[self.at].token_type == TokenType.DOT:
            self.at += 1
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> str:
        token, text = self.tokens[self.at], str(self.tokens[self.at].text)
        self.at += 1
        if token.token_type == TokenType.STRING:
            raise ValueError(text)
        return text if token.token_type == TokenType.IDENTIFIER else text.upper()

    def value(self) -> Any:
        """A text, a list of texts or names, a name, or a word."""
        token = self.tokens[self.at]
        if token.token_type == TokenType.STRING:
            self.at += 1
            return token.text
        if not self.take("("):
            return Dotted(self.name())
        found, is_names = list[Any](), False
        while not self.take(")"):
            if found and not self.take(","):
                raise ValueError(self.tokens[self.at].text)
            one = self.value()
            if self.take("="):  # RESOURCE_CONSTRAINT = (architecture = 'x86')
                one = f"{one[0].lower()}={self.value()}"
            is_names = is_names or isinstance(one, Dotted)
            found.append(one)
        return Names(found) if is_names else tuple(found)

    def properties(self) -> dict[str, Any]:
        found = dict[str, Any]()
        while self.at < len(self.tokens) and self.tokens[self.at].text != ";":
            word = self._part()
            if word == "LANGUAGE":
                self._part()
                continue
            self.need("=")
            found[word] = self.value()
        return found

    def kind(self) -> str:
        for words, kind in _KINDS.items():
            if self.take(*words.split()):
                return kind
        raise ValueError(self.statement)

    # --- statements

    def answer(self) -> Rows | Refusal:
        verbs: dict[str, Callable[[], Rows]] = {
            "CREATE": self.create, "ALTER": self.alter, "GRANT": self.grant, "DROP": self.drop,
            "DESCRIBE": self.describe, "SHOW": self.show, "SELECT": self.call, "CALL": self.call,
        }  # fmt: skip
        verb = self._part()
        answered = verbs[verb]()
        if verb in ("CREATE", "ALTER", "GRANT", "DROP"):
            self.account.run.append(self.statement)
        return answered

    def create(self) -> Rows:
        is_replacing = self.take("OR", "REPLACE")
        kind = self.kind()
        if kind in ("FUNCTION", "PROCEDURE"):
            return self._create_function(kind)
        if not is_replacing:
            self.need("IF", "NOT", "EXISTS")
        key = self._key(kind, self.name())
        found = self.properties()
        self.end()
        if key in self.account.objects and not is_replacing:
            return _status(f"{key[1][-1]} already exists, statement succeeded.")
        if kind == "ARTIFACT REPOSITORY":
            self._there("INTEGRATION", found["API_INTEGRATION"])
            self.account.grants = {one for one in self.account.grants if one[0] != key[1]}
        self.account.objects[key] = found
        return _status(f"{kind.capitalize()} {key[1][-1]} successfully created.")

    def _create_function(self, kind: str) -> Rows:
        name = self.name()
        lines = self.head.removesuffix(";").split("\n  ")
        types = _TYPES.search(lines[0])
        given = re.findall(r'(?:"(?:[^"]|"")*"|\w+) ([^,(]+(?:\([^)]*\))?)', types[1] if types else "")
        found: dict[str, Any] = {"RETURNS": lines[1].removeprefix("RETURNS "), "body": self.body}
        for line in lines[3:]:
            reader = _Reader(line, self.account)
            found |= reader.properties()
            reader.end()
        self._there("ARTIFACT REPOSITORY", found["ARTIFACT_REPOSITORY"])
        self.account.objects[self._key(kind, name, ", ".join(given))] = found
        return _status(f"{kind.capitalize()} {name[-1]} successfully created.")

    def alter(self) -> Rows:
        for level in ("ACCOUNT", "DATABASE", "SCHEMA"):
            if self.take(level):
                return self._alter_level(level)
        kind = self.kind()
        self.need("IF", "EXISTS")
        key = self._there(kind, self.name())
        self.need("SET")
        self.account.objects[key] |= self.properties()
        self.end()
        return _status("Statement executed successfully.")

    def _alter_level(self, level: str) -> Rows:
        of = () if level == "ACCOUNT" else self.name()
        if self.take("UNSET"):
            self.need(PARAMETER)
            del self.account.defaults[level, of]
        else:
            self.need("SET", PARAMETER, "=")
            self.account.defaults[level, of] = self._there("ARTIFACT REPOSITORY", self.name())[1]
        self.end()
        return _status("Statement executed successfully.")

    def grant(self) -> Rows:
        if not self.take("USAGE", "ON", "ARTIFACT", "REPOSITORY"):
            self.account.others.append(self.statement)
            return _status("Statement executed successfully.")
        key = self._there("ARTIFACT REPOSITORY", self.name())
        self.need("TO", "ROLE")
        self.account.grants.add((key[1], self.name()[0]))
        self.end()
        return _status("Statement executed successfully.")

    def drop(self) -> Rows:
        kind = self.kind()
        key = self._there(kind, self.name(), self._types())
        del self.account.objects[key]
        return _status(f"{key[1][-1]} successfully dropped.")

    def _types(self) -> str:
        rest = self.statement.removesuffix(";")
        return rest.partition("(")[2].removesuffix(")") if rest.endswith(")") else ""

    def call(self) -> Rows:
        words = re.fullmatch(r"(?:SELECT|CALL) (?:\* FROM TABLE\()?(.+?)\(\)\)?;?", self.statement)
        name = _Reader(words[1] if words else "", self.account).name()
        kind = "PROCEDURE" if self.statement.startswith("CALL") else "FUNCTION"
        self._there(kind, name)
        return Rows((name[-1],), (("hello",),))

    # --- what is there

    def _key(self, kind: str, name: Name, types: str = "") -> tuple[str, Name, str]:
        return kind, name if kind == "INTEGRATION" else self.account.whole(name), re.sub(r"\s", "", types).upper()

    def _there(self, kind: str, name: Name, types: str = "") -> tuple[str, Name, str]:
        key = self._key(kind, name, types)
        if key not in self.account.objects:
            text = f"SQL compilation error:\n{kind.title()} '{'.'.join(key[1])}' does not exist or not authorized."
            raise _Refused(Refusal("002003", "02000", text))
        return key

    # --- what it shows

    def describe(self) -> Rows:
        kind = self.kind()
        key = self._there(kind, self.name(), self._types())
        found = self.account.objects[key]
        if kind == "INTEGRATION" and self.account.says_unset:
            found = {"USE_PRIVATELINK_ENDPOINT": ("FALSE",), **found}
        return shaped(kind, key[1], found, self.account.shape)

    def show(self) -> Rows:
        if self.take("PARAMETERS"):
            return self._parameters()
        if self.take("GRANTS", "ON", "ARTIFACT", "REPOSITORY"):
            key = self._there("ARTIFACT REPOSITORY", self.name())
            columns = ("created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option")
            roles = sorted(role for name, role in self.account.grants if name == key[1])
            return Rows(columns, tuple(
                ("", "USAGE", "ARTIFACT_REPOSITORY", key[1][-1], "ROLE", role, "false") for role in roles
            ))  # fmt: skip
        self.need("ARTIFACT", "REPOSITORIES")
        schema: Name | None = None
        if not self.take("IN", "ACCOUNT"):
            self.need("LIKE")
            self.value()
            self.need("IN", "SCHEMA")
            schema = self.name()
        self.end()
        titles = ("created_on", "name", "database_name", "schema_name", "type", "api_integration", "owner", "comment")
        rows = [
            ("", name[2], *name[:2], "PYPI", found["API_INTEGRATION"][0], "OWNER", found.get("COMMENT", ""))
            for (kind, name, _), found in self.account.objects.items()
            if kind == "ARTIFACT REPOSITORY" and schema in (None, name[:2])
        ]
        return Rows(titles, tuple(rows))

    def _parameters(self) -> Rows:
        self.need("LIKE")
        assert self.value() == PARAMETER
        self.need("IN")
        level = self._part()
        of = () if level == "ACCOUNT" else self.name()
        self.end()
        # The nearest that is set: what is above is passed on.
        chain = [(level, of), *([("DATABASE", of[:1])] if level == "SCHEMA" else []), ("ACCOUNT", ())]
        at, value = next(
            ((one[0], self.account.defaults[one]) for one in chain if one in self.account.defaults), ("", ())
        )
        return Rows(("key", "value", "default", "level", "description", "type"), (
            (PARAMETER, ".".join(map(_quoted, value)), "", at, "", "STRING"),
        ))  # fmt: skip


def _status(text: str) -> Rows:
    return Rows(("status",), ((text,),))


def _quoted(part: str) -> str:
    return part if re.fullmatch(r"[A-Z_][A-Z0-9_$]*", part) else '"' + part.replace('"', '""') + '"'


def shaped(kind: str, name: Name, found: Mapping[str, Any], shape: str) -> Rows:
    """What DESCRIBE says of an object."""
    if shape == "odd" and kind == "ARTIFACT REPOSITORY":
        return Rows(("section", "content"), (("general", "PYPI"), ("network", "see the integration")))
    told = {**_more(kind, name), **_shown(kind, found)}
    if shape == "pairs":
        rows = [(key.upper(), "String", _text(value, "python"), "?") for key, value in told.items()]
        return Rows(
            ("PROPERTY", "PROPERTY_TYPE", "VALUE" if kind == "SECRET" else "PROPERTY_VALUE", "NEW"), tuple(rows)
        )
    if shape == "json":
        if kind == "ARTIFACT REPOSITORY":
            return Rows(("info",), ((json.dumps({key.upper(): _bare(value) for key, value in told.items()}),),))
        texts = {key: _text(value, "json") for key, value in reversed(told.items())}
        return Rows(tuple(texts), (tuple(texts.values()),))
    if kind in ("FUNCTION", "PROCEDURE"):
        return Rows(("property", "value"), tuple((key, _text(value, "python")) for key, value in told.items()))
    if kind == "INTEGRATION":
        columns = ("property", "property_type", "property_value", "property_default")
        return Rows(columns, tuple((key.upper(), "", _text(value, "commas"), "") for key, value in told.items()))
    texts = {key: _text(value, "python") for key, value in told.items()}
    return Rows(tuple(texts), (tuple(texts.values()),))


def _more(kind: str, name: Name) -> dict[str, Any]:
    """What nobody asks for."""
    if kind == "INTEGRATION":
        return {"api_key": "", "comment": ""}
    if kind in ("FUNCTION", "PROCEDURE"):
        return {"signature": "()", "null handling": "CALLED ON NULL INPUT", "volatility": "VOLATILE", "packages": "[]"}
    more = {"created_on": "2026-11-28", "name": name[-1], "database_name": name[0], "schema_name": name[1]}
    return {**more, "owner": "OWNER", "comment": ""}


def _shown(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    told = {key.lower(): value for key, value in found.items()}
    if kind == "SECRET":
        return {"secret_type": found["TYPE"][0], "username": found.get("USERNAME")}
    if kind == "INTEGRATION":
        told.setdefault("allowed_authentication_secrets", ())
        if told["allowed_authentication_secrets"] == ("NONE",):
            told["allowed_authentication_secrets"] = ()
        told["enabled"] = "true" if told["enabled"] == ("TRUE",) else "false"
        if "use_privatelink_endpoint" in told:
            told["use_privatelink_endpoint"] = told["use_privatelink_endpoint"][0].lower()
        return told
    if kind in ("FUNCTION", "PROCEDURE"):
        told["artifact_repository_packages"] = told.pop("packages", ())
        told.setdefault("imports", ())
        base, digits = re.sub(r"\s", "", told["returns"]).upper().partition("(")[::2]
        synonyms = {"STRING": "VARCHAR", "INT": "NUMBER(38,0)", "NUMBER": "NUMBER(38,0)", "DOUBLE": "FLOAT"}
        told["returns"] = f"{base}({digits}" if digits else synonyms.get(base, base)
        return told
    if kind == "PACKAGES POLICY":
        return {"allowlist": ("*",), "blocklist": (), "additional_creation_blocklist": (), **told}
    if kind == "ARTIFACT REPOSITORY":
        for name in ("index_url", "authentication_secret", "package_retention"):
            told.setdefault(name, None)
        told["package_retention"] = (told["package_retention"] or (None,))[0]
    return told


def _text(value: Any, style: str) -> Any:
    if style == "json" and isinstance(value, Names | Dotted | tuple):
        return json.dumps(_bare(value)) if not isinstance(value, Dotted) else _bare(value)
    if isinstance(value, Names):
        return ",".join(".".join(map(_quoted, one)) for one in value)
    if isinstance(value, Dotted):
        return ".".join(map(_quoted, value))
    if isinstance(value, tuple):
        return ",".join(value) if style == "commas" else f"[{', '.join(map(_literal, value))}]"
    return value


def _bare(value: Any) -> Any:
    """Names by their last part, without quotes."""
    if isinstance(value, Dotted):
        return value[-1]
    return [_bare(one) for one in value] if isinstance(value, tuple) else value


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
