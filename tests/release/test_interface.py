"""What a version takes away from those who import the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.projects import Repo
from venvbuild.release import Tools, breaks, is_announced


def test_what_was_removed_is_told_with_its_line_and_nothing_of_the_package_is_run(
    repo: Repo, tools: Tools, tmp_path: Path
) -> None:
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write(
        "src/demo_tools/__init__.py", init.replace("(name: str)", "(name: str, mood: str)") + "\nraise SystemExit\n"
    )
    repo.commit()
    (tmp_path / "scratch").mkdir()
    [found] = breaks(repo.project, repo.repository, tools, "v1.0.0", tmp_path / "scratch")
    assert "src/demo_tools/__init__.py:" in found
    assert "mood" in found
    assert repo.git("branch", "--list").split() == ["*", "main"]
    (tmp_path / "again").mkdir()
    assert breaks(repo.project, repo.repository, tools, "HEAD", tmp_path / "again") == ()


@pytest.mark.parametrize(
    ("old", "new", "announced"),
    [("1.0.0", "2.0.0", True), ("1.0.0", "1.1.0", False), ("0.1.0", "0.2.0", True), ("0.1.0", "0.1.1", False)],
)
def test_a_major_or_below_one_a_minor_announces_it(old: str, new: str, announced: bool) -> None:
    assert is_announced(Version(old), Version(new)) is announced
