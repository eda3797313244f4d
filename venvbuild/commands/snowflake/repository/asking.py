"""Whether an account is asked by what else prints the statement."""

from __future__ import annotations

import click

from venvbuild.commands.snowflake.repository.account import with_account
from venvbuild.console.options import F, Given


def with_asking(command: F) -> F:
    """`--connection` and `--ask`."""
    ask = click.option("--ask", is_flag=True, help="Ask the account, by --connection or the variables SNOWFLAKE_*.")
    return with_account(ask(command))


def is_asked(given: Given) -> bool:
    """Whether somebody wants it."""
    return bool(given["ask"] or given["connection"])
