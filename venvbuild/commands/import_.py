"""`venvbuild import`: builds and archives that others made, copied into a store."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from venvbuild import steps
from venvbuild.archive import FragmentCache
from venvbuild.console import options, output
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.importing import Import, Imported, Known, Making, imported, open_source
from venvbuild.stores import Surroundings, open_store, refuse_ephemeral, store_of
from venvbuild.text import count_text


@click.command("import", short_help="Copy builds and archives that scripts made into the store.")
@click.argument("text", metavar="FOLDER|s3://BUCKET/PREFIX|FILE.tar.gz")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options.with_env_name
@options.with_store
@options.with_config
@options.as_json
def command(text: str, dry_run: bool, **given: Any) -> None:
    """Copy builds that scripts made, and lone archives of environments, into the store, as builds of --env-name.

    Each is unpacked, made relocatable, packed as `build` packs, inspected, and gets a new version of now, the oldest
    first. What is in the store already is left, so that the same command does the rest after an interruption. Ends with
    8, or the number of their common reason, when some could not be done.
    """
    settings = options.load(given)
    if settings.origins["env_name"] == "default":
        fix = "name the environment that the builds become builds of: --env-name NAME"
        raise UsageError("an imported build needs the name of an environment", where="--env-name", fix=fix)
    if not dry_run:
        refuse_ephemeral(settings, Surroundings.here(os.environ))
    store = store_of(settings)
    known = Known.of(store, settings.env_name)
    if known.others:
        own = count_text(known.others, "build")
        output.say(
            f"warning: {settings.env_name} has {own} of its own; what is imported gets newer versions, and so becomes "
            f"{settings.env_name}@latest"
        )
    cache = None if dry_run else settings.folders.cache
    source = open_source(text, partial(open_store, endpoint_url=settings.s3_endpoint_url, cache=cache))
    making = Making(settings.env_name, settings.level, FragmentCache(cache / "fragments") if cache else None)
    into = Import(store, making, lambda build: steps.registered(store, build, settings), dry_run)
    told: list[Imported] = []
    try:
        for one in imported(source, into, known):
            told.append(one)
            _tell(one, as_json=given["as_json"])
    finally:
        counts = Counter(one.outcome for one in told)
        output.say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing was done")
    if given["as_json"]:
        output.print_json([_as_json(one) for one in told])
    codes = {one.exit_code for one in told if one.exit_code}
    if codes:
        click.get_current_context().exit(codes.pop() if len(codes) == 1 else IntegrityError.exit_code)


def _tell(one: Imported, *, as_json: bool) -> None:
    """A line of data, and on stderr why, or what is other than it was told."""
    line = "  ".join(filter(None, (one.outcome, one.venv_version, one.source)))
    if not as_json:
        output.print_data(line)
    for note in one.notes:
        output.say(f"{one.source}: {note}")
    for problem in one.problems:
        output.say(f"{one.source}: {problem.as_line()}" if problem.where != one.source else problem.as_line())


def _as_json(one: Imported) -> dict[str, Any]:
    told = {name: value for name, value in asdict(one).items() if name not in ("problems", "exit_code")}
    return {**told, "problems": [problem.as_json() for problem in one.problems]}
