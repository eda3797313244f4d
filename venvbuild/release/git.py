"""The repository of a project, asked through git: as its user has configured it, and never interactively."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.process import CommandFailed, Completed, clean_environment, run
from venvbuild.text import shown

REMOTE = "origin"

_LOCAL_S = 120
"""Hooks of the user run in it: pre-commit may install its own first."""
_REMOTE_S = 120
# Who commits, how the remote is reached and how tags are signed is the user's; which repository it is, the folder's.
_PASSED_ON = ("SSH_AUTH_SOCK", "SSH_ASKPASS", "GNUPGHOME", "GPG_AGENT_INFO", "GPG_TTY", "XDG_CONFIG_HOME", "EMAIL")
_NOT_PASSED_ON = re.compile(
    "GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX|TRACE.*|PAGER|EDITOR"
    "|SEQUENCE_EDITOR|TERMINAL_PROMPT|QUARANTINE_PATH|LITERAL_PATHSPECS|GLOB_PATHSPECS|EXTERNAL_DIFF)"
)
# What git and ssh say when they did not get through to the other side (git 2.39, OpenSSH 9).
_AWAY = re.compile(
    "(?i)could not resolve|(?:could not|couldn.t|failed to) connect"
    "|connection (?:refused|timed out|reset)|timed out|network is unreachable|early eof"
    "|the remote end hung up|HTTP 5[0-9][0-9]|returned error: 5|no route to host|unable to access.*(?:SSL|TLS)"
)
# A line of `git push --porcelain`: flag, from:to, what became of it.
_OF_PUSH = re.compile(r"(?P<how>[ +*=!-])\t[^\t]*:(?:refs/(?:heads|tags)/)?(?P<ref>[^\t]*)\t(?P<why>.*)")
_NOISE = re.compile(r"(?:To \S+|Done|hint:.*|error: failed to push some refs\b.*)?")
# Lines that begin with # are the message's own; by itself `git tag` drops them, and `git commit` where it is set up so.
_AS_WRITTEN = "--cleanup=whitespace"
_LATER = "run it again when it answers"


@dataclass(frozen=True)
class Repository:
    """The repository that a project is in."""

    folder: Path
    """Of the project."""
    top: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str] = os.environ) -> Repository:
        """The one that `folder` is in.

        Raises:
            UsageError: it is in none, has no commit, or there is no git.
        """
        probe = cls(folder, folder, dict(environ))
        try:
            top = probe.ask("rev-parse", "--show-toplevel")
        except CommandFailed as failure:
            if "safe.directory" in failure.output:  # in every language of git
                raise UsageError(
                    "git does not open the repository: it is another user's",
                    where=shown(str(folder), 200),
                    why="whoever owns it decides what its git commands run",
                    fix="if you trust it: " + _trusted(failure, folder),
                    rule="NO_GIT",
                ) from failure
            raise UsageError(
                "the project is in no git repository",
                where=shown(str(folder), 200),
                why=_last_line(failure),
                fix="run `git init`, and commit the project; or name another: --project DIR",
                rule="NO_GIT",
            ) from failure
        found = cls(folder, Path(top), dict(environ))
        if found.commit_of("HEAD") is None:
            raise UsageError("the repository has no commit", where=top, fix="commit the project first", rule="NO_GIT")
        return found

    def run(self, *arguments: str | Path, timeout_s: float = _LOCAL_S) -> Completed:
        """git with these arguments, in the project's folder.

        Raises:
            CommandFailed: it said no. UsageError: there is no git.
        """
        try:
            return run(["git", *arguments], env=self._environment(), cwd=self.folder, timeout_s=timeout_s)
        except FileNotFoundError as error:
            raise UsageError("there is no git here", where="PATH", fix="install git", rule="NO_GIT") from error

    def ask(self, *arguments: str | Path) -> str:
        """What it prints, without the end of the line; raises as `run` does."""
        return self.run(*arguments).stdout.rstrip("\n")

    def _environment(self) -> dict[str, str]:
        own = {
            name: value
            for name, value in self.environ.items()
            if name in _PASSED_ON or (name.startswith("GIT_") and not _NOT_PASSED_ON.fullmatch(name))
        }
        # An editor that says yes: whatever opens one goes on with what it was given.
        return clean_environment(None, **own, GIT_TERMINAL_PROMPT="0", GIT_EDITOR="true", GIT_PAGER="cat")

    def commit_of(self, name: str) -> str | None:
        """The commit that `name` means; None where there is none."""
        try:
            return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except CommandFailed:
            return None

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.ask("rev-parse", "--verify", "HEAD")

    @property
    def branch(self) -> str | None:
        """The branch that is checked out; None: HEAD is detached."""
        try:
            return self.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        except CommandFailed:
            return None

    def time_of(self, commit: str) -> int:
        """When it was made, in seconds since 1970."""
        # Not by `git log`, which has whatever else log.* and color.* of the user say.
        return int(self.ask("rev-list", "--timestamp", "--max-count=1", "--end-of-options", commit).split()[0])

    def changed(self) -> tuple[str, ...]:
        """The paths that are not as HEAD has them, and those that it does not have; not those of the project's dist."""
        said = self.run("status", "--porcelain=v1", "-z", "--untracked-files=normal").stdout
        fields = iter(said.split("\0"))
        paths = []
        for one in fields:
            if one:
                paths.append(one[3:])
                if one[0] in "RC":
                    next(fields, None)  # the old name
        dist = os.path.relpath(self.folder / "dist", self.top)
        return tuple(path for path in paths if path.rstrip("/") != dist and not path.startswith(f"{dist}/"))

    def tag_at(self, tag: str) -> str | None:
        """The commit that the tag is on, here; None where there is no such tag."""
        return self.commit_of(f"refs/tags/{tag}")

    def is_annotated(self, tag: str) -> bool:
        """Whether a tag that is there is an object of its own, which says who made it."""
        return self.ask("cat-file", "-t", f"refs/tags/{tag}") == "tag"

    def tags(self, *of: str) -> tuple[str, ...]:
        """All that are here; `of`: those alone, as `git for-each-ref` takes it."""
        # Not by `git tag`, which column.* and tag.sort of the user shape.
        return tuple(self.ask("for-each-ref", "--format=%(refname:strip=2)", *of, "refs/tags").splitlines())

    def has_remote(self) -> bool:
        """Whether there is a place to push to."""
        return REMOTE in self.ask("remote").split()

    def on_remote(self, branch: str | None, tag: str) -> dict[str, str]:
        """Of a branch and a tag, what the remote has: full name -> commit, or object of the tag.

        Raises:
            UsageError: the remote says no. IndexUnavailable: it cannot be reached.
        """
        names = [f"refs/tags/{tag}"] + ([f"refs/heads/{branch}"] if branch else [])
        try:
            said = self.run("ls-remote", REMOTE, *names, timeout_s=_REMOTE_S).stdout
        except CommandFailed as failure:
            fix = f"do what it asks for; `git ls-remote {REMOTE}` shows whether it answers now"
            raise refused("the remote cannot be asked", failure, fix, _LATER) from failure
        pairs = (line.split("\t", 1) for line in said.splitlines() if "\t" in line)
        return {name: sha for sha, name in pairs if name in names}

    def holds(self, commit: str) -> bool:
        """Whether HEAD is `commit`, or comes after it."""
        try:
            self.run("merge-base", "--is-ancestor", commit, "HEAD")
        except CommandFailed:
            return False
        return True

    def commit(self, message: str, paths: Sequence[str]) -> str:
        """Commit these files, and only these; the new commit.

        Raises:
            UsageError: a hook refuses it, or git does not know who commits.
        """
        try:
            self.run("commit", "--quiet", _AS_WRITTEN, "--message", message, "--", *paths)
        except CommandFailed as failure:
            raise UsageError(
                "git does not commit the new version",
                where=shown(str(self.top), 200),
                why=_words(failure),
                fix="do what it asks for, then run it again; the files are as they were",
                rule="NO_COMMIT",
            ) from failure
        return self.head

    def tag(self, tag: str, message: str, *, signed: bool = False, at: str = "HEAD") -> None:
        """Make an annotated tag, here only.

        Raises:
            UsageError: there is one, or it cannot be signed.
        """
        kind = "--sign" if signed else "--annotate"
        # The user's tag.gpgSign would sign, and ask, whether or not it was wanted.
        plain = [] if signed else ["--no-sign"]
        try:
            said = self.run("tag", kind, *plain, _AS_WRITTEN, "--message", message, "--", tag, at)
        except CommandFailed as failure:
            how = "set user.signingKey, or leave out --sign-tag" if signed else "`git tag` lists what there is"
            raise UsageError(
                f"git does not make the tag {shown(tag)}", why=_words(failure), fix=how, rule="NO_TAG"
            ) from failure
        # git 2.39 ends with 0 where ssh-keygen cannot read the key, and the tag has no signature.
        if signed and "-----BEGIN " not in self.ask("cat-file", "-p", f"refs/tags/{tag}"):
            self.run("tag", "--delete", "--", tag)
            raise UsageError(
                f"git did not sign the tag {shown(tag)}, which is removed again",
                why=shown(" ".join(said.stderr.split()), 300),
                fix="set user.signingKey and gpg.format so that `git tag -s` signs, or leave out --sign-tag",
                rule="NO_TAG",
            )

    def push(self, branch: str, tag: str | None, *, dry: bool = False) -> None:
        """Push branch and tag together or not at all; without the tag the branch alone; `dry`: only ask.

        Raises:
            UsageError: the remote or a hook refuses. IndexUnavailable: it cannot be reached.
        """
        tags = [f"refs/tags/{tag}:refs/tags/{tag}"] if tag else []
        refs = [f"refs/heads/{branch}:refs/heads/{branch}", *tags]
        more = ["--dry-run"] if dry else []
        try:
            # The user's push.followTags would make tags public that nobody named.
            self.run("push", "--atomic", "--no-follow-tags", "--porcelain", *more, REMOTE, *refs, timeout_s=_REMOTE_S)
        except CommandFailed as failure:
            again = shlex.join(["git", "push", "--atomic", *more, REMOTE, branch, *([tag] if tag else [])])
            if dry:
                fix = f"do what it asks for; `{again}` shows whether it is let in now"
                raise refused("the remote would refuse the push", failure, fix, _LATER) from failure
            kept = f"{shown(branch)} and the tag {shown(tag)} stay here" if tag else f"{shown(branch)} stays here"
            fix = f"do what it asks for, then `{again}`: {kept}, and nothing is on the remote"
            raise refused("the push is refused", failure, fix, f"`{again}` when it answers: {kept}") from failure


