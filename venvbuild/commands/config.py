"""`venvbuild config`: each setting, its value and where it came from."""

from __future__ import annotations

from typing import Any

import click

from venvbuild.console import options, output
from venvbuild.redaction import MASK
from venvbuild.settings import BY_NAME, shown


@click.command("config", short_help="Each setting, its value, and where it came from.")
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Each setting, its value without credentials, and where it came from."""
    settings = options.load(given)
    rows = [
        {
            "name": name,
            # The whole value: the address of a Slack hook has its token in the path, where no redactor knows it.
            "value": MASK if setting.is_secret and getattr(settings, name) else shown(getattr(settings, name)),
            "origin": settings.origins[name],
            "variable": setting.env,
            "flag": setting.flag,
        }
        for name, setting in BY_NAME.items()
    ]
    if given["as_json"]:
        output.print_json(rows)
    else:
        width = max(len(row["value"]) for row in rows)
        for row in rows:
            output.print_data(f"{row['name']:<20} {row['value']:<{width}}  {row['origin']}")
    # On stderr: stdout is the table alone.
    for note in settings.notes:
        output.say(f"note: {note}")
