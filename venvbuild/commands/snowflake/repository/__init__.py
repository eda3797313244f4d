"""`venvbuild snowflake repository`: an index of one's own, made known to Snowflake."""

from __future__ import annotations

import click

from venvbuild.commands.snowflake.repository.check import command as check_command
from venvbuild.commands.snowflake.repository.doctor import command as doctor_command
from venvbuild.commands.snowflake.repository.egress import command as egress_command
from venvbuild.commands.snowflake.repository.init import command as init_command
from venvbuild.commands.snowflake.repository.plan import command as plan_command
from venvbuild.commands.snowflake.repository.privatelink import command as privatelink_command


@click.group("repository", short_help="An index of one's own, made known to Snowflake: the SQL, from one file.")
def command() -> None:
    """Describe in one file which index Snowflake gets packages from, have it judged, and get the SQL that makes it.

    No Snowflake is asked, and none of these needs an account.
    """


for one in (init_command, check_command, plan_command, doctor_command, egress_command, privatelink_command):
    command.add_command(one)
