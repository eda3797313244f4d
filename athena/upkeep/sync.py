"""Making the rows agree with the builds: one row for each committed build, and none beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from athena import rows
from athena.index import Compactor, build_no, day_of
from athena.rows import committed_builds, version_of
from athena.statement import Scope
from venvbuild.builds import key as build_key
from venvbuild.builds import places, read_any
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


def rows_difference(store: Store) -> Difference:
    """How rows and builds differ.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    # Rows first: a build that is registered meanwhile is then no row without a build.
    keys = [entry.key for entries in rows.list_days(store, Scope()).values() for entry in entries]
    committed = set(committed_builds(store))
    stray = tuple(key for key in keys if version_of(key) not in committed or not _is_in_place(key))
    with_row = {version_of(key) for key in keys} - {version_of(key) for key in stray}
    return Difference(tuple(sorted(committed - with_row)), stray)


def sync_rows(store: Store, cache: Path, found: Difference) -> None:
    """Write the rows that are missing, remove those without a build, and bring the index into agreement with all rows.

    May be interrupted and done again; several may do it at once.

    Raises:
        IntegrityError: some builds cannot be read, or have another row; all of them, after everything else was done.
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    problems = [one for some in in_turn(partial(_register, store), found.without_row, _AT_ONCE) for one in some]
    for _ in in_turn(partial(_remove, store), found.without_build, _AT_ONCE):
        pass
    Compactor(store, cache).cover_all()
    if problems:
        raise IntegrityError.of(problems)


def _register(store: Store, venv_version: str) -> Sequence[Problem]:
    try:
        rows.register(store, read_any(store, venv_version))
    except NotInStore:  # removed meanwhile
        return ()
    except IntegrityError as error:
        return error.problems
    return ()


def _remove(store: Store, key: str) -> None:
    if _is_in_place(key):
        try:
            # its build may have been committed since the builds were listed
            store.read(build_key(version_of(key), places.METADATA))
        except NotInStore:
            pass
        except IntegrityError:  # no file, which `table check` names
            return
        else:
            return
    store.remove(key)


def _is_in_place(key: str) -> bool:
    """Whether the row of this name belongs where it is."""
    version = version_of(key)
    try:
        day = day_of(build_no(version))
    except ValueError:
        return True  # of no build of ours: judged by whether there is one
    return key == f"{places.ROWS}/dt={day}/{version}.json"