def refused(what: str, failure: CommandFailed, fix: str, later: str) -> UsageError | IndexUnavailable:
    """A remote that says no (2, `fix`), or that is away (6, `later`)."""
    words = _words(failure)
    if failure.exit_code is None or _AWAY.search(failure.output):
        return IndexUnavailable(what, where=REMOTE, why=words, fix=later, rule="REMOTE")
    return UsageError(what, where=REMOTE, why=words, fix=fix, rule="REMOTE")


def _words(failure: CommandFailed) -> str:
    """What a person needs of what git said, on a line: what the other side said first, then the rest."""
    if failure.exit_code is None:
        return "it did not end in time"
    there: list[str] = []
    here: list[str] = []
    for line in failure.output.splitlines():
        if found := _OF_PUSH.fullmatch(line):
            here += [f"{found['ref']}: {found['why']}"] if found["how"] == "!" else []
        elif line.startswith("remote:"):
            there.append(line.removeprefix("remote:").strip())
        elif not _NOISE.fullmatch(line.strip()):
            here.append(" ".join(line.split()))
    told = [*filter(None, there)][-8:] + here[-8:]
    return shown("; ".join(told) or first(failure.output.splitlines()), 600)


def _trusted(failure: CommandFailed, folder: Path) -> str:
    """The command that git itself tells."""
    found = re.search(r"git config --global --add safe\.directory .+", failure.output)
    own = shlex.join(["git", "config", "--global", "--add", "safe.directory", str(folder)])
    return f"`{shown(found[0] if found else own, 300)}`"


def first(lines: Sequence[str]) -> str:
    """The first line that says something."""
    return next((line for line in lines if line), "it says nothing")


def _last_line(failure: CommandFailed) -> str:
    lines = [line for line in failure.output.splitlines() if line.strip()]
    return shown(lines[-1] if lines else "git says nothing", 200)
