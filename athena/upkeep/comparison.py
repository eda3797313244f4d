"""What there is of a build beside it, its row and the entry of its environment, compared with its metadata.json.

Both are made of that one file, so whatever says something else can be made again; unless the file itself is not what
the build's other files say. Then nobody should make anything of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from athena.rows import expected_row, list_days, read_row, row_key, version_of
from athena.statement import Scope
from venvbuild.builds import Metadata, ScriptedBuild, damaged_files, disagreements, places, read_any
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.parallel import in_turn
from venvbuild.stores import Entry, Store

_AT_ONCE = 16
_SYNC = "`venvbuild table sync` mends it"
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

    @classmethod
    def of(cls, store: Store) -> Listing:
        """Of the whole store."""
        found = cls(defaultdict(list), defaultdict(list), set(), set(), [])
        # Builds last: one that is registered meanwhile is then no row without a build.
        for day in list_days(store, Scope()).values():
            for entry in day:
                found.rows[version_of(entry.key)].append(entry.key)
        for entry in store.list(f"{places.ENVIRONMENTS}/"):
            env_name, _, version = entry.key.removeprefix(f"{places.ENVIRONMENTS}/").partition("/")
            if places.is_venv_version(version):
                found.entries[version].append(env_name)
        for entry in store.list(f"{places.BUILDS}/"):
            version, _, name = entry.key.removeprefix(f"{places.BUILDS}/").partition("/")
            is_metadata = name == places.METADATA
            (found.committed if is_metadata and not entry.oddity else found.others).add(version)
            if entry.oddity and not is_metadata:
                found.odd.append(entry)
        return found


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
        return _without_build(store, version, rows, problems)
    try:
        build = read_any(store, version)
    except NotInStore:  # removed meanwhile
        return Compared(version)
    except IntegrityError as error:
        return Compared(version, tuple(problems), error.problems, stray_rows=stray)
    found = Compared(version, tuple(problems), stray_rows=stray)
    found = _with_row(store, build, found)
    if isinstance(build, ScriptedBuild):  # of no environment, and without anything to be held against
        return found
    found = _with_entries(store, build, listed.entries.get(version, []), found)
    is_doubted = is_deep or bool(found.problems)
    damaged = tuple(damaged_files(store, build)) if is_doubted else ()
    contradicted = disagreements(store, build) if is_doubted else ()
    # where row or entries say something else, and no claim tells which of them is right
    claim = store.uri(places.key(version, places.CLAIM))
    is_undecided = found.foreign_entries or found.has_another_row
    if contradicted or (is_undecided and any(one.where == claim for one in damaged)):
        # It must not spread into a row and an entry that may be right.
        return Compared(version, tuple(problems), (*damaged, *contradicted), stray_rows=stray)
    return replace(found, damage=(*found.damage, *damaged)) if is_deep else found


def _without_build(store: Store, version: str, rows: list[str], problems: list[Problem]) -> Compared:
    try:
        store.read(places.key(version, places.METADATA))
        return Compared(version)  # committed meanwhile
    except NotInStore:
        pass
    except IntegrityError as error:
        return Compared(version, damage=error.problems)
    if not rows:
        return Compared(version)
    for key in rows:
        try:
            read_row(store, key)
        except IntegrityError as error:
            problems += (replace(one, fix=_SYNC) for one in error.problems)
    problems.append(Problem(f"{version} has a row and is no committed build", store.url, fix=_SYNC, rule="NO_BUILD"))
    return Compared(version, tuple(problems), stray_rows=tuple(rows))


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
    problems, lost = list(found.problems), None
    if env_name not in env_names and not any(entry.key == own for entry in store.list(own)):
        lost = own
        what, why = "the entry of this build is gone", f"{env_name}@latest does not see it"
        problems.append(Problem(what, store.uri(own), why, _SYNC, "NO_ENTRY"))
    foreign = tuple(places.environment_entry(name, version) for name in env_names if name != env_name)
    for key in foreign:
        what, why = "this entry leads to a build of another environment", f"{version} is a build of {env_name}"
        problems.append(Problem(what, store.uri(key), why, _SYNC, "FOREIGN_ENTRY"))
    return replace(found, problems=tuple(problems), lost_entry=lost, foreign_entries=foreign)
