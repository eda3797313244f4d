"""`venvbuild release` as its users run it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support import projects
from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.index_server import IndexServer
from tests.support.projects import Repo
from tests.support.tool import Tool
from tests.support.wheels import wheel
from tests.test_main import SCRIPT
from venvbuild.process import run

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def ours(tool: Tool, repo: Repo, backends: IndexServer, uv_cache: Path) -> Tool:
    """In the folder of the seed's project."""
    tool.folder = repo.folder
    tool.env |= {"VENVBUILD_INDEX_URL": backends.url(), "UV_CACHE_DIR": str(uv_cache)}
    return tool


@pytest.mark.traced
def test_a_version_is_bumped_tagged_pushed_built_and_checked(ours: Tool, repo: Repo) -> None:
    proposed = ours.run("release", "bump")
    assert (proposed.code, proposed.stdout) == (0, "minor 1.1.0\n"), proposed.stderr
    done = ours.run("release", "bump", "minor", "--tag", "--date", "2026-11-28")
    assert (done.code, done.stdout) == (0, "1.1.0\n"), done.stderr
    assert "bump        1.0.0 -> 1.1.0 in pyproject.toml:3, src/demo_tools/__init__.py:3" in done.stderr
    assert repo.at_remote("rev-parse", "v1.1.0^{commit}") == repo.at_remote("rev-parse", "main")
    assert repo.at_remote("cat-file", "-t", "v1.1.0") == "tag"
    built = ours.run("release", "build", "--json")
    assert built.code == 0, built.stderr
    assert (built.json["version"], built.json["tag"]) == ("1.1.0", "v1.1.0")
    checked = ours.run("release", "check", "--python", HERE)
    assert checked.code == 0, checked.stderr
    assert checked.stdout == "demo-tools 1.1.0 is fit to be published\n"
    status = ours.run("release", "status")
    assert status.code == 0, status.stderr
    lines = dict(line.split(maxsplit=1) for line in status.stdout.splitlines())
    assert lines["project"] == "demo-tools 1.1.0 in pyproject.toml:3, src/demo_tools/__init__.py:3"
    assert lines["tag"] == "v1.1.0 at HEAD"
    assert lines["changelog"] == "CHANGELOG.md: no entry unreleased; newest 1.1.0"
    assert lines["dist"].startswith(f"1.1.0 of {repo.git('rev-parse', 'HEAD')[:7]}: demo_tools-1.1.0-py3-none-any.whl")


@pytest.mark.traced
def test_plan_says_what_bump_would_do_and_refuses_what_it_refuses(ours: Tool, repo: Repo) -> None:
    planned = ours.run("release", "plan", "minor", "--pre", "rc", "--json")
    assert planned.code == 0, planned.stderr
    assert (planned.json["version"], planned.json["tag"]) == ("1.1.0rc1", "v1.1.0rc1")
    assert ours.run("release", "plan", "1.2.3-1").code == 3
    repo.write("draft.txt", "")
    for command in ("plan", "bump"):
        refused = ours.run("release", command, "minor", "--json")
        assert refused.code == 2
        assert [one["what"] for one in refused.json["error"]["problems"]] == ["the tree is not clean: 1 path"]
    assert repo.git("log", "--format=%s") == "Release 1.0.0"


@pytest.mark.traced
def test_without_a_part_plan_takes_the_one_that_the_entries_ask_for(ours: Tool, repo: Repo) -> None:
    planned = ours.run("release", "plan")
    assert planned.code == 0, planned.stderr
    assert planned.stdout.splitlines()[0] == "part        minor, for 1 entry under Added, 1 entry under Fixed"
    assert planned.stdout.splitlines()[2].startswith("bump        1.0.0 -> 1.1.0 in pyproject.toml:3")
    assert ours.run("release", "plan", "--pre", "rc", "--json").json["version"] == "1.1.0rc1"
    repo.write("CHANGELOG.md", projects.CHANGELOG.replace("### Added\n- A greeting for everybody.\n\n", ""))
    repo.commit()
    assert [ours.run("release", "plan", "--json").json[key] for key in ("part", "version")] == ["patch", "1.0.1"]
    repo.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")
    for verb in ("plan", "bump"):
        empty = ours.run("release", verb)
        assert (empty.code, "write what changed for users under `## [Unreleased]`" in empty.stderr) == (3, True)
    repo.git("rm", "--quiet", "--force", "CHANGELOG.md")
    repo.commit()
    for verb in ("plan", "bump"):
        none = ours.run("release", verb)
        assert (none.code, f"name the part: `venvbuild release {verb} patch`" in none.stderr) == (2, True)
    assert ours.run("release", "plan", "patch").code == 0


