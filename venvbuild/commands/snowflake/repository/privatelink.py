"""`venvbuild snowflake repository privatelink`: the statements about the endpoint."""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import sql

_NEEDS = "note: this needs Business Critical or higher, the role ACCOUNTADMIN, and an index in Snowflake's own cloud"


@click.group("privatelink", short_help="The statements about the endpoint of a private index.")
def command() -> None:
    """Print the statements about the endpoint of an index that the internet does not reach. None is run."""


@command.command("status", short_help="Print the SELECT that tells how far the endpoints are.")
@options.as_json
def status(as_json: bool) -> None:
    """Print the SELECT that tells how far the endpoints are.

    Available (AWS), APPROVED (Azure) and ACCEPTED (Google) are good; Pending waits for you to accept it at the cloud.
    """
    output.say(_NEEDS, "note: Available, APPROVED and ACCEPTED are good; Pending: accept the connection at the cloud")
    _print(sql.PRIVATELINK_STATUS, as_json)


@command.command("provision", short_help="Print the statement that asks for the endpoint.")
@ours.with_file
@options.as_json
def provision(file: Path, as_json: bool) -> None:
    """Print the statement that asks for the endpoint of the file's [privatelink]."""
    described, _ = ours.judged(file)
    if described.privatelink is None:
        fix = 'write [privatelink] with service = "..." and host = "..."'
        raise UsageError("it has no [privatelink]", where=described.file, fix=fix)
    output.say(_NEEDS)
    _print(sql.provision(described.privatelink), as_json)


def _print(statement: str, as_json: bool) -> None:
    output.print_json({"sql": statement}) if as_json else output.print_text(statement)
