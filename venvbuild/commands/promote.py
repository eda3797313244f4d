"""`venvbuild promote`: moves an alias to a build."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from venvbuild import builds
from venvbuild.console import options, output
from venvbuild.stores import store_of


@click.command("promote", short_help="Let an alias of a build's environment point to it: sales@prod.")
@click.argument("version")
@click.argument("alias")
@options.with_store
@options.with_config
@options.as_json
def command(version: str, alias: str, **given: Any) -> None:
    """Let ALIAS, of the environment that VERSION is a build of, point to that build; its history stays.

    VERSION may also be ENV@ALIAS or ENV@latest: `promote sales@staging prod`.
    """
    store = store_of(options.load(given))
    move = builds.promote(store, builds.find(store, version), alias)
    if given["as_json"]:
        output.print_json(asdict(move))
    else:
        before = f"  (before: {move.previous})" if move.previous else ""
        output.print_data(f"{move.env_name}@{move.alias}  {move.venv_version}  {move.moved_at}{before}")
