"""`venvbuild diff`: what changed between two builds."""

from __future__ import annotations

from typing import Any

import click

from athena import questions
from athena.engines import Row
from athena.questions import Difference
from venvbuild import builds
from venvbuild.console import engine, options, output, tables
from venvbuild.stores import store_of

_COLUMNS = ("name", "version_before", "version_after")
_SIDE = (
    "venv_version",
    "created_at",
    "env_name",
    "python_version",
    "python_full_version",
    "platform",
    "is_conflict_free",
)


@click.command("diff", short_help="What changed between two builds: diff sales@prod sales@latest")
@click.argument("before")
@click.argument("after")
@options.with_format
@options.max_bytes
@options.strict
@options.with_engine
@options.with_config
def command(before: str, after: str, **given: Any) -> None:
    """The packages that differ between two builds. Each is a BUILD: a version, ENV@ALIAS, ENV@latest, ENV@ALIAS~N."""
    settings = options.load(given)
    store, shape = store_of(settings), tables.shape_of(given)
    before, after = builds.find(store, before), builds.find(store, after)
    if given["explain"]:
        # Without an engine: both versions are known.
        tables.print_sql(questions.plan_difference(before, after), shape)
        return
    with engine.opened(settings, store, given["max_bytes"], is_strict=given["strict"]) as opened:
        difference = questions.difference(opened, before, after)
    changes = [dict(zip(_COLUMNS, change, strict=True)) for change in difference.changes]
    if shape == "json":
        output.print_json({**_sides(difference), "changes": changes})
        return
    for side in _sides(difference).values():
        # On stderr, so that the changes alone are on stdout.
        state = "conflict free" if side["is_conflict_free"] else "conflicts"
        # A script's build is of no environment, and says X.Y.
        python = side["python_full_version"] or side["python_version"]
        output.say(f"{side['venv_version']}  {side['env_name'] or '-'}  Python {python}  {state}")
    tables.print_rows(_COLUMNS, changes, shape)
    if not changes:
        output.say("both have the same packages")


def _sides(difference: Difference) -> dict[str, Row]:
    sides = {"before": difference.before, "after": difference.after}
    return {name: {field: build[field] for field in _SIDE} for name, build in sides.items()}
