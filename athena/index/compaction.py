"""Bringing the index up to date with the rows: incremental, repeatable, safe when several do it at once.

A compaction first announces which days it is about to cover, then lists their rows, writes segments, and replaces
CURRENT.json as it had read it; if that fails, somebody else was faster, and it begins again. Whoever writes or removes
a row looks at CURRENT.json afterwards: a day that is covered it compacts itself. Even where nothing is left to do it
changes CURRENT.json, as it does for a day that is being covered, so that whoever is at work has to list again. So no
row is missed or counts twice.

All of them take turns, so that hardly anybody makes segments in vain; a turn is a hint, and all of this holds without.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from athena.duck import all_rows, scan
from athena.index.cache import IndexCache
from athena.index.current import (
    CURRENT,
    INSTANT,
    TURN,
    Index,
    Segment,
    build_no,
    build_no_of_day,
    day_of,
    is_name,
    read,
    read_with_etag,
    refuse_unreadable,
    replace_current,
)
from athena.index.segments import Ingredients, MadeSegment, make
from athena.rows import RowCache, Unread, is_day, is_well_named, list_days, version_of
from athena.statement import Scope
from venvbuild.builds import places
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.retrying import tries
from venvbuild.stores import Entry, Store, is_key

DAYS_BACK = 2  # so many days stay rows: a build of them may still be on its way to the catalog
# The files of a segment stay so long after a generation that does without it: a query or a view may read them.
RETIRED_DAYS = 7
# Builds in a segment that is not merged with others any more; with a change it is written again in some seconds.
_LARGEST = 131_072
# So many segments that nobody reads are removed by whoever covers a day, not only by the next compaction.
_MANY_RETIRED = 100
_FIRST_DAY = f"{date.min}"
_TRIES = 200
_LONGEST_PAUSE_S = 2.0

Days = Mapping[str, Sequence[Entry]]
Rows = Mapping[str, Mapping[int, Entry]]
"""Day -> build_no -> row."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction did."""

    index: Index
    added: int = 0
    removed: int = 0
    """Builds that came into the index and that went out of it."""


