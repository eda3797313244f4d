"""`venvbuild snowflake repository check`: is the file right, as far as that can be known here?"""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.console import options, output
from venvbuild.snowflake.repository import rules
from venvbuild.snowflake.repository.description import Description
from venvbuild.text import count_text


@click.command("check", short_help="Judge the file by what Snowflake is known to refuse.")
@ours.with_file
@options.as_json
def command(file: Path, as_json: bool) -> None:
    """Judge the description by its schema and by what Snowflake is known to refuse; all at once, with line and fix.

    2: the file cannot be read, or has unknown keys. 3: Snowflake would refuse what it says. Warnings end with 0.
    """
    described, judgement = ours.judged(file)
    if as_json:
        warnings = [problem.as_json() for problem in judgement.warnings]
        output.print_json({"file": described.file, "warnings": warnings, "notes": list(rules.NOTES)})
        return
    for note in rules.NOTES:
        output.say(f"note: {note}")
    warned = f", {count_text(len(judgement.warnings), 'warning')}" if judgement.warnings else ""
    output.print_data(f"{described.file}: {_counted(described)}{warned}")


def _counted(described: Description) -> str:
    counts = (
        (len(described.secrets), "secret"),
        (len(described.integrations), "integration"),
        (len(described.repositories), "repository"),
        (len(described.policies), "packages policy"),
        (len(described.defaults), "default"),
        (sum(one.kind == "function" for one in described.functions), "function"),
        (sum(one.kind == "procedure" for one in described.functions), "procedure"),
        (int(described.privatelink is not None), "endpoint"),
    )
    told = [count_text(number, noun).replace("ys", "ies") for number, noun in counts if number]
    return ", ".join(told) or "it describes nothing"
