"""`venvbuild snowflake repository init`: a first file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.console import options, output
from venvbuild.errors import UsageError, of_disk
from venvbuild.redaction import Address
from venvbuild.snowflake import with_index
from venvbuild.snowflake.repository import draft
from venvbuild.text import shown

_OWN = ("VENVBUILD_INDEX_USERNAME", "VENVBUILD_INDEX_PASSWORD")
_NEW = ("REPO_USER", "REPO_TOKEN")


@click.command("init", short_help="Write a first file, for the index of the builds.")
@click.option("--from-settings", is_flag=True, required=True, help="For the index that builds use.")
@ours.with_file
@options.with_index
@options.with_config
def command(file: Path, from_settings: bool, **given: Any) -> None:
    """Write a description of the index that builds use. A file that is there is never replaced.

    Of credentials only the names of variables come into it.
    """
    assert from_settings
    settings = with_index(options.load(given), os.environ)
    has_credentials = Address(settings.index_url).credentials is not None
    variables = (_OWN if os.environ.get(_OWN[1]) else _NEW) if has_credentials else None
    text = draft.draft(settings.index_url, f"index_url ({settings.origins['index_url']})", variables)
    where = shown(str(file), 200)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError("it is there already", where=where, fix=f"name another: -f {where}.new") from None
    except OSError as error:
        said = UsageError(f"it cannot be written: {error.strerror}", where=where, fix="name another with -f")
        raise of_disk(error, str(file)) or said from error
    except ValueError:
        raise UsageError("that is no name of a file", where=where, fix="name another with -f") from None
    output.print_data(where)