@dataclass(frozen=True)
class Compactor:
    """Compacts one store, with the caches of the rows and of the index below `folder`."""

    store: Store
    folder: Path
    wait: Callable[[float], None] = field(default=time.sleep)
    is_strict: bool = False
    """Whether a row that cannot be read is refused; else it is left out, and `Index.unread` tells of it."""

    def compact(self, before: str, *, is_rebuilt: bool = False) -> Compacted:
        """Cover all days before `before`, `YYYY-MM-DD`; what is covered stays as it is unless `is_rebuilt`.

        A rebuilt index covers these days and no others, so one that a wrong clock made can be put right.

        Raises:
            IntegrityError: the index is damaged, or a row and this is strict; names it, and nothing changed.
            StoreUnavailable, UsageError: the store fails or refuses.
        """
        with self._turn():
            return self._compact(before, is_rebuilt=is_rebuilt)

    def _compact(self, before: str, *, is_rebuilt: bool) -> Compacted:
        for _ in self._tries():
            old, etag = read_with_etag(self.store, is_rebuilt=is_rebuilt)
            before = before if is_rebuilt else max(before, old.covered_before)
            # announced before the rows are listed: whoever writes one from now on sees it, and looks into the index
            # again
            if old.covering_before < before:
                replace_current(self.store, _next(old, covering_before=before), etag)
                continue
            kept = replace(old, segments=(), covered_before="", covering_before="", unread={}) if is_rebuilt else old
            since = "" if is_rebuilt else old.covered_before
            listed = list_days(self.store, Scope(since=since or None, before=before))
            done = self._replaced(old, etag, kept, listed, (since, before))
            if done:
                self._sweep()
                IndexCache(self.store, self.folder).remove_unused(done.index)
                RowCache(self.store, self.folder).remove_unused_before(done.index.covered_before)
                return done
        raise self._beaten()

    def cover(self, *days: str) -> Compacted | None:
        """Make the index agree with the rows of days into which a row was just written, or out of which one went.

        None when the rows of these days are read anyway. Raises as `compact` does.
        """
        first = read(self.store).generation
        if self._stay_rows(first, days):
            return None
        with self._turn():
            return self._cover(first, days)

    def _stay_rows(self, first: int, days: Sequence[str]) -> bool:
        """Whether no day is covered, and nobody covers one any more by a listing from before we came."""
        # Without a turn: who has it would publish meanwhile without our row, which was seen and then would not be.
        for _ in self._tries():
            old, etag = read_with_etag(self.store)
            if any(day < old.covered_before for day in days):
                return False
            if not any(day < old.covering_before for day in days) or self._is_known(first, old, Compacted(old), etag):
                return True
        raise self._beaten()

    def _cover(self, first: int, days: Sequence[str]) -> Compacted | None:
        for _ in self._tries():
            old, etag = read_with_etag(self.store)
            covered = sorted({day for day in days if day < old.covered_before})
            done = self._covered(old, etag, covered) if covered else Compacted(old)
            if done and (not any(day < old.covering_before for day in days) or self._is_known(first, old, done, etag)):
                if len(_retired_long_ago(done.index)) > _MANY_RETIRED:
                    self._sweep()
                return done if covered else None
        raise self._beaten()

    def cover_all(self, renewed: Collection[str] = ()) -> Compacted | None:
        """The same of every day, whoever wrote there; None when no day is covered.

        Of the days in `renewed` every row comes into it anew: there one was replaced by another.
        """
        first = read(self.store).generation
        with self._turn():
            return self._cover_all(first, renewed)

    def _cover_all(self, first: int, renewed: Collection[str]) -> Compacted | None:
        for _ in self._tries():
            old, etag = read_with_etag(self.store)
            if not old.covering_before:
                return None
            done: Compacted | None = Compacted(old)
            if old.covered_before:
                listed = list_days(self.store, Scope(before=old.covered_before))
                # before all that is named as a day; empty would say that nothing is indexed yet
                done = self._replaced(old, etag, old, listed, ("0000-00-00", old.covered_before), renewed=renewed)
            if done and self._is_known(first, old, done, etag):
                return done
        raise self._beaten()

    def _is_known(self, first: int, old: Index, done: Compacted, etag: str) -> bool:
        """Whether CURRENT.json changed since we came, when it was of generation `first`; it is changed if need be."""
        # Then nobody who listed the rows before that can replace it any more. Also where index and rows agree already:
        # somebody may be at work with an older listing.
        return done.index.generation > first or replace_current(self.store, _next(old), etag)

    def _covered(self, old: Index, etag: str, days: Sequence[str]) -> Compacted | None:
        listed: dict[str, list[Entry]] = {day: [] for day in days}
        listed |= list_days(self.store, Scope(days=tuple(days)))
        return self._replaced(old, etag, old, listed, (days[0], _day_after(days[-1])), only=set(days))

    def _replaced(
        self,
        old: Index,
        etag: str,
        kept: Index,
        listed: Days,
        between: tuple[str, str],
        only: set[str] | None = None,
        renewed: Collection[str] = (),
    ) -> Compacted | None:
        """Make the index hold, of the days between these two, just the builds that are listed.

        A day that has no folder keeps what the index has of it, as nobody can tell which rows it has.
        None when somebody else changed it meanwhile. `kept` is what is to be used of the old index; `only` are the
        days that are meant, when they are not all in between; of `renewed` nothing that it has is used.
        """
        cache = IndexCache(self.store, self.folder, reads_all=True)
        indexed = _indexed(cache, kept, between, only)
        hidden = _hidden(listed)
        if hidden:
            hidden &= {day_of(number) for number in indexed}
            listed = {day: entries for day, entries in listed.items() if day not in hidden}
            indexed = {number for number in indexed if day_of(number) not in hidden}
        rows, of_days = self._readable(listed, indexed)
        others = {day: one for day, one in kept.unread.items() if day in hidden or not _is_meant(day, between, only)}
        unread = {**others, **of_days}
        if unread and self.is_strict:
            raise Unread.in_all(unread).error(self.store)
        wanted = {number for numbered in rows.values() for number in numbered}
        covered_before = max(kept.covered_before, between[1])
        again = {number for number in indexed & wanted if day_of(number) in renewed}
        if not again and (indexed, kept, covered_before, unread) == (wanted, old, old.covered_before, old.unread):
            return Compacted(old)
        with tempfile.TemporaryDirectory(prefix="venvbuild-index-") as folder:
            changed = (wanted - indexed | again, indexed - wanted | again)
            made, gone = self._segments(cache, kept, rows, changed, Path(folder))
            segments = [*(one for one in kept.segments if one not in gone), *(one.segment for one in made)]
            segments.sort(key=lambda one: (one.first_build_no, one.name))
            covering_before = max(kept.covering_before, covered_before)
            changes = {"covered_before": covered_before, "covering_before": covering_before}
            new = _next(old, segments=tuple(segments), unread=unread, **changes)
            if not self._is_published(made, new, etag):
                return None
            with suppress(OSError):  # the cache is a help, no part of the index
                for one in made:
                    cache.keep(one)
        return Compacted(new, len(wanted - indexed), len(indexed - wanted))

    def _is_published(self, made: Sequence[MadeSegment], new: Index, etag: str) -> bool:
        """Whether these segments and this index are in the store; not when somebody else changed it meanwhile."""
        refuse_unreadable(self.store, new)
        if read_with_etag(self.store)[1] != etag:
            return False  # nothing is written in vain when many are at it
        # the files first: CURRENT.json must never name what is not there
        for one in made:
            for file in one.segment.files:
                self.store.put_if_absent(one.segment.key(file), one.path(file))
        if replace_current(self.store, new, etag):
            return True
        self._take_back([one.segment for one in made])
        return False

    def _segments(
        self, cache: IndexCache, kept: Index, rows: Rows, changes: tuple[set[int], set[int]], folder: Path
    ) -> tuple[list[MadeSegment], list[Segment]]:
        """New segments, and those that they replace."""
        missing, extra = changes
        gone = [
            one
            for one in kept.segments
            if extra and one.overlaps(min(extra), max(extra) + 1) and not extra.isdisjoint(_build_nos_in(cache, [one]))
        ]
        new = {
            day: [entry for number, entry in numbered.items() if number in missing] for day, numbered in rows.items()
        }
        chunks = list(_chunks({day: entries for day, entries in new.items() if entries})) or [{}]
        made = []
        for number, chunk in enumerate(chunks):
            is_last = number == len(chunks) - 1
            if is_last:
                gone = _with_smaller(gone, kept.segments, sum(map(len, chunk.values())))
            files = RowCache(self.store, self.folder).files(chunk)
            some = Ingredients(
                rows=files,
                builds=cache.builds(gone) if is_last else (),
                packages=cache.packages(gone) if is_last else (),
                removed=sorted(extra) if is_last else (),
            )
            one = make(some, folder / str(number)) if files or some.builds else None
            made += [one] if one else []
        return made, gone

    def _readable(self, listed: Days, indexed: Set[int]) -> tuple[Rows, dict[str, Unread]]:
        """The rows that are in the index or can come into it; and by day what is told of the others."""
        numbered = {day: _numbered(entries) for day, entries in listed.items()}
        new = {day: [one for no, one in some.items() if no not in indexed] for day, some in numbered.items()}
        for day in _hidden(listed):  # what is there says why it has no rows
            new[day] += listed[day]
        cache = RowCache(self.store, self.folder)
        bad = cache.unread(cache.files({day: entries for day, entries in new.items() if entries}))
        unread: dict[str, Unread] = {}
        for day, entries in listed.items():
            reasons = {one.key: "its name is no version of its day" for one in entries if not is_well_named(one.key)}
            if reasons := {**reasons, **bad.get(day, {})}:
                unread[day] = Unread.of(reasons)
        return {
            day: {no: one for no, one in some.items() if one.key not in bad.get(day, {})}
            for day, some in numbered.items()
        }, unread

    def _take_back(self, segments: Sequence[Segment]) -> None:
        """Remove the files of segments that did not come into the index."""
        # where the reply to our replacement was lost, they did, and somebody may have gone on from there
        current = read(self.store)
        known = {one.name for one in current.segments} | set(current.retired)
        for one in segments:
            if one.name not in known:
                self._remove(one.name)

    def _remove(self, name: str) -> None:
        with suppress(IntegrityError):  # something else stands there, which `table check` names
            for entry in self.store.list(f"{places.INDEX}/{name}/"):
                if is_key(entry.key):
                    self.store.remove(entry.key)

    def _sweep(self) -> None:
        """Remove what was retired long ago, and retire what a killed compaction left."""
        current, etag = read_with_etag(self.store)
        old = _retired_long_ago(current)
        known = {one.name for one in current.segments} | set(current.retired)
        found = {entry.key.split("/")[2] for entry in self.store.list(f"{places.INDEX}/") if entry.key.count("/") > 2}
        # retired, not removed: a compaction that is under way may be about to name them
        left = {name: _instant(datetime.now(UTC)) for name in found - known if is_name(name)}
        if not (old or left):
            return
        retired = {name: since for name, since in current.retired.items() if name not in old} | left
        # no longer named, then removed: killed in between, the next sweep finds the files and retires them again
        if replace_current(self.store, _next(current, retired=retired), etag):
            for name in old:
                self._remove(name)

    def _turn(self) -> AbstractContextManager[None]:
        return self.store.turn(TURN, self.wait)

    def _tries(self) -> Iterator[int]:
        """Pauses between tries, which are longer and differ more when many write at once."""
        longest = (min(0.1 * number, _LONGEST_PAUSE_S) for number in range(1, _TRIES))
        return tries([random.uniform(0, most) for most in longest], self.wait)  # noqa: S311  # no secret

    def _beaten(self) -> StoreUnavailable:
        return StoreUnavailable(
            "others keep changing the index", where=self.store.uri(CURRENT), fix="run it again when they are done"
        )


