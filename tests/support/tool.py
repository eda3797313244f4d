"""Runs venvbuild as its users do: in a process of its own, with an environment made for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.forks import Fork, Forks
from tests.support.index_server import IndexServer

_TIMEOUT_S = 300
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """How a run ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.stdout)


@dataclass
class Tool:
    """A user's machine: a folder to work in, an index, a store."""

    folder: Path
    index: IndexServer
    forks: Forks | None = None
    """What `run` forks from; without, each run is a new process."""
    env: dict[str, str] = field(default_factory=dict)
    """Added to the environment of every run; an empty index URL is taken as unset."""

    def __post_init__(self) -> None:
        self.store = str(self.folder / "store")
        self.work = self.folder / "work"
        self.env = {"VENVBUILD_INDEX_URL": self.index.url(), "VENVBUILD_STORE": self.store, **self.env}

    def requirements(self, *lines: str, name: str = "requirements.txt") -> Path:
        """A requirements file in the folder."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return path

    def environment(self, **more: str | None) -> dict[str, str]:
        """What a run sees; None takes a variable away."""
        merged: dict[str, str | None] = {**os.environ, "PYTHONPATH": str(REPOSITORY), **self.env, **more}
        return {name: value for name, value in merged.items() if value is not None}

    def command(self, *arguments: str | Path) -> list[str]:
        """The argv of a run."""
        return [sys.executable, "-m", "venvbuild", *map(str, arguments)]

    def run(self, *arguments: str | Path, **env: str | None) -> Ended:
        """Run it to its end, in a fork where that makes no difference."""
        seen = self.environment(**env)
        if self.forks and self.forks.fit(seen):
            forked = self._fork(self.forks, arguments, seen).end(_TIMEOUT_S)
            return Ended(forked.returncode, forked.stdout, forked.stderr)
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=seen,
            text=True,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def fork(self, *arguments: str | Path, **env: str | None) -> Fork:
        """Start it as a fork, which is there at once; whoever starts it ends it."""
        assert self.forks
        return self._fork(self.forks, arguments, self.environment(**env))

    def _fork(self, forks: Forks, arguments: Sequence[str | Path], env: Mapping[str, str]) -> Fork:
        return forks.start([os.fspath(one) for one in arguments], cwd=self.folder, env=env)

    def start(self, *arguments: str | Path, **env: str | None) -> subprocess.Popen[str]:
        """Start it; whoever starts it ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def build(self, *lines: str, **env: str | None) -> Ended:
        """`build --json` of a file with these lines."""
        return self.run("build", "--json", "-r", self.requirements(*lines), **env)

    def stored(self, version: str) -> Path:
        """The folder of a build in the folder store."""
        return Path(self.store, "venv-builds", version)
