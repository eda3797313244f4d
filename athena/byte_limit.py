"""A limit to what a question may read: the sizes of the rows are added up before the engine is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from athena import table
from athena.engines import Answer, Engine
from athena.statement import Statement
from venvbuild.errors import UsageError
from venvbuild.stores import Store


@dataclass(frozen=True)
class ByteLimit:
    """An engine that is asked only what reads at most so many bytes of the catalog, a statement at a time."""

    engine: Engine
    store: Store
    """Whose rows the engine reads."""
    max_bytes: int

    def run(self, statement: Statement) -> Answer:
        """See `Engine`.

        Raises:
            UsageError: the rows of the days that the statement reads are larger; the engine was not asked.
        """
        days = table.days(self.store, replace(statement.scope, newest=None))  # LIMIT reads all the same
        size_bytes = sum(entry.size_bytes for entries in days.values() for entry in entries)
        if size_bytes > self.max_bytes:
            raise UsageError(
                f"the question would read {size_bytes} bytes, more than {self.max_bytes}",
                where="--max-bytes",
                why=f"so large are the rows of {len(days)} days, {min(days)} to {max(days)}",
                fix="ask for less (--since), or allow more",
                rule="MAX_BYTES",
            )
        return self.engine.run(statement)

    def __enter__(self) -> Self:
        self.engine.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.engine.__exit__(*details)
