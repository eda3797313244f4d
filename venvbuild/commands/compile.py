"""`venvbuild compile`: from what somebody wants to the pinned file that a build takes."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from venvbuild.console import options, output
from venvbuild.environment import Compilation, CompileRequest, compile_files
from venvbuild.text import count_text

_file = click.Path(path_type=Path)


@click.command("compile", short_help="Pin a requirements.in or pyproject.toml into a requirements.txt with hashes.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_file)
@click.option("-c", "--constraint", "constraints", multiple=True, type=_file, metavar="FILE", help="Limit versions.")
@click.option(
    "-o",
    "--output",
    type=_file,
    default=Path("requirements.txt"),
    show_default=True,
    metavar="FILE",
    help="Where the pins go; the versions that it has are kept.",
)
@click.option("--upgrade", multiple=True, metavar="NAME", help="Take the newest version of this package again.")
@click.option("--extra", "extras", multiple=True, metavar="NAME", help="With this extra of a pyproject.toml.")
@options.with_target
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Pin all that the files ask for, and what that needs, for one Python and this platform, with hashes.

    A FILE is a requirements.in, or any requirements file with ranges, a pyproject.toml or a setup.cfg. Nothing of them
    is run. The output is what `venvbuild build` takes.
    """
    settings = options.load(given)
    request = CompileRequest(
        given["files"],
        given["output"],
        given["constraints"],
        given["upgrade"],
        given["extras"],
        given["allow_sdist"],
        given["allow_python_download"],
    )
    made = compile_files(request, settings, os.environ)
    if given["as_json"]:
        output.print_json(asdict(made))
    else:
        output.print_data(_line(made))


def _line(made: Compilation) -> str:
    changes = [
        f"{len(names)} {word}" for word in ("added", "changed", "removed") if (names := getattr(made, word))
    ] or ["unchanged"]
    packages = count_text(len(made.packages), "package")
    return f"{made.output}  {packages} for Python {made.python_version} on {made.platform}  {', '.join(changes)}"
