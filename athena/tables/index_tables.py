"""The tables of the index on an engine that keeps tables, one of its builds and one of its packages.

A table never changes: its partitions are the segments for which it was made, so it can be read as it is. For other
segments other tables are made, and then the views name these. A table that no view names is dropped when no question
that began with it can be under way any more.
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
from venvbuild.errors import VenvBuildError

NAME = r"venv_index_(?:builds|packages)_[0-9]{14}_[0-9a-f]{8}"
# what an earlier version made has no time, and no view of this version names it
_NAME = re.compile(r"venv_index_(?:builds|packages)(?:_(?P<made_at>[0-9]{14})_[0-9a-f]{8})?")
_STAMP = "%Y%m%d%H%M%S"
_KEPT = timedelta(hours=1)  # Athena ends a query after half an hour


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
    return frozenset(name for name in names if _NAME.fullmatch(name))


def drops(names: Collection[str]) -> tuple[Statement, ...]:
    """What drops these, if they are there; no file goes with them."""
    return tuple(Statement((f"DROP TABLE IF EXISTS {name}",)) for name in sorted(names))


def drop_unused(engine: Engine, names: Collection[str], used: Collection[str]) -> None:
    """Drop those of `names` that are not `used` and were made over an hour ago; whoever may not, leaves them."""
    now = datetime.now(UTC)
    with suppress(VenvBuildError):  # it only tidies up
        for statement in drops([name for name in names if name not in used and _made_at(name) < now - _KEPT]):
            engine.run(statement)


def _made_at(name: str) -> datetime:
    found = _NAME.fullmatch(name)
    with suppress(ValueError):  # 14 digits need be no instant
        if found and found["made_at"]:
            return datetime.strptime(found["made_at"], _STAMP).replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)
