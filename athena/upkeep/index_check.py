"""Whether the index says what the rows say."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import _duckdb as duckdb

from athena import engines, index
from athena.duck import all_rows, interruptible, scan
from athena.engines import Sources
from athena.index import CURRENT, REBUILD, Index, IndexCache, IndexFile, Segment, read_index_file
from athena.rows import RowCache, Unread, is_day, is_well_named, last_day, list_days, packages_of
from athena.statement import Scope
from venvbuild import builds
from venvbuild.errors import IntegrityError, Problem
from venvbuild.stores import Entry, Store
from venvbuild.text import first_line, shown

_TRIES = 3
# Sums, as rows come in any order; HUGEINT, as 64 bits would overflow. The sign of the count tells packages from builds.
_SUMS = """SELECT dt, sum(hash(b)::HUGEINT), count(*) FROM venv_builds AS b GROUP BY dt
    UNION ALL SELECT dt, sum(hash(p)::HUGEINT), -count(*) FROM venv_packages AS p GROUP BY dt"""
_FIX = "`venvbuild table sync` mends it"


def index_problems(store: Store, cache: Path, wait: Callable[[float], None] = time.sleep) -> Iterator[Problem]:
    """Files of the index that are damaged, or not what CURRENT.json says of them; when none is, the covered days whose
    builds are others in the rows, and those of which it says wrongly that rows cannot be read.

    Where something differs, those who change the index now are waited for.

    Rules: BAD_INDEX, STALE_INDEX. A day with a row that cannot be read is not compared.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    differing: set[Problem] | None = None
    for number in range(_TRIES):
        if number:  # whoever is at the index gets done, and who waits for that, a row written
            with store.turn(index.TURN, wait):
                pass
        try:
            current = index.read(store)
            damaged = list(_damaged(store, current)) or [
                *_ahead(store, current),
                *_contradictions(store, cache, current),
            ]
            found = set() if damaged else _stale(store, cache, current)
        except IntegrityError as error:
            yield from error.problems
            return
        # Who registers a build writes the row, then the index: only what differs twice is nobody's work under way.
        differing = found if differing is None else differing & found
        is_settled = index.read(store) == current and not damaged
        if is_settled and not differing:
            return
    yield from damaged
    yield from sorted(differing or (), key=lambda one: (one.what, one.fix))


def differing_days(store: Store, cache: Path) -> list[str]:
    """The covered days whose builds are others in the rows than in the index, or say something else there.

    Raises:
        IntegrityError: the index is damaged. StoreUnavailable, UsageError: the store fails or refuses.
    """
    return _compared(store, cache, index.read(store))[0]


def _damaged(store: Store, current: Index) -> Iterator[Problem]:
    for segment in current.segments:
        for file in segment.files:
            try:
                read_index_file(store, segment, file)
            except IntegrityError as error:
                yield from error.problems


def _ahead(store: Store, current: Index) -> Iterator[Problem]:
    """That it covers days to come: whoever registers a build then has to wait for the index, for ever."""
    day = max(current.covered_before, current.covering_before)
    # where nobody built of late, that alone tells when it was compacted, and that the clock here is behind
    if day > last_day(store, day) and day > builds.last_day(store.list(CURRENT)):
        why = "a machine with a wrong clock compacted it, or it was changed"
        yield Problem(f"the index covers the days before {day}", store.uri(CURRENT), why, REBUILD, "BAD_INDEX")


def _contradictions(store: Store, cache: Path, current: Index) -> Iterator[Problem]:
    """What CURRENT.json says of a segment that is not so: whoever believes that reads too little."""
    fetched = IndexCache(store, cache, reads_all=True)
    for segment in current.segments:
        told = (segment.build_count, segment.first_build_no, segment.last_build_no)
        [path] = fetched.builds([segment])
        yield from _contradiction(
            store, segment, segment.builds, told, ("count(*), min(build_no), max(build_no)", path)
        )
        for file, path in zip(segment.packages, fetched.packages([segment]), strict=True):
            names = (file.first_name, file.last_name)
            yield from _contradiction(store, segment, file, names, ("min(name), max(name)", path))


