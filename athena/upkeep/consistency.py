"""Whether the catalog is what it should be: nothing but readable rows, one for each build; an index that agrees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from athena.rows import committed_builds, is_row, list_days, read_row, version_of, without_row
from athena.statement import Scope
from athena.upkeep.index_check import index_problems
from venvbuild.builds import places
from venvbuild.errors import IntegrityError, Problem
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store

_READ_AT_ONCE = 16
_SYNC = "`venvbuild table sync` mends it"


def find_problems(store: Store, cache: Path) -> Iterator[Problem]:
    """Every object that would spoil a query, every row without a build, every committed build without a row.

    And every file of the index that is damaged, every day on which it differs from the rows. `cache` keeps rows and
    index on this machine. Rules: STRAY_OBJECT, BAD_ROW, MISPLACED_ROW, NO_BUILD, NO_ROW, BAD_INDEX, STALE_INDEX, and
    those of metadata.json of a build that can have no row. Reads every row, so it takes its time.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    # Rows first: a build that is registered meanwhile is then no row without a build.
    rows = [entry for entries in list_days(store, Scope()).values() for entry in entries]
    yield from _strays(store)
    for found in in_turn(partial(_of_row, store), rows, _READ_AT_ONCE):
        yield from found
    yield from _against_builds(store, {version_of(entry.key) for entry in rows})
    yield from index_problems(store, cache)


def _strays(store: Store) -> Iterator[Problem]:
    for entry in store.list(f"{places.ROWS}/"):
        name = entry.key.rpartition("/")[2]
        if not is_row(entry.key) and not name.startswith((".", "_")):
            why = "Athena and Trino read every object here as rows"
            yield Problem("this is no row", store.uri(entry.key), why, "move it elsewhere", "STRAY_OBJECT")


def _of_row(store: Store, entry: Entry) -> tuple[Problem, ...]:
    try:
        row = read_row(store, entry.key)
    except IntegrityError as error:
        return error.problems
    if row is None:
        return ()
    wanted = f"{places.ROWS}/dt={row['created_at'][:10]}/{row['venv_version']}.json"
    why = f"by what it says it belongs at {wanted}"
    if wanted == entry.key:
        instant = re.sub(r"\D", "", row["created_at"])
        if instant == re.sub(r"\D", "", row["venv_version"]):
            return ()
        why = f"it says {row['created_at']}, which is not the instant of its version"
    fix = _SYNC
    return (Problem("this row is in the wrong place", store.uri(entry.key), why, fix, "MISPLACED_ROW"),)


def _against_builds(store: Store, registered: set[str]) -> Iterator[Problem]:
    committed = set(committed_builds(store))
    for version in sorted(registered - committed):
        what = f"{version} has a row and is no committed build"
        yield Problem(what, store.url, fix=_SYNC, rule="NO_BUILD")
    for found in in_turn(partial(without_row, store), sorted(committed - registered), _READ_AT_ONCE):
        yield from found
