"""The workflows that publish a release from its tag: run by act, offline, and judged by three linters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import downloads, projects, real_pip, workflow
from tests.support.devpi_server import Devpi
from tests.support.index_server import IndexServer
from tests.support.releases import target
from tests.support.requirement import require
from tests.support.scripts import REPOSITORY
from tests.support.wheels import wheel
from tests.support.workflow import Ended, Runner
from venvbuild.release import Index, Manifest

OURS = REPOSITORY / ".github" / "workflows" / "publish.yml"
PROJECT = REPOSITORY / "examples" / "release" / "project"
OF_THE_EXAMPLE = PROJECT / ".github" / "workflows" / "publish.yml"
BOTH = pytest.mark.parametrize("file", [OURS, OF_THE_EXAMPLE], ids=["ours", "example"])
INDEX_URL = "https://pypi.company.com/team/prod/+simple/"
TOKEN = "pw-Canary-21-abcdefghij"  # a secret of the tests
TOLD = {"PYPI_BACKEND", "DEVPI_INDEX_URL", "DEVPI_USER", "DEVPI_TOKEN"}
WHOLE = {
    "build": [
        "Check out the tag", "Pythons to try it on, the last for the tool", "Build and check", "Hand the files on",
    ],
    "publish": ["Check out the tag", "Python for the tool", "Take the files", "Publish and verify"],
    "release": ["Take the files", "Make the GitHub Release"],
}  # fmt: skip
INSTALLING = "The tool, from the index that has it"
BUILD, CHECK, RUN = ["release", "build"], ["release", "check"], ["release", "run", "--from-tag"]
FILES = {"databricks_tools-0.2.0-py3-none-any.whl", "databricks_tools-0.2.0.tar.gz", "venvbuild-release.json"}

STAND_IN = """\
#!{python}
import hashlib, json, os, pathlib, re, subprocess, sys

