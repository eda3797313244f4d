"""Committed builds that have no row, so that no question sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from athena.rows.table import list_days, row_key, version_of
from athena.statement import Scope
from venvbuild.builds import places, read_any, schemas
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.stores import Store

_NO_ROW = "NO_ROW"
_GLANCE = 1000
"""Objects: one page of a listing of S3."""
_TRIED = 3


def committed_builds(store: Store, max_objects: int | None = None) -> Iterator[str]:
    """The venv_versions of all builds that have a metadata.json, or of those among the first `max_objects` objects."""
    for entry in islice(store.list(f"{places.BUILDS}/"), max_objects):
        parts = entry.key.split("/")
        if len(parts) == 3 and parts[2] == places.METADATA:
            yield parts[1]


def _without_row(store: Store, venv_version: str) -> tuple[Problem, ...]:
    """What is wrong with a build that has no row: that (NO_ROW), or why it can have none; nothing if it is gone."""
    try:
        build = read_any(store, venv_version)
        with suppress(NotInStore):
            store.read(row_key(build), schemas.MAX_BYTES)
            return ()  # registered meanwhile
    except NotInStore:  # not committed, or removed meanwhile
        return ()
    except IntegrityError as error:  # no `sync` could make a row of it, or in its place
        return error.problems
    why, fix = "list and find do not see it", "`venvbuild table sync` mends it"
    return (Problem(f"{venv_version} has no row", store.url, why, fix, _NO_ROW),)


def unseen_build(store: Store) -> Problem | None:
    """That one of the oldest builds has no row and could have one (NO_ROW); None when these have theirs.

    Lists one page of builds and the rows of their days, so it may be asked whenever there is no answer: where a team's
    builds are older than its catalog, these are among the first.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    found = {version: day for version in committed_builds(store, _GLANCE) if (day := _day(version))}
    if not found:
        return None
    scope = Scope(since=min(found.values()), before=f"{max(found.values())}~")  # `~` sorts behind the rows of that day
    registered = {version_of(entry.key) for entries in list_days(store, scope).values() for entry in entries}
    for version in sorted(found.keys() - registered)[:_TRIED]:
        for problem in _without_row(store, version):
            if problem.rule == _NO_ROW:
                return problem
    return None


def _day(venv_version: str) -> str | None:
    with suppress(ValueError):
        return f"{places.instant_of(venv_version):%Y-%m-%d}"
    return None
