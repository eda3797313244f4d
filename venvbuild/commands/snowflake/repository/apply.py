"""`venvbuild snowflake repository apply`: make the account what the file says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake.repository import changes
from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.commands.snowflake.repository.account import opened
from venvbuild.commands.snowflake.repository.asking import with_account
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.settings import azure
from venvbuild.snowflake import Session
from venvbuild.snowflake.repository import applying, plan, plan_file, state
from venvbuild.snowflake.repository.description import Description
from venvbuild.snowflake.repository.facts import Context
from venvbuild.snowflake.repository.plan_file import PlanFile
from venvbuild.text import count_text, shown


@click.command("apply", short_help="Make the account what the file says.")
@ours.with_file
@with_account
@ours.with_allowances
@click.option("--plan", "kept", type=click.Path(path_type=Path), metavar="FILE", help="Only what plan --out has kept.")
@click.option("--yes", is_flag=True, help="Do it; without, what would be done is shown.")
@click.option("--try", "is_tried", is_flag=True, help="With --yes: then run the file's functions and procedures.")
@options.as_json
def command(file: Path, kept: Path | None, yes: bool, is_tried: bool, as_json: bool, **given: Any) -> None:
    """Make in the account what the description says and is not there; change what differs; remove nothing.

    It ends at the first statement that fails, with what is done and what is not; run again, it goes on from there.
    2: the plan is stale, or a right, a variable or a warehouse is missing. 7: Snowflake does not answer.
    """
    described, _ = ours.judged(file)
    saved = plan_file.read(kept, _again(file, kept, given, given["rotated"], given["replace"])) if kept else None
    rotated = tuple(dict.fromkeys((*given["rotated"], *(saved.rotated if saved else ()))))
    is_replacing = given["replace"] or (saved is not None and saved.is_replacing)
    if is_tried and not yes:
        raise UsageError("nothing is tried where nothing is done", where="--try", fix="add --yes, or leave --try out")
    again = _again(file, kept, given, rotated, is_replacing)
    results, progress = list[dict[str, object]](), applying.Progress()
    with opened(given) as session:
        planned = plan.plan(described, state.look(session, described), rotated)
        todo = applying.steps(planned)
        if saved:
            now = PlanFile.of(planned, todo, rotated, described, is_replacing=is_replacing)
            saved.judge(now, shown(str(kept), 200), again)
        if not as_json:
            changes.show(planned)
        with changes.printed(planned, todo, progress, results, as_json=as_json):
            planned.judge(is_replacing=is_replacing)
            context = planned.state.context
            if yes:
                values = applying.Values.of(planned, described, azure.defined(os.environ))
                applying.judge_warehouse(session, todo, context)
                progress.resume = f"make another plan, which goes on from there: {again}" if saved else progress.resume
                applying.run(session, todo, values, context, output.say, progress)
            if is_tried:
                _try(session, described, context, results)
    _tell(planned, len(todo), is_done=yes)
    if saved and saved.rotated:
        output.say("note: nothing shows that a secret has its new value: applied again, this plan sets it again")


def _again(file: Path, kept: Path | None, given: options.Given, rotated: tuple[str, ...], is_replacing: bool) -> str:
    """What makes another plan instead of the one that is kept."""
    return ours.command_of("plan", given, file=file, out=kept, replace=is_replacing, rotate_secret=rotated)


def _try(session: Session, described: Description, context: Context, made: list[dict[str, object]]) -> None:
    for doing, statement in applying.attempts(described, context):
        if statement is None:
            output.say(f"not tried: {doing.kind} {doing.name} takes arguments")
            continue
        result = applying.attempt(session, doing, context)
        output.say(f"{statement.removesuffix(';')}  {result}")
        made.append({"sql": statement, "result": result})


def _tell(planned: plan.Plan, count: int, *, is_done: bool) -> None:
    if planned.is_blind:
        why = "; ".join(dict.fromkeys(one.told for one in planned.unknown))
        fix = "let a role ask that may see them; `plan` alone prints the SQL of the whole file"
        raise UsageError("nothing that the file describes can be seen, and nothing was done", why=why, fix=fix)
    if planned.unknown:
        what, were = count_text(len(planned.unknown), "object"), "was" if len(planned.unknown) == 1 else "were"
        partly = ", or not all of it," if any(one.unknown for one in planned.unknown) else ""
        output.say(
            f"warning: {what} cannot be compared{partly} and {were} left alone; "
            "`plan` alone prints the SQL of the whole file"
        )
    if not count:
        output.say("nothing else is to be done" if planned.unknown else "nothing is to be done")
    elif is_done:
        output.say(f"done: {count_text(count, 'statement')}")
    else:
        output.say(f"{count_text(count, 'statement')}; nothing was run: --yes does it")
