"""Whether the index says what the rows say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from athena import engines, index
from athena.duck import interruptible
from athena.engines import Sources
from athena.index import Index, IndexCache, read_index_file
from athena.rows import RowCache, list_days, packages_of
from athena.statement import Scope
from venvbuild.errors import IntegrityError, Problem
from venvbuild.stores import Store

_TRIES = 3
# Sums, as rows come in any order; HUGEINT, as 64 bits would overflow. The sign of the count tells packages from builds.
_SUMS = """SELECT dt, sum(hash(b)::HUGEINT), count(*) FROM venv_builds AS b GROUP BY dt
    UNION ALL SELECT dt, sum(hash(p)::HUGEINT), -count(*) FROM venv_packages AS p GROUP BY dt"""
_FIX = "`venvbuild table sync` mends it"


def index_problems(store: Store, cache: Path, wait: Callable[[float], None] = time.sleep) -> Iterator[Problem]:
    """Files of the index that are damaged; when none is, the covered days whose builds are others in the rows.

    Where something differs, those who change the index now are waited for.

    Rules: BAD_INDEX, STALE_INDEX. A day with a row that cannot be read is not compared.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    differing: set[str] | None = None
    for number in range(_TRIES):
        if number:  # whoever is at the index gets done, and who waits for that, a row written
            with store.turn(index.TURN, wait):
                pass
        try:
            current = index.read(store)
            damaged = list(_damaged(store, current))
            found = set() if damaged else set(_differing(store, cache, current))
        except IntegrityError as error:
            yield from error.problems
            return
        # Who registers a build writes the row, then the index: only what differs twice is nobody's work under way.
        differing = found if differing is None else differing & found
        is_settled = index.read(store) == current and not damaged
        if is_settled and not differing:
            return
    yield from damaged
    for day in sorted(differing or ()):
        why = "a build of this day was registered, or went, and its index was not compacted"
        yield Problem(f"the index and the rows differ on {day}", store.url, why, _FIX, "STALE_INDEX")


def differing_days(store: Store, cache: Path) -> list[str]:
    """The covered days whose builds are others in the rows than in the index, or say something else there.

    Raises:
        IntegrityError: the index is damaged. StoreUnavailable, UsageError: the store fails or refuses.
    """
    return _differing(store, cache, index.read(store))


def _damaged(store: Store, current: Index) -> Iterator[Problem]:
    for segment in current.segments:
        for file in segment.files:
            try:
                read_index_file(store, segment, file)
            except IntegrityError as error:
                yield from error.problems


def _differing(store: Store, cache: Path, current: Index) -> list[str]:
    """Days whose builds and packages, each with its facts, are not the same in the index and in the rows."""
    if not current.covered_before:
        return []
    days = list_days(store, Scope(before=current.covered_before))
    cached = RowCache(store, cache)
    files = cached.files(days)
    fetched = IndexCache(store, cache, reads_all=True)
    of_index = Sources(
        builds=tuple(fetched.builds(current.segments)), packages=tuple(fetched.packages(current.segments))
    )
    sums = [_sums(Sources(tail=tuple(files), tail_packages=tuple(packages_of(files)))), _sums(of_index)]
    found = {day for day in sums[0].keys() | sums[1].keys() if sums[0].get(day) != sums[1].get(day)}
    return sorted(found - cached.unread(files).keys())


def _sums(sources: Sources) -> dict[str, tuple[object, ...]]:
    """Day -> how many builds and packages it has, and sums over them that differ when anything does."""
    with engines.connect(sources) as connection:
        found = interruptible(connection, lambda: connection.execute(_SUMS).fetchall())
    sums: dict[str, tuple[object, ...]] = {}
    for day, *facts in sorted(found, key=lambda row: row[2]):
        sums[day] = (*sums.get(day, ()), *facts)
    return sums
