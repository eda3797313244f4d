"""SQL for Snowflake: how names and texts are written, and the statements that use what was uploaded.

Source of the rules: Snowflake's reference, "Identifier requirements", "String & binary data types"; CREATE FUNCTION and
CREATE PROCEDURE (Python handlers).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from venvbuild.errors import UsageError
from venvbuild.text import shown

# What stands in no quotes is kept in capitals.
_BARE = re.compile(r"[A-Z_][A-Z0-9_$]*")
_ONE = re.compile(r'[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+"')
# Neither can stand in any name, quoted or not.
_NEVER = re.compile(r"[\x00-\x1f\x7f]")
SNOWPARK = "snowflake-snowpark-python"
"""What a procedure gets its session from; it is not there by itself."""
KINDS = ("function", "procedure", "both")


def literal(text: str) -> str:
    """`text` as a string of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The exact `name` of an object as SQL writes it: in quotes, unless it is one that needs none."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def exact(name: str) -> str:
    """The exact name of the object that SQL writes so."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.upper()


def names_of(text: str) -> tuple[str, ...] | None:
    """The parts of a dotted name as SQL writes it, each as it stands there; None when it is no such name."""
    parts, at = list[str](), 0
    while found := _ONE.match(text, at):
        parts.append(found[0])
        at = found.end()
        if at == len(text):
            return None if _NEVER.search(text) else tuple(parts)
        if text[at] != ".":
            return None
        at += 1
    return None


def checked_name(text: str, where: str) -> str:
    """`text`, when it is the name of an object of at most three parts.

    Raises:
        UsageError: it is none.
    """
    names = names_of(text)
    if names is None or len(names) > 3:
        raise UsageError(
            f"'{shown(text)}' is no name", where=where, fix='write DATABASE.SCHEMA.NAME; one with odd characters "so"'
        )
    return text


def of_handler(
    python: str, repository: str | None, packages: Sequence[str], imports: Sequence[str], architecture: str | None
) -> list[str]:
    """The clauses of CREATE FUNCTION and CREATE PROCEDURE about what a handler in Python runs on and with."""
    clauses = [
        # A bare 3.10 would be the number 3.1.
        f"RUNTIME_VERSION = {literal(python)}",
        f"ARTIFACT_REPOSITORY = {repository}" if repository else "",
        # No page shows an empty list.
        f"PACKAGES = ({', '.join(map(literal, packages))})" if packages else "",
        f"IMPORTS = ({', '.join(map(literal, imports))})" if imports else "",
        f"RESOURCE_CONSTRAINT = (architecture = {literal(architecture)})" if architecture else "",
    ]
    return list(filter(None, clauses))


def _kinds(kind: str) -> tuple[str, ...]:
    return ("function", "procedure") if kind == "both" else (kind,)


@dataclass(frozen=True)
class Use:
    """What a function or procedure needs to say of what was uploaded."""

    staged: str
    """`@MY_DB.MY_SCHEMA.PACKAGES_STAGE/app.zip`."""
    python: str
    """X.Y."""
    packages: Sequence[str] = ()
    """What Snowflake installs itself: `numpy==2.2.6`."""
    repository: str | None = None
    """The artifact repository that these come from; None: Snowflake's own way."""
    is_native: bool = False
    """Whether the ZIP has native code and the loader for it."""
    is_x86: bool = True
    shows: str | None = None
    """A distribution in the ZIP whose version the handler returns."""

    def statement(self, kind: str) -> str:
        """To paste: `function`, `procedure`, or `both` after each other."""
        return "\n\n".join(self._create(one) for one in _kinds(kind))

    def uses_repository(self, kind: str) -> bool:
        """Whether `repository` stands in it: it does where there are packages that come from there."""
        return self.repository is not None and any(self._packages(one) for one in _kinds(kind))

    def _packages(self, kind: str) -> list[str]:
        has_snowpark = any(re.split("[=<>!~ ]", one)[0] == SNOWPARK for one in self.packages)
        return [*([SNOWPARK] if kind == "procedure" and not has_snowpark else []), *self.packages]

    def _create(self, kind: str) -> str:
        packages = self._packages(kind)
        repository = self.repository if packages else None
        architecture = "x86" if self.is_native and self.is_x86 else None
        clauses = [
            *of_handler(self.python, repository, packages, [self.staged], architecture),
            "HANDLER = 'main' AS $$",
        ]
        head = f"CREATE OR REPLACE {kind.upper()} my_{kind}() RETURNS STRING LANGUAGE PYTHON"
        body = self._body("session" if kind == "procedure" else "")
        return "\n".join([head, *(f"  {clause}" for clause in clauses if clause), *body, "$$;"])

    def _body(self, parameter: str) -> list[str]:
        # The loader first: what is native can be imported only after it.
        loader = ["import _venvbuild_native"] if self.is_native else []
        if self.shows is None:
            return [*loader, f"def main({parameter}):", "    return 'it works'"]
        shown_version = f"    return '{self.shows} ' + version('{self.shows}')"
        return [*loader, "from importlib.metadata import version", "", f"def main({parameter}):", shown_version]
