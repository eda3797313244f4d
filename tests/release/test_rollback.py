"""A release taken back: undone while nobody has it, else withdrawn and followed by the version before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import projects
from tests.support.devpi_server import Devpi
from tests.support.projects import Repo
from tests.support.receivers import Webhook
from tests.support.releases import publisher, target, verifier
from tests.support.tool import Tool
from venvbuild.release import Index, Tools, build

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
NAME = "demo-tools"


def broken(repo: Repo) -> None:
    """A change that breaks the package, in the file that has its version, too; and one that goes."""
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write(
        "src/demo_tools/__init__.py", init.replace("def hello", "raise RuntimeError('bad release')\n\n\ndef hello")
    )
    repo.write("src/demo_tools/more.py", "")
    repo.commit("Break it")


@pytest.mark.parametrize("make", [projects.seed, projects.setup_cfg])
def test_what_nobody_has_is_undone(make: Callable[[Path], None], tmp_path: Path, user: Tool) -> None:
    repo = projects.repo(tmp_path / "own", make)
    user.folder = repo.folder
    before = repo.git("rev-parse", "HEAD")
    assert user.run("release", "run", "minor", "--until", "tag").code == 0
    done = user.run("release", "rollback")
    assert (done.code, done.stdout) == (0, ""), done.stderr
    assert repo.git("rev-parse", "HEAD") == before
    assert repo.git("tag", "--list") == "v1.0.0"
    assert repo.git("status", "--porcelain") == ""


def test_of_a_release_that_is_not_the_last_commit_or_not_clean_nothing_is_undone(user: Tool, repo: Repo) -> None:
    assert user.run("release", "run", "minor", "--until", "tag").code == 0
    repo.write("new.txt", "")
    assert "the tree is not clean" in user.run("release", "rollback").stderr
    repo.commit("More")
    refused = user.run("release", "rollback")
    assert (refused.code, "`git tag -d v1.1.0` takes the tag away" in refused.stderr) == (2, True), refused.stderr
    repo.git("tag", "-d", "v1.1.0")
    none = user.run("release", "rollback")
    assert (none.code, "there is no release to take back" in none.stderr) == (2, True)


@pytest.mark.parametrize("changelog", [True, False])
def test_what_is_pushed_is_followed_by_the_version_before_and_never_rewritten(
    user: Tool, repo: Repo, changelog: bool
) -> None:
    if not changelog:
        repo.git("rm", "--quiet", "CHANGELOG.md")
        repo.commit("No changelog")
    hello = (repo.folder / "src/demo_tools/__init__.py").read_text()
    broken(repo)
    assert user.run("release", "run", "minor", "--until", "tag").code == 0
    repo.git("push", "--quiet", "--atomic", "origin", "main", "v1.1.0")
    pushed = repo.git("rev-parse", "HEAD")
    refused = user.run("release", "rollback")
    assert (refused.code, "`venvbuild release rollback --yes` does that" in refused.stderr) == (2, True)
    assert "origin has v1.1.0; origin/main has its commit" in refused.stderr
    done = user.run("release", "rollback", "--yes", "--date", "2026-11-29", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["previous"], done.json["next"], done.json["is_withdrawn"]) == ("1.0.0", "1.1.1", None)
    assert repo.git("log", "--format=%s", f"{pushed}..HEAD").splitlines()[0] == "Release 1.1.1"
    assert repo.git("rev-parse", "v1.1.0^{commit}") == pushed
    assert repo.git("rev-parse", "v1.1.1^{commit}") == repo.git("rev-parse", "HEAD")
    assert (repo.folder / "src/demo_tools/__init__.py").read_text() == hello.replace("1.0.0", "1.1.1")
    assert not (repo.folder / "src/demo_tools/more.py").exists()
    if changelog:
        text = (repo.folder / "CHANGELOG.md").read_text()
        said = "## [1.1.1] - 2026-11-29\n\n### Yanked\n- 1.1.0 is withdrawn; 1.1.1 is 1.0.0 again.\n\n## [1.1.0] - "
        assert said in text
    assert repo.at_remote("rev-parse", "main") == pushed  # `run` pushes
    standing = user.run("release", "run", "--until", "tag")
    assert (standing.code, "resume      1.1.1: committed, tagged" in standing.stderr) == (0, True), standing.stderr


def test_what_does_not_come_out_again_leaves_all_as_it_was(user: Tool, repo: Repo) -> None:
    broken(repo)
    assert user.run("release", "run", "minor", "--until", "tag").code == 0
    repo.git("push", "--quiet", "origin", "main", "v1.1.0")
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write("src/demo_tools/__init__.py", init.replace("RuntimeError('bad release')", "ValueError"))
    repo.commit("Break it in another way")
    before = repo.git("rev-parse", "HEAD")
    refused = user.run("release", "rollback", "--yes")
    assert (refused.code, "release run patch" in refused.stderr) == (2, True), refused.stderr
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (before, "")


@pytest.mark.xdist_group("devpi")
def test_rollback_to_previous_version(user: Tool, repo: Repo, devpi: Devpi, tools: Tools, hook: Webhook) -> None:
    """The bad version is gone from the index: a plain install gives the one before, as the printed line does; users are
    told, and the version that follows is that one again."""
    index = devpi.index(volatile=True)
    environ = index.environment()
    publisher(environ).publish(build(repo.source, tools, 300), repo.folder / "dist")
    broken(repo)
    assert user.run("release", "run", "minor", "--until", "tag").code == 0
    publisher(environ).publish(build(repo.source, tools, 300), repo.folder / "dist")
    user.env |= environ
    assert "2 of its files are on devpi" in user.run("release", "rollback").stderr
    done = user.run("release", "rollback", "--yes", "--notify", VENVBUILD_NOTIFY_URLS=f"json://{hook.place}")
    assert done.code == 0, done.stderr
    told, line = done.stdout.splitlines()
    assert told == (
        f"{NAME} 1.1.0 is withdrawn: do not install it. Whoever has it goes back to 1.0.0. "
        "1.1.1 follows, and is 1.0.0 again."
    )
    assert line == f"pip install --no-cache-dir {NAME}==1.0.0 --index-url {index.url}+simple/"
    assert "removed from the volatile index" in done.stderr
    assert "1.1.0 is withdrawn" in str(hook.posts)
    assert {str(one) for one in Index(target(environ)).list(NAME).versions} == {"1.0.0"}
    assert verifier(environ).verify(NAME, "1.0.0").seen.version == "1.0.0"
