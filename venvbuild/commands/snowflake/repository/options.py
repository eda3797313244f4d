"""The file that describes a repository, read and judged."""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.console import output
from venvbuild.snowflake.repository import description, rules
from venvbuild.snowflake.repository.description import Description
from venvbuild.snowflake.repository.rules import Judgement

with_file = click.option(
    "-f",
    "--file",
    "file",
    type=click.Path(path_type=Path),
    default=description.FILE,
    show_default=True,
    metavar="FILE",
    help="The description, TOML.",
)


def judged(file: Path) -> tuple[Description, Judgement]:
    """What the file says; warnings are told, and what would fail ends it.

    Raises:
        UsageError: it cannot be read.
        RequirementsRefused: Snowflake would refuse it.
    """
    described = description.read(file)
    judgement = rules.judge(described)
    for warning in judgement.warnings:
        output.say(f"warning: {warning.as_line()}")
    judgement.enforce()
    return described, judgement
