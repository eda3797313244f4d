"""An edit of the version that was stopped before its commit: told from all else that may lie in a tree, and undone."""

from __future__ import annotations

import contextlib
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from packaging.version import Version

from venvbuild.errors import UsageError, VenvBuildError
from venvbuild.files import write_whole
from venvbuild.release.bumping import edits, itself
from venvbuild.release.changelog import Changelog
from venvbuild.release.checkout import checked_out
from venvbuild.release.configuration import Configuration
from venvbuild.release.git import Repository
from venvbuild.release.places import Place
from venvbuild.release.project import Project
from venvbuild.release.version import read_version
from venvbuild.text import shown


@dataclass(frozen=True)
class _Edit:
    """What a `bump` wrote, and did not commit."""

    version: Version
    before: Mapping[str, bytes] = field(repr=False)
    """File -> what HEAD has; relative to the project."""


def undo_edit(repository: Repository, configuration: Configuration) -> Version | None:
    """Give the files of such an edit the bytes that HEAD has; the version that was written, None where there is none.

    It counts only where each changed path is, to the byte, what `bump` makes of HEAD's; else nothing is touched.

    Raises:
        UsageError: git does not check HEAD out.
    """
    edit = _found(repository, configuration)
    if edit is None:
        return None
    for name, content in edit.before.items():
        path = repository.folder / name
        write_whole(path, content, mode=path.stat().st_mode)
    return edit.version


def require_finished(repository: Repository, configuration: Configuration) -> None:
    """Make sure that no `bump` ended between its edit and its commit, as one that is killed does.

    Raises:
        UsageError: what is not committed is such an edit, to the byte; to take it back loses nothing.
    """
    edit = _found(repository, configuration)
    if edit is not None:
        back = shlex.join(["git", "-C", str(repository.folder), "restore", "--", *sorted(edit.before)])
        raise UsageError(
            f"a bump to {edit.version} has edited the files, and was stopped before its commit",
            where=", ".join(map(shown, sorted(edit.before))),
            why="it is as no release has it: neither committed nor taken back",
            fix=f"`{back}` takes back what it wrote, and nothing else; then run it again",
            rule="UNFINISHED",
        )


def _found(repository: Repository, configuration: Configuration) -> _Edit | None:
    """The edit that is all that has changed in the tree; None: something else has, or nothing."""
    folder, changed = repository.folder, repository.changed()
    if not changed:
        return None
    names = _names(repository, changed)
    now = {name: content for name in names if (content := _bytes(folder / name)) is not None}
    with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as scratch:
        copy = checked_out(repository, repository.head, Path(scratch, "source"))
        changelog = itself(copy, configuration.changelog)
        for version in dict.fromkeys(_versions(copy, folder, names, changelog)):
            made = _made(copy, folder, version, changelog, configuration)
            if now.keys() == names <= made.keys() and all(made[name] == now[name] for name in names):
                return _Edit(version, {name: (copy / name).read_bytes() for name in names})
    return None


def _names(repository: Repository, changed: tuple[str, ...]) -> set[str]:
    """Relative to the project; what is outside of it stays as it is, and is none of an edit's."""
    prefix = repository.ask("rev-parse", "--show-prefix")
    return {name.removeprefix(prefix) if name.startswith(prefix) else f"/{name}" for name in changed}


def _bytes(path: Path) -> bytes | None:
    """None where there is no such file any more."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _versions(copy: Path, folder: Path, names: set[str], changelog: str) -> Iterator[Version]:
    """What stands now where HEAD's files have the version; of a project that has it from its tag, in the changelog."""
    for place in _places(copy):
        name = itself(copy, place.file)
        if name in names and (found := _written(place, folder / name)):
            yield found
    if changelog in names:
        now = Changelog.read(folder / changelog)
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
    now, before = _bytes(path) or b"", place.content[: place.begin]
    found = re.match(rb"[^\s'\"]*", now[len(before) :]) if now.startswith(before) else None
    return _read(found[0].decode("utf-8", "replace")) if found else None


def _read(text: str) -> Version | None:
    try:
        return read_version(text)
    except VenvBuildError:
        return None


def _made(
    copy: Path, folder: Path, version: Version, changelog: str, configuration: Configuration
) -> Mapping[str, bytes]:
    """File -> what `bump` makes of it."""
    try:
        made = edits(Project.read(copy), version)
    except VenvBuildError:
        made = {}
    before, now = (Changelog.read(where / changelog) for where in (copy, folder))
    if before and now:
        text = "".join(now.lines)
        # As a heading is written, or underlined.
        day = re.search(rf"^(?:## )?\[?{re.escape(str(version))}\]? - (\d{{4}}-\d\d-\d\d)", text, re.MULTILINE)
        if day:
            tag = configuration.tag_of(str(version))
            with contextlib.suppress(ValueError):  # of a day that is none somebody else wrote
                made[changelog] = before.released(version, date.fromisoformat(day[1]), tag).encode()
    return made
