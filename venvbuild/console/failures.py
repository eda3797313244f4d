"""What ended a command, as words on stderr, JSON on stdout where it was asked for, and an exit code."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from venvbuild import bootstrap, extras, logs
from venvbuild.console import output
from venvbuild.errors import Problem, StdoutClosed, StoreUnavailable, Terminated, UsageError, VenvBuildError, of_disk
from venvbuild.redaction import REDACTOR

log = logging.getLogger(__name__)

_MAX_OF_A_KIND = 20
"""Problems of one rule that are shown: what nineteen lines have not told, four thousand more will not."""


def told(error: BaseException, *, as_json: bool) -> int:
    """Tell what ended a command; its exit code (docs/reference.md, "Exit codes")."""
    if isinstance(error, click.ClickException):
        return _report(_translated(error), as_json=as_json)
    if isinstance(error, StdoutClosed | SystemExit):  # click itself exits when its help meets a closed pipe
        return _stdout_closed()
    # 128 and the number of the signal, as a shell has it.
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _interrupted("interrupted", 130)
    if isinstance(error, Terminated):
        return _interrupted("terminated", Terminated.exit_code)
    if isinstance(error, VenvBuildError):
        return _report(error, as_json=as_json)
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _stdout_closed()
    if isinstance(error, OSError) and (of_the_disk := of_disk(error)):
        return _report(of_the_disk, as_json=as_json)
    if of_the_set_up := _of_set_up():
        log.debug("of a damaged set-up", exc_info=error)
        return _report(of_the_set_up, as_json=as_json)
    return _bug(error, as_json=as_json)


def _of_set_up() -> VenvBuildError | None:
    """What to say instead of a bug when a module of the tool's own set-up is damaged; that is then made again."""
    try:
        damage = bootstrap.mend(extras.locks_folder())
    except bootstrap.SetUpFailed as failure:
        return extras.refused("the tool's own set-up is damaged and cannot be made again", failure, "see above")
    if not damage:
        return None
    # The command may have done half of its work, and is not started again from here.
    return StoreUnavailable(
        "the tool's own set-up was damaged", why=damage, fix="it is made again: run the same command once more"
    )


def _translated(error: click.ClickException) -> UsageError:
    """A command line that click cannot understand, as an error of ours."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    help_of = context.command_path if context else "venvbuild"
    return UsageError(message, fix=f"`{help_of} --help` shows the usage")


def _report(error: VenvBuildError, *, as_json: bool) -> int:
    """Problems of a file a line each, beginning FILE:LINE; everything else in four parts."""
    for lines in _shown(error.problems):
        output.say(*lines)
    _log_error(error)
    if as_json:
        _print_json(error.exit_code, error.problems)
    return error.exit_code


def _shown(problems: Sequence[Problem]) -> Iterator[list[str]]:
    """The problems in words, as lines; of those that break one rule the first ones, and how many more there are."""
    left = Counter(problem.rule for problem in problems)
    told = Counter[str]()
    for problem in problems:
        told[problem.rule] += 1
        left[problem.rule] -= 1
        if problem.rule and told[problem.rule] > _MAX_OF_A_KIND:
            continue
        yield _lines(problem, alone=len(problems) == 1)
        if problem.rule and told[problem.rule] == _MAX_OF_A_KIND and left[problem.rule]:
            yield [f"and {left[problem.rule]:,} more like it (all of them in --json)"]


def _lines(problem: Problem, *, alone: bool) -> list[str]:
    if problem.line is not None or not alone:
        return [problem.as_line()]
    parts = (("where", problem.where), ("why", problem.why), ("fix", problem.fix))
    return [f"error: {problem.what}", *(f"  {label}: {text}" for label, text in parts if text)]


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
        output.print_json(value)
    except (OSError, StdoutClosed):
        _stdout_closed()


def _log_error(error: VenvBuildError) -> None:
    for problem in error.problems:
        log.info("failed: %s", problem.as_line())


def _interrupted(how: str, exit_code: int) -> int:
    """`how` is `interrupted` or `terminated`."""
    output.say(f"venvbuild: {how}; nothing half-made is left")
    log.info("%s", how)
    return exit_code


def _stdout_closed() -> int:
    """`venvbuild list | head -1`: the reader has enough."""
    # Python flushes stdout once more while it exits, and would complain of the pipe then.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141  # 128 and SIGPIPE: `head` is no failure of ours, and 1 would be a bug


def _bug(error: BaseException, *, as_json: bool) -> int:
    """Exit 1: our mistake. The traceback goes to the log, a line to the user."""
    text = REDACTOR.redact("".join(traceback.format_exception(error)))
    log.debug("bug\n%s", text)
    where = logs.followed()
    if where is None:
        output.say(text)  # there is no log that it could be read in
    summary = REDACTOR.redact(f"{type(error).__name__}: {error}")
    place = where or "the traceback is above"
    output.say(f"error: a bug in venvbuild: {summary}", f"  where: {place}", "  fix: report it with the traceback")
    if as_json:
        _print_json(
            1, [Problem(f"a bug in venvbuild: {summary}", str(where or ""), fix="report it with the traceback")]
        )
    return 1
