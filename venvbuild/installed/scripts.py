"""Scripts that name the Python of their environment, made to find the one beside them, with the meaning they had.

`bin/NAME` becomes a launcher, which needs no path of anybody's; `_scripts/NAME` is the script itself, byte for byte but
for its first line. So Python reads it as it was written: `# coding:`, the docstring, `from __future__` and the numbers
of its lines stand where they stood. It runs as `__main__`, under the path that was called.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from venvbuild.errors import Problem

SCRIPTS = "_scripts"
"""The folder of an environment where the scripts themselves are."""

# By way of sh, where the path is over 127 characters or has a space (distlib, pip, uv, virtualenv), quoted with `"`,
# with `'`, or not at all. uv repeats a declared encoding in line 2.
_BY_SH = re.compile(rb"#!/bin/sh\n(?:# coding: [^\n]*\n)?'''exec' (?P<quoted>[^\n]+) \"\$0\" \"\$@\"\n' '''(?:\n|\Z)")
_PLAIN = re.compile(rb"#!(?P<plain>/[^\n]*)\n")
# As uv writes it into an environment that is relocatable: the interpreter is the one beside the script.
_BESIDE = '"$(dirname -- "$(realpath -- "$0")")"/'
# uv spells a path so where the script's encoding might read it as another one.
_IN_OCTAL = re.compile(r'"\$\(printf %b((?: \'\\\'0[0-7]{3})+)\)"')
# What follows `/venv/bin/python`; Linux hands over one word of options (execve(2)).
_PYTHON = re.compile(r"[0-9.]*t?(?P<options> +-[A-Za-z]+)? *")
_END_OF_SH = b"\n'''\n"


class Script(NamedTuple):
    """A Python script as an installer left it."""

    options: str
    """One word for Python, or none: `-sE`."""
    body: bytes
    """All that stands behind what starts it."""

    @property
    def ordinary(self) -> bytes:
        """With one line before its body, as in an environment that stays in its place, but for the path."""
        return f"#!python{self.options and ' '}{self.options}\n".encode() + self.body

    @property
    def launcher(self) -> bytes:
        """What `bin/NAME` becomes."""
        text = _launcher(self.options)
        return text.partition(_END_OF_SH)[0] + b"\n" + self.body if self.is_zip else text

    @property
    def is_zip(self) -> bool:
        """Whether Python runs it as an archive of modules (zipapp): this has to be the file that it is called with."""
        return zipfile.is_zipfile(io.BytesIO(self.body))


@cache
def _launcher(options: str) -> bytes:
    text = resources.files("venvbuild.installed").joinpath("launcher").read_bytes()
    return text.replace(b"@OPTIONS@", f" {options}".encode() if options else b"")


@cache
def _any_launcher() -> re.Pattern[bytes]:
    return re.compile(re.escape(_launcher("")).replace(rb"/python\"", rb"/python\"(?: -[A-Za-z]+)?"))


def _is_launcher(content: bytes) -> bool:
    """Whether a file of `bin` is one of ours, which runs the script of its name."""
    return _any_launcher().fullmatch(content) is not None


def behind_header(script: bytes) -> bytes:
    """What stands behind an installer's first line, or behind its lines of sh."""
    match = _BY_SH.match(script)
    return script[match.end() :] if match else script.partition(b"\n")[2]


def script_of(content: bytes, venvs: Iterable[str]) -> Script | None:
    """The script that a file of `bin` is, where it names the Python of one of `venvs` (absolute paths) or, by way of
    `realpath` as uv's does, the one beside it.

    None: it is something else, as a script of another language, or one that finds its place already.
    """
    match = _BY_SH.match(content) or _PLAIN.match(content)
    if match is None:
        return None
    groups = match.groupdict()
    named = os.fsdecode(groups["plain"]) if "plain" in groups else _unquoted(os.fsdecode(groups["quoted"]))
    for python in ("python", *(os.path.join(venv, "bin", "python") for venv in venvs)):
        rest = _PYTHON.fullmatch(named.removeprefix(python)) if named.startswith(python) else None
        if rest:
            return Script((rest["options"] or "").strip(), content[match.end() :])
    return None


def _unquoted(quoted: str) -> str:
    """The interpreter and one word of options, as behind a plain `#!`; the one beside the script without its folder."""
    spelled = _IN_OCTAL.sub(lambda found: shlex.quote(_from_octal(found[1])), quoted)
    is_beside = spelled.startswith(_BESIDE)
    try:
        words = shlex.split(spelled.removeprefix(_BESIDE))
    except ValueError:
        return ""
    # without a folder it would otherwise be one that sh looks for on the PATH
    return " ".join(words) if len(words) in (1, 2) and (is_beside or words[0].startswith("/")) else ""


def _from_octal(text: str) -> str:
    return os.fsdecode(bytes(int(digits, 8) for digits in re.findall(r"0([0-7]{3})", text)))


