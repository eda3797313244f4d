"""What an engine is: statements in, rows of plain values out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol, Self

from athena import duck
from athena.rows import Unread
from athena.statement import Statement

Row = dict[str, Any]
"""One of an answer: plain values by column."""
NO_COLUMN_FIX = (
    "correct the query; where the column is one of ours, `venvbuild table check` tells whether the table is of an older"
    " version"
)
"""What helps where an engine with tables does not know a column."""
BAD_ROW_FIX = "`venvbuild table check` names the rows that cannot be read; remove them, then `venvbuild table sync`"
"""What helps where an engine with tables cannot read a row."""
# the last is a row with a hundred thousand brackets, over which a stack flows over, or something else
BAD_ROW_ERRORS = ("HIVE_CURSOR_ERROR", "HIVE_BAD_DATA", "BAD_DATA", "GENERIC_INTERNAL_ERROR")
"""What engines with tables call it when they cannot read a row."""
PIECE_ROWS = 1000
"""Of a piece of an answer, at most."""
_PLAIN = frozenset({str, int, bool, type(None)})  # no float, which may be NaN, and that is no JSON


@dataclass(frozen=True)
class Answer:
    """Rows of plain values: text, numbers, booleans, None, lists and dicts of these.

    An instant is text as in metadata.json, `2025-07-22T08:30:00Z`, whatever the engine calls it; a day is `2025-07-22`.
    """

    columns: tuple[str, ...]
    by_column: tuple[tuple[Any, ...], ...]
    """The values of each column, in the order of the rows; nothing when there is no row."""

    @classmethod
    def of(cls, columns: list[str], rows: list[Any]) -> Self:
        """From what a driver gives."""
        # by columns: most hold what is plain already, which is seen at once
        return cls(tuple(columns), tuple(map(_turned, zip(*rows, strict=True))))

    @classmethod
    def joined(cls, pieces: Iterable[Answer]) -> Answer:
        """Of several with the same columns; empty without any."""
        all_pieces = list(pieces)
        several = [piece for piece in all_pieces if piece.by_column] or all_pieces[:1]
        if len(several) < 2:
            return several[0] if several else cls((), ())
        columns = zip(*(piece.by_column for piece in several), strict=True)
        return cls(several[0].columns, tuple(tuple(chain.from_iterable(parts)) for parts in columns))

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The values of each row."""
        return tuple(zip(*self.by_column, strict=True))

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.by_column[0]) if self.by_column else 0

    def as_dicts(self) -> list[Row]:
        """Each row by its columns; of two columns with one name the last counts."""
        # Not over `rows`: a hundred thousand tuples more would send Python's search for cycles through all there is.
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*self.by_column, strict=True)]


def tables_of(statement: Statement) -> frozenset[str]:
    """Of the catalog's table and views those that a statement may read; all where that cannot be told.

    Raises:
        QueryEngineError: it cannot be read. UsageError: it is none, or several.
    """
    return (duck.named_tables if statement.is_shipped else duck.tables_of)(statement.sql)


class Engine(Protocol):
    """Answers statements in Athena's dialect about `venv_builds_metadata`, `venv_builds` and `venv_packages`.

    A context manager: what it holds (a connection) is given back at the end.
    """

    @property
    def name(self) -> str:
        """As the settings name it."""
        ...

    @property
    def keeps_tables(self) -> bool:
        """Whether it has to be told of the catalog by tables and views; else it reads the store itself."""
        ...

    @property
    def passed_over(self) -> Unread | None:
        """The rows that could not be read and so are in none of its answers, as far as it knows of them."""
        ...

    @property
    def left_out_ahead(self) -> bool | None:
        """Whether rows of a time to come were left out of its answers; None where it does not know."""
        ...

    def run(self, statement: Statement) -> Answer:
        """The whole answer. Whatever interrupts it (Ctrl-C, SIGTERM) also ends the query.

        Raises:
            QueryEngineError: the engine failed or refused; in one sentence, with its own reason and the query's id.
            UsageError: it cannot be asked: credentials, rights.
            StoreUnavailable, IntegrityError: the embedded engine could not read the catalog's rows, or its index.
        """
        ...

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        """The same answer in pieces of some rows each, so that nobody has to hold all of it.

        Who stops taking them ends the query. Raises as `run` does, also after some pieces.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def plain(value: Any) -> Any:
    """A driver's value as JSON can hold it."""
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        # JSON's keys are text
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        names = getattr(value, "__annotations__", {}).get("names")  # of a ROW, as Trino's client gives it
        several = [plain(one) for one in value]
        return dict(zip(names, several, strict=True)) if names else several
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return value if is_number or isinstance(value, str) or value is None else str(value)


def _turned(column: tuple[Any, ...]) -> tuple[Any, ...]:
    types = set(map(type, column))
    if types <= _PLAIN:
        return column
    return tuple(map(_instant if types == {datetime} else plain, column))


def _instant(value: datetime) -> str:
    if value.tzinfo is not None:
        value = (value - (value.utcoffset() or timedelta())).replace(tzinfo=None)
    return value.isoformat() + "Z"
