"""`venvbuild find`: the builds that have packages."""

from __future__ import annotations

from typing import Any

import click

from athena import questions
from venvbuild.console import engine, options, output, tables
from venvbuild.console.search import say_notes, say_what_is_ahead, say_why_nothing, search_of, such, with_search
from venvbuild.stores import store_of

_COLUMNS = ("venv_version", "created_at", "env_name", "python_version", "is_conflict_free", "matches")


@click.command("find", short_help="The builds that have packages: find 'kedro>=0.19,<0.20' pandas")
@with_search(required=False)
@click.option("--yanked", "wanted_yanked", is_flag=True, help="Only what was yanked when it was built.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the newest.")
@options.with_format
@options.max_bytes
@options.strict
@options.with_engine
@options.with_config
def command(**given: Any) -> None:
    """The builds that have all these packages, newest first.

    PACKAGE is a name, or a name with versions as PEP 440 has them: 'kedro>=0.19,<0.20'. A name is that package and no
    other: kedro is not kedro-viz. With --yanked no PACKAGE need be named: those that were yanked are found.
    """
    settings = options.load(given)
    search, shape = search_of(given), tables.shape_of(given)
    store = store_of(settings)
    limits = (given["max_bytes"],)
    with output.whole() as add, engine.opened(settings, store, *limits, is_strict=given["strict"]) as opened:
        if given["explain"]:
            # This asks the engine too: which versions a specifier admits is judged here, of those in the catalog.
            plan = questions.plan_find(opened, search)
            say_notes(plan)
            tables.print_sql(plan.statement, shape)
            return
        found, plan = questions.each_found(opened, search)
        count = tables.add_rows(add, _COLUMNS, found, shape)
        say_notes(plan)
    say_what_is_ahead(opened, search)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not count:
        named = " and ".join(map(str, search.packages)) or "a package"
        yanked = " that was yanked when it was built" if search.is_yanked else ""
        say_why_nothing(settings, store, f"no build{such(search)} has {named}{yanked}")
