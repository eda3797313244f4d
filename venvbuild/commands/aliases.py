"""`venvbuild aliases`: what the aliases of a store point to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from venvbuild import builds
from venvbuild.console import options, output
from venvbuild.settings import parameters
from venvbuild.stores import store_of


@click.command("aliases", short_help="The aliases of a store, and what they point to.")
@click.argument("env", required=False)
@options.with_store
@options.with_config
@options.as_json
def command(env: str | None, **given: Any) -> None:
    """What each alias points to, of one environment or of all."""
    store = store_of(options.load(given))
    moves = list(builds.all_moves(store, parameters.env_name(env, "ENV") if env is not None else None))
    if given["as_json"]:
        output.print_json([asdict(move) for move in moves])
        return
    for move in moves:
        output.print_data(f"{f'{move.env_name}@{move.alias}':<30}  {move.venv_version}  {move.moved_at}")
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not moves:
        output.say(f"there are no aliases{f' of {env}' if env else ''} in {store.url}")
