"""What a program of others said when it failed, as an error of ours."""

from __future__ import annotations

import re

from venvbuild.errors import IndexUnavailable, ResolutionError
from venvbuild.process import CommandFailed
from venvbuild.text import shown

_LINES = 8
# uv 0.13: what it says of an index that it could not talk to. One that answers "no such package" is none of these.
_AWAY = re.compile(
    r"(?i)error sending request|failed to fetch|dns error|connection refused|operation timed out|request failed after"
    r"|status (?:server )?(?:error|code).{0,10}5[0-9][0-9]|client error \(Connect\)"
)
# `  × Failed ...`, `╰─▶ ...`: the frame that uv and build draw around words.
_FRAME = re.compile(r"^[\s│╭╰├─▶<>×*|]+")


def of_backend(what: str, failure: CommandFailed, *, where: str = "") -> ResolutionError | IndexUnavailable:
    """A build or an installation that failed (4), or an index that could not be asked (6)."""
    if failure.exit_code is None:
        return ResolutionError(what, where=where, why="it did not end in time", fix="give it more: --timeout-s SECONDS")
    why = last_words(failure)
    if _AWAY.search(failure.output):
        return IndexUnavailable(
            what, where=where, why=why, fix="run it again when the index answers; `venvbuild config` shows its address"
        )
    return ResolutionError(what, where=where, why=why, fix="correct what it complains of, then run it again")


def last_words(failure: CommandFailed, lines: int = _LINES) -> str:
    """The last lines that say something, on one line."""
    found = [_FRAME.sub("", line).strip() for line in failure.output.splitlines()]
    return shown(" | ".join([line for line in found if line][-lines:]) or "it says nothing", 1200)
