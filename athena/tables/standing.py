"""How the table stands on an engine that keeps tables: whether it reads the rows of builds, with all their columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from athena import rows
from athena.engines import Engine
from athena.statement import Statement
from athena.tables.definitions import TABLE, definition_on
from venvbuild.builds import places
from venvbuild.errors import Problem, QueryEngineError, UsageError

REPLACE = "venvbuild table create --replace"
# As Athena writes it, and as Trino does.
_LOCATION = re.compile(r"\bLOCATION\s+'([^']*)'|\bexternal_location\s*=\s*'([^']*)'", re.IGNORECASE)
_COLUMN = re.compile(r"^\s*[`\"]?(\w+)[`\"]? +[A-Za-z]", re.MULTILINE)
_LENIENT = re.compile(r"'ignore\.malformed\.json'\s*=\s*'true'", re.IGNORECASE)
_ENDS_TODAY = re.compile(r"[,']\s*NOW'")
_EXTERNAL = re.compile(r"\ACREATE\s+EXTERNAL\s+TABLE|\bexternal_location\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class Standing:
    """The table `venv_builds_metadata` as an engine has it."""

    location: str
    """Where it reads, without a final `/`; empty when the engine does not say."""
    columns: frozenset[str]
    is_external: bool
    """Whether dropping it leaves its files."""
    is_lenient: bool = True
    """Whether one file that is no JSON ends no query."""
    has_tomorrow: bool = True
    """Whether it reads the rows of a clock that is fast."""

    @property
    def store(self) -> str:
        """The store as the engine sees it; empty when the engine does not say."""
        return self.location.removesuffix(f"/{places.ROWS}")

    def problem(self) -> Problem | None:
        """Why questions are not answered from it; None when they are.

        Rules: FOREIGN_TABLE, OLD_TABLE.
        """
        if not f"/{self.location}".endswith(f"/{places.ROWS}"):
            why = "the engine reads every object there as a row, archives too, and there are no rows of builds"
            if self.location.endswith(f"/{places.BUILDS}"):
                why = "this is the table of scripts' builds: it reads every file of each build as rows, archives too"
            return Problem(f"the table {TABLE} reads {self.location or 'no place'}", why=why, fix=REPLACE,
                           rule="FOREIGN_TABLE")  # fmt: skip
        missing = [column.name for column in rows.columns() if column.name not in self.columns]
        if missing:
            what = f"the table {TABLE} lacks {', '.join(missing)}"
            return Problem(what, self.location, "an earlier version of venvbuild made it", REPLACE, "OLD_TABLE")
        if not self.is_lenient:
            what = f"one row that is no JSON ends every question to the table {TABLE}"
            why = "an earlier version of venvbuild made it, without ignore.malformed.json"
            return Problem(what, self.location, why, REPLACE, "OLD_TABLE")
        if not self.has_tomorrow:
            what = f"the table {TABLE} ends with today, and a build of a clock that is fast counts elsewhere"
            why = "an earlier version of venvbuild made it"
            return Problem(what, self.location, why, REPLACE, "OLD_TABLE")
        return None


def standing(engine: Engine) -> Standing | None:
    """How it stands; None when there is no such table, or the engine does not show it."""
    try:
        return shown(engine)
    except QueryEngineError:
        return None


def shown(engine: Engine) -> Standing:
    """How it stands.

    Raises:
        QueryEngineError: there is no such table, or the engine does not show it.
    """
    text = definition_on(engine, f"SHOW CREATE TABLE {TABLE}")
    location = _LOCATION.search(text)
    return Standing(
        next(filter(None, location.groups()), "").rstrip("/") if location else "",
        frozenset(name.lower() for name in _COLUMN.findall(text)),
        _EXTERNAL.search(text.lstrip()) is not None,
        _LENIENT.search(text) is not None or _is_lenient_on_trino(engine, text),
        _ENDS_TODAY.search(text) is None,
    )


def _is_lenient_on_trino(engine: Engine, text: str) -> bool:
    """What Trino does not show of the table that it shows so."""
    if "external_location" not in text:
        return False
    try:
        properties = engine.run(Statement((f'SELECT * FROM "{TABLE}$properties"',)))  # noqa: S608
    except QueryEngineError:
        return False
    return properties.as_dicts()[0].get("ignore.malformed.json") == "true"


def refuse_elsewhere(found: Standing, wanted: str) -> None:
    """That a table which stays reads the rows of another store than `wanted`, the store as the engine is to see it.

    Raises:
        UsageError: it does; the tables of the index would be of the one store, and the rows of the other.
    """
    if found.store and found.store != wanted.rstrip("/"):
        raise UsageError(
            f"the table {TABLE} is there, over {found.store}",
            where=wanted,
            why="its views read rows and index of one store",
            fix=f"where that is this store too, `--location {found.store}`; else `{REPLACE} --location {wanted}`",
            rule="OTHER_LOCATION",
        )


def refuse_to_drop(found: Standing | None) -> None:
    """That dropping the table would remove files.

    Raises:
        UsageError: it would, as it is no external one.
    """
    if found and not found.is_external:
        raise UsageError(
            f"the table {TABLE} is no external one: to drop it removes its files",
            where=found.location,
            why="somebody else made it so",
            fix=f"look at it, and rename it if it is wanted: ALTER TABLE {TABLE} RENAME TO other_name",
        )
