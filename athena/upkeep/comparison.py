"""What there is of a build beside it, its row and the entry of its environment, compared with its metadata.json.

Both are made of that one file, so whatever says something else can be made again; unless the file itself is not what
the build's other files say. Then nobody should make anything of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from athena.rows import BY_HAND, expected_row, is_row, list_days, read_row, row_key, version_of
from athena.statement import Scope
from venvbuild.builds import (
    Metadata,
    ScriptedBuild,
    damaged_files,
    disagreements,
    misnamed,
    no_scripts_build,
    places,
    read_any,
    schemas,
)
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store, is_key
from venvbuild.text import shown

_AT_ONCE = 16
_SYNC = "`venvbuild table sync` mends it"
_RESTORE = (
    f"restore {places.METADATA} from a backup; if the build was taken out on purpose, "
    "`venvbuild table sync` removes its row"
)
_MEND_ENTRY = "remove it; `venvbuild table sync` writes the entry anew"
_PLACED_BY = {"venv_version", "created_at"}


@dataclass(frozen=True)
class Compared:
    """What is wrong beside one build, and what `sync` does about it."""

    venv_version: str
    problems: tuple[Problem, ...] = ()
    """What `sync` mends."""
    damage: tuple[Problem, ...] = ()
    """What it cannot: the build's own files are not what they were."""
    has_no_row: bool = False
    has_another_row: bool = False
    """One in the right place that cannot be read or does not say what metadata.json does."""
    stray_rows: tuple[str, ...] = ()
    """Keys of rows of no committed build, or that are elsewhere."""
    lost_entry: str | None = None
    foreign_entries: tuple[str, ...] = ()
    """Keys of entries of other environments than the build's."""


@dataclass(frozen=True)
class Listing:
    """What is there, by venv_version."""

    rows: Mapping[str, list[str]]
    """Keys."""
    entries: Mapping[str, list[str]]
    """Names of environments."""
    committed: set[str]
    """Builds that have a metadata.json."""
    others: set[str]
    """Those that have none; or something else stands in its place, and tells of itself when it is read."""
    odd: list[Entry]
    """What is no object, wherever else in the builds."""
    refused: list[Problem]
    """What stands where one of the three has its folder, so that there is nothing of it here; reading tells the same of
    each build."""

    @classmethod
    def of(cls, store: Store) -> Listing:
        """Of the whole store."""
        found = cls(defaultdict(list), defaultdict(list), set(), set(), [], [])
        # Builds last: one that is registered meanwhile is then no row without a build.
        for look in (found._rows_of, found._entries_of, found._builds_of):
            try:
                look(store)
            except IntegrityError as error:
                found.refused.extend(one for one in error.problems if one not in found.refused)
        return found

    def _rows_of(self, store: Store) -> None:
        for day in list_days(store, Scope()).values():
            for entry in filter(_is_of_a_row, day):
                self.rows[version_of(entry.key)].append(entry.key)

    def _entries_of(self, store: Store) -> None:
        for entry in store.list(f"{places.ENVIRONMENTS}/"):
            env_name, _, version = entry.key.removeprefix(f"{places.ENVIRONMENTS}/").partition("/")
            if places.is_venv_version(version) and is_key(entry.key):
                self.entries[version].append(env_name)

    def _builds_of(self, store: Store) -> None:
        for entry in store.list(f"{places.BUILDS}/"):
            if not is_key(entry.key):
                self.odd.append(entry)
                continue
            version, _, name = entry.key.removeprefix(f"{places.BUILDS}/").partition("/")
            is_metadata = name == places.METADATA
            # in the place of a build's folder; else it is somebody's note
            is_told_when_read = is_metadata or (not name and places.is_venv_version(version))
            if name or is_told_when_read:
                (self.committed if is_metadata and not entry.oddity else self.others).add(version)
            if entry.oddity and not is_told_when_read:
                self.odd.append(entry)


