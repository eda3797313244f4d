"""`venvbuild snowflake repository plan`: the SQL of the file."""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.console import output
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import sql
from venvbuild.text import masked_lines, on_screen

_INEXACT = "credentials in a URL are masked, and what a screen would obey is escaped; mend it before the SQL runs"


@click.command("plan", short_help="Print the SQL that makes what the file says.")
@ours.with_file
@click.option(
    "--format",
    "shape",
    type=click.Choice(["sql", "json"]),
    default="sql",
    show_default=True,
    help="How the statements are printed.",
)
def command(file: Path, shape: str) -> None:
    """Print the SQL that makes what the description says, in the order in which it can run.

    Values of secrets are '***': put them in where the SQL runs. No Snowflake is asked, so all of it is printed,
    whatever is there already.
    """
    described, _ = ours.judged(file)
    statements = sql.statements(described)
    if not statements:
        raise UsageError("it describes nothing", where=described.file, fix="write a [repository.NAME]")
    # JSON escapes what a screen would obey, and loses nothing by it.
    inexact = (
        f"{one.kind} {one.name}"
        for one in statements
        if masked_lines(one.sql) != one.sql or (shape == "sql" and on_screen(one.sql) != one.sql)
    )
    for told in dict.fromkeys(inexact):
        output.say(f"warning: {told} is not printed exactly: {_INEXACT}")
    if shape == "json":
        output.print_json([vars(one) for one in statements])
        return
    if described.secrets:
        output.say(f"note: '{sql.MASK}' stands for what no file and no variable may show; put it in where the SQL runs")
    output.print_text("\n\n".join(one.sql for one in statements))
