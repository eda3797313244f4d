"""`venvbuild count`: how many builds have packages."""

from __future__ import annotations

from typing import Any

import click

from athena import questions
from venvbuild.console import engine, options, output, tables
from venvbuild.console.search import say_notes, say_what_is_ahead, say_why_nothing, search_of, such, with_search
from venvbuild.stores import store_of


@click.command("count", short_help="How many builds have packages; asked as find is.")
@with_search()
@options.with_format
@options.max_bytes
@options.strict
@options.with_engine
@options.with_config
def command(**given: Any) -> None:
    """How many builds have all these packages; PACKAGE and the conditions are those of `find`."""
    settings = options.load(given)
    search, shape = search_of(given), tables.shape_of(given)
    store = store_of(settings)
    with engine.opened(settings, store, given["max_bytes"], is_strict=given["strict"]) as opened:
        if given["explain"]:
            # This asks the engine too: which versions a specifier admits is judged here, of those in the catalog.
            plan = questions.plan_count(opened, search)
            say_notes(plan)
            tables.print_sql(plan.statement, shape)
            return
        number, plan = questions.count(opened, search)
    say_notes(plan)
    if shape == "json":
        output.print_json({"count": number})
    else:
        if shape == "csv":  # it has a header, also of one number
            output.print_data("count")
        output.print_data(str(number))
    say_what_is_ahead(opened, search)
    if not number:
        say_why_nothing(settings, store, f"no build{such(search)} has {' and '.join(map(str, search.packages))}")
