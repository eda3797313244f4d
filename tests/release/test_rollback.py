"""A release taken back: undone while nobody has it, else withdrawn and followed by the version before."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.release.test_halfway import edited
from tests.release.test_standing import committed
from tests.support import downloads, private_index, projects
from tests.support.devpi_server import PASSWORD, Devpi
from tests.support.projects import Repo
from tests.support.receivers import Webhook
from tests.support.releases import built, publisher, target, verifier
from tests.support.tool import Tool
from venvbuild.release import Index

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


def tagged(repo: Repo) -> None:
    """1.1.0 of what is committed: as `run --until tag` makes it, without asking a build backend."""
    committed(repo)
    repo.git("tag", "--annotate", "--message", "Release 1.1.0", "v1.1.0")


def released(repo: Repo) -> None:
    """The same, pushed."""
    tagged(repo)
    repo.git("push", "--quiet", "--atomic", "origin", "main", "v1.1.0")


def published(environ: dict[str, str], folder: Path, *versions: str) -> None:
    """Versions on the index, of which it does not matter who built them: wheels, and on pypiserver sdists, too."""
    for version in versions:
        made = built(folder / version, version, name=NAME)
        if environ["PYPI_BACKEND"] == "pypiserver":
            for one in made.files:
                shutil.copy(folder / version / one.filename, folder / "pypiserver" / "served")
        else:
            publisher(environ).publish(replace(made, files=made.of_kind("wheel")), folder / version)


def on_index(environ: dict[str, str]) -> set[str]:
    return {str(one) for one in Index(target(environ)).list(NAME).versions}


@pytest.mark.parametrize("make", [projects.seed, projects.setup_cfg])
def test_what_nobody_has_is_undone(make: Callable[[Path], None], tmp_path: Path, user: Tool) -> None:
    repo = projects.repo(tmp_path / "own", make)
    user.folder = repo.folder
    before = repo.git("rev-parse", "HEAD")
    tagged(repo)
    done = user.run("release", "rollback")
    assert (done.code, done.stdout) == (0, ""), done.stderr
    assert repo.git("rev-parse", "HEAD") == before
    assert repo.git("tag", "--list") == "v1.0.0"
    assert repo.git("status", "--porcelain") == ""


def test_of_a_release_that_is_not_the_last_commit_or_not_clean_nothing_is_undone(user: Tool, repo: Repo) -> None:
    tagged(repo)
    repo.write("new.txt", "")
    assert "the tree is not clean" in user.run("release", "rollback").stderr
    repo.commit("More")
    refused = user.run("release", "rollback")
    assert (refused.code, "`git tag -d v1.1.0` takes the tag away" in refused.stderr) == (2, True), refused.stderr
    repo.git("tag", "-d", "v1.1.0")
    none = user.run("release", "rollback")
    assert (none.code, "there is no release to take back" in none.stderr) == (2, True)


@pytest.mark.traced
@pytest.mark.parametrize("changelog", [True, False])
def test_what_is_pushed_is_followed_by_the_version_before_and_never_rewritten(
    user: Tool, repo: Repo, changelog: bool
) -> None:
    if not changelog:
        repo.git("rm", "--quiet", "CHANGELOG.md")
        repo.commit("No changelog")
    hello = (repo.folder / "src/demo_tools/__init__.py").read_text()
    broken(repo)
    released(repo)
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
    released(repo)
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write("src/demo_tools/__init__.py", init.replace("RuntimeError('bad release')", "ValueError"))
    repo.commit("Break it in another way")
    before = repo.git("rev-parse", "HEAD")
    refused = user.run("release", "rollback", "--yes")
    assert (refused.code, "release run patch" in refused.stderr) == (2, True), refused.stderr
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (before, "")


@pytest.mark.traced
@pytest.mark.xdist_group("devpi")
def test_rollback_to_previous_version(user: Tool, repo: Repo, devpi: Devpi, hook: Webhook, tmp_path: Path) -> None:
    """The bad version is gone from the index: a plain install gives the one before, as the printed line does; users are
    told, and the version that follows is that one again."""
    index = devpi.index(volatile=True)
    environ = index.environment()
    published(environ, tmp_path, "1.0.0", "1.1.0")
    broken(repo)
    released(repo)
    user.env |= environ
    assert f"devpi {index.url}+simple/ has 1 file of it" in user.run("release", "rollback").stderr
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
    assert on_index(environ) == {"1.0.0"}
    assert verifier(environ).verify(NAME, "1.0.0").seen.version == "1.0.0"


# --- an index that lets nothing go

ON_DEVPI = pytest.param("devpi", marks=pytest.mark.xdist_group("devpi"))


@pytest.fixture
def keeps(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of pypiserver, or of an index of devpi that is not volatile."""
    if request.param == "devpi":
        devpi: Devpi = request.getfixturevalue("devpi")
        return devpi.index().environment()
    environ: dict[str, str] = request.getfixturevalue("pypiserver")
    return environ