def last_day_covered_before(now: datetime) -> str:
    """What a compaction at this instant covers up to: the first day that stays rows, `YYYY-MM-DD`."""
    return f"{now - timedelta(days=DAYS_BACK):%Y-%m-%d}"


def _next(old: Index, **changes: Any) -> Index:
    """The index after `old`: the next generation, with what is no longer read retired."""
    new = replace(old, generation=old.next_generation, **changes)
    named = {one.name for one in new.segments}
    now = _instant(datetime.now(UTC))
    gone = {one.name: now for one in old.segments if one.name not in named}
    retired = {name: since for name, since in {**new.retired, **gone}.items() if name not in named}
    return replace(new, covering_before=max(new.covering_before, new.covered_before), retired=retired)


def _retired_long_ago(some: Index) -> list[str]:
    oldest = _instant(datetime.now(UTC) - timedelta(days=RETIRED_DAYS))
    return [name for name, since in some.retired.items() if since < oldest]


def _indexed(cache: IndexCache, kept: Index, between: tuple[str, str], only: set[str] | None) -> set[int]:
    """The builds of these days that the index has."""
    if not between[0]:
        return set()
    first, end = (build_no_of_day(max(day, _FIRST_DAY)) for day in between)
    found = _build_nos_in(cache, [one for one in kept.segments if one.overlaps(first, end)])
    return {number for number in found if first <= number < end and (only is None or day_of(number) in only)}


