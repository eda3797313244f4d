"""The bytecode of an environment's modules, made without touching it, and the same wherever it is made.

`checked-hash` (PEP 552): Python uses it as long as the source is the one that was compiled. The path in it is the one
in the archive; import puts the true one in its place. No code of any package is run.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import secrets
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from venvbuild.errors import UsageError
from venvbuild.interpreters.search import Interpreter
from venvbuild.process import CommandFailed, clean_environment, run

_SCRIPT = Path(__file__).with_name("compile_modules.py")
# Neither -I nor -E, which would hide PYTHONHASHSEED: the environment is made by us and has nothing else of that kind.
_FLAGS = ("-S", "-s", "-B", "-W", "ignore")
# What a module can do to a compiler: one of these costs it its bytecode, not us the archive.
_CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)
_TIMEOUT_S = 3600


class Compiled(NamedTuple):
    """A file of bytecode."""

    name: str
    """Relative to the environment: `lib/python3.11/site-packages/__pycache__/six.cpython-311.pyc`."""
    size: int
    sha256: str


@dataclass(frozen=True)
class Bytecode:
    """What some modules became."""

    compiled: list[Compiled] = field(default_factory=list)
    """In the order of the modules; what cannot be compiled (a template, Python 2) is not among them."""
    sources: dict[str, str] = field(default_factory=dict)
    """The sha256 of each module as it was compiled; one that made the interpreter crash is not among them."""


@dataclass(frozen=True)
class Compiler:
    """An interpreter, and where it may write."""

    interpreter: Interpreter
    folder: Path
    """Private to us. Below it, bytecode has the names that it has in an environment."""
    shown: str
    """Where the environment is, as far as the bytecode knows: `/venv`."""
    stop: threading.Event
    """Set by whoever waits for nothing any more."""

    def key(self, sources: Mapping[str, str]) -> str:
        """What the bytecode of modules (name -> sha256) depends on, all of it, as one digest."""
        return hashlib.sha256(json.dumps([*self._about, sorted(sources.items())]).encode()).hexdigest()

    @cached_property
    def _about(self) -> tuple[str, ...]:
        python = self.interpreter
        # The script too, and not a number that somebody has to raise.
        implementation = python.marker_environment["implementation_name"]
        return _SCRIPT.read_text("utf-8"), *_FLAGS, implementation, python.full_version, python.soabi, self.shown

    def compile(self, venv: Path, names: Sequence[str]) -> Bytecode:
        """Compile the modules `names` (relative to `venv`) in a fresh process.

        Raises:
            OSError: a module cannot be read, or the folder not be written. UsageError: it takes too long.
        """
        made, left = Bytecode(), list(names)
        # Again behind a module that made the interpreter crash, so that it costs no other one its bytecode.
        while left:
            left = left[self._compile(venv, left, made) :]
        return made

    def _compile(self, venv: Path, names: Sequence[str], made: Bytecode) -> int:
        """How many of `names` are done with; fewer than all when one made the interpreter crash."""
        listed = self.folder / f".names-{secrets.token_hex(4)}"
        # In a file: thousands of names are more than a command line takes. NUL is the one byte that no path holds.
        listed.write_bytes(b"\0".join(map(os.fsencode, names)))
        # Up to Python 3.10 a set of text is written in the order of its hashes, which are others in each process.
        env = clean_environment(None, PYTHONHASHSEED="0", LC_ALL="C")
        command: list[str | Path] = [self.interpreter.path, *_FLAGS, _SCRIPT, venv, listed, self.shown]
        try:
            done = run(
                command, env=env, timeout_s=_TIMEOUT_S, check=False, cwd=self.folder, stop=lambda _: self.stop.is_set()
            )
        except CommandFailed as failure:
            raise UsageError(
                f"the bytecode was not made within {_TIMEOUT_S} s",
                where=names[0],
                fix="pack without --bytecode, or find out which module takes so long",
            ) from failure
        finally:
            listed.unlink()
        if done.exit_code and done.exit_code not in _CRASHES:
            raise OSError(abs(done.exit_code), done.stderr[-500:] or f"ended with {done.exit_code}", str(self.folder))
        tag, *lines = done.stdout.splitlines() or [""]
        for number, (name, line) in enumerate(zip(names, lines, strict=False), 1):
            source, *compiled = line.split()
            if compiled:
                made.compiled.append(Compiled(_name(name, tag), int(compiled[0]), compiled[1]))
            if not done.exit_code or number < len(lines):
                # The last one that a crash left had its digest printed, but was not compiled.
                made.sources[name] = source
        # One at least: what crashes before it prints anything must not be tried for ever.
        return max(1, len(lines))


def _name(module: str, tag: str) -> str:
    """Where Python looks for the bytecode of a module (PEP 3147)."""
    folder, name = posixpath.split(module)
    return f"{folder}/__pycache__/{name.rpartition('.')[0]}.{tag}.pyc"


def source_of(name: str) -> str:
    """The module whose bytecode has this name."""
    folder, file_name = posixpath.split(name)
    return f"{posixpath.dirname(folder)}/{file_name.rsplit('.', 2)[0]}.py"
