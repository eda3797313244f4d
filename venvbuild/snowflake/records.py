"""Which stage holds what: a record beside each build whose ZIP was sent, and the answer to "where is kedro?".

`venv-catalog/snowflake/<venv_version>/<12 hex>.json`, one for each place, content and target: the same pure wheels make
the same ZIP for two Pythons. What was replaced at a place keeps its record; the newest of a place says what it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from venvbuild.builds import places, schemas
from venvbuild.errors import NotInStore, Problem, StoreUnavailable, VenvBuildError
from venvbuild.parallel import each
from venvbuild.snowflake.bundle import Bundle
from venvbuild.snowflake.uploading import Uploaded
from venvbuild.stores import Store, is_key

_MAX_BYTES = 4 << 20
_TRIES = 20


@dataclass(frozen=True)
class Record:
    """A ZIP of a build that was sent to a stage."""

    venv_version: str
    stage: str
    """`@MY_DB.MY_SCHEMA.PACKAGES_STAGE/py311`."""
    file: str
    account: str
    """The account locator."""
    role: str
    synced_at: str
    """ISO 8601, UTC: when it was sent, or seen there by a sync, last."""
    sha256: str
    content_sha256: str
    python_version: str
    platform: str
    distributions: tuple[str, ...]
    """`kedro==0.19.3`, in the ZIP."""
    packages: tuple[str, ...]
    """The same of what Snowflake is to install itself."""

    @classmethod
    def of(cls, bundle: Bundle, uploaded: Uploaded, venv_version: str, session: Sequence[str | None], at: str) -> Self:
        """Of what was sent; `session`: account and role."""
        account, role = (value or "" for value in session)
        stage, _, file = uploaded.place.rpartition("/")
        inside = tuple(f"{one.name}=={one.version}" for one in bundle.distributions if one.is_inside)
        return cls(
            venv_version, stage, file, account, role, at, uploaded.sha256, bundle.content_sha256, bundle.python,
            bundle.platform, inside, bundle.packages,
        )  # fmt: skip

    @property
    def place(self) -> tuple[str, str]:
        """What one file at a time can be at."""
        return self.account, f"{self.stage}/{self.file}"

    @property
    def target(self) -> tuple[str, str]:
        """What the ZIP was made for."""
        return self.python_version, self.platform

    @property
    def key(self) -> str:
        """Where it is in the store."""
        text = "\n".join((*self.place, self.content_sha256, *self.target))
        return f"{places.SNOWFLAKE}/{self.venv_version}/{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Of one that was read; unknown fields are passed over.

        Raises:
            ValueError: it is none.
        """
        read = schemas.parsed(body)
        if not isinstance(read, dict):
            raise ValueError("it is no object")
        values = {field.name: _value(read.get(field.name), field.name) for field in fields(cls)}
        return cls(**values)


def _value(value: Any, name: str) -> Any:
    if name in ("distributions", "packages"):
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
    elif isinstance(value, str):
        return value
    raise ValueError(f"it has no {name}")


def remember(store: Store, record: Record) -> None:
    """Write the record; one that is there gets the new time.

    Raises:
        StoreUnavailable, UsageError: the store fails or may not be written.
    """
    store.prepare()
    body = json.dumps(asdict(record), indent=1).encode()
    for _ in range(_TRIES):
        if store.put_if_absent(record.key, body):
            return
        try:
            there = store.read(record.key, _MAX_BYTES)
        except NotInStore:
            continue
        if store.replace_if_unchanged(record.key, body, there.etag):
            return
    raise StoreUnavailable(
        "the record cannot be written: somebody else always did first", where=record.key, fix="try again"
    )


def read_all(store: Store) -> tuple[list[Record], list[Problem]]:
    """Every record, the newest first, and what is wrong with those that cannot be read.

    Raises:
        StoreUnavailable, UsageError: the store fails or may not be read.
    """
    keys = [
        entry.key for entry in store.list(f"{places.SNOWFLAKE}/") if entry.key.endswith(".json") and is_key(entry.key)
    ]
    found = each(lambda key: _read(store, key), keys)
    records = [one for one in found if isinstance(one, Record)]
    problems = [one for one in found if isinstance(one, Problem)]
    return sorted(records, key=lambda one: (one.synced_at, one.key), reverse=True), problems


def _read(store: Store, key: str) -> Record | Problem | None:
    try:
        record = Record.parse(store.read(key, _MAX_BYTES).body)
    except NotInStore:
        return None  # removed since it was listed
    except ValueError as error:
        return Problem(
            "the record cannot be read", store.uri(key), str(error), "remove it, and sync again", "BAD_RECORD"
        )
    except VenvBuildError as error:
        if error.exit_code != 8:
            raise
        return error.problems[0]
    return record


@dataclass(frozen=True)
class Whereabouts:
    """A place that has a package."""

    package: str
    version: str
    is_inside: bool
    """Whether it is in the ZIP; else Snowflake installs it for whoever names it in PACKAGES."""
    record: Record


def whereabouts(records: Iterable[Record], name: str, fits: Callable[[str], bool]) -> list[Whereabouts]:
    """The places whose newest ZIP has a version of `name` (canonical) that `fits`, once for each target that the same
    content was sent for; `records` are the newest first.
    """
    there: dict[tuple[str, str], str] = {}
    newest: dict[tuple[tuple[str, str], tuple[str, str]], Record] = {}
    for record in records:
        if there.setdefault(record.place, record.content_sha256) == record.content_sha256:
            newest.setdefault((record.place, record.target), record)
    found = []
    for record in newest.values():
        for pins, is_inside in ((record.distributions, True), (record.packages, False)):
            versions = [version for one, _, version in (pin.partition("==") for pin in pins) if one == name]
            found += [Whereabouts(name, version, is_inside, record) for version in versions if fits(version)]
    return found
