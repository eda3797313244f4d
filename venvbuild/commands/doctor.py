"""`venvbuild doctor`: what would keep a build from going well here."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import click

from athena.questions import bind
from athena.rows import unseen_build
from athena.statement import Scope
from venvbuild import doctor
from venvbuild.console import engine, options, output
from venvbuild.errors import CheckFoundSomething, UsageError
from venvbuild.settings import Settings
from venvbuild.stores import store_of


@click.command("doctor", short_help="Try what is needed: Pythons, uv, the index, the store, the query engine.")
@options.with_index
@options.with_engine
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Try what is needed, for real: Pythons, uv, the index, the store, the query engine.

    Ends with 11 when something is wrong.
    """
    settings = options.load(given)
    examined = doctor.examine(settings, os.environ, lambda: _ask(settings), unseen_build)
    if given["as_json"]:
        output.print_json([asdict(one) for one in examined])
    else:
        for one in examined:
            output.print_data(f"{one.verdict:<8} {one.name:<8} {one.what}")
            for label in ("why", "fix"):
                if getattr(one, label):
                    output.print_data(f"{'':17} {label}: {getattr(one, label)}")
    if any(one.verdict == doctor.PROBLEM for one in examined):
        # A code and no error: all has been said, on stdout, where it was asked for.
        raise click.exceptions.Exit(CheckFoundSomething.exit_code)


def _ask(settings: Settings) -> None:
    """The least that shows that the engine answers and has the tables."""
    store = store_of(settings)
    problems = engine.table_problems(settings, store)
    if problems:
        raise UsageError.of(problems)
    with engine.opened(settings, store) as opened:
        # A day before any build: tables and views are looked up, and Athena, which is paid by the byte, reads nothing.
        opened.run(bind("SELECT 1 FROM venv_packages WHERE dt = '1970-01-01'", {}, Scope(days=())))
