"""What a new version takes away from those who import the package: griffe compares it with the last tag."""

from __future__ import annotations

import os
import re
from pathlib import Path

from packaging.version import Version

from venvbuild.process import CommandFailed, run
from venvbuild.release.checkout import checked_out
from venvbuild.release.git import Repository
from venvbuild.release.project import Project
from venvbuild.release.tools import Tools
from venvbuild.text import shown

_GRIFFE_S = 300
# src/demo/__init__.py:3: hello(name): Parameter was removed
_BREAK = re.compile(r"^(?P<file>[^:\s][^:]*):(?P<line>\d+): (?P<what>.+)$")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def breaks(project: Project, repository: Repository, tools: Tools, since: str, scratch: Path) -> tuple[str, ...]:
    """Each break since the tag `since`, as `file:line: what`; empty also where the package cannot be compared.

    Nothing of the package is run: griffe reads the sources, of a copy.
    """
    copy = checked_out(repository, repository.head, scratch / "interface")
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    found: list[str] = []
    for package in project.packages:
        root, _, name = package.removesuffix(".py").rpartition("/")
        arguments = ["check", name, "--search", root or ".", "--against", since, "--format", "oneline"]
        env = tools.environment(home, GIT_CONFIG_COUNT="0", GIT_TERMINAL_PROMPT="0")
        try:
            run(tools.command("griffe", *arguments), env=env, cwd=copy, timeout_s=_GRIFFE_S)
        except CommandFailed as failure:
            lines = (_BREAK.match(_ANSI.sub("", line).strip()) for line in failure.output.splitlines())
            found += [
                shown(f"{os.path.normpath(one['file'])}:{one['line']}: {one['what']}", 300) for one in lines if one
            ]
    return tuple(found)


def is_announced(old: Version, new: Version) -> bool:
    """Whether the numbers say that something may break: another major, or below 1.0.0 another minor."""
    return new.release[0] != old.release[0] or (old.release[0] == 0 and new.release[1] != old.release[1])
