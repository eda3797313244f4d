"""`venvbuild notify`: tells people what became of the run in a work dir."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from venvbuild import extras
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.notifiers import (
    EVENTS,
    Changes,
    Deadline,
    Message,
    Services,
    changes_since_last_good,
    compose,
    hide_addresses,
)
from venvbuild.redaction import REDACTOR
from venvbuild.run import Outcome, outcome_of
from venvbuild.settings import Settings
from venvbuild.stores import store_of
from venvbuild.text import shown_to_all

# For everything; a job waits for it.
_TIMEOUT_S = 10
# Of these: what has changed since the last good build is no reason to tell nobody.
_STORE_TIMEOUT_S = 4


@click.command("notify", short_help="Tell people what became of the run in the work dir.")
@click.argument("event", type=click.Choice(list(EVENTS)))
@click.option("--dry-run", is_flag=True, help="Print the message, and send nothing.")
@options.with_work_dir
@options.with_store
@options.with_config
@options.as_json
def command(**given: Any) -> None:
    """Tell the services of VENVBUILD_NOTIFY_URLS (Slack, e-mail, Teams, ...) what became of the run: EVENT.

    A service that does not take the message is a warning, and no failure; all of it takes ten seconds at most. Without
    an address, or with one that cannot be read, it ends with 2.
    """
    settings = options.load_of_any_run(given)
    # Before anything can go wrong with one: a hook's address is its password.
    hide_addresses(settings.notify_urls, REDACTOR)
    told = _services(settings)
    deadline = Deadline(_TIMEOUT_S)
    message = _message(given, settings, deadline)
    # A warning and not an error: a service that is away must not fail a job that went well.
    failed = {} if given["dry_run"] else told.send(message, deadline)
    for name, reason in failed.items():
        output.say(f"WARNING: not notified: {name}: {reason}")
    if given["as_json"]:
        notified = [] if given["dry_run"] else [name for name in told.names if name not in failed]
        output.print_json({"title": message.title, "body": message.body, "notified": notified, "failed": failed})
    elif given["dry_run"]:
        output.print_text(f"{message.title}\n\n{message.body}")
    if deadline.has_left_behind():
        output.end_at_once()


def _services(settings: Settings) -> Services:
    if not settings.notify_urls:
        raise UsageError(
            "nobody is named who should be told",
            where="VENVBUILD_NOTIFY_URLS",
            fix="set it to addresses of https://appriseit.com/services/, separated by spaces",
        )
    # Here and not at the top: apprise and what it needs are 17 MB that most jobs never use.
    extras.add("notify", "apprise", settings.folders.cache)
    return Services.of(settings.notify_urls, settings.origins["notify_urls"])


def _message(given: options.Given, settings: Settings, deadline: Deadline) -> Message:
    folder = Path(settings.work_dir or options.DEFAULT_WORK_DIR)
    job = shown_to_all(os.environ.get("BUILD_URL"))
    run = outcome_of(folder)
    if run and job and run.build_url and run.build_url != job:
        run = None  # what stands there is an earlier job's
    found = _changes(run, settings, deadline) if run else None
    # Jenkins' artifacts have the path that the work dir has in the workspace.
    place = os.path.relpath(folder, os.environ.get("WORKSPACE") or os.curdir)
    message = compose(given["event"], run, found, "" if f"{place}/".startswith("../") else place)
    if run or not job:
        return message
    return replace(message, body=f"{message.body}\n\njob: {job}\nconsole: {job.rstrip('/')}/console")


def _changes(run: Outcome, settings: Settings, deadline: Deadline) -> Changes | None:
    """None, too, when the store cannot be asked: it may be the reason of the failure."""
    [found] = deadline.run([lambda: changes_since_last_good(run, store_of(settings))], _STORE_TIMEOUT_S)
    return found if isinstance(found, Changes) else None
