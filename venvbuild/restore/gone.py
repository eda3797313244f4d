"""A build in whose folder a file is gone: which, and which command gives an environment all the same."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from venvbuild import builds
from venvbuild.builds import Metadata, ScriptedBuild, archive_name, places, schemas
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.stores import Store

_LOOKED_AT = 20
"""Other builds of the environment, the newest first."""
_BACKUP = "restore it from a backup"


@contextmanager
def told(store: Store, venv_version: str, target: Path, *, rebuilds: bool = False) -> Iterator[None]:
    """What is not in the store is told as a file of this build, with what helps; of no such build nothing is added."""
    try:
        yield
    except NotInStore as error:
        raise _of_build(store, venv_version, target, rebuilds=rebuilds) or error from error


def _of_build(store: Store, venv_version: str, target: Path, *, rebuilds: bool) -> NotInStore | None:
    there = _names_in(store, venv_version)
    if not there:
        return None
    if places.METADATA not in there:
        other = _another(store, _claimed(store, venv_version), venv_version)
        return NotInStore(
            f"there is no build {venv_version}: it has files, and no {places.METADATA}",
            where=store.uri(builds.key(venv_version, places.METADATA)),
            why="it was never committed, or the file is gone since; `venvbuild table sync` takes it out of the lists",
            fix=_or([_BACKUP, *_get_another(other, target)]),
            rule="FILE_GONE",
        )
    build = builds.read_any(store, venv_version)
    missing = [name for name in _needed(build, rebuilds=rebuilds) if name not in there]
    if not missing:
        return None
    return NotInStore(
        f"{venv_version} cannot be {'rebuilt' if rebuilds else 'restored'}: its {' and its '.join(missing)} is gone",
        where=store.uri(builds.key(venv_version, missing[0])),
        fix=_or([_BACKUP, *_other_ways(store, build, there, target, rebuilds=rebuilds)]),
        rule="FILE_GONE",
    )


def _other_ways(
    store: Store, build: Metadata | ScriptedBuild, there: Collection[str], target: Path, *, rebuilds: bool
) -> Iterator[str]:
    if isinstance(build, ScriptedBuild):
        return
    version = build["venv_version"]
    if set(_needed(build, rebuilds=not rebuilds)) <= {*there}:
        how = "unpack its archive" if rebuilds else "install its lock from the index"
        # what was built from source is on no index
        if rebuilds or (build["reproducible"] and places.LOCK in build["files"]):
            yield f"{how}: {_command(version, target)}{'' if rebuilds else ' --rebuild'}"
    yield from _get_another(_another(store, build["env_name"], version), target)


def _get_another(version: str | None, target: Path) -> Iterator[str]:
    if version:
        yield f"get another build of the environment: {_command(version, target)}"


def _command(version: str, target: Path) -> str:
    return f"venvbuild get {version} {shlex.quote(str(target))}"


def _or(ways: list[str]) -> str:
    return "; or ".join(ways)


def _needed(build: Metadata | ScriptedBuild, *, rebuilds: bool) -> list[str]:
    if isinstance(build, ScriptedBuild):
        return []
    if rebuilds:
        return [places.LOCK, places.REQUIREMENTS]
    return [name for name in (archive_name(build["venv_version"]), places.ARCHIVE_INDEX) if name in build["files"]]


def _names_in(store: Store, venv_version: str) -> set[str]:
    folder = builds.key(venv_version, "")
    return {entry.key.removeprefix(folder) for entry in store.list(folder)}


def _claimed(store: Store, venv_version: str) -> str | None:
    """The environment whose build it was to be."""
    try:
        claim = schemas.parsed(store.read(builds.key(venv_version, places.CLAIM), schemas.MAX_BYTES).body)
        return str(claim["env_name"])
    except (NotInStore, IntegrityError, ValueError, TypeError, KeyError):
        return None


def _another(store: Store, env_name: str | None, venv_version: str) -> str | None:
    """The newest other build of the environment without conflicts that can be restored."""
    if env_name is None:
        return None
    folder = places.environment_entry(env_name, "")
    versions = (entry.key.removeprefix(folder) for entry in store.list(folder))
    others = sorted((one for one in versions if builds.is_venv_version(one) and one != venv_version), reverse=True)
    return next((one for one in islice(others, _LOOKED_AT) if _is_whole(store, one)), None)


def _is_whole(store: Store, venv_version: str) -> bool:
    try:
        build = builds.read_any(store, venv_version)
    except (NotInStore, IntegrityError):
        return False
    if isinstance(build, ScriptedBuild) or not build["is_conflict_free"]:
        return False
    return {*_needed(build, rebuilds=False)} <= _names_in(store, venv_version)
