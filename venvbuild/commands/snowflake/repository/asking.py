"""Who asks an account, and whether it is asked by what else prints the statement."""

from __future__ import annotations

import click

from venvbuild.console import options
from venvbuild.console.options import F, Given

_connection = click.option(
    "--connection",
    metavar="NAME",
    help="Log in by this connection of connections.toml. [SNOWFLAKE_DEFAULT_CONNECTION_NAME]",
)


def with_account(command: F) -> F:
    """Who asks; `account.opened` takes what is given."""
    return _connection(options.with_config(command))


def with_asking(command: F) -> F:
    """The same, and `--ask`."""
    ask = click.option("--ask", is_flag=True, help="Ask the account, by --connection or the variables SNOWFLAKE_*.")
    return with_account(ask(command))


def is_asked(given: Given) -> bool:
    """Whether somebody wants it."""
    return bool(given["ask"] or given["connection"])
