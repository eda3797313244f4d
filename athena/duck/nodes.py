"""Parts of a statement: made, asked for their type, refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from sqlglot import exp

from athena.duck.types import ANY, BOOLEAN, DATE, MAP, NUMBER, ROW, TEXT, TIMESTAMP, family
from venvbuild.errors import QueryEngineError
from venvbuild.text import shown

Node = exp.Expr


Rule = Callable[[Any], Node | None]
"""Another node, or None: it stays as it is."""


ASK_OTHERS = "ask Athena or Trino, or write it otherwise"


def refuse(what: str, fix: str = ASK_OTHERS) -> NoReturn:
    """End with the reason for which DuckDB is not asked."""
    raise QueryEngineError("DuckDB is not asked: it may answer otherwise than Athena and Trino", why=what, fix=fix)


def wrong(why: str, fix: str = "correct the query") -> NoReturn:
    """End with what Athena and Trino do not accept."""
    raise QueryEngineError("the SQL is refused, as Athena and Trino do", why=why, fix=fix)


def call(name: str, *arguments: Node) -> Node:
    """A function of DuckDB's, or of `macros`."""
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def cast(node: Node, kind: str) -> Node:
    """CAST to a type in DuckDB's words."""
    return exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="duckdb"))


def number(value: int) -> Node:
    """As a literal."""
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def in_brackets(node: Node) -> Node:
    """So that it stays together, whatever it is put into."""
    return exp.Paren(this=node)


def literal_text(node: Node | None) -> str | None:
    """Its text, where it is a literal of text."""
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def literal_number(node: Node | None) -> int | None:
    """Its value, where it is a literal of a whole number."""
    if isinstance(node, exp.Neg):
        inner = literal_number(node.this)
        return None if inner is None else -inner
    is_number = isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit()
    return int(node.name) if node is not None and is_number else None


_WORDS = {NUMBER: "a number", TEXT: "varchar", BOOLEAN: "boolean", DATE: "date", TIMESTAMP: "timestamp"}


def named(node: Node) -> str:
    """Its type, in words."""
    return _WORDS.get(family(node), family(node))


def of_type(node: Node, *wanted: str, what: str) -> None:
    """That a part of a statement has one of these types."""
    if isinstance(node, exp.Null):
        return
    if family(node) == ANY:
        refuse(f"the type of {shown(node.sql('athena'), 60)} is not known, which {what} depends on", "CAST it")
    if family(node) not in wanted:
        wrong(f"{what} takes {' or '.join(_WORDS.get(one, one) for one in wanted)}, not {named(node)}")


def comparable(left: Node, right: Node, what: str) -> None:
    """That both have one kind of type: Athena and Trino turn none into another by themselves."""
    if isinstance(right, (exp.Any, exp.All)):  # a query's one column
        query = right.this.unnest() if isinstance(right.this, exp.Expr) else right.this
        selects = query.selects if isinstance(query, exp.Query) else []
        if len(selects) != 1:
            refuse(f"{type(right).__name__.upper()} of what is no query with one column", "write IN, min or max")
        right = selects[0]
    if isinstance(left, exp.Null) or isinstance(right, exp.Null):
        return
    one, other = family(left), family(right)
    if ANY in (one, other):
        unknown = left if one == ANY else right
        refuse(f"the type of {shown(unknown.sql('athena'), 60)} is not known, which {what} depends on", "CAST it")
    if one == other and one in (MAP, ROW):
        refuse(f"{what} of maps or rows", "compare their elements")
    if one == other or {one, other} == {DATE, TIMESTAMP}:
        return
    text = left if one == TEXT else right
    fix = "correct the query"
    if {one, other} & {DATE, TIMESTAMP} and TEXT in (one, other):
        kind = ({one, other} - {TEXT}).pop().upper()
        fix = f"write {kind} before the text, as in {kind} '2025-07-22{' 08:30:00' if kind == 'TIMESTAMP' else ''}'"
        if literal_text(text) is None:
            fix = "CAST one of them; a day as text is date_format(..., '%Y-%m-%d')"
    wrong(f"{named(left)} cannot be compared with {named(right)} ({what})", fix)


def alike(nodes: list[Node], what: str) -> None:
    """That all can be compared with the first."""
    known = [one for one in nodes if not isinstance(one, exp.Null)]
    for one in known[1:]:
        comparable(known[0], one, what)
