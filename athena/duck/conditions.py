"""What is compared, and what is true: Athena and Trino compare like with like only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import Node, Rule, alike, call, comparable, of_type, refuse
from athena.duck.types import BOOLEAN, TEXT, branches

FROM_PACKAGES = (
    "ask SELECT DISTINCT venv_version FROM venv_packages WHERE name = 'kedro', or `venvbuild find kedro`: "
    "venv_packages has a row for each package of a build"
)
"""What helps who looks for packages in the arrays of `venv_builds_metadata`."""


def _compared(node: Any) -> None:
    comparable(node.this, node.expression, "a comparison")


def _between(node: Any) -> None:
    comparable(node.this, node.args["low"], "BETWEEN")
    comparable(node.this, node.args["high"], "BETWEEN")


def _among(node: Any) -> None:
    for one in node.expressions:
        comparable(node.this, one, "IN")
    query = node.args.get("query")
    if query is not None:
        inner = query.unnest() if isinstance(query, exp.Subquery) else query
        selects = inner.selects if isinstance(inner, exp.Query) else []
        if len(selects) != 1:
            refuse("IN over several columns", "write EXISTS, or compare a concat of them")
        comparable(node.this, selects[0], "IN")


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
    ones = [node.this, *node.expressions]
    alike(ones, type(node).__name__.upper())
    is_null = [exp.Is(this=one.copy(), expression=exp.Null()) for one in ones]
    return exp.Case(ifs=[exp.If(this=exp.or_(*is_null), true=exp.Null())], default=call(type(node).__name__, *ones))


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