def _build_nos_in(cache: IndexCache, segments: Sequence[Segment]) -> set[int]:
    if not segments:
        return set()
    return {number for (number,) in all_rows(f"SELECT build_no FROM {scan(cache.builds(segments))}")}  # noqa: S608


def _numbered(entries: Sequence[Entry]) -> dict[int, Entry]:
    """The rows of a day by the build_no that their names tell; without those whose names are no version of it."""
    return {build_no(version_of(entry.key)): entry for entry in entries if is_well_named(entry.key)}


def _hidden(listed: Days) -> set[str]:
    """The days where something else stands in the place of their folder."""
    return {day for day, entries in listed.items() if entries and is_day(entries[0].key)}


def _is_meant(day: str, between: tuple[str, str], only: set[str] | None) -> bool:
    return between[0] <= day < between[1] and (only is None or day in only)


def _chunks(days: Days) -> Iterator[dict[str, Sequence[Entry]]]:
    """Days in turn, together about as many rows as a segment may have."""
    chunk: dict[str, Sequence[Entry]] = {}
    rows = 0
    for day, entries in days.items():
        if chunk and rows + len(entries) > _LARGEST:
            yield chunk
            chunk, rows = {}, 0
        chunk[day] = entries
        rows += len(entries)
    if chunk:
        yield chunk


def _with_smaller(gone: Sequence[Segment], others: Sequence[Segment], new: int) -> list[Segment]:
    """What is merged: segments no larger than twice what comes together anyway."""
    # So of those up to half the largest size each is over twice the next: there are 17 at most, and those above it are
    # a million builds by fifteen. Not only those that are smaller: where each day has one build less, none would be.
    merged = list(gone)
    total = new + sum(one.build_count for one in gone)
    for one in sorted(others, key=lambda one: one.build_count):
        if one not in gone and one.build_count <= 2 * total and total + one.build_count <= _LARGEST:
            merged.append(one)
            total += one.build_count
    return merged


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _instant(at: datetime) -> str:
    return f"{at:{INSTANT}}"
