"""`venvbuild snowflake`: the same pinned packages inside Snowflake."""

from __future__ import annotations

import click

from venvbuild.console import groups

_NAMES = ("sync", "zip", "stage", "where", "repository")


@click.group(
    "snowflake",
    short_help="The packages of a file or a build inside Snowflake, as one ZIP.",
    commands=groups.Imported(__name__, dict(zip(_NAMES, _NAMES, strict=True))),
)
def command() -> None:
    """Pinned packages for Snowflake's functions and procedures in Python: make one ZIP of them, bring it to a stage,
    look after what lies there, and find which stage holds what.
    """