class RelocatedScript(NamedTuple):
    """A script of an environment that becomes relocatable."""

    name: str
    """In `bin`."""
    mode: int
    """Of the file there."""
    before: bytes
    """As Python is to read it: the file, or that without the lines of sh."""
    script: Script

    @property
    def launcher(self) -> str:
        """Name in the environment of what is called."""
        return f"bin/{self.name}"

    @property
    def place(self) -> str:
        """Name in the environment of what Python reads as the script; of a zip that is what is called."""
        return self.launcher if self.script.is_zip else f"{SCRIPTS}/{self.name}"

    @property
    def files(self) -> Iterator[tuple[str, bytes, int]]:
        """(name in the environment, content, mode) of what it becomes."""
        yield self.launcher, self.script.launcher, self.mode
        if self.place != self.launcher:
            # Not executable: by itself it would be started by any `python` of the PATH.
            yield self.place, self.script.ordinary, 0o644


@dataclass(frozen=True)
class RelocatedScripts:
    """Those of an environment."""

    scripts: tuple[RelocatedScript, ...]
    """In order of their names."""
    problems: tuple[Problem, ...]
    """What stands where a script has to be; with one of them the environment cannot move."""

    @property
    def in_two_files(self) -> tuple[RelocatedScript, ...]:
        """All but zips."""
        return tuple(one for one in self.scripts if one.place != one.launcher)

    def meanings(self, written: Mapping[str, bytes]) -> dict[str, tuple[bytes, bytes]]:
        """By name, of what Python reads: as it was, and as it was `written` (by name in the environment)."""
        return {one.launcher: (one.before, written[one.place]) for one in self.in_two_files}

    def beside(self, site_packages: str) -> dict[str, str]:
        """For RECORD: by the path of each launcher that of its script, both relative to `site_packages`, which is
        relative to the environment.
        """
        from_packages = [os.path.relpath(folder, site_packages) for folder in ("bin", SCRIPTS)]
        return {f"{from_packages[0]}/{one.name}": f"{from_packages[1]}/{one.name}" for one in self.in_two_files}


def relocated_scripts(venv: Path, venvs: Sequence[str]) -> RelocatedScripts:
    """What the scripts of `venv` have to become which name the Python of one of `venvs`. Nothing is written."""
    found = []
    for path in sorted((venv / "bin").iterdir()):
        facts = path.lstat()
        content = _head_or_all(path) if stat.S_ISREG(facts.st_mode) else b""
        script = script_of(content, venvs)
        if script:
            # Not `ordinary`, which is to be compared with it.
            before = b"#\n" + behind_header(content) if _BY_SH.match(content) else content
            found.append(RelocatedScript(path.name, facts.st_mode & 0o777, before, script))
    return RelocatedScripts(tuple(found), tuple(_in_the_way(venv, found)))


def _head_or_all(path: Path) -> bytes:
    with path.open("rb") as file:
        # Programs lie here too, which need not be read whole.
        head = file.read(2)
        return head + file.read() if head == b"#!" else b""


def _in_the_way(venv: Path, scripts: Iterable[RelocatedScript]) -> Iterator[Problem]:
    """What a package, or somebody, has where we would write. It is theirs, so it is left."""
    folder = venv / SCRIPTS
    bodies = [one for one in scripts if one.place != one.launcher]
    if folder.is_dir() and not folder.is_symlink():
        yield from (_taken(one.place, one) for one in bodies if os.path.lexists(venv / one.place))
    elif bodies and os.path.lexists(folder):
        yield _taken(SCRIPTS, bodies[0])


def _taken(what: str, one: RelocatedScript) -> Problem:
    return Problem(
        f"{what} is there already, where the script {one.name} has to be",
        where=one.launcher,
        why=f"that its scripts run anywhere, an environment has them in {SCRIPTS}, and what starts them in bin",
        fix=f"leave out the package that brings {what}; where none does, remove it",
        rule="CANNOT_MOVE",
    )


def started_scripts(venv: Path) -> tuple[dict[str, tuple[bytes, bytes]], tuple[Problem, ...]]:
    """Of an environment that was made relocatable, by name in `bin`: each Python script as it is to be read, and as
    Python reads it when it is called; and launchers whose script is not there.

    They differ where the lines of sh stand before the script itself, as earlier versions of the tool, and uv, have it.
    """
    read, problems = dict[str, tuple[bytes, bytes]](), list[Problem]()
    for path in sorted((venv / "bin").iterdir()):
        content = _head_or_all(path) if stat.S_ISREG(path.lstat().st_mode) else b""
        if _is_launcher(content):
            body = venv / SCRIPTS / path.name
            if body.is_symlink() or not body.is_file():
                problems.append(Problem(f"bin/{path.name} starts {SCRIPTS}/{path.name}, which is not there"))
            else:
                read[f"bin/{path.name}"] = (body.read_bytes(),) * 2
        elif _BY_SH.match(content) and not zipfile.is_zipfile(io.BytesIO(content)):
            read[f"bin/{path.name}"] = b"#\n" + behind_header(content), content
    return read, tuple(problems)