def compare_all(store: Store, listed: Listing, *, is_deep: bool = False) -> Iterator[Compared]:
    """Every build and every row, by venv_version; most have nothing to tell.

    `is_deep` also reads all files of the builds but the archives.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    versions = sorted(listed.rows.keys() | listed.committed | listed.others)
    yield from in_turn(partial(_compare, store, listed, is_deep), versions, _AT_ONCE)


def _compare(store: Store, listed: Listing, is_deep: bool, version: str) -> Compared:
    rows = listed.rows.get(version, [])
    stray = tuple(key for key in rows if not is_in_place(key))
    problems = [_misplaced(store, key) for key in stray]
    if version not in listed.committed:
        return _without_build(store, version, rows, problems, has_files=version in listed.others)
    try:
        build = read_any(store, version)
    except NotInStore:  # removed meanwhile
        return Compared(version)
    except IntegrityError as error:
        return Compared(version, tuple(problems), error.problems, stray_rows=stray)
    env_names = listed.entries.get(version, [])
    found = Compared(version, tuple(problems), stray_rows=stray)
    if isinstance(build, ScriptedBuild):  # of no environment, and without anything else to be held against
        entries = [store.uri(places.environment_entry(name, version)) for name in env_names]
        if not entries:
            return _with_row(store, build, found)
        refused = no_scripts_build(store.uri(places.key(version, places.METADATA)), entries)
        return replace(found, damage=refused.problems)
    found = _with_entries(store, build, env_names, _with_row(store, build, found))
    is_doubted = is_deep or bool(found.problems)
    damaged = tuple(damaged_files(store, build)) if is_doubted else ()
    contradicted = disagreements(store, build) if is_doubted else misnamed(store, build)
    # where row or entries say something else, and no claim tells which of them is right
    claim = store.uri(places.key(version, places.CLAIM))
    is_undecided = found.foreign_entries or found.has_another_row
    if contradicted or (is_undecided and any(one.where == claim for one in damaged)):
        # It must not spread into a row and an entry that may be right.
        return Compared(version, tuple(problems), (*damaged, *contradicted), stray_rows=stray)
    return replace(found, damage=(*found.damage, *damaged)) if is_deep else found


def _without_build(
    store: Store, version: str, rows: list[str], problems: list[Problem], *, has_files: bool
) -> Compared:
    metadata = places.key(version, places.METADATA)
    try:
        read_any(store, version)
        return Compared(version)  # committed meanwhile
    except NotInStore:
        pass
    except IntegrityError as error:
        return Compared(version, damage=error.problems)
    if not rows:
        return Compared(version)
    # the row may be the last that tells of a build of which one file alone was lost
    fix = _RESTORE if has_files else _SYNC
    stray, damage, problems = [], list[Problem](), [replace(one, fix=fix) for one in problems]
    for key in rows:
        try:
            read_row(store, key)
        except IntegrityError as error:
            if _is_by_hand(error):
                damage += error.problems
                continue
            problems += (replace(one, fix=fix) for one in error.problems)
        stray.append(key)
    if stray:
        what = f"{shown(version)} has a row and is no committed build"
        where, why = (store.uri(metadata), "its other files are there") if has_files else (store.url, "")
        problems.append(Problem(what, where, why, fix, "NO_BUILD"))
    return Compared(version, tuple(problems), tuple(damage), stray_rows=tuple(stray))


def problems_of(call: Callable[[], object]) -> tuple[Problem, ...]:
    """What a call refused as damaged; nothing when it did what it should."""
    try:
        call()
    except IntegrityError as error:
        return error.problems
    return ()


def _is_of_a_row(entry: Entry) -> bool:
    return is_row(entry.key)


def _is_by_hand(error: IntegrityError) -> bool:
    return any(one.rule in BY_HAND for one in error.problems)


def _misplaced(store: Store, key: str) -> Problem:
    why = f"by its name it belongs at {_place_of(version_of(key))}"
    return Problem("this row is in the wrong place", store.uri(key), why, _SYNC, "MISPLACED_ROW")


def is_in_place(key: str) -> bool:
    """Whether the row of this name belongs where it is."""
    place = _place_of(version_of(key))
    return place in (None, key)  # of no build of ours: judged by whether there is one


def _place_of(version: str) -> str | None:
    try:
        return f"{places.ROWS}/dt={places.instant_of(version):%Y-%m-%d}/{version}.json"
    except ValueError:
        return None


def _with_row(store: Store, build: Metadata | ScriptedBuild, found: Compared) -> Compared:
    key, version = row_key(build), found.venv_version
    try:
        expected = expected_row(build)
    except (ValueError, TypeError) as error:
        what = f"no row can be made of it: {error}"
        return replace(found, damage=(Problem(what, store.uri(places.key(version, places.METADATA)), rule="NO_ROW"),))
    try:
        # Read though it was not listed: it may have been registered since.
        row = read_row(store, key)
    except IntegrityError as error:
        if _is_by_hand(error):
            return replace(found, damage=found.damage + error.problems)
        return replace(found, problems=found.problems + error.problems, has_another_row=True)
    if row is None:
        problem = Problem(f"{version} has no row", store.url, "list and find do not see it", _SYNC, "NO_ROW")
        # One that is elsewhere was named already.
        return replace(found, problems=found.problems or (problem,), has_no_row=True)
    other = [name for name in expected if row.get(name) != expected[name]]
    if not other:
        return found
    why = f"it says something else of {', '.join(other)}"
    rule = "OTHER_ROW" if _PLACED_BY.isdisjoint(other) else "MISPLACED_ROW"
    problem = Problem("this row is not what metadata.json says", store.uri(key), why, _SYNC, rule)
    return replace(found, problems=(*found.problems, problem), has_another_row=True)


def _with_entries(store: Store, build: Metadata, env_names: list[str], found: Compared) -> Compared:
    env_name, version = build["env_name"], build["venv_version"]
    own = places.environment_entry(env_name, version)
    problems, damage, lost = list(found.problems), found.damage, None
    if env_name not in env_names:
        try:
            store.read(own, schemas.MAX_BYTES)  # made since
        except NotInStore:
            lost = own
            what, why = "the entry of this build is gone", f"{env_name}@latest does not see it"
            problems.append(Problem(what, store.uri(own), why, _SYNC, "NO_ENTRY"))
        except IntegrityError as error:
            damage += tuple(replace(one, fix=_MEND_ENTRY) for one in error.problems)
    foreign = tuple(places.environment_entry(name, version) for name in env_names if name != env_name)
    for key in foreign:
        what, why = "this entry leads to a build of another environment", f"{version} is a build of {env_name}"
        problems.append(Problem(what, store.uri(key), why, _SYNC, "FOREIGN_ENTRY"))
    return replace(found, problems=tuple(problems), damage=damage, lost_entry=lost, foreign_entries=foreign)
