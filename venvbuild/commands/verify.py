"""`venvbuild verify`: is a build in the store what it was."""

from __future__ import annotations

from typing import Any

import click

from venvbuild import builds
from venvbuild.console import options, output
from venvbuild.errors import IntegrityError
from venvbuild.restore import RestoreOptions, verify
from venvbuild.stores import store_of
from venvbuild.text import size_text


@click.command("verify", short_help="Read every byte of a build again; with --restore, import all of it.")
@click.argument("version", metavar="BUILD")
@click.option("--restore", is_flag=True, help="Restore it elsewhere too, and import every top-level module.")
@options.with_store
@options.with_config
@options.as_json
def command(version: str, restore: bool, **given: Any) -> None:
    """Compare every file of a build with its metadata, and the fragments of its archive with their index.

    Of a build that a script made, compare what it says with its other files, and say what cannot be checked.
    Ends with 8 when something is wrong, and names it. BUILD is a version, ENV@ALIAS, ENV@latest or ENV@ALIAS~N.
    """
    settings = options.load(given)
    store = store_of(settings)
    # Importing runs the packages' code, so it is done only when it is asked for.
    here = RestoreOptions.of(settings) if restore else None
    found = verify(store, builds.find(store, version), machine=here)
    # No problem: no reader asks for a file that metadata.json does not name.
    for name in found.foreign:
        output.say(f"warning: {name} lies among the files of {found.venv_version}, and its metadata does not name it")
    if found.problems:
        raise IntegrityError.of(found.problems)
    if given["as_json"]:
        output.print_json(
            {
                "venv_version": found.venv_version,
                "file_count": found.file_count,
                "bytes_read": found.bytes_read,
                "fragment_count": found.fragment_count,
                "imported": None if found.imported is None else list(found.imported),
                "foreign": list(found.foreign),
                "not_checked": list(found.not_checked),
            }
        )
        return
    imported = "" if found.imported is None else f", {len(found.imported)} modules imported"
    read = f"{found.file_count} files, {size_text(found.bytes_read)}"
    if found.not_checked:
        output.print_data(f"{found.venv_version}  made by a script, in agreement with itself: {read}{imported}")
        for what in found.not_checked:
            output.print_data(f"NOT CHECKED  {what}")
        return
    output.print_data(f"{found.venv_version}  whole: {read}, {found.fragment_count} fragments{imported}")
