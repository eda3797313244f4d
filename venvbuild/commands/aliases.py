"""`venvbuild aliases`: what the aliases of a store point to, and what they have pointed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from venvbuild import builds
from venvbuild.builds import Move
from venvbuild.console import options, output, tables
from venvbuild.settings import parameters
from venvbuild.stores import Store, store_of

_COLUMNS = ("name", "venv_version", "moved_at", "previous", "is_undo")


@click.command("aliases", short_help="The aliases of a store, and what they point to; --history: every move.")
@click.argument("env", required=False, metavar="[ENV|ENV@ALIAS]")
@click.option("--history", "is_whole", is_flag=True, help="Every move, the newest first.")
@options.with_shape
@options.with_store
@options.with_config
def command(env: str | None, is_whole: bool, **given: Any) -> None:
    """What each alias points to, of one environment or of all, since when, and what it pointed to before.

    With --history each move is a row, named as commands take it: sales@prod~1 is what sales@prod pointed to before its
    last move.
    """
    store, shape = store_of(options.load(given)), tables.shape_of(given)
    rows = [
        {"name": f"{move.name}~{back}" if back else move.name, **asdict(move)}
        for current in _asked(store, env)
        for back, move in enumerate(_moves(store, current) if is_whole else (current,))
    ]
    if shape == "json":
        output.print_json(rows)
        return
    tables.print_rows(_COLUMNS, rows, shape)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not rows:
        output.say(f"there are no aliases{f' of {env}' if env else ''} in {store.url}")


def _asked(store: Store, env: str | None) -> Iterator[Move]:
    """The current moves of what was asked for; an alias that is named has to be there."""
    if env is None or "@" not in env:
        yield from builds.all_moves(store, parameters.env_name(env, "ENV") if env is not None else None)
        return
    env_name, _, alias = env.partition("@")
    parameters.env_name(env_name, "ENV@ALIAS")
    yield builds.move_before(store, env_name, parameters.alias(alias, "ENV@ALIAS"), 0)


def _moves(store: Store, current: Move) -> Iterator[Move]:
    return reversed(builds.history(store, current.env_name, current.alias))
