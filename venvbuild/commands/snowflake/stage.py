"""`venvbuild snowflake stage`: looks after what lies in a stage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from venvbuild import snowflake
from venvbuild.commands.snowflake.target import Target, environment, with_stage
from venvbuild.console import options, output, tables
from venvbuild.errors import UsageError
from venvbuild.snowflake import Plan, StagedFile
from venvbuild.text import count_text, size_text


@click.group("stage", short_help="Look after what lies in a stage.")
def command() -> None:
    """Look after what `snowflake sync` has brought to a stage."""


@command.command("list", short_help="The files of the stage's folder, the newest first.")
@with_stage
@options.with_config
@options.with_shape
def list_command(**given: Any) -> None:
    """The files of the stage's folder, the newest first; `zip` and `manifest` are those of `sync`, by their names."""
    shape = tables.shape_of(given)
    target = Target.of(given, environment())
    target.set_up(options.load(given))
    with target.opened() as stage:
        files = sorted(stage.files().values(), key=lambda file: (-(file.modified_at or 0), file.name))
    rows = [{"name": one.name, "kind": _kind(one), "size_bytes": one.size, "modified_at": _at(one)} for one in files]
    tables.print_rows(("name", "kind", "size_bytes", "modified_at"), rows, shape)
    # An answer like any other (0): stdout, which programs read, stays empty.
    if not rows:
        output.say(f"nothing is in {target.name}")


def _kind(file: StagedFile) -> str:
    name = file.name.removesuffix(snowflake.BESIDE)
    if not snowflake.OURS.fullmatch(name):
        return "other"
    return "zip" if name == file.name else "manifest"


def _at(file: StagedFile) -> str | None:
    return None if file.modified_at is None else f"{datetime.fromtimestamp(file.modified_at, UTC):%Y-%m-%dT%H:%M:%SZ}"


@command.command("prune", short_help="Remove ZIPs of `sync` but the newest, and those that functions import.")
@with_stage
@click.option("--keep", type=click.IntRange(min=1), required=True, metavar="N", help="So many stay, the newest.")
@click.option("--yes", is_flag=True, help="Do it; without, what would go is shown.")
@click.option("--unchecked", is_flag=True, help="With --yes: also where it cannot be asked who imports them.")
@options.with_config
@options.as_json
def prune(keep: int, yes: bool, unchecked: bool, **given: Any) -> None:
    """Remove ZIPs that `sync` has named by their content, with their manifests, but the newest of them.

    Those that a function or procedure imports stay, as far as this role is shown who does. What cannot be asked is NOT
    CHECKED, and then --yes needs --unchecked too. Files of other names are never touched.
    """
    target = Target.of(given, environment())
    target.set_up(options.load(given))
    with target.opened() as stage:
        planned = snowflake.plan(stage, keep)
        _tell(planned)
        if yes and planned.removed and planned.not_checked and not unchecked:
            raise UsageError(
                "it is not known whether something imports these files",
                where=str(target.name),
                why=f"NOT CHECKED: {'; '.join(planned.not_checked)}",
                fix="use a role that may see them, or remove them all the same: --yes --unchecked",
                rule="NOT_CHECKED",
            )
        if yes:
            snowflake.remove(stage, planned)
    output.say(_sum(planned.removed, is_done=yes))
    if given["as_json"]:
        output.print_json(
            {
                "removed" if yes else "would_remove": [file.name for file in planned.removed],
                "kept": list(planned.kept),
                "in_use": {name: list(users) for name, users in planned.in_use.items()},
                "not_checked": list(planned.not_checked),
            }
        )


def _tell(planned: Plan) -> None:
    for name, users in planned.in_use.items():
        output.say(f"stays, {', '.join(users)} imports it: {name}")
    for what in planned.not_checked:
        output.say(f"NOT CHECKED: {what}")
    for file in planned.removed:
        output.say(f"to be removed: {file.name} ({size_text(file.size)})")


def _sum(removed: Sequence[StagedFile], *, is_done: bool) -> str:
    if not removed:
        return "nothing is to be removed"
    total = f"{count_text(len(removed), 'file')}, {size_text(sum(file.size for file in removed))}"
    return f"removed: {total}" if is_done else f"{total}; nothing was removed: --yes does it"
