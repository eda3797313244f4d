"""What the six steps after `check` share: they go on in the work dir that `check` started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from venvbuild import pipeline
from venvbuild.console import options, output
from venvbuild.console.progress import WORTH_A_LINE_S, StepProgress
from venvbuild.run import STEPS


def command_of(step: str, help_: str, *more: Callable[[Any], Any]) -> click.Command:
    """The command that runs `step`; `more` adds options."""

    def runs_it(**given: Any) -> None:
        run(step, given)

    for option in (*more, options.with_work_dir, options.again, options.with_config, options.as_json):
        runs_it = option(runs_it)
    number = STEPS.index(step) + 1
    return click.command(step, help=help_, short_help=f"{number}. {help_.partition('. ')[0].rstrip('.')}.")(runs_it)


def run(step: str, given: options.Given, *, own: tuple[str, ...] = ()) -> None:
    """Run `step` in the work dir; `own` are the settings that its own command may give anew."""
    settings = options.load(given)
    # Only what was given: with another value the step is not "unchanged".
    own_options = {name: getattr(settings, name) for name in own if given.get(name) is not None}
    folder = Path(settings.work_dir or options.DEFAULT_WORK_DIR)
    with StepProgress() as progress:
        result = pipeline.run_step(
            step, settings, os.environ, folder, progress, again=given["again"], options=own_options
        )
    progress.in_all(WORTH_A_LINE_S)
    if given["as_json"]:
        output.print_json(dict(result))
