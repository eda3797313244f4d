"""The shells of users: each activates an environment, tells what it then finds, and deactivates it again.

Every script is read from stdin, line by line, as a person types it: csh knows an alias only from the next line on.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.requirement import require

PATH = "/usr/bin:/bin"
_PREFIX = "python -c 'import sys; print(sys.prefix)'"

_SH = f"""\
PS1='% '
. "$ACTIVATE"
command -v python
{_PREFIX}
printf '%s\\n' "$PS1"
deactivate
printf '%s\\n' "$PS1" "$PATH"
"""
_SH_WITHOUT_PROMPT = f"""\
unset PS1
. "$ACTIVATE"
command -v python
{_PREFIX}
deactivate
printf '%s\\n' "$PATH"
"""
_FISH = f"""\
function fish_prompt; echo '% '; end
source "$ACTIVATE"
command -v python
{_PREFIX}
fish_prompt
deactivate
fish_prompt
string join : $PATH
"""
_CSH = f"""\
set prompt='% '
source "$ACTIVATE:q"
which python
{_PREFIX}
printf '%s\\n' "$prompt:q"
deactivate
printf '%s\\n' "$prompt:q" "$PATH:q"
"""
_CSH_WITHOUT_PROMPT = f"""\
unset prompt
source "$ACTIVATE:q"
which python
{_PREFIX}
deactivate
printf '%s\\n' "$PATH:q"
"""


@dataclass(frozen=True)
class Shell:
    """A shell with its flags, and what is typed into it."""

    name: str
    command: tuple[str, ...]
    activate: str
    """The file of the environment that is for it."""
    script: str
    has_prompt: bool = True

    def session(self, environment: Path, script: str = "") -> subprocess.CompletedProcess[str]:
        """Activate the environment in `environment`, look, deactivate; or run this script. Skips without the shell."""
        require(shutil.which(self.command[0], path=PATH), f"there is no {self.command[0]} here")
        home = {"HOME": "/nonexistent", "LANG": "C.UTF-8", "PATH": PATH}
        env = {**home, "ACTIVATE": str(environment / "bin" / self.activate)}
        return subprocess.run(
            self.command, input=script or self.script, env=env,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @property
    def tries(self) -> str:
        """Activates, and tells whether that was done."""
        if self.activate.endswith(".csh"):
            return 'source "$ACTIVATE:q"\nif (! $?VIRTUAL_ENV) echo none\nprintf "%s\\n" "$PATH:q"\n'
        return '. "$ACTIVATE"\nprintf "%s\\n" "${VIRTUAL_ENV-none}" "$PATH"\n'

    def expected(self, environment: Path) -> str:
        """What a session says when all is well: python's path, sys.prefix, the prompts, the PATH that is back."""
        prompts = (f"({environment.name}) % ", "% ") if self.has_prompt else ()
        inside = (str(environment / "bin" / "python"), str(environment), *prompts)
        return "".join(f"{line}\n" for line in (*inside, PATH))


OF_THE_ARCHIVE = (
    Shell("bash", ("bash", "--norc"), "activate", _SH),
    Shell("bash -eu", ("bash", "--norc", "-eu"), "activate", _SH),
    Shell("bash -eu without a prompt", ("bash", "--norc", "-eu"), "activate", _SH_WITHOUT_PROMPT, has_prompt=False),
    Shell("zsh", ("zsh", "-f"), "activate", _SH),
    Shell("zsh -eu", ("zsh", "-f", "-eu"), "activate", _SH),
    Shell("fish", ("fish", "--no-config"), "activate.fish", _FISH),
)
"""What `tar` alone serves: these find out where they are."""

WRITTEN_BY_GET = (
    Shell("dash", ("dash",), "activate.sh", _SH),
    Shell("dash -eu", ("dash", "-eu"), "activate.sh", _SH),
    Shell("dash -eu without a prompt", ("dash", "-eu"), "activate.sh", _SH_WITHOUT_PROMPT, has_prompt=False),
    Shell("bash --posix -eu", ("bash", "--norc", "--posix", "-eu"), "activate.sh", _SH),
    Shell("zsh -eu, activate.sh", ("zsh", "-f", "-eu"), "activate.sh", _SH),
    Shell("csh", ("bsd-csh", "-f"), "activate.csh", _CSH),
    Shell("csh without a prompt", ("bsd-csh", "-f"), "activate.csh", _CSH_WITHOUT_PROMPT, has_prompt=False),
    Shell("tcsh", ("tcsh", "-f"), "activate.csh", _CSH),
    Shell("csh -e", ("bsd-csh", "-fe"), "activate.csh", _CSH),
    Shell("tcsh -e without a prompt", ("tcsh", "-fe"), "activate.csh", _CSH_WITHOUT_PROMPT, has_prompt=False),
)
"""What needs to be told where it is."""
BUSYBOX = Shell("busybox sh", ("busybox", "sh"), "activate.sh", _SH)


def named(shell: Shell) -> str:
    """For the ids of parametrized tests."""
    return shell.name
