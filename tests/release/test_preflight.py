"""What must hold before a release: all of it is told at once, and each advice helps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support import projects
from tests.support.projects import Repo
from venvbuild.errors import IndexUnavailable, Problem, RequirementsRefused, UsageError, VenvBuildError
from venvbuild.release import Release, pass_preflight


class Index:
    """An index as preflight asks it."""

    shown = "devpi https://pypi.example.com/team/prod/"

    def __init__(self, *versions: str, lacks: Problem | None = None, away: bool = False) -> None:
        self.versions, self.lacks, self.away = frozenset(map(Version, versions)), lacks, away

    def versions_on_index(self, name: str) -> frozenset[Version]:
        assert name == "demo-tools"
        if self.away:
            raise IndexUnavailable("the index does not answer")
        return self.versions

    def lacks_credentials(self) -> Problem | None:
        return self.lacks


def refused(release: Release) -> VenvBuildError:
    with pytest.raises(VenvBuildError) as found:
        pass_preflight(release)
    return found.value


def rules(error: VenvBuildError) -> list[str]:
    return [problem.rule for problem in error.problems]


def test_all_is_well_and_is_said(repo: Repo) -> None:
    release = dataclasses.replace(repo.wanted("minor", pushes=True), index=Index("1.0.0"))
    assert pass_preflight(release) == (
        "clean",
        "on main",
        "v1.1.0 free",
        "2 entries unreleased",
        "main = origin/main",
        "1.1.0 not on devpi https://pypi.example.com/team/prod/ (newest 1.0.0)",
    )


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_edited(repo: Repo, tmp_path: Path) -> None:
    projects.git(tmp_path, "clone", "--quiet", str(repo.remote), "other")
    other = Repo(tmp_path / "other", repo.remote)
    projects.identify(other.folder)
    other.write("theirs.txt", "")
    other.commit()
    other.git("push", "--quiet", "origin", "main")
    repo.git("tag", "v1.1.0")
    repo.write("CHANGELOG.md", "# C\n\n## [Unreleased]\n\n## [1.0.0]\n- a\n")
    repo.write("draft.txt", "")
    release = dataclasses.replace(repo.wanted("minor", pushes=True), index=Index("1.1.0", "2.0.0"))
    error = refused(release)
    assert isinstance(error, UsageError)
    assert rules(error) == ["DIRTY", "TAKEN", "CHANGELOG", "BEHIND", "TAKEN"]
    assert repo.repository.changed() == ("CHANGELOG.md", "draft.txt")
    # its advice
    repo.git("tag", "--delete", "v1.1.0")
    repo.write("CHANGELOG.md", projects.CHANGELOG)
    repo.commit()
    repo.git("pull", "--quiet", "--rebase", "origin", "main")
    assert pass_preflight(repo.wanted("minor", pushes=True))


def test_a_tag_that_only_the_remote_has_is_taken(repo: Repo) -> None:
    repo.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.1.0")
    assert rules(refused(repo.wanted("minor"))) == ["TAKEN"]


def test_a_detached_head_and_another_branch_are_refused(repo: Repo) -> None:
    repo.git("switch", "--quiet", "--create", "other")
    release = repo.wanted("minor")
    configured = dataclasses.replace(
        release.configuration, branch="main", origins={**release.configuration.origins, "branch": "--branch"}
    )
    error = refused(dataclasses.replace(release, configuration=configured))
    assert rules(error) == ["BRANCH"]
    repo.git(*error.problems[0].fix.strip("`").split()[1:])
    repo.git("switch", "--quiet", "--detach")
    assert rules(refused(repo.wanted("minor"))) == ["DETACHED"]
    assert pass_preflight(dataclasses.replace(repo.wanted("minor"), detached=True))


def test_what_would_be_pushed_is_asked_for_before(repo: Repo) -> None:
    repo.git("remote", "remove", "origin")
    assert pass_preflight(repo.wanted("minor"))
    assert rules(refused(repo.wanted("minor", pushes=True))) == ["REMOTE"]


@pytest.mark.parametrize(
    ("there", "part", "rule"),
    [
        (["1.1.0"], "minor", "TAKEN"),
        (["1.2.0"], "minor", "VERSION"),
        (["2.0.0rc1"], "patch", "VERSION"),
        (["2.0.0", "1.0.0"], "patch", "VERSION"),
    ],
)
def test_a_version_must_be_above_all_that_are_on_the_index(repo: Repo, there: list[str], part: str, rule: str) -> None:
    release = dataclasses.replace(repo.wanted(part), index=Index(*there))
    error = refused(release)
    assert (rules(error), error.exit_code) == ([rule], 2 if rule == "TAKEN" else 3)
    if "--older-line" in error.problems[0].fix and part == "patch":
        assert pass_preflight(dataclasses.replace(release, older_line=True))


def test_without_credentials_the_index_is_not_asked_and_one_that_is_away_is_6_alone(repo: Repo) -> None:
    lacking = Problem("there is no token", "DEVPI_TOKEN", fix="set it", rule="NO_TOKEN")
    release = repo.wanted("minor")
    assert rules(refused(dataclasses.replace(release, index=Index(lacks=lacking, away=True)))) == ["NO_TOKEN"]
    with pytest.raises(IndexUnavailable):
        pass_preflight(dataclasses.replace(release, index=Index(away=True)))


def test_an_empty_changelog_alone_is_3_and_none_is_none(repo: Repo) -> None:
    repo.write("CHANGELOG.md", "# C\n\n## [Unreleased]\n")
    repo.commit()
    with pytest.raises(RequirementsRefused, match="no entry"):
        pass_preflight(repo.wanted("minor"))
    repo.git("rm", "--quiet", "CHANGELOG.md")
    repo.commit()
    assert pass_preflight(repo.wanted("minor"))
