"""What is made of several rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import (
    Node,
    Rule,
    call,
    cast,
    literal_number,
    literal_text,
    named,
    number,
    of_type,
    refuse,
    wrong,
)
from athena.duck.types import ARRAY, BOOLEAN, MAP, NUMBER, ROW, decimal_of, family, is_integer


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
    if isinstance(node, exp.Window) and isinstance(node.this, exp.Filter):
        wrong("FILTER does not go with OVER", "put a CASE into the function")
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
        refuse(f"{'max_by' if isinstance(node, exp.ArgMax) else 'min_by'} with a count")
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    by = node.expression
    if family(by) in (MAP, ROW):
        refuse(f"{named(by)} as what the largest is found by", "take its elements")
    return call(name, node.this, call("trino_ordered", by) if family(by) == ARRAY else by)


def _extreme_of(node: Any) -> None:
    if family(node.this) == MAP:
        wrong("maps have no order")
    if family(node.this) in (ARRAY, ROW):
        refuse("the largest of arrays or rows, in which NULL may be", "take array_join(..., ',')")
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


# of the entries of one key the first; l[i - 1] is the one before in the sorted list
_MAP_OF = (
    "list_transform([list_sort(venvbuild_entries)], LAMBDA l : map_from_entries("
    "list_filter(l, LAMBDA x, i : i = 1 OR l[i - 1].k <> x.k)))[1]"
)


def map_agg(key: Node, value: Node) -> Node:
    """A key that comes several times has one of its values, as there."""
    entry = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name), expression=one.copy())
            for name, one in (("k", key), ("v", value))
        ]
    )
    entries = exp.Filter(
        this=call("list", entry),
        expression=exp.Where(this=exp.Not(this=exp.Is(this=key.copy(), expression=exp.Null()))),
    )
    made: Node = exp.maybe_parse(_MAP_OF, dialect="duckdb")
    for one in list(made.find_all(exp.Column)):
        if one.name == "venvbuild_entries":
            one.replace(entries)
    return made


def _correlated(node: Any) -> None:
    for one in (node.this, node.expression):
        of_type(one, NUMBER, what="corr")
        if one.type is None or one.type.this != exp.DType.DOUBLE:
            refuse("corr of what is no double, which has 7 digits only", "CAST both AS double")


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
    exp.Corr: _correlated,
    **dict.fromkeys((exp.Lag, exp.Lead), _window_function),
    **dict.fromkeys((exp.Filter, exp.Window, exp.WithinGroup), _changed),
}
