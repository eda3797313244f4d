"""Old ZIPs of ours in a stage: which may go, because newer ones are there and nothing is seen to import them.

What a function or procedure imports, Snowflake tells database by database, and only of what the role may see
(INFORMATION_SCHEMA.FUNCTIONS has IMPORTS; PROCEDURES, in the pages that were read, has not). What cannot be asked is
told. Source: Snowflake's reference, "FUNCTIONS view", "PROCEDURES view".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.stage import Stage, StagedFile
from venvbuild.snowflake.statement import exact, identifier
from venvbuild.snowflake.uploading import BESIDE, OURS
from venvbuild.text import shown

_KINDS = ("FUNCTION", "PROCEDURE")
_OF_OTHERS = ("IMPORTED DATABASE", "APPLICATION")
"""Kinds of databases that others made and share; what is in them cannot import from a stage of ours."""


@dataclass(frozen=True)
class Imports:
    """Which ZIPs of ours are imported, as far as this role sees."""

    users: Mapping[str, tuple[str, ...]]
    """Name of the ZIP -> the functions and procedures, `MY_DB.MY_SCHEMA.F`."""
    not_checked: tuple[str, ...]
    """What could not be asked, with the reason."""


@dataclass(frozen=True)
class Plan:
    """What of a stage's folder goes and what stays."""

    removed: tuple[StagedFile, ...]
    """ZIPs and manifests, by name."""
    kept: tuple[str, ...]
    """Names of the newest ZIPs."""
    in_use: Mapping[str, tuple[str, ...]]
    """Older ZIPs that stay, with who imports them."""
    not_checked: tuple[str, ...]


def plan(stage: Stage, keep: int) -> Plan:
    """What `prune` does when `keep` ZIPs are to stay, the newest, beside those in use. Nothing of others is in it.

    Raises:
        UsageError, StoreUnavailable: Snowflake refuses, or does not answer.
    """
    files = stage.files("app_packages-")
    zips = [file for name, file in files.items() if OURS.fullmatch(name)]
    # Of what LIST gives no date nobody knows that it is old.
    dated = sorted((file for file in zips if file.modified_at is not None), key=_age)
    old = dated[keep:]
    imports = imports_seen(stage.session, exact(stage.name.names[0])) if old else Imports({}, ())
    goes = {file.name for file in old} - set(imports.users)
    stays = {file.name for file in zips} - goes
    removed = [file for name, file in sorted(files.items()) if name in goes or _is_left_over(name, stays)]
    in_use = {file.name: imports.users[file.name] for file in old if file.name in imports.users}
    kept = [*(file for file in zips if file not in dated), *dated[:keep]]
    return Plan(tuple(removed), tuple(file.name for file in kept), in_use, imports.not_checked)


def _age(file: StagedFile) -> tuple[float, str]:
    return -(file.modified_at or 0), file.name


def _is_left_over(name: str, stays: set[str]) -> bool:
    """Whether it is the manifest of a ZIP of ours that goes or is gone."""
    zip_name = name.removesuffix(BESIDE)
    return zip_name != name and OURS.fullmatch(zip_name) is not None and zip_name not in stays


def remove(stage: Stage, planned: Plan) -> None:
    """Do it; a manifest goes before its ZIP, so that what is interrupted leaves nothing that looks whole."""
    for file in sorted(planned.removed, key=lambda file: (not file.name.endswith(BESIDE), file.name)):
        stage.remove(file.name)


def imports_seen(session: Session, own: str) -> Imports:
    """What the functions and procedures of every database that this role sees, and nobody shares, import of ours.

    `own` is the exact name of the stage's database, which has to be one of them.
    """
    users: dict[str, set[str]] = {}
    not_checked: dict[str, list[str]] = {}
    try:
        databases = _databases(session)
    except UsageError as error:
        return Imports({}, (f"every database: {error.problems[0].why}",))
    if own not in databases:
        not_checked["SHOW DATABASES does not show it to this role"] = [f"the stage's own database {shown(own)}"]
    for database in databases:
        for kind in _KINDS:
            seen, why = _seen(session, database, kind)
            for name, user in seen:
                users.setdefault(name, set()).add(user)
            if why:
                not_checked.setdefault(why, []).append(f"the {kind.lower()}s of {shown(database)}")
    told = tuple(f"{', '.join(whats)}: {why}" for why, whats in not_checked.items())
    return Imports({name: tuple(sorted(found)) for name, found in users.items()}, told)


def _databases(session: Session) -> list[str]:
    """Those in which something may import from a stage of ours, by their exact names."""
    found = session.rows("SHOW DATABASES", About("listing the databases"))
    return [str(row.get("name")) for row in found if str(row.get("kind")).upper() not in _OF_OTHERS]


def _seen(session: Session, database: str, kind: str) -> tuple[list[tuple[str, str]], str]:
    """ZIPs of ours and who of the Python ones imports them; and why that may not be all, or nothing."""
    view = f"{identifier(database)}.INFORMATION_SCHEMA.{kind}S"
    # `*`, for a column that an account does not have would be an error
    statement = f"SELECT * FROM {view} WHERE {kind}_LANGUAGE = 'PYTHON'"  # noqa: S608  # the name is quoted
    try:
        table = session.table(statement, About(f"asking about the {kind.lower()}s of {shown(database)}"))
    except UsageError as error:
        return [], error.problems[0].why
    if "imports" not in table.columns:
        # Also when no row came: this role may see none of those that there are.
        return [], "Snowflake does not tell what they import"
    seen, untold = list[tuple[str, str]](), list[str]()
    for row in table.rows:
        user = ".".join(str(row.get(f"{kind.lower()}_{part}")) for part in ("catalog", "schema", "name"))
        # NULL is what a role may not read of an object; that it also stands for `[]` is not excluded.
        if not row["imports"]:
            untold.append(user)
        seen += [(name, user) for name in OURS.findall(str(row["imports"] or ""))]
    return seen, f"Snowflake does not tell this role what {_some(untold)}" if untold else ""


def _some(users: Sequence[str]) -> str:
    more = f" and {len(users) - 1} more" if len(users) > 1 else ""
    return f"{shown(users[0])}{more} {'import' if more else 'imports'}"
