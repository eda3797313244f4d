"""`venvbuild release build`: wheel and sdist of what is committed."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.console import options, output
from venvbuild.text import shown


@click.command("build", short_help="Build wheel and sdist of what is committed, into dist.")
@ours.with_project
@options.with_config
def command(as_json: bool, **given: Any) -> None:
    """Build wheel and sdist of HEAD, isolated and with pinned requirements, into dist, with a manifest of their bytes.

    What an earlier release left in dist goes when the new files are there. Where anything else is there, nothing
    is removed or built.
    """
    opened = ours.opened(given)
    tools, settings = ours.tools_of(given)
    with release.held(opened.repository):
        made = release.build(opened.source, tools, settings.timeout_s)
    if not made.tag:
        tag = shown(opened.tag_of(made.version))
        output.say(f"note: there is no tag {tag} yet; a release is built after `venvbuild release tag`")
    ours.say("build", ", ".join(release.line_of(one) for one in made.files))
    if as_json:
        output.print_json(dataclasses.asdict(made))
    else:
        for one in made.files:
            output.print_data(str(opened.source.dist / one.filename))
