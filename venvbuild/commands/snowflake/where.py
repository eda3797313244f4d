"""`venvbuild snowflake where`: which stage holds a package."""

from __future__ import annotations

from typing import Any

import click

from athena.questions import parse_packages
from venvbuild import snowflake
from venvbuild.console import options, output, tables
from venvbuild.stores import store_of

_COLUMNS = (
    "package", "version", "place", "python_version", "platform", "venv_version", "synced_at", "account", "role", "from",
)  # fmt: skip


@click.command("where", short_help="Which stages hold a package: where kedro")
@click.argument("package")
@options.with_shape
@options.with_store
@options.with_config
def command(package: str, **given: Any) -> None:
    """Which stages hold PACKAGE (kedro, or 'kedro>=0.19'), by the records of `snowflake sync --also-catalog`.

    Of each file of a stage the newest record says what it holds; a ZIP that was sent for two Pythons or machines stands
    there for each. Snowflake is not asked: what others have replaced or removed since
    is not known. What is from PACKAGES is not in the ZIP, Snowflake installs it.
    """
    [wanted] = parse_packages([package])
    store, shape = store_of(options.load(given)), tables.shape_of(given)
    records, problems = snowflake.read_all(store)
    for problem in problems:
        output.say(f"not read: {problem.as_line()}")
    rows = [
        {
            "package": one.package,
            "version": one.version,
            "place": f"{one.record.stage}/{one.record.file}",
            "python_version": one.record.python_version,
            "platform": one.record.platform,
            "venv_version": one.record.venv_version,
            "synced_at": one.record.synced_at,
            "account": one.record.account,
            "role": one.record.role,
            "from": "the ZIP" if one.is_inside else "PACKAGES",
        }
        for one in snowflake.whereabouts(records, wanted.name, wanted.fits)
    ]
    tables.print_rows(_COLUMNS, rows, shape)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not rows:
        output.say(f"no stage is known to hold {wanted}, by the records in {store.url}")