@pytest.mark.parametrize("keeps", ["pypiserver", ON_DEVPI], indirect=True)
def test_what_an_index_keeps_is_told_with_the_request_that_takes_it_away(
    user: Tool, repo: Repo, keeps: dict[str, str], tmp_path: Path
) -> None:
    """The request, and the line by which users go back, are followed to the letter; so they have the version before."""
    published(keeps, tmp_path, "1.0.0", "1.1.0")
    good = (repo.folder / "src/demo_tools/__init__.py").read_text()
    broken(repo)
    released(repo)
    user.env |= keeps
    done = user.run("release", "rollback", "--yes", "--date", "2026-11-29")
    assert done.code == 0, done.stderr
    told, line = done.stdout.splitlines()
    assert told == (
        f"{NAME} 1.1.0 is bad, and still on the index: do not install it. Whoever has it goes back to 1.0.0. "
        "1.1.1 follows, and is 1.0.0 again."
    )
    assert line == f"pip install --no-cache-dir {NAME}==1.0.0 --index-url {target(keeps).index_url}"
    assert repo.git("log", "-2", "--format=%s").splitlines() == ["Release 1.1.1", "Revert release 1.1.0"]
    assert "### Yanked\n- 1.1.0 is withdrawn; 1.1.1 is 1.0.0 again.\n" in (repo.folder / "CHANGELOG.md").read_text()
    assert (repo.folder / "src/demo_tools/__init__.py").read_text() == good.replace("1.0.0", "1.1.1")
    assert on_index(keeps) == {"1.0.0", "1.1.0"}
    said = dict(one.split(maxsplit=1) for one in done.stderr.splitlines())
    assert installed(line, tmp_path) == "1.0.0"
    if keeps["PYPI_BACKEND"] == "devpi":
        name = "/".join(keeps["DEVPI_INDEX_URL"].rstrip("/").split("/")[-2:])
        assert said["withdraw"] == f"the index {name} is not volatile: devpi takes nothing from it, and cannot yank"
        for command in said["to"].split("`")[1::2]:
            as_owner(shlex.split(command), tmp_path)
    else:
        assert said["withdraw"] == "pypiserver takes nothing back by the way it is published"
        for name in said["to"].rpartition(": ")[2].split():
            (tmp_path / "pypiserver" / "served" / name).unlink()
    assert on_index(keeps) == {"1.0.0"}


def installed(line: str, folder: Path) -> str:
    """The version that a user's line installs, who has the login of the index in ~/.netrc."""
    program, *words = shlex.split(line)
    home, place = folder / "home-of-user", folder / "installed"
    home.mkdir()
    netrc = home / ".netrc"
    netrc.touch(0o600)
    netrc.write_text(f"machine 127.0.0.1 login {private_index.USER} password {private_index.PASSWORD}\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = [sys.executable, "-m", program, *words, "--target", str(place), "--quiet", "--no-input"]
    subprocess.run(command, env=env, check=True, timeout=120)
    [info] = place.glob("*.dist-info")
    return info.name.removesuffix(".dist-info").rpartition("-")[2]


def as_owner(words: list[str], folder: Path) -> None:
    """What the owner of an index of devpi types; the password is asked for."""
    assert words[0] == "devpi"
    script = "import sys; from devpi.main import main; sys.exit(main())"
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(downloads.devpi_client())}
    command = [sys.executable, "-c", script, *words[1:]]
    # getpass reads from the terminal where there is one.
    ended = subprocess.run(
        command, env=env, input=f"{PASSWORD}\n", text=True, capture_output=True, timeout=120, check=False,
        start_new_session=True,
    )  # fmt: skip
    assert ended.returncode == 0, f"{shlex.join(words)}: {ended.stdout}{ended.stderr}"


@pytest.mark.slow
def test_what_follows_a_version_that_stays_is_what_users_upgrade_to(
    user: Tool, repo: Repo, pypiserver: dict[str, str], tmp_path: Path
) -> None:
    """As it is told: `venvbuild release run` publishes it."""
    user.env |= pypiserver
    published(pypiserver, tmp_path, "1.0.0", "1.1.0")
    broken(repo)
    released(repo)
    done = user.run("release", "rollback", "--yes")
    assert "note: `venvbuild release run` publishes 1.1.1" in done.stderr, done.stderr
    made = user.run("release", "run", "--python", HERE)
    assert made.code == 0, made.stderr
    assert "upgrade from 1.1.0 and back: ok" in made.stderr
    assert made.stdout == f"pip install {NAME}==1.1.1 --index-url {target(pypiserver).index_url}\n"
    assert installed(f"pip install --upgrade {NAME} --index-url {target(pypiserver).index_url}", tmp_path) == "1.1.1"


