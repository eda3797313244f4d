"""Packs an environment that somebody else made into an archive like our own, without changing a byte of it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from venvbuild import archive, interpreters
from venvbuild.archive import Archive, Bundle, FragmentCache, Gate, Known, PackOptions, bundle_of
from venvbuild.errors import Problem, UsageError
from venvbuild.foreign import conversion, environment
from venvbuild.foreign.activation import activation_scripts
from venvbuild.foreign.conversion import Conversion
from venvbuild.foreign.environment import ForeignEnvironment
from venvbuild.installed import Distribution, RecordRow, distributions_of
from venvbuild.interpreters import Interpreter, NoInterpreter
from venvbuild.redaction import REDACTOR

log = logging.getLogger(__name__)

# Any package may name these, and they tell nothing of this machine.
_OF_EVERYBODY = ("/usr/bin", "/usr/local/bin", "/bin")
_URL = re.compile(r"[A-Za-z0-9+.-]+://\S+")


@dataclass(frozen=True)
class Wanted:
    """How the archive of an environment is to be."""

    level: int
    python_path: str | None = None
    bundle_python: bool = False
    bytecode: bool = False
    layout: str = "venv"
    """One of `archive.ARCHIVE_ROOTS`."""


@dataclass(frozen=True)
class Repacked:
    """An archive of an environment of somebody else. Field names are those of `pack --venv --json`."""

    archive: str
    sha256: str
    sha256_file: str
    """Beside it, for `sha256sum -c`."""
    content_sha256: str
    archive_root: str
    size_bytes: int
    plain_bytes: int
    member_count: int
    package_count: int
    python_version: str
    """X.Y."""
    python_full_version: str | None
    libraries: tuple[str, ...] | None
    """Sonames that the bundled interpreter needs of a machine; None when none is bundled."""


def pack(
    folder: Path,
    output: Path,
    wanted: Wanted,
    *,
    cache: FragmentCache | None = None,
    force: bool = False,
) -> Repacked:
    """Write the archive of the environment at `folder` to `output`; the interpreter it was made with may be gone,
    unless it is to be bundled or to make bytecode. Its sum goes beside it, as `archive.place` has it. With `force` it
    may replace a file that is no archive of ours.

    Raises:
        UsageError: there is no virtual environment at `folder`, its interpreter cannot be bundled, or `output` lies in
            it, is no file, does not end in .tar.gz or .tgz, is a file of somebody else, or cannot be written.
        IntegrityError: what cannot move (editable installs, paths that lead out, system site-packages, files that hold
            the environment's path), every one by name. StoreUnavailable: the disk is full or failing.
    """
    venv = environment.recognised(folder)
    _check(output, venv, force=force)
    installed = distributions_of(venv.path, venv.python_version, with_damage=False)
    options = PackOptions(
        venv.python_version,
        wanted.level,
        wanted.python_path,
        cache=cache,
        compiled_by=_interpreter(venv, "--bytecode") if wanted.bytecode else None,
        archive_root=archive.ARCHIVE_ROOTS[wanted.layout],
    )
    with bundle_of(_interpreter(venv, "--bundle-python") if wanted.bundle_python else None) as base:
        made = packed(venv, installed, output, options, base=base, place=partial(_place, force=force))
        return _repacked(output, made, venv, installed, base)


def packed(
    venv: ForeignEnvironment,
    installed: Sequence[Distribution],
    output: Path,
    options: PackOptions,
    *,
    base: Bundle | None = None,
    problems: Sequence[Problem] = (),
    place: Callable[[Path, Path, str], None] | None = None,
    find_interpreter: Callable[[str], Interpreter] = interpreters.find_interpreter,
) -> Archive:
    """Write the archive of `venv`, which holds `installed`, to `output`; `problems` are known already.

    What its scripts mean is compared by a Python of its version, where there is one.

    Raises:
        UsageError, IntegrityError, StoreUnavailable: as `pack`.
    """
    changes = conversion.converted(venv, installed, activation_scripts())
    return archive.pack(
        venv.path,
        output,
        options,
        gate=_gate(venv, installed),
        known=Known(_claiming(installed, changes, venv), base_version=base.version if base else None),
        instead={**changes.members, **(base.members if base else {})},
        problems=(*changes.problems, *_changed_scripts(venv, changes, find_interpreter), *problems),
        place=place,
    )


def _claiming(installed: Iterable[Distribution], changes: Conversion, venv: ForeignEnvironment) -> list[Distribution]:
    """The distributions as their RECORDs will be in the archive: who claims a script claims what came to it."""
    claiming = []
    for one in installed:
        beside = changes.scripts.beside(os.path.relpath(one.site_packages, venv.path))
        paths = {os.path.normpath(row.path) for row in one.record or ()}
        more = [
            RecordRow(beside[path], "", None) for path in sorted(paths & beside.keys()) if beside[path] not in paths
        ]
        claiming.append(replace(one, record=(*(one.record or ()), *more)) if more else one)
    return claiming


def _changed_scripts(
    venv: ForeignEnvironment, changes: Conversion, find_interpreter: Callable[[str], Interpreter]
) -> Iterator[Problem]:
    if changes.scripts.scripts and not changes.scripts.problems:
        try:
            yield from changes.changed_scripts(find_interpreter(venv.python_version))
        except NoInterpreter:
            log.info("there is no Python %s here that could compare the scripts", venv.python_version)


def _repacked(
    output: Path, made: Archive, venv: ForeignEnvironment, installed: Sequence[Distribution], base: Bundle | None
) -> Repacked:
    return Repacked(
        os.path.abspath(output),
        made.sha256,
        os.path.abspath(archive.sum_file(output)),
        made.content_sha256,
        made.index.root,
        made.size_bytes,
        made.plain_bytes,
        made.member_count,
        sum(1 for one in installed if one.pin),
        venv.python_version,
        venv.python_full_version,
        base.requires.libraries if base else None,
    )


def _place(building: Path, output: Path, sha256: str, *, force: bool) -> None:
    if not force:
        archive.refuse_others(output)  # again: somebody may have put something there meanwhile
    archive.place(building, output, sha256)


def _check(output: Path, venv: ForeignEnvironment, *, force: bool) -> None:
    for path in (output, archive.sum_file(output)) if output.name else (output,):
        # os.path, which takes a name that is too long for one that is not there
        if not path.name or (os.path.exists(path) and not os.path.isfile(path)):  # a rename would replace /dev/null
            raise UsageError("this is no place for a file", where=str(path), fix="give the name of a file")
    archive.refuse_ending(output)
    if not force:
        archive.refuse_others(output)
    # a link of that name is replaced, wherever it leads
    if Path(os.path.realpath(output.parent)).is_relative_to(venv.path):
        raise UsageError("the archive would lie in the environment", where=str(output), fix="give another place")


def _interpreter(venv: ForeignEnvironment, flag: str) -> Interpreter:
    """The one that the environment runs on, which `flag` asks for."""
    found = interpreters.probe(venv.path / "bin" / "python")
    if found is None or found.version != venv.python_version:
        raise UsageError(
            f"the Python {venv.python_version} of the environment is not there, and {flag} needs it",
            where=str(venv.path / "bin" / "python"),
            fix=f"leave out {flag}, or install that Python again",
        )
    return found


def _gate(venv: ForeignEnvironment, installed: Sequence[Distribution]) -> Gate:
    """No file may name the environment."""
    _learn_secrets(venv)
    home = [venv.home] if venv.home and str(venv.home) not in _OF_EVERYBODY else []
    gate = Gate.of(home, REDACTOR.secrets, installed)
    # Who installed it, and from what, is not known: a wheel that was built there may hold its path, so the wheels' own
    # files are searched for that like any other.
    return replace(gate, places=tuple(os.fsencode(name) for name in venv.names))


def _learn_secrets(venv: ForeignEnvironment) -> None:
    # pip reads this file at the top of an environment; a password in its URLs must not go into an archive.
    configuration = venv.path / "pip.conf"
    if configuration.is_file():
        for url in _URL.findall(configuration.read_text("utf-8", "replace")):
            REDACTOR.hide_url(url)
