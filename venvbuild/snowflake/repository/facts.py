"""What of an object can be compared, in one form: of the file's record, and of whatever Snowflake shows.

Lists are sets here, names are whole and exact, types are those of their synonyms. Source of the synonyms: Snowflake's
reference, "Summary of data types".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from venvbuild.snowflake.repository.description import (
    Default,
    Function,
    Integration,
    PackagesPolicy,
    Repository,
    Secret,
    exact_parts,
)
from venvbuild.snowflake.statement import identifier

Record = Secret | Integration | Repository | PackagesPolicy | Default | Function
Value = str | bool | tuple[str, ...] | None
Facts = Mapping[str, Value]
"""By the fields of the file's record."""
PROVIDER = "ARTIFACT_REPOSITORY_API"
PARAMETER = "DEFAULT_PYTHON_ARTIFACT_REPOSITORY"
UNSAID: Facts = {"privatelink": False, "architecture": None, "body": ""}
"""What is taken to hold where an answer that could be read does not speak of it; who reads a plan is told so."""
SET_ANEW = {
    "secret": ("type",), "integration": ("provider", "privatelink"), "repository": ("integration",),
}  # fmt: skip
"""Kind -> what no ALTER changes."""
_SYNONYMS = {
    **dict.fromkeys(("STRING", "TEXT", "CHAR", "CHARACTER", "NCHAR", "NVARCHAR", "VARCHAR"), "VARCHAR"),
    **dict.fromkeys(("BINARY", "VARBINARY"), "BINARY"),
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "NUMBER(38,0)"),
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC"), "NUMBER"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLEPRECISION", "REAL"), "FLOAT"),
    **dict.fromkeys(("DATETIME", "TIMESTAMP_NTZ", "TIMESTAMPNTZ"), "TIMESTAMP_NTZ"),
    **{name: name for name in ("BOOLEAN", "DATE", "TIME", "VARIANT", "OBJECT", "ARRAY")},
    **{name: name for name in ("TIMESTAMP_LTZ", "TIMESTAMP_TZ")},
}  # fmt: skip
_PACKAGE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Context:
    """The session: who asks, and what completes names."""

    account: str | None
    role: str | None
    database: str | None
    """As SQL writes it; so the schema."""
    schema: str | None
    region: str | None = None
    """Where the account is: another region may have one of the same locator."""

    def whole(self, name: str) -> str:
        """DATABASE.SCHEMA.NAME, in the one form that SQL has for it; less where the session has no such."""
        before = (self.database, self.schema)
        missing = before[: max(0, 3 - len(exact_parts(name)))]
        return ".".join([*filter(None, missing), plain(name)])

    def is_whole(self, name: str) -> bool:
        """Whether the name needs nothing that the session has not."""
        return len(exact_parts(self.whole(name))) >= 3

    def schema_of(self, name: str) -> str:
        """DATABASE.SCHEMA of the object."""
        return ".".join(map(identifier, exact_parts(self.whole(name))[:-1]))

    @property
    def as_role(self) -> str:
        """For a message."""
        return f"role {self.role}" if self.role else "no role"


def plain(name: str) -> str:
    """The one form that SQL has for a name: quotes only where it needs them, capitals where it has none."""
    return ".".join(map(identifier, exact_parts(name)))


def sorted_names(names: Iterable[str], context: Context) -> tuple[str, ...]:
    """Whole and exact."""
    return tuple(sorted(map(context.whole, names)))


def package(text: str) -> str:
    """A package with its versions."""
    found = _PACKAGE.fullmatch(text.strip())
    return canonicalize_name(found[1]) + re.sub(r"\s", "", found[2]) if found else text.strip()


def packages(texts: Iterable[str]) -> tuple[str, ...]:
    """A set of them."""
    return tuple(sorted(map(package, texts)))


def imported(text: str, context: Context) -> str:
    """`@DB.SCHEMA.STAGE/path`: the stage whole and exact, the path as it is."""
    stage, slash, path = text.strip().partition("/")
    return f"@{context.whole(stage[1:])}{slash}{path}" if re.fullmatch("@[^@~%].*", stage) else text.strip()


def type_of(text: str) -> str:
    """A type by the first of its synonyms; NUMBER with its digits, and texts without a length."""
    base, _, digits = re.sub(r"\s", "", text).upper().partition("(")
    known = _SYNONYMS.get(base)
    if known == "NUMBER" and digits:
        whole, _, after = digits.rstrip(")").partition(",")
        return f"NUMBER({whole},{after or 0})"
    return known or re.sub(r"\s", "", text).upper()


def is_known_type(text: str) -> bool:
    """Whether two of them are the same type only where `type_of` says the same."""
    known = type_of(text)
    return known.partition("(")[0] in _SYNONYMS and known != "NUMBER"


def body(text: str) -> str:
    """The text of a handler, without what stands around it."""
    return text.replace("\r\n", "\n").strip("\n")


def told(value: Value) -> str:
    """For a message."""
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return {True: "true", False: "false", None: "none", "": "none"}.get(value, str(value))


def of_record(one: Record, context: Context) -> Facts:
    """All that the file says of an object, and what is written without being asked."""
    if isinstance(one, Secret):
        return {"type": one.kind, **_said(username=one.username)}
    if isinstance(one, Integration):
        return {
            "provider": PROVIDER,
            "enabled": True,
            "allowed_prefixes": tuple(sorted(one.allowed_prefixes)),
            **_said(secrets=None if one.secrets is None else sorted_names(one.secrets, context)),
            **_said(privatelink=one.privatelink),
        }
    if isinstance(one, Repository):
        return {
            "integration": plain(one.integration),
            "index_url": one.index_url,
            **_said(secret=one.secret and context.whole(one.secret), retention=one.retention, comment=one.comment),
        }
    if isinstance(one, PackagesPolicy):
        lists = {name: getattr(one, name) for name in ("allowlist", "blocklist", "additional_creation_blocklist")}
        return {name: packages(texts) for name, texts in lists.items() if texts is not None}
    if isinstance(one, Default):
        return {"repository": context.whole(one.repository)}
    return _of_function(one, context)


def _said(**facts: Value) -> Facts:
    return {name: value for name, value in facts.items() if value is not None}


def _of_function(one: Function, context: Context) -> Facts:
    return {
        "returns": type_of(one.returns),
        "python": one.python,
        "packages": packages(one.packages),
        "repository": context.whole(one.repository),
        "imports": tuple(sorted(imported(text, context) for text in one.imports)),
        "architecture": one.architecture,
        "handler": one.handler,
        # Without one what is imported has it, and one that is there would count instead.
        "body": body(one.body or ""),
    }
