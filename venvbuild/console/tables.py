"""Rows on stdout: a table for people, JSON or CSV for programs.

On a terminal a table is as wide as the terminal at most: what does not fit is cut, for a broken line is harder to read
than one that ends in `…`. What goes elsewhere is whole.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from venvbuild.console import output
from venvbuild.console.options import Given
from venvbuild.redaction import REDACTOR
from venvbuild.text import masked_urls, on_a_line, on_screen

if TYPE_CHECKING:  # who prints rows of no engine needs none
    from athena.engines import Row
    from athena.statement import Statement

# Characters of one cell of a table; JSON and CSV have all of it.
_WIDEST = 1000
_GAP = "  "
_CUT = "…"
# What a spreadsheet would take for a formula, also after what it passes over, or writes in the wide forms of CJK.
# Source: OWASP, "CSV Injection".
_FORMULA = re.compile(r"[\s\"'\u200c\u200d]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
# Characters of a column's name that are worth its values' room: `is_co…` over `true`.
_NAME_WIDTH = 6


def shape_of(given: Given) -> str:
    """`table`, `json` or `csv`, from the options of `options.with_shape`."""
    return "json" if given["as_json"] else str(given["shape"])


def print_rows(columns: Sequence[str], rows: Iterable[Row], shape: str) -> None:
    """The rows with these columns; a table without rows is not printed at all."""
    with output.whole() as add:
        add_rows(add, columns, rows, shape)


def add_rows(add: Callable[[str], object], columns: Sequence[str], rows: Iterable[Row], shape: str) -> int:
    """The same to what `output.whole` gives; how many rows there were. Only a table holds all, to see its widths."""
    counted = Counted(rows)
    if shape == "json":
        for text in output.json_items({column: row[column] for column in columns} for row in counted):
            add(text)
    elif shape == "csv":
        for text in _csv(columns, counted):
            add(on_screen(text))
    elif cells := [[_cell(row[column]) for column in columns] for row in counted]:
        add(on_screen(_table([list(map(_cell, columns)), *cells], _terminal_width())) + "\n")
    return counted.count


class Counted:
    """Rows as they go by; `count` is how many did."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def print_sql(statement: Statement, shape: str) -> None:
    """The statement with its values as literals, ready to be pasted."""
    if shape == "json":
        output.print_json({"sql": statement.text})
    else:
        output.print_text(statement.text)


def _terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None when it is none, or does not know."""
    # not COLUMNS, which is as old as the shell that exported it
    return os.get_terminal_size(sys.stdout.fileno()).columns or None if sys.stdout.isatty() else None


def _table(lines: Sequence[Sequence[str]], width: int | None) -> str:
    """`lines`, the first of which are the columns' names, in `width` if that can be."""
    names, *rows = lines
    widths = [max(map(_width_of, column)) for column in zip(*rows, strict=True)]
    fitted = _fitted(list(map(_width_of, names)), widths, width)
    padded = (map(_padded, line, fitted) for line in lines)
    return "\n".join(_GAP.join(cells).rstrip() for cells in padded)


def _fitted(names: Sequence[int], values: Sequence[int], width: int | None) -> list[int]:
    """The columns' widths: names give way first, then the widest values, last the first column."""

    def too_wide(widths: Sequence[int]) -> bool:
        return width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width

    widths = list(map(max, names, values))
    least = [min(wide, max(value, _NAME_WIDTH)) for wide, value in zip(widths, values, strict=True)]
    for floor in (least, [least[0], *(1 for _ in least[1:])], [1] * len(least)):
        while too_wide(widths) and (wider := [place for place, wide in enumerate(widths) if wide > floor[place]]):
            widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def _padded(cell: str, width: int) -> str:
    """The cell in so many columns, cut if need be."""
    has = _width_of(cell)
    if has > width:
        cell, has = _cut(cell, width)
    return cell + " " * (width - has)


def _cut(cell: str, width: int) -> tuple[str, int]:
    """What fits, with a sign that there was more; and its columns, one less where a wide character would be halved."""
    has = 0
    for place, character in enumerate(cell):
        if has + _width_of(character) > width - 1:
            return cell[:place] + _CUT, has + 1
        has += _width_of(character)
    return cell, has


def _width_of(text: str) -> int:
    """Columns of a terminal that it takes: CJK and emoji two a character, marks over another and joiners none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(one) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    for cells in chain([columns], ([row[column] for column in columns] for row in rows)):
        file = io.StringIO()
        # csv's own line end is that of RFC 4180, whose CR shells and awk take for text.
        csv.writer(file, lineterminator="\n").writerow(map(_csv_cell, cells))
        yield file.getvalue()


def _csv_cell(value: Any) -> str:
    """A text that begins as a formula does gets a `'` before it; a number is what it is."""
    text = masked_urls(_text(value, nothing=""))
    is_number = isinstance(value, int | float)
    return f"'{text}" if not is_number and _FORMULA.match(text) else text


def _cell(value: Any) -> str:
    text = on_a_line(REDACTOR.redact(_text(value, nothing="-"))[: _WIDEST + 1])
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}{_CUT}"


def _text(value: Any, nothing: str) -> str:
    if value is None:
        return nothing
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(_text(one, nothing) for one in value)
    return str(value)
