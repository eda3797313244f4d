"""A plan as commands show it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from venvbuild.console import output
from venvbuild.snowflake.repository import plan
from venvbuild.snowflake.repository.applying import Progress, Step
from venvbuild.snowflake.repository.plan import Change, Plan
from venvbuild.text import shown

_SIGNS = {
    plan.CREATE: "+", plan.ALTER: "~", plan.REPLACE: "!", plan.UNCHANGED: "=", plan.UNKNOWN: "?", plan.DROP: "-",
    plan.ABSENT: "=", plan.KEPT: "=",
}  # fmt: skip
_MAX_SHOWN = 300


def show(planned: Plan) -> None:
    """A line for each object on stdout, and what it comes to."""
    width = max((len(_name(one)) for one in planned.changes if one.kind != "grant"), default=0)
    for one in planned.changes:
        told = shown(_told(one), _MAX_SHOWN)
        line = f"  {_SIGNS[one.action]} {one.kind.replace('_', ' '):<15} {_name(one):<{min(width, 50)}}  {told}"
        output.print_data(line.rstrip())
    output.print_data(planned.summary())


def _name(one: Change) -> str:
    return shown(one.name, 200)


def _told(one: Change) -> str:
    if one.action == plan.REPLACE:
        return f"has to be replaced: {one}"
    return {plan.ABSENT: "is not there"}.get(one.action, str(one))


def value(planned: Plan, todo: Sequence[Step]) -> dict[str, object]:
    """The same as one value; statements have `***` for secrets."""
    return {
        "account": planned.state.context.account,
        "role": planned.state.context.role,
        "changes": [
            {
                "action": one.action,
                "kind": one.kind,
                "name": one.name,
                "differences": [
                    {"field": difference.field, "old": difference.old, "new": difference.new}
                    for difference in one.differences
                ],
                "told": one.told,
            }
            for one in planned.changes
        ],
        "statements": [
            {"action": step.doing.action, "kind": step.doing.kind, "name": step.doing.name, "sql": step.doing.masked}
            for step in todo
        ],
    }


@contextlib.contextmanager
def printed(
    planned: Plan,
    todo: Sequence[Step],
    progress: Progress,
    tried: list[dict[str, object]] | None = None,
    *,
    as_json: bool,
) -> Iterator[None]:
    """What is done and what is not is one value at the end, also where it ends early; `tried` is filled meanwhile."""
    try:
        yield
    finally:
        if as_json:
            is_done = progress.done == len(todo) and progress.is_begun
            told = {**value(planned, todo), "is_done": is_done, **progress.as_json(len(todo))}
            output.print_json(told if tried is None else {**told, "tried": tried})
