"""`venvbuild doctor`: what would keep a build from going well here."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import click

from venvbuild import doctor
from venvbuild.commands import options, words
from venvbuild.errors import CheckFoundSomething


@click.command("doctor", short_help="Try what a build needs: Pythons, uv, the index, the store.")
@options.with_index
@options.with_store
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Try what a build needs, for real: Pythons, uv, the index, the store. Ends with 11 when something is wrong."""
    examined = doctor.examine(options.load(given), os.environ)
    if given["as_json"]:
        words.print_json([asdict(one) for one in examined])
    else:
        for one in examined:
            words.print_data(f"{one.verdict:<8} {one.name:<8} {one.what}")
            for label in ("why", "fix"):
                if getattr(one, label):
                    words.print_data(f"{'':17} {label}: {getattr(one, label)}")
    if any(one.verdict == doctor.PROBLEM for one in examined):
        raise click.exceptions.Exit(CheckFoundSomething.exit_code)
