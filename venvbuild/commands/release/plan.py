"""`venvbuild release plan`: what a release would do, and whether it may."""

from __future__ import annotations

from typing import Any

import click

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.commands.release.bump import current_version, proposed_part
from venvbuild.console import output
from venvbuild.text import shown


@click.command("plan", short_help="What a release would do; nothing is edited.")
@click.argument("part", metavar="[PART]", required=False)
@click.option("--pre", metavar="rc|beta|alpha|dev", help="The first such pre-release of PART.")
@ours.with_asked_index
@ours.with_project
def command(part: str | None, pre: str | None, as_json: bool, **given: Any) -> None:
    """Say what a release of PART (as of bump) would edit, and refuse what bump would refuse, all at once.

    Without PART it is the one that the entries of the changelog ask for.

    Asks the remote whether it takes a push, the index for its versions, and edits nothing.
    """
    opened = ours.opened(given)
    changelog = opened.require_new()
    current, why = current_version(opened), ""
    if part is None:
        part, entries = proposed_part(opened, changelog, current, "plan")
        why = f"{part}, for {ours.entries(entries)}"
    new = release.wanted_version(part, current, pre)
    wanted = ours.release_of(opened, new, changelog, given, pushes=opened.repository.has_remote())
    notes = release.pass_preflight(wanted)
    places = [one.where for one in (opened.project.place, *opened.project.also) if one]
    if as_json:
        told = {"part": part, "version": str(new), "previous": str(current), "tag": wanted.tag, "places": places}
        output.print_json({**told, "preflight": list(notes)})
        return
    if why:
        ours.print_line("part", why)
    ours.print_line("preflight", ", ".join(notes))
    where = f" in {', '.join(places)}" if places else ""
    ours.print_line("bump", f"{current} -> {new}{where}")
    ours.print_line("tag", shown(wanted.tag))
    ours.print_line("build", "wheel and sdist into dist")
