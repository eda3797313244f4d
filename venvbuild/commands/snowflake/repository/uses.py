"""`venvbuild snowflake repository uses`: which functions and procedures use a package."""

from __future__ import annotations

from typing import Any

import click

from venvbuild.commands.snowflake.repository.account import opened
from venvbuild.commands.snowflake.repository.asking import with_account
from venvbuild.console import options, output, tables
from venvbuild.snowflake import checked_name
from venvbuild.snowflake.repository import uses
from venvbuild.text import shown

_COLUMNS = ("name", "kind", "package", "python", "repository")
_LATE = "note: by ACCOUNT_USAGE, which is two hours late; --repository NAME asks what is there now, in one database"


@click.command("uses", short_help="Which functions and procedures use a package: uses pandas")
@click.argument("package")
@click.option("--repository", metavar="NAME", help="Of those that name this repository, in its database, now.")
@with_account
@options.with_shape
def command(package: str, repository: str | None, **given: Any) -> None:
    """Which functions and procedures of the account use PACKAGE (pandas, or 'pandas<2.2'), as far as this role sees.

    By what was installed for each (ACCOUNT_USAGE, two hours late), or with --repository by what is there now.
    """
    wanted, shape = uses.Wanted.of(package), tables.shape_of(given)
    repository = checked_name(repository, "--repository") if repository else None
    with opened(given) as session:
        if repository is None:
            output.say(_LATE)
            found = uses.everywhere(session, wanted)
        else:
            [database] = session.current("DATABASE")
            found = uses.of_repository(session, wanted, repository, database)
    for told in found.not_checked:
        output.say(f"NOT CHECKED: {told}")
    tables.print_rows(_COLUMNS, [vars(one) for one in found.uses], shape)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not found.uses:
        output.say(f"nothing that this role is shown uses {shown(package)}")
