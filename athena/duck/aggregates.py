"""What is made of several rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import Node, Rule, call, cast, literal_number, literal_text, number, of_type, refuse, wrong
from athena.duck.types import BOOLEAN, NUMBER, decimal_of, is_integer


def _filter(node: Any) -> None:
    of_type(node.expression.this, BOOLEAN, what="FILTER")


def _aggregate(node: Any) -> Node | None:
    inner = node.this
    if isinstance(inner, exp.Distinct):
        inner = inner.expressions[0] if len(inner.expressions) == 1 else None
    if inner is None:
        wrong(f"{node.sql_name().lower()} takes one value")
    of_type(inner, NUMBER, what=node.sql_name().lower())
    if isinstance(node, exp.Sum) and is_integer(inner):
        return _aggregated(node, lambda one: cast(one, "BIGINT"))
    if isinstance(node, exp.Avg) and decimal_of(inner) and not is_integer(inner):
        scale = (decimal_of(inner) or (0, 0))[1]
        kind = f"DECIMAL(38, {scale})"
        return _aggregated(node, lambda one: cast(call("round", one, number(scale)), kind))
    return None


def _aggregated(node: Any, change: Callable[[Node], Node]) -> Node | None:
    """Change what an aggregate gives, around its FILTER and OVER, which have to stand right behind it."""
    around = node
    while isinstance(around.parent, (exp.Filter, exp.Window, exp.WithinGroup)) and around.parent.this is around:
        around = around.parent
    if around is node:
        return change(node)
    around.set("is_changed", change)
    return None


def _changed(node: Any) -> Node | None:
    if isinstance(node, exp.Filter):
        _filter(node)
    change = node.args.pop("is_changed", None)
    return change(node) if change else None


def _count(node: Any) -> None:
    inner = node.this
    if isinstance(inner, exp.Distinct) and len(inner.expressions) != 1:
        refuse("count of several columns", "count a concat of them")


def _truths(node: Any) -> Node:
    of_type(node.this, BOOLEAN, what=node.sql_name().lower())
    if isinstance(node, exp.CountIf):
        return (
            exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=node.this.copy()))
            if not isinstance(node.parent, (exp.Filter, exp.Window))
            else node.copy()
        )
    return call("bool_and" if isinstance(node, exp.LogicalAnd) else "bool_or", node.this)


def _by(node: Any) -> Node:
    if node.args.get("count") is not None:
        refuse(f"{node.sql_name().lower()} with a count")
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return call(name, node.this, node.expression)


def _extreme_of(node: Any) -> None:
    if node.expressions:
        refuse("the several largest or smallest", "ORDER BY ... LIMIT")


def _listed(node: Any) -> None:
    order = node.find(exp.Order)
    distinct = node.find(exp.Distinct)
    if order is not None and distinct is not None:
        taken = [one.sql() for one in distinct.expressions]
        if any(one.this.sql() not in taken for one in order.expressions):
            wrong("an aggregate with DISTINCT is ordered by what it takes only")
    if node.args.get("on_overflow") is not None:
        refuse("listagg with ON OVERFLOW")


def _quantile(node: Any) -> None:
    if literal_text(node.args.get("quantile")) is not None or (len(node.args) > 2 and node.args.get("weight")):
        refuse("approx_percentile with weights")


def _window_function(node: Any) -> None:
    if node.args.get("offset") is not None and literal_number(node.args["offset"]) is None:
        refuse(f"{node.sql_name().lower()} by what is no literal")


RULES: Mapping[type, Rule] = {
    **dict.fromkeys(
        (exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop), _aggregate
    ),
    exp.Count: _count,
    **dict.fromkeys((exp.LogicalAnd, exp.LogicalOr, exp.CountIf), _truths),
    **dict.fromkeys((exp.ArgMax, exp.ArgMin), _by),
    **dict.fromkeys((exp.Max, exp.Min), _extreme_of),
    **dict.fromkeys((exp.GroupConcat, exp.ArrayAgg), _listed),
    exp.ApproxQuantile: _quantile,
    **dict.fromkeys((exp.Lag, exp.Lead), _window_function),
    **dict.fromkeys((exp.Filter, exp.Window, exp.WithinGroup), _changed),
}
