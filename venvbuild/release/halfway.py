"""An edit of the version that was stopped before its commit: told from all else that may lie in a tree, and undone."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from packaging.version import Version

from venvbuild.errors import VenvBuildError
from venvbuild.files import write_whole
from venvbuild.release.bumping import edits
from venvbuild.release.changelog import Changelog
from venvbuild.release.checkout import checked_out
from venvbuild.release.configuration import Configuration
from venvbuild.release.git import Repository
from venvbuild.release.places import Place
from venvbuild.release.project import Project
from venvbuild.release.version import read_version


def undo_edit(repository: Repository, configuration: Configuration) -> Version | None:
    """Give the files of such an edit the bytes that HEAD has; the version that was written, None where there is none.

    It counts only where each changed path is, to the byte, what `bump` makes of HEAD's; else nothing is touched.

    Raises:
        UsageError: git does not check HEAD out.
    """
    folder = repository.folder
    changed = repository.changed()
    if not changed:
        return None
    with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as scratch:
        copy = checked_out(repository, repository.head, Path(scratch, "source"))
        names = _names(repository, changed)
        version = next(iter(_versions(copy, folder, names, configuration)), None)
        if version is None or not names <= _made(copy, folder, version, configuration).keys():
            return None
        made = _made(copy, folder, version, configuration)
        if any((folder / name).read_bytes() != made[name] for name in names):
            return None
        for name in names:
            mode = (folder / name).stat().st_mode
            write_whole(folder / name, (copy / name).read_bytes(), mode=mode)
    return version


def _names(repository: Repository, changed: tuple[str, ...]) -> set[str]:
    """Relative to the project; what is outside of it stays as it is, and is none of an edit's."""
    prefix = repository.ask("rev-parse", "--show-prefix")
    return {name.removeprefix(prefix) if name.startswith(prefix) else f"/{name}" for name in changed}


def _versions(copy: Path, folder: Path, names: set[str], configuration: Configuration) -> Iterator[Version]:
    """What stands now where HEAD's files have the version."""
    for place in _places(copy):
        if place.file in names and (found := _written(place, folder / place.file)):
            yield found
    if configuration.changelog in names:
        now = Changelog.read(folder / configuration.changelog)
        for text in now.versions[:1] if now else ():
            if found := _read(text):
                yield found


def _places(copy: Path) -> tuple[Place, ...]:
    try:
        project = Project.read(copy)
        return tuple(one for one in (project.place, *project.also) if one)
    except VenvBuildError:  # whatever is wrong with it, we have not edited it
        return ()


def _written(place: Place, path: Path) -> Version | None:
    try:
        now = path.read_bytes()
    except OSError:
        return None
    before = place.content[: place.begin]
    found = re.match(rb"[^\s'\"]*", now[len(before) :]) if now.startswith(before) else None
    return _read(found[0].decode("utf-8", "replace")) if found else None


def _read(text: str) -> Version | None:
    try:
        return read_version(text)
    except VenvBuildError:
        return None


def _made(copy: Path, folder: Path, version: Version, configuration: Configuration) -> Mapping[str, bytes]:
    """File -> what `bump` makes of it."""
    try:
        made = edits(Project.read(copy), version)
    except VenvBuildError:
        made = {}
    before, now = (Changelog.read(where / configuration.changelog) for where in (copy, folder))
    if before and now:
        text = "".join(now.lines)
        day = re.search(rf"^## \[?{re.escape(str(version))}\]? - (\d{{4}}-\d\d-\d\d)", text, re.MULTILINE)
        if day:
            tag = configuration.tag_of(str(version))
            made[configuration.changelog] = before.released(version, date.fromisoformat(day[1]), tag).encode()
    return made
