"""`venvbuild list`: the builds of a store."""

from __future__ import annotations

from typing import Any

import click

from athena import questions
from athena.engines import Row
from venvbuild.console import engine, options, output
from venvbuild.stores import store_of
from venvbuild.text import size_text


@click.command("list", short_help="The builds of a store, newest first.")
@options.with_engine
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """The builds of a store, newest first; all of them unless --limit."""
    settings = options.load(given)
    store = store_of(settings)
    with engine.opened(settings, store) as opened:
        builds = questions.all_builds(opened, given["limit"])
    if given["as_json"]:
        output.print_json(builds)
        return
    for build in builds:
        output.print_data(_line(build))
    if not builds:
        output.say(f"there are no builds in {store.url}")


def _line(build: Row) -> str:
    state = "conflict free" if build["is_conflict_free"] else f"{len(build['conflicts'])} conflicts"
    return (
        f"{build['venv_version']}  {build['created_at']}  {build['env_name']:<20}  {build['python_version']:<5} "
        f"{build['package_count']:>4} packages  {size_text(build['archive_size_bytes']):>10}  {state}"
    )
