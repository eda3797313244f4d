"""A whole release by one command, on real indexes; killed after each of its lines, and gone on with."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support import canary
from tests.support.devpi_server import Devpi
from tests.support.private_index import PASSWORD, USER
from tests.support.projects import Repo, git
from tests.support.releases import built, publisher, target
from tests.support.tool import Ended, Tool
from venvbuild.release import Index, Manifest, Tools, build, held

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
NAME = "demo-tools"
RUN = ("release", "run", "--python", HERE)


def lines(ended: Ended) -> dict[str, str]:
    """The first word of each line that was said -> the rest of the last such line."""
    return {label: text for label, _, text in (line.partition(" ") for line in ended.stderr.splitlines())}


def on_index(environ: dict[str, str]) -> dict[str, str]:
    return {file.filename: file.sha256 for file in Index(target(environ)).list(NAME).files}


@pytest.mark.traced
def test_one_command_makes_a_release_that_users_install(
    user: Tool, repo: Repo, pypiserver: dict[str, str], tmp_path: Path
) -> None:
    """And its token stands nowhere: not in what is said or kept, in no object of git, on no command line."""
    user.env |= {**pypiserver, "XDG_CACHE_HOME": str(tmp_path / "cache-of-user")}
    with canary.watched(*canary.forms(USER, PASSWORD)) as (found, programs):
        done = user.run(*RUN, "minor", "--date", "2026-11-28", "--no-rehearsal")
    assert done.code == 0, done.stderr
    assert done.stdout == f"pip install {NAME}==1.1.0 --index-url {pypiserver['PYPISERVER_URL']}simple/\n"
    said = lines(done)
    order = ["preflight", "bump", "commit", "build", "check", "push", "publish", "verify"]
    assert [one for one in said if one in order] == order
    assert said["commit"].strip() == f"{repo.git('rev-parse', 'HEAD')[:7]} Release 1.1.0, tag v1.1.0 (annotated)"
    assert said["push"].strip() == "main and v1.1.0 to origin"
    assert "wheel uploaded, sdist uploaded; both on the index with these hashes after" in said["publish"]
    made = Manifest.read(repo.folder / "dist")
    assert on_index(pypiserver) == {one.filename: one.sha256 for one in made.files}
    assert repo.at_remote("rev-parse", "v1.1.0^{commit}", "main") == "\n".join([repo.git("rev-parse", "HEAD")] * 2)
    assert found == []
    assert "upload" in programs
    for needle in canary.forms(USER, PASSWORD):
        assert needle not in done.stdout + done.stderr + repo.git("log", "--all", "-p")
        kept = [path for path in (*repo.folder.rglob("*"), *(tmp_path / "cache-of-user").rglob("*")) if path.is_file()]
        assert not [path for path in kept if needle in path.read_text(errors="replace")]


# --- killed, and gone on with


def stopped(user: Tool, after: str, *arguments: str, number: signal.Signals = signal.SIGKILL) -> list[str]:
    """Run it, and kill it once a line begins with `after`; the lines that it said until then."""
    said = []
    with user.start(*RUN, *arguments) as process:
        (user.folder.parent / "pid").write_text(str(process.pid))
        assert process.stderr
        for line in process.stderr:
            said.append(line.rstrip())
            if line.startswith(after):
                os.kill(process.pid, number)
                break
        process.communicate(timeout=60)
    assert process.returncode == (143 if number == signal.SIGTERM else -number), said
    return said


def hook(repo: Repo, name: str, text: str) -> Path:
    path = repo.folder / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.slow
@pytest.mark.xdist_group("devpi")
def test_killed_after_each_line_and_gone_on_with_it_is_the_same_release(
    user: Tool, repo: Repo, devpi: Devpi, tools: Tools
) -> None:
    """Each file is sent once, by the server's own log."""
    index = devpi.index()
    user.env |= index.environment()
    publisher(index.environment()).publish(build(repo.source, tools, 300), repo.folder / "dist")
    before = repo.git("rev-parse", "HEAD")
    kill = f"kill -9 $(cat {repo.folder.parent / 'pid'})"

    stopped(user, "preflight", "minor", "--date", "2026-11-28")
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (before, "")
    made = hook(repo, "pre-commit", f"{kill}; exit 1")  # the files are written, and not committed
    stopped(user, "never", "minor", "--date", "2026-11-28")
    made.unlink()
    assert (repo.git("rev-parse", "HEAD"), bool(repo.git("status", "--porcelain"))) == (before, True)
    # git's own lock stays behind when git is killed, too; it says itself that it is to be removed
    (repo.folder / ".git" / "index.lock").unlink(missing_ok=True)
    made = hook(repo, "post-commit", kill)  # committed, and not tagged
    said = stopped(user, "never", "--date", "2026-11-28")
    made.unlink()
    assert "resume      1.1.0: its edit was not committed; the files are as they were before it" in said
    assert repo.git("log", "-1", "--format=%s") == "Release 1.1.0"
    assert "resume      1.1.0: committed" in stopped(user, "tag")
    assert "resume      1.1.0: committed, tagged" in stopped(user, "build")
    built = Manifest.read(repo.folder / "dist")
    assert "resume      1.1.0: committed, tagged, built" in stopped(user, "check")
    stopped(user, "push", number=signal.SIGTERM)
    assert repo.at_remote("rev-parse", "v1.1.0^{commit}") == repo.git("rev-parse", "HEAD")

    with user.start(*RUN, "--no-rehearsal") as process:
        while built.files[0].filename not in on_index(index.environment()):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    said = stopped(user, "publish")
    assert "resume      1.1.0: committed, tagged, built, pushed; wheel on the index (same bytes), sdist not" in said
    assert any(line.startswith("publish     wheel already there, sdist uploaded") for line in said)
    done = user.run(*RUN)
    assert done.code == 0, done.stderr
    assert "wheel and sdist on the index (same bytes)" in done.stderr
    assert f"pip install {NAME}==1.1.0 on Python {HERE}" in lines(done)["verify"]
    assert "upgrade from 1.0.0 and back: ok" in lines(done)["verify"]
    assert done.stdout == f"pip install {NAME}==1.1.0 --index-url {index.url}+simple/\n"
    assert devpi.uploads(index) == 4
    assert {one.filename: one.sha256 for one in built.files}.items() <= on_index(index.environment()).items()
    assert repo.git("log", "--format=%s") == "Release 1.1.0\nRelease 1.0.0"
    assert not list((repo.folder / "dist").glob(".venvbuild-*"))


