"""The command line: finds the command, and turns whatever ends it into words and an exit code."""

from __future__ import annotations

import errno
import importlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import click

from venvbuild import __version__, logs
from venvbuild.commands import COMMANDS
from venvbuild.errors import Problem, StdoutClosed, Terminated, UsageError, VenvBuildError, of_disk
from venvbuild.redaction import REDACTOR

log = logging.getLogger(__name__)


class _Commands(click.Group):
    """The commands of `venvbuild.commands`, each module imported only when it is the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"venvbuild.commands.{COMMANDS[cmd_name]}").command
        return command

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
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if sys.platform == "win32":
        sys.exit(
            _report(UsageError("venvbuild does not run on Windows", fix="use WSL, or a Linux machine"), as_json=False)
        )
    signal.signal(signal.SIGTERM, _terminate)
    logs.configure()
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str]) -> int:
    as_json = _wants_json(arguments)
    try:
        _learn_secrets()
        if not _has_current_folder():
            raise UsageError("the current folder is gone", fix="change to a folder that is there")
        # Without its standalone mode click returns the code of `--help` and of a command that asked for one.
        code = cli.main(list(arguments), prog_name="venvbuild", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _report(_translated(error), as_json=as_json)
    except (StdoutClosed, SystemExit):  # click itself exits when its help meets a closed pipe
        return _stdout_closed()
    except (KeyboardInterrupt, click.Abort):
        return _interrupted("interrupted", 130)
    except Terminated:
        return _interrupted("terminated", Terminated.exit_code)
    except VenvBuildError as error:
        return _report(error, as_json=as_json)
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _stdout_closed()
        translated = of_disk(error)
        return _report(translated, as_json=as_json) if translated else _bug(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001  # the one handler at the top: anything else is a bug of ours
        return _bug(error, as_json=as_json)
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


def _translated(error: click.ClickException) -> UsageError:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    help_of = context.command_path if context else "venvbuild"
    return UsageError(message, fix=f"`{help_of} --help` shows the usage")


def _report(error: VenvBuildError, *, as_json: bool) -> int:
    """Problems of a file a line each, beginning FILE:LINE; everything else in four parts."""
    for problem in error.problems:
        _say(_lines(problem, alone=len(error.problems) == 1))
    _log_error(error)
    if as_json:
        _print_json(error.exit_code, error.problems)
    return error.exit_code


def _lines(problem: Problem, *, alone: bool) -> str:
    place = problem.where.rpartition(":")[2]
    if place.isdigit() or not alone:
        return problem.as_line()
    parts = [f"error: {problem.what}"]
    parts += [
        f"  {label}: {text}"
        for label, text in (("where", problem.where), ("why", problem.why), ("fix", problem.fix))
        if text
    ]
    return "\n".join(parts)


def _say(text: str) -> None:
    print(REDACTOR.redact(text), file=sys.stderr)  # noqa: T201


def _print_json(exit_code: int, problems: Sequence[Problem]) -> None:
    value = {
        "error": {
            "exit_code": exit_code,
            "problems": [
                {part: REDACTOR.redact(text) for part, text in problem.as_json().items()} for problem in problems
            ],
        }
    }
    try:
        print(json.dumps(value, indent=2), flush=True)  # noqa: T201
    except OSError:
        _stdout_closed()


def _log_error(error: VenvBuildError) -> None:
    for problem in error.problems:
        log.info("failed: %s", problem.as_line())


def _interrupted(how: str, exit_code: int) -> int:
    _say(f"venvbuild: {how}; nothing half-made is left")
    log.info("%s", how)
    return exit_code


def _stdout_closed() -> int:
    """`venvbuild list | head -1`: the reader has enough. Python must not complain again while it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _bug(error: BaseException, *, as_json: bool) -> int:
    """Exit 1: our mistake. The traceback goes to the log, a line to the user."""
    text = REDACTOR.redact("".join(traceback.format_exception(error)))
    log.debug("bug\n%s", text)
    where = logs.followed()
    if where is None:
        _say(text)
    summary = REDACTOR.redact(f"{type(error).__name__}: {error}")
    place = where or "the traceback is above"
    _say(f"error: a bug in venvbuild: {summary}\n  where: {place}\n  fix: report it with the traceback")
    if as_json:
        _print_json(
            1, [Problem(f"a bug in venvbuild: {summary}", str(where or ""), fix="report it with the traceback")]
        )
    return 1
