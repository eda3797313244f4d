"""`venvbuild release publish`: the built files brought to the index."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from venvbuild import release
from venvbuild.commands.release import place
from venvbuild.console import options, output


@click.command("publish", short_help="Bring what is built to the index, each file once.")
@click.option("--pypirc", "with_pypirc", is_flag=True, help="Give twine the token in a file of its own, for a moment.")
@click.option("--no-rehearsal", is_flag=True, help="Do not try the upgrade to the built files first.")
@click.option("--python", metavar="X.Y", default="", help="Try the upgrade on this Python.")
@place.with_index
def command(with_pypirc: bool, no_rehearsal: bool, python: str, **given: Any) -> None:
    """Bring the files of dist to the index, the wheel first.

    The index is read before and after: what is there already with the same bytes is not sent, other bytes end with 8,
    and a file counts as published when the index shows it with our sha256. Before anything is sent, the upgrade from
    the index's newest version to the built files, and back, is tried in a clean environment.

    In a git repository what is built has to be the project's version, of the commit that its tag is at.

    The token is read from the environment: <BACKEND>_TOKEN, and <BACKEND>_USER for who it belongs to.
    """
    folder = place.project_of(given)
    with place.project_held(folder) as repository:
        manifest = release.Manifest.read(folder / "dist")
        manifest.require(folder / "dist")
        if repository:
            configuration = place.configuration_of(given)
            release.require_released(manifest, release.Project.read(folder), repository, configuration)
        target = place.target_of(given)
        done = _published(manifest, folder / "dist", target, with_pypirc, None if no_rehearsal else python, given)
    line = place.install_line(manifest.name, manifest.version, target)
    if given["as_json"]:
        files = [{"filename": one.file.filename, "sha256": one.file.sha256, "was_there": one.was_there} for one in done]
        told = {"name": manifest.name, "version": manifest.version, "index_url": target.index_url}
        output.print_json({**told, "files": files, "install": line})
        return
    output.print_data(line)
    output.say(place.note_of_caches(manifest.name))


def _published(
    manifest: release.Manifest,
    dist: Path,
    target: release.Target,
    with_pypirc: bool,
    rehearsed_on: str | None,
    given: Mapping[str, Any],
) -> tuple[release.Published, ...]:
    """`rehearsed_on` is a Python, empty for the one that fits; None: nothing is tried before."""
    settings = options.load({"config": given["config"]})
    with place.log_kept(settings, manifest.name):
        tools = release.Tools.of(settings)
        publisher = release.Publisher(target, tools, partial(place.say, "publish"), with_pypirc=with_pypirc)
        if rehearsed_on is not None and publisher.missing(manifest):
            verifier = release.Verifier(target, os.environ, partial(place.say, "rehearsal"), rehearsed_on)
            tried = verifier.rehearse(manifest, dist)
            way = f"upgrade from {tried.older} and back: ok" if tried.older else "installed: ok"
            place.say("rehearsal", f"{way}, Python {tried.python}")
        return publisher.publish(manifest, dist)
