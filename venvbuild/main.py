"""The command line: finds the command, and turns whatever ends it into words and an exit code."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from venvbuild import __version__, logs
from venvbuild.commands import COMMANDS
from venvbuild.errors import Terminated, UsageError
from venvbuild.redaction import REDACTOR

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

log = logging.getLogger(__name__)


class _Commands(click.Group):
    """The commands of `venvbuild.commands`, each module imported only when it is the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)  # click would sort them

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"venvbuild.commands.{COMMANDS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Of a name that is none, tell which may be meant: click knows only commands that were imported."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Names alone: for what each command does click would import all of them."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name) for name in COMMANDS if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """In the order of the job, not of the alphabet."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(90)) for name, command in commands if command])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="venvbuild")
def cli() -> None:
    """Turn a pinned requirements.txt into a verified, relocatable, searchable environment."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code (docs/reference.md, "Exit codes")."""
    if asked := os.environ.get("_VENVBUILD_COMPLETE"):
        from venvbuild.console import completion  # a shell asks, while somebody types

        sys.exit(completion.answer(cli, asked))
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # As an exception, so that everything is tidied up by the blocks that it leaves.
    signal.signal(signal.SIGTERM, _terminate)
    logs.configure()
    if sys.stdout is None:  # `>&-`: who prints is to find that nobody reads
        reading, writing = os.pipe()
        os.close(reading)
        sys.stdout = os.fdopen(writing, "w")
    # Rows of RECORDs and of catalogs are many, and in no cycles: looking for some every 700 objects takes a tenth of
    # the time of what reads them.
    gc.set_threshold(100_000, 20, 20)
    sys.exit(_run(arguments, began=time.monotonic()))


def _run(arguments: Sequence[str], *, began: float) -> int:
    """`began` is of this command, in monotonic seconds: click's `obj`, for who tells where they went."""
    as_json = _wants_json(arguments)
    try:
        if sys.platform == "win32":
            raise UsageError("venvbuild does not run on Windows", fix="use WSL, or a Linux machine")
        _learn_secrets()
        # Else any relative path fails with words about that path.
        if not _has_current_folder():
            raise UsageError("the current folder is gone", fix="change to a folder that is there")
        # Without its standalone mode click returns the code of `--help` and of a command that asked for one.
        code = cli.main(list(arguments), prog_name="venvbuild", standalone_mode=False, obj=began)
        # A closed pipe shows here, where it has its exit code, and not while Python exits.
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001  # the one handler at the top
        from venvbuild.console import failures  # not before: `--version` has no need of it

        return failures.told(error, as_json=as_json)
    return code if isinstance(code, int) else 0


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors too are JSON, even those of a command line that cannot be understood."""
    wanted = {"--json", "--format=json"}
    return not wanted.isdisjoint(arguments) or ("--format", "json") in pairwise(arguments)


def _terminate(_signal: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough: the second must not cut the tidying short
    raise Terminated("terminated")


def _has_current_folder() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def _learn_secrets() -> None:
    """Whatever this process can know to be secret, before it says its first word."""
    REDACTOR.hide_environment(os.environ)
    for candidate in (os.environ.get("NETRC"), os.path.join(os.environ.get("HOME", ""), ".netrc")):
        if candidate:
            REDACTOR.hide_netrc(Path(candidate))
