"""`venvbuild release verify`: a published version, tried as its users will."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Any

import click

from venvbuild import release
from venvbuild.commands.release import place
from venvbuild.console import options, output
from venvbuild.errors import UsageError


@click.command("verify", short_help="Install a published version from the index alone, and upgrade to it.")
@click.argument("wish", metavar="[NAME==VERSION]", required=False)
@click.option("--python", metavar="X.Y", default="", help="Install on this Python.")
@place.with_index
def command(wish: str | None, python: str, **given: Any) -> None:
    """Install what dist says was published, or NAME==VERSION, by its name from the index alone, in a clean environment:
    import it, start its console commands, go back to the version before, and upgrade from it again.

    The files are read from the index and compared with those that were built. Ends with 11 when something does not
    work, with 8 when the index has or gives other bytes.
    """
    manifest: release.Manifest | None = None
    if wish is None:
        dist = place.project_of(given) / "dist"
        manifest = release.Manifest.read(dist)
        name, version = manifest.name, manifest.version
    else:
        name, is_pinned, version = (part.strip() for part in wish.partition("=="))
        if not is_pinned or not version or not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name):
            raise UsageError("this names no version", where="NAME==VERSION", fix="write it as in demo==1.2.3")
    target = place.target_of(given, is_read_only=True)
    verifier = release.Verifier(target, os.environ, partial(place.say, "verify"), python)
    with place.log_kept(options.load({"config": given["config"]}), name):
        found = verifier.verify(name, version, manifest)
    line = place.install_line(found.name, found.version, target)
    for note in found.seen.notes:
        place.say("verify", note)
    way = f"upgrade from {found.older} and back" if found.older else "nothing older to upgrade from"
    place.say("verify", f"pip install {found.name}=={found.version} on Python {found.python}; {way}: ok")
    if given["as_json"]:
        output.print_json(
            {
                "name": found.name,
                "version": found.version,
                "python_version": found.python,
                "imports": list(found.seen.imports),
                "commands": list(found.seen.scripts),
                "upgraded_from": found.older or None,
                "is_compared": manifest is not None,
                "install": line,
            }
        )
        return
    output.print_data(line)
