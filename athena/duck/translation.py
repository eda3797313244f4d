"""A statement of Athena's dialect as DuckDB has to be asked, so that it answers what Athena and Trino answer.

What is not in these tables is refused by its name: DuckDB has many functions of the same name and another meaning, and
an answer that differs in silence is worse than none. `tests/athena/duck` holds every rule against a real Trino.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from sqlglot import exp

from athena.duck import aggregates, arrays, casts, conditions, numbers, texts, times
from athena.duck.aggregates import map_agg
from athena.duck.arrays import match
from athena.duck.conditions import FROM_PACKAGES
from athena.duck.nodes import Node, Rule, call, comparable, literal_number, named, number, of_type, refuse, wrong
from athena.duck.times import at_zone, format_datetime, iso8601, year_of_week
from athena.duck.types import ANY, ARRAY, MAP, ROW, family
from venvbuild.text import shown


def macros() -> list[str]:
    """DuckDB's SQL for the functions that the translated statements use."""
    text = resources.files("athena.duck").joinpath("macros.sql").read_text("utf-8")
    return [one.strip() for one in re.sub(r"(?m)^--.*\n", "", text).split(";\n") if one.strip()]


def translated(tree: Node) -> Node:
    """DuckDB's form of a statement whose nodes have their types (`types.typed`).

    Raises:
        QueryEngineError: Athena and Trino refuse it, or DuckDB would answer otherwise than they.
    """
    for one in list(tree.find_all(exp.Try)):
        if type(one.this) is exp.Cast:
            tried = exp.TryCast(this=one.this.this, to=one.this.args["to"])
            tried.type = one.this.type
            one.replace(tried)
    # from the inside out, so that a rule sees what it is about as it was typed
    for node in reversed(list(tree.bfs())):
        _known(node)
        rule = _RULES.get(type(node))
        made = rule(node) if rule else None
        if made is not None and made is not node:
            if family(node) != ANY or made.type is None:
                made.type = node.type
            if node is tree:
                tree = made
            else:
                node.replace(made)
    return _once(tree)


def _once(tree: Node) -> Node:
    """Each macro within another one calculated once: DuckDB puts what a macro is given into every place of it, so that
    ten of them, nested, would be a thousand.
    """
    for node in reversed([one for one in tree.find_all(exp.Anonymous) if _is_macro(one)]):
        inner = [one for one in node.expressions if any(map(_is_macro, one.find_all(exp.Anonymous)))]
        if not inner:
            continue
        bound = exp.to_identifier("venvbuild_once")
        names = {id(one): f"a{at}" for at, one in enumerate(inner)}
        parts = [exp.PropertyEQ(this=exp.to_identifier(names[id(one)]), expression=one.copy()) for one in inner]
        used = [
            exp.Dot(this=bound.copy(), expression=exp.to_identifier(names[id(one)])) if id(one) in names else one.copy()
            for one in node.expressions
        ]
        listed = exp.Array(expressions=[exp.Struct(expressions=parts)])
        mapped = call("list_transform", listed, exp.Lambda(this=call(node.name, *used), expressions=[bound]))
        made = exp.Bracket(this=mapped, expressions=[number(1)], offset=1)
        if node is tree:
            tree = made
        else:
            node.replace(made)
    return tree


def _is_macro(node: Node) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.startswith("trino_")


def _known(node: Node) -> None:
    kind = type(node)
    if kind in _RULES or kind in _AS_THEY_ARE:
        return
    if isinstance(node, exp.Anonymous):
        return
    name = node.sql_name() if isinstance(node, exp.Func) else kind.__name__
    refuse(f"{name.lower()} is not among what was compared with Trino")


def _try(node: Any) -> None:
    if any(one.name.startswith("trino_") for one in node.find_all(exp.Anonymous)):
        refuse("TRY around this", "TRY_CAST, nullif, element_at or a condition say the same")


def _exists(node: Any) -> None:
    for one in node.find_all(exp.Unnest):
        if one.find(exp.Column) is not None:
            wrong(
                "a query over UNNEST that depends on the one around it is none that Athena and Trino answer",
                FROM_PACKAGES,
            )


def _limit_options(node: Any) -> None:
    if node.args.get("with_ties") or node.args.get("percent"):
        refuse("FETCH ... WITH TIES or PERCENT")


