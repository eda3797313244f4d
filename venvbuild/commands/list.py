"""`venvbuild list`: the builds of a store."""

from __future__ import annotations

from typing import Any

import click

from athena import questions
from athena.engines import Row
from venvbuild.console import engine, options, output, tables
from venvbuild.console.search import say_what_is_ahead, say_why_nothing, search_of, such, with_conditions
from venvbuild.stores import store_of
from venvbuild.text import size_text

_COLUMNS = ("venv_version", "created_at", "env_name", "python_version", "is_conflict_free", "package_count")


@click.command("list", short_help="The builds of a store, newest first.")
@with_conditions
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the newest.")
@options.with_format
@options.max_bytes
@options.with_engine
@options.strict
@options.with_config
def command(**given: Any) -> None:
    """The builds of a store, newest first; all of them unless there are conditions or --limit."""
    settings = options.load(given)
    search, shape = search_of(given), tables.shape_of(given)
    if given["explain"]:
        # Without an engine: no version has to be judged.
        tables.print_sql(questions.plan_all_builds(search), shape)
        return
    store = store_of(settings)
    limits = (given["max_bytes"],)
    with output.whole() as add, engine.opened(settings, store, *limits, is_strict=given["strict"]) as opened:
        builds = tables.Counted(questions.each_build(opened, search))
        if shape == "json":
            for text in output.json_items(builds):
                add(text)
        else:
            size = "archive_size_bytes" if shape == "csv" else "archive_size"
            tables.add_rows(add, (*_COLUMNS, size), map(_line, builds), shape)
    say_what_is_ahead(opened, search)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not builds.count:
        say_why_nothing(settings, store, f"there is no build{such(search)}")


def _line(build: Row) -> Row:
    """With `archive_size`, as people read it; of a build that a script made it is not known."""
    size_bytes = build["archive_size_bytes"]
    return {**build, "archive_size": None if size_bytes is None else size_text(size_bytes)}
