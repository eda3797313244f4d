"""`venvbuild release run`: a whole release, or the rest of one that broke off."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click
from packaging.version import Version

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.commands.release import place
from venvbuild.commands.release.bump import current_version, judge_interface
from venvbuild.commands.release.options import Opened
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.text import shown

_STEPS = "preflight, commit, tag, build, check, rehearsal, staging, push, publish, verify"


@click.command("run", short_help="Make a whole release, or go on with one that broke off.")
@click.argument("part", metavar="[PART]", required=False)
@click.option("--until", metavar="STEP", help=f"End with it: {_STEPS}.")
@click.option("--from-tag", is_flag=True, help="Publish the tag that is checked out; ask no remote.")
@click.option("--pre", metavar="rc|beta|alpha|dev", help="Make the first such pre-release of PART.")
@click.option("--sign-tag", "signs", is_flag=True, help="Sign the tag, as git is configured to.")
@click.option("--message", default="", metavar="TEXT", help="Of the commit and the tag, else: Release VERSION.")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The day in the changelog, else today (UTC).")
@click.option("--strict-api", is_flag=True, help="Refuse (11) what breaks who imports it, unless the number says so.")
@click.option("--older-line", is_flag=True, help="It is a fix of an older X.Y: compare within that.")
@click.option("--python", "pythons", multiple=True, metavar="X.Y", help="Try it on this Python only; again for more.")
@click.option("--pypirc", "with_pypirc", is_flag=True, help="Give twine the token in a file of its own, for a moment.")
@click.option("--no-rehearsal", is_flag=True, help="Do not try the upgrade to the built files first.")
@place.with_address
@ours.with_project
@options.with_config
def command(part: str | None, **given: Any) -> None:
    """PART is as of `bump`: look whether the release may be made, edit, commit, tag, build, check, go by the staging
    index where there is one, push branch and tag together, publish, verify.

    Without PART go on with a release that broke off: git and the index are asked what of it is done. What is done is
    not done again, and what is public is never changed.
    """
    opened = ours.opened(given)
    wishes = _wishes(given)
    with release.held(opened.repository):
        ended = _run(opened, part, wishes, given)
    _tell(opened, ended, as_json=given["as_json"])


def _wishes(given: Mapping[str, Any]) -> release.Wishes:
    until = given["until"] or release.STEPS[-1]
    if until not in release.STEPS:
        fix = f"write one of {', '.join(release.STEPS)}"
        raise UsageError(f"{shown(until)} is no step", where="--until", fix=fix)
    if given["pre"] not in (None, *release.PRES):
        fix = f"write one of {', '.join(release.PRES)}"
        raise UsageError(f"{shown(given['pre'])} is no pre-release", where="--pre", fix=fix)
    return release.Wishes(
        day=ours.day_of(given["day"]),
        until=until,
        message=given["message"],
        signs=given["signs"],
        pythons=ours.pythons_of(given["pythons"]),
        with_pypirc=given["with_pypirc"],
        rehearses=not given["no_rehearsal"],
        from_tag=given["from_tag"],
    )


def _run(opened: Opened, part: str | None, wishes: release.Wishes, given: Mapping[str, Any]) -> release.Ended:
    if wishes.from_tag and part:
        raise UsageError("--from-tag has its version from the tag", where=shown(part), fix="leave PART out")
    undone = None if wishes.from_tag else release.undo_edit(opened.repository, opened.configuration)
    if undone:
        ours.say("resume", f"{undone}: its edit was not committed; the files are as they were before it")
        opened = ours.opened(given)
        part = part or str(undone)
    standing = _standing_version(opened, part, wishes)
    target, staging = _targets(opened, wishes)
    tools, settings = ours.tools_of(given)
    with place.log_kept(settings, opened.project.name):
        made = release.Run(
            opened.source, tools, wishes, ours.say, settings.timeout_s, os.environ, target, staging
        )  # fmt: skip
        if standing is not None:
            index = release.Index(target) if target else None
            found = release.stands(opened.source, standing, index, asks_remote=not wishes.from_tag)
            return made.go_on(found, _release(opened, standing, wishes, given, target))
        assert part  # `_standing_version` refuses else
        current = current_version(opened)
        new = release.wanted_version(part, current, given["pre"])

        def judge() -> None:
            judge_interface(opened, current, new, tools, strict=given["strict_api"])

        return made.begin(_release(opened, new, wishes, given, target), judge)


def _standing_version(opened: Opened, part: str | None, wishes: release.Wishes) -> Version | None:
    """The version to go on with; None: PART is a new one.

    Raises:
        UsageError: there is none, or one that has to be ended first.
    """
    if wishes.from_tag:
        return release.require_tag(opened.source)
    found = release.released_at_head(opened.source)
    if found is None and part is None:
        raise UsageError(
            "there is no release to go on with",
            where=shown(str(opened.project.folder), 200),
            why="HEAD is no commit of a release",
            fix="name the part, for a new one: `venvbuild release run minor`; one whose tag is not at HEAD: "
            "`git switch --detach TAG`, `venvbuild release run --from-tag`",
            rule="NO_RELEASE",
        )
    if found is None or part is None or part == str(found):
        return found
    changelog = release.Changelog.read(opened.project.folder / opened.configuration.changelog)
    if found.is_prerelease or (changelog and changelog.entry_count()):
        return None
    raise UsageError(
        f"HEAD is the release {found}, and nothing was committed since",
        where=shown(str(opened.project.folder), 200),
        fix="`venvbuild release run` goes on with it, `venvbuild release rollback` takes it back; for a new one commit "
        "what is new, with its line in the changelog",
        rule="RELEASED",
    )


def _targets(opened: Opened, wishes: release.Wishes) -> tuple[release.Target | None, release.Target | None]:
    """Where it goes, and where it goes before; None where nothing is asked or sent there."""
    configuration = opened.configuration
    publishes, stages = wishes.want("publish"), wishes.want("staging") and configuration.staging
    try:
        target = release.target_of(configuration, os.environ, is_read_only=True)
    except UsageError:
        if publishes or not all(configuration.is_default(key) for key in ("backend", "index_url", "upload_url")):
            raise
        target = None
    for note in target.addresses.notes if target and publishes else ():
        output.say(f"note: {note}")
    return target, release.target_of(configuration, os.environ, is_staging=True) if stages else None


def _release(
    opened: Opened, version: Version, wishes: release.Wishes, given: Mapping[str, Any], target: release.Target | None
) -> release.Release:
    return release.Release(
        opened.project,
        opened.repository,
        opened.configuration,
        version,
        None if wishes.from_tag else opened.changelog(),
        pushes=wishes.want("push") and not wishes.from_tag,
        index=release.IndexBefore(release.Index(target), publishes=wishes.want("publish")) if target else None,
        older_line=given["older_line"],
        detached=wishes.from_tag,
    )


def _tell(opened: Opened, ended: release.Ended, *, as_json: bool) -> None:
    target = ended.target
    line = place.install_line(opened.project.name, ended.version, target) if ended.published and target else None
    if as_json:
        there = {one.file: one.was_there for one in ended.published}
        made = ended.manifest.files if ended.manifest else ()
        files = [{"filename": one.filename, "sha256": one.sha256, "was_there": there.get(one)} for one in made]
        told = {"name": opened.project.name, "version": ended.version, "tag": opened.tag_of(ended.version)}
        index_url = target.index_url if line and target else None
        output.print_json(
            {**told, "commit": ended.commit, "files": files, "index_url": index_url, "install": line}
        )  # fmt: skip
        return
    output.print_data(line or ended.version)
    if line:
        output.say(place.note_of_caches(opened.project.name))
