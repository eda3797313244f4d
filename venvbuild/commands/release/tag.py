"""`venvbuild release tag`: the tag of the version that is checked out, here only."""

from __future__ import annotations

from typing import Any

import click
from packaging.version import Version

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.commands.release.options import Opened
from venvbuild.console import output
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.text import shown


@click.command("tag", short_help="Tag HEAD as the project's version, here only.")
@click.argument("wanted", metavar="[VERSION]", required=False)
@click.option("--sign-tag", "signs", is_flag=True, help="Sign it, as git is configured to.")
@click.option("--message", default="", metavar="TEXT", help="Of the tag, else: Release VERSION.")
@ours.with_project
def command(wanted: str | None, signs: bool, message: str, as_json: bool, **given: Any) -> None:
    """Make an annotated tag at HEAD, which nothing pushes.

    VERSION is for projects that take theirs from the tag, of which no file says one.
    """
    opened = ours.opened(given)
    version = _version(opened, wanted)
    with release.held(opened.repository):
        is_new = _tag(opened, version, message or f"Release {version}", signs=signs)
    tag, head = opened.tag_of(version), opened.repository.head
    output.say(f"{shown(tag)} at {head[:7]}; nothing was pushed" if is_new else f"{shown(tag)} is there already")
    if as_json:
        output.print_json({"tag": tag, "version": str(version), "commit": head})
    else:
        output.print_data(tag)


def _version(opened: Opened, wanted: str | None) -> Version:
    project = opened.project
    asked = release.read_version(wanted) if wanted else None
    if asked and not project.place:
        return asked
    own = project.version
    if asked and asked != own and project.place:
        raise RequirementsRefused(
            f"the project is at {own}, and not at {asked}",
            where=project.place.where,
            fix=f"`venvbuild release bump {asked}` makes it so; or leave VERSION out",
        )
    return own


def _tag(opened: Opened, version: Version, message: str, *, signs: bool) -> bool:
    """Whether it was made now; False: it is there, at HEAD and annotated."""
    repository, tag = opened.repository, opened.tag_of(version)
    if changed := repository.changed():
        where, fix = ", ".join(map(shown, changed[:10])), "commit it, or `git stash --include-untracked`"
        raise UsageError("the tree is not clean", where=where, why="the tag would not have it", fix=fix)
    at = repository.tag_at(tag)
    if at is None:
        repository.tag(tag, message, signed=signs)
        return True
    if at != repository.head:
        following = release.next_version(version, "patch")
        raise UsageError(
            f"the tag {shown(tag)} is taken",
            where=f"commit {at[:12]}",
            why=f"HEAD is at {repository.head[:12]}",
            fix=f"release another version: `venvbuild release bump patch` makes {following}",
        )
    if not repository.is_annotated(tag):
        fix = f"`git tag -d {shown(tag)}`, then run it again: a release has an annotated one"
        raise UsageError(f"the tag {shown(tag)} is no annotated one", where=f"commit {at[:12]}", fix=fix)
    return False
