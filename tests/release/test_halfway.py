"""An edit that was stopped before its commit, told from all else that may lie in a tree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support import projects
from tests.support.projects import Repo
from venvbuild.release.bumping import edits
from venvbuild.release.changelog import Changelog
from venvbuild.release.halfway import undo_edit


def edited(repo: Repo, version: str = "1.1.0") -> dict[str, bytes]:
    """What `bump` writes, file by file in its order."""
    changelog = Changelog.read(repo.folder / "CHANGELOG.md")
    assert changelog
    made = edits(repo.project, Version(version))
    made["CHANGELOG.md"] = changelog.released(Version(version), date(2026, 11, 28), f"v{version}").encode()
    return made


@pytest.mark.parametrize("make", [projects.seed, projects.hatchling, projects.setup_cfg, projects.poetry])
def test_after_each_file_of_it_the_bytes_of_head_come_back(make: Callable[[Path], None], tmp_path: Path) -> None:
    repo = projects.repo(tmp_path, make)
    (repo.folder / "CHANGELOG.md").chmod(0o600)
    made = edited(repo)
    for count in range(1, len(made) + 1):
        for name, content in list(made.items())[:count]:
            (repo.folder / name).write_bytes(content)
        assert undo_edit(repo.repository, repo.source.configuration) == Version("1.1.0")
        assert repo.git("status", "--porcelain") == ""
    assert (repo.folder / "CHANGELOG.md").stat().st_mode & 0o777 == 0o600
    assert undo_edit(repo.repository, repo.source.configuration) is None


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
    assert undo_edit(repo.repository, repo.source.configuration) is None
    assert {one: (repo.folder / one).read_bytes() for one in before} == before
