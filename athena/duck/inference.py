"""What type each part of a statement has on Trino and Athena: sqlglot's inference, with their rules for numbers.

Sources: Trino's documentation, "Data types", "Decimal functions and operators", "Conditional expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects import Dialect
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from athena.duck.types import (
    ANY,
    ARRAY,
    DATE,
    INTEGERS,
    INTERVAL,
    MAP,
    MAX_DIGITS,
    NUMBER,
    OF_KIND,
    TIMESTAMP,
    array_of,
    branches,
    common,
    decimal,
    decimal_of,
    family,
    is_integer,
)
from venvbuild.errors import QueryEngineError
from venvbuild.text import first_line

_Kind = exp.DType
Annotator = Callable[[Any, exp.Expr], object]


def typed(tree: exp.Expr, schema: Mapping[str, Mapping[str, str]]) -> exp.Expr:
    """The statement with each column named by its table, and a type on each node.

    Raises:
        QueryEngineError: it names what is not there.
    """
    try:
        known = MappingSchema(
            {table: {name: exp.DataType.build(kind, dialect="hive") for name, kind in columns.items()}
             for table, columns in schema.items()},
            dialect="athena",
        )  # fmt: skip
        asked = _having_as_where(tree)
        named = qualify(tree, schema=known, dialect="athena", quote_identifiers=False, expand_alias_refs=False)
        _where_as_having(asked)
        annotated = annotate_types(named, schema=known, expression_metadata=_rules(), dialect="athena")
        # a lambda's argument has the type of an element, which is known only once the array around it has been typed
        for _ in range(_MAX_LAMBDA_DEPTH):
            new = [one for one in annotated.find_all(exp.Lambda) if _type_arguments(one)]
            if not new:
                break
            annotated = annotate_types(
                annotated, schema=known, expression_metadata=_rules(), dialect="athena", overwrite_types=False
            )
    except OptimizeError as error:
        raise _not_there(error) from error
    return annotated


_MAX_LAMBDA_DEPTH = 4


def _having_as_where(tree: exp.Expr) -> list[tuple[exp.Expr, exp.Where | None, exp.Paren]]:
    """Each HAVING moved to where sqlglot resolves columns by the tables; in HAVING it takes them for aliases."""
    found: list[tuple[exp.Expr, exp.Where | None, exp.Paren]] = []
    for select in [one for one in tree.find_all(exp.Select) if one.args.get("having")]:
        where, held = select.args.get("where"), exp.Paren(this=select.args["having"].this)
        select.set("having", None)
        select.set("where", exp.Where(this=exp.And(this=where.this, expression=held) if where else held))
        found.append((select, where, held))
    return found


def _where_as_having(moved: list[tuple[exp.Expr, exp.Where | None, exp.Paren]]) -> None:
    for select, where, held in moved:
        joined = select.args["where"].this
        select.set("having", exp.Having(this=held.this))
        select.set("where", exp.Where(this=joined.this) if where else None)


def _not_there(error: OptimizeError) -> QueryEngineError:
    return QueryEngineError("the SQL cannot be read", why=first_line(error), fix="correct the query")


def _type_arguments(function: exp.Lambda) -> bool:
    """Give a lambda's arguments the type of the elements they stand for; whether that is new."""
    around = function.parent
    array = around.this if isinstance(around, exp.Func) and isinstance(around.this, exp.Expr) else None
    if isinstance(around, exp.Anonymous):
        array = around.expressions[0] if around.expressions else None
    if array is None or family(array) != ARRAY or not array.type or not array.type.expressions:
        return False
    names = [one.name for one in function.expressions]
    kinds = [array.type.expressions[0]]
    if isinstance(around, exp.Reduce):
        state = around.args["initial"].type
        kinds = [state, kinds[0]] if function is around.args["merge"] else [state]
    is_new = False
    for name, kind in zip(names, kinds, strict=False):
        for one in function.find_all(exp.Identifier):
            is_argument = one.name == name and not isinstance(one.parent, (exp.Column, exp.Dot))
            if is_argument and kind is not None and family(one) == ANY and kind.this in OF_KIND:
                one.type = kind
                is_new = True
    outer: exp.Expr | None = function if is_new else None
    while outer is not None:  # what has a type is not looked into again
        outer.type = exp.DataType.build("unknown")
        outer = outer.parent
    return is_new