def test_after_a_push_that_was_refused_the_next_bump_says_so_and_how_it_goes_on(tmp_path: Path, ours: Tool) -> None:
    repo = projects.repo(tmp_path / "own", projects.hatch_vcs)  # of which the build backend is asked nothing
    ours.folder = repo.folder
    hook = repo.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n")
    hook.chmod(0o755)
    refused = ours.run("release", "bump", "minor", "--tag")
    assert (refused.code, "frozen until Monday" in refused.stderr) == (2, True), refused.stderr
    told = set()
    for words in (["bump", "minor", "--tag"], ["bump", "1.1.0"], ["bump"], ["plan", "patch"], ["plan"]):
        again = ours.run("release", *words, "--json")
        assert again.code == 2, again.stderr
        told.add(tuple(again.json["error"]["problems"][0][key] for key in ("what", "why", "fix")))
    [(what, why, fix)] = told
    assert what == "HEAD is 1.1.0 already, and origin does not have v1.1.0"
    assert why == "its push was refused, or not made; nothing was committed since"
    assert fix == (
        "`git push --atomic origin main v1.1.0` makes it public; `venvbuild release rollback` takes it back; "
        "for a new one commit what is new, with its line in the changelog"
    )
    before = repo.git("rev-parse", "HEAD^")
    assert ours.run("release", "rollback").code == 0
    assert repo.git("rev-parse", "HEAD") == before
    assert ours.run("release", "bump", "minor", "--tag").code == 2
    hook.unlink()
    repo.git(*fix.split("`")[1].split()[1:])
    assert repo.at_remote("rev-parse", "main", "v1.1.0^{commit}").split() == [repo.git("rev-parse", "HEAD")] * 2
    assert ours.run("release", "plan", "minor").code == 3  # nothing is unreleased: that is so, now
    text = (repo.folder / "CHANGELOG.md").read_text()
    repo.write("CHANGELOG.md", text.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n- More.\n", 1))
    repo.commit()
    assert ours.run("release", "plan", "--json").json["version"] == "1.1.1"


def test_a_number_that_the_index_has_is_taken_where_one_is_configured(ours: Tool, repo: Repo) -> None:
    wheel(ours.index.folder, "demo-tools", "1.1.0")
    ours.env |= {
        "VENVBUILD_RELEASE_INDEX_URL": ours.index.url(),
        "VENVBUILD_RELEASE_UPLOAD_URL": "https://x.invalid/u/",
    }
    taken = ours.run("release", "plan", "minor")
    assert (taken.code, "on the index already" in taken.stderr) == (2, True), taken.stderr
    assert ours.run("release", "plan", "patch").code == 3
    for more in (["patch", "--older-line"], ["minor", "--no-index"], ["major"]):
        assert ours.run("release", "plan", *more).code == 0
    assert "not on the index" in ours.run("release", "plan", "major").stdout


@pytest.mark.traced
def test_a_tag_is_made_here_only_and_once(ours: Tool, repo: Repo) -> None:
    repo.git("tag", "--delete", "v1.0.0")
    for said in ("nothing was pushed", "is there already"):
        made = ours.run("release", "tag")
        assert (made.code, made.stdout) == (0, "v1.0.0\n"), made.stderr
        assert said in made.stderr
    repo.write("README.md", "# Later\n")
    repo.commit()
    assert ours.run("release", "tag").code == 2
    assert ours.run("release", "tag", "1.0.1").code == 3
    assert ours.run("release", "bump", "patch", "--sign-tag").code == 2


def test_a_break_is_a_warning_or_with_strict_api_11(ours: Tool, repo: Repo) -> None:
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write("src/demo_tools/__init__.py", init.partition("def hello")[0])
    repo.commit()
    refused = ours.run("release", "bump", "minor", "--strict-api", "--json")
    assert refused.code == 11, refused.stderr
    assert "hello" in json.dumps(refused.json)
    assert repo.git("status", "--porcelain") == ""
    assert ours.run("release", "plan", "major").code == 0


def test_without_a_project_or_a_repository_it_says_so(tool: Tool) -> None:
    assert "neither pyproject.toml nor setup.cfg" in tool.run("release", "status").stderr
    projects.seed(tool.folder / "project")
    said = tool.run("release", "status", "--project", "project")
    assert (said.code, "git init" in said.stderr) == (2, True)
    assert tool.run("release", "status", "--project", "none").code == 2


def test_publish_with_missing_distributions(tool: Tool) -> None:
    """An empty dist/ is 2 by its manifest that is not there, and nobody is asked anything."""
    (tool.folder / "dist").mkdir()
    with FakeIndex(PROFILES["pypiserver"]) as index:
        refused = tool.run("release", "publish", **index.environment())
        assert index.requests == []
    assert (refused.code, refused.stdout) == (2, "")
    assert "nothing is built" in refused.stderr
    assert "venvbuild release build" in refused.stderr


def test_status_imports_nothing_that_asks_builds_or_checks(ours: Tool) -> None:
    """So it is there at once. `58` is how many modules of ours it took at the last count."""
    done = run(
        [sys.executable, "-c", SCRIPT, "release", "status"], env=ours.environment(), cwd=ours.folder, timeout_s=60
    )
    names = set(json.loads(done.stdout))
    assert {name.partition(".")[0] for name in names} - {"venvbuild"} <= {"click", "packaging", "uv"}
    assert len([name for name in names if name.startswith("venvbuild")]) <= 58
