"""A limit to what a question may read: sizes of rows and of files of the index, added up before the engine is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from athena import index, rows, tables
from athena.engines import Answer, Engine, tables_of
from athena.rows import Unread
from athena.statement import Scope, Statement
from venvbuild.builds import places
from venvbuild.errors import UsageError
from venvbuild.stores import Store

_TABLE = "venv_builds_metadata"
_FOLDERS = {"venv_builds": "builds", "venv_packages": "packages"}
"""View -> the folder of a segment that it reads."""


@dataclass(frozen=True)
class ByteLimit:
    """An engine that is asked only what reads at most so many bytes of the catalog, a statement at a time."""

    engine: Engine
    store: Store
    """Whose rows the engine reads."""
    max_bytes: int

    @property
    def name(self) -> str:
        """See `Engine`."""
        return self.engine.name

    @property
    def keeps_tables(self) -> bool:
        """See `Engine`."""
        return self.engine.keeps_tables

    @property
    def passed_over(self) -> Unread | None:
        """See `Engine`."""
        return self.engine.passed_over

    @property
    def left_out_ahead(self) -> bool | None:
        """See `Engine`."""
        return self.engine.left_out_ahead

    def run(self, statement: Statement) -> Answer:
        """See `Engine`.

        Raises:
            UsageError: what the statement may read is larger; it was not asked.
        """
        self._refuse_too_much(statement)
        return self.engine.run(statement)

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        """See `Engine`. Raises as `run` does."""
        self._refuse_too_much(statement)
        yield from self.engine.pieces(statement)

    def _refuse_too_much(self, statement: Statement) -> None:
        # newest: a statement with LIMIT reads all the same
        size_bytes, what = self._size_bytes(tables_of(statement), replace(statement.scope, newest=None))
        if size_bytes > self.max_bytes:
            raise UsageError(
                f"the question would read {size_bytes} bytes, more than {self.max_bytes}",
                where="--max-bytes",
                why=f"so large are {what}",
                fix="ask for less (--since), or allow more",
                rule="MAX_BYTES",
            )

    def _size_bytes(self, named: frozenset[str], scope: Scope) -> tuple[int, str]:
        """What a statement about these tables may read, as far as partitions tell."""
        current = index.read(self.store)
        sizes: list[int] = []
        reads: list[str] = []
        if _TABLE in named:
            sizes += self._rows(scope, reads)
        for view, folder in _FOLDERS.items():
            if view in named:
                # what the view reads, which may be an index before the current one, and more rows
                read = tables.reads(self.engine, current, view)
                since = max(scope.since or "", read.covered_before)
                sizes += self._rows(replace(scope, since=since or None), reads)
                for name in read.segments:
                    sizes += [one.size_bytes for one in self.store.list(f"{places.INDEX}/{name}/{folder}/")]
                reads += [f"{len(read.segments)} segments of the index"] if read.segments else []
        # both views may read the same rows, which then count twice and are told once
        return sum(sizes), " and ".join(dict.fromkeys(reads)) or "no rows"

    def _rows(self, scope: Scope, reads: list[str]) -> list[int]:
        days = rows.list_days(self.store, scope)
        if days:
            reads.append(f"the rows of {len(days)} days, {min(days)} to {max(days)}")
        return [entry.size_bytes for entries in days.values() for entry in entries]

    def __enter__(self) -> Self:
        self.engine.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.engine.__exit__(*details)
