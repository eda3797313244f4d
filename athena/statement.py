"""One SQL statement in Athena's dialect, its values apart from its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Value = str | int | bool


@dataclass(frozen=True)
class Bound:
    """A value in a statement."""

    value: Value

    @property
    def literal(self) -> str:
        """As SQL writes it; for people to read and paste, never to be run by us."""
        # before int, of which bool is a kind
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        # SQL knows no other escape than the quote written twice
        return "'" + self.value.replace("'", "''") + "'" if isinstance(self.value, str) else str(self.value)


@dataclass(frozen=True)
class Scope:
    """Which days of the catalog a statement reads, as far as is known before it runs: all of them by default.

    A help for engines that have to fetch the rows; the statement has its own conditions all the same.
    """

    since: str | None = None
    """`YYYY-MM-DD`: nothing older is read."""
    before: str | None = None
    """`YYYY-MM-DD`: nothing from this day on is read."""
    days: tuple[str, ...] | None = None
    """Only these."""
    names: tuple[str, ...] | None = None
    """Only these packages, in PEP 503 form."""
    is_newest_first: bool = False
    """The answer begins with the builds of the last day, then come those of the day before, and so on: it can be made
    of some days after the others."""
    newest: int | None = None
    """Of that only so many are wanted."""
    is_as_before: bool = False
    """The second half of a question: the catalog as the statement before it saw it will do."""


@dataclass(frozen=True)
class Statement:
    """SQL with bound values: text and values in turn, in the order in which they stand."""

    pieces: tuple[str | Bound, ...]
    scope: Scope = Scope()
    is_shipped: bool = False
    """Whether it is one of the questions of this package, each of which was compared on every engine."""

    @property
    def sql(self) -> str:
        """The text with a `?` for each value."""
        return "".join("?" if isinstance(piece, Bound) else piece for piece in self.pieces)

    @property
    def values(self) -> Sequence[Value]:
        """The values, in the order of their `?`."""
        return [piece.value for piece in self.pieces if isinstance(piece, Bound)]

    @property
    def text(self) -> str:
        """The text with the values as literals, to be shown and pasted."""
        return "".join(piece.literal if isinstance(piece, Bound) else piece for piece in self.pieces)
