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
            "value": MASK if BY_NAME[name].is_secret and value.value else shown(value.value),
            "origin": value.origin,
            "variable": BY_NAME[name].env,
            "flag": BY_NAME[name].flag,
        }
        for name, value in settings.values.items()
    ]
    if given["as_json"]:
        output.print_json(rows)
    else:
        width = max(len(row["value"]) for row in rows)
        for row in rows:
            output.print_data(f"{row['name']:<20} {row['value']:<{width}}  {row['origin']}")
    for note in settings.notes:
        output.say(f"note: {note}")
