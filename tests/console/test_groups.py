"""A group whose commands are imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from venvbuild.commands.snowflake import command
from venvbuild.console.groups import Imported


def test_only_the_command_that_runs_is_imported() -> None:
    code = (
        "import sys; from venvbuild.commands.snowflake import command\n"
        "command.main(['repository', 'egress'], standalone_mode=False)\n"
        "of = 'venvbuild.commands.snowflake.'\n"
        "others = ('sync', 'zip', 'stage', 'where', 'repository.check', 'repository.plan', 'repository.doctor')\n"
        "assert not [one for one in others if of + one in sys.modules]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_help_lists_all_and_a_wrong_name_gets_the_nearest() -> None:
    said = CliRunner().invoke(command, ["--help"]).output
    assert all(f"\n  {name}  " in said for name in ("repository", "stage", "sync", "where", "zip"))
    assert "Did you mean 'stage'?" in CliRunner().invoke(command, ["stag"]).output


def test_nothing_is_added_or_taken_away() -> None:
    names = Imported("venvbuild.commands.snowflake", {"zip": "zip"})
    assert (len(names), "zip" in names, "x" in names, names.get("x")) == (1, True, False, None)
    with pytest.raises(TypeError, match="is a module"):
        names["x"] = click.Command("x")
    with pytest.raises(TypeError, match="is a module"):
        del names["zip"]
