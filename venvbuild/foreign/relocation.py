"""Makes an environment that somebody else made relocatable where it is, in a folder that is ours to change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from venvbuild.archive import Gate, Member
from venvbuild.errors import IntegrityError, Problem
from venvbuild.files import remove, walk, write_whole
from venvbuild.foreign import conversion
from venvbuild.foreign.activation import activation_scripts
from venvbuild.foreign.environment import ForeignEnvironment
from venvbuild.installed import Distribution, distributions_of
from venvbuild.interpreters import Interpreter
from venvbuild.text import shown

_PIECE_BYTES = 1 << 20


def relocate(venv: ForeignEnvironment, interpreter: Interpreter) -> Iterator[Problem]:
    """Give `venv` what an archive of it would have; what cannot move stays as it is, and is named.

    No link in it may lead out of it. `interpreter` compares what its scripts mean.

    Raises:
        IntegrityError: a script would mean something else than before, which is a fault of ours.
    """
    installed = distributions_of(venv.path, venv.python_version, with_damage=False)
    changes = conversion.converted(venv, installed, activation_scripts())
    if not changes.scripts.problems:
        changed = list(changes.changed_scripts(interpreter))
        if changed:
            raise IntegrityError.of(changed)
    for name, member in sorted(changes.members.items()):
        _put(venv.path / name, member)
    yield from changes.problems
    yield from _mentions(venv, installed)


def _put(path: Path, member: Member | None) -> None:
    if member is None:
        if os.path.lexists(path):  # its folder may be gone already
            remove(path)
    elif member.kind == "d":
        path.mkdir()
        path.chmod(member.mode | path.stat().st_mode & stat.S_ISGID)  # whatever the umask is
    elif member.kind == "l":
        path.unlink()
        path.symlink_to(member.link)
    else:
        assert member.content is not None  # what a conversion writes is here
        write_whole(path, member.content, mode=member.mode)


def _mentions(venv: ForeignEnvironment, installed: Iterable[Distribution]) -> Iterator[Problem]:
    """Files that hold the path which the environment had."""
    gate = replace(Gate.of((), (), installed), places=tuple(os.fsencode(name) for name in venv.names))
    for name, facts in walk(venv.path):
        if not stat.S_ISREG(facts.st_mode):
            continue
        search = gate.searching(f"{venv.path}/{name}")
        with open(venv.path / name, "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                search.see(piece)
        for what in search.found(""):
            yield Problem(
                f"{shown(name)} holds {what}",
                why="there is nothing here at that place",
                fix="install its package again, if it needs that place",
                rule="CANNOT_MOVE",
            )
