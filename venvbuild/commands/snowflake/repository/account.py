"""The session on an account. Imported where one is asked: most of these commands ask nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from venvbuild import extras
from venvbuild.console import options, output
from venvbuild.console.options import Given
from venvbuild.settings import azure
from venvbuild.snowflake import Login, Session, connected


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
