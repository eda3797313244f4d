"""`venvbuild query`: any SQL over the catalog, and the questions that are shipped."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from athena import questions
from venvbuild.console import engine, options, tables
from venvbuild.errors import UsageError
from venvbuild.stores import store_of


@click.command("query", short_help="Any SQL over the catalog: query latest_per_environment, query FILE, query -")
@click.argument("question", metavar="FILE|NAME|-")
@click.option(
    "--param",
    "given_values",
    metavar="NAME=VALUE",
    multiple=True,
    help="The value of a parameter, /*:name*/ 'kedro'; again for a list.",
)
@options.with_format
@options.max_bytes
@options.strict
@options.with_engine
@options.with_config
def command(question: str, given_values: tuple[str, ...], **given: Any) -> None:
    """Ask one statement in Athena's dialect: a shipped question by its name, a file, or stdin.

    The tables are venv_builds_metadata (a row a build), venv_builds (the same without lists) and venv_packages (a row
    for each package of each build). Values given by --param are bound, never pasted.
    """
    settings = options.load(given)
    # Bound before an engine is opened: a parameter that is missing costs no query.
    statement = questions.bind(_sql(question), _values(given_values))
    shape = tables.shape_of(given)
    if given["explain"]:
        tables.print_sql(statement, shape)
        return
    with engine.opened(settings, store_of(settings), given["max_bytes"], is_strict=given["strict"]) as opened:
        answer = opened.run(statement)
    tables.print_rows(answer.columns, answer.as_dicts(), shape)


def _sql(question: str) -> str:
    # First, so that a name means the same in every folder; ./NAME is the file.
    if question in questions.names():
        return questions.text(question)
    try:
        return sys.stdin.read() if question == "-" else Path(question).read_text("utf-8")
    except UnicodeDecodeError as error:  # before ValueError, which it is, too
        raise UsageError("the SQL is not UTF-8", where=question, fix="save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise UsageError(
            "there is no such file and no such question",
            # It is no file and may be anything: a pasted statement, or characters that a terminal obeys.
            where=ascii(question)[1:-1][:200],
            why=getattr(error, "strerror", None) or str(error),
            fix=f"name a file, or one of {', '.join(questions.names())}",
        ) from error


def _values(given: Sequence[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = defaultdict(list)
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"{one[:60]!a} is no parameter", where="--param", fix="write --param name=pandas")
        values[name].append(value)
    return values
