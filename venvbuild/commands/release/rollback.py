"""`venvbuild release rollback`: the last release taken back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from packaging.version import InvalidVersion, Version

from venvbuild import extras, release
from venvbuild.commands.release import options as ours
from venvbuild.commands.release import place
from venvbuild.commands.release.options import Opened
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.settings import Settings
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild.notifiers import Services

_TIMEOUT_S = 10


@click.command("rollback", short_help="Take a release back: the last one, or a version that is on the index.")
@click.argument("wanted", metavar="[VERSION]", required=False)
@click.option("--yes", "is_sure", is_flag=True, help="Withdraw what is public.")
@click.option("--notify", "notifies", is_flag=True, help="Send the notice to VENVBUILD_NOTIFY_URLS, too.")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The day in the changelog, else today (UTC).")
@place.with_address
@ours.with_project
@options.with_config
def command(wanted: str | None, is_sure: bool, notifies: bool, **given: Any) -> None:
    """A release that nobody has is undone: its tag, its commit, its files; only what it made, and only at HEAD.

    One that is pushed or on the index is never rewritten. With --yes it is withdrawn as far as its index can; then the
    next patch version is committed and tagged, which has the content of the version before, and `run` publishes it.
    The notice to your users is printed.

    VERSION is one that the project has gone on from: it is withdrawn from the index, and nothing is committed.
    """
    asked = _asked(wanted)
    settings = options.load({"config": given["config"]})
    services = _services(settings) if notifies else None
    opened = ours.opened(given)
    with release.held(opened.repository):
        if edited := release.undo_edit(opened.repository, opened.configuration):
            ours.say("undone", f"the edit of {edited}, which was not committed")
            if asked is None:  # it was all that was begun: the release before it is another matter
                nobody = release.Plan(edited, (), False, None, None)
                _tell(opened, release.RolledBack(nobody, (f"edit of {edited}",)), None, None, as_json=given["as_json"])
                return
            opened = ours.opened(given)
        target = _target(opened)
        work = release.Rollback(opened.source, ours.say, ours.day_of(given["day"]), target, os.environ)
        plan = work.plan(asked)
        if not plan.public:
            done = work.undo(plan)
            ours.say("undone", ", ".join(done.undone) or "there was nothing")
        else:
            _require_sure(plan, is_sure=is_sure)
            tools, _ = ours.tools_of(given)
            done = work.withdraw(plan, tools)
    _tell(opened, done, target, services, as_json=given["as_json"])


def _asked(wanted: str | None) -> Version | None:
    try:
        return Version(wanted) if wanted is not None else None
    except InvalidVersion:
        raise UsageError(f"{shown(str(wanted))} is no version", where="VERSION", fix="write it as in 1.2.3") from None


def _target(opened: Opened) -> release.Target | None:
    configuration = opened.configuration
    try:
        return release.target_of(configuration, os.environ, is_read_only=True)
    except UsageError:
        if not all(configuration.is_default(key) for key in ("backend", "index_url", "upload_url")):
            raise
        output.say("note: no index is configured, and none is asked")
        return None


def _require_sure(plan: release.Plan, *, is_sure: bool) -> None:
    if not is_sure:
        raise UsageError(
            f"{plan.version} is public",
            where=shown("; ".join(plan.public), 300),
            why="it can be withdrawn from its index; nothing is committed, for the project has gone on"
            if plan.followed_by
            else "it can be withdrawn, and followed by a version that is the one before; it is never rewritten",
            fix=f"`venvbuild release rollback{f' {plan.version}' if plan.followed_by else ''} --yes` does that",
            rule="PUBLIC",
        )


def _tell(
    opened: Opened, done: release.RolledBack, target: release.Target | None, services: Services | None, *, as_json: bool
) -> None:
    plan, name, made = done.plan, opened.project.name, done.made
    text = release.notice(plan, name, made, done.withdrawal) if plan.public else ""
    good = plan.previous or plan.newer
    line = release.previous_line(name, good, target) if plan.public and good else ""
    if done.withdrawal:
        ours.say("withdraw", shown(done.withdrawal.how, 500))
        if done.withdrawal.todo:
            ours.say("to do", shown(done.withdrawal.todo, 1000))
    if made:
        release.tell(made, ours.say)
        output.say(f"note: `venvbuild release run` publishes {made.new}")
    if plan.followed_by:
        output.say(f"note: nothing is committed here, for the project is at {plan.followed_by}")
    notified = _send(services, text, line) if services and text else []
    if as_json:
        told: Mapping[str, Any] = {
            "name": name,
            "version": str(plan.version),
            "was_public": bool(plan.public),
            "undone": list(done.undone),
            "is_withdrawn": done.withdrawal.is_done if done.withdrawal else None,
            "todo": (done.withdrawal.todo or None) if done.withdrawal else None,
            "previous": str(plan.previous) if plan.previous else None,
            "newer": str(plan.newer) if plan.newer else None,
            "next": str(made.new) if made else None,
            "notice": text or None,
            "install": line or None,
            "notified": notified,
        }
        output.print_json(told)
    elif text:
        output.print_data(text)
        if line:
            output.print_data(line)


def _services(settings: Settings) -> Services:
    from venvbuild.notifiers import Services, hide_addresses  # here, for `release status` needs none of it

    hide_addresses(settings.notify_urls, REDACTOR)
    if not settings.notify_urls:
        fix = "set it to addresses of https://appriseit.com/services/, separated by spaces"
        raise UsageError("nobody is named who should be told", where="VENVBUILD_NOTIFY_URLS", fix=fix)
    extras.add("notify", "apprise", settings.folders.cache)
    return Services.of(settings.notify_urls, settings.origins["notify_urls"])


def _send(services: Services, text: str, line: str) -> list[str]:
    """The names of those who were told."""
    from venvbuild.notifiers import Deadline, Message

    title, _, rest = text.partition(": ")
    failed = services.send(Message(title, f"{rest}\n\n{line}", "warning"), Deadline(_TIMEOUT_S))
    for name, reason in failed.items():
        output.say(f"WARNING: not notified: {name}: {reason}")
    return [name for name in services.names if name not in failed]