@pytest.mark.traced
@pytest.mark.xdist_group("devpi")
def test_it_goes_by_the_staging_index_and_a_kill_between_both_sends_nothing_twice(
    user: Tool, repo: Repo, devpi: Devpi
) -> None:
    """What is installed from staging is so before anything is sent to the other one; by the server's own log."""
    staging, index = devpi.index(), devpi.index()
    user.env |= {**index.environment(), "VENVBUILD_RELEASE_STAGING": staging.url}
    made = built(repo.folder / "dist", "1.0.0", name=NAME, commit=repo.git("rev-parse", "HEAD"))
    ours = {one.filename: one.sha256 for one in made.files}
    words = ("--from-tag", "--no-rehearsal")
    said = stopped(user, "staging     pip install", *words)
    assert any(one.startswith("staging     wheel uploaded, sdist uploaded; both on the index") for one in said)
    assert on_index(staging.environment()) == ours
    assert on_index(index.environment()) == {}
    done = user.run(*RUN, *words, "--until", "publish")
    assert done.code == 0, done.stderr
    steps = [one for one in done.stderr.splitlines() if one.startswith(("staging", "publish"))]
    steps = [one for one in steps if "there is no older version" not in one]
    assert [one.split()[0] for one in steps] == ["staging", "staging", "publish"]
    assert steps[0] == "staging     wheel already there, sdist already there; both on the index with these hashes"
    assert steps[2].startswith("publish     wheel uploaded, sdist uploaded; both on the index with these hashes after")
    assert on_index(index.environment()) == ours
    assert (devpi.uploads(staging), devpi.uploads(index)) == (2, 2)
    assert done.stdout == f"pip install {NAME}==1.0.0 --index-url {index.url}+simple/\n"
    paths = [one.url.removeprefix(devpi.url) for one in (staging, index)]
    log = devpi.log.read_text().splitlines()
    sent = [min(number for number, line in enumerate(log) if f"POST {path}" in line) for path in paths]
    wheel = made.files[0].filename
    read = [number for number, line in enumerate(log) if f"GET {paths[0]}" in line and wheel in line]
    assert sent[0] < min(read) < sent[1]


