"""What is built becomes public as the release that its tag says, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.projects import Repo
from tests.support.releases import built, publisher
from tests.support.tool import Tool
from venvbuild.errors import IntegrityError, RequirementsRefused, UsageError
from venvbuild.release import Manifest, held, load, require_released


def judged(repo: Repo, made: Manifest) -> None:
    require_released(made, repo.project, repo.repository, load(repo.folder, {}, {}))


def test_another_version_no_tag_and_another_commit_are_refused_and_the_advice_helps(repo: Repo, tmp_path: Path) -> None:
    made = replace(built(tmp_path / "dist", "1.0.0"), commit=repo.repository.head)
    judged(repo, made)
    # HEAD goes on: what was built is still what the tag says.
    repo.write("README.md", "# Later\n")
    repo.commit()
    judged(repo, made)
    repo.git("tag", "--force", "--annotate", "--message", "moved", "v1.0.0")
    with pytest.raises(IntegrityError, match=r"not what v1\.0\.0 says"):
        judged(repo, made)
    repo.git("tag", "--delete", "v1.0.0")
    with pytest.raises(UsageError, match="has no tag") as refused:
        judged(repo, made)
    assert refused.value.problems[0].fix == "`venvbuild release tag` makes it, then `venvbuild release build`"
    with pytest.raises(UsageError) as refused:
        judged(repo, replace(made, commit=repo.repository.head))
    assert refused.value.problems[0].fix == "`venvbuild release tag` makes it"
    repo.git("tag", "v1.0.0")
    judged(repo, replace(made, commit=repo.repository.head))
    with pytest.raises(IntegrityError, match=r"what is built is 0\.9\.0, and the project is at 1\.0\.0"):
        judged(repo, replace(made, version="0.9.0"))


def test_a_state_of_development_is_sent_nowhere(repo: Repo, tmp_path: Path) -> None:
    made = replace(built(tmp_path / "dist", "1.0.1.dev1"), version="1.0.1.dev1+gabc")
    with FakeIndex(PROFILES["pypiserver"]) as index:
        sender = publisher(index.environment())
        with pytest.raises(RequirementsRefused, match="no version for an index"):
            sender.missing(made)
        with pytest.raises(RequirementsRefused, match="no version for an index"):
            sender.publish(made, tmp_path / "dist")
        with pytest.raises(RequirementsRefused, match="release tag VERSION"):
            judged(repo, made)
        assert index.requests == []


def test_the_command_holds_the_project_and_judges_it_before_it_asks_anybody(repo: Repo, tool: Tool) -> None:
    tool.folder = repo.folder
    built(repo.folder / "dist", "0.9.0")
    with FakeIndex(PROFILES["pypiserver"]) as index:
        with held(repo.repository):
            for command in ("publish", "check"):
                ended = tool.run("release", command, **index.environment())
                assert (ended.code, "another release of this project" in ended.stderr) == (2, True), ended.stderr
        ended = tool.run("release", "publish", **index.environment())
        assert (ended.code, "what is built is 0.9.0" in ended.stderr) == (8, True), ended.stderr
        assert index.requests == []
