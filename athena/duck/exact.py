"""Queries that a user wrote, asked of DuckDB so that it answers what Athena and Trino do, or refused."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from athena.duck.conditions import FROM_PACKAGES
from athena.duck.dialect import parsed
from athena.duck.inference import typed
from athena.duck.nodes import wrong
from athena.duck.translation import translated
from venvbuild.errors import QueryEngineError
from venvbuild.text import shown


def exactly(sql: str, schema: Mapping[str, Mapping[str, str]]) -> str:
    """A query of a user's, translated so that it answers what Athena and Trino do; it needs `macros`.

    `schema` has the columns of each table, with their types as Hive writes them.

    Raises:
        QueryEngineError: it cannot be read, Athena and Trino refuse it, or DuckDB would answer otherwise than they;
            with the reason, and what to write. UsageError: it is none, or several.
    """
    tree = parsed(sql)
    for select in tree.find_all(exp.Select):
        _refuse_other_dialects(select)
    _refuse_hidden_columns(tree)
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
    names = _names_of(tree)
    # before, too: ORDER BY 1 becomes the name
    made = _renamed(translated(typed(_renamed(tree, names), schema)), names)
    return made.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)


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
            wrong("NATURAL, ASOF, SEMI and ANTI joins are not read there", "write JOIN ... ON or EXISTS")


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


def _names_of(tree: exp.Expr) -> list[str]:
    """What Athena and Trino call the columns of an answer: as written, `_col1` where nothing is; none where a star
    stands for them.
    """
    selects = _outermost(tree).expressions
    if any(one.is_star for one in selects):
        return []
    return [
        one.output_name if isinstance(one, (exp.Alias, exp.Column, exp.Dot)) else f"_col{at}"
        for at, one in enumerate(selects)
    ]


def _renamed(tree: exp.Expr, names: list[str]) -> exp.Expr:
    for one, name in zip(list(_outermost(tree).expressions), names, strict=False):
        if one.output_name != name or (name.startswith("_col") and not isinstance(one, exp.Alias)):
            value = one.this if isinstance(one, exp.Alias) else one
            one.replace(exp.alias_(value.copy(), name, quoted=True))
    return tree


def _outermost(tree: exp.Expr) -> exp.Expr:
    """The SELECT whose columns have the names of the answer's."""
    while isinstance(tree, (exp.SetOperation, exp.Subquery)):
        tree = tree.this
    return tree
