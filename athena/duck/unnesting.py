"""UNNEST of a map or of several arrays, as UNNEST of one array and what is at the same place in the others."""

from __future__ import annotations

from sqlglot import exp

from athena.duck.nodes import refuse, wrong
from venvbuild.text import shown


def refer_to_one_array(tree: exp.Expr) -> None:
    """Change a statement whose columns have no tables yet, so that each UNNEST is of one array.

    `UNNEST(m) AS t (k, v)` is one of the keys of `m`, and `v` is what the map has for `k`; `UNNEST(a, b) AS t (x, y)`
    is one of the places, as many as the longer array has.

    Raises:
        QueryEngineError: which column is meant cannot be told.
    """
    for unnest in list(tree.find_all(exp.Unnest)):
        alias, ones = unnest.args.get("alias"), unnest.expressions
        columns = list(alias.columns) if alias is not None else []
        if len(ones) > 1 and len(columns) == len(ones):
            _places(unnest, columns)
        elif len(ones) == 1 and len(columns) == 2:
            _keys(unnest, columns)
        elif len(ones) > 1:
            wrong("UNNEST of several arrays has a name for each", "write UNNEST(a, b) AS t (x, y)")


def _keys(unnest: exp.Unnest, columns: list[exp.Identifier]) -> None:
    [one] = unnest.expressions
    key, value = columns
    unnest.set("expressions", [exp.MapKeys(this=one.copy())])
    unnest.args["alias"].set("columns", [key])
    found = exp.column(key.copy(), table=unnest.args["alias"].this)
    _replace(unnest, value, exp.Bracket(this=one.copy(), expressions=[found], offset=1, safe=True))


def _places(unnest: exp.Unnest, columns: list[exp.Identifier]) -> None:
    alias, arrays = unnest.args["alias"], list(unnest.expressions)
    ordinal = unnest.args.get("offset")
    at = ordinal if isinstance(ordinal, exp.Identifier) else exp.to_identifier("venvbuild_at")
    sizes = [exp.Coalesce(this=exp.ArraySize(this=one.copy()), expressions=[exp.Literal.number(0)]) for one in arrays]
    longest = exp.Greatest(this=sizes[0], expressions=sizes[1:])
    numbers = exp.GenerateSeries(start=exp.Literal.number(1), end=longest)
    is_some = exp.GT(this=longest.copy(), expression=exp.Literal.number(0))
    unnest.set("expressions", [exp.If(this=is_some, true=numbers, false=exp.Array(expressions=[]))])
    unnest.set("offset", None)
    alias.set("columns", [at.copy()])
    for name, array in zip(columns, arrays, strict=True):
        place = exp.column(at.copy(), table=alias.this)
        _replace(unnest, name, exp.Bracket(this=array.copy(), expressions=[place], offset=1, safe=True))


def _replace(unnest: exp.Unnest, name: exp.Identifier, value: exp.Expr) -> None:
    select = unnest.find_ancestor(exp.Select)
    if select is None or any(one.is_star for one in select.expressions):
        refuse("* beside UNNEST of a map or of several arrays", "name the columns")
    table = unnest.args["alias"].name
    for column in list(select.find_all(exp.Column)):
        if column.name.lower() != name.name.lower() or column.table.lower() not in ("", table.lower()):
            continue
        if column.find_ancestor(exp.Select) is not select:
            refuse(f"{shown(column.name)} of UNNEST in a query inside", "give the query a column of WITH instead")
        made = exp.Paren(this=value.copy())
        is_selected = column.parent is select and column.arg_key == "expressions"
        column.replace(exp.alias_(made, column.name) if is_selected else made)
