"""Functions of arrays and maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import (
    Node,
    Rule,
    alike,
    call,
    cast,
    in_brackets,
    literal_number,
    literal_text,
    number,
    of_type,
    refuse,
    wrong,
)
from athena.duck.types import ARRAY, DATE, MAP, ROW, family, is_integer


def _array(node: Any) -> None:
    alike(node.expressions, "an array")


def _size(node: Any) -> Node:
    of_type(node.this, ARRAY, MAP, what="cardinality")
    return cast(call("len" if family(node.this) == ARRAY else "cardinality", node.this), "BIGINT")


def _contains(node: Any) -> Node:
    of_type(node.this, ARRAY, what="contains")
    return call("trino_contains", node.this, node.expression)


def _subscript(node: Any) -> Node | None:
    of_type(node.this, ARRAY, MAP, ROW, what="a subscript")
    [at] = node.expressions
    is_safe = bool(node.args.get("safe"))
    if is_integer(at) and not node.args.get("offset"):
        # sqlglot counts from 0 inside
        typed_at, at = at, exp.Add(this=in_brackets(at.copy()), expression=number(1))
        at.type = typed_at.type
    if family(node.this) == ROW:
        refuse("a row by number", "name the field")
    if family(node.this) == MAP:
        return exp.Bracket(this=node.this.copy(), expressions=[at.copy()]) if is_safe else call(
            "trino_map_value", node.this, at)  # fmt: skip
    if not is_integer(at):
        wrong("the place in an array is a whole number")
    return call("trino_element_at" if is_safe else "trino_subscript", node.this, at)


def _array_join(node: Any) -> Node:
    of_type(node.this, ARRAY, what="array_join")
    element = node.this.type.expressions[0] if node.this.type and node.this.type.expressions else None
    if element is None or element.this not in (exp.DType.VARCHAR, exp.DType.TEXT, exp.DType.BIGINT, exp.DType.INT):
        refuse("array_join of other elements than texts and whole numbers")
    if node.args.get("null") is None:
        return call("trino_joined", node.this, node.expression)
    one = exp.to_identifier("venvbuild_x")
    text = exp.Coalesce(this=cast(one, "VARCHAR"), expressions=[node.args["null"].copy()])
    return call("trino_joined", call("list_transform", node.this, exp.Lambda(this=text, expressions=[one])),
                node.expression)  # fmt: skip


def _array_sort(node: Any) -> Node:
    of_type(node.this, ARRAY, what="array_sort")
    if node.args.get("expression") is not None:
        refuse("array_sort by a function")
    return call("list_sort", node.this, exp.Literal.string("ASC"), exp.Literal.string("NULLS LAST"))


def _named_array(name: str) -> Rule:
    def rule(node: Any) -> Node:
        of_type(node.this, ARRAY, what=node.sql_name().lower())
        return call(name, node.this)

    return rule


def _array_position(node: Any) -> Node:
    of_type(node.this, ARRAY, what="array_position")
    return call("trino_array_position", node.this, node.expression)


def _array_except(node: Any) -> Node:
    of_type(node.this, ARRAY, what="array_except")
    of_type(node.expression, ARRAY, what="array_except")
    return call("trino_array_except", node.this, node.expression)


_ORDER_IS_NOT_SEEN = (exp.ArraySize, exp.ArraySort, exp.ArrayContains, exp.ArrayMax, exp.ArrayMin)


def _array_intersect(node: Any) -> Node:
    if not isinstance(node.parent, _ORDER_IS_NOT_SEEN):
        refuse("the order of what array_intersect gives", "put array_sort around it")
    for one in node.expressions:
        of_type(one, ARRAY, what="array_intersect")
    return call("list_intersect", *node.expressions)


def _array_remove(node: Any) -> Node:
    of_type(node.this, ARRAY, what="array_remove")
    argument = exp.to_identifier("venvbuild_x")
    condition = exp.Coalesce(this=exp.NEQ(this=argument, expression=node.expression.copy()), expressions=[exp.true()])
    return call("list_filter", node.this, exp.Lambda(this=condition, expressions=[argument.copy()]))


def _slice(node: Any) -> Node:
    of_type(node.this, ARRAY, what="slice")
    start, length = literal_number(node.args["start"]), literal_number(node.args["end"])
    if start is None or length is None or start < 1 or length < 0:
        refuse("slice by what is no positive literal")
    return call("array_slice", node.this, number(start), number(start + length - 1))


def _sequence(node: Any) -> Node:
    ones = [node.args["start"], node.args["end"], *([node.args["step"]] if node.args.get("step") else [])]
    if {family(one) for one in ones[:2]} == {DATE}:
        return _days(ones)
    if not all(map(is_integer, ones)):
        refuse("sequence of other things than whole numbers")
    return cast(call("trino_sequence_by" if len(ones) == 3 else "trino_sequence", *ones), "BIGINT[]")


def _days(ones: list[Node]) -> Node:
    """Both ends count. Each day is counted from the first one, which matters for months."""
    if len(ones) == 2:
        return call("trino_sequence_of_dates", *ones)
    step = ones[2]
    text, unit = literal_text(step.this) or "", str(step.args.get("unit") or "").lower()
    if not isinstance(step, exp.Interval) or unit not in ("day", "month", "year") or not text.isdigit():
        refuse("sequence of days by this step", "write INTERVAL '1' DAY, or one with MONTH or YEAR")
    if not int(text):
        wrong("the step of a sequence is not 0")
    by, unit = (int(text) * 12, "month") if unit == "year" else (int(text), unit)
    return call(f"trino_sequence_of_{unit}s", ones[0], ones[1], number(by))


def _with_function(name: str) -> Rule:
    def rule(node: Any) -> Node:
        of_type(node.this, ARRAY, what=node.sql_name().lower())
        if not isinstance(node.expression, exp.Lambda):
            wrong(f"{node.sql_name().lower()} takes a function")
        return call(name, node.this, node.expression)

    return rule


def _reduce(node: Any) -> Node:
    finish, merge = node.args["finish"], node.args["merge"]
    if not isinstance(finish, exp.Lambda) or not isinstance(merge, exp.Lambda):
        wrong("reduce takes two functions")
    is_plain = isinstance(finish.this, exp.Identifier) and finish.this.name == finish.expressions[0].name
    kind = node.args["initial"].type
    merged = merge.this.type
    if kind is None or merged is None or family(merge.this) != family(node.args["initial"]):
        refuse("reduce whose state has no plain type", "CAST the state")
    # what the state begins as may be narrower than what it becomes
    state = cast(node.args["initial"], "BIGINT") if is_integer(node.args["initial"]) else node.args["initial"]
    made = call("list_reduce", node.this, merge, state)
    if is_plain:
        return made
    # the last function, as one of a list with one element
    listed = call("list_transform", exp.Array(expressions=[made]), finish)
    return exp.Bracket(this=listed, expressions=[number(1)], offset=1)


def match(node: Any) -> Node:
    """any_match, all_match, none_match: DuckDB has none, and its macros take no function."""
    array, condition = node.expressions
    of_type(array, ARRAY, what=node.name)
    if not isinstance(condition, exp.Lambda):
        wrong(f"{node.name} takes a function")
    made = call(f"trino_{node.name.lower()}", call("list_transform", array, condition))
    made.type = exp.DataType.build("boolean")
    return made


def _map(node: Any) -> Node:
    for name in ("keys", "values"):
        if node.args.get(name) is None:
            refuse("an empty map")
        of_type(node.args[name], ARRAY, what="map")
    return call("map", node.args["keys"], node.args["values"])


def _unnest(node: Any) -> None:
    for one in node.expressions:
        if family(one) == MAP:
            wrong("a map has two columns", "write UNNEST(m) AS t (k, v)")
        of_type(one, ARRAY, what="UNNEST")


RULES: Mapping[type, Rule] = {
    exp.Array: _array,
    exp.ArraySize: _size,
    exp.ArrayContains: _contains,
    exp.Bracket: _subscript,
    exp.ArrayToString: _array_join,
    exp.ArraySort: _array_sort,
    exp.ArrayDistinct: _named_array("trino_array_distinct"),
    exp.ArrayMax: _named_array("trino_array_max"),
    exp.ArrayMin: _named_array("trino_array_min"),
    exp.Flatten: _named_array("flatten"),
    exp.ArrayPosition: _array_position,
    exp.ArrayExcept: _array_except,
    exp.ArrayIntersect: _array_intersect,
    exp.ArrayRemove: _array_remove,
    exp.ArraySlice: _slice,
    exp.GenerateSeries: _sequence,
    exp.ArrayFilter: _with_function("list_filter"),
    exp.Transform: _with_function("list_transform"),
    exp.Reduce: _reduce,
    **dict.fromkeys((exp.Map, exp.VarMap), _map),
    exp.Unnest: _unnest,
}