def git(*words):
    return subprocess.run(["git", *words], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()

version = re.search('__version__ = "(.*)"', pathlib.Path("src/databricks_tools/__init__.py").read_text())[1]
tag = "v" + version
log = pathlib.Path({log!r})
dist = pathlib.Path("dist")
told = {{
    "arguments": sys.argv[1:], "environment": dict(os.environ), "branch": git("branch", "--show-current"),
    "commits": git("rev-list", "--count", "HEAD"), "tag": git("cat-file", "-t", "refs/tags/" + tag),
    "changes": git("status", "--porcelain"), "dist": sorted(one.name for one in dist.glob("*")),
}}
log.write_text(json.dumps([*(json.loads(log.read_text()) if log.exists() else []), told]))
if sys.argv[2] == "run" and tag not in git("tag", "--points-at", "HEAD").split():
    sys.exit("the project is " + version + ", and " + tag + " is no tag of this commit")
if sys.argv[2] == "build":
    dist.mkdir()
    files = []
    for name in ("databricks_tools-%s-py3-none-any.whl" % version, "databricks_tools-%s.tar.gz" % version):
        (dist / name).write_text(name)
        files.append({{"filename": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}})
    manifest = {{"schema_version": 1, "name": "databricks-tools", "version": version, "tag": tag, "files": files}}
    (dist / "venvbuild-release.json").write_text(json.dumps(manifest))
    (dist / "other.txt").write_text("none of the release")
"""


def read(file: Path) -> dict[Any, Any]:
    parsed: dict[Any, Any] = yaml.safe_load(file.read_text("utf-8"))
    return parsed


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """The example project with our workflow in it, released as v0.2.0 from the last of two commits.

    In its bin/ is a stand-in for the tool, by its contract: `build` leaves wheel, sdist and manifest in dist/; `run
    --from-tag` works on whatever is checked out, and refuses a tag that is not the version of the project.
    """
    workflow.require_programs()
    project, remote = tmp_path / "project", tmp_path / "remote.git"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("publish.yml", "dist"))
    shutil.copy(OURS, project / ".github" / "workflows")
    (project / "bin").mkdir()
    tool(project / "bin" / "venvbuild", tmp_path / "told.json")
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    git(project, "init", "-q", "-b", "main")
    git(project, "remote", "add", "origin", str(remote))
    git(project, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "Release 0.2.0")
    tag(project, "v0.2.0")
    return Runner(
        OURS.relative_to(REPOSITORY), tmp_path, remote, project,
        variables={"DEVPI_INDEX_URL": INDEX_URL, "DEVPI_USER": "ci"},
        secrets={"DEVPI_TOKEN": TOKEN, "GITHUB_TOKEN": "of-the-job"},
    )  # fmt: skip


def tool(place: Path, log: Path) -> None:
    place.write_text(STAND_IN.format(python=sys.executable, log=str(log)))
    place.chmod(0o755)


def tag(project: Path, name: str) -> None:
    git(project, "tag", "-a", name, "-m", name)
    git(project, "push", "-q", "--atomic", "origin", "main", name)


def told(runner: Runner) -> list[dict[str, Any]]:
    """What the tool was given, and saw, each time."""
    said: list[dict[str, Any]] = json.loads((runner.folder / "told.json").read_text())
    return said


def nothing_ran(runner: Runner, ended: Ended) -> bool:
    return (ended.jobs, ended.asked, (runner.folder / "told.json").exists()) == ({}, [], False)


# --- it runs


def test_ci_workflow_on_tag_push(runner: Runner) -> None:
    """Fakes by their contract are here: GitHub, whose trigger is read from the text, the four actions, `gh`, the tool.
    Real are the workflow's jobs, guards, expressions and shell lines, and git."""
    assert workflow.triggers_of(read(OURS))["push"] == {"tags": ["v*"]}
    ended = runner.run("push", "refs/tags/v0.2.0")
    assert (ended.code, ended.jobs) == (0, WHOLE), ended.log
    build, check, run = told(runner)
    assert [one["arguments"] for one in (build, check, run)] == [BUILD, CHECK, RUN]
    assert {name: run["environment"].get(name) for name in TOLD} == {
        "PYPI_BACKEND": "",  # as a variable arrives that is not set
        "DEVPI_INDEX_URL": INDEX_URL,
        "DEVPI_USER": "ci",
        "DEVPI_TOKEN": TOKEN,
    }
    assert not TOLD & {*build["environment"], *check["environment"]}
    # a detached HEAD of depth 1, with the tag that somebody made; and to publish there is what was built
    for one in (build, run):
        assert (one["branch"], one["commits"], one["tag"], one["changes"]) == ("", "1", "tag", "")
    assert (build["dist"], run["dist"]) == ([], sorted(FILES))
    [asked, made] = ended.asked
    assert asked["arguments"][:3] == ["release", "view", "v0.2.0"]
    assert made["arguments"][:5] == ["release", "create", "v0.2.0", "--verify-tag", "--prerelease=false"]
    assert {name.removeprefix("dist/") for name in made["files"]} == FILES
    assert made["notes"] == f"    pip install databricks-tools==0.2.0 --index-url {INDEX_URL}\n"
    assert made["environment"]["GH_TOKEN"] == "of-the-job"
    assert not TOLD & set(made["environment"])
    assert "Canary" not in ended.log


@pytest.mark.slow
@pytest.mark.xdist_group("devpi")
def test_ci_publishes_from_the_tag_with_the_tool_itself(
    runner: Runner, devpi: Devpi, backends: IndexServer, uv_cache: Path
) -> None:
    """To a devpi here, by a user with a password; contract fakes are GitHub, its actions and `gh`."""
    index = devpi.index()
    place = runner.project / "bin" / "venvbuild"
    place.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m venvbuild "$@"\n')
    git(runner.project, "commit", "-q", "-a", "-m", "Release 0.2.0 by the tool")
    git(runner.project, "tag", "-d", "v0.2.0")
    git(runner.project, "push", "-q", "origin", ":refs/tags/v0.2.0")
    tag(runner.project, "v0.2.0")
    runner.variables |= {"DEVPI_INDEX_URL": f"{index.url}+simple/", "DEVPI_USER": index.user}
    runner.secrets |= {"DEVPI_TOKEN": index.password}
    runner.environment |= {"VENVBUILD_INDEX_URL": backends.url(), "UV_CACHE_DIR": str(uv_cache)}
    ended = runner.run("push", "refs/tags/v0.2.0")
    assert (ended.code, ended.jobs) == (0, WHOLE), ended.log
    made = Manifest.read(runner.folder / "artifacts" / "dist")
    assert made.commit == projects.git(runner.project, "rev-parse", "v0.2.0^{commit}")
    shown = Index(target(index.environment())).list("databricks-tools").files
    assert {one.filename: one.sha256 for one in shown} == {one.filename: one.sha256 for one in made.files}
    assert devpi.uploads(index) == 2
    assert "pip install databricks-tools==0.2.0" in ended.log
    assert ended.asked[1]["notes"] == f"    pip install databricks-tools==0.2.0 --index-url {index.url}+simple/\n"
    assert index.password not in ended.log
    # started again, it leaves there what is there
    again = runner.run("workflow_dispatch", "refs/heads/main", tag="v0.2.0")
    assert again.code == 0, again.log
    assert devpi.uploads(index) == 2


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/v9", "refs/tags/nightly"])
def test_what_is_no_tag_of_a_release_is_passed_over(runner: Runner, ref: str) -> None:
    ended = runner.run("push", ref)
    assert ended.code == 0, ended.log
    assert nothing_ran(runner, ended), ended.log


def test_by_hand_it_takes_a_tag_on_any_branch_and_leaves_a_release_that_is_there(runner: Runner) -> None:
    (runner.project / "src" / "databricks_tools" / "__init__.py").write_text('__version__ = "0.3.0rc1"\n')
    git(runner.project, "commit", "-q", "-a", "-m", "Release 0.3.0rc1")
    tag(runner.project, "v0.3.0rc1")
    for name in ("v0.2.0", "v0.3.0rc1", "v0.3.0rc1"):
        ended = runner.run("workflow_dispatch", "refs/heads/main", tag=name)
        assert (ended.code, ended.jobs) == (0, WHOLE), ended.log
    words = [one["arguments"] for one in ended.asked]
    assert [(one[1], one[2]) for one in words] == [
        ("view", "v0.2.0"), ("create", "v0.2.0"), ("view", "v0.3.0rc1"), ("create", "v0.3.0rc1"), ("view", "v0.3.0rc1"),
    ]  # fmt: skip
    assert (words[1][4], words[3][4]) == ("--prerelease=false", "--prerelease=true")


def test_by_hand_a_branch_is_no_tag(runner: Runner) -> None:
    ended = runner.run("workflow_dispatch", "refs/heads/main", tag="main")
    assert ended.code == 0, ended.log
    assert nothing_ran(runner, ended), ended.log


def test_other_bytes_than_the_manifest_has_come_into_no_release(runner: Runner) -> None:
    place = runner.project / "bin" / "venvbuild"
    place.write_text(f'{place.read_text()}    (dist / files[1]["filename"]).write_text("other")\n')
    git(runner.project, "commit", "-q", "-a", "-m", "Release 0.2.1")
    (runner.project / "src" / "databricks_tools" / "__init__.py").write_text('__version__ = "0.2.1"\n')
    git(runner.project, "commit", "-q", "-a", "-m", "Release 0.2.1")
    tag(runner.project, "v0.2.1")
    ended = runner.run("push", "refs/tags/v0.2.1")
    assert ended.code != 0
    # Not by what sha256sum says: of a step that fails act loses the last lines on a busy machine.
    assert (runner.folder / "artifacts" / "dist" / "databricks_tools-0.2.1.tar.gz").read_text() == "other"
    assert (ended.jobs["publish"], ended.jobs["release"]) == (WHOLE["publish"], ["Take the files"]), ended.log
    assert ended.asked == []


def test_a_tag_that_is_not_the_version_is_refused_and_makes_no_release(runner: Runner) -> None:
    tag(runner.project, "v0.9.0")
    ended = runner.run("push", "refs/tags/v0.9.0")
    assert ended.code != 0
    assert "the project is 0.2.0" in ended.log
    assert [one["arguments"] for one in told(runner)] == [BUILD, CHECK, RUN]
    assert ended.asked == []


def test_the_workflow_of_the_example_installs_the_tool_and_is_else_ours(runner: Runner) -> None:
    """With the stand-in as a wheel, in an environment of its own."""
    shutil.copy(OF_THE_EXAMPLE, runner.project / runner.workflow)
    git(runner.project, "rm", "-q", "-r", "bin")
    git(runner.project, "commit", "-q", "-a", "-m", "Release 0.2.0 without bin")
    git(runner.project, "tag", "-d", "v0.2.0")
    git(runner.project, "push", "-q", "origin", ":refs/tags/v0.2.0")
    tag(runner.project, "v0.2.0")
    text = STAND_IN.format(python="", log=str(runner.folder / "told.json")).partition("\n")[2]
    files = {"venvbuild_stand_in.py": "def main():\n" + "".join(f"    {line}\n" for line in text.splitlines())}
    links = runner.folder / "links"
    wheel(links, "venvbuild", "0.1.0", files=files, scripts={"venvbuild": "venvbuild_stand_in:main"})
    runner.pythons = real_pip.environment(runner.folder / "python")
    runner.environment.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(links))
    ended = runner.run("push", "refs/tags/v0.2.0")
    assert ended.code == 0, ended.log
    assert [one["arguments"] for one in told(runner)] == [BUILD, CHECK, RUN]
    of_ours, of_the_example = read(OURS), read(OF_THE_EXAMPLE)
    for job in ("build", "publish"):
        assert ended.jobs[job] == [*WHOLE[job][:2], INSTALLING, *WHOLE[job][2:]]
        steps = of_the_example["jobs"][job]["steps"]
        assert steps.pop(2)["run"].startswith('python -m pip install --index-url "$DEVPI_INDEX_URL" venvbuild==')
        for step in steps:
            if "run" in step:
                step["run"] = step["run"].replace("venvbuild release", "bin/venvbuild release")
    for one in (of_ours, of_the_example):
        del one["jobs"]["build"]["steps"][1]["with"]  # each has the Pythons that its package is for
    assert of_ours == of_the_example


