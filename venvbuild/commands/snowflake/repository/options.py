"""The file that describes a repository, read and judged."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from venvbuild.console import output
from venvbuild.console.options import F, Given
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
    help="The description: TOML, or YAML where its name ends in .yaml or .yml.",
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


def command_of(verb: str, given: Given, **more: object) -> str:
    """The command line that asks the same of the same account: an advice to be followed to the letter.

    `more`: options by the names of their flags, with `_` for `-`; a flag is True, and what is empty is left out.
    """
    named = {"config": given.get("config"), "connection": given.get("connection"), **more}
    words = ["venvbuild", "snowflake", "repository", verb]
    for name, value in named.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, tuple):
            words += [word for one in value for word in (flag, one)]
        elif value:
            words += [flag, str(value)]
    return f"`{shlex.join(words)}`"


def read(file: Path) -> Description:
    """What the file says.

    Raises:
        UsageError: it cannot be read, or is YAML and what reads that cannot be had.
    """
    _set_up(file)
    return description.read(file)


def judged(file: Path) -> tuple[Description, Judgement]:
    """What the file says; warnings are told, and what would fail ends it.

    Raises:
        UsageError: it cannot be read, or not all of it.
        RequirementsRefused: Snowflake would refuse it.
    """
    _set_up(file)
    described = description.read_some(file)
    judgement = rules.judge(described)
    for warning in () if judgement.unread else judgement.warnings:
        output.say(f"warning: {warning.as_line()}")
    judgement.enforce()
    return described, judgement


def _set_up(file: Path) -> None:
    """Have what reads YAML, where that is what the file is."""
    if description.is_yaml(file):
        from venvbuild import bootstrap, extras  # not where no file is YAML

        try:
            cache = bootstrap.cache_folder()
        except bootstrap.SetUpFailed as failure:
            raise extras.refused("what reads YAML cannot be set up", failure, "set HOME, or write TOML") from failure
        extras.add("snowflake", "ruamel.yaml", cache)
