"""Arithmetic: what whole numbers, decimals and doubles give (Trino, "Decimal functions and operators")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import (
    Node,
    Rule,
    call,
    cast,
    in_brackets,
    literal_number,
    literal_text,
    named,
    of_type,
    refuse,
    wrong,
)
from athena.duck.types import ANY, DATE, INTERVAL, NUMBER, TIMESTAMP, decimal_of, family, is_integer
from venvbuild.text import shown


def _arithmetic(node: Any) -> Node | None:
    left, right = node.this, node.expression
    families = {family(left), family(right)}
    what = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}[type(node)]
    if isinstance(left, exp.Null) or isinstance(right, exp.Null):
        return None
    if ANY in families:
        unknown = left if family(left) == ANY else right
        refuse(f"the type of {shown(unknown.sql('athena'), 60)} is not known, which {what} depends on", "CAST it")
    if families == {NUMBER}:
        return _of_numbers(node, left, right)
    if what in "+-" and INTERVAL in families and families <= {DATE, TIMESTAMP, INTERVAL}:
        return _moved(node, left, right)
    if what == "-" and families <= {DATE, TIMESTAMP}:
        if families == {DATE}:
            return call("to_days", cast(exp.Paren(this=node.copy()), "INTEGER"))
        return None
    if families == {NUMBER, INTERVAL} and what in "*/":
        refuse(f"an interval {what} a number", "write the interval that comes out")
    return wrong(f"{what} does not go between {named(left)} and {named(right)}")


def _of_numbers(node: Any, left: Node, right: Node) -> Node | None:
    if node.type is None or node.type.this in (exp.DType.DOUBLE, exp.DType.FLOAT):
        if isinstance(node, exp.Div):
            return exp.Div(this=in_brackets(cast(left, "DOUBLE")), expression=in_brackets(cast(right, "DOUBLE")))
        return None
    kind = node.type.this
    if isinstance(node, exp.Div):
        if kind == exp.DType.DECIMAL:
            return _decimals_divided(left, right)
        # DuckDB's for whole numbers, which rounds towards zero as Trino's does, and fails for zero
        return cast(call("divide", left, right), node.type.sql("duckdb"))
    if kind != exp.DType.DECIMAL:
        # an overflow is an error there; DuckDB would go on with a larger type
        return cast(in_brackets(node.copy()), node.type.sql("duckdb"))
    if isinstance(node, exp.Mul):
        scale = (decimal_of(left) or (0, 0))[1] + (decimal_of(right) or (0, 0))[1]
        if scale > 18:
            refuse("these decimals have too many digits", "CAST one of them AS double")
    return None


def _decimals_divided(left: Node, right: Node) -> Node:
    """With whole numbers, so that no digit is lost: `up` brings both to the scale of what comes out, which is rounded
    half away from zero.
    """
    (p, s), (_, t) = decimal_of(left) or (0, 0), decimal_of(right) or (0, 0)
    scale = max(s, t)
    whole = [_times(cast(one, f"DECIMAL(38, {of})"), 10**of, "HUGEINT") for one, of in ((left, s), (right, t))]
    quotient = call("trino_divide_decimals", *whole, exp.Literal.number(10 ** (scale - s + t)))
    precision = max(min(38, p + t + max(0, t - s)), scale + 1)
    if not scale:
        return cast(quotient, f"DECIMAL({precision}, 0)")
    # a decimal times 0.01 is exact, where a division would give a double
    unit = exp.Literal.number(f"0.{'0' * (scale - 1)}1")
    return _times(cast(quotient, f"DECIMAL({precision}, 0)"), unit, f"DECIMAL({precision}, {scale})")


def _times(one: Node, factor: int | Node, kind: str) -> Node:
    by = exp.Literal.number(factor) if isinstance(factor, int) else factor
    return cast(exp.Mul(this=in_brackets(one), expression=by), kind)


def _moved(node: Any, left: Node, right: Node) -> Node | None:
    """A day or an instant and an interval."""
    point, interval = (right, left) if family(left) == INTERVAL else (left, right)
    if family(point) == DATE:
        for one in interval.find_all(exp.Interval):
            unit = str(one.args.get("unit") or "").upper()
            if unit not in ("DAY", "WEEK", "MONTH", "YEAR"):
                wrong("to a date only days, months and years can be added")
        return cast(in_brackets(node.copy()), "DATE")
    return None


def _interval(node: Any) -> Node | None:
    unit = str(node.args.get("unit") or "").upper()
    if unit not in ("SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR") or literal_text(node.this) is None:
        refuse(f"INTERVAL ... {unit or 'without a unit'} is not among what was compared with Trino", "write a literal "
               "with one of SECOND, MINUTE, HOUR, DAY, MONTH, YEAR")  # fmt: skip
    if not re.fullmatch(r"[+-]?[0-9]+", node.this.name):
        wrong(f"{shown(node.this.name)} is no whole number of {unit}")
    return None


def _neg(node: Any) -> Node | None:
    if isinstance(node.parent, exp.Interval) and literal_text(node.this) is not None:
        return exp.Literal.string(f"-{node.this.name}")
    of_type(node.this, NUMBER, INTERVAL, what="-")
    return None


def _numeric(node: Any) -> None:
    of_type(node.this, NUMBER, what=node.sql_name().lower())


def _whole(node: Any) -> Node | None:
    _numeric(node)
    digits = literal_number(node.args.get("decimals")) if isinstance(node, exp.Round) else None
    if digits is not None and digits < 0 and decimal_of(node.this) is not None:
        return _rounded_to_tens(node, digits)
    if is_integer(node.this):
        return node.this.copy() if type(node) in (exp.Ceil, exp.Floor, exp.Trunc, exp.Round) else cast(
            node.copy(), node.type.sql("duckdb"))  # fmt: skip
    if isinstance(node, exp.Trunc) and node.args.get("decimals") is not None:
        refuse("truncate with a number of digits", "write round")
    if isinstance(node, exp.Round) and node.args.get("decimals") is not None:
        if digits is None:
            refuse("round to a number of digits that is no literal", "write the number")
        if decimal_of(node.this) is None:
            # DuckDB's own is off by one in the last digit where a decimal fraction has no exact double
            factor = exp.Literal.number(f"1e{digits}")
            return in_brackets(exp.Div(this=call("round", exp.Mul(this=in_brackets(node.this.copy()),
                                        expression=factor)), expression=factor.copy()))  # fmt: skip
    return None


def _rounded_to_tens(node: Any, digits: int) -> Node:
    if not is_integer(node.this):
        refuse("a decimal rounded to tens", "CAST it AS double")
    whole = call("trino_round", cast(node.this, "HUGEINT"), exp.Literal.number(10**-digits))
    return cast(whole, node.type.sql("duckdb"))


def _double(node: Any) -> Node:
    of_type(node.this, NUMBER, what=node.sql_name().lower())
    made: Node = node.copy()
    made.set("this", cast(node.this, "DOUBLE"))
    return made


def _log(node: Any) -> Node:
    base = literal_number(node.this)
    if base not in (2, 10):
        refuse("log with a base is not among what was compared with Trino", "write log2 or log10")
    of_type(node.expression, NUMBER, what="log")
    return call(f"log{base}", cast(node.expression, "DOUBLE"))


RULES: Mapping[type, Rule] = {
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
    exp.Neg: _neg,
    exp.Interval: _interval,
    exp.Abs: _numeric,
    **dict.fromkeys((exp.Round, exp.Ceil, exp.Floor, exp.Trunc, exp.Sign), _whole),
    **dict.fromkeys((exp.Sqrt, exp.Exp, exp.Ln, exp.Cbrt), _double),
    exp.Log: _log,
}
