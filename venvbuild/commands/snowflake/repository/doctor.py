"""`venvbuild snowflake repository doctor`: does the index work for Snowflake?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.commands.snowflake.repository.asking import is_asked, with_asking
from venvbuild.console import options, output
from venvbuild.errors import CheckFoundSomething, VenvBuildError
from venvbuild.settings import azure
from venvbuild.snowflake.repository import doctor
from venvbuild.snowflake.repository.description import Description, Repository
from venvbuild.snowflake.repository.doctor import Examination
from venvbuild.snowflake.repository.forms import Form, listed
from venvbuild.text import shown

if TYPE_CHECKING:
    from venvbuild.snowflake.repository.standing import Standing

_ALLOWED = {
    True: "allowed",
    False: "NOT allowed: downloads would fail with HTTP 400, error code 10003",
    None: "its integration is not in this file",
}


@click.command("doctor", short_help="Ask the index as Snowflake would: credentials, hosts, hashes, packages.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="P==V",
    help="Look for this package and its files; may be repeated. Without it and --build: those of the functions.",
)
@click.option(
    "--build",
    metavar="BUILD",
    help="Look for all pins of this build, each with a wheel for Snowflake.",
)
@ours.with_file
@options.with_store
@with_asking
@options.as_json
def command(name: str | None, packages: tuple[str, ...], build: str | None, file: Path, **given: Any) -> None:
    """Ask the index of the repository NAME (or of the only one) with the header that Snowflake sends, from here.

    Tells every host that is asked on the way and which prefixes are missing. With --connection or --ask first what the
    account has of it: where the account is, secret, integration, repository, grants, functions.
    11: something was found. 6: the index does not answer. 2: a variable is not set.
    """
    described = ours.read(file)
    repository = doctor.named(described, name)
    seen = _ask(described, repository, given) if is_asked(given) else None
    named = list(doctor.asked_for(packages))
    # First: of two that are one, the build's needs a wheel.
    wanted = [*(doctor.of_build(build, options.load(given)) if build else ()), *named]
    wanted += doctor.of_functions(described, repository, is_all=not packages and not build)
    try:
        authorization = doctor.header(described, repository, azure.defined(os.environ))
        found = doctor.examine(described, repository, authorization, list(dict.fromkeys(wanted)))
    except VenvBuildError as error:
        # What the account has told is told: as text it is already.
        if given["as_json"] and seen:
            unseen = Examination(repository.index_url, findings=list(error.problems))
            output.print_json(_as_json(repository.name, unseen, seen))
        raise
    if given["as_json"]:
        output.print_json(_as_json(repository.name, found, seen))
    else:
        _print(found, described.form)
    if not wanted:
        output.say("note: no package is named, so no file was asked for; name one with --package NAME==VERSION")
    findings = (*(seen.findings if seen else ()), *found.findings)
    if findings:
        raise CheckFoundSomething.of(findings)


def _ask(described: Description, repository: Repository, given: options.Given) -> Standing:
    from venvbuild.commands.snowflake.repository.account import opened
    from venvbuild.snowflake.repository.standing import standing

    with opened(given) as session:
        seen = standing(session, described, repository)
    if not given["as_json"]:
        output.print_data(f"account   {seen.surroundings}")
        for one in seen.planned.changes:
            told = {"create": "NOT there, or not shown to this role", "unchanged": "as the file says"}
            words = shown(told.get(one.action, f"{one.action}: {one}"), 300)
            output.print_data(f"{'':<9} {one.kind} {shown(one.name, 200)}: {words}")
        if seen.info:
            output.print_data(f"{'':<9} Snowflake tells: {shown(' '.join(seen.info.split()), 1000)}")
    return seen


def _print(found: Examination, form: Form) -> None:
    hashes = {True: ", links carry sha256", False: ", links carry no sha256", None: ""}[found.has_hashes]
    status = f"   {found.status}" if found.status else ""
    output.print_data(f"index     {shown(found.index_url, 300)}{status}{hashes}")
    if found.issuer:
        output.print_data(f"tls       signed by {shown(found.issuer)}, which this machine trusts")
    for at, (host, is_allowed) in enumerate(found.hosts.items()):
        output.print_data(f"{'' if at else 'hosts':<9} {host} ({_ALLOWED[is_allowed]})")
    if not all(found.hosts.values()):
        output.print_data(f"fix       {form.pair('allowed_prefixes', listed(found.prefixes))}")
    if found.packages:
        there = sum(found.packages.values())
        output.print_data(f"packages  {there} of {len(found.packages)} are there")


def _as_json(name: str, found: Examination, seen: Standing | None) -> dict[str, object]:
    return {
        "repository": name,
        "account": seen and _account(seen),
        "index_url": found.index_url,
        "status": found.status or None,
        "certificate_issuer": found.issuer or None,
        "has_hashes": found.has_hashes,
        "hosts": [{"host": host, "is_allowed": is_allowed} for host, is_allowed in found.hosts.items()],
        "allowed_prefixes": list(found.prefixes),
        "packages": [{"package": one, "is_there": is_there} for one, is_there in found.packages.items()],
        "findings": [problem.as_json() for problem in found.findings],
    }


def _account(seen: Standing) -> dict[str, object]:
    return {
        **vars(seen.surroundings),
        "cloud": seen.surroundings.cloud,
        "objects": [
            {"kind": one.kind, "name": one.name, "action": one.action, "told": str(one)} for one in seen.planned.changes
        ],
        "info": seen.info,
        "findings": [problem.as_json() for problem in seen.findings],
    }
