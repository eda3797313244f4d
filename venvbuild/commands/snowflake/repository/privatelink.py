"""`venvbuild snowflake repository privatelink`: the statements about the endpoint."""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.console import output
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import sql

_NEEDS = "note: this needs Business Critical or higher, the role ACCOUNTADMIN, and an index in Snowflake's own cloud"


@click.group("privatelink", short_help="The statements about the endpoint of a private index.")
def command() -> None:
    """Print the statements about the endpoint of an index that the internet does not reach. None is run."""


@command.command("status", short_help="Print the SELECT that tells how far the endpoints are.")
def status() -> None:
    """Print the SELECT that tells how far the endpoints are.

    Available (AWS), APPROVED (Azure) and ACCEPTED (Google) are good; Pending waits for you to accept it at the cloud.
    """
    output.say(_NEEDS, "note: Available, APPROVED and ACCEPTED are good; Pending: accept the connection at the cloud")
    output.print_text(sql.PRIVATELINK_STATUS)


@command.command("provision", short_help="Print the statement that asks for the endpoint.")
@ours.with_file
def provision(file: Path) -> None:
    """Print the statement that asks for the endpoint of the file's [privatelink]."""
    described, _ = ours.judged(file)
    if described.privatelink is None:
        fix = 'write [privatelink] with service = "..." and host = "..."'
        raise UsageError("it has no [privatelink]", where=described.file, fix=fix)
    output.say(_NEEDS)
    output.print_text(sql.provision(described.privatelink))
