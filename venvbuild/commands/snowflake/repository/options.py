"""The file that describes a repository, read and judged."""

from __future__ import annotations

from pathlib import Path

import click

from venvbuild.console import output
from venvbuild.console.options import F
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
_ALLOWANCES = (
    click.option(
        "--rotate-secret",
        "rotated",
        multiple=True,
        metavar="NAME",
        help="Set the value of this secret again, from its variables; may be repeated.",
    ),
    click.option("--replace", is_flag=True, help="Allow what no ALTER does: grants on what is replaced are lost."),
)


def with_allowances(command: F) -> F:
    """What is changed only where somebody asks for it."""
    for option in _ALLOWANCES:
        command = option(command)
    return command


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
