"""A plan, brought to the account: statement by statement, in order, up to the first that fails.

Nothing is remembered of a run: the next one looks at the account again, and does what is left. Values of secrets are
read from the environment when a statement needs them, and stand in that statement alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from venvbuild.errors import Problem, UsageError, VenvBuildError
from venvbuild.redaction import REDACTOR
from venvbuild.snowflake.connection import Table
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import facts, failures, plan, sql, state
from venvbuild.snowflake.repository.description import Description, Function, Secret
from venvbuild.snowflake.repository.facts import Context
from venvbuild.snowflake.repository.failures import Doing
from venvbuild.snowflake.repository.plan import Change, Plan
from venvbuild.snowflake.repository.sql import Statement, Value
from venvbuild.snowflake.repository.state import Asked
from venvbuild.text import shown

Told = Callable[[str], None]
"""Takes a line about what has just been done."""
APPLY_AGAIN = "apply goes on from there"
_IS_THERE = "already exists, statement succeeded"


@dataclass(frozen=True)
class Step:
    """One statement of a plan."""

    doing: Doing
    write: Callable[[Value], Statement] = field(repr=False)
    """Of the values of secrets."""

    @property
    def is_making_function(self) -> bool:
        """Whether Snowflake gets packages for it."""
        return isinstance(self.doing.record, Function) and self.doing.action not in ("drop", "try")


@dataclass(frozen=True)
class Values:
    """Of secrets, by the names of their variables."""

    values: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, planned: Plan, description: Description, environ: Mapping[str, str]) -> Values:
        """Those that the plan needs; from here on no message has them.

        Raises:
            UsageError: variables are not set; all of them.
        """
        problems, values = list[Problem](), dict[str, str]()
        for one in planned.pending:
            if not isinstance(one.record, Secret) or one.action == plan.DROP or not _needs_value(one):
                continue
            for key in ("username_env", "password_env", "value_env"):
                variable = getattr(one.record, key)
                if variable and not environ.get(variable):
                    where, fix = description.where(*one.record.keys, key), f"set {variable}, then run it again"
                    problems.append(Problem(f"{variable} is not set", where, f"secret {one.name} has it", fix))
                elif variable:
                    values[variable] = environ[variable]
        if problems:
            raise UsageError.of(problems)
        REDACTOR.hide(*values.values())
        return cls(values)

    def __call__(self, variable: str) -> str:
        """What a secret holds."""
        return self.values.get(variable, sql.MASK)


NONE = Values({})
"""For what has no secrets."""


def _needs_value(one: Change) -> bool:
    return one.action != plan.ALTER or one.is_rotated


def steps(planned: Plan) -> tuple[Step, ...]:
    """The statements of what is pending, in order."""
    return tuple(step for one in planned.pending for step in _steps(one, planned.state.context))


def _steps(one: Change, context: Context) -> Iterator[Step]:
    def all_of(value: Value) -> tuple[Statement, ...]:
        if one.action == plan.DROP:
            return (sql.dropped(one.record),)
        if one.role:
            return (sql.granted(one.record, one.role),)  # type: ignore[arg-type]  # a grant's record is a repository
        if one.action == plan.ALTER:
            fields = [difference.field for difference in one.differences]
            return sql.altered(one.record, fields, value, is_rotated=one.is_rotated)
        return (sql.created(one.record, value, is_replacing=one.action == plan.REPLACE),)

    for number, statement in enumerate(all_of(sql.masked)):
        action = "grant" if one.role else one.action
        kind, name = ("repository", context.whole(one.record.name)) if one.role else (one.kind, one.name)  # type: ignore[union-attr]

        def write(value: Value, number: int = number) -> Statement:
            return all_of(value)[number]

        yield Step(Doing(action, kind, name, one.record, statement.sql), write)


def judge_warehouse(session: Asked, todo: Sequence[Step], context: Context) -> None:
    """Before functions are made: there has to be a warehouse.

    Raises:
        UsageError: the session has none.
    """
    if not any(step.is_making_function for step in todo):
        return
    rows = session.table("SELECT CURRENT_WAREHOUSE()", About("asking for the warehouse")).rows
    if not rows or not any(rows[0].values()):
        raise failures.no_warehouse(context).error("nothing was run: ")


@dataclass
class Progress:
    """How far a run has come."""

    resume: str = APPLY_AGAIN
    """How the rest is done after one has failed."""
    is_begun: bool = False
    done: int = 0
    """How many statements are done, from the first."""
    is_known: bool = True
    """Whether it is known of the next one that it is not done."""

    def as_json(self, count: int) -> dict[str, list[int]]:
        """The numbers of the statements, from 1, of `count`."""
        left = self.done + 1 + (not self.is_known)
        return {
            "done": [*range(1, self.done + 1)],
            "not_known": [*range(self.done + 1, left)],
            "not_done": [*range(left, count + 1)],
        }


def run(
    session: Asked,
    todo: Sequence[Step],
    values: Values,
    context: Context,
    told: Told,
    progress: Progress | None = None,
) -> None:
    """All of them, each told when it is done, and counted in `progress`.

    Raises:
        UsageError, StoreUnavailable: one failed; with its number, what is done and what is not.
    """
    progress = progress or Progress()
    progress.is_begun = True
    for number, step in enumerate(todo, 1):
        mark, began = f"[{number}/{len(todo)}] {step.doing}", time.monotonic()
        try:
            table, reason = _run(session, step.write(values).sql, step.doing, context, values)
        except BaseException:
            progress.is_known = False
            told(f"{mark}  not known; {_progress(number, len(todo), is_known=False)}")
            raise
        note = ""
        if table is not None and _was_there(step, table):
            reason, note = _met(session, step, context)
        if reason:
            told(f"{mark}  failed")
            if not reason.is_known:
                told(f"note: no account has confirmed: {', '.join(failures.UNCONFIRMED)}")
            progress.is_known = not reason.is_lost
            after = _progress(number, len(todo), is_known=progress.is_known)
            raise reason.error(f"statement {number} of {len(todo)} ({step.doing}): ", f"{after}; {progress.resume}")
        progress.done = number
        told(f"{mark}  {time.monotonic() - began:.1f} s{note}")


def _run(
    session: Asked, statement: str, doing: Doing, context: Context, values: Values = NONE
) -> tuple[Table | None, failures.Reason | None]:
    """Outside of the `except`, so that what is raised of it carries no error that has the statement's secrets."""
    try:
        return session.table(statement.removesuffix(";"), About(str(doing))), None
    except VenvBuildError as error:
        return None, failures.reason_of(error, doing, context, tuple(values.values.values()))


