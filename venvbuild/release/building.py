"""The files of a release, built once from what is committed: isolated, with pinned requirements, all or none."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.errors import IntegrityError, Problem, RequirementsRefused, ResolutionError, UsageError, VenvBuildError
from venvbuild.files import remove
from venvbuild.process import CommandFailed, run
from venvbuild.release import manifest
from venvbuild.release.checkout import checked_out
from venvbuild.release.configuration import Configuration
from venvbuild.release.failures import last_words, of_backend
from venvbuild.release.git import Repository
from venvbuild.release.manifest import BuiltFile, Kind, Manifest
from venvbuild.release.project import PYPROJECT, Project
from venvbuild.release.tools import Tools
from venvbuild.text import count_text, shown

_MAKING = ".venvbuild-"
"""How the folder begins in which a release is made."""
_VALIDATE_S = 120
# uv's line about a package that came into an environment, as build -v passes it on.
_INSTALLED = re.compile(r"^[<\s]*\+ (?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)$")


@dataclass(frozen=True)
class Source:
    """What is built, and where from."""

    project: Project
    repository: Repository
    configuration: Configuration

    @property
    def dist(self) -> Path:
        """Where the files go."""
        return self.project.folder / "dist"


def validate(project: Project, tools: Tools, scratch: Path) -> None:
    """Make sure that the project has what a release needs, before anything is built.

    Raises:
        RequirementsRefused: files are missing, each by name, or pyproject.toml is not as the standards have it.
    """
    problems = list(project.lacks())
    if project.table:
        problems += _invalid(project, tools, scratch)
    if problems:
        raise RequirementsRefused.of(problems)


def _invalid(project: Project, tools: Tools, scratch: Path) -> Iterator[Problem]:
    # Without a network: it would fetch the list of classifiers, which it has.
    env = tools.environment(scratch, VALIDATE_PYPROJECT_NO_NETWORK="1")
    try:
        run(
            tools.command("validate_pyproject", project.folder / PYPROJECT), env=env, timeout_s=_VALIDATE_S, cwd=scratch
        )
    except CommandFailed as failure:
        said = re.search(r"\[ERROR\]\s*(.*?)(?:\n\s*\n|\nDESCRIPTION|\nTraceback|$)", failure.output, re.DOTALL)
        why = shown(" ".join((said[1] if said else last_words(failure, 3)).split()), 400)
        yield Problem(
            "the metadata is not valid",
            PYPROJECT,
            why,
            "correct it: packaging.python.org/specifications/pyproject-toml",
            "METADATA",
        )


def clean(dist: Path, *, keep: Path | None = None) -> tuple[str, ...]:
    """Remove from `dist` what an earlier release left there, and nothing else but `keep`; the names.

    Raises:
        UsageError: it is no folder, a link, or holds what no manifest names; nothing is removed then.
    """
    files, making = _ours(dist, but=keep)
    # The manifest last: whoever is stopped in between has left what names the others.
    gone = sorted(
        (name for name in files if os.path.lexists(dist / name)), key=lambda name: (name == manifest.FILE, name)
    )
    for name in gone:
        remove(dist / name)
    for folder in making:
        remove(folder)
    return tuple(gone)


def _ours(dist: Path, but: Path | None = None) -> tuple[set[str], list[Path]]:
    """The names in `dist` that are of a release, and the folders in which one was made; raises as `clean` does."""
    where = shown(str(dist), 200)
    if dist.is_symlink():
        fix = "remove the link, or the release would go where it leads"
        raise UsageError("dist is a link", where=where, fix=fix, rule="DIST")
    if not os.path.lexists(dist):
        return set(), []
    if not dist.is_dir():
        raise UsageError("dist is no folder", where=where, fix="move it away", rule="DIST")
    making = [
        path for path in dist.iterdir() if path.name.startswith(_MAKING) and path.is_dir() and not path.is_symlink()
    ]
    ours = {manifest.FILE}.union(*(_named(folder) for folder in (dist, *making)))
    # Some tools put it there, so that git passes dist over.
    foreign = sorted(
        path.name
        for path in dist.iterdir()
        if path.name not in ours and path not in making and path.name != ".gitignore"
    )
    if foreign:
        names = ", ".join(map(shown, foreign[:10])) + (", ..." if len(foreign) > 10 else "")
        raise UsageError(
            f"dist holds {count_text(len(foreign), 'entry').replace('entrys', 'entries')} of no release of ours",
            where=f"{where}: {names}",
            why="whatever lies there might be published",
            fix=f"look at it, then remove it: rm -r {where}",
            rule="DIST",
        )
    return ours, [path for path in making if path != but]


def _named(folder: Path) -> set[str]:
    try:
        return {one.filename for one in Manifest.read(folder).files}
    except VenvBuildError:
        return set()


def build(source: Source, tools: Tools, timeout_s: float) -> Manifest:
    """Build wheel and sdist of HEAD into `dist`, with a manifest.

    Raises:
        UsageError: the tree is not clean, or `dist` is not ours. RequirementsRefused: files are missing, or the
            metadata is not valid. ResolutionError: the backend fails. IndexUnavailable: what it is built with cannot be
            had.
        IntegrityError: the tag of this version is on another commit.
    """
    commit, dist = source.repository.head, source.dist
    _require_clean(source)
    tag = "" if source.project.scm else _tag_at(source, str(source.project.version), commit)
    _, left = _ours(dist)
    if any(map(_named, left)):  # of one that was killed between its renames: what it replaced is gone already
        clean(dist)
    else:
        for folder in left:
            remove(folder)
    name = "scm" if source.project.scm else str(source.project.version)
    making = dist / f"{_MAKING}{name}"
    try:
        for folder in (making / "home", making / "out"):
            folder.mkdir(parents=True)
        validate(source.project, tools, making / "home")
        copy = checked_out(source.repository, commit, making / "source")
        requirements = _build(copy, source, tools, making, timeout_s)
        files = _files(making)
        version = _version_of(files, source.project)
        if source.project.scm:
            tag = _tag_at(source, version, commit)
        made = Manifest(source.project.name, version, commit, tag, requirements, files)
        # Here too: whoever is stopped between two of the renames has left what it was.
        made.write(making)
        clean(dist, keep=making)  # not before: until now the last release was the only one that is good
        for one in files:
            (making / "out" / one.filename).rename(dist / one.filename)
        made.write(dist)
    finally:
        if making.is_dir():
            shutil.rmtree(making)
    return made


def _require_clean(source: Source) -> None:
    if changed := source.repository.changed():
        raise UsageError(
            f"the tree is not clean: {count_text(len(changed), 'path')}",
            where=", ".join(map(shown, changed[:10])),
            why="what is built is what is committed",
            fix="commit it, `git stash --include-untracked`, or name it in .gitignore",
            rule="DIRTY",
        )


def _tag_at(source: Source, version: str, commit: str) -> str:
    """The tag of this version; empty where it is not made yet."""
    tag = source.configuration.tag_of(version)
    at = source.repository.tag_at(tag)
    if at is None:
        return ""
    if at != commit:
        raise IntegrityError(
            f"the tag {shown(tag)} is not what is checked out",
            where=shown(str(source.repository.top), 200),
            why=f"the tag is at {at[:12]}, HEAD is at {commit[:12]}",
            fix=f"`git switch --detach {shown(tag)}` checks the release out; or release another version",
            rule="TAG",
        )
    return tag


def _build(copy: Path, source: Source, tools: Tools, making: Path, timeout_s: float) -> tuple[str, ...]:
    """Wheel and sdist in `making/out`, told in `making/report.json`; what they were built with."""
    env = tools.environment(
        making / "home",
        SOURCE_DATE_EPOCH=str(source.repository.time_of(source.repository.head)),
        TMPDIR=str(making / "home"),
    )
    wanted, pins = making / "build-requires.in", making / "build-requires.txt"
    wanted.write_text("".join(f"{line}\n" for line in source.project.build_requires), "utf-8")
    compiling: list[str | Path] = [tools.uv, "pip", "compile", wanted, "--output-file", pins, "--python", tools.python]
    try:
        run([*compiling, "--no-header", "--no-annotate"], env=env, cwd=making, timeout_s=timeout_s)
    except CommandFailed as failure:
        where = f"{source.project.file}: [build-system] requires"
        raise of_backend("what it is built with cannot be had", failure, where=where) from failure
    arguments: list[str | Path] = ["--installer", "uv", "--verbose", "--report", making / "report.json"]
    arguments += ["--outdir", making / "out", "--dependency-constraints-txt", pins, copy]
    try:
        done = run(tools.command("build", *arguments), env=env, cwd=making, timeout_s=timeout_s)
    except CommandFailed as failure:
        raise of_backend("the build backend fails", failure, where=shown(source.project.backend)) from failure
    lines = f"{done.stdout}\n{done.stderr}".splitlines()
    found = {(match["name"], match["version"]) for line in lines if (match := _INSTALLED.match(line))}
    return tuple(sorted(f"{name}=={version}" for name, version in found))


def _files(making: Path) -> tuple[BuiltFile, ...]:
    """What the report names, by their bytes."""
    report = json.loads((making / "report.json").read_bytes())
    files = []
    for one in report["artifacts"]:
        kind: Kind = "wheel" if one["kind"] == "wheel" else "sdist"
        found = manifest.described(making / "out" / one["name"], kind)
        if found.sha256 != one["hashes"]["sha256"]:
            raise IntegrityError(
                "a file changed while it was built",
                where=shown(found.filename),
                why=f"build told sha256 {one['hashes']['sha256']}, the file has {found.sha256}",
                fix="build it again, while nobody else writes to dist",
            )
        files.append(found)
    kinds = sorted(one.kind for one in files)
    if kinds != ["sdist", "wheel"]:
        raise ResolutionError(
            f"the backend made {', '.join(kinds) or 'nothing'}, and not a wheel and an sdist",
            fix="correct its settings",
        )
    return tuple(sorted(files, key=lambda one: one.kind != "wheel"))


def _version_of(files: tuple[BuiltFile, ...], project: Project) -> str:
    """The version in the names of the files, which is the project's."""
    _, version = manifest.identity(files[0])
    name, other = manifest.identity(files[1])
    if version != other or (project.place and version != project.version):
        said = f", the project {project.version}" if project.place else ""
        raise RequirementsRefused(
            "what was built is not of the project's version",
            where=", ".join(one.filename for one in files),
            why=f"the wheel has {version}, the sdist {other}{said}",
            fix="tell the backend to read the version where the project says it",
            rule="READ_BACK",
        )
    if name != canonicalize_name(project.name):
        raise RequirementsRefused(
            f"what was built is {name}, and the project is {shown(project.name)}", where=files[1].filename,
            fix="write the same name in both", rule="METADATA",
        )  # fmt: skip
    return str(Version(str(version)))
