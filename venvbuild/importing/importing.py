"""Imports all that a source has, one after the other: fetched, made, committed, registered; what cannot be is told.

Run again after any interruption it does the rest: a build says of which archive it was made, and one with the same
sha256 that the environment has already is left.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from venvbuild import builds
from venvbuild.builds import Metadata, places
from venvbuild.errors import IntegrityError, NotInStore, Problem, StoreUnavailable, UsageError, VenvBuildError
from venvbuild.importing.making import Made, Making, make
from venvbuild.importing.sources import Candidate, Source, candidates
from venvbuild.parallel import in_turn
from venvbuild.retrying import retried
from venvbuild.stores import Entry, Store

DONE, LEFT, NOT_DONE, WOULD_DO = "done", "left", "not done", "would be done"
_RANGE_BYTES = 16 << 20


@dataclass(frozen=True)
class Import:
    """Where builds are imported to, and how."""

    store: Store
    making: Making
    register: Callable[[Metadata], object]
    """Writes the row of a committed build, if it is absent."""
    is_dry: bool = False
    """Whether to do all but what the store would keep."""


@dataclass(frozen=True)
class Imported:
    """What became of one build or archive of the source."""

    source: str
    """Where its archive is, without credentials."""
    source_version: str | None
    """What it is called there."""
    outcome: str
    """`done`, `left`, `not done`, `would be done`."""
    venv_version: str | None = None
    """The build of ours, made now or before."""
    package_count: int | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Why it was not done."""
    exit_code: int = 0


@dataclass
class Known:
    """What an environment has already."""

    by_sha256: dict[str, str]
    """venv_version by the sha256 of the archive that it was imported from."""
    others: int
    """How many builds it has that were not imported."""

    @classmethod
    def of(cls, store: Store, env_name: str) -> Known:
        """Of all builds of the environment.

        Raises:
            StoreUnavailable, UsageError: the store fails, or lets nobody in.
        """
        prefix = places.environment_entry(env_name, "")
        versions = (entry.key.removeprefix(prefix) for entry in store.list(prefix))
        known = cls({}, 0)
        for build in in_turn(lambda version: _read(store, version), versions):
            if build and "imported_from" in build:
                known.by_sha256[build["imported_from"]["archive_sha256"]] = build["venv_version"]
            elif build:
                known.others += 1
        return known


def _read(store: Store, venv_version: str) -> Metadata | None:
    # An entry is made just before the commit, which may never have come; a damaged build is no reason to stop.
    with suppress(NotInStore, IntegrityError):
        build = builds.read_any(store, venv_version)
        return None if isinstance(build, builds.ScriptedBuild) else build
    return None


def imported(source: Source, into: Import, known: Known) -> Iterator[Imported]:
    """What becomes of each build and archive of the source, told as it is done.

    Raises:
        NotInStore: there is nothing to import. UsageError: a store lets nobody in. StoreUnavailable: a store or the
            disk fails; the same call does the rest.
    """
    for candidate in candidates(source):
        with tempfile.TemporaryDirectory(prefix="venvbuild-import-") as temporary:
            yield _imported(candidate, into, known, Path(temporary).resolve())


def _imported(candidate: Candidate, into: Import, known: Known, folder: Path) -> Imported:
    recorded = candidate.recorded
    told = Imported(candidate.where, recorded.venv_version if recorded else None, NOT_DONE)
    if recorded and recorded.is_ours:
        return replace(
            told, outcome=LEFT, notes=("venvbuild made it: copy it with its store, if another is to have it",)
        )
    try:
        if candidate.archive is None:
            raise _no_archive(candidate)
        if candidate.archive.oddity:
            what = f"it is {candidate.archive.oddity}, which is not followed"
            raise UsageError(what, where=candidate.where, fix="import the file itself, by its own name")
        sha256 = _fetch(candidate.store, candidate.archive, folder / "archive")
        if sha256 in known.by_sha256:
            return _left(told, into, known.by_sha256[sha256])
        made = make(candidate, folder / "archive", sha256, folder, into.making)
    except StoreUnavailable:
        raise
    except VenvBuildError as error:
        return replace(told, problems=error.problems, exit_code=error.exit_code)
    count = made.description["package_count"]
    if into.is_dry:
        known.by_sha256[sha256] = ""
        return replace(told, outcome=WOULD_DO, package_count=count, notes=made.notes)
    build = _committed(made, into, folder / "commit")
    known.by_sha256[sha256] = build["venv_version"]
    return replace(told, outcome=DONE, venv_version=build["venv_version"], package_count=count, notes=made.notes)


def _committed(made: Made, into: Import, folder: Path) -> Metadata:
    folder.mkdir()
    build = builds.commit(into.store, made.description, made.files, folder).metadata
    into.register(build)
    return build


def _left(told: Imported, into: Import, venv_version: str) -> Imported:
    """It is there already: in the store, or before it in the source."""
    if not venv_version:
        return replace(told, outcome=LEFT, notes=("its archive has the same bytes as one before it",))
    if not into.is_dry:
        # Killed between the commit and the row, nobody would ever find it.
        into.register(builds.read(into.store, venv_version))
    return replace(told, outcome=LEFT, venv_version=venv_version)


def _no_archive(candidate: Candidate) -> NotInStore:
    said = candidate.recorded.venv_archive if candidate.recorded else None
    return NotInStore(
        "its archive is not beside its metadata.json",
        where=candidate.where,
        why=f"metadata.json says that it is at {said}" if said else "metadata.json does not say where it is",
        fix="copy the archive to that folder, and import it again",
        rule="NO_ARCHIVE",
    )


def _fetch(store: Store, archive: Entry, file: Path) -> str:
    """All bytes of the archive in a new file; their sha256. Memory holds a few pieces."""
    digest, offset = hashlib.sha256(), 0
    with file.open("xb") as local:
        while True:
            at = offset
            piece = retried(lambda: store.read_range(archive.key, at, _RANGE_BYTES))  # noqa: B023  # called at once
            digest.update(piece)
            local.write(piece)
            offset += len(piece)
            if len(piece) < _RANGE_BYTES:
                return digest.hexdigest()
