"""An archive that others made, as a build of ours: unpacked, packed again, inspected, described."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvbuild import __version__, foreign, inspection, interpreters, restore
from venvbuild.archive import Archive, FragmentCache, PackOptions
from venvbuild.builds import DescribedMetadata, Description, ImportedFrom, places, schemas
from venvbuild.errors import UsageError
from venvbuild.foreign import ForeignEnvironment
from venvbuild.importing.sources import Candidate
from venvbuild.inspection import Inspection, Root
from venvbuild.installed import Distribution, distributions_of, installer_of
from venvbuild.interpreters import Interpreter, NoInterpreter, Target
from venvbuild.machine import wheels_of_others
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.restore import Adopted
from venvbuild.text import count_text, shown

_ARCHIVE = "venv.tar.gz"
_NOT_DONE = dict.fromkeys(("check", "create", "describe"), 0.0)
"""Steps of a run which an imported build had elsewhere, or not at all."""
_OF_ITS_OWN = "# what is in the environment, written down when it was imported\n"


@dataclass(frozen=True)
class Making:
    """How builds are made of archives."""

    env_name: str
    level: int
    cache: FragmentCache | None
    """Spares packing again what was packed before; None writes nothing there."""
    find_interpreter: Callable[[str], Interpreter] = interpreters.find_interpreter
    """The Python X.Y; raises NoInterpreter when it is not here."""


@dataclass(frozen=True)
class Made:
    """A build that can be committed."""

    description: DescribedMetadata
    files: Mapping[str, Path]
    """By their names in the store, the archive as `venv.tar.gz`."""
    notes: tuple[str, ...]
    """What is other than the source says, or was not known."""


def make(candidate: Candidate, file: Path, sha256: str, folder: Path, making: Making) -> Made:
    """Make a build of the archive `file` of the candidate, in `folder`.

    Raises:
        IntegrityError: it must not be unpacked, is not whole, or something in it cannot move; every problem is named.
        UsageError: it holds no environment that can be used here. StoreUnavailable: the disk is full or fails.
    """
    begun = time.monotonic()
    with file.open("rb") as archive:
        one = restore.adopted(archive, file.stat().st_size, folder / "unpacked", candidate.where)
    venv = one.venv
    installed = distributions_of(venv.path, venv.python_version, with_damage=False)
    interpreter, notes = _interpreter(venv, candidate.where, making)
    misfits = tuple(wheels_of_others(installed, interpreter, candidate.where))
    if misfits:
        raise UsageError.of(misfits)
    packed = _packed(one, installed, folder / _ARCHIVE, making)
    (folder / places.ARCHIVE_INDEX).write_text(packed.index.text(), "utf-8")
    pack_s = round(time.monotonic() - begun, 3)
    requirements = _requirements(candidate, installed)
    (folder / places.REQUIREMENTS).write_bytes(requirements)
    target = Target(interpreter.marker_environment, frozenset(interpreter.supported_tags))
    found = inspection.inspect(venv.path, _roots(requirements, target), target, folder)
    description = Description(
        python_version=venv.python_version,
        is_conflict_free=found.is_conflict_free,
        conflicts=found.conflicts,
        installed_packages=found.installed_packages,
        env_name=making.env_name,
        platform=interpreter.platform,
        python_full_version=interpreter.full_version,
        installer=installer_of(installed, venv.configuration),
        requirements_sha256=hashlib.sha256(requirements).hexdigest(),
        archive_sha256=packed.sha256,
        archive_size_bytes=packed.size_bytes,
        package_count=len(found.installed_packages),
        reproducible=False,  # of which files it was installed nobody knows
        tool_version=__version__,
        build_url=None,
        source_revision=None,
        duration_s={**_NOT_DONE, "pack": pack_s, "inspect": round(time.monotonic() - begun - pack_s, 3)},
        requires=found.requires.as_json(),
        content_sha256=packed.content_sha256,
        archive_root=packed.index.root,
        imported_from=_imported_from(candidate, sha256),
    )
    names = (places.REQUIREMENTS, places.ARCHIVE_INDEX, _ARCHIVE, *found.reports)
    notes += _differences(candidate, found)
    return Made(description.as_json(), {name: folder / name for name in names}, tuple(notes))


def _packed(one: Adopted, installed: Sequence[Distribution], output: Path, making: Making) -> Archive:
    options = PackOptions(one.venv.python_version, making.level, cache=making.cache)
    find = making.find_interpreter
    return foreign.packed(one.venv, installed, output, options, problems=one.problems, find_interpreter=find)


def _interpreter(venv: ForeignEnvironment, where: str, making: Making) -> tuple[Interpreter, list[str]]:
    """What the packages are judged for: the environment's own version of Python; and a note if it is not here."""
    version = venv.python_full_version or ""
    if version.count(".") != 2:
        raise UsageError(
            "its pyvenv.cfg does not say the version of its Python, X.Y.Z",
            where=where,
            fix="find out which it was, write `version = X.Y.Z` into pyvenv.cfg, and pack the environment again",
        )
    try:
        found = making.find_interpreter(venv.python_version)
    except NoInterpreter:
        note = (
            f"Python {venv.python_version} is not here: conflicts were judged without it, as for any CPython {version}"
        )
        return interpreters.assumed(version), [note]
    # Its own patch version counts in markers, and is what metadata.json has to say.
    environment = {**found.marker_environment, "python_full_version": version, "implementation_version": version}
    return replace(found, full_version=version, marker_environment=environment), []


