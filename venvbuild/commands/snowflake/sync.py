"""`venvbuild snowflake sync`: from pins to a stage, and the statement that uses it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from venvbuild import builds, snowflake
from venvbuild.commands.snowflake import options as ours
from venvbuild.commands.snowflake.target import Target, environment, with_stage
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.settings import Settings
from venvbuild.snowflake import Bundle, ImportFailed, Record, Uploaded, Use, Wish
from venvbuild.stores import Store, store_of


@click.command("sync", short_help="Make the ZIP and bring it to a stage, unless the same lies there.")
@with_stage
@ours.with_wish
@click.option(
    "--overwrite", is_flag=True, help="Replace another ZIP of the name; functions at work may see the new one."
)
@click.option("--verify", is_flag=True, help="Fetch the ZIP from the stage, and compare its bytes.")
@click.option(
    "--statement",
    "kind",
    type=click.Choice(snowflake.KINDS),
    default="function",
    show_default=True,
    help="What the printed statement creates.",
)
@click.option(
    "--artifact-repository",
    "repository",
    metavar="NAME",
    help="Where Snowflake gets what --native packages leaves to it.",
)
@click.option("--also-catalog", is_flag=True, help="Write beside the build which stage has it; for `snowflake where`.")
@click.option("--dry-run", is_flag=True, help="Make the ZIP and the statement, and ask no Snowflake.")
@options.as_json
def command(kind: str, repository: str | None, also_catalog: bool, dry_run: bool, **given: Any) -> None:
    """Make one ZIP of pinned packages, bring it to a stage of Snowflake, and print the statement that uses it.

    A ZIP named by its content is sent once. One of a fixed name (--zip-name) that is there with other content is left
    alone without --overwrite. What was sent is looked for in the stage, with its size.
    """
    environ = environment()
    wish = ours.wish_of(given)
    wish.judge()
    target = Target.of(given, environ, is_asked=not dry_run)
    repository = snowflake.checked_name(repository, "--artifact-repository") if repository else None
    settings = ours.settings_of(given, environ)
    store, wish = _store_for_record(wish, settings, is_asked=also_catalog)
    target.set_up(settings)
    folder = Path(tempfile.mkdtemp(prefix="venvbuild-snowflake-"))
    is_kept = False
    try:
        bundle = snowflake.make_bundle(wish, folder, ours.say, settings, environ)
        uploaded = _sent(bundle, target, given, store, wish) if target.login else None
    except ImportFailed as failed:
        is_kept = True
        output.say(f"the ZIP is kept, and was not sent: {failed.bundle.zip}")
        raise
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)
    if uploaded is None:
        ours.say("upload", f"{target.name.of(bundle.name)} is not sent (--dry-run)")
        if store:
            ours.say("catalog", "no record is written (--dry-run)")
    use = _use(bundle, target, repository)
    if repository and not use.uses_repository(kind):
        unused = "--artifact-repository is not used: nothing is left to Snowflake (--native packages)"
        ours.say("warning", unused)
        bundle = replace(bundle, warnings=(*bundle.warnings, unused))
    if given["as_json"]:
        _print_json(bundle, target, uploaded, use, kind)
    else:
        output.print_text(use.statement(kind))


def _store_for_record(wish: Wish, settings: Settings, *, is_asked: bool) -> tuple[Store | None, Wish]:
    """The store that gets the record, and the wish with the version that the build has now: an alias may move."""
    if not is_asked:
        return None, wish
    if wish.build is None:
        raise UsageError(
            "a file is no build, and has no record in a catalog",
            where="--also-catalog",
            fix="name a build with --from VERSION or --from ENV@ALIAS, or leave it out",
        )
    store = store_of(settings)
    return store, replace(wish, build=builds.find(store, wish.build))


def _sent(bundle: Bundle, target: Target, given: options.Given, store: Store | None, wish: Wish) -> Uploaded:
    began = time.monotonic()
    with target.opened() as stage:
        uploaded = snowflake.upload(stage, bundle, is_overwriting=given["overwrite"], verifies=given["verify"])
        ours.say("upload", _told(bundle, uploaded, time.monotonic() - began))
        session = stage.session.current("ACCOUNT", "ROLE") if store else ()
    if store and wish.build:
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        record = Record.of(bundle, uploaded, wish.build, session, at)
        snowflake.remember(store, record)
        ours.say("catalog", store.uri(record.key))
    return uploaded


def _told(bundle: Bundle, uploaded: Uploaded, seconds: float) -> str:
    verified = ", its bytes were compared" if uploaded.is_verified else ""
    if uploaded.status == "unchanged":
        return f"unchanged: {bundle.name} is there{verified}"
    told = f"{uploaded.place} {uploaded.status} ({seconds:.1f} s){verified}"
    return f"{told}; functions at work may see the new file" if uploaded.status == "replaced" else told


def _use(bundle: Bundle, target: Target, repository: str | None) -> Use:
    inside = [one for one in bundle.distributions if one.is_inside]
    shows = next((one.name for one in inside if one.is_pinned), inside[0].name if inside else None)
    return Use(
        target.name.of(bundle.name), bundle.python, bundle.packages, repository,
        is_native=bundle.is_shipping_native, is_x86=bundle.platform == "x86_64", shows=shows,
    )  # fmt: skip


def _print_json(bundle: Bundle, target: Target, uploaded: Uploaded | None, use: Use, kind: str) -> None:
    warnings = [*(target.login.warnings if target.login else ()), *bundle.warnings]
    made: Mapping[str, object] = {
        **ours.as_json(bundle),
        "sha256": uploaded.sha256 if uploaded else bundle.sha256,
        "stage": str(target.name),
        "status": uploaded.status if uploaded else "dry-run",
        "warnings": warnings,
        "create_function": use.statement("function") if kind != "procedure" else None,
        "create_procedure": use.statement("procedure") if kind != "function" else None,
    }
    output.print_json(made)
