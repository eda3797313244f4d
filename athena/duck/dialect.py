"""From Athena's SQL to DuckDB's: sqlglot, and what it leaves as it is although the two differ."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import NoReturn

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from athena.duck.nodes import ASK_OTHERS, refuse, wrong
from athena.duck.sql import CATALOG
from venvbuild.errors import QueryEngineError, UsageError
from venvbuild.text import first_line, shown

# Athena and Trino do not agree on these: `SHOW COLUMNS` has one column there and four here, LIKE another language
_COLUMNS_FIX = "ask SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{}'"
_EXPLAINED = re.compile(r"(?:(?:ANALYZE|VERBOSE)\s+|\([^()]*\)\s*)*SHOW\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # "Falling back to Command" is no news to a user


@lru_cache(maxsize=64)
def to_duckdb(sql: str) -> str:
    """One statement, translated.

    Raises:
        QueryEngineError: it cannot be read, or is a SHOW that is refused; with the reason. UsageError: it is none, or
            several.
    """
    tree = parsed(sql)
    if isinstance(tree, exp.Command):
        name, rest = tree.name.upper(), tree.expression.name if tree.expression else ""
        explained = _EXPLAINED.fullmatch(rest) if name == "EXPLAIN" else None
        if explained:
            _refuse_show(f"EXPLAIN {rest}", explained["rest"].split())
        if name == "SHOW":
            if rest.upper() != "TABLES":
                _refuse_show(f"SHOW {rest}", rest.split())
            ours = ", ".join(f"('{one}')" for one in sorted(CATALOG))
            return f'SELECT * FROM (VALUES {ours}) AS t ("Table")'  # noqa: S608
    return tree.transform(_same_meaning).sql(dialect="duckdb")


def _refuse_show(said: str, words: list[str]) -> NoReturn:
    """Refuse the SHOW with these words after it, with what to ask here instead, where there is such a thing."""
    kind = words[0].upper() if words else ""
    if not kind:
        wrong("SHOW alone asks for nothing", "ask SHOW TABLES")
    fix = ASK_OTHERS
    if kind in ("TABLES", "ALL", "VIEWS"):
        fix = "ask SHOW TABLES, which lists the table and its views"
    elif kind in ("COLUMNS", *map(str.upper, CATALOG)):
        named = [one for one in sorted(CATALOG) if one in {word.lower().strip(';"') for word in words}]
        fix = _COLUMNS_FIX.format(named[0] if named else "venv_builds")
    refuse(shown(" ".join(said.split())), fix)


@lru_cache(maxsize=64)
def is_query(sql: str) -> bool:
    """Whether `exactly` can judge the statement: no SHOW, EXPLAIN or question about the tables themselves.

    Raises as `to_duckdb` does.
    """
    tree = parsed(sql)
    return isinstance(tree, (exp.Query, exp.Pivot, exp.Values)) and not any(
        one.db.lower() == "information_schema" for one in tree.find_all(exp.Table)
    )


@lru_cache(maxsize=64)
def tables_of(sql: str) -> frozenset[str]:
    """Of the catalog's table and views those that a statement may read; all where that cannot be told.

    Raises as `to_duckdb` does.
    """
    tree = parsed(sql)
    found = list(tree.find_all(exp.Table))
    names = {one.name.lower() for one in found}
    # of a function in FROM, of a command (EXPLAIN, SHOW) and of names that are not ours it is not known what they read
    is_plain = all(isinstance(one.this, exp.Identifier) for one in found)
    if not is_plain or isinstance(tree, exp.Command) or (found and names.isdisjoint(CATALOG)):
        return CATALOG
    return CATALOG & names


def parsed(sql: str) -> exp.Expr:
    """The one statement in a text. Raises as `to_duckdb` does."""
    try:
        # between two `;` sqlglot finds one more, which is None
        trees = [tree for tree in sqlglot.parse(sql, read="athena") if tree is not None]
    except SqlglotError as error:
        raise QueryEngineError("the SQL cannot be read", why=_reason(error), fix="correct the query") from error
    if len(trees) != 1:
        raise UsageError(f"a query is one statement, here are {len(trees)}", fix="ask one after the other")
    return trees[0]


def _reason(error: SqlglotError) -> str:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return f"line {first['line']}, column {first['col']}: {first['description']}"
    return first_line(error)


def _same_meaning(node: exp.Expression) -> exp.Expression:
    """What sqlglot passes on unchanged and DuckDB does not know, or reads as something else."""
    if isinstance(node, exp.Anonymous):
        return _function(node)
    # full units in Trino; DuckDB's date_diff counts boundaries, its date_sub does not
    if isinstance(node, exp.DateDiff):
        unit = exp.Literal.string(str(node.args.get("unit") or "day").lower())
        return exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])
    if isinstance(node, exp.JSONFormat):  # a JSON value is text in DuckDB; to_json would quote it once more
        return exp.cast(node.this, exp.DataType.Type.TEXT)
    return node


def _function(node: exp.Anonymous) -> exp.Expression:
    name = node.name.lower()
    if name in ("any_match", "none_match", "all_match"):
        # DuckDB has none of the three, and its macros take no lambda: how many a filter leaves says the same
        array, condition = node.expressions
        matching = exp.ArraySize(this=exp.ArrayFilter(this=array, expression=condition))
        wanted = exp.ArraySize(this=array.copy()) if name == "all_match" else exp.Literal.number(0)
        comparison = exp.GT if name == "any_match" else exp.EQ
        return exp.paren(comparison(this=matching, expression=wanted))
    if name == "arrays_overlap":
        return exp.Anonymous(this="list_has_any", expressions=node.expressions)
    return node
