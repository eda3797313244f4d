"""`venvbuild report`: what a person reads of the run in a work dir."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from venvbuild.console import options, output
from venvbuild.errors import UsageError, VenvBuildError
from venvbuild.reports import write_reports
from venvbuild.run import outcome_of, way_to_begin


@click.command("report", short_help="Reports on the run in the work dir, for people and for Jenkins.")
@options.with_work_dir
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Write reports on the run in the work dir into its folder `report`.

    A page (index.html), summary.md, junit.xml, issues.json and report.sarif, and the log; also of a run that was
    refused or stopped.
    """
    folder = _work_dir(given)
    found = outcome_of(folder)
    if found is None:
        raise UsageError("no run has begun in the work dir", where=str(folder), fix=way_to_begin(folder))
    written = write_reports(found, folder)
    if given["as_json"]:
        output.print_json({"report": str(written), "files": sorted(path.name for path in written.iterdir())})
    else:
        output.print_data(str(written / "index.html"))


def _work_dir(given: options.Given) -> Path:
    try:
        return Path(options.load(given).work_dir or options.DEFAULT_WORK_DIR)
    except VenvBuildError:  # a setting was refused: `check` has said so, and that is what is reported
        return options.work_dir(given)
