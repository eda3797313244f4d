"""`venvbuild snowflake repository plan`: the SQL of the file, or what an account lacks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.commands.snowflake.repository.asking import is_asked, with_asking
from venvbuild.console import options, output
from venvbuild.errors import CheckFoundSomething, UsageError
from venvbuild.snowflake.repository import sql
from venvbuild.snowflake.repository.description import Description
from venvbuild.snowflake.repository.sql import Statement
from venvbuild.text import masked_lines, on_screen

_INEXACT = "credentials in a URL are masked, and what a screen would obey is escaped; mend it before the SQL runs"


@click.command("plan", short_help="Print the SQL of the file, or what an account lacks of it.")
@ours.with_file
@with_asking
@ours.with_allowances
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Keep the plan, for apply --plan.")
@click.option("--detailed-exitcode", "is_detailed", is_flag=True, help="End with 11 where there is something to do.")
@click.option("--format", "form", type=click.Choice(["sql", "json"]), help="Print the statements, or all as JSON.")
@options.as_json
def command(file: Path, form: str | None, as_json: bool, **given: Any) -> None:
    """Print the SQL that makes what the description says, in the order in which it can run; no Snowflake is asked.

    With --connection or --ask: what is in that account, and what has to change, object by object. Nothing is
    changed. What cannot be compared is said, and never taken for equal.

    Values of secrets are '***'.
    """
    form = "json" if as_json else form
    described, _ = ours.judged(file)
    # What cannot be meant of the SQL of a file is meant of an account.
    if is_asked(given) or any(given[name] for name in ("replace", "rotated", "out", "is_detailed")):
        _compare(described, form, given)
        return
    statements = sql.statements(described)
    if not statements:
        fix = f"write {described.form.table(('repository', 'NAME'))}"
        if described.privatelink:
            fix = "`venvbuild snowflake repository privatelink provision` prints what asks for the endpoint; or " + fix
        raise UsageError("it describes nothing that a plan could make", where=described.file, fix=fix)
    _warn(statements, is_json=form == "json")
    for told in sql.corrections(described):
        output.say(f"note: a secret that was made with '{sql.MASK}' keeps it, until somebody runs {told}")
    _print(statements, is_json=form == "json")


def _compare(described: Description, form: str | None, given: options.Given) -> None:
    from venvbuild.commands.snowflake.repository import changes
    from venvbuild.commands.snowflake.repository.account import opened
    from venvbuild.snowflake.repository import applying, plan, plan_file, state

    with opened(given) as session:
        planned = plan.plan(described, state.look(session, described), given["rotated"])
    todo = applying.steps(planned)
    if given["out"]:
        kept = plan_file.PlanFile.of(planned, todo, given["rotated"], described, is_replacing=given["replace"])
        kept.write(given["out"])
    if form == "json":
        output.print_json(changes.value(planned, todo))
    elif form == "sql":
        statements = [
            Statement(one.doing.action, one.doing.kind, one.doing.name, one.doing.masked)
            for one in todo
            if one.doing.action != plan.REPLACE or given["replace"]
        ]
        _warn(statements, is_json=False)
        _print(statements, is_json=False)
        output.say(planned.summary())
    else:
        changes.show(planned)
    if any(one.action == plan.REPLACE for one in planned.pending) and not given["replace"]:
        output.say("note: apply replaces nothing without --replace")
    if given["is_detailed"] and (planned.pending or planned.unknown):
        raise CheckFoundSomething("the account is not known to be as the file says", why=planned.summary())


def _warn(statements: Sequence[Statement], *, is_json: bool) -> None:
    # JSON escapes what a screen would obey, and loses nothing by it.
    inexact = (
        f"{one.kind} {one.name}"
        for one in statements
        if masked_lines(one.sql) != one.sql or (not is_json and on_screen(one.sql) != one.sql)
    )
    for told in dict.fromkeys(inexact):
        output.say(f"warning: {told} is not printed exactly: {_INEXACT}")
    if any(one.kind == "secret" for one in statements):
        output.say(f"note: '{sql.MASK}' stands for what nobody may read here; put it in before the SQL runs")


def _print(statements: Sequence[Statement], *, is_json: bool) -> None:
    if is_json:
        output.print_json([vars(one) for one in statements])
    elif statements:
        output.print_text("\n\n".join(one.sql for one in statements))