def _requirements(candidate: Candidate, installed: Sequence[Distribution]) -> bytes:
    """The requirements file of the source without secrets; where there is none, what is installed."""
    if candidate.recorded and places.REQUIREMENTS in candidate.names:
        body = candidate.store.read(candidate.folder + places.REQUIREMENTS, schemas.MAX_BYTES).body
        text = body.decode("utf-8", "surrogateescape")
        words = (strip_credentials(word) for word in re.split(r"(\s+|=(?=[a-z+]+://))", text))
        return REDACTOR.redact("".join(words)).encode("utf-8", "surrogateescape")
    pins = sorted({one.pin for one in installed if one.pin})
    return (_OF_ITS_OWN + "".join(f"{pin}\n" for pin in pins)).encode()


def _roots(requirements: bytes, target: Target) -> Iterator[Root]:
    """What the requirements file names, as far as its lines are requirements that hold on the target."""
    for line in requirements.decode("utf-8", "replace").replace("\\\n", " ").splitlines():
        text = re.split(r"\s#|\s--", line.strip())[0]
        try:
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate(dict(target.marker_environment)):
                yield Root(canonicalize_name(wanted.name), tuple(sorted(wanted.extras)))
        except (ValueError, KeyError, TypeError, RecursionError):  # an option, a comment, a path
            continue


def _imported_from(candidate: Candidate, sha256: str) -> ImportedFrom:
    recorded = candidate.recorded
    version = recorded.venv_version if recorded else None
    return ImportedFrom(
        archive=candidate.where,
        archive_sha256=sha256,
        venv_version=shown(version) if version else None,
        created_at=recorded.recorded_at if recorded else None,
    )


def _differences(candidate: Candidate, found: Inspection) -> Iterator[str]:
    """What metadata.json says other than what is there."""
    recorded = candidate.recorded
    if recorded is None:
        return
    yield from recorded.notes
    if recorded.installed_packages is not None:
        pins = found.installed_packages
        yield from (one.what for one in restore.unlike(recorded.installed_packages, pins, "the archive", ""))
    if recorded.conflicts is not None and bool(recorded.conflicts) == found.is_conflict_free:
        said = "that nothing conflicts" if found.conflicts else f"of a conflict ({recorded.conflicts[0]})"
        instead = f"{count_text(len(found.conflicts), 'conflict')} found" if found.conflicts else "none is found"
        yield f"metadata.json tells {said}, and {instead}"
