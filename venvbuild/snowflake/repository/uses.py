"""Which functions and procedures use a package: what Snowflake tells of those that this role is shown.

Source: the pages of FUNCTIONS and PROCEDURES of ACCOUNT_USAGE and of INFORMATION_SCHEMA, undated, as read on
2026-11-28: the first know what was installed, two hours late; the others know the repository, by its bare name, of one
database. Of a function with a repository the packages stand in another column than of one without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import state
from venvbuild.snowflake.statement import exact, identifier, literal, names_of
from venvbuild.text import shown

_KINDS = ("FUNCTION", "PROCEDURE")
_LISTS = ("installed_packages", "packages", "artifact_repository_packages")
"""Columns and properties that may have the packages; what was installed says most."""
_EMPTY = ("", "[]", "()", "{}")
_ODD = "?"
"""For a list of an answer that has no shape that is known."""
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?\s*(?:[=<>!~]=?.*)?")
_EXACT = re.compile(r"([^=<>!~\s]+)\s*={1,3}\s*([^=<>!~\s,]+)")


@dataclass(frozen=True)
class Use:
    """A function or procedure, and what it has of the package."""

    name: str
    """`MY_DB.PUBLIC.TEST_UDF(STRING)`, as SQL writes it."""
    kind: str
    """`function` or `procedure`."""
    package: str
    """`pandas==2.2.3`, as Snowflake tells it."""
    python: str
    repository: str
    """Its bare name; empty: not told."""


@dataclass(frozen=True)
class Uses:
    """What was found."""

    uses: tuple[Use, ...]
    not_checked: tuple[str, ...]
    """What could not be asked, or be read, with the reason."""


@dataclass(frozen=True)
class Wanted:
    """A package, of any version or of one."""

    name: str
    """Canonical."""
    asked: Requirement

    @classmethod
    def of(cls, text: str) -> Wanted:
        """What somebody asks for: `pandas`, `pandas==2.2.3`, `pandas<3`.

        Raises:
            UsageError: it is no package.
        """
        try:
            asked = Requirement(text)
        except InvalidRequirement:
            raise UsageError(f"'{shown(text)}' is no package", where="PACKAGE", fix="write it as in pandas") from None
        return cls(canonicalize_name(asked.name), asked)

    def fits(self, entry: str) -> bool:
        """Whether it is what a list names so."""
        if canonicalize_name(re.split(r"[\[<>=!~\s]", entry)[0]) != self.name:
            return False
        exact_one = _EXACT.fullmatch(entry)
        try:
            found = Version(exact_one[2] if exact_one else "")
        except InvalidVersion:  # nobody knows; without an exact one neither
            return True
        return self.asked.specifier.contains(found, prereleases=True)


def everywhere(session: Session, wanted: Wanted) -> Uses:
    """Those of the whole account, as it was two hours ago.

    Raises:
        UsageError: this role may not ask. StoreUnavailable: Snowflake does not answer.
    """
    # `_` stands for any sign: of `a-b`, `a_b` and `a.b` each is the other.
    pattern = literal(f"%{wanted.name.replace('-', '_')}%")
    found, not_checked = list[Use](), list[str]()
    for kind in _KINDS:
        view = f"SNOWFLAKE.ACCOUNT_USAGE.{kind}S"
        statement = f"SELECT * FROM {view} WHERE DELETED IS NULL AND INSTALLED_PACKAGES ILIKE {pattern}"  # noqa: S608
        for row in _late(session, statement, view):
            found += _of_row(row, kind, wanted)
            not_checked += _unread(row, kind)
    return Uses(tuple(found), tuple(not_checked))


def _late(session: Session, statement: str, view: str) -> list[Mapping[str, Any]]:
    try:
        return session.rows(statement, About(f"asking {view}"))
    except UsageError as error:
        [problem] = error.problems
        role = identifier(session.role) if session.role else "NAME"
        fix = f"GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE {role}; or --repository NAME, which needs none"
        raise UsageError(problem.what, where=view, why=problem.why, fix=fix, rule=problem.rule) from error


def of_repository(session: Session, wanted: Wanted, repository: str, database: str | None) -> Uses:
    """Those in one database that name the repository, as they are now.

    `database`: that of the session, which counts where the repository's own name has none.

    Raises:
        UsageError: it is not known which database, or this role may not ask. StoreUnavailable: Snowflake is away.
    """
    *before, name = names_of(repository) or (repository,)
    of = before[0] if len(before) == 2 else identifier(database) if database else None
    if of is None:
        what = f"{shown(repository)} has no database, and the session has none"
        fix = "write --repository DATABASE.SCHEMA.NAME, or set SNOWFLAKE_DATABASE"
        raise UsageError(what, where="--repository", fix=fix)
    found, not_checked = list[Use](), list[str]()
    for kind in _KINDS:
        view = f"{of}.INFORMATION_SCHEMA.{kind}S"
        statement = f"SELECT * FROM {view} WHERE ARTIFACT_REPOSITORY = {literal(exact(name))}"  # noqa: S608
        for row in session.table(statement, About(f"asking {shown(view)}")).rows:
            told = {**row, **_packages_of(session, row, kind)}
            not_checked += _unread(told, kind)
            found += _of_row(told, kind, wanted)
    return Uses(tuple(found), tuple(not_checked))


def _packages_of(session: Session, row: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """What DESCRIBE says of its packages, where the row does not."""
    if _told(row):
        return {}
    try:
        table = session.table(f"DESCRIBE {kind} {_name_of(row, kind)}", About(f"describing {_name_of(row, kind)}"))
    except UsageError:
        return {}
    found = state.properties(table)
    # Not its other properties, which may be named as columns of the row.
    return {name: found[name] for name in _LISTS if name in found} if found else {_LISTS[0]: _ODD}


def _of_row(row: Mapping[str, Any], kind: str, wanted: Wanted) -> Iterator[Use]:
    _, entries = _told(row) or ("", None)
    for entry in entries or ():
        if wanted.fits(entry):
            told = (str(row.get(name) or "") for name in ("runtime_version", "artifact_repository"))
            yield Use(_name_of(row, kind), kind.lower(), entry, *told)


def _told(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...] | None] | None:
    """The first list that has something, by its name: which one does is another question of each account.

    None: there is none; None in it: it is in a shape that is not known.
    """
    read = ((name, _entries(row.get(name))) for name in _LISTS)
    return next(((name, found) for name, found in read if found is None or found), None)


def _entries(value: object) -> tuple[str, ...] | None:
    """Packages, from a list in any shape that is known, or from an object of names and versions."""
    told = {} if value is None else state.json_object(value)
    if told is not None:
        found = tuple(f"{name}=={version}" for name, version in told.items())
    else:
        found = tuple(one.strip().strip("\"'") for one in state.listed(value) or (str(value),))
        found = () if str(value).strip() in _EMPTY else found
    return found if all(map(_ENTRY.fullmatch, found)) else None


def _unread(row: Mapping[str, Any], kind: str) -> Iterator[str]:
    """What is to be said of a function whose packages are not known."""
    told = _told(row)
    if told is None:
        yield f"{_name_of(row, kind)}: Snowflake does not tell this role its packages"
    elif told[1] is None:
        yield f"{_name_of(row, kind)}: {told[0]} is in a form that is not known"


def _name_of(row: Mapping[str, Any], kind: str) -> str:
    """With the types of its arguments, of which a signature has the names, too: `(A VARCHAR, B NUMBER)`."""
    parts = [row.get(f"{kind.lower()}_{part}") for part in ("catalog", "schema", "name")]
    signature = str(row.get("argument_signature") or "()").strip()[1:-1]
    types = (one.strip().rpartition(" ")[2] for one in re.split(r",(?![^(]*\))", signature) if one.strip())
    return f"{'.'.join(identifier(str(part)) for part in parts if part)}({', '.join(types)})"
