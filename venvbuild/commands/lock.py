"""`venvbuild lock`: the lock of a build, for other tools."""

from __future__ import annotations

import re
from typing import Any

import click

from venvbuild import builds
from venvbuild.builds import Metadata, ScriptedBuild, places
from venvbuild.console import options, output
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.stores import Store, store_of
from venvbuild.text import masked_lines

_FILES = {"pylock": places.PYLOCK, "requirements": places.LOCK}
_WHY_NONE = {
    places.PYLOCK: "builds of its time did not keep one, or uv could not tell which files of the index fit, as where "
    "that names no sha256",
    places.LOCK: "builds of its time did not keep one",
}
_WRITTEN = re.compile(rb"[\x20-\x7e\n]*")
"""What this tool writes there; anything else was put there by others."""

_BESIDE = re.compile(r"\bpath = \"([^\"]+)\"")


@click.command("lock", short_help="Print the lock of a build: a pylock.toml, or a requirements file with hashes.")
@click.argument("version", metavar="BUILD")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FILES)),
    default="pylock",
    show_default=True,
    help="pylock: PEP 751, the wheels that fit the build's platform; requirements: every platform's hashes.",
)
@options.with_store
@options.with_config
def command(version: str, form: str, **given: Any) -> None:
    """Print what a build holds as a lock that pip and uv install from, byte for byte as it is stored.

    BUILD is a version, ENV@ALIAS, ENV@latest or ENV@ALIAS~N.
    """
    store = store_of(options.load(given))
    found = builds.read_any(store, builds.find(store, version))
    name = _FILES[form]
    if isinstance(found, ScriptedBuild) or name not in found["files"]:
        raise _without(found, name, store)
    content = builds.read_file(store, found, name)
    if not _WRITTEN.fullmatch(content):
        raise IntegrityError(
            f"{name} has characters that no lock has",
            where=store.uri(builds.key(found["venv_version"], name)),
            why="this tool wrote no such file",
            fix="build it again, and find out who wrote into the store",
            rule="DAMAGED",
        )
    text = content.decode("ascii")
    _refuse_secret(text, store.uri(builds.key(found["venv_version"], name)), name)
    with output.whole() as write:
        write(text)
    beside = ", ".join(_BESIDE.findall(text)) if form == "pylock" else ""
    if beside:
        output.say(f"note: no index has {beside}: who installs puts them beside the lock")


def _refuse_secret(text: str, where: str, name: str) -> None:
    # Masked it would be another lock, and whoever installs from it would not know.
    masked = zip(text.split("\n"), masked_lines(text).split("\n"), strict=True)
    lines = [str(number) for number, (line, shown) in enumerate(masked, 1) if line != shown]
    if lines:
        raise IntegrityError(
            f"{name} holds what looks like a secret, on line {', '.join(lines[:5])}",
            where=where,
            why="with that masked it would be another lock, and what this prints is the file, byte for byte",
            fix="if it is one, revoke it, as whoever reads the store has it, and build again; else take that file",
            rule="SECRET",
        )


def _without(build: Metadata | ScriptedBuild, name: str, store: Store) -> NotInStore:
    """What to do instead where a build has no such file."""
    if isinstance(build, ScriptedBuild):
        version, why, other = build.venv_version, "a script made it", ""
    else:
        version = build["venv_version"]
        why = "it was imported" if build.get("imported_from") else _WHY_NONE[name]
        other = places.LOCK if places.LOCK in build["files"] else ""
    fix = (
        f"take its other lock: venvbuild lock {version} --format requirements"
        if other and other != name
        else f"see what it holds: venvbuild show {version}; pin that, and build it again, which keeps both locks"
    )
    return NotInStore(f"{version} has no {name}", where=store.uri(builds.key(version, name)), why=why, fix=fix)
