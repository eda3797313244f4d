"""The rows of the catalog, `venv_builds_metadata`: one line of JSON per committed build.

A row is the build's metadata.json on one line without `files`, under `venv-catalog/builds/dt=YYYY-MM-DD/`. It is made
after the commit and can always be made again from it. That of a build which a script made has what that says.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from athena.rows.columns import columns
from athena.statement import Scope
from venvbuild import builds
from venvbuild.builds import Metadata, ScriptedBuild, places, schemas
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.redaction import strip_credentials
from venvbuild.stores import Entry, Store, folder_of
from venvbuild.text import shown

CatalogRow = dict[str, Any]
"""A row as it was read: each column of the table, None where the row does not say."""
_DAYS_BACK = (1, 7, 31, 127, 511)
"""How far a listing goes back at first, and then, until it has what is wanted."""
_LAST = "9999-12-32"  # after every day
_UNREADABLE = "this row of the catalog cannot be read"
# What engines read as rows; they skip names that begin with `.` or `_`.
_DAY = rf"{places.ROWS}/dt=(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
_NAME = r"/[^/._][^/]*\.json"
_KEY = re.compile(_DAY + _NAME)
# In a folder: what stands where a day has its folder, or below what stands where a row is.
_IN_THE_WAY = re.compile(rf"(?P<key>{_DAY}(?:{_NAME}(?=/))?)(?:(?<=\.json)/.*)?", re.DOTALL)
_PLACED_BY = ("venv_version", "created_at")
"""The columns that no row can do without."""
# not 24:00:00, which Python reads since 3.14, as the next day
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} (?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}")
_FIRST_INSTANT = "1000"  # see `places.instant_of`, which costs more than all that is looked at here
# Not the place of an object: in s3://bucket/me@example.com/ nothing is secret.
_MAY_HAVE_CREDENTIALS = re.compile(r"(?i)https?://|[a-z][a-z0-9+.-]*://[^/?#]*@")
_MEND = "remove the object; `venvbuild table sync` writes the row anew"
_MEND_FOLDER = "put the folder itself there, or remove what is there: `venvbuild table sync` writes the rows anew"
BY_HAND = frozenset({"NO_FOLDER", "IS_FOLDER"})
"""Rules of what no command removes, as there may be more behind it."""


@dataclass(frozen=True)
class Unread:
    """Rows that cannot be read, and so are in no answer."""

    count: int
    key: str
    """Of the first."""
    why: str
    """What is wrong with that."""

    @classmethod
    def of(cls, reasons: Mapping[str, str]) -> Unread:
        """Of those with these keys, and what is wrong with each; there is one."""
        first = min(reasons)
        return cls(len(reasons), first, reasons[first])

    @classmethod
    def in_all(cls, days: Mapping[str, Unread]) -> Unread:
        """Of several days; there is one."""
        first = days[min(days)]
        return cls(sum(one.count for one in days.values()), first.key, first.why)

    def error(self, store: Store) -> IntegrityError:
        """What is told of them: how many they are, and which is the first."""
        is_one = self.count == 1
        # how many are behind what stands where a day has its folder, nobody knows
        count = f"{self.count} {'row' if is_one else 'rows'}" if is_row(self.key) else "the rows of a day"
        return IntegrityError(
            f"{count} of the catalog cannot be read, and {'is' if count == '1 row' else 'are'} in no answer",
            where=store.uri(self.key),
            why=shown(self.why, 400),
            fix="`venvbuild table check` names every one",
            rule="UNREAD_ROWS",
        )


def row_key(metadata: Metadata | ScriptedBuild) -> str:
    """Where the row of a build is; its day is the day of its version, which is that of `created_at` (UTC)."""
    facts = _facts(metadata)
    return f"{places.ROWS}/dt={facts['created_at'][:10]}/{facts['venv_version']}.json"


def row(metadata: Metadata | ScriptedBuild) -> bytes:
    """The row of a build: one line, the same bytes whenever it is made."""
    columns = {name: value for name, value in _facts(metadata).items() if name != "files"}
    for name in ("created_at", "recorded_at"):
        if columns.get(name):
            # the only text that Athena promises to read into a `timestamp` column: `YYYY-MM-DD HH:MM:SS`
            columns[name] = columns[name].replace("T", " ").removesuffix("Z")
    # many read the catalog; metadata.json of others, or of long ago, may have a password in a URL
    columns |= {name: strip_credentials(value) for name, value in columns.items() if _may_have_credentials(value)}
    # sorted: made again it must be the same bytes, or a second `register` would find somebody else's row
    return (json.dumps(columns, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _may_have_credentials(value: Any) -> bool:
    return isinstance(value, str) and _MAY_HAVE_CREDENTIALS.match(value) is not None


def expected_row(metadata: Metadata | ScriptedBuild) -> CatalogRow:
    """The columns of the row of a build, as `read_row` gives them.

    Raises:
        ValueError, TypeError: no engine could read it.
    """
    return _checked(schemas.parsed(row(metadata)))


def _facts(metadata: Metadata | ScriptedBuild) -> dict[str, Any]:
    if isinstance(metadata, ScriptedBuild):
        return metadata.as_json()
    return dict(metadata)


def register(store: Store, metadata: Metadata | ScriptedBuild) -> str:
    """Write the row of a committed build, if it is absent; its key. From now on `list` and `find` see the build.

    Raises:
        IntegrityError: another row stands there. StoreUnavailable, UsageError: the store fails or refuses.
    """
    key = row_key(metadata)
    if not store.put_if_absent(key, row(metadata)):
        raise IntegrityError(
            "the catalog has another row for this build",
            where=store.uri(key),
            fix="`venvbuild table sync` makes it again, from the build's metadata.json",
            rule="FOREIGN_ROW",
        )
    return key


def list_days(store: Store, scope: Scope) -> dict[str, list[Entry]]:
    """The rows in `scope`, listed by day, `YYYY-MM-DD`; the oldest first. Only prefixes that can matter are listed.

    In a folder something else may stand where a day has its folder: that is listed, too, as one more that cannot be
    read, and so is a folder of the name of a row.
    """
    found: dict[str, list[Entry]] = defaultdict(list)
    is_a_folder = folder_of(store.url) is not None
    for entry in _listed(store, scope):
        match = _KEY.fullmatch(entry.key)
        if match:
            found[match["day"]].append(entry)
        elif is_a_folder and (other := _IN_THE_WAY.fullmatch(entry.key)):
            entries = found[other["day"]]
            if not entries or entries[-1].key != other["key"]:
                entries.append(replace(entry, key=other["key"], size_bytes=0))
    return dict(sorted(found.items()))


def newest_days(store: Store, scope: Scope, today: date) -> Iterator[tuple[str, list[Entry]]]:
    """The same from the last day backwards; with `scope.newest` no more is listed than has to be to get so far."""
    before, first = scope.before, scope.since or ""
    steps = _DAYS_BACK if scope.newest is not None and scope.days is None else ()
    for back in (*steps, None):
        since = max(first, (today - timedelta(days=back)).isoformat()) if back else first
        if not before or since < before:
            listed = list_days(store, replace(scope, since=since or None, before=before))
            yield from reversed(listed.items())
            before = since
        if since == first:
            return


def last_day(store: Store, day: str) -> str:
    """The last day, `YYYY-MM-DD`, whose rows count: tomorrow. Those of later days are of a clock that is wrong.

    Whether that is the one here only the store can tell, which is asked where `day` is later.
    """
    last = builds.last_day()
    if day <= last:
        return last
    since = list_days(store, Scope(since=f"{last}~")).values()
    return builds.last_day(entry for entries in since for entry in entries)


def _listed(store: Store, scope: Scope) -> Iterator[Entry]:
    if scope.days is not None:
        for day in sorted(set(scope.days)):
            if (scope.since or "") <= day < (scope.before or _LAST):
                yield from _listed_of_day(store, f"{places.ROWS}/dt={day}")
        return
    for entry in store.list(f"{places.ROWS}/", _just_before(f"{places.ROWS}/dt={scope.since}") if scope.since else ""):
        # keys come in order, so no later page is asked for
        if scope.before and entry.key >= f"{places.ROWS}/dt={scope.before}":
            return
        yield entry


def _listed_of_day(store: Store, folder: str) -> Iterator[Entry]:
    try:
        yield from store.list(f"{folder}/")
    except IntegrityError:  # no folder, which is listed as what it is
        yield from store.list(folder)


def _just_before(key: str) -> str:
    """What a listing begins after that is to have `key` itself, but no sibling of its length that sorts before it."""
    return f"{key[:-1]}{chr(ord(key[-1]) - 1)}~"


def is_day(key: str) -> bool:
    """Whether what stands there stands where a day has the folder of its rows."""
    return re.fullmatch(_DAY, key) is not None


def is_row(key: str) -> bool:
    """Whether an object of this key is read as a row."""
    return _KEY.fullmatch(key) is not None


def version_of(key: str) -> str:
    """The venv_version that the key of a row names."""
    return key.rpartition("/")[2].removesuffix(".json")


def is_well_named(key: str) -> bool:
    """Whether the name of a row is a version of the day that it lies in."""
    match = _KEY.fullmatch(key)
    try:
        return match is not None and f"{places.instant_of(version_of(key)):%Y-%m-%d}" == match["day"]
    except ValueError:
        return False


def read_row(store: Store, key: str, known: bytes | None = None) -> CatalogRow | None:
    """The columns of one row, as they stand there; None when it was removed meanwhile. What is `known` is not fetched.

    That of an older or newer version of the tool is read as far as it goes: what it does not say is None, and what we
    do not know is left out, at any depth.

    Raises:
        IntegrityError: it is no row, one that would spoil a query, or that of another name; says what is wrong. Rules:
            BAD_ROW, MISPLACED_ROW, and those `BY_HAND` of a folder.
    """
    found = _read(store, key, known)
    return found and found[0]


def read_object(store: Store, key: str, known: bytes | None = None) -> bytes | None:
    """The same columns as a JSON object without a line break. Raises as `read_row` does."""
    found = _read(store, key, known)
    if found is None:
        return None
    columns, line, is_exact = found
    # to write it anew takes as long as to read it
    return line if is_exact else json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()


def _read(store: Store, key: str, known: bytes | None) -> tuple[CatalogRow, bytes, bool] | None:
    """The columns of a row, its line, and whether that says the same and nothing else."""
    try:
        body = known or store.read(f"{key}/row" if is_day(key) else key, schemas.MAX_BYTES).body
        line = body.strip()
        if b"\n" in line or b"\r" in line:
            raise ValueError("it is not one line, as Athena and Trino need it")
        whole = schemas.parsed(body)
        found = _checked(whole)
    except NotInStore:
        return None
    except IntegrityError as error:
        raise _unreadable(store, key, error) from error
    except (ValueError, TypeError) as error:
        what, why = _UNREADABLE, shown(str(error), 200)
        raise IntegrityError(what, where=store.uri(key), why=why, fix=_MEND, rule="BAD_ROW") from error
    why = _misplacement(found, key)
    if why:
        what = "this row is in the wrong place"
        raise IntegrityError(what, where=store.uri(key), why=why, fix=_MEND, rule="MISPLACED_ROW")
    # what is left out of a value makes another one of it
    is_exact = all(found.get(name, found) is value for name, value in whole.items())
    return found, line.removeprefix(codecs.BOM_UTF8), is_exact


def _unreadable(store: Store, key: str, error: IntegrityError) -> IntegrityError:
    """What is told of a row that the store has no object for."""
    [found] = error.problems
    if found.rule != "NO_FOLDER":
        rule = found.rule if found.rule in BY_HAND else "BAD_ROW"
        return IntegrityError(_UNREADABLE, where=store.uri(key), why=found.what, fix=_MEND, rule=rule)
    # only of what is made of the builds
    fix = _MEND_FOLDER if found.where.startswith(store.uri(places.ROWS)) else found.fix
    what = "the rows here cannot be read"
    return IntegrityError(what, where=found.where, why=found.what, fix=fix, rule=found.rule)


def _checked(found: Any) -> CatalogRow:
    if not isinstance(found, dict):
        raise TypeError("it is no JSON object")
    if len({name.lower() for name in found}) < len(found):
        raise ValueError("it has two fields whose names differ in case only, which Athena and Trino take for one")
    known: CatalogRow = {}
    for column in columns():
        name = column.name
        value = known[name] = found.get(name)
        if value is None:
            if name in _PLACED_BY:
                raise ValueError(f"{name} is missing")
        elif not column.accepts(value):
            raise TypeError(f"{name} is no {column.type}")
        elif type(value) is dict:
            known[name] = column.known(value)
    for instant in (known["created_at"], known["recorded_at"]):
        if instant is None:
            continue
        if not _INSTANT.fullmatch(instant):
            raise ValueError(f"{instant!a} is no instant as YYYY-MM-DD HH:MM:SS")
        datetime.fromisoformat(instant)  # whether there is such a day and hour
    return known


def _misplacement(found: CatalogRow, key: str) -> str:
    """Why a row is not the one that its key names; empty when it is."""
    created_at, version = found["created_at"], found["venv_version"]
    wanted = f"{places.ROWS}/dt={created_at[:10]}/{version}.json"
    if wanted != key:
        return f"by what it says it belongs at {shown(wanted, 200)}"
    if not places.is_venv_version(version) or re.sub(r"\D", "", created_at) != re.sub(r"\D", "", version):
        return f"it says {created_at}, which is not the instant of its version"
    if created_at < _FIRST_INSTANT:
        return f"it says {created_at}, and no version is of a year before 1000"
    return ""
