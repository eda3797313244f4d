"""`venvbuild aliases`: what the aliases of a store point to, and what they have pointed to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from venvbuild import builds
from venvbuild.console import options, output, tables
from venvbuild.errors import IntegrityError
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
    store, shape, damaged = store_of(options.load(given)), tables.shape_of(given), list[IntegrityError]()
    rows = [
        {"name": f"{move.name}~{back}" if back else move.name, **asdict(move)}
        for back, move in builds.moves_back(store, *_asked(store, env), is_whole=is_whole, damaged=damaged.append)
    ]
    if shape == "json":
        output.print_json(rows)
    else:
        tables.print_rows(_COLUMNS, rows, shape)
    if damaged:  # after what can be told: one bad record is one bad record
        raise IntegrityError.of(problem for error in damaged for problem in error.problems)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not rows and shape != "json":
        output.say(f"there are no aliases{f' of {env}' if env else ''} in {store.url}")


def _asked(store: Store, env: str | None) -> tuple[str | None, str | None]:
    """The environment and the alias that were asked for; an alias that is named has to be there."""
    if env is None:
        return None, None
    env_name, at, alias = env.partition("@")
    parameters.env_name(env_name, "ENV@ALIAS" if at else "ENV")
    if not at:
        return env_name, None
    builds.require_alias(store, env_name, parameters.alias(alias, "ENV@ALIAS"))
    return env_name, alias
