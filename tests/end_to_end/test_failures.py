"""Every way in which packages cannot be had: its message and its code, neither resting on an installer's words."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
import uv

from tests.support import real_pip
from tests.support.index_server import IndexServer
from tests.support.sizes import WAITING
from tests.support.tool import Ended, Tool
from tests.support.wheels import sdist, wheel

PATIENCE = {"UV_HTTP_TIMEOUT": "1", "UV_HTTP_RETRIES": "0"}
INSTALLERS = ("uv", "pip")


@pytest.fixture
def tool(tool: Tool) -> Tool:
    folder = tool.index.folder
    wheel(folder, "good", "1.0")
    wheel(folder, "good", "2.0")
    wheel(folder, "elsewhere", "1.0", tag="cp39-cp39-win_amd64")
    wheel(folder, "old", "1.0", python="<3.9")
    sdist(folder, "source", "1.0")
    wheel(folder, "a", "1.0", requires=["shared<2"])
    wheel(folder, "b", "1.0", requires=["shared>=2"])
    wheel(folder, "shared", "1.0")
    wheel(folder, "shared", "2.0")
    wheel(folder, "lonely", "1.0", requires=["nowhere>=1"])
    tool.env.update(PATIENCE)
    return tool


def problem(done: Ended) -> dict[str, str]:
    found: dict[str, str] = done.json["error"]["problems"][0]
    return found


@WAITING
@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize(
    ("mode", "code", "what"),
    [
        ("status-401", 2, "the package index refuses access (HTTP 401)"),
        ("status-403", 2, "the package index refuses access (HTTP 403)"),
        ("none", 2, "the package index does not answer for any package, not even pip"),
        ("login", 2, "the package index does not answer for any package, not even pip"),
        ("status-429", 6, "the package index is unavailable"),
        ("status-500", 6, "the package index is unavailable"),
        ("status-503", 6, "the package index is unavailable"),
        ("hang", 6, "the package index is unavailable"),
        ("cut", 6, "the package index is unavailable"),
        ("file-403", 2, "the package index refuses access (HTTP 403)"),
        ("file-503", 6, "the package index is unavailable"),
        ("file-404", 4, "good-1.0-py3-none-any.whl is listed by the index but is not there (HTTP 404)"),
        ("wrong", 8, "good-1.0-py3-none-any.whl has other bytes than promised"),
    ],
)
def test_a_bad_index_is_told_apart(tool: Tool, mode: str, code: int, what: str, installer: str) -> None:
    done = tool.build("good==1.0", VENVBUILD_INDEX_URL=tool.index.url(mode), VENVBUILD_INSTALLER=installer)
    assert (done.code, problem(done)["what"]) == (code, what), done.stderr
    assert problem(done)["fix"]


@WAITING
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/simple", "http://no-such-host.invalid/simple"])
def test_an_index_that_cannot_be_reached_may_be_tried_again(tool: Tool, url: str) -> None:
    done = tool.build("good==1.0", VENVBUILD_INDEX_URL=url)
    assert (done.code, problem(done)["what"]) == (6, "the package index is unavailable")
    assert problem(done)["where"].startswith(url)
    assert "trying again (3 of 3)" in done.stderr


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize(
    ("pin", "code", "what", "hint"),
    [
        ("nowhere==1.0", 4, "there is no package 'nowhere' on the index", "correct the name"),
        ("good==3.0", 4, "there is no version good==3.0", "good==2.0"),
        ("elsewhere==1.0", 4, "elsewhere==1.0 has no wheel for Python 3.11 on linux_x86_64", "sys_platform == 'win32'"),
        ("source==1.0", 4, "source==1.0 has no wheel at all, only source", "--allow-sdist source"),
        ("lonely==1.0", 4, "lonely 1.0 needs nowhere>=1, and the index has no package 'nowhere'", "right index"),
    ],
)
def test_what_the_index_does_not_have_is_4(
    tool: Tool, pin: str, code: int, what: str, hint: str, installer: str
) -> None:
    done = tool.build(pin, VENVBUILD_INSTALLER=installer)
    assert (done.code, problem(done)["what"]) == (code, what), done.stderr
    assert hint in problem(done)["fix"]


def test_a_pin_that_excludes_this_python_cannot_be_forced(tool: Tool) -> None:
    wheel(tool.index.folder, "new", "1.0", python=">=3.12")
    done = tool.build("new==1.0", FAIL_ON_CONFLICTS="false")
    assert done.code == 4
    assert problem(done)["what"].startswith("new==1.0 does not support Python 3.11")


def test_an_upper_bound_on_python_which_installers_ignore_is_a_conflict(tool: Tool) -> None:
    done = tool.build("old==1.0")
    assert done.code == 5
    assert problem(done)["what"].startswith("old 1.0 needs Python <3.9, this is Python 3.11")
    assert problem(done)["where"] == "conflicts.txt"
    assert problem(done)["fix"]


def test_pins_that_contradict_each_other_through_a_third_are_5(tool: Tool) -> None:
    done = tool.build("a==1.0", "b==1.0")
    assert done.code == 5
    assert problem(done)["what"] == "a 1.0 needs shared<2, b 1.0 needs shared>=2"
    assert "pin shared to choose and build with --no-fail-on-conflicts" in problem(done)["fix"]


def test_the_one_that_nobody_pinned_has_to_be_chosen_before_pins_can_be_forced(tool: Tool) -> None:
    assert tool.build("a==1.0", "b==1.0", FAIL_ON_CONFLICTS="false").code == 4
    done = tool.build("a==1.0", "b==1.0", "shared==2.0", FAIL_ON_CONFLICTS="false")
    assert done.code == 0, done.stderr
    assert done.json["conflicts"] == ["a 1.0 needs shared<2, shared 2.0 is installed"]


def test_every_pin_that_is_wrong_is_told_in_one_run(tool: Tool) -> None:
    done = tool.build("good==9", "nowhere==1", "elsewhere==1.0")
    whats = [one["what"] for one in done.json["error"]["problems"]]
    assert len(whats) == 3
    for line in range(1, 4):
        assert f"requirements.txt:{line}: " in done.stderr


@WAITING
@pytest.mark.parametrize(
    ("pins", "mode", "code"),
    [
        (["good==1.0"], "status-503", 6),
        (["good==1.0"], "status-403", 2),
        (["good==3.0"], "ok", 4),
        (["elsewhere==1.0"], "ok", 4),
        (["good==1.0"], "wrong", 8),
        (["a==1.0", "b==1.0"], "ok", 5),
        (["a==1.0", "shared==2.0"], "ok", 5),
    ],
)
def test_the_class_stays_when_the_installer_talks_nonsense(
    tool: Tool, tmp_path: Path, pins: list[str], mode: str, code: int
) -> None:
    package = tmp_path / "nonsense" / "uv"
    package.mkdir(parents=True)
    wrapper = package / "uv"
    wrapper.write_text(
        f"#!/bin/sh\n{uv.find_uv_bin()} \"$@\" >/dev/null 2>&1\ncode=$?\necho 'the moon is full' >&2\nexit $code\n"
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    (package / "__init__.py").write_text(f"def find_uv_bin():\n    return {str(wrapper)!r}\n")
    path = f"{package.parent}:{os.environ.get('PYTHONPATH', '')}:{Path(__file__).parents[2]}"
    done = tool.build(*pins, VENVBUILD_INDEX_URL=tool.index.url(mode), PYTHONPATH=path)
    assert done.code == code, done.stderr


@WAITING
def test_links_that_were_configured_are_asked_when_something_goes_wrong_too(tool: Tool) -> None:
    links = tool.folder / "links with spaces, and a comma"
    wheel(links, "only-here", "1.0", requires=["good>=2"])
    for shared in ("one", "two"):
        wheel(links, f"shared-{shared}", "1.0", files={"shared.py": f"who = {shared!r}\n"})
    (tool.folder / "config.toml").write_text(f"find_links = [{json.dumps(str(links))}]\n")
    real_pip.put_into(tool.index.folder, "3.11")
    for installer in INSTALLERS:
        more = ("--json", "--config", "config.toml", "--installer", installer)
        done = tool.run("build", "-r", tool.requirements("only-here==1.0", "good==1.0"), *more)
        assert done.code == 5, done.stderr
        assert problem(done)["what"] == "only-here 1.0 needs good>=2, good 1.0 is pinned"
        done = tool.run("build", "-r", tool.requirements("shared-one==1.0", "shared-two==1.0"), *more)
        assert done.code == 0, done.stderr


@WAITING
def test_a_run_that_took_too_long_says_so(tool: Tool) -> None:
    done = tool.build(
        "good==1.0", VENVBUILD_INDEX_URL=tool.index.url("hang"), UV_HTTP_TIMEOUT="60", VENVBUILD_TIMEOUT_S="1"
    )
    assert done.code == 6
    assert "--timeout-s" in problem(done)["fix"]


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_pins(tool: Tool) -> None:
    done = tool.build("good==1.0", UV_CACHE_DIR="/dev/null/cache")
    assert done.code == 2, done.stderr
    assert "/dev/null" in problem(done)["where"]


def test_a_yanked_pin_is_built_with_a_warning(tool: Tool) -> None:
    tool.index.yanked["good-1.0-py3-none-any.whl"] = "it bites"
    done = tool.build("good==1.0")
    assert done.code == 0, done.stderr
    assert done.stderr.count("it bites") == 1
    assert "requirements.txt:1: good==1.0 is yanked" in done.stderr


def test_credentials_of_the_index_url_are_used_and_shown_nowhere(tool: Tool, index: IndexServer) -> None:
    from tests.support.index_server import PASSWORD

    done = tool.run(
        "build",
        "--json",
        "-r",
        tool.requirements("good==1.0"),
        "--work-dir",
        tool.work,
        VENVBUILD_INDEX_URL=index.url_with_credentials,
    )
    assert done.code == 0, done.stderr
    assert any(authorization for _, authorization in index.requests)
    for path in [*tool.work.rglob("*"), *Path(tool.store).rglob("*")]:
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in done.stdout + done.stderr
