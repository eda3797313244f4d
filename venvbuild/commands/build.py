"""`venvbuild build`: all seven steps, afresh."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from venvbuild import pipeline
from venvbuild.builds import Metadata
from venvbuild.console import options, output
from venvbuild.console.progress import StepProgress
from venvbuild.errors import UsageError
from venvbuild.steps import Request
from venvbuild.text import size_text


@click.command("build", short_help="Requirements in, a committed build out: all seven steps.")
@options.with_build_options
@options.with_store
@options.with_work_dir
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Turn a pinned requirements file into a committed build: check, create, inspect, pack, describe, upload, register.

    Without --work-dir the work dir is temporary; it is kept, and named, when the build fails.
    """
    settings = options.load(given)
    folder, is_temporary = _folder(settings.work_dir)
    try:
        # A folder that nobody keeps may share the installer's cache: nobody will edit a file of it.
        with StepProgress() as progress:
            metadata = pipeline.build(_request(given), settings, os.environ, folder, progress, is_kept=not is_temporary)
    # When it is interrupted, too: what there is may show why it took so long.
    except BaseException:
        if is_temporary and any(folder.iterdir()):
            output.say(f"the work dir is kept: {folder}")
        elif is_temporary:  # refused before anything was made: an empty folder helps nobody
            folder.rmdir()
        raise
    if is_temporary:
        shutil.rmtree(folder)
    progress.in_all()
    if given["as_json"]:
        output.print_json(metadata)
    else:
        output.print_data(_line(metadata))


def _request(given: options.Given) -> Request:
    return Request(**options.of_request(given))


def _folder(work_dir: str | None) -> tuple[Path, bool]:
    if work_dir:
        return Path(work_dir), False
    try:
        return Path(tempfile.mkdtemp(prefix="venvbuild-")), True
    except OSError as error:
        raise UsageError(
            f"there is no temporary folder: {error.strerror or error}",
            where=str(error.filename or "TMPDIR"),
            fix="set TMPDIR to a folder that can be written, or give --work-dir",
        ) from error


def _line(metadata: Metadata) -> str:
    seconds = " ".join(f"{step} {taken:.1f} s" for step, taken in metadata["duration_s"].items())
    return (
        f"{metadata['venv_version']}  {metadata['venv_archive']}  {size_text(metadata['archive_size_bytes'])}  "
        f"{metadata['package_count']} packages  {seconds}"
    )