# --- as it is written


@BOTH
def test_each_action_is_pinned_by_its_hash_with_the_version_beside_it(file: Path) -> None:
    lines = re.findall(r"uses: (.*)", file.read_text("utf-8"))
    assert len(lines) == len(workflow.uses_of(read(file))) == 7
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[0-9.]+", line) for line in lines)


def test_both_have_the_pins_that_the_documentation_lists_as_not_verified() -> None:
    pins = [set(workflow.uses_of(read(file))) for file in (OURS, OF_THE_EXAMPLE)]
    page = (REPOSITORY / "docs" / "releases.md").read_text("utf-8")
    listed = re.findall(r"^\| `(actions/[a-z-]+)` \| v[0-9.]+ \| `([0-9a-f]{40})` \|$", page, re.MULTILINE)
    assert pins == [{f"{name}@{commit}" for name, commit in listed}] * 2


@BOTH
def test_only_the_job_that_makes_the_release_may_write(file: Path) -> None:
    parsed = read(file)
    assert parsed["permissions"] == {"contents": "read"}
    assert {name: job.get("permissions") for name, job in parsed["jobs"].items()} == {
        "build": None,
        "publish": None,
        "release": {"contents": "write"},
    }


@BOTH
def test_the_one_secret_is_seen_by_the_one_step_that_publishes_and_the_address_is_none(file: Path) -> None:
    parsed = read(file)
    steps = [step for job in parsed["jobs"].values() for step in job["steps"]]
    assert [step["name"] for step in steps if "secrets." in str(step)] == ["Publish and verify"]
    assert re.findall(r"secrets\.\w+", str(parsed)) == ["secrets.DEVPI_TOKEN"]
    assert {value for step in steps for name, value in step.get("env", {}).items() if "INDEX_URL" in name} == {
        "${{ vars.DEVPI_INDEX_URL }}"
    }


