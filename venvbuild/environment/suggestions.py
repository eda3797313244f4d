"""Versions for what a file leaves open, named in the fix: those that fit its pins where that can be tried in time."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from venvbuild.environment import alternatives
from venvbuild.environment.package_source import IndexAccess, PackageSource, package_index
from venvbuild.environment.tries import OutOfTries, Question, Tries, without_wheels
from venvbuild.errors import VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import PackageIndex
from venvbuild.parallel import each
from venvbuild.requirements import Suggested

# A refusal is not to wait longer for what it advises.
_SECONDS = 3.0
# More cannot be resolved by then.
_MOST_LINES = 300
_MOST_TRIES = 20


def suggested(
    wanted: Sequence[tuple[str, str]], pins: Sequence[str], access: IndexAccess, interpreter: Interpreter
) -> Suggested:
    """A version for each (name, specifier), beside these pins (`name[extra]==1.0`); after three seconds what is known.

    What the resolver chooses for all lines together, else the newest of each.
    """
    newest: dict[str, str] = {}
    fitting: dict[str, str] = {}

    def look() -> None:
        newest.update(newest_versions(wanted, package_index(access, timeout_s=_SECONDS), interpreter, _SECONDS))

    def resolve() -> None:
        with contextlib.suppress(OSError, VenvBuildError, OutOfTries):
            fitting.update(_fitting(wanted, pins, access, interpreter))

    each(lambda one: one(), [look, resolve])
    chosen = {name: fitting[canonicalize_name(name)] for name, _ in wanted if canonicalize_name(name) in fitting}
    return Suggested({**newest, **chosen}, frozenset(chosen))


def _fitting(
    wanted: Sequence[tuple[str, str]], pins: Sequence[str], access: IndexAccess, interpreter: Interpreter
) -> Mapping[str, str]:
    """Canonical name -> version of all that these lines need together; empty when they cannot be.

    Raises:
        OutOfTries: there was no time for it. OSError: there is no temporary folder.
    """
    lines = [*pins, *(f"{name}{specifier}" for name, specifier in wanted)]
    if len(lines) > _MOST_LINES:
        return {}
    with tempfile.TemporaryDirectory(prefix="venvbuild-check-") as folder:
        source = PackageSource.of(access, interpreter, timeout_s=int(_SECONDS), scratch=Path(folder))
        tries = Tries(source, _SECONDS)
        for _ in range(_MOST_TRIES):
            answer = tries.ask(Question(tuple(lines)))
            if answer.versions is not None:
                # A pin that was left out and comes in again, needed by another, comes at another version.
                left_out = {_name(pin) for pin in pins if pin not in lines}
                return {} if left_out & answer.versions.keys() else answer.versions
            # What is there as source only is told of later, and the rest can be resolved without it.
            names = {canonicalize_name(name) for name, _ in without_wheels(answer.said)}
            fewer = [line for line in lines if _name(line) not in names]
            if len(fewer) == len(lines):
                return {}
            lines = fewer
    return {}


def _name(line: str) -> str:
    return canonicalize_name(re.split(r"[^\w.-]", line, maxsplit=1)[0])


def newest_versions(
    names: Iterable[tuple[str, str]], index: PackageIndex, interpreter: Interpreter, timeout_s: float = 3
) -> Mapping[str, str]:
    """The newest version of each (name, specifier) that this Python and platform can install, for hints.

    Neither yanked nor a pre-release. What the index does not tell in time is left out.
    """
    found: dict[str, str] = {}

    def ask(name: str, specifier: str) -> None:
        project = index.project(canonicalize_name(name))
        newest = alternatives.newest(project, interpreter, SpecifierSet(specifier)) if project else None
        if newest:
            found[name] = str(newest)

    def look(pair: tuple[str, str]) -> None:
        with contextlib.suppress(VenvBuildError):
            ask(*pair)

    # A hint is worth no more waiting than that, and no failure.
    with contextlib.suppress(TimeoutError):
        each(look, names, timeout_s=timeout_s)
    return dict(found)  # a copy: threads that nobody waits for may still add to the other
