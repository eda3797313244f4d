"""What a terminal gets: no colour ever, a bar where a line can be cleared, tables that fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest

from tests.support.terminal import at_a_terminal
from tests.support.tool import Tool
from tests.support.wheels import wheel

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_BAR = "\r\x1b[K["


@pytest.fixture
def user(tool: Tool) -> Tool:
    wheel(tool.index.folder, "good", "1.0")
    tool.requirements("good==1.0")
    return tool


def seen(tool: Tool, arguments: Sequence[str], env: Mapping[str, str], columns: int = 80) -> str:
    _, said = at_a_terminal(tool.command(*arguments), tool.environment(**env), tool.folder, columns=columns)
    return said


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({}, id="nothing set"),
        pytest.param({"NO_COLOR": "1"}, id="NO_COLOR"),
        pytest.param({"NO_COLOR": "", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, id="colour asked for"),
    ],
)
def test_nothing_has_a_colour_and_what_can_clear_a_line_gets_a_bar(user: Tool, env: dict[str, str]) -> None:
    env = {"TERM": "xterm-256color", **env}
    built = seen(user, ["build"], env)
    assert _BAR in built
    others = [["--help"], ["list"], ["find", "good"], ["lst"], ["check", "-r", "absent.txt"], ["doctor"]]
    for text in (built, *(seen(user, arguments, env) for arguments in others)):
        assert not _COLOUR.search(text), text


def test_a_dumb_terminal_gets_lines_alone(user: Tool) -> None:
    (user.folder / "cache").write_text("")  # no folder: a warning comes, too
    env = {"TERM": "dumb", "XDG_CACHE_HOME": str(user.folder / "cache"), "UV_CACHE_DIR": str(user.folder / "uv")}
    built = seen(user, ["build"], env)
    assert "[7/7] register" in built
    assert "WARNING" in built
    assert "\x1b" not in built
    assert "\r" not in built


def test_a_table_is_cut_to_the_terminal_and_whole_in_a_pipe(user: Tool) -> None:
    assert user.run("build").code == 0
    whole = user.run("find", "good").stdout.splitlines()
    narrow = seen(user, ["find", "good"], {}, columns=60).splitlines()
    assert len(narrow) == len(whole) == 2
    assert max(map(len, whole)) > 60 >= max(map(len, narrow))
    assert narrow[1].split()[0] == whole[1].split()[0]
    assert "…" in narrow[0]
    assert "…" not in "".join(whole)
