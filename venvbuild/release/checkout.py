"""What a commit holds, and nothing else, in a folder of its own: what lies about in the user's tree is no release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from venvbuild.errors import UsageError
from venvbuild.process import CommandFailed
from venvbuild.release.git import REMOTE, Repository
from venvbuild.text import shown

_OF_SETUP_CFG = '[build-system]\nrequires = ["setuptools>=40.8.0"]\nbuild-backend = "setuptools.build_meta"\n'
# The same commit is to give the same bytes to everybody: line ends and attributes are the commit's, not the user's.
_PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", "-c", "core.autocrlf=false",
          "-c", "core.eol=lf", "-c", "core.attributesFile=/dev/null", "-c", "init.defaultRefFormat=files")  # fmt: skip


def checked_out(repository: Repository, commit: str, folder: Path) -> Path:
    """Make `folder`, a repository at `commit` with the tags and the remote of the one it is of; where the project lies.

    It shares the objects, so that it takes no time; it goes with the folder, and leaves no trace in the repository.
    Submodules are those that are checked out beside it: nothing is fetched.

    Raises:
        UsageError: git says no, or a submodule is not there.
    """
    top = Path(repository.top)
    try:
        _check_out(repository, top, repository.commit_of(commit) or commit, folder, folder / ".git")
    except CommandFailed as failure:
        raise UsageError(
            f"git does not check {shown(commit[:12])} out",
            where=shown(str(repository.top), 200),
            why=shown(" ".join(failure.output.split()), 300),
            fix="`git fsck` tells what is wrong with the repository",
            rule="CHECKOUT",
        ) from failure
    project = folder / os.path.relpath(repository.folder.resolve(), top.resolve())
    # What has setup.cfg alone nothing builds, and nothing installs from its sdist.
    if not any((project / name).exists() for name in ("pyproject.toml", "setup.py")):
        (project / "pyproject.toml").write_text(_OF_SETUP_CFG, "utf-8")
    return project


def _check_out(repository: Repository, source: Path, commit: str, folder: Path, data: Path) -> None:
    """`folder` as `source` is at `commit`; `data`: where its repository is.

    Not by `git clone`: that asks a second program, for which a safe.directory of the folder is not enough.
    """
    own = Path(source, repository.ask("-C", source, "rev-parse", "--git-common-dir"))
    kind = repository.ask("-C", source, "rev-parse", "--show-object-format")
    tags = repository.ask("-C", source, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags").splitlines()
    apart = [] if data == folder / ".git" else [f"--separate-git-dir={data}"]
    repository.run(*_PLAIN, "init", "--quiet", "--template=", f"--object-format={kind}", *apart, "--", folder)
    if apart:  # as `git submodule` writes it: an absolute path would be another one in each build
        (folder / ".git").write_text(f"gitdir: {os.path.relpath(data, folder)}\n", "utf-8")
    (data / "objects" / "info").mkdir(exist_ok=True)
    (data / "objects" / "info" / "alternates").write_bytes(os.fsencode(own.resolve() / "objects") + b"\n")
    if (own / "shallow").is_file():
        (data / "shallow").write_bytes((own / "shallow").read_bytes())
    (data / "packed-refs").write_text("".join(f"{line}\n" for line in tags), "utf-8")
    if url := _url(repository, source):
        repository.run("-C", folder, "config", f"remote.{REMOTE}.url", url)
    repository.run(*_PLAIN, "-C", folder, "checkout", "--quiet", "--detach", commit, "--")
    for path, wanted in _submodules(repository, folder):
        _require_submodule(repository, source, path, wanted)
        repository.run("-C", folder, "config", "submodule.active", ".")
        inner = data / "modules" / path
        inner.parent.mkdir(parents=True, exist_ok=True)
        _check_out(repository, source / path, wanted, folder / path, inner)


def _url(repository: Repository, source: Path) -> str:
    try:
        return repository.ask("-C", source, "config", "--get", f"remote.{REMOTE}.url")
    except CommandFailed:
        return ""


def _submodules(repository: Repository, folder: Path) -> Iterator[tuple[str, str]]:
    """(path, commit) of each."""
    for line in repository.run("-C", folder, "ls-files", "--stage", "-z").stdout.split("\0"):
        if line.startswith("160000 "):
            yield line.partition("\t")[2], line.split()[1]


def _require_submodule(repository: Repository, source: Path, path: str, commit: str) -> None:
    try:
        # Of what is not checked out the folder is empty, and the repository around it would answer.
        if not (source / path / ".git").exists():
            raise UsageError("it is not checked out")
        repository.run("-C", source / path, "cat-file", "-e", f"{commit}^{{commit}}")
    except (CommandFailed, UsageError) as error:
        raise UsageError(
            f"the submodule {shown(path, 200)} is not there as the commit has it",
            where=shown(str(source), 200),
            why=f"it is not checked out, or does not have {commit[:12]}; nothing is fetched for a release",
            fix="`git submodule update --init --recursive` brings it",
            rule="CHECKOUT",
        ) from error
