"""Where a release stands, by what git, dist and the index have: each step a question with yes, no, or a conflict.

Nothing is remembered between two runs; a conflict is an `IntegrityError`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

from venvbuild.errors import IndexUnavailable, IntegrityError, UsageError
from venvbuild.process import CommandFailed
from venvbuild.release.building import Source
from venvbuild.release.changelog import Changelog
from venvbuild.release.git import REMOTE, Repository
from venvbuild.release.index import Found, Index, Presence
from venvbuild.release.manifest import FILE, BuiltFile, Manifest
from venvbuild.release.publishing import other_bytes
from venvbuild.text import shown


@dataclass(frozen=True)
class Standing:
    """The answers; those of a release that has just been committed and tagged, unless told otherwise."""

    version: Version
    is_tagged: bool = True
    built: Manifest | None = None
    """What is in dist, of this commit, with the bytes of its manifest; None: it is to be built."""
    is_pushed: bool | None = False
    """None: no remote was asked."""
    on_index: Mapping[BuiltFile, Found] = field(default_factory=dict)
    """What the index has under the names of our files; empty where nothing is built, or no index was asked."""

    @property
    def is_public(self) -> bool:
        """Whether the index has a file of ours: what comes before publishing has been done, then."""
        return any(one.presence is Presence.SAME for one in self.on_index.values())

    def as_words(self) -> str:
        """`committed, tagged, built, pushed; wheel on the index (same bytes), sdist not`."""
        asked = (("tagged", self.is_tagged), ("built", self.built is not None), ("pushed", self.is_pushed))
        done = ["committed", *(word for word, is_so in asked if is_so)]
        there = [file.kind for file, found in self.on_index.items() if found.presence is Presence.SAME]
        missing = [file.kind for file, found in self.on_index.items() if found.presence is Presence.ABSENT]
        if not there:
            return ", ".join(done)
        not_there = f", {' and '.join(missing)} not" if missing else ""
        return f"{', '.join(done)}; {' and '.join(there)} on the index (same bytes){not_there}"


def released_at_head(source: Source) -> Version | None:
    """The version that HEAD is the release of, by its tag or by what its commit changes; None: it is none.

    Raises:
        RequirementsRefused: the project's version cannot be read.
    """
    repository, configuration = source.repository, source.configuration
    if source.project.place is not None:
        version = source.project.version
        is_it = repository.tag_at(configuration.tag_of(str(version))) == repository.head
        return version if is_it or is_release_commit(source, version) else None
    tagged = [configuration.version_of(tag) for tag in repository.ask("tag", "--points-at", "HEAD").splitlines()]
    if found := [one for one in (_version(text) for text in tagged if text) if one]:
        return max(found)
    changelog = Changelog.read(source.project.folder / configuration.changelog)
    newest = _version(changelog.versions[0]) if changelog and changelog.versions else None
    return newest if newest and is_release_commit(source, newest) else None


def is_release_commit(source: Source, version: Version) -> bool:
    """Whether the last commit made this version and changed nothing else: as `bump` does it."""
    repository, project = source.repository, source.project
    if repository.commit_of("HEAD^") is None:
        return False
    places = {one.file: one for one in (project.place, *project.also) if one}
    name = source.configuration.changelog
    prefix = repository.ask("rev-parse", "--show-prefix")
    changed = set(repository.run("diff", "--name-only", "-z", "HEAD^", "HEAD").stdout.split("\0")) - {""}
    if not changed or not changed <= {f"{prefix}{one}" for one in (*places, name)}:
        return False
    if f"{prefix}{name}" in changed:
        before, now = (_changelog_at(repository, commit, name) for commit in ("HEAD^", "HEAD"))
        return bool(now and now.has(version) and not (before and before.has(version)))
    # Of a project without a changelog it is the line of the version that tells.
    for place in places.values():
        old, end = _file_at(repository, "HEAD^", place.file), place.begin + len(place.version.encode())
        if not (old.startswith(place.content[: place.begin]) and old.endswith(place.content[end:])):
            return False
    return True


def stands(source: Source, version: Version, index: Index | None, *, asks_remote: bool) -> Standing:
    """Ask each step of the release that HEAD is.

    Raises:
        IntegrityError: the tag is on another commit, here or on the remote; dist or the index has other bytes.
        UsageError, IndexUnavailable: the remote or the index cannot be asked.
    """
    repository, tag = source.repository, source.configuration.tag_of(str(version))
    at = repository.tag_at(tag)
    if at not in (None, repository.head):
        raise _moved(tag, repository, f"it is at {str(at)[:12]}, HEAD is at {repository.head[:12]}")
    built = _built(source, version)
    is_pushed = (at is not None and _is_pushed(repository, tag)) if asks_remote else None
    on_index = index.find(built.files, index.list(built.name)) if built and index else {}
    taken = [(file, found) for file, found in on_index.items() if found.presence is Presence.OTHER]
    if index and taken:
        raise IntegrityError.of([other_bytes(file, found, index) for file, found in taken])
    return Standing(version, at is not None, built, is_pushed, on_index)


def require_new(source: Source, changelog: Changelog | None) -> None:
    """Make sure that a next version is not asked for while HEAD is one that waits for its tag or its push, with nothing
    new since: as after a push that was refused.

    Raises:
        UsageError: it is; says the next command. RequirementsRefused: the project's version cannot be read.
    """
    found = released_at_head(source)
    if found is None or (changelog and (changelog.entry_count() or not changelog.has_unreleased)):
        return
    repository, tag = source.repository, source.configuration.tag_of(str(found))
    where, branch = shown(str(repository.top), 200), repository.branch
    last = (
        "`venvbuild release rollback` takes it back; for a new one commit what is new, with its line in the changelog"
    )
    if repository.tag_at(tag) is None:
        if changelog:
            wish = "" if source.project.place else f" {found}"
            raise UsageError(
                f"HEAD is {found} already, which has no tag yet",
                where=where,
                why="nothing was committed since",
                fix=f"`venvbuild release tag{wish}` makes {shown(tag)}; {last}",
                rule="RELEASED",
            )
    elif branch and _lacks(repository, branch, tag):
        push = shlex.join(["git", "push", "--atomic", REMOTE, branch, tag])
        raise UsageError(
            f"HEAD is {found} already, and {REMOTE} does not have {shown(tag)}",
            where=where,
            why="its push was refused, or not made; nothing was committed since",
            fix=f"`{push}` makes it public; {last}",
            rule="RELEASED",
        )


def _lacks(repository: Repository, branch: str, tag: str) -> bool:
    """Whether the remote is there and does not have the tag."""
    try:
        return repository.has_remote() and f"refs/tags/{tag}" not in repository.on_remote(branch, tag)
    except (UsageError, IndexUnavailable):  # which preflight tells, with all else
        return False


def require_tag(source: Source) -> Version:
    """The version of a project whose tag is what is checked out.

    Raises:
        UsageError: no tag of HEAD is that of the project's version.
    """
    repository, configuration = source.repository, source.configuration
    if source.project.place is None:
        version = released_at_head(source)
        wanted = "a tag of a version"
    else:
        version = source.project.version
        wanted = configuration.tag_of(str(version))
        version = version if repository.tag_at(wanted) == repository.head else None
    if version is None:
        here = repository.ask("tag", "--points-at", "HEAD").splitlines()
        said = f"the project is {source.project.version}, and " if source.project.place else ""
        raise UsageError(
            f"{said}{shown(wanted)} is no tag of HEAD",
            where=shown(str(repository.top), 200),
            why=f"at HEAD is {', '.join(map(shown, here)) or 'no tag'}",
            fix="check out a tag that is of the version there: `git switch --detach TAG`",
            rule="TAG",
        )
    return version


def _built(source: Source, version: Version) -> Manifest | None:
    if not os.path.lexists(source.dist / FILE):
        return None
    made = Manifest.read(source.dist)
    tag = source.configuration.tag_of(str(version))
    if (made.version, made.commit, made.tag) != (str(version), source.repository.head, tag):
        return None  # of an earlier release, or of a commit before the tag
    made.require(source.dist)
    return made


def _is_pushed(repository: Repository, tag: str) -> bool:
    branch = repository.branch
    if not repository.has_remote():
        return False
    there = repository.on_remote(branch, tag)
    theirs, ours = there.get(f"refs/tags/{tag}"), repository.ask("rev-parse", f"refs/tags/{tag}")
    if theirs is None:
        return False
    if theirs != ours:
        raise _moved(tag, repository, f"{REMOTE} has {theirs[:12]}, here it is {ours[:12]}")
    head = there.get(f"refs/heads/{branch}")
    # A branch that is further than ours was ours before.
    return head is not None and (head == repository.head or not repository.holds(head))


def _moved(tag: str, repository: Repository, why: str) -> IntegrityError:
    return IntegrityError(
        f"the tag {shown(tag)} is not this release's",
        where=shown(str(repository.top), 200),
        why=why,
        fix="release another version: a tag that somebody may have is never moved",
        rule="TAG",
    )


def _changelog_at(repository: Repository, commit: str, name: str) -> Changelog | None:
    content = _file_at(repository, commit, name)
    return Changelog(Path(name), tuple(content.decode("utf-8", "replace").splitlines(keepends=True)))


def _file_at(repository: Repository, commit: str, name: str) -> bytes:
    """Empty where it was not there."""
    try:
        return repository.run("show", f"{commit}:./{name}").stdout.encode()
    except CommandFailed:
        return b""


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:
        return None
