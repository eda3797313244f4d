"""The types of Trino and Athena, as sqlglot notes them on the parts of a statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

TEXT, NUMBER, BOOLEAN, DATE, TIMESTAMP, INTERVAL = "varchar", "number", "boolean", "date", "timestamp", "interval"
ARRAY, MAP, ROW, JSON, ANY = "array", "map", "row", "json", "unknown"

_Kind = exp.DType
_FAMILIES: Mapping[str, set[exp.DType]] = {
    TEXT: {_Kind.VARCHAR, _Kind.TEXT, _Kind.CHAR},
    NUMBER: {_Kind.TINYINT, _Kind.SMALLINT, _Kind.INT, _Kind.BIGINT, _Kind.DECIMAL, _Kind.DOUBLE, _Kind.FLOAT},
    BOOLEAN: {_Kind.BOOLEAN},
    DATE: {_Kind.DATE},
    TIMESTAMP: {_Kind.TIMESTAMP, _Kind.TIMESTAMPTZ},
    INTERVAL: {_Kind.INTERVAL},
    ARRAY: {_Kind.ARRAY, _Kind.LIST},
    MAP: {_Kind.MAP},
    ROW: {_Kind.STRUCT},
    JSON: {_Kind.JSON},
}
OF_KIND = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}
INTEGERS = {_Kind.TINYINT: 3, _Kind.SMALLINT: 5, _Kind.INT: 10, _Kind.BIGINT: 19}
"""Their digits as decimals."""
MAX_DIGITS = 38


def family(node: exp.Expr | None) -> str:
    """Which kind of value a node has, `ANY` where nobody knows."""
    found = node.type if node is not None else None
    return OF_KIND.get(found.this, ANY) if isinstance(found, exp.DataType) else ANY


def is_integer(node: exp.Expr) -> bool:
    """Whether it is a whole number by its type."""
    return bool(node.type and node.type.this in INTEGERS)


def decimal_of(node: exp.Expr) -> tuple[int, int] | None:
    """(precision, scale) of a decimal, or of an integer as one."""
    found = node.type
    if not found:
        return None
    if found.this in INTEGERS:
        return INTEGERS[found.this], 0
    if found.this == _Kind.DECIMAL and len(found.expressions) == 2:
        precision, scale = (int(one.name) for one in found.expressions)
        return precision, scale
    return None


def decimal(precision: int, scale: int) -> exp.DataType:
    """The type."""
    parts = [exp.DataTypeParam(this=exp.Literal.number(one)) for one in (min(MAX_DIGITS, precision), scale)]
    return exp.DataType(this=_Kind.DECIMAL, expressions=parts)


def array_of(element: exp.DataType | None) -> exp.DataType:
    """The type."""
    return exp.DataType(this=_Kind.ARRAY, expressions=[element.copy()] if element else [], nested=True)


def branches(node: exp.Expr) -> Iterator[exp.Expr]:
    """What a conditional may give."""
    if isinstance(node, exp.Case):
        yield from (one.args["true"] for one in node.args["ifs"])
    elif isinstance(node, exp.If):
        yield node.args["true"]
    else:
        yield from (node.this, *node.expressions)
    for name in ("default", "false"):
        if node.args.get(name) is not None:
            yield node.args[name]


def common(nodes: list[exp.Expr]) -> exp.DataType | None:
    """The type that holds them all; None where they have none in common, or nobody knows."""
    known = [one for one in nodes if not isinstance(one, exp.Null)]
    if not known or len({family(one) for one in known}) > 1:
        return None
    kinds = [one.type for one in known if one.type]
    if family(known[0]) != NUMBER:
        stamped = [kind for kind in kinds if kind.this == _Kind.TIMESTAMPTZ]
        return (stamped or kinds)[0]
    if any(kind.this in (_Kind.DOUBLE, _Kind.FLOAT) for kind in kinds):
        return exp.DataType.build("double")
    if all(kind.this in INTEGERS for kind in kinds):
        return max(kinds, key=lambda kind: INTEGERS[kind.this])
    decimals = [found for one in known if (found := decimal_of(one))]
    scale = max(one for _, one in decimals)
    return decimal(max(precision - one for precision, one in decimals) + scale, scale)
