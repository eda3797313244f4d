"""`venvbuild summary`: what became of the run in a work dir."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from venvbuild.console import options, output
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.run import Summary, summary_of


@click.command("summary", short_help="What became of the run in the work dir, in two lines.")
@options.with_work_dir
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """What became of the run in the work dir, in two lines: a title, and a description that is safe as HTML.

    A run that was refused or stopped has them too.
    """
    found = _summary(given)
    if given["as_json"]:
        output.print_json(found.as_json())
    else:
        output.print_data(found.title)
        output.print_data(found.description)


def _summary(given: options.Given) -> Summary:
    try:
        settings = options.load(given)
    except RequirementsRefused:  # by a parameter; `check` has said so, and this is how the run is remembered
        return Summary()
    except UsageError:  # a configuration that nobody can read; the run is told of all the same
        return summary_of(options.work_dir(given)) or Summary()
    found = summary_of(Path(settings.work_dir or options.DEFAULT_WORK_DIR))
    return found or Summary(settings.env_name, settings.python_version)
