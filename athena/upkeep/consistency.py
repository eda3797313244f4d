"""Whether the catalog is what it should be: nothing but readable rows, one for each build, that say what the build
does; an entry of its environment for each; an index that agrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from athena.rows import is_row
from athena.upkeep.comparison import Listing, compare_all
from athena.upkeep.index_check import index_problems
from venvbuild.builds import alias_problems, builds_ahead, places
from venvbuild.errors import Problem
from venvbuild.stores import Entry, Store


def find_problems(store: Store, cache: Path, *, is_deep: bool = False) -> Iterator[Problem]:
    """Every object that would spoil a query, every row without a build or that says something else than its build,
    every committed build without a row or without the entry of its environment.

    And every file of the index that is damaged, every day on which it differs from the rows. `cache` keeps rows and
    index on this machine. Rules: STRAY_OBJECT, NO_OBJECT, BAD_ROW, MISPLACED_ROW, OTHER_ROW, NO_BUILD, NO_ROW,
    NO_ENTRY, FOREIGN_ENTRY, AHEAD, BAD_INDEX, STALE_INDEX, those of metadata.json that is damaged, and those of
    `alias_problems`. Reads every row and every metadata.json, so it takes its time; `is_deep` reads all files of the
    builds but the archives, too (DAMAGED).

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    # Before the strays: a build that is registered meanwhile is then no row without a build.
    listed = Listing.of(store)
    yield from _strays(store)
    yield from (_no_object(store, entry) for entry in listed.odd)
    for found in compare_all(store, listed, is_deep=is_deep):
        yield from (*found.damage, *found.problems)
    yield from alias_problems(store)
    for version in builds_ahead(store):
        what = f"{version} is ahead of the clock, and of the newest object of the store, by more than a day"
        why = "whoever built it had a wrong clock; ENV@latest passes over it"
        where = store.uri(places.key(version, places.METADATA))
        yield Problem(what, where, why, "set that clock right, and build it again", "AHEAD")
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
