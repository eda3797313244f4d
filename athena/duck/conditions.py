"""What is compared, and what is true: Athena and Trino compare like with like only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import Node, Rule, alike, call, comparable, in_brackets, of_type, refuse, wrong
from athena.duck.types import ARRAY, BOOLEAN, MAP, OF_KIND, ROW, TEXT, branches, family

FROM_PACKAGES = (
    "ask SELECT DISTINCT venv_version FROM venv_packages WHERE name = 'kedro', or `venvbuild find kedro`: "
    "venv_packages has a row for each package of a build"
)
"""What helps who looks for packages in the arrays of `venv_builds_metadata`."""


def _compared(node: Any) -> Node | None:
    if isinstance(node.this, exp.Tuple) and isinstance(node.expression, exp.Tuple):
        return _of_rows(node.this, node.expression, type(node))
    comparable(node.this, node.expression, "a comparison")
    if family(node.this) == ARRAY and not isinstance(node, (exp.NullSafeEQ, exp.NullSafeNEQ)):
        return _of_arrays(node)
    return None


def _of_rows(left: exp.Tuple, right: exp.Tuple, kind: type[exp.Expr]) -> Node:
    """`(a, b) = (1, 2)` as what it says of each."""
    if len(left.expressions) != len(right.expressions):
        wrong("both rows have as many values")
    if kind not in (exp.EQ, exp.NEQ):
        refuse("the order of rows", "compare their values, one by one")
    for one, other in zip(left.expressions, right.expressions, strict=True):
        plain(one, "a row")
        comparable(one, other, "a row")
    pairs = [kind(this=a.copy(), expression=b.copy()) for a, b in zip(left.expressions, right.expressions, strict=True)]
    return in_brackets(exp.and_(*pairs) if kind is exp.EQ else exp.or_(*pairs))


def _of_arrays(node: Any) -> Node:
    """NULL inside makes the answer NULL, or an error of what is larger; DuckDB compares it like a value."""
    for one in (node.this, node.expression):
        element = one.type.expressions[0] if one.type and one.type.expressions else None
        if isinstance(element, exp.DataType) and OF_KIND.get(element.this) in (ARRAY, MAP, ROW):
            refuse("a comparison of arrays of arrays, maps or rows")
    made: Node
    if isinstance(node, (exp.EQ, exp.NEQ)):
        made = call("trino_array_equals", node.this, node.expression)
        return exp.Not(this=made) if isinstance(node, exp.NEQ) else made
    if isinstance(node, exp.Nullif):
        refuse("nullif of arrays", "write CASE")
    made = node.copy()
    made.set("this", call("trino_ordered", node.this))
    made.set("expression", call("trino_ordered", node.expression))
    return made


def plain(node: Node, what: str) -> None:
    """That it is no array, map or row, which are compared otherwise where NULL is inside."""
    if family(node) in (ARRAY, MAP, ROW):
        refuse(f"{what} of arrays, maps or rows", "compare their elements, or array_join(..., ',')")


def _between(node: Any) -> None:
    plain(node.this, "BETWEEN")
    comparable(node.this, node.args["low"], "BETWEEN")
    comparable(node.this, node.args["high"], "BETWEEN")


def _row_in_query(node: Any) -> Node:
    """`(a, b) IN (SELECT x, y ...)`, where it makes no difference whether it is false or NULL, as EXISTS."""
    around = node.parent
    while isinstance(around, (exp.And, exp.Paren)):
        around = around.parent
    if not isinstance(around, (exp.Where, exp.Having, exp.Join)):
        refuse("a row IN a query that is more than a condition of WHERE", "write EXISTS or NOT EXISTS")
    query = node.args["query"].unnest()
    values = node.this.expressions
    if not isinstance(query, exp.Query) or len(query.selects) != len(values):
        wrong("the query has as many columns as the row")
    names = [f"c{at}" for at in range(len(values))]
    for value, one in zip(values, query.selects, strict=True):
        plain(value, "IN")
        comparable(value, one, "IN")
    columns = [exp.to_identifier(name) for name in names]
    alias = exp.TableAlias(this=exp.to_identifier("venvbuild_in"), columns=columns)
    same = [exp.EQ(this=exp.column(name, table="venvbuild_in"), expression=value.copy())
            for name, value in zip(names, values, strict=True)]  # fmt: skip
    inner = exp.select("1").from_(exp.Subquery(this=query.copy(), alias=alias)).where(exp.and_(*same))
    return exp.Exists(this=inner)


def _among(node: Any) -> Node | None:
    if isinstance(node.this, exp.Tuple) and node.expressions:
        rows = [one.unnest() for one in node.expressions]
        if not all(isinstance(one, exp.Tuple) for one in rows):
            wrong("a row is compared with rows")
        return in_brackets(exp.or_(*(_of_rows(node.this, one, exp.EQ) for one in rows)))
    if isinstance(node.this, exp.Tuple) and node.args.get("query") is not None:
        return _row_in_query(node)
    plain(node.this, "IN")
    for one in node.expressions:
        comparable(node.this, one, "IN")
    query = node.args.get("query")
    if query is not None:
        inner = query.unnest() if isinstance(query, exp.Subquery) else query
        selects = inner.selects if isinstance(inner, exp.Query) else []
        if len(selects) != 1:
            refuse("IN over several columns", "write EXISTS, or compare a concat of them")
        comparable(node.this, selects[0], "IN")
    return None


def _condition(node: Any) -> None:
    for one in (node.this, node.args.get("expression")):
        if one is not None:
            of_type(one, BOOLEAN, what=type(node).__name__.upper())


def _clause(node: Any) -> None:
    of_type(node.this, BOOLEAN, what=type(node).__name__.upper())


def _like(node: Any) -> None:
    of_type(node.this, TEXT, what="LIKE")
    of_type(node.expression, TEXT, what="LIKE")


def _conditional(node: Any) -> Node | None:
    alike(list(branches(node)), type(node).__name__.upper())
    if isinstance(node, exp.Case):
        base = node.args.get("this")
        for one in node.args["ifs"]:
            if base is not None:
                plain(base, "CASE")
                comparable(base, one.this, "CASE")
    return None


def _if(node: Any) -> Node | None:
    if not isinstance(node.parent, exp.Case):
        of_type(node.this, BOOLEAN, what="IF")
        return _conditional(node)
    if node.parent.args.get("this") is None:
        of_type(node.this, BOOLEAN, what="WHEN")
    return None


def _extreme(node: Any) -> Node:
    """NULL where one is NULL. Each value stands there once, however deep they are nested."""
    ones = [node.this, *node.expressions]
    what = type(node).__name__.upper()
    alike(ones, what)
    plain(node.this, what)
    left, right = exp.to_identifier("venvbuild_a"), exp.to_identifier("venvbuild_b")
    is_null = exp.or_(*(exp.Is(this=one.copy(), expression=exp.Null()) for one in (left, right)))
    wins = (exp.GTE if isinstance(node, exp.Greatest) else exp.LTE)(this=left.copy(), expression=right.copy())
    choice = exp.Case(
        ifs=[exp.If(this=is_null, true=exp.Null()), exp.If(this=wins, true=left.copy())], default=right.copy()
    )
    values = exp.Array(expressions=[one.copy() for one in ones])
    return call("list_reduce", values, exp.Lambda(this=choice, expressions=[left.copy(), right.copy()]))


RULES: Mapping[type, Rule] = {
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif), _compared
    ),
    exp.Between: _between,
    exp.In: _among,
    **dict.fromkeys((exp.And, exp.Or, exp.Not), _condition),
    **dict.fromkeys((exp.Where, exp.Having), _clause),
    exp.Like: _like,
    **dict.fromkeys((exp.Case, exp.Coalesce), _conditional),
    exp.If: _if,
    **dict.fromkeys((exp.Greatest, exp.Least), _extreme),
}
