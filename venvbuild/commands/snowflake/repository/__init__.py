"""`venvbuild snowflake repository`: an index of one's own, made known to Snowflake."""

from __future__ import annotations

import click

from venvbuild.commands.snowflake.repository.apply import command as apply_command
from venvbuild.commands.snowflake.repository.check import command as check_command
from venvbuild.commands.snowflake.repository.destroy import command as destroy_command
from venvbuild.commands.snowflake.repository.doctor import command as doctor_command
from venvbuild.commands.snowflake.repository.egress import command as egress_command
from venvbuild.commands.snowflake.repository.init import command as init_command
from venvbuild.commands.snowflake.repository.plan import command as plan_command
from venvbuild.commands.snowflake.repository.privatelink import command as privatelink_command


@click.group("repository", short_help="An index of one's own, made known to Snowflake: the SQL, from one file.")
def command() -> None:
    """Describe in one file which index Snowflake gets packages from, have it judged, and bring it to an account.

    Snowflake is asked by apply and destroy, and by plan with --connection or --compare; by nothing else.
    """


for one in (
    init_command, check_command, plan_command, apply_command, destroy_command, doctor_command, egress_command,
    privatelink_command,
):  # fmt: skip
    command.add_command(one)
