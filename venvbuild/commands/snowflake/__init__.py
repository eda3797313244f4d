"""`venvbuild snowflake`: the same pinned packages inside Snowflake."""

from __future__ import annotations

import click

from venvbuild.commands.snowflake.zip import command as zip_command


@click.group("snowflake", short_help="The packages of a file or a build inside Snowflake, as one ZIP.")
def command() -> None:
    """Make one ZIP of pinned packages that Snowflake's Python imports, for functions and procedures."""


command.add_command(zip_command)
