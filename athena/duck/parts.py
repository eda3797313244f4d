"""Which parts of a query were compared: sqlglot reads those of all dialects, as MATERIALIZED or a table's sample."""

from __future__ import annotations

from sqlglot import exp

from athena.duck.nodes import refuse

_QUERY = "distinct expression expressions limit offset order this with_"
_NESTED = f"{_QUERY} alias by_name"
_PARTS: dict[type[exp.Expr], str] = {
    exp.Select: f"{_QUERY} from_ group having joins where windows qualify",
    exp.Union: _NESTED,
    exp.Except: _NESTED,
    exp.Intersect: _NESTED,
    exp.Values: _NESTED,
    exp.Subquery: _NESTED,
    exp.Table: "alias catalog db this",
    exp.Join: "kind method on side this using",
    exp.CTE: "alias this",
    exp.With: "expressions recursive",
    exp.Group: "all cube expressions grouping_sets rollup",
    exp.Between: "high low this",
    exp.In: "expressions query this",
    exp.Window: "alias order over partition_by spec this",
    exp.WindowSpec: "end end_side kind start start_side",
    exp.Lateral: "alias this",
    exp.Unnest: "alias expressions offset",
    exp.Order: "expressions this",
    exp.Ordered: "desc nulls_first this",
    exp.Limit: "expression",
    exp.Offset: "expression",
    exp.Fetch: "count direction limit_options",
    exp.Cast: "this to",
    exp.TryCast: "safe this to",
    exp.TableAlias: "columns this",
}


def refuse_other_parts(tree: exp.Expr) -> None:
    """End with the first part that was not compared.

    Raises:
        QueryEngineError: it names the part.
    """
    for node in tree.find_all(*_PARTS):
        known = _PARTS[type(node)].split()
        for part, value in node.args.items():
            if value and part not in known:
                refuse(f"{type(node).__name__.upper()} with {part.strip('_').replace('_', ' ')}")
