"""`venvbuild snowflake repository`: an index of one's own, made known to Snowflake."""

from __future__ import annotations

import click

from venvbuild.console import groups

_NAMES = ("init", "check", "plan", "apply", "destroy", "doctor", "egress", "privatelink", "uses")


@click.group(
    "repository",
    short_help="An index of one's own, made known to Snowflake: the SQL, from one file.",
    commands=groups.Imported(__name__, dict(zip(_NAMES, _NAMES, strict=True))),
)
def command() -> None:
    """Describe in one file which index Snowflake gets packages from, have it judged, and bring it to an account.

    An account is asked by `apply`, `destroy` and `uses`; by the others only where --connection, --ask,
    --yes or --from-account is given.
    """
