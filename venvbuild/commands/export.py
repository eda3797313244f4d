"""`venvbuild export`: a build in the form in which a consumer takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from venvbuild import builds
from venvbuild.archive import FragmentCache
from venvbuild.console import options, output
from venvbuild.console.progress import Beat
from venvbuild.errors import CheckFoundSomething, UsageError
from venvbuild.exports import (
    BUNDLE_PYTHON,
    CONSUMERS,
    RUN_WITH_PYTHON,
    Build,
    Consumer,
    Exported,
    export,
    rule_as_json,
)
from venvbuild.stores import store_of


@click.command("export", short_help="Make what Spark, Lambda and others take of a build: export sales@prod --for spark")
@click.argument("version", required=False, metavar="BUILD")
@click.option("--for", "consumer", type=click.Choice(list(CONSUMERS)), help="Who is to take it.")
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=str),
    metavar="FILE|DIR",
    help="What is made; in a folder that is there a file gets its usual name.",
)
@click.option(BUNDLE_PYTHON, "is_bundled", is_flag=True, help="For run: only a build that brings its Python.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--list", "lists", is_flag=True, help="Tell the consumers and their rules, each with page and date.")
@options.with_store
@options.with_config
@options.as_json
def command(
    version: str | None,
    consumer: str | None,
    target: str | None,
    is_bundled: bool,
    force: bool,
    lists: bool,
    **given: Any,
) -> None:
    """Make of a stored build what a consumer takes, and print the settings to paste; nothing is installed again.

    Its rules are judged first, each met, broken or NOT CHECKED, on stderr. Where one is broken nothing is made, and it
    ends with 11 and the way out. FILE.sha256 lies beside what is made. BUILD is a version, ENV@ALIAS, ENV@latest or
    ENV@ALIAS~N.
    """
    if lists:
        if version is not None or consumer is not None or target is not None or force or is_bundled:
            raise UsageError("--list stands alone", where="--list", fix="venvbuild export --list")
        _print_list(as_json=given["as_json"])
        return
    if version is None or consumer is None:
        raise UsageError(
            "a build and a consumer are needed", fix="venvbuild export sales@latest --for spark; --list shows them"
        )
    taker = _consumer(consumer, is_bundled=is_bundled)
    settings = options.load(given)
    store = store_of(settings)
    cache = FragmentCache(settings.folders.cache / "fragments")
    with Beat("export"):
        # Once, here: while it is read the alias may move.
        build = Build.of(store, builds.find(store, version), cache)
        exported = replace(export(taker, build, _place(target, taker), force=force), also=_also(given))
    _tell(exported, as_json=given["as_json"])


def _consumer(name: str, *, is_bundled: bool) -> Consumer:
    if not is_bundled:
        return CONSUMERS[name]
    if name != RUN_WITH_PYTHON.name:
        fix = f"leave it out here: venvbuild build {BUNDLE_PYTHON} makes a build that has it for {name}, too"
        raise UsageError("only --for run takes it", where=BUNDLE_PYTHON, fix=fix)
    return RUN_WITH_PYTHON


def _place(target: str | None, taker: Consumer) -> Path | None:
    # A path forgets the slash at its end.
    if target and target.endswith(("/", "/.")) and taker.makes != "folder" and not Path(target).is_dir():
        raise UsageError("the folder is not there", where=target, fix="make it, or name another with -o")
    return None if target is None else Path(target)


def _also(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The flags by which whoever follows an advice comes to the same store."""
    words = ((f"--{name}", str(given[name])) for name in ("store", "config") if given.get(name) is not None)
    return tuple(word for pair in words for word in pair)


def _tell(exported: Exported, *, as_json: bool) -> None:
    for one in exported.verdicts:
        source = one.rule.source
        output.say(f"{one.state:<11}  {one.rule.name}: {one.finding.saw} ({source.page}, {source.read_on})")
    problems = tuple(exported.problems())
    if as_json:
        output.print_json(exported.as_json())
        if problems:
            # A code and no error: all has been said, in the one document that was asked for.
            raise click.exceptions.Exit(CheckFoundSomething.exit_code)
    elif problems:
        raise CheckFoundSomething.of(problems)
    if exported.file:
        output.say(f"{exported.file}  {exported.sha256}")
    if not as_json:
        for paste in exported.settings:
            output.print_data(f"# {paste.where}")
            output.print_text(paste.text)


_LISTED: tuple[tuple[Consumer, tuple[str, ...]], ...] = (
    *((one, ()) for one in CONSUMERS.values()),
    (RUN_WITH_PYTHON, (BUNDLE_PYTHON,)),
)
"""With the flags that `--for NAME` wants beside it."""


def _print_list(*, as_json: bool) -> None:
    if as_json:
        output.print_json([_as_json(*one) for one in _LISTED])
        return
    for one, flags in _LISTED:
        output.print_data(f"{' '.join((one.name, *flags))}: {one.takes}")
        for rule in one.rules:
            output.print_data(f"  {rule.name}: {rule.wants} ({rule.source.page}, {rule.source.read_on})")


def _as_json(consumer: Consumer, flags: tuple[str, ...]) -> dict[str, Any]:
    return {
        "consumer": consumer.name,
        "flags": list(flags),
        "takes": consumer.takes,
        "makes": consumer.makes,
        "rules": [rule_as_json(rule) for rule in consumer.rules],
    }
