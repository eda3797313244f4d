"""Making rows and entries agree with the builds: one of each for each committed build, and none beside."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from athena import rows
from athena.index import Compactor
from athena.rows import version_of
from athena.upkeep.comparison import Listing, compare_all, is_in_place, problems_of
from athena.upkeep.index_check import differing_days
from venvbuild.builds import key as build_key
from venvbuild.builds import places, read_any, schemas
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.parallel import in_turn
from venvbuild.stores import Store

_AT_ONCE = 16


@dataclass(frozen=True)
class Difference:
    """What is to be done; found without changing anything."""

    without_row: tuple[str, ...]
    """Committed builds, by venv_version, sorted."""
    without_build: tuple[str, ...]
    """Keys of rows that belong to no committed build, or to one whose row is elsewhere."""
    with_another_row: tuple[str, ...] = ()
    """Committed builds whose row cannot be read or does not say what their metadata.json does."""
    lost_entries: tuple[str, ...] = ()
    """Keys of entries of committed builds that are not there."""
    foreign_entries: tuple[str, ...] = ()
    """Keys of entries that lead to builds of other environments."""
    problems: tuple[Problem, ...] = ()
    """What cannot be mended: builds whose metadata.json cannot be read, or is not what their other files say."""


def rows_difference(store: Store) -> Difference:
    """How rows and entries differ from the builds.

    Raises:
        IntegrityError: rows, entries or builds cannot be listed.
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    listed = Listing.of(store)
    if listed.refused:
        raise IntegrityError.of(listed.refused)
    found = [one for one in compare_all(store, listed) if one.problems or one.damage]
    return Difference(
        tuple(one.venv_version for one in found if one.has_no_row),
        tuple(key for one in found for key in one.stray_rows),
        tuple(one.venv_version for one in found if one.has_another_row),
        tuple(one.lost_entry for one in found if one.lost_entry),
        tuple(key for one in found for key in one.foreign_entries),
        tuple(problem for one in found for problem in one.damage),
    )


def sync_rows(store: Store, cache: Path, found: Difference) -> None:
    """Write the rows and entries that are missing or say something else, remove those without a build, and bring the
    index into agreement with all rows.

    May be interrupted and done again; several may do it at once.

    Raises:
        IntegrityError: some builds cannot be read, are not what their files say, or have another row since; or the
            index is damaged. All of it, after everything else was done.
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    problems = [*found.problems]
    for change, names in (
        (_register, found.without_row),
        (_rewrite, found.with_another_row),
        (_remove_row, found.without_build),
        (_enter, found.lost_entries),
        (_remove, found.foreign_entries),
    ):
        # What stands there since it was looked at may keep an object from being changed.
        changes = (partial(change, store, name) for name in names)
        problems += (one for some in in_turn(problems_of, changes, _AT_ONCE) for one in some)
    try:
        # Of a row that is another one now the index still says what the one before it said.
        Compactor(store, cache).cover_all(renewed=differing_days(store, cache))
    except IntegrityError as error:
        problems += error.problems
    if problems:
        raise IntegrityError.of(dict.fromkeys(problems))


def _enter(store: Store, key: str) -> None:
    store.put_if_absent(key, b"")


def _remove(store: Store, key: str) -> None:
    store.remove(key)


def _register(store: Store, venv_version: str) -> None:
    with suppress(NotInStore):  # removed meanwhile
        rows.register(store, read_any(store, venv_version))


def _rewrite(store: Store, venv_version: str) -> None:
    """Replace the row that is there by that of the build; one that changes meanwhile is somebody's work under way."""
    with suppress(NotInStore):  # the build or the row was removed meanwhile
        build = read_any(store, venv_version)
        key = rows.row_key(build)
        try:
            etag = store.read(key, schemas.MAX_BYTES).etag
        # a link or a FIFO stands there, which has no bytes that could change; or more than any row has
        except IntegrityError:
            store.remove(key)
            rows.register(store, build)
        else:
            store.replace_if_unchanged(key, rows.row(build), etag)


def _remove_row(store: Store, key: str) -> None:
    if is_in_place(key):
        try:
            # its build may have been committed since the builds were listed
            store.read(build_key(version_of(key), places.METADATA))
        except NotInStore:
            pass
        else:
            return
    store.remove(key)
