"""`venvbuild snowflake repository egress`: from which addresses Snowflake comes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake.repository.asking import is_asked, with_asking
from venvbuild.console import options, output
from venvbuild.errors import CheckFoundSomething, Problem, UsageError
from venvbuild.snowflake.repository import egress, sql, texts
from venvbuild.snowflake.repository.egress import Range
from venvbuild.text import shown

_MAX_BYTES = 16_000_000
_WHERE_IT_EXISTS = "note: such ranges exist on AWS and, in preview, on Azure; all accounts of a region share them"


@click.command("egress", short_help="The addresses to let in: the SELECT, or what it answered.")
@click.option(
    "--answer",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What the SELECT answered; - is stdin.",
)
@with_asking
@click.option("--check", is_flag=True, help="End with 11 where a range is not in force, or ends within 14 days.")
@options.as_json
def command(answer: Path | None, check: bool, as_json: bool, **given: Any) -> None:
    """Print the SELECT that tells from which addresses Snowflake comes, or those addresses: with its --answer, or with
    --connection or --ask from the account.

    Ranges that are not yet in force, end within 14 days or have ended are warned of.
    """
    output.say(_WHERE_IT_EXISTS)
    if answer is not None and is_asked(given):
        fix = "leave --answer out, or --ask and --connection"
        raise UsageError("the answer is given, and is to be asked for", where="--answer", fix=fix)
    if answer is None and not is_asked(given):
        if check:
            fix = "give the answer, --answer FILE, or ask the account: --ask"
            raise UsageError("there is nothing to check", where="--check", fix=fix)
        output.print_json({"sql": sql.EGRESS}) if as_json else output.print_text(sql.EGRESS)
        return
    ranges, now = egress.parse(*(_asked(given) if answer is None else _read(answer))), datetime.now(UTC)
    _print(ranges, now, as_json)
    warnings = [warning for one in ranges if (warning := one.warning(now))]
    if check and warnings:
        raise CheckFoundSomething.of(Problem(warning) for warning in warnings)
    for warning in warnings:
        output.say(f"warning: {warning}")


def _asked(given: options.Given) -> tuple[str, str]:
    from venvbuild.commands.snowflake.repository.account import opened
    from venvbuild.snowflake.repository.surroundings import surroundings

    with opened(given) as session:
        output.say(f"account {surroundings(session)}")
        return egress.ask(session), "SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES"


def _read(answer: Path) -> tuple[str, str]:
    where = "stdin" if str(answer) == "-" else shown(str(answer), 200)
    try:
        return texts.text_of(sys.stdin.buffer if where == "stdin" else answer, _MAX_BYTES), where
    except texts.NoText as error:
        raise UsageError(f"it {error}", where=where, fix=error.fix or "name another with --answer") from None


def _print(ranges: Sequence[Range], now: datetime, as_json: bool) -> None:
    if as_json:
        output.print_json(
            [
                {
                    "prefix": one.prefix,
                    "effective": one.effective and one.effective.isoformat(),
                    "expires": one.expires and one.expires.isoformat(),
                    "usage": one.usage,
                    "state": one.state(now),
                }
                for one in ranges
            ]
        )
        return
    for one in ranges:
        until = f", until {one.expires:%Y-%m-%d}" if one.expires else ""
        output.print_data(f"{one.prefix}  {one.state(now)}{until}{f', {one.usage}' if one.usage else ''}")
