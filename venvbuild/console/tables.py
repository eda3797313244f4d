"""Rows on stdout: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from venvbuild.console import output
from venvbuild.console.options import Given
from venvbuild.text import shown

if TYPE_CHECKING:  # who prints rows of no engine needs none
    from athena.engines import Row
    from athena.statement import Statement

# Characters of one cell of a table; JSON and CSV have all of it.
_WIDEST = 1000


def shape_of(given: Given) -> str:
    """`table`, `json` or `csv`, from the options of `options.with_shape`."""
    return "json" if given["as_json"] else str(given["shape"])


def print_rows(columns: Sequence[str], rows: Sequence[Row], shape: str) -> None:
    """The rows with these columns; a table without rows is not printed at all."""
    if shape == "json":
        output.print_json([{column: row[column] for column in columns} for row in rows])
    elif shape == "csv":
        output.print_data(_csv(columns, rows))
    elif rows:
        output.print_data(_table([list(columns), *([_cell(row[column]) for column in columns] for row in rows)]))


def print_sql(statement: Statement, shape: str) -> None:
    """The statement with its values as literals, ready to be pasted."""
    if shape == "json":
        output.print_json({"sql": statement.text})
    else:
        output.print_data(statement.text)


def _table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in padded)


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    file = io.StringIO()
    # csv's own line end is that of RFC 4180, whose CR shells and awk take for text.
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(row[column], nothing="") for column in columns] for row in rows)
    return file.getvalue().removesuffix("\n")  # print adds one


def _cell(value: Any) -> str:
    return shown(_text(value, nothing="-"), _WIDEST)


def _text(value: Any, nothing: str) -> str:
    if value is None:
        return nothing
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(_text(one, nothing) for one in value)
    return str(value)
