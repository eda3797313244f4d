"""What people ask of the catalog, as calls: find, count, all builds, the difference of two, any SQL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from athena.engines import Engine, Row
from athena.questions import binding, packages
from athena.questions.packages import WantedPackage
from athena.rows import columns
from athena.statement import Scope, Statement
from venvbuild.builds import last_day
from venvbuild.errors import NotInStore
from venvbuild.text import shown

_MAX_NAMED = 10
"""Versions that are named where none of them fits."""


@dataclass(frozen=True)
class Search:
    """Which builds are asked for; all conditions hold together."""

    packages: tuple[WantedPackage, ...] = ()
    """At least one to find and to count, but for what was yanked; for all builds none."""
    python_version: str | None = None
    """X.Y."""
    env_name: str | None = None
    is_conflict_free: bool = False
    """True leaves out builds with conflicts; False asks for both."""
    since: str | None = None
    """The first day, `YYYY-MM-DD` (UTC)."""
    limit: int | None = None
    until: str | None = None
    """The last day, `YYYY-MM-DD` (UTC)."""
    platform: str | None = None
    """As metadata.json has it: `linux_x86_64`."""
    is_yanked: bool = False
    """Only packages count that were yanked when the build was made; with none asked for, any of them."""

    @property
    def is_conditional(self) -> bool:
        """Whether builds may be left out whatever packages they have."""
        return bool(self.conditions)

    @property
    def conditions(self) -> str:
        """What a build has to meet whatever packages it has, in words: `of sales, for Python 3.11`; empty for none."""
        said = {
            "of": self.env_name,
            "for Python": self.python_version,
            "on": self.platform,
            "since": self.since,
            "until": self.until,
        }
        words = [f"{word} {value}" for word, value in said.items() if value is not None]
        return ", ".join([*words, *(["without conflicts"] if self.is_conflict_free else [])])

    @property
    def values(self) -> dict[str, Any]:
        """The conditions as the questions name them."""
        return {
            "python_version": self.python_version,
            "env_name": self.env_name,
            "is_conflict_free": True if self.is_conflict_free else None,
            "since": self.since,
            "until": self.until,
            "platform": self.platform,
        }


@dataclass(frozen=True)
class Plan:
    """A search made ready: which versions fit has been found out."""

    statement: Statement
    notes: tuple[str, ...] = ()
    """What the user should know of versions that do not fit or cannot be compared."""
    is_hopeless: bool = False
    """Of some package no version fits; the answer is known to be empty."""


def find(engine: Engine, search: Search) -> tuple[list[Row], Plan]:
    """The builds, newest first: venv_version, created_at, env_name, python_version, is_conflict_free, matches.

    `matches` lists what was asked for, as installed: `["kedro==0.19.14"]`; rows with the same share one list. With it,
    how they were found.

    Raises:
        QueryEngineError: the engine failed.
    """
    rows, plan = each_found(engine, search)
    return list(rows), plan


def each_found(engine: Engine, search: Search) -> tuple[Iterator[Row], Plan]:
    """The same, a row after the other as they are taken."""
    plan = plan_find(engine, search)
    return _found(engine, plan), plan


def _found(engine: Engine, plan: Plan) -> Iterator[Row]:
    lists: dict[str, list[str]] = {}
    for row in () if plan.is_hopeless else _each(engine, plan.statement):
        # a list for each would send Python's search for cycles through all of them, again and again; joined in the
        # SQL, as each client reads arrays in its own way; neither a name nor a version holds a blank
        text = row["matches"]
        row["matches"] = lists[text] if text in lists else lists.setdefault(text, text.split(" "))
        yield row


def _each(engine: Engine, statement: Statement) -> Iterator[Row]:
    for piece in engine.pieces(statement):
        yield from piece.as_dicts()


def count(engine: Engine, search: Search) -> tuple[int, Plan]:
    """How many builds there are, and how they were counted. `limit` means nothing here."""
    plan = plan_count(engine, search)
    return 0 if plan.is_hopeless else int(engine.run(plan.statement).rows[0][0]), plan


def leaves_out_ahead(engine: Engine, search: Search) -> bool:
    """Whether builds of a time to come were left out of the answer that was just given, as far as the engine knows."""
    return bool(engine.left_out_ahead) and not (search.until is not None and search.until <= last_day())


def plan_find(engine: Engine, search: Search) -> Plan:
    """The statement that finds; asks the engine which versions there are when specifiers have to be met."""
    has_specifiers = any(one.specifiers for one in search.packages)
    name = "builds_by_specifier" if has_specifiers else "builds_with_package"
    if search.is_yanked:
        name = "builds_with_yanked_packages"
    return _plan(engine, search, name, {"limit": search.limit})


def plan_count(engine: Engine, search: Search) -> Plan:
    """The statement that counts."""
    return _plan(engine, search, "count_builds_with_package", {})


def _plan(engine: Engine, search: Search, question: str, more: Mapping[str, Any]) -> Plan:
    names = [one.name for one in search.packages]
    scope = Scope(since=search.since, names=tuple(names) or None)
    values: dict[str, Any] = {
        "names": names or None,
        "name_count": len(names) or None,
        **search.values,
        **more,
    }
    if not any(one.specifiers for one in search.packages):
        return Plan(binding.statement(question, values, scope))
    built = _versions(engine, names, search)
    fitting = {one: [version for version in built[one.name] if one.fits(version)] for one in search.packages}
    if not search.is_yanked:
        values["versions"] = sorted({version for versions in fitting.values() for version in versions})
    values["packages"] = [f"{one.name}=={version}" for one, versions in fitting.items() for version in versions]
    notes = tuple(note for one in search.packages for note in _notes(one, built[one.name], fitting[one], search))
    # which versions fit was found out in the catalog as it was a moment ago: it need not be listed anew
    again = replace(scope, is_as_before=True)
    return Plan(binding.statement(question, values, again), notes, not all(fitting.values()))


def _versions(engine: Engine, names: Sequence[str], search: Search) -> dict[str, list[str]]:
    scope = Scope(since=search.since, names=tuple(names))
    values = {"names": names, "since": search.since, "until": search.until}
    statement = binding.statement("package_versions", values, scope)
    found: dict[str, list[str]] = defaultdict(list)
    for name, version in engine.run(statement).rows:
        found[name].append(version)
    return found


def _notes(wanted: WantedPackage, built: Sequence[str], fitting: Sequence[str], search: Search) -> list[str]:
    notes = []
    odd = [version for version in packages.unreadable(built) if version not in fitting]
    if wanted.specifiers and odd:
        named = f"{wanted.name}==={ascii(odd[0])[1:-1]}"  # it is no version, so it may be anything
        notes.append(f"versions of {wanted.name} that PEP 440 cannot compare: {len(odd)}; {named} asks for one of them")
    if not fitting:
        days = "".join(f" {word} {day}" for word, day in (("since", search.since), ("until", search.until)) if day)
        notes.append(f"nothing fits {wanted}; {_built(built)}{days}")
    return notes


def _built(versions: Sequence[str]) -> str:
    """What was built of a package, in words: the newest versions, and how many more there are."""
    if not versions:
        return "no version of it was built"
    named = [shown(version) for version in packages.newest_first(versions)[:_MAX_NAMED]]
    more = f" and {len(versions) - len(named)} more" if len(versions) > len(named) else ""
    return f"versions that were built: {', '.join(named)}{more}"


def plan_all_builds(search: Search) -> Statement:
    """The statement that gives every build that meets the conditions."""
    values = {**search.values, "limit": search.limit}
    scope = Scope(since=search.since, is_newest_first=True, newest=search.limit)
    return binding.statement("all_builds", values, scope)


def all_builds(engine: Engine, search: Search | None = None) -> list[Row]:
    """Rows of the catalog, newest first, with the fields and the forms of metadata.json but `files`.

    Those that meet the conditions of `search`; without one all of them.

    Raises:
        QueryEngineError: the engine failed.
    """
    return list(each_build(engine, search or Search()))


def each_build(engine: Engine, search: Search) -> Iterator[Row]:
    """The same, a row after the other as they are taken."""
    return islice(_described(engine, plan_all_builds(search)), search.limit)


def _described(engine: Engine, statement: Statement) -> Iterator[Row]:
    return map(_as_metadata, _each(engine, statement))


def _as_metadata(row: Row) -> Row:
    whole = {**row, "requires": None, "imported_from": None}
    of_requires = (row["requires_abi"], row["requires_glibc"], row["requires_libraries"])
    if row["schema_version"] is not None or any(of_requires):  # else a script made it: nobody knows what it requires
        whole["requires"] = {"abi": row["requires_abi"], "glibc": row["requires_glibc"]}
    if row["requires_libraries"] is not None:
        whole["requires"]["libraries"] = json.loads(row["requires_libraries"])
    if row["imported_from_archive"] is not None:
        parts = ("archive", "archive_sha256", "venv_version", "created_at")
        whole["imported_from"] = {part: row[f"imported_from_{part}"] for part in parts}
    found = {}
    for column in columns():
        value = whole[column.name]
        # made JSON by the SQL, as each client reads arrays in its own way
        if value is not None and column.type.startswith(("array", "map")):
            value = json.loads(value)
        if value is not None or column.is_required:
            found[column.name] = value
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Difference:
    """What changed from one build to another."""

    before: Row
    """The older side as `all_builds` gives it."""
    after: Row
    changes: tuple[tuple[str, str | None, str | None], ...]
    """Name, version before and version after, sorted by name; None: not installed."""


def plan_difference(before: str, after: str) -> Statement:
    """The statement that compares two builds by their venv_versions."""
    versions = [before, after]
    days = [_day(version) for version in versions]
    values: dict[str, Any] = {"before": before, "after": after, "versions": versions, "days": days}
    return binding.statement("changes_between_builds", values, Scope(days=tuple(days)))


def difference(engine: Engine, before: str, after: str) -> Difference:
    """What changed between two builds, by their venv_versions.

    Raises:
        NotInStore: the catalog has no row of one of them. QueryEngineError: the engine failed.
    """
    statement = plan_difference(before, after)
    chosen = {"versions": [before, after], "days": list(statement.scope.days or ())}
    sides = binding.statement("all_builds", chosen, statement.scope)
    found = {row["venv_version"]: row for row in _described(engine, sides)}
    for version in (before, after):
        if version not in found:
            raise NotInStore(
                f"the catalog has no row of {version}",
                fix=f"`venvbuild show {version}` says whether it exists; `venvbuild register` writes its row",
                rule="NO_SUCH_BUILD",
            )
    changes = tuple((name, old, new) for name, old, new in engine.run(statement).rows)
    return Difference(found[before], found[after], changes)


def _day(venv_version: str) -> str:
    """`venv_20250722_083000` -> `2025-07-22`: the version is the instant of `created_at`."""
    digits = venv_version.removeprefix("venv_")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
