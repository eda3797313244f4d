"""An edit that was stopped before its commit, told from all else that may lie in a tree."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support import projects
from tests.support.projects import Repo
from tests.support.tool import Tool
from venvbuild.errors import UsageError
from venvbuild.release.bumping import edits
from venvbuild.release.changelog import Changelog
from venvbuild.release.halfway import require_finished, undo_edit


def edited(repo: Repo, version: str = "1.1.0") -> dict[str, bytes]:
    """What `bump` writes, file by file in its order."""
    changelog = Changelog.read(repo.folder / "CHANGELOG.md")
    assert changelog
    made = edits(repo.project, Version(version))
    made[os.path.relpath((repo.folder / "CHANGELOG.md").resolve(), repo.folder)] = changelog.released(
        Version(version), date(2026, 11, 28), f"v{version}"
    ).encode()
    return made


@pytest.mark.parametrize(
    "make", [projects.seed, projects.hatchling, projects.hatch_vcs, projects.setup_cfg, projects.poetry]
)
def test_after_each_file_of_it_the_bytes_of_head_come_back(make: Callable[[Path], None], tmp_path: Path) -> None:
    repo = projects.repo(tmp_path, make)
    (repo.folder / "CHANGELOG.md").chmod(0o600)
    made = edited(repo)
    for count in range(1, len(made) + 1):
        for name, content in list(made.items())[:count]:
            (repo.folder / name).write_bytes(content)
        with pytest.raises(UsageError, match=r"a bump to 1\.1\.0") as refused:
            require_finished(repo.repository, repo.source.configuration)
        assert undo_edit(repo.repository, repo.source.configuration) == Version("1.1.0")
        assert repo.git("status", "--porcelain") == ""
    assert (repo.folder / "CHANGELOG.md").stat().st_mode & 0o777 == 0o600
    assert undo_edit(repo.repository, repo.source.configuration) is None
    require_finished(repo.repository, repo.source.configuration)
    for name, content in made.items():
        (repo.folder / name).write_bytes(content)
    repo.git(*shlex.split(refused.value.problems[0].fix.split("`")[1])[1:])
    assert repo.git("status", "--porcelain") == ""


def test_a_file_that_is_a_link_and_a_heading_that_is_underlined_are_known_too(repo: Repo) -> None:
    underlined = projects.CHANGELOG.replace("## [Unreleased]\n", "[Unreleased]\n------------\n")
    repo.write("CHANGELOG.md", underlined.replace("## [1.0.0] - 2026-01-02\n", "[1.0.0] - 2026-01-02\n------\n"))
    for name, real in (("CHANGELOG.md", "docs/CHANGELOG.md"), ("src/demo_tools/__init__.py", "src/demo_tools/real.py")):
        (repo.folder / real).parent.mkdir(exist_ok=True)
        (repo.folder / name).rename(repo.folder / real)
        (repo.folder / name).symlink_to(os.path.relpath(repo.folder / real, (repo.folder / name).parent))
    repo.commit()
    for name, content in edited(repo).items():
        (repo.folder / name).write_bytes(content)
    assert repo.git("diff", "--name-only").split() == ["docs/CHANGELOG.md", "pyproject.toml", "src/demo_tools/real.py"]
    assert undo_edit(repo.repository, repo.source.configuration) == Version("1.1.0")
    assert (repo.git("status", "--porcelain"), (repo.folder / "CHANGELOG.md").is_symlink()) == ("", True)


def test_a_first_release_of_a_tag_alone_that_was_killed_is_told_and_gone_on_with(tmp_path: Path, user: Tool) -> None:
    """Of hatch-vcs no file but the changelog is edited. `bump` tells how it is taken back, and `run` does it itself."""
    repo = projects.repo(tmp_path / "own", projects.hatch_vcs)
    for place in (repo.folder, repo.remote):
        projects.git(place, "tag", "--delete", "v1.0.0")
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n- All of it.\n")
    repo.commit()
    repo.git("push", "--quiet", "origin", "main")
    user.folder = repo.folder
    before = Changelog.read(repo.folder / "CHANGELOG.md")
    assert before
    for advised in (True, False):
        repo.write("CHANGELOG.md", before.released(Version("0.1.0"), date(2026, 11, 28), "v0.1.0"))
        if advised:
            told = user.run("release", "bump", "0.1.0")
            assert (told.code, "a bump to 0.1.0 has edited the files" in told.stderr) == (2, True), told.stderr
            repo.git(*shlex.split(told.stderr.split("`")[1])[1:])
            assert repo.git("status", "--porcelain") == ""
    done = user.run("release", "run", "--until", "tag", "--date", "2026-11-28")
    assert (done.code, done.stdout) == (0, "0.1.0\n"), done.stderr
    assert "resume      0.1.0: its edit was not committed; the files are as they were before it" in done.stderr
    assert repo.git("rev-parse", "v0.1.0^{commit}") == repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("name", "more"),
    [("pyproject.toml", b"# mine\n"), ("CHANGELOG.md", b"- mine\n"), ("README.md", b"mine\n"), ("new.txt", b"mine\n")],
)
def test_where_anything_else_was_changed_nothing_is_touched(repo: Repo, name: str, more: bytes) -> None:
    for file, content in edited(repo).items():
        (repo.folder / file).write_bytes(content)
    path = repo.folder / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + more)
    before = {one: (repo.folder / one).read_bytes() for one in (*edited(repo), name)}
    require_finished(repo.repository, repo.source.configuration)
    assert undo_edit(repo.repository, repo.source.configuration) is None
    assert {one: (repo.folder / one).read_bytes() for one in before} == before