# --- not the last one


@pytest.mark.traced
@pytest.mark.xdist_group("devpi")
def test_an_older_version_is_withdrawn_and_nothing_is_committed(
    user: Tool, repo: Repo, devpi: Devpi, tmp_path: Path
) -> None:
    environ = devpi.index(volatile=True).environment()
    published(environ, tmp_path, "0.9.0", "1.0.0", "1.1.0")
    released(repo)
    head = repo.git("rev-parse", "HEAD")
    none = user.run("release", "rollback", "1.0.0")
    assert (none.code, "no index is configured that demo-tools 1.0.0 could be withdrawn from" in none.stderr) == (
        2,
        True,
    )
    user.env |= environ  # its advice
    refused = user.run("release", "rollback", "1.0.0")
    assert (refused.code, "1.0.0 is public" in refused.stderr) == (2, True), refused.stderr
    done = user.run(*shlex.split(refused.stderr.split("`")[1])[1:])
    assert done.code == 0, done.stderr
    told, line = done.stdout.splitlines()
    assert told == f"{NAME} 1.0.0 is withdrawn: do not install it. Whoever has it goes back to 0.9.0, or on to 1.1.0."
    assert line == f"pip install --no-cache-dir {NAME}==0.9.0 --index-url {target(environ).index_url}"
    assert "note: nothing is committed here, for the project is at 1.1.0" in done.stderr
    assert on_index(environ) == {"0.9.0", "1.1.0"}
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (head, "")
    assert repo.git("tag", "--list").split() == ["v1.0.0", "v1.1.0"]
    gone = user.run("release", "rollback", "1.0.0", "--yes")
    assert (gone.code, "it has 0.9.0, 1.1.0" in gone.stderr) == (2, True), gone.stderr
    assert user.run("release", "rollback", "one").code == 2


def test_the_newest_is_taken_back_where_the_project_is_at_it(
    user: Tool, repo: Repo, pypiserver: dict[str, str], tmp_path: Path
) -> None:
    user.env |= pypiserver
    published(pypiserver, tmp_path, "1.0.0", "1.1.0")
    repo.git("switch", "--quiet", "--create", "next")
    tagged(repo)
    repo.git("switch", "--quiet", "main")
    refused = user.run("release", "rollback", "1.1.0", "--yes")
    assert (refused.code, "1.1.0 is the newest on the index, and the project is at 1.0.0 here" in refused.stderr) == (
        2, True,
    ), refused.stderr  # fmt: skip
    repo.git("switch", "--quiet", "next")
    there = user.run("release", "rollback", "1.1.0")
    assert "`venvbuild release rollback --yes` does that" in there.stderr


def test_of_an_edit_that_was_killed_the_edit_alone_is_undone(user: Tool, repo: Repo) -> None:
    """The release before it is another matter, though somebody is sure."""
    before, content_of = repo.git("rev-parse", "HEAD"), edited(repo)
    for name, content in content_of.items():
        (repo.folder / name).write_bytes(content)
    done = user.run("release", "rollback", "--yes", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["version"], done.json["was_public"], done.json["undone"]) == ("1.1.0", False, ["edit of 1.1.0"])
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (before, "")
    assert repo.git("tag", "--list") == "v1.0.0"
    for name, content in content_of.items():
        (repo.folder / name).write_bytes(content)
    asked = user.run("release", "rollback", "0.9.0")  # which is not done by that
    assert (asked.code, "no index is configured" in asked.stderr, repo.git("status", "--porcelain")) == (2, True, "")


def test_of_a_project_whose_tag_is_its_version_the_last_release_is_found_below_later_commits(
    tmp_path: Path, user: Tool
) -> None:
    repo = projects.repo(tmp_path / "own", projects.hatch_vcs)
    user.folder = repo.folder
    released(repo)
    repo.write("later.txt", "")
    repo.commit("Later")
    done = user.run("release", "rollback", "--yes", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["version"], done.json["next"]) == ("1.1.0", "1.1.1")
    assert (repo.folder / "later.txt").exists()
    assert repo.git("rev-parse", "v1.1.1^{commit}") == repo.git("rev-parse", "HEAD")
