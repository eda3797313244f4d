"""From ranges to a build, by the tool alone: compile, check, build, with neither uv nor pip-tools on the PATH."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.index_server import PASSWORD
from tests.support.tool import Tool
from tests.support.wheels import sdist, wheel

pytestmark = pytest.mark.traced


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """Without the programs that others compile with."""
    folders = [Path(part) for part in os.environ["PATH"].split(":") if part]
    kept = [folder for folder in folders if not any((folder / name).exists() for name in ("uv", "pip-compile"))]
    programs = tool.folder / "programs"
    programs.mkdir()
    for name in ("python3.11", "python3", "sh"):
        if not any((folder / name).exists() for folder in kept) and (found := shutil.which(name)):
            (programs / name).symlink_to(found)
    tool.env["PATH"] = ":".join(map(str, [*kept, programs]))
    assert not shutil.which("uv", path=tool.env["PATH"])
    wheel(tool.index.folder, "needy", "1.0", requires=["other"])
    wheel(tool.index.folder, "other", "1.0")
    return tool


def digest(tool: Tool) -> str:
    """Of the wheel of `other`."""
    return hashlib.sha256((tool.index.folder / "other-1.0-py3-none-any.whl").read_bytes()).hexdigest()


def test_what_is_compiled_is_checked_and_built_as_it_is(tool: Tool) -> None:
    tool.requirements("needy", name="requirements.in")
    done = tool.run("compile", "requirements.in")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("requirements.txt  2 packages for Python 3.11 on ")
    assert done.stdout.endswith("  2 added\n")
    assert tool.run("check").code == 0
    built = tool.run("build", "--json", "--locked")
    assert built.code == 0, built.stderr
    assert {"needy==1.0", "other==1.0"} <= set(built.json["installed_packages"])


def test_the_command_at_the_top_does_it_again_in_the_folder_of_the_file(tool: Tool) -> None:
    folder = tool.folder / "sub folder"
    folder.mkdir()
    tool.requirements("needy", name="sub folder/my wishes.in")
    tool.requirements("other<2", name="limits.txt")
    first = tool.run("compile", "-c", "limits.txt", "-o", "sub folder/out.txt", "sub folder/my wishes.in")
    assert first.code == 0, first.stderr
    text = (folder / "out.txt").read_text()
    words = shlex.split(text.splitlines()[1].removeprefix("#"))
    assert words[0] == "venvbuild"
    (folder / "out.txt").unlink()
    again = Tool(folder, tool.index, tool.forks, tool.env).run(*words[1:])
    assert (again.code, (folder / "out.txt").read_text()) == (0, text)


def test_the_result_is_one_json_value(tool: Tool) -> None:
    tool.requirements("needy", name="a.in")
    tool.requirements("other==0.9", name="out.txt")
    assert tool.run("compile", "a.in", "-o", "out.txt", "--json").json == {
        "output": "out.txt",
        "python_version": "3.11",
        "platform": "linux_" + os.uname().machine,
        "packages": ["needy==1.0", "other==1.0"],
        "added": ["needy"],
        "changed": ["other"],
        "removed": [],
    }


def test_a_private_index_is_asked_with_credentials_that_nobody_sees(tool: Tool) -> None:
    tool.requirements("needy", name="a.in")
    done = tool.run("compile", "a.in", "-o", "out.txt", VENVBUILD_INDEX_URL=tool.index.url_with_credentials)
    assert done.code == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr + (tool.folder / "out.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["absent.in"], 2, "absent.in cannot be read"),
        (["-"], 2, "- cannot be read"),
        ([], 2, "FILE"),
        (["a.in", "--python", "3.99"], 2, "Python 3.99 is not installed here"),
        (["a.in", "--python", "three"], 3, "three"),
        (["a.in", "-c", "absent.txt"], 2, "absent.txt cannot be read"),
        (["bad.in"], 3, "bad.in:2: -e installs from a folder"),
        (["missing.in"], 4, "missing.in:1: there is no package 'absent'"),
        (["a.in", "--index-url", "http://127.0.0.1:1/simple"], 6, "the package index is unavailable"),
        (["a.in", "-o", "bad.in"], 2, "this line would be lost"),
        (["a.in", "--upgrade", "oter"], 2, "--upgrade names oter"),
    ],
)
def test_a_failure_says_what_where_and_what_to_do_and_writes_nothing(
    tool: Tool, arguments: list[str], code: int, said: str
) -> None:
    tool.requirements("needy", name="a.in")
    tool.requirements("needy", "-e .", name="bad.in")
    tool.requirements("absent", name="missing.in")
    before = sorted(os.listdir(tool.folder))
    done = tool.run("compile", *arguments, UV_HTTP_RETRIES="0", UV_HTTP_TIMEOUT="1")
    assert (done.code, done.stdout) == (code, "")
    assert said in done.stderr
    assert "fix: " in done.stderr
    assert sorted(os.listdir(tool.folder)) == before


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("needy==1.0", "other==1.0 --hash=sha256:{other}"), id="a hash is missing"),
        pytest.param(("needy==1.0 --hash=sha256:12", "other==1.0 --hash=sha256:{other}"), id="a hash is broken"),
    ],
)
def test_the_fix_of_a_bad_hash_is_followed_to_the_letter_and_builds(tool: Tool, lines: tuple[str, ...]) -> None:
    tool.requirements(*(line.format(other=digest(tool)) for line in lines))
    refused = tool.run("check")
    command = refused.stderr.partition("fix: ")[2].strip().rpartition(": ")[2]
    assert (refused.code, command) == (3, "venvbuild compile --python 3.11 -o requirements.txt requirements.txt")
    followed = tool.run(*shlex.split(command)[1:])
    assert followed.code == 0, followed.stderr
    assert tool.run("build").code == 0


@pytest.mark.parametrize(
    ("base", "line"),
    [("other==1.0 --hash=sha256:{}", "-r base.txt"), ("other<2", "-c base.txt")],
    ids=["hash", "limit"],
)
def test_the_fix_of_an_included_file_is_followed_to_the_letter_and_builds(tool: Tool, base: str, line: str) -> None:
    tool.requirements(base.format(digest(tool)), name="base.txt")
    tool.requirements(line, "needy==1.0")
    refused = tool.run("check")
    command, _, then = refused.stderr.partition("fix: ")[2].strip().partition(", and ")
    assert (refused.code, then) == (3, "build with -r pinned.txt")
    followed = tool.run(*shlex.split(command.rpartition(": ")[2])[1:])
    assert followed.code == 0, followed.stderr
    assert tool.run("build", "-r", "pinned.txt").code == 0


def test_a_package_without_wheels_is_compiled_and_built_by_following_what_is_said(tool: Tool) -> None:
    sdist(tool.index.folder, "sourced", "1.0", requires=["other"])
    tool.requirements("sourced", name="a.in")
    refused = tool.run("compile", "a.in")
    assert (refused.code, refused.stderr.strip().endswith(": --allow-sdist sourced")) == (4, True)
    assert tool.run("compile", "a.in", "--allow-sdist", "sourced").code == 0
    built = tool.run("build", "--json", "--locked", "--allow-sdist", "sourced")
    assert built.code == 0, built.stderr
    assert {"sourced==1.0", "other==1.0"} <= set(built.json["installed_packages"])