def _contradiction(
    store: Store, segment: Segment, file: IndexFile, told: tuple[object, ...], asked: tuple[str, Path]
) -> Iterator[Problem]:
    facts, path = asked
    where = store.uri(segment.key(file))
    try:
        found = all_rows(f"SELECT {facts} FROM {scan([path])}")[0]  # noqa: S608
    except duckdb.Error as error:
        yield Problem("a file of the index is damaged", where, first_line(error), REBUILD, "BAD_INDEX")
        return
    if found != told:
        what = f"a file of the index has {_range(found)}, and CURRENT.json says {_range(told)}"
        yield Problem(what, where, f"{store.uri(CURRENT)} was changed", REBUILD, "BAD_INDEX")


def _range(facts: Sequence[object]) -> str:
    *counts, first, last = (shown(str(one)) for one in facts)
    return " ".join([*(f"{count} builds," for count in counts), f"{first} to {last}"])


def _stale(store: Store, cache: Path, current: Index) -> set[Problem]:
    differing, others = _compared(store, cache, current)
    why = "a build of this day was registered, or went, and its index was not compacted"
    found = {
        Problem(f"the index and the rows differ on {day}", store.url, why, _FIX, "STALE_INDEX") for day in differing
    }
    for day in others:
        what = f"the index tells of rows of {day} that cannot be read, and there are none, fewer or others"
        found.add(Problem(what, store.uri(CURRENT), "they were mended, or it was changed", REBUILD, "STALE_INDEX"))
    return found


def _are_bad(told: Unread, listed: Sequence[Entry], reasons: Collection[str]) -> bool:
    """Whether what the index tells of the rows of a day that cannot be read may be so.

    Of those that it has, which went bad since, it does not know. Nor does anybody of a day that cannot be listed.
    """
    if any(is_day(one.key) for one in listed):
        return True
    bad = {*reasons, *(one.key for one in listed if not is_well_named(one.key))}
    return told.key in bad and told.count <= len(bad)


def _compared(store: Store, cache: Path, current: Index) -> tuple[list[str], list[str]]:
    """Days whose builds and packages, each with its facts, are not the same in the index and in the rows; and others of
    which the index tells rows that cannot be read, and they are not so.
    """
    if not current.covered_before:
        return [], sorted(current.unread)
    days = list_days(store, Scope(before=current.covered_before))
    cached = RowCache(store, cache)
    files = cached.files(days)
    fetched = IndexCache(store, cache, reads_all=True)
    of_index = Sources(
        builds=tuple(fetched.builds(current.segments)), packages=tuple(fetched.packages(current.segments))
    )
    of_rows = Sources(tail=tuple(files), tail_packages=tuple(packages_of(files)))
    try:
        sums = [_sums(of_rows), _sums(of_index)]
    except duckdb.Error as error:  # the rows are as we wrote them
        what = "the files of the index cannot be read together"
        raise IntegrityError(what, where=store.url, why=first_line(error), fix=REBUILD, rule="BAD_INDEX") from error
    bad = cached.unread(files)
    found = {day for day in sums[0].keys() | sums[1].keys() if sums[0].get(day) != sums[1].get(day)}
    found -= bad.keys()
    told = {day for day, one in current.unread.items() if not _are_bad(one, days.get(day, ()), bad.get(day, {}))}
    return sorted(found), sorted(told - found)


def _sums(sources: Sources) -> dict[str, tuple[object, ...]]:
    """Day -> how many builds and packages it has, and sums over them that differ when anything does."""
    with engines.connect(sources) as connection:
        found = interruptible(connection, lambda: connection.execute(_SUMS).fetchall())
    sums: dict[str, tuple[object, ...]] = {}
    for day, *facts in sorted(found, key=lambda row: row[2]):
        sums[day] = (*sums.get(day, ()), *facts)
    return sums
