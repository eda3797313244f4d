"""Whether the catalog is what it should be: nothing but readable rows, one for each build, that say what the build
does; an entry of its environment for each; an index that agrees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from athena.rows import is_day, is_row, read_row
from athena.upkeep.comparison import Listing, compare_all, problems_of
from athena.upkeep.index_check import index_problems
from venvbuild.builds import alias_problems, places, problems_ahead
from venvbuild.errors import IntegrityError, Problem
from venvbuild.stores import A_FOLDER, Entry, Store, folder_of, is_key

_FOLDER = re.compile(
    rf"{places.INDEX}(?:/[0-9a-f]{{16}}(?:/builds|/packages)?)?|{places.DAYS}"
    rf"|{places.SNOWFLAKE}(?:/venv_[0-9]{{8}}_[0-9]{{6}})?"
)
"""What has to be a folder, and is looked into by nothing that `find_problems` asks, or not always."""


def find_problems(store: Store, cache: Path, *, is_deep: bool = False) -> Iterator[Problem]:
    """Every object that would spoil a query, every row without a build or that says something else than its build,
    every committed build without a row or without the entry of its environment.

    And every file of the index that is damaged, every day on which it differs from the rows. `cache` keeps rows and
    index on this machine. Rules: STRAY_OBJECT, NO_OBJECT, BAD_ROW, MISPLACED_ROW, OTHER_ROW, NO_BUILD, NO_ROW,
    NO_ENTRY, FOREIGN_ENTRY, AHEAD, BAD_INDEX, STALE_INDEX, in a folder NO_FOLDER and IS_FOLDER, those of metadata.json
    that is damaged, and those of `alias_problems`. Reads every row and every metadata.json, so it takes its time;
    `is_deep` reads all files of the builds but the archives, too (DAMAGED).

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    told: set[Problem | str] = set()
    odd: list[Problem] = []
    for problem in _problems(store, cache, odd, is_deep=is_deep):
        # what stands where a folder should be is met by everything that would lie there
        once = problem.where if problem.rule == "NO_FOLDER" else problem
        if once not in told:
            yield problem
        told |= {once, problem.where}
    yield from (one for one in odd if one.where not in told)


def _problems(store: Store, cache: Path, odd: list[Problem], *, is_deep: bool) -> Iterator[Problem]:
    """Problems, some of them several times; into `odd` goes what is no object, wherever nobody may have read it."""
    # Before the strays: a build that is registered meanwhile is then no row without a build.
    listed = Listing.of(store)
    yield from listed.refused
    odd += (_no_object(store, entry) for entry in listed.odd)
    yield from _told(_strays(store, odd))
    for found in compare_all(store, listed, is_deep=is_deep):
        yield from (*found.damage, *found.problems)
    for some in (alias_problems(store), problems_ahead(store), index_problems(store, cache)):
        yield from _told(some)


def _told(problems: Iterator[Problem]) -> Iterator[Problem]:
    """These; and, where what they are found in cannot be listed, that, so that the rest is looked at all the same."""
    try:
        yield from problems
    except IntegrityError as error:
        yield from error.problems


def _strays(store: Store, odd: list[Problem]) -> Iterator[Problem]:
    is_in_a_folder = folder_of(store.url) is not None
    for entry in store.list(f"{places.CATALOG}/"):
        name = entry.key.rpartition("/")[2]
        # something else stands where a day has the folder of its rows
        if is_day(entry.key) and (told := problems_of(partial(read_row, store, entry.key))):
            yield from told
        elif entry.key.startswith(f"{places.ROWS}/") and not is_row(entry.key) and not name.startswith((".", "_")):
            why = "Athena and Trino read every object here as rows"
            yield Problem("this is no row", store.uri(entry.key), why, "move it elsewhere", "STRAY_OBJECT")
        elif is_in_a_folder and _FOLDER.fullmatch(entry.key):
            yield _no_folder(store, entry)
        elif entry.oddity not in ("", A_FOLDER) and not is_row(entry.key):  # a row is read, too, and so is a move
            odd.append(_no_object(store, entry))


def _no_folder(store: Store, entry: Entry) -> Problem:
    what = f"{entry.oddity or 'a file'} stands where the store has a folder"
    why, fix = "what the folder has cannot be read, written or removed", "put the folder itself there, or remove it"
    return Problem(what, store.uri(entry.key), why, fix, "NO_FOLDER")


def _no_object(store: Store, entry: Entry) -> Problem:
    if not is_key(entry.key):
        why = "`.`, `..` or nothing is a part of its name, so that no command can ask for it"
        where = store.uri(entry.key)
        return Problem("nothing in a store is called so", where, why, "remove it, or move it elsewhere", "NO_OBJECT")
    what = f"{entry.oddity} stands where the store has a file or a folder"
    is_derived = entry.key.startswith((f"{places.INDEX}/", f"{places.DAYS}/"))
    fix = "remove it" if is_derived else "remove it, and restore from a backup what belongs there"
    return Problem(what, store.uri(entry.key), "it is neither followed nor opened", fix, "NO_OBJECT")
