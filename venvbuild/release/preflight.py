"""What must hold before anything of a release is edited: all of it is looked at, and told at once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from packaging.version import Version

from venvbuild.errors import Problem, RequirementsRefused, UsageError, VenvBuildError
from venvbuild.release.changelog import Changelog
from venvbuild.release.configuration import Configuration
from venvbuild.release.git import REMOTE, Repository
from venvbuild.release.index import Index
from venvbuild.release.project import Project
from venvbuild.release.version import in_the_way
from venvbuild.text import count_text, shown

_MAX_PATHS = 10


class AskedIndex(Protocol):
    """The index that is published to, as far as it has to be asked before."""

    @property
    def shown(self) -> str:
        """Its name and address, without secrets."""

    def versions_on_index(self, name: str) -> frozenset[Version]:
        """The versions of which any file is there; raises what says why it cannot be asked."""

    def lacks_credentials(self) -> Problem | None:
        """What is missing to upload to it; nobody is asked."""


@dataclass(frozen=True)
class IndexBefore:
    """An index, asked before."""

    index: Index
    publishes: bool = True
    """Whether something is sent there from here, for which credentials are needed."""

    @property
    def shown(self) -> str:
        """`devpi https://pypi.company.com/team/prod/+simple/`."""
        return f"{self.index.target.backend.title} {self.index.where}"

    def versions_on_index(self, name: str) -> frozenset[Version]:
        """As `Index.list` tells."""
        return frozenset(self.index.list(name).versions)

    def lacks_credentials(self) -> Problem | None:
        """What `target_of` did not find, or why the index does not take it, as far as that can be asked.

        Raises:
            IndexUnavailable: it does not answer.
        """
        target = self.index.target
        if not self.publishes:
            return None
        if target.credentials is None:
            names = " or ".join((*target.backend.tokens, "PYPI_PASSWORD")[:2])
            return Problem("there is no token to publish with", names, fix=f"set {names}", rule="NO_TOKEN")
        try:
            self.index.check_access()
        except UsageError as error:
            return error.problems[0]
        return None


@dataclass(frozen=True)
class Release:
    """The release that is to be made."""

    project: Project
    repository: Repository
    configuration: Configuration
    version: Version
    changelog: Changelog | None
    pushes: bool = False
    """Whether branch and tag go to the remote."""
    index: AskedIndex | None = None
    """Where it is published; None: nothing is published."""
    older_line: bool = False
    """Whether it is a fix of an older X.Y."""
    detached: bool = False
    """Whether HEAD may be detached: where the tag is what was checked out."""

    @property
    def tag(self) -> str:
        """Its name."""
        return self.configuration.tag_of(str(self.version))


Note = Callable[[str], None]
Look = Callable[[Release, Note], Iterator[Problem]]


def pass_preflight(release: Release) -> tuple[str, ...]:
    """Look at everything; what was found, in a few words each, for people.

    Raises:
        UsageError: something is in the way; everything that is, at once.
        RequirementsRefused: it is the version or the changelog alone.
    """
    return _passed(release, (_tree, _branch, _tag, _changelog, _remote, _index))


def pass_again(release: Release) -> tuple[str, ...]:
    """Look at what must hold to go on with a release that is committed already. Raises as `pass_preflight` does."""
    return _passed(release, (_tree, _branch, _access))


def _passed(release: Release, looks: Sequence[Look]) -> tuple[str, ...]:
    found: list[str] = []
    refused: list[Problem] = []
    is_usage = False
    for look in looks:
        try:
            problems = list(look(release, found.append))
        except VenvBuildError as error:
            # Nobody should learn of the next one only when this one is gone. What a retry cures is so only when alone.
            if not isinstance(error, UsageError | RequirementsRefused) and not refused:
                raise
            problems = list(error.problems)
        is_usage = is_usage or any(one.rule not in ("CHANGELOG", "VERSION") for one in problems)
        refused += problems
    if refused:
        raise (UsageError if is_usage else RequirementsRefused).of(refused)
    return tuple(found)


def _tree(release: Release, note: Note) -> Iterator[Problem]:
    changed = release.repository.changed()
    if not changed:
        note("clean")
        return
    paths = ", ".join(shown(path) for path in changed[:_MAX_PATHS]) + (", ..." if len(changed) > _MAX_PATHS else "")
    yield Problem(
        f"the tree is not clean: {count_text(len(changed), 'path')}",
        paths,
        "a release is what is committed, and would not have it",
        "commit it, `git stash --include-untracked`, or name in .gitignore what is no part of the project",
        "DIRTY",
    )


def _branch(release: Release, note: Note) -> Iterator[Problem]:
    branch, wanted = release.repository.branch, release.configuration.branch
    if branch is None:
        if not release.detached:
            yield Problem(
                "HEAD is detached",
                shown(str(release.repository.top), 200),
                "the commit of the release would be on no branch",
                f"`git switch {shown(wanted or 'main')}`; a tag that was checked out is built by `release build`",
                "DETACHED",
            )
    elif wanted and branch != wanted:
        yield Problem(
            f"releases are made from {shown(wanted)}, and this is {shown(branch)}",
            release.configuration.origins["branch"],
            fix=f"`git switch {shown(wanted)}`",
            rule="BRANCH",
        )
    else:
        note(f"on {branch}")


def _tag(release: Release, note: Note) -> Iterator[Problem]:
    at = release.repository.tag_at(release.tag)
    if at is None:
        note(f"{release.tag} free")
        return
    if at != release.repository.head or release.repository.branch is None:
        yield taken(release, f"it is at {at[:7]} here")
        return
    push = shlex.join(["git", "push", "--atomic", REMOTE, release.repository.branch, release.tag])
    yield taken(release, f"it is at {at[:7]} here, which is HEAD", f"; if it was not pushed yet, `{push}` ends it")


def taken(release: Release, why: str, more: str = "") -> Problem:
    """A tag that is there already."""
    return Problem(
        f"the tag {shown(release.tag)} is taken",
        shown(str(release.repository.top), 200),
        why,
        f"release another version than {release.version}, for a number is never used twice{more}",
        "TAKEN",
    )


def _changelog(release: Release, note: Note) -> Iterator[Problem]:
    if release.changelog is None:
        return
    if problem := release.changelog.problem(release.version):
        yield problem
    elif release.changelog.has_unreleased:
        note(f"{count_text(release.changelog.entry_count(), 'entry').replace('ys', 'ies')} unreleased")


def _remote(release: Release, note: Note) -> Iterator[Problem]:
    repository = release.repository
    if not repository.has_remote():
        if release.pushes:
            fix = f"`git remote add {REMOTE} URL`, or leave --tag out: `release tag` makes one here only"
            yield Problem(f"there is no remote {REMOTE}", shown(str(repository.top), 200), fix=fix, rule="REMOTE")
        return
    branch = repository.branch
    there = repository.on_remote(branch, release.tag)
    if f"refs/tags/{release.tag}" in there and repository.tag_at(release.tag) is None:
        yield taken(release, f"{REMOTE} has it")
    theirs = there.get(f"refs/heads/{branch}")
    if theirs and not repository.holds(theirs):
        yield Problem(
            f"{shown(str(branch))} is behind {REMOTE}",
            f"{REMOTE}/{shown(str(branch))}",
            f"it is at {theirs[:7]}, which is not in HEAD ({repository.head[:7]})",
            f"`git pull --rebase {REMOTE} {shown(str(branch))}`",
            "BEHIND",
        )
    elif branch:
        how = "is not on" if not theirs else "=" if theirs == repository.head else "is ahead of"
        note(f"{branch} {how} {REMOTE}{f'/{branch}' if theirs else ''}")
        if release.pushes:
            repository.push(branch, None, dry=True)


def _access(release: Release, note: Note) -> Iterator[Problem]:
    if release.index and (problem := release.index.lacks_credentials()):
        yield problem
    elif release.index:
        note(f"to {release.index.shown}")


def _index(release: Release, note: Note) -> Iterator[Problem]:
    index = release.index
    if index is None:
        return
    if problem := index.lacks_credentials():
        yield problem
        return  # and an index that asks for some would refuse to be read
    versions = index.versions_on_index(release.project.name)
    name = shown(f"{release.project.name} {release.version}", 200)
    if release.version in versions:
        fix = f"release another version: a number that was published is never used again (newest: {max(versions)})"
        yield Problem(f"{name} is on the index already", index.shown, fix=fix, rule="TAKEN")
    elif higher := in_the_way(release.version, versions, older_line=release.older_line):
        same_line = higher.release[:2] == release.version.release[:2]
        line = ".".join(map(str, release.version.release[:2]))
        more = "" if same_line else f"; of a fix of {line} say so: --older-line"
        yield Problem(
            f"{name} is not greater than every version on the index",
            index.shown,
            f"{higher} is there",
            f"release a version greater than {higher}{more}",
            "VERSION",
        )
    else:
        note(f"{release.version} not on {index.shown} ({f'newest {max(versions)}' if versions else 'empty'})")
