"""Whether scripts that were written anew mean to a Python what they meant before: nothing of them is run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from venvbuild.errors import Problem, UsageError
from venvbuild.interpreters.search import Interpreter
from venvbuild.process import CommandFailed, clean_environment, run

_SCRIPT = Path(__file__).with_name("compare_scripts.py")
# -I, -S: of us neither variables nor folder, and no code of a package in its site-packages.
_FLAGS = ("-I", "-S", "-B", "-W", "ignore")
_TIMEOUT_S = 600


Scripts = Mapping[str, tuple[bytes, bytes]]
"""By name: before, after."""


def compare_scripts(interpreter: Interpreter, scripts: Scripts) -> dict[str, tuple[str, ...]]:
    """What of each script is another one to `interpreter`, by name: `docstring` (that there was), `encoding`, `syntax
    tree` (lines and columns included), or `no Python`, where it is none any more. Only what differs is there.

    What was no Python before, as a script of Python 2, is not judged.

    Raises:
        UsageError: the interpreter does not run, or takes too long.
    """
    told = zip(scripts, _compared(interpreter, list(scripts.values())), strict=True)
    return {name: tuple(verdict.split(",")) for name, verdict in told if verdict not in ("same", "none")}


def changed_scripts(interpreter: Interpreter, scripts: Scripts) -> Iterator[Problem]:
    """Each script that means something else to `interpreter` since we wrote it anew. Raises as `compare_scripts`."""
    for name, what in compare_scripts(interpreter, scripts).items():
        yield Problem(
            f"{name} would not be the script that its package brings: "
            + ("it is no Python any more" if what == ("no Python",) else f"another {' and '.join(what)}"),
            why="it was made relocatable, and must mean what it meant",
            fix="this is a fault of venvbuild: report it, and leave out the package until it is mended",
            rule="CHANGED_SCRIPT",
        )


def _compared(interpreter: Interpreter, pairs: Sequence[tuple[bytes, bytes]]) -> list[str]:
    told = list[str]()
    if not pairs:
        return told
    with tempfile.TemporaryDirectory(prefix="venvbuild-scripts-") as folder:
        for number, pair in enumerate(pairs):
            for when, content in zip(("before", "after"), pair, strict=True):
                Path(folder, f"{number}.{when}").write_bytes(content)
        while len(told) < len(pairs):
            told += _told(interpreter, folder, len(pairs), len(told))
            if len(told) < len(pairs):
                told.append("none")  # it made the compiler crash, and nothing can start it
    return told


def _told(interpreter: Interpreter, folder: str, count: int, first: int) -> list[str]:
    command: list[str | Path] = [interpreter.path, *_FLAGS, _SCRIPT, folder, str(count), str(first)]
    try:
        done = run(command, env=clean_environment(None), timeout_s=_TIMEOUT_S, check=False, cwd=Path(folder))
    except (CommandFailed, OSError) as error:
        raise UsageError(
            f"Python {interpreter.full_version} did not compare the scripts of the environment",
            where=str(interpreter.path),
            why=str(error),
            fix="find out whether it runs at all",
        ) from error
    if done.exit_code > 0:
        raise UsageError(
            f"Python {interpreter.full_version} did not compare the scripts of the environment",
            where=str(interpreter.path),
            why=done.stderr[-500:],
            fix="find out whether it runs at all",
        )
    return done.stdout.splitlines()
