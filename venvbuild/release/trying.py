"""A clean environment in which a package is installed as its users install it, and looked at.

pip sees the index alone: no variable, no configuration, no cache (`PIP_FIND_LINKS` would let an install "from" an index
succeed that lacks the package). It sees it through a relay, for it runs what builds from an sdist: neither that code
nor the package's own is given our credentials, or a proxy's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter, installed, probe
from venvbuild.process import CommandFailed, clean_environment, run
from venvbuild.release import relay
from venvbuild.release.relay import Relay
from venvbuild.text import shown

_VENV_S, _INSTALL_S, _LOOK_S, _COMMAND_S = 180, 600, 120, 20
_SHOWN_LINES = 4
# For any Python from 3.8 on. Its answer goes to a file: a package may print while it is imported.
_LOOK = r"""
import importlib, importlib.metadata, json, sys
name, answer = sys.argv[1:]
found = importlib.metadata.distribution(name)
files = {str(path).replace("\\", "/") for path in found.files or ()}
code = {path for path in files if path.endswith(".py") and not path.startswith("..")}
packages = {path[:-len("/__init__.py")] for path in code if path.endswith("/__init__.py")}
names = {one for one in packages if one.rpartition("/")[0] not in packages}
for path in code:
    folder, _, module = path.rpartition("/")
    if folder not in packages and module != "__init__.py":
        names.add(path[:-len(".py")])
names = sorted(one.replace("/", ".") for one in names if all(part.isidentifier() for part in one.split("/")))
failed = {}
for one in names:
    try:
        importlib.import_module(one)
    except BaseException as error:
        failed[one] = "%s: %s" % (type(error).__name__, error)
scripts = sorted({one.name for one in found.entry_points if one.group == "console_scripts"})
with open(answer, "w") as out:
    json.dump({"version": found.version, "imports": names, "failed": failed, "scripts": scripts}, out)
