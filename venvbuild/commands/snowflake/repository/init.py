"""`venvbuild snowflake repository init`: a first file."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from venvbuild.commands.snowflake.repository import options as ours
from venvbuild.commands.snowflake.repository.account import opened
from venvbuild.commands.snowflake.repository.asking import with_account
from venvbuild.console import options, output
from venvbuild.environment import netrc_file
from venvbuild.errors import UsageError, of_disk
from venvbuild.files import write_new
from venvbuild.package_index import netrc_login
from venvbuild.redaction import Address
from venvbuild.snowflake import checked_name, with_index
from venvbuild.snowflake.repository import description, draft
from venvbuild.text import shown

_OWN = ("VENVBUILD_INDEX_USERNAME", "VENVBUILD_INDEX_PASSWORD")
_NEW = ("REPO_USER", "REPO_TOKEN")


@click.command("init", short_help="Write a first file, for the index of the builds or a repository of an account.")
@click.option("--from-settings", is_flag=True, help="For the index that builds use.")
@click.option("--from-account", "repository", metavar="REPO", help="For this repository, as an account shows it.")
@ours.with_file
@options.with_index
@with_account
@options.as_json
def command(file: Path, from_settings: bool, repository: str | None, as_json: bool, **given: Any) -> None:
    """Write a description of the index that builds use, or of a repository that an account has. A file that is there is
    never replaced.

    Of credentials only the names of variables come into it. What an account does not tell is a guess, and marked.
    """
    if from_settings == (repository is not None):
        fix = "write --from-settings, or --from-account DATABASE.SCHEMA.NAME"
        raise UsageError("it is not said from where", where="init", fix=fix)
    where = shown(str(file), 200)
    if description.is_yaml(file):
        fix = f"write -f {shlex.quote(shown(str(file.with_suffix('.toml')), 200))}"
        raise UsageError("the file is TOML, and this is a name of YAML", where=where, fix=fix)
    if os.path.isdir(file):
        raise UsageError("it is a folder", where=where, fix=f"name a file in it: -f {where}/{description.FILE}")
    # Before anybody is asked.
    if os.path.exists(file):
        raise _is_there(where)
    text, note = _of_settings(given) if repository is None else (_of_account(repository, given), "")
    try:
        write_new(file, text.encode())
    except FileExistsError:
        raise _is_there(where) from None
    except OSError as error:
        said = UsageError(f"it cannot be written: {error.strerror}", where=where, fix="name another with -f")
        raise of_disk(error, str(file)) or said from error
    except ValueError:
        raise UsageError("that is no name of a file", where=where, fix="name another with -f") from None
    if note:
        output.say(note)
    output.print_json({"file": str(file)}) if as_json else output.print_data(where)


def _is_there(where: str) -> UsageError:
    return UsageError("it is there already", where=where, fix=f"name another: -f {shlex.quote(f'{where}.new')}")


def _of_settings(given: options.Given) -> tuple[str, str]:
    """The text, and what is to be said of it."""
    settings = with_index(options.load(given), os.environ)
    variables = _variables(settings.index_url)
    text = draft.draft(settings.index_url, f"index_url ({settings.origins['index_url']})", variables)
    told = f"note: the index asks for a login; whoever makes the secret has it in {' and '.join(_NEW)}"
    return text, told if variables == _NEW else ""


def _of_account(repository: str, given: options.Given) -> str:
    from venvbuild.snowflake.repository import discovery  # not where nobody is asked

    name = checked_name(repository, "--from-account")
    with opened(given) as session:
        return discovery.discover(session, name)


def _variables(index_url: str) -> tuple[str, str] | None:
    """Those of user and password; None: the index asks for none."""
    address = Address(index_url)
    credentials = address.credentials or netrc_login(netrc_file(os.environ), urlsplit(index_url).hostname)
    if credentials is None:
        return None
    # A login of the URL or of netrc is not in them, whatever is.
    return _OWN if credentials == tuple(os.environ.get(name, "") for name in _OWN) else _NEW
