"""`venvbuild release check`: what is built, judged."""

from __future__ import annotations

from typing import Any

import click

from venvbuild import release
from venvbuild.commands.release import options as ours
from venvbuild.console import options, output


@click.command("check", short_help="Judge what is built, and install it on each Python it supports.")
@click.option("--python", "pythons", multiple=True, metavar="X.Y", help="Install on this Python only; again for more.")
@ours.with_project
@options.with_config
def command(pythons: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Judge the files of dist: their bytes by the manifest, metadata and readme by twine, the wheel by
    check-wheel-contents, what must not be in them (tests, local configuration, secrets), and whether versions agree.

    Then wheel and sdist are each installed and imported in a new environment of every supported Python that is here.
    """
    pythons = ours.pythons_of(pythons)
    opened = ours.opened(given)
    tools, settings = ours.tools_of(given)
    with release.held(opened.repository):
        found = release.check_built(opened.source, tools, settings.timeout_s, pythons)
    ours.say("check", f"metadata, contents, install and import on Python {', '.join(found.pythons)}")
    if as_json:
        told = {"version": found.manifest.version, "pythons": list(found.pythons), "imported": list(found.imported)}
        output.print_json(told)
    else:
        output.print_data(f"{found.manifest.name} {found.manifest.version} is fit to be published")