"""


@dataclass(frozen=True)
class Seen:
    """What an installed package is."""

    version: str
    """By its metadata."""
    imports: tuple[str, ...]
    """Its packages and modules at the top, all imported."""
    scripts: tuple[str, ...]
    """Its console commands."""
    faults: tuple[str, ...]
    """What does not work, a sentence each."""
    notes: tuple[str, ...]
    """What was seen and is no fault."""


class NotInstalled(Exception):
    """pip could not; the text is its last words, fit to be shown."""


@dataclass(frozen=True)
class Trial:
    """One environment in a folder of its own, and the index that pip sees."""

    folder: Path
    python: Interpreter
    index: Relay

    def make(self) -> None:
        """Make the environment, with the pip that its Python brings.

        Raises:
            UsageError: this Python makes none.
        """
        self._home.mkdir(parents=True)
        self._nobodys_home.mkdir()
        self._write_netrc()
        try:
            run([self.python.path, "-I", "-m", "venv", self._venv], env=clean_environment(), timeout_s=_VENV_S)
        except CommandFailed as failure:
            raise UsageError(
                f"Python {self.python.full_version} makes no environment",
                where=str(self.python.path),
                why=_last_lines(failure.output),
                fix="install its venv and ensurepip (Debian: python3-venv), or name another one: --python X.Y",
            ) from failure

    def install(self, *wishes: str, upgrade: bool = False, find_links: Path | None = None) -> None:
        """Install by name, from the index alone, and from `find_links`.

        Raises:
            NotInstalled: pip cannot.
        """
        options: list[str | Path] = ["--no-cache-dir", "--index-url", f"{self.index.root}/"]
        options += ["--find-links", find_links] if find_links else []
        options += ["--upgrade"] if upgrade else []
        self._pip("install", *options, *wishes)

    def check(self) -> None:
        """That all is there which the installed packages need. Raises as `install` does."""
        self._pip("check")

    def look(self, name: str) -> Seen:
        """What is installed of this name: imported, and its commands started with `--version`."""
        answer = self.folder / "seen.json"
        answer.unlink(missing_ok=True)
        try:
            run(
                [self._bin("python"), "-I", "-c", _LOOK, name, answer],
                env=self._plain,
                timeout_s=_LOOK_S,
                cwd=self.folder,
            )
            seen = json.loads(answer.read_text("utf-8"))
        except (CommandFailed, OSError, ValueError) as error:
            said = _last_lines(error.output if isinstance(error, CommandFailed) else str(error))
            return Seen("", (), (), (f"importing it ends Python: {said}",), ())
        faults = [f"import {shown(module)}: {shown(said, 300)}" for module, said in seen["failed"].items()]
        notes: list[str] = []
        for script in seen["scripts"]:
            is_fault, said = self._start(script, seen["version"])
            (faults if is_fault else notes).append(said)
        return Seen(seen["version"], tuple(seen["imports"]), tuple(seen["scripts"]), tuple(faults), tuple(notes))

    def _start(self, script: str, version: str) -> tuple[bool, str]:
        """Whether a console command does not start, and what was seen."""
        name = shown(script)
        command: list[str | Path] = [self._bin(script), "--version"]
        try:
            ended = run(command, env=self._plain, timeout_s=_COMMAND_S, cwd=self._nobodys_home, check=False)
        except OSError as error:
            return True, f"{name} cannot be started: {error.strerror}"
        except CommandFailed:
            return False, f"{name} --version does not end: it may be a server"
        if "Traceback (most recent call last)" in ended.stderr:
            return True, f"{name} --version fails: {_last_lines(ended.stderr, 1)}"
        if ended.exit_code or version not in ended.stdout + ended.stderr:
            return False, f"{name} starts; it does not tell its version by --version"
        return False, f"{name} --version: {version}"

    def _pip(self, *arguments: str | Path) -> None:
        always = ["-I", "-m", "pip", "--isolated", "--no-input", "--disable-pip-version-check", "--no-color"]
        # --isolated leaves out the user's file, and not that of the machine.
        env = clean_environment(self._home, COLUMNS="1000", PIP_CONFIG_FILE=os.devnull)
        for name in ("no_proxy", "NO_PROXY"):  # the relay is asked by itself
            env[name] = ",".join(filter(None, (relay.HOST, env.get(name, ""))))
        try:
            run([self._bin("python"), *always, *arguments], env=env, timeout_s=_INSTALL_S, cwd=self.folder)
        except CommandFailed as failure:
            raise NotInstalled(_last_lines(self.index.told(failure.output))) from failure

    def _write_netrc(self) -> None:
        """--isolated reads no variable, and a URL with a password would stand in argv: this way is left."""
        file = os.open(self._home / ".netrc", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(f"machine {relay.HOST} login {relay.USER} password {self.index.password}\n")

    @property
    def _venv(self) -> Path:
        return self.folder / "venv"

    @property
    def _home(self) -> Path:
        """Of pip, with the password of the relay."""
        return self.folder / "home"

    @property
    def _nobodys_home(self) -> Path:
        """Of the package's own code."""
        return self.folder / "nobody"

    @property
    def _plain(self) -> dict[str, str]:
        return clean_environment(self._nobodys_home, COLUMNS="1000", NO_COLOR="1", TERM="dumb")

    def _bin(self, name: str) -> Path:
        return self._venv / "bin" / name


def interpreter_for(requires_python: str, environ: Mapping[str, str], *, wanted: str = "") -> Interpreter:
    """A Python that a package is for: X.Y where it is `wanted`, else our own where it fits, else the newest that does.

    Raises:
        UsageError: none is here.
    """
    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:  # pip takes it for any
        allowed = SpecifierSet()
    seen: list[str] = []
    for one in _pythons(environ):
        seen.append(one.full_version)
        is_wanted = not wanted or wanted in (one.version, one.full_version)
        if is_wanted and allowed.contains(one.full_version, prereleases=True):
            return one
    raise UsageError(
        f"no Python here is one that the package is for ({shown(wanted or requires_python)})",
        where="--python" if wanted else "requires-python",
        why=f"there are {', '.join(sorted(set(seen)))}",
        fix="install one, or name one that is there: --python X.Y",
        rule="NO_INTERPRETER",
    )


def _pythons(environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """Ours, then the others from the newest on; these are not looked for before they are asked for."""
    ours = probe(Path(sys.executable))
    if ours:
        yield ours
    yield from reversed(installed(environ))


def _last_lines(text: str, count: int = _SHOWN_LINES) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("[notice]")]
    return " / ".join(shown(line, 300) for line in lines[-count:])
