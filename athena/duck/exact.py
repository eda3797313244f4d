"""Queries that a user wrote, asked of DuckDB so that it answers what Athena and Trino do, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from athena.duck.conditions import FROM_PACKAGES
from athena.duck.dialect import parsed
from athena.duck.grammar import refuse_other_forms
from athena.duck.inference import typed
from athena.duck.nodes import refuse, wrong
from athena.duck.parts import refuse_other_parts
from athena.duck.translation import translated
from athena.duck.unnesting import refer_to_one_array
from venvbuild.errors import QueryEngineError
from venvbuild.text import first_line, shown


def exactly(sql: str, schema: Mapping[str, Mapping[str, str]]) -> str:
    """A query of a user's, translated so that it answers what Athena and Trino do; it needs `macros`.

    `schema` has the columns of each table, with their types as Hive writes them.

    Raises:
        QueryEngineError: it cannot be read, Athena and Trino refuse it, or DuckDB would answer otherwise than they;
            with the reason, and what to write. UsageError: it is none, or several.
    """
    tree = parsed(sql)
    if isinstance(_outermost(tree), exp.Values):
        refuse("VALUES alone", "write SELECT * FROM (VALUES ...) AS t (a, b)")
    if not isinstance(tree, exp.Query):
        wrong(f"{type(tree).__name__.upper()} is no query of Athena or Trino", "write SELECT")
    for select in tree.find_all(exp.Select):
        _refuse_other_dialects(select)
    refuse_other_forms(sql)
    refuse_other_parts(tree)
    _refuse_hidden_columns(tree)
    _refuse_aliases(tree, schema)
    _refuse_named_by_one_side(tree)
    _refuse_alias_as_column(tree)
    _refuse_two_meanings(tree)
    try:
        return _translated(tree, schema)
    except RecursionError:
        raise QueryEngineError(
            "the SQL cannot be read", why="it is nested too deep", fix="write fewer operators in one expression"
        ) from None


def _translated(tree: exp.Expr, schema: Mapping[str, Mapping[str, str]]) -> str:
    written = _names_in(tree)
    refer_to_one_array(tree)
    _mark_unnamed(tree)
    known = typed(tree, schema)
    _refuse_same_names(known)
    try:
        return _named(translated(known), written).sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        refuse(first_line(error))


def _refuse_other_dialects(node: exp.Select) -> None:
    """What sqlglot reads and DuckDB answers, and neither Athena nor Trino knows."""
    group = node.args.get("group")
    if group is not None and group.args.get("all"):
        wrong("GROUP BY ALL is not SQL of Athena or Trino", "name the columns")
    if not node.expressions:
        wrong("a query begins with SELECT")
    for one in node.expressions:
        if isinstance(one, exp.Star) and any(one.args.values()):
            wrong("* is without EXCEPT, EXCLUDE and REPLACE there", "name the columns")
    for join in node.args.get("joins") or ():
        if join.args.get("method") or str(join.args.get("kind") or "").upper() in ("SEMI", "ANTI"):
            refuse("NATURAL, ASOF, SEMI and ANTI joins", "write JOIN ... ON or EXISTS")


def _refuse_hidden_columns(tree: exp.Expr) -> None:
    for column in tree.find_all(exp.Column):
        if column.name.startswith("$"):
            raise QueryEngineError(
                f'"{shown(column.name)}" is a column of Athena and Trino alone',
                why="DuckDB reads the catalog from a cache",
                fix="the file of a build is venv-catalog/builds/dt=DAY/VENV_VERSION.json in the store",
            )


def _refuse_named_by_one_side(tree: exp.Expr) -> None:
    """Of a column of USING there is one for both sides (SQL-92, 7.5); to name it by one of them is an error there."""
    for select in tree.find_all(exp.Select):
        using = {one.name for join in select.args.get("joins") or [] for one in join.args.get("using") or []}
        for column in select.find_all(exp.Column) if using else ():
            if column.table and column.name in using and column.find_ancestor(exp.Select) is select:
                raise QueryEngineError(
                    f"{shown(column.sql())} is of no side alone: the query joins USING ({shown(column.name)})",
                    fix=f"write {shown(column.name)}",
                )


def _refuse_alias_as_column(tree: exp.Expr) -> None:
    for unnest in tree.find_all(exp.Unnest):
        alias = unnest.args.get("alias")
        name = alias.name if alias is not None and not alias.columns else None
        if name and any(column.name == name and not column.table for column in tree.find_all(exp.Column)):
            raise QueryEngineError(
                "the SQL is refused, as Athena and Trino do",
                why=f"column {shown(repr(name))} cannot be resolved: the alias of UNNEST names a table",
                fix=FROM_PACKAGES,
            )


def _refuse_two_meanings(tree: exp.Expr) -> None:
    """In an expression of ORDER BY a name is the alias to Athena and Trino and the column to DuckDB."""
    for select in tree.find_all(exp.Select):
        aliases = {
            one.alias: one.this for one in select.expressions if isinstance(one, exp.Alias)
            and not (isinstance(one.this, exp.Column) and one.this.name == one.alias)
        }  # fmt: skip
        order = select.args.get("order")
        for ordered in order.expressions if order is not None and aliases else ():
            if isinstance(ordered.this, exp.Column):
                continue
            for column in ordered.this.find_all(exp.Column):
                inner = aliases.get(column.name)
                if (
                    not column.table
                    and inner is not None
                    and any(one.name == column.name for one in inner.find_all(exp.Column))
                ):
                    raise QueryEngineError(
                        "DuckDB is not asked: it may answer otherwise than Athena and Trino",
                        why=f"{shown(column.name)} in ORDER BY is a column and an alias of SELECT",
                        fix="give the alias another name, or order by it alone",
                    )


_UNNAMED = "venvbuild_unnamed_"
"""What a column without a name is called meanwhile: nobody can ask for it, as there."""


def _names_in(tree: exp.Expr) -> dict[str, str]:
    """The names of columns as they are written: sqlglot makes small letters of those without quotes."""
    selects = [*tree.find_all(exp.Select), _outermost(tree)]
    return {one.output_name.lower(): one.output_name for select in selects for one in select.expressions
            if one.output_name and not one.is_star}  # fmt: skip


def _mark_unnamed(tree: exp.Expr) -> None:
    for select in tree.find_all(exp.Select):
        for at, one in enumerate(list(select.expressions)):
            if isinstance(one, exp.Paren) and isinstance(one.unnest(), exp.Column):
                one.replace(one.unnest())
            elif not one.is_star and not isinstance(one, (exp.Alias, exp.Column, exp.Dot)):
                one.replace(exp.alias_(one.copy(), f"{_UNNAMED}{at}"))


def _refuse_aliases(tree: exp.Expr, schema: Mapping[str, Mapping[str, str]]) -> None:
    """Names of columns behind an alias are those of all columns; a query that asks itself has them all."""
    for alias in tree.find_all(exp.TableAlias):
        of = alias.parent
        if not isinstance(of, exp.Table):
            continue
        columns = schema.get(of.name.lower())
        if columns and alias.columns and len(alias.columns) != len(columns):
            wrong(f"{shown(of.name)} has {len(columns)} columns, and {len(alias.columns)} have names behind the alias")
    for query in tree.find_all(exp.With):
        for one in query.expressions if query.args.get("recursive") else ():
            is_itself = any(table.name == one.alias for table in one.this.find_all(exp.Table))
            if is_itself and not one.args["alias"].columns:
                wrong(f"{shown(one.alias)} asks itself, and its columns have no names", "write WITH RECURSIVE t (n) AS")


def _refuse_same_names(tree: exp.Expr) -> None:
    """In a query inside another: whoever asks it by that name would get the first one."""
    outermost = _outermost(tree)
    for select in tree.find_all(exp.Select):
        names = [one.output_name for one in select.expressions]
        twice = next((one for one in names if names.count(one) > 1), None)
        if twice and select is not outermost and isinstance(select.parent, (exp.Subquery, exp.CTE)):
            refuse(f"two columns of a query inside are called {shown(twice)}", "give each a name of its own")


def _named(tree: exp.Expr, written: Mapping[str, str]) -> exp.Expr:
    """With the names that Athena and Trino give: as written, `_col1` where nothing is."""
    names = {}
    for at, one in enumerate(list(_outermost(tree).expressions)):
        found = one.output_name
        name = f"_col{at}" if re.match(rf"{_UNNAMED}|_col_[0-9]+$", found) else written.get(found.lower(), found)
        names[found] = name
        if name != found or not isinstance(one, exp.Alias):
            value = one.this if isinstance(one, exp.Alias) else one
            one.replace(exp.alias_(value.copy(), name, quoted=True))
    for column in list(tree.find_all(exp.Column)):
        if not column.table and column.name.startswith(_UNNAMED) and column.name in names:
            column.set("this", exp.to_identifier(names[column.name], quoted=True))
    return tree


def _outermost(tree: exp.Expr) -> exp.Expr:
    """The SELECT whose columns have the names of the answer's."""
    while isinstance(tree, (exp.SetOperation, exp.Subquery)):
        tree = tree.this
    return tree