# --- the linters


def lint(name: str, file: Path) -> subprocess.CompletedProcess[str]:
    beside = workflow.PYTHONS
    commands: Mapping[str, list[str | Path]] = {
        "schema": [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", file],
        "zizmor": [beside / "zizmor", "--offline", "--no-progress", file],
        "actionlint": [],
    }
    command = commands[name]
    if name == "actionlint":
        require((beside / "shellcheck").exists(), "shellcheck is not installed beside the Python of the tests")
        command = [downloads.actionlint(), "-shellcheck", beside / "shellcheck", "-pyflakes", "", file]
    require(Path(command[0]).exists(), f"{name} is not installed beside the Python of the tests")
    return subprocess.run(command, capture_output=True, text=True, check=False)


@BOTH
@pytest.mark.parametrize("name", ["schema", "zizmor", "actionlint"])
def test_a_linter_finds_nothing(name: str, file: Path) -> None:
    linted = lint(name, file)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        pytest.param("schema", "timeout-minutes:", "timeout-minute:", id="schema"),
        pytest.param("zizmor", "@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "@v6", id="zizmor"),
        pytest.param("actionlint", '--title "$TAG"', "--title $TAG", id="actionlint"),
    ],
)
def test_a_linter_finds_a_mistake(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = OURS.read_text("utf-8")
    assert right in text
    spoiled = tmp_path / ".github" / "workflows" / "publish.yml"
    spoiled.parent.mkdir(parents=True)
    spoiled.write_text(text.replace(right, wrong))
    assert lint(name, spoiled).returncode != 0
