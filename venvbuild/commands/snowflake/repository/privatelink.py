"""`venvbuild snowflake repository privatelink`: the endpoint, its statements, and how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.commands.snowflake.repository.asking import is_asked, with_asking
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import sql
from venvbuild.snowflake.repository.description import Description, PrivateLink
from venvbuild.text import shown

_GOOD = "note: Available, APPROVED and ACCEPTED are good; Pending: accept the connection at the cloud"
_NEEDS = "note: this needs Business Critical or higher, the role ACCOUNTADMIN, and an index in Snowflake's own cloud"


@click.group("privatelink", short_help="The endpoint of a private index: its statements, and how far it is.")
def command() -> None:
    """Print the statements about the endpoint of an index that the internet does not reach, or ask the account."""


@command.command("status", short_help="Print the SELECT that tells how far the endpoints are, or its answer.")
@with_asking
@options.as_json
def status(as_json: bool, **given: Any) -> None:
    """Print the SELECT that tells how far the endpoints are; with --connection or --ask, the endpoints.

    Available (AWS), APPROVED (Azure) and ACCEPTED (Google) are good; Pending waits for you to accept it at the cloud.
    """
    if not is_asked(given):
        output.say(_NEEDS, _GOOD)
        _print(sql.PRIVATELINK_STATUS, as_json)
        return
    from venvbuild.commands.snowflake.repository.account import opened
    from venvbuild.snowflake.repository import endpoints
    from venvbuild.snowflake.repository.surroundings import surroundings

    with opened(given) as session:
        output.say(f"account {surroundings(session)}")
        found = endpoints.ask(session)
    if as_json:
        output.print_json([{**vars(one), "is_ready": one.is_ready} for one in found])
    else:
        for one in found:
            words = f"{shown(one.state) or '-'}  {shown(one.status) or '-'}"
            output.print_data(f"{shown(one.service, 200)}  {shown(one.host)}  {words}")
    for one in found:
        if step := one.step():
            output.say(f"{shown(one.host)}: {step}")
    if not found:
        output.say("the account has no endpoint; `privatelink provision` prints the statement that asks for one")


@command.command("provision", short_help="Print the statement that asks for the endpoint; with --yes, run it.")
@ours.with_file
@with_asking
@click.option("--yes", is_flag=True, help="Run it, by --connection or the variables SNOWFLAKE_*.")
@options.as_json
def provision(file: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Print the statement that asks for the endpoint of the file's [privatelink]; with --yes, run it.

    With --connection, --ask or --yes the account's cloud and edition are looked at first. An endpoint that is there is
    not asked for again.
    """
    described, _ = ours.judged(file)
    link = described.privatelink
    if link is None:
        pairs = described.form.pair("service", '"..."'), described.form.pair("host", '"..."')
        fix = f"write {described.form.table(('privatelink',))} with {' and '.join(pairs)}"
        raise UsageError("it has no [privatelink]", where=described.file, fix=fix)
    output.say(_NEEDS)
    told = _ask(described, link, given, may_run=yes) if yes or is_asked(given) else None
    if as_json:
        output.print_json({"sql": sql.provision(link), "answer": told})
    else:
        output.print_text(sql.provision(link) if told is None else told)


def _ask(described: Description, link: PrivateLink, given: options.Given, *, may_run: bool) -> str | None:
    """What the account says of it; None: nothing was run, and nothing is there."""
    from venvbuild.commands.snowflake.repository.account import opened
    from venvbuild.snowflake.repository import endpoints
    from venvbuild.snowflake.repository.surroundings import surroundings

    with opened(given) as session:
        seen = surroundings(session)
        output.say(f"account {seen}")
        endpoints.judge(link, seen, described.where(*link.keys, "service"))
        there = next((one for one in endpoints.ask(session) if one.is_of(link)), None)
        if there:
            output.say("it is there already, and was not asked for again")
            return f"{there.state} {there.status}".strip() or "there"
        if not may_run:
            output.say("nothing was run: --yes does it")
            return None
        told = endpoints.provision(session, link)
    output.say("now: `venvbuild snowflake repository privatelink status --ask` tells what is to be done at the cloud")
    return told


def _print(statement: str, as_json: bool) -> None:
    output.print_json({"sql": statement}) if as_json else output.print_text(statement)