def _anonymous(node: Any) -> Node | None:
    name, ones = node.name.lower(), node.expressions
    if name in ("any_match", "all_match", "none_match") and len(ones) == 2:
        return match(node)
    if name == "arrays_overlap" and len(ones) == 2:
        for one in ones:
            of_type(one, ARRAY, what=name)
        return call("trino_arrays_overlap", *ones)
    if name == "every" and len(ones) == 1:
        return call("bool_and", *ones)
    if name == "histogram" and len(ones) == 1:
        return call("histogram", *ones)
    if name == "map_agg" and len(ones) == 2:
        if isinstance(node.parent, (exp.Filter, exp.Window)):
            refuse("map_agg with FILTER or OVER", "put the condition into WHERE of a query inside")
        return map_agg(*ones)
    if name == "yow" and len(ones) == 1:
        return year_of_week(ones[0])
    if name == "format_datetime" and len(ones) == 2:
        return format_datetime(*ones)
    if name == "to_iso8601" and len(ones) == 1:
        return iso8601(ones[0])
    if name == "map_values" and len(ones) == 1:
        return None
    if name == "codepoint" and len(ones) == 1:
        return call("unicode", *ones)
    if name in ("at_timezone", "with_timezone") and len(ones) == 2:
        return at_zone(ones[0], ones[1])
    if name == "array_union":
        refuse("the order of what array_union gives", "write array_distinct(concat(a, b))")
    return refuse(f"{shown(name)} is not among what was compared with Trino")


def _select(node: Any) -> None:
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        wrong("DISTINCT ON is not SQL of Athena or Trino", "write max_by(column, created_at) with GROUP BY")
    order = node.args.get("order")
    if distinct is not None and order is not None:
        shown_ones = {text for one in node.selects for text in (one.alias_or_name, one.unalias().sql())}
        for one in order.expressions:
            if not isinstance(one.this, exp.Literal) and one.this.sql() not in shown_ones:
                wrong("SELECT DISTINCT is ordered by what it selects only")
    for one in order.expressions if order is not None else ():
        at = literal_number(one.this)
        by = node.selects[at - 1] if at and at <= len(node.selects) else one.this
        if family(by) == ARRAY:
            refuse("the order of arrays, in which NULL may be", "ORDER BY array_join(..., ',')")
        if family(by) in (MAP, ROW):
            refuse(f"the order of {named(by)}s", "ORDER BY its elements")
    for name in ("qualify", "sample", "cluster", "distribute", "sort", "into", "hint", "match", "settings", "format"):
        if node.args.get(name):
            wrong(f"{name.upper()} is not among what Athena and Trino read here")


def _set_operation(node: Any) -> None:
    sides = [node.left, node.right]
    columns = [one.selects for one in sides]
    if len(columns[0]) != len(columns[1]):
        wrong("both sides have as many columns")
    for left, right in zip(*columns, strict=True):
        comparable(left, right, type(node).__name__.upper())
    if node.args.get("by_name"):
        wrong("BY NAME is not SQL of Athena or Trino")


def _table(node: Any) -> None:
    if node.args.get("sample") or node.args.get("version") or node.args.get("pivots"):
        refuse("TABLESAMPLE, FOR VERSION and PIVOT")


_AS_THEY_ARE = frozenset({
    exp.Alias, exp.TableAlias, exp.Identifier, exp.Literal, exp.Star, exp.Paren, exp.Null, exp.Boolean, exp.DataType,
    exp.DataTypeParam, exp.From, exp.Join, exp.Group, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Fetch,
    exp.With, exp.CTE, exp.Subquery, exp.Lateral, exp.Values, exp.Tuple, exp.Lambda, exp.Is,
    exp.Distinct, exp.WindowSpec, exp.Var, exp.Dot, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Escape, exp.ColumnDef,
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank, exp.CumeDist, exp.FirstValue, exp.LastValue,
    exp.AnyValue, exp.ApproxDistinct, exp.MapKeys, exp.Chr, exp.JSONPath, exp.JSONPathRoot,
    exp.JSONPathKey, exp.JSONPathSubscript, exp.Date, exp.Column, exp.FromISO8601Date, exp.Any, exp.All,
    exp.Pow, exp.NthValue,
})  # fmt: skip


_RULES: Mapping[type, Rule] = {
    **conditions.RULES,
    **numbers.RULES,
    **texts.RULES,
    **times.RULES,
    **arrays.RULES,
    **aggregates.RULES,
    **casts.RULES,
    exp.Anonymous: _anonymous,
    exp.Try: _try,
    exp.Exists: _exists,
    exp.LimitOptions: _limit_options,
    exp.Select: _select,
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), _set_operation),
    exp.Table: _table,
}
