"""The options that say which stage is meant and who asks, and the session on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import click

from venvbuild import extras
from venvbuild.commands.snowflake.options import say
from venvbuild.console.options import F, Given
from venvbuild.settings import Settings, azure
from venvbuild.snowflake import Login, Stage, StageName, connected

_OPTIONS = (
    click.option(
        "--stage",
        required=True,
        metavar="@DB.SCHEMA.STAGE[/PATH]",
        help="The stage, and a folder in it.",
    ),
    click.option(
        "--connection",
        metavar="NAME",
        help="Log in by this connection of connections.toml. [SNOWFLAKE_DEFAULT_CONNECTION_NAME]",
    ),
)


def with_stage(command: F) -> F:
    """Which stage, and who asks."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Target:
    """A stage that is not opened yet."""

    name: StageName
    login: Login | None
    """None: Snowflake is not to be asked."""

    @classmethod
    def of(cls, given: Given, environ: Mapping[str, str], *, is_asked: bool = True) -> Target:
        """What the options and the variables SNOWFLAKE_* say.

        Raises:
            UsageError: the stage is none, or nothing says who asks.
        """
        known = azure.defined(environ)
        login = Login.of(known, given["connection"]) if is_asked else None
        for warning in login.warnings if login else ():
            say("warning", warning)
        return cls(
            StageName.parse(given["stage"], known.get("SNOWFLAKE_DATABASE"), known.get("SNOWFLAKE_SCHEMA")), login
        )

    def set_up(self, settings: Settings) -> None:
        """Have the connector, before anything that takes long."""
        if self.login:
            extras.add("snowflake", "snowflake.connector", settings.folders.cache)

    @contextmanager
    def opened(self) -> Iterator[Stage]:
        """The stage, in a session that ends with the block."""
        assert self.login
        with connected(self.login) as session:
            yield Stage(session, self.name)


def environment() -> dict[str, str]:
    """The variables that somebody has defined."""
    return azure.defined(os.environ)
