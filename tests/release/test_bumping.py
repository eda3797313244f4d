"""A version edited, read back by the backend, committed and tagged; or nothing of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support import projects
from tests.support.projects import Repo
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.release import Project, Tools, build, bump, wanted_version

DAY = date(2026, 11, 28)


def test_bump_major_version(repo: Repo, tools: Tools) -> None:
    """1.0.0 becomes 2.0.0 in both files that say it, in the changelog, in the tag, and in the wheel."""
    made = bump(repo.wanted("major"), tools, DAY)
    assert (str(made.old), str(made.new), made.tag) == ("1.0.0", "2.0.0", "v2.0.0")
    assert made.places == ("pyproject.toml:3", "src/demo_tools/__init__.py:3")
    assert repo.git("show", "--format=%s", "--name-only", "HEAD").split() == [
        "Release", "2.0.0", "CHANGELOG.md", "pyproject.toml", "src/demo_tools/__init__.py",
    ]  # fmt: skip
    assert "## [Unreleased]\n\n## [2.0.0] - 2026-11-28\n\n### Added" in (repo.folder / "CHANGELOG.md").read_text()
    assert repo.git("rev-parse", "v2.0.0^{commit}") == made.commit == repo.git("rev-parse", "HEAD")
    assert repo.git("status", "--porcelain") == ""
    assert [one.filename for one in build(repo.source, tools, 300).files] == [
        "demo_tools-2.0.0-py3-none-any.whl", "demo_tools-2.0.0.tar.gz",
    ]  # fmt: skip


def test_bump_minor_version(tmp_path: Path, tools: Tools) -> None:
    """1.0.0 becomes 1.1.0, where setuptools reads it: an attribute."""
    _bumped(tmp_path, projects.setuptools_attr, "minor", "1.1.0", tools)


def test_bump_patch_version(tmp_path: Path, tools: Tools) -> None:
    """1.0.0 becomes 1.0.1, where setup.cfg has it; a pre-release has a next patch too."""
    _bumped(tmp_path, projects.setup_cfg, "patch", "1.0.1", tools)
    assert str(wanted_version("patch", Version("1.2.3rc1"))) == "1.2.4"


@pytest.mark.parametrize("make", [projects.flit, projects.poetry, projects.hatchling])
def test_other_backends_read_what_was_written(tmp_path: Path, make: Callable[[Path], None], tools: Tools) -> None:
    _bumped(tmp_path, make, "1.1.0-rc.1", "1.1.0rc1", tools)


def _bumped(tmp_path: Path, make: Callable[[Path], None], part: str, version: str, tools: Tools) -> None:
    repo = projects.repo(tmp_path, make)
    made = bump(repo.wanted(part), tools, DAY, tags=False)
    assert (str(made.new), made.tag) == (version, "")
    assert str(Project.read(repo.folder).version) == version
    assert repo.git("tag") == "v1.0.0"
    # what a backend leaves where it builds is not left in the project
    assert repo.git("status", "--porcelain", "--ignored") == ""


def test_a_backend_that_reads_it_elsewhere_is_found_out_before_anything_is_edited(
    repo: Repo, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a setting that is not known here, the backend takes what it wants."""
    text = (repo.folder / "pyproject.toml").read_text()
    text = text.replace('version = "1.0.0"  # Managed by scripts/version.py', 'dynamic = ["version"]')
    source = '[tool.hatch.version]\nsource = "env"\nvariable = "LANG"\n'
    repo.write("pyproject.toml", text.replace("[tool.hatch.version]\n", source))
    repo.commit()
    before = repo.git("rev-parse", "HEAD")
    monkeypatch.setenv("LANG", "7.7.7")
    with pytest.raises(RequirementsRefused, match=r"reads 7\.7\.7, and not 1\.1\.0"):
        bump(repo.wanted("minor"), tools, DAY)
    assert (repo.git("status", "--porcelain"), repo.git("rev-parse", "HEAD")) == ("", before)


def test_a_hook_that_refuses_the_commit_leaves_the_files_as_they_were(repo: Repo, tools: Tools) -> None:
    hook = repo.folder / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho the linter says no >&2\nexit 1\n")
    hook.chmod(0o755)
    (repo.folder / "pyproject.toml").chmod(0o640)
    with pytest.raises(UsageError, match="the linter says no"):
        bump(repo.wanted("minor"), tools, DAY)
    assert repo.git("status", "--porcelain") == ""
    assert (repo.folder / "pyproject.toml").stat().st_mode & 0o777 == 0o640
    assert repo.git("tag") == "v1.0.0"


def test_a_first_release_has_the_version_that_is_there(repo: Repo, tools: Tools) -> None:
    repo.git("tag", "--delete", "v1.0.0")
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- All of it.\n")
    repo.commit()
    made = bump(repo.wanted("1.0.0"), tools, DAY)
    assert (made.places, made.tag) == ((), "v1.0.0")
    assert repo.git("show", "--format=", "--name-only", "HEAD") == "CHANGELOG.md"


def test_nothing_of_it_is_left_in_the_temporary_folder_or_the_repository(
    repo: Repo, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    bump(repo.wanted("patch"), tools, DAY)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert len(repo.git("worktree", "list").splitlines()) == 1


def test_a_file_that_is_a_link_is_released_with_its_edit(repo: Repo, tools: Tools) -> None:
    for name, real in (("CHANGELOG.md", "docs/CHANGELOG.md"), ("src/demo_tools/__init__.py", "src/demo_tools/real.py")):
        (repo.folder / real).parent.mkdir(exist_ok=True)
        (repo.folder / name).rename(repo.folder / real)
        (repo.folder / name).symlink_to(os.path.relpath(repo.folder / real, (repo.folder / name).parent))
    repo.commit()
    bump(repo.wanted("minor"), tools, DAY)
    assert repo.git("show", "--format=", "--name-only", "HEAD").split() == [
        "docs/CHANGELOG.md", "pyproject.toml", "src/demo_tools/real.py",
    ]  # fmt: skip
    assert repo.git("status", "--porcelain") == ""
    assert (repo.folder / "CHANGELOG.md").is_symlink()


def test_what_a_hook_leaves_beside_the_commit_is_not_tagged(repo: Repo, tools: Tools) -> None:
    hook = repo.folder / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho '# formatted' >> README.md\n")
    hook.chmod(0o755)
    with pytest.raises(UsageError, match=r"does not hold all that changed.*") as refused:
        bump(repo.wanted("minor"), tools, DAY)
    assert refused.value.problems[0].where == "README.md"
    assert repo.git("tag") == "v1.0.0"
