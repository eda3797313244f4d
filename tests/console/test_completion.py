"""TAB in real shells, and what they ask."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.scripts import BIN, tool_cache
from tests.support.terminal import at_a_terminal
from tests.support.tool import Ended, Tool
from venvbuild.console.completion import SCRIPTS

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
READ = {
    "bash": 'eval "$({program} completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -D && eval "$({program} completion zsh)"',
    "fish": "{program} completion fish | source",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_what_is_read_here_is_what_the_readme_and_the_help_say(tool: Tool, shell: str) -> None:
    line = READ[shell].format(program="venvbuild").removeprefix("autoload -Uz compinit && compinit -D && ")
    assert re.search(rf"^{re.escape(line)} +# ", (BIN.parent / "README.md").read_text("utf-8"), re.MULTILINE)
    assert f" {line}\n" in tool.run("completion", "--help").stdout


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """A `bin/venvbuild` that writes down with what it was called, and answers a shell as the real one does."""
    program = tmp_path / "bin" / "venvbuild"
    program.parent.mkdir()
    real, calls = (shlex.quote(str(path)) for path in (BIN / "venvbuild", tmp_path / "calls"))
    program.write_text(
        f'#!/bin/sh\n[ "$_VENVBUILD_COMPLETE" ] || [ "$1" = completion ] && exec {real} "$@"\necho "$@" >>{calls}\n'
    )
    program.chmod(0o755)
    return program


def typed(shell: str, keys: str, tmp_path: Path, program: str) -> list[str]:
    """With what the program was called by a shell that got these keys, after it read the script."""
    require(shutil.which(shell), f"{shell} is not installed")
    environ = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tool_cache()),
        "TERM": "xterm",
    }
    text = f"{READ[shell].format(program=program)}\r{keys}\rexit\r"
    _, said = at_a_terminal(START[shell], environ, tmp_path, typed=text.encode())
    calls = tmp_path / "calls"
    assert calls.is_file(), said
    return calls.read_text().splitlines()


@pytest.mark.parametrize("program", ["venvbuild", "bin/venvbuild", "~/bin/venvbuild"])
@pytest.mark.parametrize("shell", SCRIPTS)
def test_tab_completes_commands_options_and_values_however_the_program_is_called(
    called: Path, tmp_path: Path, shell: str, program: str
) -> None:
    keys = f"{program} fi\tkedro --confl\t--form\tcs\t\r{program} table cr\t--dr\t"
    calls = typed(shell, keys, tmp_path, program)
    assert [call.strip() for call in calls] == ["find kedro --conflict-free --format csv", "table create --dry-run"]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_tab_completes_files_where_a_file_is_wanted(called: Path, tmp_path: Path, shell: str) -> None:
    (tmp_path / "other.in").touch()
    assert typed(shell, "venvbuild check -r oth\t", tmp_path, "venvbuild") == ["check -r other.in"]


def asked(tool: Tool, shell: str, *words: str, **env: str) -> Ended:
    """What a shell gets that asks for the last word."""
    cword = words[-1] if shell == "fish" else str(len(words) - 1)
    return tool.run(_VENVBUILD_COMPLETE=f"{shell}_complete", COMP_WORDS=" ".join(words), COMP_CWORD=cword, **env)


@pytest.mark.parametrize("shell", SCRIPTS)
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["venvbuild", "nonsense", "x"], id="no such command"),
        pytest.param(["venvbuild", "list", "--limit", "x", "--"], id="a value that is none"),
        pytest.param(["venvbuild", "find", "'open", "x"], id="an open quote"),
    ],
)
def test_nothing_is_said_of_what_cannot_be_completed(tool: Tool, shell: str, words: list[str]) -> None:
    assert asked(tool, shell, *words, ENV_NAME="").stderr == ""


@pytest.mark.parametrize("instruction", ["bash_complete", "csh_complete", "bash_source", "1"])
def test_a_question_without_words_or_of_another_shell_has_no_answer(tool: Tool, instruction: str) -> None:
    assert tool.run("list", _VENVBUILD_COMPLETE=instruction) == Ended(1, "", "")


def test_names_of_commands_are_known_without_importing_them(tool: Tool) -> None:
    script = (
        "import sys\nfrom venvbuild.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.startswith(('athena', 'venvbuild.commands.'))])"
    )
    env = tool.environment(_VENVBUILD_COMPLETE="bash_complete", COMP_WORDS="venvbuild ", COMP_CWORD="1")
    said = subprocess.run([tool.command()[0], "-c", script], env=env, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"
    assert {"plain,find", "plain,build"} < set(said.stdout.splitlines())


def test_tab_sets_nothing_up(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "_VENVBUILD_COMPLETE": "bash_complete"}
    done = subprocess.run([BIN / "venvbuild"], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert list(tmp_path.iterdir()) == []
