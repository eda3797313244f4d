"""The tables of the index on an engine that keeps tables, one of its builds and one of its packages.

A table never changes: its partitions are the segments for which it was made, so it can be read as it is. For other
segments other tables are made, and then the views name these. A table that no view names is dropped when no question
that began with it can be under way any more. One without a time is of an earlier version, which may still be at work
beside us and makes views over it again, but not the table: no publication drops it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from athena.engines import Engine
from athena.index import Index
from athena.statement import Statement

NAME = r"venv_index_(?:builds|packages)_[0-9]{14}_[0-9a-f]{8}"
"""What a view of this version names."""
# and what one of an earlier version does
_OURS = re.compile(r"venv_index_(?:builds|packages)(?:_(?P<made_at>[0-9]{14})_[0-9a-f]{8})?")
_STAMP = "%Y%m%d%H%M%S"
# Athena ends a query after half an hour; the rest is for clocks that differ, as the time is the publisher's
_KEPT = timedelta(days=1)
_MOST_DROPS = 10  # by one publication, as a build may wait for it, and each is a query of Athena


@dataclass(frozen=True)
class IndexTables:
    """The names of two that belong together."""

    builds: str
    packages: str

    @classmethod
    def of(cls, current: Index, made_at: datetime) -> IndexTables:
        """Of the segments of this index."""
        # two who publish at the same second share them only where they mean the same
        digest = hashlib.sha256(" ".join(one.name for one in current.segments).encode()).hexdigest()[:8]
        suffix = f"{made_at:{_STAMP}}_{digest}"
        return cls(f"venv_index_builds_{suffix}", f"venv_index_packages_{suffix}")


def there(engine: Engine) -> frozenset[str]:
    """All that the engine has of them.

    Raises:
        QueryEngineError, UsageError: the engine failed, or refuses.
    """
    names = (str(row[0]).strip() for row in engine.run(Statement(("SHOW TABLES",))).rows)
    return frozenset(name for name in names if _OURS.fullmatch(name))


def drops(names: Collection[str]) -> tuple[Statement, ...]:
    """What drops these, if they are there; no file goes with them."""
    return tuple(Statement((f"DROP TABLE IF EXISTS {name}",)) for name in sorted(names))


def unused(names: Collection[str], used: Collection[str], now: datetime) -> tuple[str, ...]:
    """Those of `names` that a publication may drop, the oldest first, ten at most.

    They are not `used`, and one that was made after them is over a day old.
    """
    made_at = {name: at for name in names if (at := _made_at(name))}
    # Not by its own age: until there was a newer one, the views named it.
    superseded_before = max((at for at in made_at.values() if at < now - _KEPT), default=now - _KEPT)
    free = [name for name, at in made_at.items() if at < superseded_before and name not in used]
    return tuple(sorted(free, key=lambda name: (made_at[name], name))[:_MOST_DROPS])


def _made_at(name: str) -> datetime | None:
    """When it was made, as the clock of who made it said; None when its name tells no time."""
    found = _OURS.fullmatch(name)
    with suppress(ValueError):  # 14 digits need be no instant
        if found and found["made_at"]:
            return datetime.strptime(found["made_at"], _STAMP).replace(tzinfo=UTC)
    return None
