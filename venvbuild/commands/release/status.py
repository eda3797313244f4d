"""`venvbuild release status`: where a project stands, without any network."""

from __future__ import annotations

from typing import Any

import click

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.commands.release.bump import current_version
from venvbuild.commands.release.options import Opened
from venvbuild.console import output
from venvbuild.errors import VenvBuildError
from venvbuild.text import shown


@click.command("status", short_help="Where the project stands; asks no network.")
@ours.with_project
def command(as_json: bool, **given: Any) -> None:
    """Version, branch, tag, changelog, and what is built: what is here. No remote and no index is asked."""
    opened = ours.opened(given)
    found = _found(opened)
    if as_json:
        output.print_json(found)
        return
    place = f" in {', '.join(found['places'])}" if found["places"] else f", by {opened.project.scm} from the tag"
    ours.print_line("project", f"{found['name']} {found['version']}{place}")
    tree = f"{len(found['changed'])} changed" if found["changed"] else "clean"
    ours.print_line("git", f"{found['branch'] or 'detached HEAD'}, {tree}; HEAD {found['head'][:7]}")
    ours.print_line("tag", f"{found['tag']} {found['tagged']}")
    ours.print_line("changelog", found["changelog"])
    ours.print_line("dist", found["built"])


def _found(opened: Opened) -> dict[str, Any]:
    project, repository = opened.project, opened.repository
    version = current_version(opened)
    tag, head = opened.tag_of(version), repository.head
    at = repository.tag_at(tag)
    return {
        "name": project.name,
        "version": str(version),
        "places": [one.where for one in (project.place, *project.also) if one],
        "branch": repository.branch,
        "head": head,
        "changed": list(repository.changed()),
        "tag": tag,
        "tagged": "is not made" if at is None else "at HEAD" if at == head else f"at {at[:7]}, before HEAD",
        "changelog": _changelog(opened),
        "built": _built(opened),
    }


def _changelog(opened: Opened) -> str:
    name = shown(opened.configuration.changelog)
    found = release.Changelog.read(opened.project.folder / opened.configuration.changelog)
    if found is None:
        return f"there is no {name}"
    newest = f"; newest {shown(found.versions[0])}" if found.versions else ""
    unreleased = f"{ours.entries(found.entries())} unreleased" if found.has_unreleased else "no Unreleased"
    return f"{name}: {unreleased}{newest}"


def _built(opened: Opened) -> str:
    dist = opened.source.dist
    try:
        made = release.Manifest.read(dist)
        made.require(dist)
    except VenvBuildError as error:
        return error.problems[0].what
    return f"{made.version} of {made.commit[:7]}: {', '.join(release.line_of(one) for one in made.files)}"
