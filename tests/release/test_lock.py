"""Two releases of one project are not made at once."""

from __future__ import annotations

import pytest

from tests.support.projects import Repo
from venvbuild.errors import UsageError
from venvbuild.release import Repository, held


def test_the_second_is_told_also_in_another_worktree_and_may_when_the_first_has_ended(repo: Repo) -> None:
    other = repo.folder.parent / "other"
    repo.git("worktree", "add", "--quiet", str(other))
    with held(repo.repository), pytest.raises(UsageError, match="another release"), held(Repository.of(other)):
        pass
    with held(Repository.of(other)):
        pass
    assert repo.git("status", "--porcelain") == ""
