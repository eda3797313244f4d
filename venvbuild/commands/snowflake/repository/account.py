"""The account that a description is compared with: who asks, and the session there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from venvbuild.console import options, output
from venvbuild.console.options import F, Given

if TYPE_CHECKING:
    from venvbuild.snowflake import Session

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
    # Not before: most of these commands ask nobody.
    from venvbuild import extras
    from venvbuild.settings import azure
    from venvbuild.snowflake import Login, connected

    login = Login.of(azure.defined(os.environ), given["connection"])
    for warning in login.warnings:
        output.say(f"warning: {warning}")
    extras.add("snowflake", "snowflake.connector", options.load(given).folders.cache)
    with connected(login) as session:
        yield session
