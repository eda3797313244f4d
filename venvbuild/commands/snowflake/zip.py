"""`venvbuild snowflake zip`: the ZIP, without any login."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake import options as ours
from venvbuild.console import options, output
from venvbuild.errors import UsageError, of_disk
from venvbuild.snowflake import Bundle, ImportFailed, is_ours, make_bundle
from venvbuild.text import shown


@click.command("zip", short_help="Make the ZIP; no Snowflake is asked.")
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The ZIP; in a folder that is there it gets its name by its content.",
)
@ours.with_wish
@options.as_json
def command(target: Path, **given: Any) -> None:
    """Make one ZIP of pinned packages that Snowflake's Python imports.

    The set is resolved for Snowflake's Python and machines, whatever runs here. Members are copied as their wheels hold
    them, so that the same wheels give the same bytes anywhere. What is native, or opens its data by path, is told by
    name.
    """
    settings, wish = ours.settings_of(given), ours.wish_of(given)
    wish.judge()
    _judge_target(target)
    folder = target if target.is_dir() else target.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".venvbuild-snowflake-", dir=folder) as making:
            try:
                bundle = make_bundle(wish, Path(making), ours.say, settings, os.environ)
            except ImportFailed as failed:
                output.say(_kept(failed.bundle, target))
                raise
            made = _placed(bundle, target)
    except OSError as error:
        raise of_disk(error, str(folder)) or UsageError(
            f"it cannot be written: {error.strerror}", where=shown(str(folder), 200), fix="name another with -o"
        ) from error
    if given["as_json"]:
        output.print_json({"file": str(made), **ours.as_json(bundle)})
    else:
        output.print_data(f"{made}  {bundle.sha256}")


def _judge_target(target: Path) -> None:
    where = shown(str(target), 200)
    if not (target if target.is_dir() else target.parent).is_dir():
        raise UsageError("the folder of the ZIP is not there", where=where, fix="make it, or name another with -o")
    if target.is_dir() or not os.path.lexists(target) or (target.is_file() and is_ours(target)):
        return
    # beside a device, or /dev/stdout, is no place for a file
    is_plain = target.is_file() and not target.is_symlink() and os.access(target.parent, os.W_OK)
    another = f"{target}.new.zip" if is_plain else "."
    raise UsageError(
        "it is there, and no ZIP of this command",
        where=where,
        fix=f"{'remove it, or ' if is_plain else ''}name another with -o: -o {shlex.quote(another)}",
    )


def _place_of(bundle: Bundle, target: Path) -> Path:
    return target / bundle.name if target.is_dir() else target


def _placed(bundle: Bundle, target: Path) -> Path:
    place = _place_of(bundle, target)
    if place != target:
        _judge_target(place)
    bundle.zip.replace(place)
    return place


def _kept(bundle: Bundle, target: Path) -> str:
    """What became of a ZIP that does not import: beside the one that was asked for, which a good one may be."""
    place = _place_of(bundle, target)
    place = place.with_name(f"{place.name.removesuffix('.zip')}.failed.zip")
    if os.path.lexists(place) and not (place.is_file() and is_ours(place)):
        return f"the ZIP is not kept: {shown(str(place), 200)} is there, and no ZIP of this command"
    bundle.zip.replace(place)
    return f"the ZIP is kept all the same: {place}"
