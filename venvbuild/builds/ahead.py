"""Builds of a time to come: a machine with a wrong clock claimed them, and `ENV@latest` would be theirs for years.

Clocks differ a little, so the builds of tomorrow count as those of today do, everywhere. The clock here may be the
wrong one: a build is ahead only when its day (UTC) is later than the one after that of this clock, and than the one
after that of the newest object, as the store tells the time of its objects. Whole days, as engines know no parts.
Such a build is taken out by hand, its metadata.json first: without it there is no build, whatever else is left of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from venvbuild.builds import places
from venvbuild.builds.places import BUILDS, ENVIRONMENTS, METADATA
from venvbuild.errors import Problem
from venvbuild.stores import Entry, Store

_DAY_S = 86_400
_END_OF_TIME_S = 253_402_300_799 - _DAY_S  # the last second of the year 9999, less the day


def last_day(entries: Iterable[Entry] = ()) -> str:
    """The day, `YYYY-MM-DD`, after which builds are ahead, by this clock and the times of these objects."""
    newest = max((entry.modified_at for entry in entries), default=0.0)
    seconds = min(max(time.time(), newest), _END_OF_TIME_S) + _DAY_S
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d}"


def horizon(entries: Iterable[Entry]) -> str:
    """The same as the last version that is not ahead."""
    return f"venv_{last_day(entries).replace('-', '')}_235959"


def last_version(store: Store) -> str:
    """The last version that is not ahead, as this clock and the files of the builds beyond it tell.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    return horizon(_beyond(store))


def builds_ahead(store: Store) -> tuple[str, ...]:
    """The committed builds that are ahead, sorted. Only what is later than this clock is listed.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    entries = _beyond(store)
    last = horizon(entries)
    found = (entry.key.split("/") for entry in entries)
    versions = (parts[1] for parts in found if len(parts) == 3 and parts[2] == METADATA)
    return tuple(version for version in versions if places.is_venv_version(version) and version > last)


def problems_ahead(store: Store) -> Iterator[Problem]:
    """That a build is ahead, and how it is taken out; of each one. Rule: AHEAD. Raises as `builds_ahead` does."""
    for version in builds_ahead(store):
        metadata = places.key(version, METADATA)
        yield Problem(
            f"{version} is ahead of the clock, and of the newest object of the store, by more than a day",
            store.uri(metadata),
            "whoever built it had a wrong clock; ENV@latest passes over it, and no question sees it",
            "set that clock right, and build it again; where an alias names it (`venvbuild aliases`), promote the new "
            f"build; then remove {metadata}, after that {places.key(version, '*')} and {ENVIRONMENTS}/*/{version}, and "
            "run `venvbuild table sync`",
            "AHEAD",
        )


def _beyond(store: Store) -> list[Entry]:
    """The files of the builds that are later than this clock."""
    # `~` sorts after every file of that version.
    return list(store.list(f"{BUILDS}/", f"{BUILDS}/{horizon(())}/~"))
