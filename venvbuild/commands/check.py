"""`venvbuild check`: the first step, which starts the work dir."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from venvbuild import pipeline
from venvbuild.console import options, output
from venvbuild.console.progress import WORTH_A_LINE_S, StepProgress
from venvbuild.errors import VenvBuildError
from venvbuild.run import remember_refusal
from venvbuild.steps import Request


@click.command("check", short_help="1. Judge the requirements and the parameters; start the work dir.")
@options.with_build_options
@options.with_work_dir
@options.again
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Judge the requirements file and the parameters, all problems at once, and start the work dir.

    What is given here is written down, without secrets; the later steps read it there.
    """
    try:
        settings = options.load(given)
    # Else `summary` would tell of an earlier run in this folder as if it were this one.
    except VenvBuildError as error:
        remember_refusal(error, options.work_dir(given), {})
        raise
    request = Request(**options.of_request(given))
    folder = Path(settings.work_dir or options.DEFAULT_WORK_DIR)
    with StepProgress() as progress:
        result = pipeline.check(request, settings, os.environ, folder, progress, again=given["again"])
    progress.in_all(WORTH_A_LINE_S)
    if given["as_json"]:
        output.print_json(result)
