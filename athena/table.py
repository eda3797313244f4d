"""The rows of the catalog, `venv_builds_metadata`: one line of JSON per committed build.

A row is the build's metadata.json on one line without `files`, under `venv-catalog/builds/dt=YYYY-MM-DD/`. It is made
after the commit and can always be made again from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.metadata import validate
from venvbuild.stores import Store

ROWS = "venv-catalog/builds"


def row_key(metadata: Mapping[str, Any]) -> str:
    """Where the row of a build is; its day is the day of `created_at` (UTC)."""
    return f"{ROWS}/dt={metadata['created_at'][:10]}/{metadata['venv_version']}.json"


def row(metadata: Mapping[str, Any]) -> bytes:
    """The row of a build: one line, the same bytes whenever it is made.

    `created_at` becomes `YYYY-MM-DD HH:MM:SS`, the only text that Athena promises to read into a `timestamp` column.
    """
    columns = {name: value for name, value in metadata.items() if name != "files"}
    columns["created_at"] = metadata["created_at"].replace("T", " ").removesuffix("Z")
    return (json.dumps(columns, sort_keys=True, separators=(",", ":")) + "\n").encode()


def register(store: Store, metadata: Mapping[str, Any]) -> str:
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


def rows(store: Store, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Every row, or the newest `limit`, newest first, with `created_at` as in metadata.json.

    Raises:
        IntegrityError: a row cannot be read or is no row; names it.
    """
    keys = sorted((entry.key for entry in store.list(f"{ROWS}/") if entry.key.endswith(".json")), reverse=True)
    with ThreadPoolExecutor(16) as pool:
        yield from (row for row in pool.map(lambda key: _read(store, key), keys[:limit]) if row)


def _read(store: Store, key: str) -> dict[str, Any] | None:
    try:
        found = json.loads(store.read(key).body)
        found["created_at"] = found["created_at"].replace(" ", "T") + "Z"
        validate({**found, "files": {}})
    except NotInStore:  # removed since the listing
        return None
    except (ValueError, KeyError, TypeError, AttributeError, IntegrityError) as error:
        raise IntegrityError(
            "this row of the catalog cannot be read",
            where=store.uri(key),
            why=str(error)[:200],
            fix="remove it and register the build again",
            rule="BAD_ROW",
        ) from error
    return found  # type: ignore[no-any-return]
