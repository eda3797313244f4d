"""The name of a stage, and of what lies in it, as SQL writes both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from venvbuild.errors import UsageError
from venvbuild.snowflake.statement import literal, names_of
from venvbuild.text import shown

# What needs no escape in a path of S3, Azure or GCS, nor in a pattern of LIST but for the dot.
_PATH = re.compile(r"[A-Za-z0-9._=-]{1,200}(/[A-Za-z0-9._=-]{1,200}){0,20}")
_FIX = "write @DATABASE.SCHEMA.STAGE, or @DATABASE.SCHEMA.STAGE/folder"


@dataclass(frozen=True)
class StageName:
    """A named internal stage, with the folder in it that is meant."""

    names: tuple[str, str, str]
    """Database, schema and stage as SQL writes them: `MY_DB`, `"my schema"`."""
    path: str = ""
    """`py311/reports`; empty: the stage itself."""

    @classmethod
    def parse(cls, text: str, database: str | None = None, schema: str | None = None) -> Self:
        """The stage that somebody names; `database` and `schema` complete a name of one or two parts.

        Raises:
            UsageError: it is no name of a named stage, is not complete, or its folder has characters that would need
                escapes.
        """
        named, slash, path = _parted(text)
        names = names_of(named.removeprefix("@")) if named.startswith("@") else None
        path = path.rstrip("/")
        if names is None or len(names) > 3:
            kinds = "; stages of users and tables cannot be imported from" if named[1:2] in ("~", "%") else ""
            raise _refused(text, f"it is no name of a stage{kinds}")
        if slash and path and (not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
            raise _refused(text, "a folder has letters, digits, . _ = and -, parted by /")
        completed = [*filter(None, (database, schema)[: 3 - len(names)]), *names]
        if len(completed) != 3:
            raise _refused(text, "it does not say which database and schema it is in", f"{_FIX}; {_BY_VARIABLES}")
        return cls((completed[0], completed[1], completed[2]), path)

    @property
    def stage(self) -> str:
        """`MY_DB.MY_SCHEMA.PACKAGES_STAGE`, for GRANT and CREATE."""
        return ".".join(self.names)

    def __str__(self) -> str:
        return f"@{self.stage}/{self.path}" if self.path else f"@{self.stage}"

    def of(self, file: str) -> str:
        """Where a file of the folder is: `@MY_DB.MY_SCHEMA.PACKAGES_STAGE/py311/app.zip`."""
        return f"{self}/{file}"

    def quoted(self, file: str = "") -> str:
        """The folder or a file of it, as PUT, LIST and IMPORTS take it whatever its name has."""
        return literal(self.of(file) if file else str(self))


_BY_VARIABLES = "or set SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"


def _parted(text: str) -> tuple[str, str, str]:
    """The name, and the folder after the first slash that stands in no quotes."""
    is_quoted = False
    for at, character in enumerate(text):
        is_quoted ^= character == '"'
        if character == "/" and not is_quoted:
            return text[:at], "/", text[at + 1 :]
    return text, "", ""


def _refused(text: str, why: str, fix: str = _FIX) -> UsageError:
    return UsageError(f"'{shown(text)}' cannot be the stage", where="--stage", why=why, fix=fix)
