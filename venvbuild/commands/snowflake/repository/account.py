"""The account that a description is compared with: who asks, and the session there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from venvbuild import extras
from venvbuild.console import options, output
from venvbuild.console.options import F, Given
from venvbuild.settings import azure
from venvbuild.snowflake import Login, Session, connected

_connection = click.option(
    "--connection",
    metavar="NAME",
    help="Log in by this connection of connections.toml. [SNOWFLAKE_DEFAULT_CONNECTION_NAME]",
)


def with_account(command: F) -> F:
    """Who asks; `opened` takes what is given."""
    return _connection(options.with_config(command))


@contextmanager
def opened(given: Given) -> Iterator[Session]:
    """A session that ends with the block, by --connection or the variables SNOWFLAKE_*.

    Raises:
        UsageError: nothing says who asks, or Snowflake does not let us in. StoreUnavailable: it does not answer.
    """
    login = Login.of(azure.defined(os.environ), given["connection"])
    for warning in login.warnings:
        output.say(f"warning: {warning}")
    extras.add("snowflake", "snowflake.connector", options.load(given).folders.cache)
    with connected(login) as session:
        yield session
