"""`venvbuild snowflake`: the same pinned packages inside Snowflake."""

from __future__ import annotations

import click

from venvbuild.commands.snowflake.repository import command as repository_command
from venvbuild.commands.snowflake.stage import command as stage_command
from venvbuild.commands.snowflake.sync import command as sync_command
from venvbuild.commands.snowflake.where import command as where_command
from venvbuild.commands.snowflake.zip import command as zip_command


@click.group("snowflake", short_help="The packages of a file or a build inside Snowflake, as one ZIP.")
def command() -> None:
    """Pinned packages for Snowflake's functions and procedures in Python: make one ZIP of them, bring it to a stage,
    look after what lies there, and find which stage holds what.
    """


for one in (sync_command, zip_command, stage_command, where_command, repository_command):
    command.add_command(one)
