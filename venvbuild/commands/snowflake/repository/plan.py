"""`venvbuild snowflake repository plan`: the SQL of the file."""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import sql
from venvbuild.text import masked_lines, on_screen

_INEXACT = "credentials in a URL are masked, and what a screen would obey is escaped; mend it before the SQL runs"


@click.command("plan", short_help="Print the SQL that makes what the file says.")
@ours.with_file
@options.as_json
def command(file: Path, as_json: bool) -> None:
    """Print the SQL that makes what the description says, in the order in which it can run.

    Values of secrets are '***': put them in before the SQL runs. No Snowflake is asked, so all of it is printed,
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
        if masked_lines(one.sql) != one.sql or (not as_json and on_screen(one.sql) != one.sql)
    )
    for told in dict.fromkeys(inexact):
        output.say(f"warning: {told} is not printed exactly: {_INEXACT}")
    if described.secrets:
        output.say(f"note: '{sql.MASK}' stands for what nobody may read here; put it in before the SQL runs")
    for told in sql.corrections(described):
        output.say(f"note: a secret that was made with '{sql.MASK}' keeps it, until somebody runs {told}")
    if as_json:
        output.print_json([vars(one) for one in statements])
        return
    output.print_text("\n\n".join(one.sql for one in statements))
