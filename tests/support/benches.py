"""Where steps are run in this process: a work dir and a folder store in one folder, packages from a local index."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.supplies import here, uv_cache
from venvbuild import settings, steps
from venvbuild.run import STEPS, open_work_dir
from venvbuild.settings import Settings
from venvbuild.steps import Examined, Job, Made, Request
from venvbuild.steps.check import examine
from venvbuild.stores.folder import FolderStore


@dataclass(frozen=True)
class Bench:
    """A user's machine without a process of its own."""

    folder: Path
    index_url: str
    env: Mapping[str, str] = field(default_factory=dict)
    """Beside what every bench has."""

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "store")

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder / "home"),
            "PATH": str(here().path.parent),
            "PYTHON_VERSION": here().version,
            "UV_CACHE_DIR": str(uv_cache()),
            "VENVBUILD_INDEX_URL": self.index_url,
            "VENVBUILD_STORE": str(self.folder / "store"),
            **self.env,
        }

    def settings(self) -> Settings:
        return settings.load({}, self.environ)

    def using(self, **env: str) -> Bench:
        """The same with further variables."""
        return replace(self, env={**self.env, **env})

    def copied(self, folder: Path) -> Bench:
        """The same in another folder, its work dir as up to date as here."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return replace(self, folder=folder)

    def request(self, *lines: str, **asked: Any) -> Request:
        """For a file `pins.txt` with these lines."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "pins.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return Request(path, **asked)

    def examined(self, *lines: str, **asked: Any) -> Examined:
        return examine(self.request(*lines, **asked), self.settings(), self.environ)

    @contextmanager
    def job(self, step: str, **options: Any) -> Iterator[Job]:
        with open_work_dir(self.work, step) as work:
            yield Job(work, self.settings(), self.environ, options)

    def check(self, *lines: str, **asked: Any) -> Made:
        """The first step of a new run, remembered as the pipeline does it."""
        return self.check_of(self.request(*lines, **asked))

    def check_of(self, request: Request) -> Made:
        """The same of what was asked already."""
        examined = examine(request, self.settings(), self.environ)
        with self.job("check") as job:
            job.work.start(examined.recorded)
            return self._ended("check", job, steps.run("check", replace(job, examined=examined)))

    def run(self, step: str, **options: Any) -> Made:
        """One of the other steps; `options` are its own."""
        with self.job(step, **options) as job:
            job.work.begin(step)
            return self._ended(step, job, steps.run(step, job))

    def run_until(self, last: str, *lines: str, **asked: Any) -> Made:
        """All steps up to `last`; what that one made."""
        made = self.check(*lines, **asked)
        for step in STEPS[1 : STEPS.index(last) + 1]:
            made = self.run(step)
        return made

    @staticmethod
    def _ended(step: str, job: Job, made: Made) -> Made:
        job.work.finish(step, key="", outputs=made.outputs, result=made.result, duration_s=0.5)
        return made