def _was_there(step: Step, table: Table) -> bool:
    """Whether a CREATE IF NOT EXISTS found what the plan did not see."""
    said = " ".join(str(value) for row in table.rows for value in row.values())
    return step.doing.action == plan.CREATE and _IS_THERE in said


def _met(session: Asked, step: Step, context: Context) -> tuple[failures.Reason | None, str]:
    """What there was already: why that is no success, or what is to be said of it.

    The connector may have asked twice, and made it the first time; or another has made it since the plan looked.
    """
    one = step.doing.record
    found = state.of_object(session, one, context)
    if found.presence == "absent":
        what, why = "it was there already, and is not shown to this role", f"{context.as_role} made nothing"
        return failures.Reason(what, why, failures.grants(_seen(step), context)), ""
    different, unknown, _ = plan.differences(facts.of_record(one, context), found)
    if different:
        why = f"another has made it meanwhile: {shown('; '.join(map(str, different)), 300)}"
        fix = "run it again: it then compares what is there now"
        return failures.Reason("it was there already, and is not as the file says", why, fix), ""
    if isinstance(one, Secret):
        return None, "; it was there already, and its value is not known: set it again with --rotate-secret"
    if unknown or found.presence == "hidden":
        return None, "; it was there already, and cannot be compared"
    return None, "; it was there already, as the file says"


def _seen(step: Step) -> Doing:
    return Doing("alter", step.doing.kind, step.doing.name, step.doing.record, step.doing.masked)


def _progress(number: int, count: int, *, is_known: bool) -> str:
    done = _numbers(range(1, number))
    left = _numbers(range(number if is_known else number + 1, count + 1))
    unknown = "" if is_known else f"; not known: {number}"
    return f"done: {done}{unknown}; not done: {left}"


def _numbers(numbers: range) -> str:
    told = [str(one) for one in numbers]
    return ", ".join(told if len(told) < 8 else [f"{told[0]} to {told[-1]}"]) or "none"


def attempts(description: Description, context: Context) -> tuple[tuple[Doing, str | None], ...]:
    """The functions and procedures of a file, each with the statement that runs it; None: it takes arguments."""
    made = list[tuple[Doing, str | None]]()
    for one in description.functions:
        _, name, types = state.key_of(one, context)
        statement = sql.called(one)
        made.append((Doing("try", one.kind, f"{name}({types})", one, statement or ""), statement))
    return tuple(made)


def attempt(session: Asked, doing: Doing, context: Context) -> str:
    """What it gives, on one line.

    Raises:
        UsageError, StoreUnavailable: it fails.
    """
    table, reason = _run(session, doing.masked, doing, context)
    if reason:
        raise reason.error(f"{doing}: ")
    rows: list[Mapping[str, Any]] = table.rows if table else []
    first = list(rows[0].values()) if rows else []
    return shown(str(first[0])) if len(first) == 1 else f"{len(rows)} rows"
