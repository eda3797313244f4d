"""The archive of an environment that somebody else made and packed, as a folder of ours that can be worked on.

Its links are judged where it is known which folder of the archive is the environment, and by which path that called
itself: what leads to a place inside is kept, made relative; what leads out is left out and named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from venvbuild import foreign
from venvbuild.errors import Problem, UsageError
from venvbuild.foreign import ForeignEnvironment
from venvbuild.interpreters import Interpreter
from venvbuild.restore.tar import is_python, make_links, refused
from venvbuild.restore.unpacking import unpack_ordinary
from venvbuild.text import shown

_CONFIGURATION = b"pyvenv.cfg"


@dataclass(frozen=True)
class Adopted:
    """An environment that came out of an archive."""

    venv: ForeignEnvironment
    problems: tuple[Problem, ...]
    """Links that lead out of it, which were not made."""


def adopted(archive: IO[bytes], size_bytes: int, folder: Path, where: str) -> Adopted:
    """Unpack an archive of `size_bytes` into `folder`, which is made, private to us; `where` names it in messages.

    Raises:
        IntegrityError: it must not be unpacked, is no whole .tar.gz, or holds no environment, or several.
        UsageError: the environment is of a kind or a Python that cannot be used; or the disk has no room for a name.
    """
    folder.mkdir(0o700)  # nobody else may put a link in the way of what is unpacked
    unpacker = unpack_ordinary(archive, size_bytes, folder)
    root = environment_in(unpacker.files)
    place = folder / os.fsdecode(root)
    missing = [name for name in ("bin", "lib") if not (place / name).is_dir()]
    if missing:
        raise refused(f"beside pyvenv.cfg it has no {' and no '.join(missing)}", root)
    try:
        venv = foreign.recognised(place)
    except UsageError as error:
        raise UsageError.of(replace(problem, where=where) for problem in error.problems) from error
    prefix = root + b"/" if root else b""
    # What lies beside the environment is not looked at any more.
    links = [(name[len(prefix) :], target) for name, target in unpacker.unpacked.links if name.startswith(prefix)]
    inside, outside = _sorted_out(venv, links)
    make_links(venv.path, inside)
    return Adopted(venv, tuple(_leads_out(name, target, where) for name, target in outside))


def environment_in(files: Iterable[bytes]) -> bytes:
    """The folder in an archive of these files that is the environment; empty where that is the top itself.

    Raises:
        IntegrityError: there is none, or there are several beside each other.
    """
    folders = [name.rpartition(b"/")[0] for name in files if name.rpartition(b"/")[2] == _CONFIGURATION]
    if not folders:
        raise refused("it holds no virtual environment, as there is no pyvenv.cfg in it")
    # Others may lie in it, as a test of a package.
    depth = min(map(_depth, folders))
    first, *others = sorted(name for name in folders if _depth(name) == depth)
    if others:
        raise refused(f"it holds several environments, {shown(os.fsdecode(first))} and {shown(os.fsdecode(others[0]))}")
    return first


def _depth(folder: bytes) -> int:
    return folder.count(b"/") + 1 if folder else 0


_Link = tuple[bytes, bytes]


def _sorted_out(venv: ForeignEnvironment, links: Iterable[_Link]) -> tuple[list[_Link], list[_Link]]:
    """(links that stay inside, made relative; links that lead out); without those to the interpreter."""
    inside, outside = [], []
    for name, target in links:
        if is_python(name):  # whoever restores or packs makes these anew
            continue
        folder = os.path.dirname(name)
        if target.startswith(b"/"):
            place = venv.inside(os.fsdecode(target))
            led_to = None if place is None else os.fsencode(place or ".")
            kept = os.path.relpath(led_to, folder or b".") if led_to is not None else b""
        else:
            led_to, kept = os.path.normpath(os.path.join(folder, target)), target
        if led_to is None or (led_to + b"/").startswith(b"../"):
            outside.append((name, target))
        else:
            inside.append((name, kept))
    return inside, outside


def _leads_out(name: bytes, target: bytes, where: str) -> Problem:
    return Problem(
        f"{shown(os.fsdecode(name))} is a link that leads out of the environment, to {shown(os.fsdecode(target))}",
        where,
        "what it leads to is not in the archive",
        "put a copy of what it leads to into the environment, if something needs it",
        rule="CANNOT_MOVE",
    )


def relocate(one: Adopted, interpreter: Interpreter) -> Iterator[Problem]:
    """Make the environment relocatable where it is, for `interpreter`; all that cannot move, by name."""
    yield from one.problems
    yield from foreign.relocate(one.venv, interpreter)
