"""A version edited where the backend reads it, with the changelog: proved on a copy, written, committed, tagged."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from packaging.version import InvalidVersion, Version

from venvbuild.errors import RequirementsRefused, ResolutionError, UsageError
from venvbuild.files import write_whole
from venvbuild.process import CommandFailed, run
from venvbuild.release.changelog import Changelog
from venvbuild.release.checkout import checked_out
from venvbuild.release.failures import of_backend
from venvbuild.release.preflight import Release
from venvbuild.release.project import Project
from venvbuild.release.tools import Tools
from venvbuild.text import count_text, shown

_METADATA_S = 900


@dataclass(frozen=True)
class Bumped:
    """What was edited, and where it went."""

    old: Version | None
    """None: no file says a version."""
    new: Version
    places: tuple[str, ...]
    """`file:line` of each version that was edited; empty where it stood there already."""
    changelog: str
    """What became of the changelog, in words; empty: there is none."""
    commit: str
    """The commit of the release; HEAD as it was where nothing was edited."""
    message: str
    tag: str
    """Empty: none was made."""


def edits(project: Project, version: Version) -> dict[str, bytes]:
    """Path -> content of each file that says the version, with another one; empty where they say it already.

    The paths are those of the files themselves, for git commits a link as a link.
    """
    found: dict[str, bytes] = {}
    places = [project.place, *project.also] if project.place else []
    # A file may have two names. From its end to its beginning, so that the places before stay where they are.
    named = {(itself(project.folder, one.file), one.begin): one for one in places if one}
    for (file, _), place in sorted(named.items(), key=lambda one: (one[0][0], -one[0][1])):
        if Version(place.version) == version:
            continue
        content = found.get(file, place.content)
        found[file] = place.with_content(content).edited(str(version))
    return found


def itself(folder: Path, name: str) -> str:
    """The path of the file that `name` leads to, both relative to the project in `folder`."""
    return os.path.relpath((folder / name).resolve(), folder.resolve())


def bump(
    release: Release, tools: Tools, day: date, *, message: str = "", tags: bool = True, signs: bool = False
) -> Bumped:
    """Edit, commit and, where `tags`, tag. Preflight has passed. Whatever fails before the commit leaves all as it was.

    Raises:
        RequirementsRefused: the backend reads another version than was written.
        ResolutionError: it cannot be asked. UsageError: git refuses.
    """
    project, version = release.project, release.version
    old = project.version if project.place else None
    changed = edits(project, version)
    places = tuple(
        one.where for one in (project.place, *project.also) if one and itself(project.folder, one.file) in changed
    )
    if changed:
        with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as scratch:
            _prove(release, changed, tools, Path(scratch))
    said = ""
    if release.changelog is not None:
        said = _said(release.changelog, version, day)
        text = release.changelog.released(version, day, release.tag)
        file = os.path.relpath(release.changelog.path, project.folder)
        changed[itself(project.folder, file)] = text.encode("utf-8")
    subject = message or f"Release {version}"
    commit = release.repository.head
    if changed:
        with _written(project.folder, changed):
            commit = release.repository.commit(subject, sorted(changed))
        _require_whole(release, commit)
    if tags:
        release.repository.tag(release.tag, subject, signed=signs, at=commit)
    return Bumped(old, version, places, said, commit, subject, release.tag if tags else "")


def backend_version(project: Path, tools: Tools, scratch: Path, timeout_s: float = _METADATA_S) -> Version:
    """The version that the build backend makes of the project in this folder.

    Raises:
        ResolutionError: it fails, or says none.
    """
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    command = tools.command("build", "--installer", "uv", "--metadata", project)
    try:
        done = run(command, env=tools.environment(home, TMPDIR=str(scratch)), cwd=scratch, timeout_s=timeout_s)
        return Version(str(json.loads(done.stdout)["version"]))
    except CommandFailed as failure:
        raise of_backend("the build backend does not tell the version", failure) from failure
    except (ValueError, KeyError, TypeError, InvalidVersion) as error:
        raise ResolutionError(
            "the build backend tells no version", why=shown(str(error), 200), fix="correct what it is told"
        ) from error


def _prove(release: Release, changed: dict[str, bytes], tools: Tools, scratch: Path) -> None:
    """That the backend reads what is to be written, on a copy: nothing of the project is touched."""
    copy = checked_out(release.repository, release.repository.head, scratch / "source")
    for name, content in changed.items():
        write_whole(copy / name, content)
    found = backend_version(copy, tools, scratch)
    if found != release.version:
        raise RequirementsRefused(
            f"the build backend reads {found}, and not {release.version}",
            where=", ".join(sorted(changed)),
            why="it takes the version from somewhere else than these files; they are as they were",
            fix="tell the backend to read it there, or write it where it reads: [project] version",
            rule="READ_BACK",
        )


@contextlib.contextmanager
def _written(folder: Path, changed: dict[str, bytes]) -> Iterator[None]:
    """The files with their new contents; as they were again when the block fails."""
    paths = {(folder / name).resolve(): content for name, content in changed.items()}
    before = {path: (path.read_bytes(), path.stat().st_mode) for path in paths}
    try:
        for path, content in paths.items():
            write_whole(path, content, mode=before[path][1])
        yield
    except BaseException:
        for path, (content, mode) in before.items():
            write_whole(path, content, mode=mode)
        raise


def _require_whole(release: Release, commit: str) -> None:
    if left := release.repository.changed():
        raise UsageError(
            f"the commit of {release.version} does not hold all that changed: {count_text(len(left), 'path')}",
            where=", ".join(map(shown, left[:10])),
            why=f"it is {commit[:7]}, without a tag; a hook may have written them",
            fix="`git add` what belongs to it and `git commit --amend`, or `git restore` it; "
            "then `venvbuild release tag`",
            rule="DIRTY",
        )


def _said(changelog: Changelog, version: Version, day: date) -> str:
    name = changelog.path.name
    if not changelog.has_unreleased:
        return f"{name}: had no Unreleased, which is there now; [{version}] - {day} has no entries"
    count = changelog.entry_count()
    return f"{name}: {count} {'entry' if count == 1 else 'entries'} under [{version}] - {day}"
