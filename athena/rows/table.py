"""The rows of the catalog, `venv_builds_metadata`: one line of JSON per committed build.

A row is the build's metadata.json on one line without `files`, under `venv-catalog/builds/dt=YYYY-MM-DD/`. It is made
after the commit and can always be made again from it. That of a build which a script made has what that says.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from athena.rows.columns import columns
from athena.statement import Scope
from venvbuild.builds import SCRIPTED_FIELDS, Metadata, ScriptedBuild, places
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.stores import Entry, Store

CatalogRow = dict[str, Any]
"""A row as it was read: the fields of metadata.json but `files`, and whatever a later version added."""
_LAST = "9999-12-32"  # after every day
# What engines read as rows; they skip names that begin with `.` or `_`.
_KEY = re.compile(rf"{places.ROWS}/dt=(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/[^/._][^/]*\.json")


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
    # sorted: made again it must be the same bytes, or a second `register` would find somebody else's row
    return (json.dumps(columns, sort_keys=True, separators=(",", ":")) + "\n").encode()


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
            fix="compare it with the build's metadata.json, then remove the wrong row",
            rule="FOREIGN_ROW",
        )
    return key


def list_days(store: Store, scope: Scope) -> dict[str, list[Entry]]:
    """The rows in `scope`, listed by day, `YYYY-MM-DD`; the oldest first. Only prefixes that can matter are listed."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in _listed(store, scope):
        match = _KEY.fullmatch(entry.key)
        if match:
            found[match["day"]].append(entry)
    return dict(sorted(_newest(found, scope.newest).items()))


def _listed(store: Store, scope: Scope) -> Iterator[Entry]:
    if scope.days is not None:
        for day in sorted(set(scope.days)):
            if (scope.since or "") <= day < (scope.before or _LAST):
                yield from store.list(f"{places.ROWS}/dt={day}/")
        return
    # `dt=DAY` itself is no key, and sorts before all that begin with `dt=DAY/`
    for entry in store.list(f"{places.ROWS}/", f"{places.ROWS}/dt={scope.since}" if scope.since else ""):
        # keys come in order, so no later page is asked for
        if scope.before and entry.key >= f"{places.ROWS}/dt={scope.before}":
            return
        yield entry


def _newest(found: dict[str, list[Entry]], limit: int | None) -> dict[str, list[Entry]]:
    """The last days that together have `limit` rows."""
    chosen: dict[str, list[Entry]] = {}
    for day in sorted(found, reverse=True):
        if limit is not None and sum(map(len, chosen.values())) >= limit:
            break
        chosen[day] = found[day]
    return chosen


def is_row(key: str) -> bool:
    """Whether an object of this key is read as a row."""
    return _KEY.fullmatch(key) is not None


def version_of(key: str) -> str:
    """The venv_version that the key of a row names."""
    return key.rpartition("/")[2].removesuffix(".json")


def read_row(store: Store, key: str) -> CatalogRow | None:
    """The columns of one row, as they stand there; None when it was removed meanwhile.

    Raises:
        IntegrityError: it is no row, one that would spoil a query; says what is wrong.
    """
    try:
        body = store.read(key).body
    except NotInStore:
        return None
    try:
        if b"\n" in body.strip():
            raise ValueError("it is not one line, as Athena and Trino need it")
        return _checked(json.loads(body))
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            "this row of the catalog cannot be read",
            where=store.uri(key),
            why=str(error)[:200],
            fix="remove it and register the build again",
            rule="BAD_ROW",
        ) from error


def _checked(found: Any) -> CatalogRow:
    if not isinstance(found, dict):
        raise TypeError("it is no JSON object")
    is_scripted = found.get("schema_version") is None
    for column in columns():
        value = found.get(column.name)
        is_required = column.name in SCRIPTED_FIELDS if is_scripted else column.is_required
        if column.name not in found and is_required:
            raise ValueError(f"{column.name} is missing")
        # of a script's build all but the nine may be null
        if column.name in found and not (column.accepts(value) or (is_scripted and not is_required and value is None)):
            raise TypeError(f"{column.name} is no {column.type}")
    json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text: no engine could read it
    for instant in filter(None, (found["created_at"], found.get("recorded_at"))):
        datetime.strptime(instant, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  # only its form matters
    return {column.name: found.get(column.name) for column in columns()}
