"""The questions in `sql/`: files to paste into a SQL editor, and the same text with values bound to it.

A value that can be changed stands behind its name: `name = /*:name*/ 'kedro'`. A line that begins with `--` and has
such a value is a condition that is off; it is on when its value is given. So each file runs as it is, on Athena and
Trino, and means the same when a command asks it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources

from athena.statement import Bound, Scope, Statement, Value
from venvbuild.errors import UsageError

_LITERAL = r"(?:'(?:[^']|'')*'|[0-9]+|true|false)"
_PARAMETER = re.compile(rf"/\*:(?P<name>\w+)\*/ (?P<default>{_LITERAL}(?:, {_LITERAL})*)")
_OPTIONAL = re.compile(r"^(?P<indent> *)-- (?P<condition>.*/\*:(?P<name>\w+)\*/.*\n)", re.MULTILINE)
# Trino refuses a final `;`
_END = re.compile(r"\s*;?(?:\s+|--[^\n]*(?:\n|$))*$")


def names() -> tuple[str, ...]:
    """Every question, by the name of its file."""
    files = resources.files("athena").joinpath("sql").iterdir()
    return tuple(sorted(file.name.removesuffix(".sql") for file in files if file.name.endswith(".sql")))


def text(name: str) -> str:
    """The file of a question.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in names():
        raise UsageError(f"there is no question {name[:60]!a}", why=f"there are {', '.join(names())}")
    return resources.files("athena").joinpath("sql", f"{name}.sql").read_text("utf-8")


def parameters(sql: str) -> dict[str, str]:
    """The parameters of a text in the form of the files, each with the literal that stands there."""
    return {found["name"]: found["default"] for found in _PARAMETER.finditer(sql)}


def statement(name: str, values: Mapping[str, Value | Sequence[Value] | None], scope: Scope | None = None) -> Statement:
    """A question with these values; None leaves the file's own, or its condition off."""
    given = {key: value for key, value in values.items() if value is not None}
    return replace(bind(text(name), given, scope), is_shipped=True)


def bind(sql: str, values: Mapping[str, Value | Sequence[Value]], scope: Scope | None = None) -> Statement:
    """SQL in the form of the files, with these values in it: a sequence becomes a list, `(?, ?)`, of the same type.

    Conditions that are off and a final `;` are left out.

    Raises:
        UsageError: a value whose name is not in the text, or that is not of the type which stands there.
    """
    # a misspelt name would leave the example of the file in its place, and nobody would see it
    unknown = sorted(set(values) - set(parameters(sql)))
    if unknown:
        raise UsageError(
            f"the question has no parameter {unknown[0][:60]!a}",
            why=f"it has {', '.join(parameters(sql)) or 'none'}",
        )
    switched = _OPTIONAL.sub(lambda line: line["indent"] + line["condition"] if line["name"] in values else "", sql)
    return Statement(tuple(_pieces(_END.sub("", switched), values)), scope or Scope())


def _pieces(sql: str, values: Mapping[str, Value | Sequence[Value]]) -> list[str | Bound]:
    pieces: list[str | Bound] = []
    end = 0
    for found in _PARAMETER.finditer(sql):
        pieces.append(sql[end : found.start()])
        end = found.end()
        if found["name"] in values:
            pieces += _listed(values[found["name"]], found["default"])
        else:
            pieces.append(found["default"])
    return [*pieces, sql[end:]]


def _listed(value: Value | Sequence[Value], default: str) -> list[str | Bound]:
    # text is a sequence, too
    several = [value] if isinstance(value, (str, int)) else list(value)
    if not several:
        return ["NULL"]  # an empty list is no SQL, and nothing equals NULL
    pieces: list[str | Bound] = []
    for one in several:
        pieces += [", ", Bound(_typed(one, default))]
    return pieces[1:]


def _typed(value: Value, default: str) -> Value:
    """`value` as the type of the literal that it replaces; text is read as what stands there."""
    # what comes by --param is always text
    if not isinstance(value, str) or default.startswith("'"):
        return value
    if default in ("true", "false") and value in ("true", "false"):
        return value == "true"
    # `²` is a digit to isdigit, too, and none to int()
    if default.isdigit() and value.isascii() and value.isdigit():
        return int(value)
    raise UsageError(f"{value[:60]!a} cannot stand for {default}", fix="give a value of the same type")
