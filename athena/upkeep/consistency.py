"""Whether the catalog is what it should be: nothing but readable rows, one for each build; an index that agrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from athena.rows import is_row, list_days, read_row, version_of, without_row
from athena.statement import Scope
from athena.upkeep.index_check import index_problems
from venvbuild.builds import key, places
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store

_READ_AT_ONCE = 16
_SYNC = "`venvbuild table sync` mends it"


def find_problems(store: Store, cache: Path) -> Iterator[Problem]:
    """Every object that would spoil a query, every row without a build, every committed build without a row.

    And every file of the index that is damaged, every day on which it differs from the rows. `cache` keeps rows and
    index on this machine. Rules: STRAY_OBJECT, NO_OBJECT, BAD_ROW, MISPLACED_ROW, NO_BUILD, NO_ROW, BAD_INDEX,
    STALE_INDEX, and those of metadata.json of a build that can have no row. Reads every row, so it takes its time.

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
    for entry in store.list(f"{places.CATALOG}/"):
        name = entry.key.rpartition("/")[2]
        if entry.key.startswith(f"{places.ROWS}/") and not is_row(entry.key) and not name.startswith((".", "_")):
            why = "Athena and Trino read every object here as rows"
            yield Problem("this is no row", store.uri(entry.key), why, "move it elsewhere", "STRAY_OBJECT")
        elif entry.oddity and not is_row(entry.key):  # a row is read, too
            yield _no_object(store, entry)


def _no_object(store: Store, entry: Entry) -> Problem:
    what = f"{entry.oddity} stands where the store has a file"
    fix = "remove it, and restore the object from a backup"
    return Problem(what, store.uri(entry.key), "it is neither followed nor opened", fix, "NO_OBJECT")


def _of_row(store: Store, entry: Entry) -> tuple[Problem, ...]:
    try:
        read_row(store, entry.key)
    except IntegrityError as error:
        return error.problems
    return ()


@dataclass(frozen=True)
class _Listed:
    """What lies among the builds of a store, by venv_version."""

    committed: set[str]
    """Those that have a metadata.json."""
    others: set[str]
    odd: list[Entry]
    """What is no object, wherever in them; a metadata.json tells of itself when it is read."""


def _list_builds(store: Store) -> _Listed:
    found = _Listed(set(), set(), [])
    for entry in store.list(f"{places.BUILDS}/"):
        version, _, name = entry.key.removeprefix(f"{places.BUILDS}/").partition("/")
        is_metadata = name == places.METADATA
        (found.committed if is_metadata and not entry.oddity else found.others).add(version)
        if entry.oddity and not is_metadata:
            found.odd.append(entry)
    return _Listed(found.committed, found.others - found.committed, found.odd)


def _against_builds(store: Store, registered: set[str]) -> Iterator[Problem]:
    builds = _list_builds(store)
    yield from (_no_object(store, entry) for entry in builds.odd)
    for found in in_turn(partial(_without_build, store), sorted(registered - builds.committed), _READ_AT_ONCE):
        yield from found
    # of one that is not committed metadata.json is not there, or something else stands in its place
    unregistered = sorted((builds.committed | builds.others) - registered)
    for found in in_turn(partial(without_row, store), unregistered, _READ_AT_ONCE):
        yield from found


def _without_build(store: Store, version: str) -> tuple[Problem, ...]:
    try:
        store.read(key(version, places.METADATA))
    except NotInStore:
        what = f"{version} has a row and is no committed build"
        return (Problem(what, store.url, fix=_SYNC, rule="NO_BUILD"),)
    except IntegrityError as error:
        return error.problems
    return ()  # committed meanwhile