def _as_this(it: Any, node: exp.Expr) -> None:
    inner = node.this
    if isinstance(node, exp.Distinct):
        inner = node.expressions[0] if node.expressions else None
    it._set_type(node, inner.type if isinstance(inner, exp.Expr) else None)


def _literal(it: Any, node: exp.Expr) -> None:
    text = node.name
    if node.args["is_string"]:
        kind: Any = _Kind.VARCHAR
    elif "e" in text.lower():
        kind = _Kind.DOUBLE
    elif "." in text:
        whole, _, fraction = text.partition(".")
        kind = decimal(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    else:
        kind = _Kind.INT if int(text) < 2**31 else _Kind.BIGINT
    it._set_type(node, kind)


def _sum(it: Any, node: exp.Expr) -> None:
    left, right = node.left, node.right  # type: ignore[attr-defined]
    families = {family(left), family(right)}
    kind: Any = None
    if families == {NUMBER}:
        kind = _number(left, right, lambda p, s, q, t: (max(p - s, q - t) + max(s, t) + 1, max(s, t)))
        if isinstance(node, exp.Mod) and kind is not None and kind.this == _Kind.DECIMAL:
            (p, s), (q, t) = decimal_of(left) or (0, 0), decimal_of(right) or (0, 0)
            kind = decimal(min(p - s, q - t) + max(s, t), max(s, t))
    elif INTERVAL in families and families & {DATE, TIMESTAMP}:
        kind = (right if family(left) == INTERVAL else left).type
    elif families == {INTERVAL} or (isinstance(node, exp.Sub) and families <= {DATE, TIMESTAMP}):
        kind = _Kind.INTERVAL
    it._set_type(node, kind)


def _product(it: Any, node: exp.Expr) -> None:
    left, right = node.left, node.right  # type: ignore[attr-defined]
    families = {family(left), family(right)}
    if families == {NUMBER, INTERVAL}:
        it._set_type(node, _Kind.INTERVAL)
    else:
        is_number = families == {NUMBER}
        it._set_type(node, _number(left, right, lambda p, s, q, t: (p + q, s + t)) if is_number else None)


def _quotient(it: Any, node: exp.Expr) -> None:
    left, right = node.left, node.right  # type: ignore[attr-defined]
    is_number = {family(left), family(right)} == {NUMBER}
    it._set_type(node, _number(left, right, _of_quotient) if is_number else None)


def _of_quotient(precision: int, scale: int, _: int, other_scale: int) -> tuple[int, int]:
    return precision + other_scale + max(0, other_scale - scale), max(scale, other_scale)


def _number(
    left: exp.Expr, right: exp.Expr, rule: Callable[[int, int, int, int], tuple[int, int]]
) -> exp.DataType | None:
    kinds = [one.type.this for one in (left, right) if one.type]
    if _Kind.DOUBLE in kinds or _Kind.FLOAT in kinds:
        return exp.DataType.build("double")
    if all(kind in INTEGERS for kind in kinds):
        return exp.DataType.build(max(kinds, key=INTEGERS.__getitem__))
    of_left, of_right = decimal_of(left), decimal_of(right)
    return decimal(*rule(*of_left, *of_right)) if of_left and of_right else None


def _summed(node: exp.Expr) -> Any:
    if is_integer(node):
        return _Kind.BIGINT
    found = decimal_of(node)
    return decimal(MAX_DIGITS, found[1]) if found else _Kind.DOUBLE if family(node) == NUMBER else None


def _mean(node: exp.Expr) -> Any:
    return node.type if node.type and node.type.this == _Kind.DECIMAL else _Kind.DOUBLE


def _rounded(it: Any, node: exp.Expr) -> None:
    found = decimal_of(node.this)
    if found and not is_integer(node.this):
        precision, scale = found
        digits = node.args.get("decimals")
        it._set_type(node, decimal(precision + 1, scale) if digits else decimal(precision - scale + 1, 0))
    else:
        it._set_type(node, node.this.type)


def _array(it: Any, node: exp.Expr) -> None:
    it._set_type(node, array_of(common(node.expressions)))


def _map(it: Any, node: exp.Expr) -> None:
    parts = [_part(node.args[name].type, 0) for name in ("keys", "values") if node.args.get(name) is not None]
    if len(parts) == 2 and all(parts):
        it._set_type(node, exp.DataType(this=_Kind.MAP, expressions=[one.copy() for one in parts if one], nested=True))
    else:
        it._set_type(node, None)


def _element(it: Any, node: exp.Expr) -> None:
    around = node.this.type
    it._set_type(node, _part(around, 1 if family(node.this) == MAP else 0))


def _of_array(it: Any, node: exp.Expr) -> None:
    it._set_type(node, _part(node.this.type, 0))


def _part(kind: exp.DataType | None, at: int) -> exp.DataType | None:
    parts = kind.expressions if kind else []
    return parts[at] if len(parts) > at and isinstance(parts[at], exp.DataType) else None


def _anonymous(it: Any, node: exp.Expr) -> None:
    name, arguments = node.name.lower(), node.expressions
    first = arguments[0].type if arguments else None
    kind: Any = None
    if name in ("any_match", "all_match", "none_match", "arrays_overlap", "every"):
        kind = _Kind.BOOLEAN
    elif name in ("format_datetime", "to_iso8601"):
        kind = _Kind.VARCHAR
    elif name == "yow":
        kind = _Kind.BIGINT
    elif name == "codepoint":
        kind = _Kind.INT
    elif name == "map_values":
        kind = array_of(_part(first, 1))
    elif name in ("at_timezone", "with_timezone"):
        kind = _Kind.TIMESTAMPTZ
    elif name in ("histogram", "map_agg"):
        value = arguments[1].type if len(arguments) > 1 else exp.DataType.build("bigint")
        if first and value:
            kind = exp.DataType(this=_Kind.MAP, expressions=[first.copy(), value.copy()], nested=True)
    it._set_type(node, kind)


def _stepped(node: exp.Expr) -> exp.DataType | None:
    first = node.args["start"]
    return exp.DataType.build("bigint") if is_integer(first) else first.type


def _joined(it: Any, node: exp.Expr) -> None:
    ones = [node.this, node.expression] if isinstance(node, exp.DPipe) else node.expressions
    arrays = [one for one in ones if family(one) == ARRAY]
    it._set_type(node, common(arrays or ones))


def _conditional(it: Any, node: exp.Expr) -> None:
    it._set_type(node, common(list(branches(node))))


_RETURNS: dict[exp.DType, tuple[type[exp.Expr], ...]] = {
    _Kind.VARCHAR: (
        exp.SplitPart, exp.RegexpExtract, exp.RegexpReplace, exp.TimeToStr, exp.Replace, exp.Pad, exp.Lower,
        exp.Upper, exp.Trim, exp.Substring, exp.ConcatWs, exp.Chr, exp.ArrayToString, exp.JSONFormat,
        exp.JSONExtractScalar, exp.GroupConcat, exp.Format, exp.Translate, exp.Reverse,
    ),
    _Kind.BIGINT: (
        exp.Length, exp.StrPosition, exp.Count, exp.CountIf, exp.ApproxDistinct, exp.DateDiff, exp.Year, exp.Month,
        exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter, exp.WeekOfYear, exp.DayOfWeekIso, exp.DayOfYear,
        exp.YearOfWeek, exp.Extract, exp.ArraySize, exp.ArrayPosition, exp.Levenshtein, exp.RowNumber, exp.Rank,
        exp.DenseRank, exp.Ntile, exp.DayOfMonth,
    ),
    _Kind.DOUBLE: (
        exp.TimeToUnix, exp.Sqrt, exp.Pow, exp.Exp, exp.Ln, exp.Log, exp.Stddev, exp.StddevPop, exp.StddevSamp,
        exp.Variance, exp.VariancePop, exp.PercentRank, exp.CumeDist,
        exp.Corr, exp.Cbrt,
    ),
    _Kind.BOOLEAN: (
        exp.LogicalAnd, exp.LogicalOr, exp.RegexpLike, exp.StartsWith, exp.ArrayContains, exp.Exists, exp.In,
        exp.Between, exp.Escape, exp.IsNan,
    ),
    _Kind.DATE: (exp.LastDay, exp.FromISO8601Date, exp.CurrentDate, exp.Date),
    _Kind.TIMESTAMPTZ: (exp.FromISO8601Timestamp, exp.UnixToTime, exp.CurrentTimestamp, exp.AtTimeZone),
    _Kind.TIMESTAMP: (exp.StrToTime, exp.Localtimestamp),
    _Kind.JSON: (exp.ParseJSON, exp.JSONExtract),
}  # fmt: skip
_SAME_AS_THIS = (
    exp.TimestampTrunc, exp.DateTrunc, exp.DateAdd, exp.ArraySort, exp.ArrayDistinct, exp.ArrayExcept,
    exp.ArrayRemove, exp.ArrayFilter, exp.ArraySlice, exp.ArgMax, exp.ArgMin, exp.Max, exp.Min, exp.AnyValue,
    exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Abs, exp.Nullif, exp.Neg, exp.Paren,
    exp.Filter, exp.Window, exp.WithinGroup, exp.Try, exp.Ordered, exp.Order, exp.Distinct, exp.ApproxQuantile,
    exp.Alias,
)  # fmt: skip
_OWN: dict[type[exp.Expr], Annotator] = {
    exp.Literal: _literal,
    exp.Add: _sum, exp.Sub: _sum, exp.Mul: _product, exp.Div: _quotient, exp.Mod: _sum,
    exp.Sum: lambda it, node: it._set_type(node, _summed(node.this)),
    exp.Avg: lambda it, node: it._set_type(node, _mean(node.this)),
    exp.Round: _rounded, exp.Ceil: _rounded, exp.Floor: _rounded, exp.Trunc: _rounded, exp.Sign: _rounded,
    exp.ArrayAgg: lambda it, node: it._set_type(node, array_of(node.this.type)),
    exp.ArrayUniqueAgg: lambda it, node: it._set_type(node, array_of(node.this.type)),
    exp.Split: lambda it, node: it._set_type(node, array_of(exp.DataType.build("varchar"))),
    exp.RegexpExtractAll: lambda it, node: it._set_type(node, array_of(exp.DataType.build("varchar"))),
    exp.Transform: lambda it, node: it._set_type(node, array_of(node.expression.this.type)),
    exp.Lambda: lambda it, node: it._set_type(node, node.this.type),
    exp.Reduce: lambda it, node: it._set_type(node, node.args["finish"].this.type),
    exp.GenerateSeries: lambda it, node: it._set_type(node, array_of(_stepped(node))),
    exp.ArrayIntersect: lambda it, node: it._set_type(node, node.expressions[0].type),
    exp.Array: _array, exp.Map: _map, exp.VarMap: _map, exp.Bracket: _element,
    exp.ArrayMax: _of_array, exp.ArrayMin: _of_array, exp.ArrayFirst: _of_array, exp.Flatten: _of_array,
    exp.MapKeys: lambda it, node: it._set_type(node, array_of(_part(node.this.type, 0))),
    exp.Anonymous: _anonymous,
    exp.Concat: _joined,
    exp.DPipe: _joined,
    exp.If: _conditional, exp.Case: _conditional, exp.Coalesce: _conditional,
    exp.Greatest: _conditional, exp.Least: _conditional,
    exp.Tuple: lambda it, node: it._set_type(node, None),
}  # fmt: skip


@cache
def _rules() -> dict[Any, Any]:
    """sqlglot's for Trino, and what it does not know."""
    found: dict[Any, Any] = dict(Dialect.get_or_raise("trino").EXPRESSION_METADATA)
    found |= {one: {"returns": kind} for kind, ones in _RETURNS.items() for one in ones}
    found |= {one: {"annotator": _as_this} for one in _SAME_AS_THIS}
    return found | {one: {"annotator": rule} for one, rule in _OWN.items()}