def test_of_two_at_once_one_is_refused(user: Tool, repo: Repo) -> None:
    with held(repo.repository):
        second = user.run("release", "run", "minor")
    assert (second.code, "another release of this project is being made" in second.stderr) == (2, True)
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.traced
def test_until_a_step_it_makes_no_more_and_goes_on_from_there(user: Tool, repo: Repo) -> None:
    """`HEAD` is a release then: another one is refused, and each advice of that holds."""
    for step, tagged in (("preflight", False), ("commit", False), ("tag", True)):
        part = [] if step == "tag" else ["minor"]
        done = user.run("release", "run", *part, "--until", step)
        assert (done.code, done.stdout) == (0, "1.1.0\n"), done.stderr
        assert (repo.repository.tag_at("v1.1.0") is not None) == tagged
    refused = user.run("release", "run", "patch", "--until", "tag")
    assert (refused.code, "HEAD is the release 1.1.0" in refused.stderr) == (2, True)
    assert user.run("release", "run", "--until", "tag").code == 0
    assert user.run("release", "rollback").code == 0
    assert user.run("release", "run", "patch", "--until", "tag").stdout == "1.0.1\n"
    assert user.run("release", "run", "--until", "tomorrow").code == 2


def test_without_a_release_or_a_token_nothing_is_edited(user: Tool, repo: Repo) -> None:
    repo.write("new.txt", "")
    repo.commit()
    none = user.run("release", "run", "--until", "tag")
    assert (none.code, "name the part" in none.stderr) == (2, True)
    refused = user.run("release", "run", "minor", PYPI_BACKEND="pypiserver", PYPISERVER_URL="http://127.0.0.1:1/")
    assert (refused.code, "PYPISERVER_TOKEN" in refused.stderr) == (2, True), refused.stderr
    assert (repo.git("status", "--porcelain"), repo.git("log", "-1", "--format=%s")) == ("", "Change")


# --- from its tag, as CI has it


def test_from_a_tag_it_asks_no_remote_and_takes_what_was_built(
    user: Tool, built_repo: Repo, pypiserver: dict[str, str], tmp_path: Path
) -> None:
    user.env |= pypiserver
    user.folder = tmp_path / "ci"
    user.folder.mkdir()
    git(user.folder, "init", "--quiet")
    tag = "+refs/tags/v1.0.0:refs/tags/v1.0.0"
    git(user.folder, "fetch", "--quiet", "--depth=1", f"file://{built_repo.remote}", tag)
    git(user.folder, "checkout", "--quiet", "--detach", "v1.0.0")
    assert git(user.folder, "remote") == ""
    shutil.copytree(built_repo.source.dist, user.folder / "dist")
    done = user.run(*RUN, "--from-tag", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["version"], [one["was_there"] for one in done.json["files"]]) == ("1.0.0", [False, False])
    assert not {"build", "check", "push"} & lines(done).keys()
    git(user.folder, "tag", "--delete", "v1.0.0")
    git(user.folder, "tag", "v1.0.1")
    refused = user.run(*RUN, "--from-tag")
    assert (refused.code, "the project is 1.0.0, and v1.0.0 is no tag of HEAD" in refused.stderr) == (2, True)
