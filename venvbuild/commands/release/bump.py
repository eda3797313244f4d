"""`venvbuild release bump`: the next version, edited and committed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from packaging.version import Version

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.commands.release.options import Opened
from venvbuild.console import options, output
from venvbuild.errors import CheckFoundSomething, Problem, RequirementsRefused, UsageError
from venvbuild.text import shown


@click.command("bump", short_help="Make the next version: edit it, move the changelog's entries, commit.")
@click.argument("part", metavar="[PART]", required=False)
@click.option("--pre", metavar="rc|beta|alpha|dev", help="Make the first such pre-release of PART.")
@click.option("--tag", "tags", is_flag=True, help="Tag it too, and push branch and tag together.")
@click.option("--sign-tag", "signs", is_flag=True, help="Sign the tag, as git is configured to.")
@click.option("--message", default="", metavar="TEXT", help="Of the commit and the tag, else: Release VERSION.")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The day in the changelog, else today (UTC).")
@click.option("--strict-api", is_flag=True, help="Refuse (11) what breaks who imports it, unless the number says so.")
@ours.with_asked_index
@ours.with_project
@options.with_config
def command(part: str | None, **given: Any) -> None:
    """PART is major, minor, patch, rc (alpha, beta, dev), final, or the version itself. Without PART only say which one
    the entries of the changelog ask for.

    The version is edited where the build backend reads it, and in the package's __version__ where that said the same;
    the backend reads it back, on a copy, before anything is written. Nothing is edited unless all is well: the tree is
    clean, the branch has all that its remote has, the tag is free, the changelog has entries.
    """
    opened = ours.opened(given)
    if part is None:
        _propose(opened, as_json=given["as_json"])
        return
    with release.held(opened.repository):
        made = _bump(opened, part, given)
    if given["as_json"]:
        old = str(made.old) if made.old else None
        told = {"version": str(made.new), "previous": old, "commit": made.commit, "tag": made.tag or None}
        output.print_json({**told, "places": list(made.places)})
    else:
        output.print_data(str(made.new))


def _bump(opened: Opened, part: str, given: Mapping[str, Any]) -> release.Bumped:
    if given["signs"] and not given["tags"]:
        raise UsageError("--sign-tag is for a tag", fix="add --tag, or run `venvbuild release tag --sign-tag` after it")
    changelog = opened.require_new()
    current = current_version(opened)
    new = release.wanted_version(part, current, given["pre"])
    day = ours.day_of(given["day"])
    wanted = ours.release_of(opened, new, changelog, given, pushes=given["tags"])
    ours.say("preflight", ", ".join(release.pass_preflight(wanted)))
    tools, _ = ours.tools_of(given)
    judge_interface(opened, current, new, tools, strict=given["strict_api"])
    made = release.bump(wanted, tools, day, message=given["message"], tags=given["tags"], signs=given["signs"])
    release.tell(made, ours.say)
    if given["tags"]:
        branch = opened.repository.branch
        assert branch  # preflight refuses a detached HEAD
        opened.repository.push(branch, made.tag)
        ours.say("push", f"{branch} and {made.tag} to origin")
    return made


def current_version(opened: Opened) -> Version:
    """The version that the project has; of one that has it from its tag, that of the highest tag, else 0.0.0."""
    if opened.project.place is not None:
        return opened.project.version
    found = [Version("0.0.0")]
    for tag in opened.repository.tags():
        text = opened.configuration.version_of(tag)
        try:
            found.append(Version(text or ""))
        except ValueError:  # a tag of something else
            continue
    return max(found)


def judge_interface(opened: Opened, current: Version, new: Version, tools: release.Tools, *, strict: bool) -> None:
    """What a version takes away from those who import the package: warned of, or where `strict`:

    Raises:
        CheckFoundSomething: there is something.
    """
    tag = opened.tag_of(current)
    if release.is_announced(current, new) or not opened.repository.tag_at(tag):
        return
    with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as scratch:
        found = release.breaks(opened.project, opened.repository, tools, tag, Path(scratch))
    part = "minor" if current.major == 0 else "major"
    fix = f"keep what was there, or say it by the number: `venvbuild release bump {part}`"
    what = f"{new} takes something away from who imports {shown(opened.project.name)}"
    problems = [Problem(what, one.partition(": ")[0], one.partition(": ")[2], fix, "INTERFACE") for one in found]
    if problems and strict:
        raise CheckFoundSomething.of(problems)
    for problem in problems:
        output.say(f"warning: {problem.as_line()}")


def _propose(opened: Opened, *, as_json: bool) -> None:
    changelog = opened.require_new()
    current = current_version(opened)
    part, entries = proposed_part(opened, changelog, current, "bump")
    new = release.next_version(current, part)
    if as_json:
        output.print_json({"part": part, "version": str(new), "entries": entries})
        return
    output.say(f"{ours.entries(entries)} since {current}; `venvbuild release bump {part}` makes it")
    output.print_data(f"{part} {new}")


def proposed_part(
    opened: Opened, changelog: release.Changelog | None, current: Version, verb: str
) -> tuple[release.Part, Mapping[str, int]]:
    """The part that the unreleased entries ask for, and how many there are of each kind.

    Raises:
        RequirementsRefused: nothing is unreleased. UsageError: nobody keeps what is.
    """
    if changelog and (problem := changelog.lack()):
        raise RequirementsRefused.of([problem])
    if changelog is None or not changelog.has_unreleased:
        raise UsageError(
            "nothing tells which part comes next",
            where=shown(opened.configuration.changelog),
            why="there is no unreleased entry in it",
            fix=f"name the part: `venvbuild release {verb} patch`; or write what changed under `## [Unreleased]`",
            rule="NO_PART",
        )
    return changelog.proposed(current), changelog.entries()
