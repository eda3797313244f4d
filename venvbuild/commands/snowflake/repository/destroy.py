"""`venvbuild snowflake repository destroy`: take away what the file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake.repository import changes
from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.commands.snowflake.repository.account import opened
from venvbuild.commands.snowflake.repository.asking import with_account
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import applying, plan, state
from venvbuild.text import count_text

_OTHERS = "note: functions that this file does not name, and use the repository, run on from retained copies at best"
_AGAIN = "destroy goes on from there"


@click.command("destroy", short_help="Take away from the account what the file describes.")
@ours.with_file
@with_account
@click.option("--yes", is_flag=True, help="Do it; without, what would go is shown.")
@options.as_json
def command(file: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Drop what the description names: functions, defaults, policies, repositories, integrations, secrets.

    What it does not name stays, and so do a default that is another's, an integration that is not for repositories, and
    one that another repository uses. It ends at the first statement that fails;
    run again, it goes on from there.
    """
    described = ours.read(file)
    with opened(given) as session:
        seen = state.look(session, described)
        planned = plan.removal(described, seen, state.users_of(session, described, seen.context))
        todo = applying.steps(planned)
        if not as_json:
            changes.show(planned)
        if any(one.kind == "repository" for one in planned.pending):
            output.say(_OTHERS)
        progress = applying.Progress(resume=_AGAIN)
        with changes.printed(planned, todo, progress, as_json=as_json):
            if yes:
                applying.run(session, todo, applying.NONE, planned.state.context, output.say, progress)
    if planned.is_blind:
        why = "; ".join(dict.fromkeys(one.told for one in planned.unknown))
        fix = "let a role ask that may see them"
        raise UsageError("nothing that the file describes can be seen, and nothing was dropped", why=why, fix=fix)
    if planned.unknown:
        were = "was" if len(planned.unknown) == 1 else "were"
        output.say(f"warning: {count_text(len(planned.unknown), 'object')} cannot be seen, and {were} left alone")
    if not todo:
        output.say("nothing else is to be dropped" if planned.unknown else "nothing is to be dropped")
    elif not yes:
        output.say(f"{count_text(len(todo), 'statement')}; nothing was dropped: --yes does it")
    else:
        output.say(f"done: {count_text(len(todo), 'statement')}")
