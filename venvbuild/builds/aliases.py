"""Movable names for builds, `sales@prod`, and every place that each has ever pointed to.

A move is an object of its own, numbered from 1, created only if its number is free: the highest number counts, nobody
overwrites anybody, and the history stays.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from venvbuild.builds import metadata, places
from venvbuild.builds.places import ALIASES
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.settings import parameters
from venvbuild.stores import Store

# No leading zero: 7 and 07 would be two objects of one number.
_KEY = re.compile(rf"{ALIASES}/(?P<env_name>[^/]+)/(?P<alias>[^/]+)/(?P<number>[1-9][0-9]{{0,8}})\.json")
# More losses in a row than that many rivals would explain: the store does not do what it says.
_TRIES = 100


@dataclass(frozen=True)
class Move:
    """One move of an alias."""

    env_name: str
    alias: str
    number: int
    """1 for the first; without gaps."""
    venv_version: str
    moved_at: str
    """ISO 8601, UTC."""
    previous: str | None
    """The venv_version it named before."""


def promote(store: Store, venv_version: str, alias: str, *, clock: Callable[[], float] = time.time) -> Move:
    """Let `alias`, of the build's own environment name, point to this build; the move that now counts.

    An alias that points there already stays as it is.

    Raises:
        NotInStore: there is no such build. RequirementsRefused: `alias` cannot be one.
        StoreUnavailable, UsageError: the store fails, or may not be written; nothing has moved.
    """
    parameters.alias(alias)
    # Read first: an alias must not name a build that nobody can get.
    env_name = str(metadata.read(store, venv_version)["env_name"])
    store.prepare()
    for _ in range(_TRIES):
        # Looked up at each try: a refusal means that somebody else has moved it meanwhile.
        last = current_move(store, env_name, alias)
        if last and last.venv_version == venv_version:
            return last
        move = Move(
            env_name,
            alias,
            last.number + 1 if last else 1,
            venv_version,
            f"{datetime.fromtimestamp(int(clock()), UTC):%Y-%m-%dT%H:%M:%SZ}",
            last.venv_version if last else None,
        )
        if store.put_if_absent(_key(env_name, alias, move.number), _body(move)):
            return move
    raise StoreUnavailable(
        f"{env_name}@{alias} could not be moved: somebody else was first {_TRIES} times",
        where=store.url,
        fix="try again; if it stays so, look at who moves it",
    )


def current_move(store: Store, env_name: str, alias: str) -> Move | None:
    """The move that counts; None when there is no such alias."""
    numbers = _numbers(store, f"{ALIASES}/{env_name}/{alias}/").get((env_name, alias))
    return _read(store, env_name, alias, max(numbers)) if numbers else None


def history(store: Store, env_name: str, alias: str) -> tuple[Move, ...]:
    """Every move, the oldest first; empty when there is no such alias."""
    numbers = _numbers(store, f"{ALIASES}/{env_name}/{alias}/").get((env_name, alias), [])
    return tuple(_read(store, env_name, alias, number) for number in sorted(numbers))


def all_moves(store: Store, env_name: str | None = None) -> Iterator[Move]:
    """The current move of each alias, of one environment name or of all, sorted by environment name and alias."""
    found = _numbers(store, f"{ALIASES}/{env_name}/" if env_name else f"{ALIASES}/")
    for (name, alias), numbers in sorted(found.items()):
        yield _read(store, name, alias, max(numbers))


def _numbers(store: Store, prefix: str) -> dict[tuple[str, str], list[int]]:
    """The numbers under `prefix` by environment name and alias."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for entry in store.list(prefix):
        match = _KEY.fullmatch(entry.key)
        if match:
            # As a number: in the order of keys 10 comes before 9.
            found[match["env_name"], match["alias"]].append(int(match["number"]))
    return found


def _key(env_name: str, alias: str, number: int) -> str:
    return f"{ALIASES}/{env_name}/{alias}/{number}.json"


def _body(move: Move) -> bytes:
    facts = asdict(move)
    return (json.dumps({name: facts[name] for name in ("venv_version", "moved_at", "previous")}) + "\n").encode()


def _read(store: Store, env_name: str, alias: str, number: int) -> Move:
    key = _key(env_name, alias, number)
    try:
        facts = json.loads(store.read(key).body)
        move = Move(env_name, alias, number, facts["venv_version"], facts["moved_at"], facts["previous"])
        # What it names becomes a part of keys: a damaged record must not lead anywhere else.
        if places.is_venv_version(move.venv_version):
            return move
    except (ValueError, KeyError, TypeError):
        pass
    raise IntegrityError(
        f"the record of {env_name}@{alias} is damaged",
        where=store.uri(key),
        fix="restore the object from a backup, or move the alias again after removing it",
    )
