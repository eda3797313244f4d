"""`venvbuild table`: looks after the catalog's table."""

from __future__ import annotations

from typing import Any

import click

from athena.consistency import find_problems
from venvbuild.commands import options, words
from venvbuild.errors import CheckFoundSomething
from venvbuild.steps import store_of


@click.group("table", short_help="Look after the catalog's table.")
def command() -> None:
    """Look after the table that `list`, `find` and SQL editors read."""


@command.command("check", short_help="Is there a readable row for each build, and nothing else?")
@options.with_store
@options.with_config
@options.as_json
def check(**given: Any) -> None:
    """Name what would spoil a query: objects that are no rows, damaged rows, rows without builds, builds without rows.

    Ends with 11 when there is something.
    """
    store = store_of(options.load(given))
    problems = tuple(find_problems(store))
    if problems:
        raise CheckFoundSomething.of(problems)
    if given["as_json"]:
        words.print_json([])
    else:
        words.say(f"the table of {store.url} is whole")
