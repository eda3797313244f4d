"""A release taken back: undone where nobody has it; else withdrawn, and followed by one that is the version before.

What is public is never rewritten: neither a commit, nor a tag, nor a number.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from packaging.version import Version

from venvbuild.errors import UsageError
from venvbuild.files import write_whole
from venvbuild.process import CommandFailed
from venvbuild.release.backends import Target
from venvbuild.release.building import Source, clean
from venvbuild.release.bumping import Bumped, bump, edits
from venvbuild.release.changelog import Changelog
from venvbuild.release.git import REMOTE, Repository
from venvbuild.release.index import Index
from venvbuild.release.preflight import Release, pass_preflight
from venvbuild.release.project import Project
from venvbuild.release.standing import is_release_commit, released_at_head
from venvbuild.release.tools import Tools
from venvbuild.release.version import next_pre_of, next_version
from venvbuild.release.withdrawing import Withdrawal, withdraw
from venvbuild.text import count_text, shown

Say = Callable[[str, str], object]
_PYTHON = "3.99.0"
"""A Python that every `requires-python` lets in: which one the users have is not known."""


@dataclass(frozen=True)
class Plan:
    """What is to be taken back, and from whom."""

    version: Version
    public: tuple[str, ...]
    """Where it can be had already, in words; empty: nowhere."""
    is_on_index: bool
    previous: Version | None
    """The version that users go back to; None: there is none."""
    restored: Version | None
    """The version before, by its tag here, that the next one is made of; None: there is no such tag."""
    followed_by: Version | None = None
    """What the project has gone on to since, so that nothing is committed; None: it is the project's last release."""
    newer: Version | None = None
    """The newest on the index above it, of one that was followed."""


@dataclass(frozen=True)
class RolledBack:
    """What became of it."""

    plan: Plan
    undone: tuple[str, ...] = ()
    """What was taken away here, in words, where nothing was public."""
    withdrawal: Withdrawal | None = None
    """None: the index does not have it."""
    made: Bumped | None = None
    """The version that follows; None: none is needed, or there is nothing to make it of."""


