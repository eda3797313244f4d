"""From one type to another, and JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import Node, Rule, call, cast, literal_text, named, number, of_type, refuse
from athena.duck.types import (
    ANY,
    ARRAY,
    BOOLEAN,
    DATE,
    INTEGERS,
    JSON,
    MAP,
    NUMBER,
    OF_KIND,
    ROW,
    TEXT,
    TIMESTAMP,
    decimal_of,
    family,
    is_integer,
)
from venvbuild.text import shown

_K = exp.DType


_CASTS = {
    TEXT: {_K.VARCHAR, _K.TEXT, _K.CHAR}, NUMBER: {_K.TINYINT, _K.SMALLINT, _K.INT, _K.BIGINT, _K.DECIMAL, _K.DOUBLE},
    BOOLEAN: {_K.BOOLEAN}, DATE: {_K.DATE}, TIMESTAMP: {_K.TIMESTAMP, _K.TIMESTAMPTZ}, JSON: {_K.JSON},
    ARRAY: {_K.ARRAY, _K.LIST},
}  # fmt: skip


def _casting(node: Any) -> Node | None:
    to, one = node.args["to"], node.this
    is_tried = isinstance(node, exp.TryCast)
    wanted = next((name for name, kinds in _CASTS.items() if to.this in kinds), ANY)
    if isinstance(one, exp.Null):
        return None
    have = family(one)
    if have == ANY:
        refuse(f"the type of {shown(one.sql('athena'), 60)} is not known, which CAST depends on")
    made = _cast_between(one, to, have, wanted)
    if not is_tried:
        return made
    if isinstance(made, exp.Anonymous) and made.name.startswith("trino_"):
        # what the macros fail by cannot be caught
        return call(made.name.replace("trino_", "trino_try_"), *made.expressions)
    if isinstance(made, exp.Cast) and isinstance(made.this, exp.Anonymous):
        inner = made.this
        return exp.TryCast(
            this=call(inner.name.replace("trino_", "trino_try_"), *inner.expressions), to=made.args["to"]
        )
    if made is None:
        return exp.TryCast(this=one.copy(), to=exp.DataType.build(to.sql("duckdb"), dialect="duckdb"))
    return exp.Try(this=made)


def _cast_between(one: Node, to: exp.DataType, have: str, wanted: str) -> Node | None:
    pair = (have, wanted)
    if wanted == TEXT:
        return _as_text(one, to, have)
    if wanted == JSON:
        return _as_json(one, have)
    if pair == (TEXT, NUMBER):
        if to.this == _K.DOUBLE:
            return call("trino_double", one)
        if to.this == _K.DECIMAL:
            refuse("CAST of text AS decimal", "CAST it AS double or bigint")
        return cast(call("trino_bigint", one), to.sql("duckdb"))
    if pair == (NUMBER, NUMBER):
        is_rounded = to.this in (_K.TINYINT, _K.SMALLINT, _K.INT, _K.BIGINT) and decimal_of(one) is None
        return cast(call("round", one), to.sql("duckdb")) if is_rounded else cast(one, to.sql("duckdb"))
    if pair == (TEXT, DATE):
        return None if _is_day(one) else call("trino_date", one)
    if pair == (TEXT, TIMESTAMP):
        if to.this == _K.TIMESTAMPTZ:
            if (literal_text(one) or "").endswith(" UTC"):
                return call("trino_timestamp", exp.Literal.string(one.name.removesuffix(" UTC")))
            refuse("CAST of text AS timestamp with time zone", "write from_iso8601_timestamp")
        return call("trino_timestamp", one)
    if pair == (TEXT, BOOLEAN):
        return call("trino_boolean", one)
    if pair == (BOOLEAN, NUMBER) and to.this in INTEGERS:
        return cast(one, to.sql("duckdb"))
    if pair == (NUMBER, BOOLEAN) and is_integer(one):
        return cast(one, "BOOLEAN")
    if pair == (TIMESTAMP, DATE):
        return cast(one, "DATE")
    if pair in ((DATE, TIMESTAMP), (TIMESTAMP, TIMESTAMP)):
        if to.expressions and pair == (TIMESTAMP, TIMESTAMP):
            refuse("CAST to fewer digits of a second", "write CAST AS timestamp")
        return cast(one, "TIMESTAMP")
    if pair == (ARRAY, ARRAY):
        return _between_arrays(one, to)
    if have == wanted and wanted in (BOOLEAN, DATE):
        return None
    return refuse(f"CAST of {named(one)} AS {to.sql('athena').lower()}")


def _between_arrays(one: Node, to: exp.DataType) -> Node:
    have = one.type.expressions[0] if one.type and one.type.expressions else None
    wanted = to.expressions[0] if to.expressions else None
    if isinstance(wanted, exp.DataType) and not wanted.expressions:
        are_whole = wanted.this in INTEGERS and isinstance(have, exp.DataType) and have.this in INTEGERS
        are_plain = OF_KIND.get(wanted.this) in (TEXT, BOOLEAN, DATE) and isinstance(have, exp.DataType) and (
            OF_KIND.get(have.this) == OF_KIND.get(wanted.this))  # fmt: skip
        if have is None or are_whole or are_plain:
            return cast(one, to.sql("duckdb"))
    return refuse("CAST of an array AS one of other elements", "write transform(a, x -> CAST(x AS ...))")


def _as_json(one: Node, have: str) -> Node | None:
    kind = one.type or exp.DataType.build("unknown")
    if have == MAP and len(kind.expressions) == 2 and OF_KIND.get(kind.expressions[0].this) == TEXT:
        is_double = kind.expressions[1].this == _K.DOUBLE
        entries = _plain_entries(one) if is_double else call("map_entries", one)
        if is_double or _is_plain_in_json(kind.expressions[1]):
            # by its keys there (MapToJsonCast)
            return cast(call("map_from_entries", call("list_sort", entries)), "JSON")
    if have == ARRAY and kind.expressions and kind.expressions[0].this == _K.DOUBLE:
        element = exp.to_identifier("venvbuild_x")
        inner = exp.Lambda(this=call("trino_plain", element), expressions=[element])
        return cast(call("list_transform", one, inner), "JSON")
    if have in (TEXT, ARRAY, ROW, NUMBER, BOOLEAN) and _is_plain_in_json(kind):
        return call("to_json", one)
    return refuse(f"CAST of {named(one)} AS json where fractions, instants or maps are inside")


def _plain_entries(one: Node) -> Node:
    """Of a map with doubles, which are checked."""
    entry = exp.to_identifier("venvbuild_x")
    key, value = (exp.Dot(this=entry.copy(), expression=exp.to_identifier(name)) for name in ("key", "value"))
    parts = {"k": key, "v": call("trino_plain", value)}
    pair = exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=part) for name, part in parts.items()]
    )
    return call("list_transform", call("map_entries", one), exp.Lambda(this=pair, expressions=[entry]))


def _is_plain_in_json(kind: Any) -> bool:
    """Whether a value is written alike there and here, whatever it is."""
    if isinstance(kind, exp.ColumnDef):
        kind = kind.args["kind"]
    if OF_KIND.get(kind.this) in (ARRAY, ROW):
        return all(_is_plain_in_json(one) for one in kind.expressions)
    return OF_KIND.get(kind.this) in (TEXT, BOOLEAN, DATE) or kind.this in INTEGERS


def _is_day(node: Node) -> bool:
    return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", literal_text(node) or ""))


def _as_text(one: Node, to: exp.DataType, have: str) -> Node | None:
    if have == TIMESTAMP:
        refuse("CAST of a timestamp AS varchar", "write date_format(..., '%Y-%m-%d %H:%i:%s')")
    if have == NUMBER and one.type is not None and one.type.this in (_K.DOUBLE, _K.FLOAT):
        refuse("CAST of a double AS varchar", "CAST it AS decimal(18, 2) first, with as many digits as you want")
    if have not in (TEXT, NUMBER, BOOLEAN, DATE):
        refuse(f"CAST of {named(one)} AS varchar", "write json_format(CAST(... AS json))")
    made = cast(one, "VARCHAR")
    if to.expressions:
        if have != TEXT:
            refuse("CAST of what is no text AS varchar with a length", "CAST it AS varchar")
        return call("substring", made, number(1), exp.Literal.number(to.expressions[0].name))
    return made


def _json_format(node: Any) -> Node:
    of_type(node.this, JSON, what="json_format")
    return cast(node.this, "VARCHAR")


def _json_scalar(node: Any) -> Node:
    of_type(node.this, JSON, TEXT, what="json_extract_scalar")
    path = node.expression
    parts = [one for one in path.expressions if not isinstance(one, exp.JSONPathRoot)] if isinstance(
        path, exp.JSONPath) else None  # fmt: skip
    if parts is None or not all(isinstance(one, (exp.JSONPathKey, exp.JSONPathSubscript)) for one in parts):
        refuse("json_extract_scalar by such a path", "write a path like $.name or $[0]")
    text = "$" + "".join(
        f"[{one.this}]" if isinstance(one, exp.JSONPathSubscript) else f'."{one.this}"' for one in parts
    )
    return call("trino_json_scalar", cast(node.this, "JSON"), exp.Literal.string(text))


RULES: Mapping[type, Rule] = {
    **dict.fromkeys((exp.Cast, exp.TryCast), _casting),
    exp.JSONFormat: _json_format,
    exp.JSONExtractScalar: _json_scalar,
}
