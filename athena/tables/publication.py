"""Letting an engine that keeps tables read the current index, by views which name its segments and the rows' first day.

A view is replaced in one step, so a query sees one generation and no part of another. The index is always there before
the views that name it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from athena import index
from athena.engines import Engine
from athena.index import Index
from athena.rows import Unread
from athena.statement import Statement
from athena.tables import definitions, index_tables
from athena.tables.standing import REPLACE, shown
from venvbuild.builds import places
from venvbuild.errors import QueryEngineError, UsageError, VenvBuildError
from venvbuild.stores import Store

# an engine gives a view back in its own writing, with blanks where it likes
_SEGMENT = re.compile(r"'([0-9a-f]{16})'")
_TAIL = re.compile(r"dt\s*>=\s*'([0-9]{4}-[0-9]{2}-[0-9]{2})'")
# what leaves out lines that are no rows, which views that an earlier version made do not have
_GUARD = re.compile(r"venv_version\s*=\s*date_format")
# and what leaves out builds of a time to come
_BOUND = re.compile(r"\bbuild_no\s*<[\s(]*to_unixtime")
_TRIES = 20


@dataclass(frozen=True)
class Published:
    """What a view reads."""

    covered_before: str
    """The first day of which it reads rows; empty: all rows."""
    segments: frozenset[str]
    is_guarded: bool = True
    """Whether it leaves out lines that are no rows."""
    is_bounded: bool = field(default=False, compare=False)
    """Whether it leaves out builds of the index that are of a time to come."""
    tables: frozenset[str] = field(default=frozenset(), compare=False)
    """Of the index, which it names; those of an earlier version, of which each segment was a scan, apart."""

    @classmethod
    def by(cls, current: Index) -> Published:
        """What it should read of this index."""
        return cls(current.covered_before if current.segments else "", frozenset(s.name for s in current.segments))


def published(engine: Engine, view: str) -> Published:
    """What a view reads, as the engine has it.

    Raises:
        QueryEngineError: there is no such view.
    """
    text = definitions.definition_on(engine, f"SHOW CREATE VIEW {view}")
    day = _TAIL.search(text)
    named = frozenset(re.findall(index_tables.NAME, text))
    segments, is_guarded = frozenset(_SEGMENT.findall(text)), bool(_GUARD.search(text))
    return Published(day[1] if day else "", segments, is_guarded, bool(_BOUND.search(text)), named)


def reads(engine: Engine, current: Index, view: str) -> Published:
    """What a question about a view reads: what was published where the engine keeps tables, else the current index."""
    # where there never was an index, nobody has to be asked
    return published(engine, view) if engine.keeps_tables and current.generation else Published.by(current)


def unread(engine: Engine) -> Unread | None:
    """The rows that an engine with tables cannot read, as far as it can tell: lines without the version of their day.

    What is wrong with others, `table check` finds. Nothing of an engine that reads the rows itself.
    """
    if not engine.keeps_tables:
        return None
    no_row = f"NOT coalesce({definitions.GUARD}, false)"
    sql = f'SELECT count(*), min("$path") FROM {definitions.TABLE} WHERE {no_row}'  # noqa: S608
    ((count, path),) = engine.run(Statement((sql,))).rows
    key = f"{places.ROWS}/{str(path).partition(f'/{places.ROWS}/')[2]}"
    return Unread(count, key, "the engine finds no version of its day in it") if count else None


def publish(engine: Engine, store: Store) -> Index:
    """Make the views read the current index; it, when they do. Several may do so at once.

    Raises:
        QueryEngineError: the engine failed, has no tables, or others keep changing its views.
        UsageError: its table reads something else than rows.
    """
    seen: set[str] = set()
    for _ in range(_TRIES):
        current = index.read(store)
        views, of_index = _of_views(engine), index_tables.there(engine)
        seen.update(*(one.tables for one in views))
        if views and all(_reads(one, current, of_index) for one in views):
            # Whoever made a newer index publishes it afterwards, so after writing an older one it is looked for and
            # written over.
            if Published.by(index.read(store)) == Published.by(current):
                _drop_unused(engine, of_index, seen)
                return current
            continue
        location = _location(engine) if current.segments else ""
        statements = definitions.publishing(engine.name, location, current)
        *made, builds, packages = statements
        for statement in made:
            engine.run(statement)
        if made and location != store.url:
            _refuse_another(engine, store, current, location, made)
        engine.run(builds)
        engine.run(packages)
    raise QueryEngineError("others keep changing the views", fix="run it again when they are done")


def _refuse_another(engine: Engine, store: Store, current: Index, location: str, made: Sequence[Statement]) -> None:
    """That the place of the table is no other name of this store: the index is not there that the views are to name.

    Raises:
        UsageError: so it is; the tables that were made over it are dropped.
    """
    names = [name for one in made for name in re.findall(index_tables.NAME, one.sql)]
    segments = ", ".join(f"'{one.name}'" for one in current.segments)
    sql = f"SELECT count(*) FROM {names[0]} WHERE segment IN ({segments})"  # noqa: S608
    [[found]] = engine.run(Statement((sql,))).rows
    wanted = sum(one.build_count for one in current.segments)
    if found != wanted:
        for statement in index_tables.drops(set(names)):
            engine.run(statement)
        raise UsageError(
            f"the table {definitions.TABLE} is over another store than {store.url}",
            where=location,
            why=f"of the {wanted} builds in the index of this store the engine finds {found} there",
            fix=f"name the store of the table with --store; or make the table one of this store, `{REPLACE} --location`"
            " and this store as the engine sees it",
            rule="OTHER_STORE",
        )


def _drop_unused(engine: Engine, of_index: Collection[str], seen: Collection[str]) -> None:
    """Drop tables of the index that no view names any more, but those which one named since we came.

    Whoever may not, leaves them: it only tidies up.
    """
    with suppress(VenvBuildError):
        free = index_tables.unused(of_index, seen, datetime.now(UTC))
        # Looked at again, as somebody may have replaced the views after we did, by an earlier version too.
        views = _of_views(engine) if free else []
        if views and all(bool(one.tables) == bool(one.segments) for one in views):
            named = frozenset().union(*(one.tables for one in views))
            for statement in index_tables.drops([name for name in free if name not in named]):
                engine.run(statement)


def _of_views(engine: Engine) -> list[Published]:
    """What each reads; nothing when one is not there."""
    try:
        return [published(engine, view) for view in index.VIEWS]
    except QueryEngineError:  # not there yet, or not to be read: making them tells
        return []


def _reads(view: Published, current: Index, of_index: frozenset[str]) -> bool:
    """Whether a view reads this index, from tables that are there, and counts no build of a time to come."""
    # More than is needed does no harm: clocks differ, and each would undo what the other did.
    is_bounded = view.is_bounded or not definitions.has_builds_ahead(current)
    is_same = view == Published.by(current) and bool(view.tables) == bool(view.segments)
    return is_same and is_bounded and view.tables <= of_index


def _location(engine: Engine) -> str:
    """Where the engine sees the store: there its table reads the rows."""
    found = shown(engine)
    problem = found.problem()
    if problem and problem.rule == "FOREIGN_TABLE":
        raise UsageError.of([problem])
    return found.store