@dataclass(frozen=True)
class Rollback:
    """Takes a release of one project back. Whoever calls it holds the project's lock."""

    source: Source
    say: Say
    day: date
    target: Target | None = None
    """The index; None: none is configured."""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def _repository(self) -> Repository:
        return self.source.repository

    def _tag(self, version: Version) -> str:
        return self.source.configuration.tag_of(str(version))

    def plan(self, asked: Version | None = None) -> Plan:
        """What there is to take back: the last release of the project, or the version that is `asked` for. Asks the
        remote and the index.

        Raises:
            UsageError: there is nothing. UsageError, IndexUnavailable: the remote or the index cannot be asked.
        """
        own = self._own()
        if asked is not None and asked != own:
            return self._plan_of(asked, own)
        if own is None:
            raise self._nothing()
        version = own
        listing = Index(self.target).list(self.source.project.name) if self.target else None
        files = listing.of(version) if listing else ()
        public = [*self._at_remote(version)]
        if files:
            public.append(self._on_index(len(files)))
        restored = self._before(version)
        found = listing.older_than(version, _PYTHON) if listing else None
        return Plan(version, tuple(public), bool(files), found or restored, restored)

    def _plan_of(self, asked: Version, own: Version | None) -> Plan:
        """Of a version that the project is not at: only the index can let it go."""
        name = f"{self.source.project.name} {asked}"
        now = own or (self.source.project.version if self.source.project.place else None)
        if now is None or now == asked:
            raise self._nothing()
        if self.target is None:
            raise UsageError(
                f"no index is configured that {shown(name, 200)} could be withdrawn from",
                where=shown(str(self.source.project.folder), 200),
                why=f"the project has gone on to {now}, and what is in git stays",
                fix="name the index, by the variables of its backend or by --index-url URL --upload-url URL",
                rule="NO_URL",
            )
        index = Index(self.target)
        listing = index.list(self.source.project.name)
        files = listing.of(asked)
        newer = max((one for one in listing.versions if one > asked and not one.is_prerelease), default=None)
        if not files:
            raise UsageError(
                f"{shown(name, 200)} is not on the index",
                where=index.where,
                why=f"it has {', '.join(map(str, listing.versions[-8:])) or 'nothing of it'}",
                fix="name one that is there: `venvbuild release rollback VERSION`",
                rule="NO_RELEASE",
            )
        if newer is None and now < asked:
            raise UsageError(
                f"{asked} is the newest on the index, and the project is at {now} here",
                where=shown(str(self.source.project.folder), 200),
                why="a version has to follow it, which is made where it was released",
                fix=f"`git switch` to its branch, which has the tag {shown(self._tag(asked))}; "
                "then `venvbuild release rollback`",
                rule="NOT_HERE",
            )
        public = (self._on_index(len(files)),)
        return Plan(asked, public, True, listing.older_than(asked, _PYTHON), None, now, newer)

    def _on_index(self, count: int) -> str:
        assert self.target
        return f"{self.target.backend.title} {Index(self.target).where} has {count_text(count, 'file')} of it"

    def _own(self) -> Version | None:
        """The release that the project is at, though commits may have come after it; None: it is at none."""
        found = released_at_head(self.source)
        if found is None and self.source.project.place is not None:
            own = self.source.project.version
            return own if self._repository.tag_at(self._tag(own)) else None
        return found or max(self._versions("--merged", "HEAD"), default=None)

    def _nothing(self) -> UsageError:
        return UsageError(
            "there is no release to take back",
            where=shown(str(self.source.project.folder), 200),
            why="HEAD is no release, and the project's version has no tag here",
            fix="`git fetch --tags` brings tags that are on the remote; `git tag --list` has the releases",
            rule="NO_RELEASE",
        )

    def _at_remote(self, version: Version) -> list[str]:
        repository, tag = self._repository, self._tag(version)
        if not repository.has_remote():
            return []
        branch = repository.branch
        there = repository.on_remote(branch, tag)
        found = [f"{REMOTE} has {tag}"] if f"refs/tags/{tag}" in there else []
        if (
            branch
            and released_at_head(self.source)
            and self._has_commit(version, branch, there.get(f"refs/heads/{branch}"))
        ):
            found.append(f"{REMOTE}/{branch} has its commit")
        return found

    def _has_commit(self, version: Version, branch: str, theirs: str | None) -> bool:
        """Whether the remote has HEAD. What is not here came from others, on top of what was seen of it last."""
        repository = self._repository
        if theirs is None or not is_release_commit(self.source, version):
            return False
        known = theirs if repository.commit_of(theirs) else f"refs/remotes/{REMOTE}/{branch}"
        try:
            repository.run("merge-base", "--is-ancestor", "HEAD", known)
        except CommandFailed:
            return False
        return True

    def _before(self, version: Version) -> Version | None:
        """The newest version below it that has a tag here: a final one where there is one."""
        older = [one for one in self._versions() if one < version]
        return max((one for one in older if not one.is_prerelease), default=max(older, default=None))

    def _versions(self, *of: str) -> list[Version]:
        """Those that have a tag here; `of`: as `git for-each-ref` takes it."""
        found = []
        for tag in self._repository.tags(*of):
            try:
                found.append(Version(self.source.configuration.version_of(tag) or ""))
            except ValueError:  # a tag of something else
                continue
        return found

    # --- nobody has it

    def undo(self, plan: Plan) -> RolledBack:
        """Take tag, commit and files away, of a release that nobody has; only what it made, and only at HEAD.

        Raises:
            UsageError: commits came after it; the tree is not clean; dist holds what is no release.
        """
        repository, tag = self._repository, self._tag(plan.version)
        self._require_clean()
        at, undone = repository.tag_at(tag), list[str]()
        if at not in (None, repository.head):
            raise UsageError(
                f"the tag {shown(tag)} is not at HEAD: commits came after it",
                where=shown(str(repository.top), 200),
                why="nothing of it is public, and only a release that is the last commit is undone",
                fix=f"`git tag -d {shown(tag)}` takes the tag away; then release what there is now",
                rule="NOT_AT_HEAD",
            )
        if os.path.lexists(self.source.dist) and (gone := clean(self.source.dist)):
            undone.append(f"{len(gone)} files of dist")
        is_ours = is_release_commit(self.source, plan.version)
        if at:
            repository.run("tag", "--delete", "--", tag)
            undone.append(f"tag {tag}")
        if is_ours:
            undone.append(f"commit {repository.head[:7]}")
            repository.run("reset", "--quiet", "--keep", "HEAD^")
        return RolledBack(plan, tuple(undone))

    def _require_clean(self) -> None:
        if changed := self._repository.changed():
            raise UsageError(
                "the tree is not clean",
                where=", ".join(map(shown, changed[:10])),
                fix="commit it, or `git stash --include-untracked`",
                rule="DIRTY",
            )

    # --- somebody may have it

    def withdraw(self, plan: Plan, tools: Tools) -> RolledBack:
        """Take it from the index, as far as that lets go; then commit and tag the version that follows, which has the
        content of the one before. Nothing is pushed or published: that is the next release's. Of a version that the
        project has gone on from nothing is committed.

        Raises:
            UsageError: the tree, the branch or the next version's tag are in the way, and nothing was done; or what is
                to be restored does not fit to what was committed since. IndexUnavailable: the index does not answer.
        """
        release = self._next(plan)
        if release:
            pass_preflight(release)
        elif plan.followed_by is None:
            self._require_clean()
        done = RolledBack(plan)
        if self.target and plan.is_on_index:
            name = self.source.project.name
            done = replace(done, withdrawal=withdraw(self.target, name, str(plan.version), self.environ))
        if release is None or plan.restored is None:
            return done
        subject = f"Revert release {plan.version}"
        if subject not in self._repository.ask("log", "--format=%s", f"{self._tag(plan.version)}..HEAD").splitlines():
            self._revert(plan, plan.restored, release.version, subject)
        folder = self.source.project.folder
        changelog = Changelog.read(folder / self.source.configuration.changelog)
        ready = replace(release, project=Project.read(folder), changelog=changelog)
        return replace(done, made=bump(ready, tools, self.day))

    def _next(self, plan: Plan) -> Release | None:
        if plan.restored is None or self._repository.tag_at(self._tag(plan.version)) is None:
            return None
        version = _following(plan.version)
        return Release(self.source.project, self._repository, self.source.configuration, version, None, older_line=True)

    def _revert(self, plan: Plan, restored: Version, following: Version, subject: str) -> None:
        """Commit what makes of this version the one before. Its number and the changelog stay, for `bump`."""
        repository, folder = self._repository, self.source.project.folder
        name = self.source.configuration.changelog
        try:
            self._apply(self._tag(plan.version), self._tag(restored), name)
            written = dict(edits(Project.read(folder), plan.version))
            if changelog := Changelog.read(folder / name):
                text = f"{plan.version} is withdrawn; {following} is {restored} again."
                written[name] = changelog.with_entry("Yanked", text).encode("utf-8")
            for path, content in written.items():
                write_whole(folder / path, content, mode=(folder / path).stat().st_mode)
                repository.run("add", "--", path)
            changed = repository.run("diff", "--cached", "--name-only", "--relative", "-z").stdout.split("\0")
            if paths := [one for one in changed if one]:
                repository.commit(subject, paths)
                self.say("revert", f"{repository.head[:7]} {subject}")
        except BaseException:
            # The tree was clean: what is in it now is half of this.
            repository.run("reset", "--quiet", "--hard", "HEAD")
            raise

    def _apply(self, tag: str, before: str, changelog: str) -> None:
        repository = self._repository
        with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as scratch:
            patch = Path(scratch, "patch")
            scope = (".", f":(exclude){changelog}")
            repository.run("diff", "--binary", "--full-index", f"--output={patch}", tag, before, "--", *scope)
            if not patch.stat().st_size:
                return
            try:
                repository.run("apply", "--index", "--3way", "--whitespace=nowarn", patch)
            except CommandFailed as failure:
                raise UsageError(
                    f"what {shown(tag)} brought cannot be taken out of what was committed since",
                    where=shown(str(repository.top), 200),
                    why=shown(" ".join(failure.output.split()), 300),
                    fix="take it out by hand, commit that, and release it: `venvbuild release run patch`",
                    rule="NO_REVERT",
                ) from failure


def notice(plan: Plan, name: str, made: Bumped | None, withdrawal: Withdrawal | None) -> str:
    """What users are told, in sentences."""
    gone = "is withdrawn" if withdrawal is None or withdrawal.is_done else "is bad, and still on the index"
    told = [f"{name} {plan.version} {gone}: do not install it."]
    ways = [f"back to {plan.previous}"] if plan.previous else []
    ways += [f"on to {plan.newer}"] if plan.newer else []
    if ways:
        told.append(f"Whoever has it goes {', or '.join(ways)}.")
    if made:
        told.append(f"{made.new} follows, and is {plan.restored} again.")
    return " ".join(told)


def _following(version: Version) -> Version:
    if version.pre:
        names = {"a": "alpha", "b": "beta", "rc": "rc"}
        return next_pre_of(version, names[version.pre[0]])  # type: ignore[arg-type]
    return next_pre_of(version, "dev") if version.is_devrelease else next_version(version, "patch")


def previous_line(name: str, version: Version, target: Target | None) -> str:
    """What users type to go back. pip keeps what an index answered."""
    index = f" --index-url {target.index_url}" if target else ""
    return f"pip install --no-cache-dir {name}=={version}{index}"
