"""Declarative pipelines, checked and run by tests/jenkins/groovy in one JVM; tests/jenkins/README.md says how far."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.support import downloads
from tests.support.requirement import require
from tests.support.tiers import refuse_in_fast

SOURCES = Path(__file__).resolve().parents[1] / "jenkins" / "groovy"
_OPENS = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util", "io")]
_ANSWER_TIMEOUT_S = 600


@dataclass(frozen=True)
class Job:
    """A job on an agent, and how it is started."""

    pipeline: str
    """The text of its Jenkinsfile."""
    folder: Path
    """Where the workspace, the console log and what is archived are."""
    params: Mapping[str, str] | None = None
    """As a user gives them; None is a job's first run, which has the defaults, and no variables of them."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of the agent beside PATH; its shells see nothing else of ours."""
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By id: `{"type": "string", "secret": ...}`; the other types are in Credentials.groovy."""
    source: Path | None = None
    """What `checkout` copies."""
    commit: str | None = None
    declared_before: Mapping[str, str] = field(default_factory=dict)
    """Parameters of this run that the job declared until now, and the file does not."""
    globals: Mapping[str, str] = field(default_factory=dict)
    """Variables of the controller."""
    folder_properties: Mapping[str, str] | None = None
    """Variables of the job's folder; None where that plugin is not installed."""
    previous: str | None = None
    """The result of the run before."""
    shell: str = "/bin/sh"
    """Of the agent."""
    stub: Sequence[str] = ()
    """Steps that do nothing."""
    absent: Sequence[str] = ()
    """Steps whose plugin is not installed."""
    labels: Sequence[str] = ()
    """Of the agent."""
    number: int = 42
    library: Path | None = None
    """The folder of its shared library, which has `vars/`."""
    kill_after_ms: int = 20_000
    minute_ms: int = 60_000
    """How long a minute is while a job waits for an agent."""
    workspace_name: str = "workspace"

    @property
    def workspace(self) -> Path:
        return self.folder / self.workspace_name

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def request(self) -> dict[str, Any]:
        """As Serve.groovy wants it."""
        return {
            "do": "run", "text": self.pipeline, "workspace": str(self.workspace), "console": str(self.console),
            "archive": str(self.archive), "params": dict(self.params or {}), "first_run": self.params is None,
            "env": {"PATH": os.environ["PATH"], **self.env}, "credentials": {**self.credentials},
            "source": str(self.source) if self.source else None, "commit": self.commit, "previous": self.previous,
            "shell": self.shell, "stub": list(self.stub), "absent": list(self.absent), "labels": list(self.labels),
            "number": self.number, "library": str(self.library) if self.library else None,
            "kill_after_ms": self.kill_after_ms, "minute_ms": self.minute_ms, "job": "environments",
            "declared_before": {**self.declared_before}, "globals": {**self.globals},
            "folder_properties": None if self.folder_properties is None else {**self.folder_properties},
        }  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """What is left of a run."""

    result: str
    """SUCCESS, UNSTABLE, FAILURE, ABORTED; REFUSED when Jenkins would not have started it."""
    stages: Mapping[str, str]
    """By name: SUCCESS, UNSTABLE, FAILURE, ABORTED or SKIPPED, in the order of the run."""
    post: Sequence[str]
    """The conditions that held, in the order of the run."""
    shells: Sequence[Mapping[str, Any]]
    """`stage`, `script` and exit `code` of each shell step."""
    archived: Sequence[str]
    display_name: str
    description: str | None
    console: str
    tests: Mapping[str, int] | None = None
    issues: int | None = None
    published: Sequence[str] = ()
    """Files of the pages that publishHTML keeps."""

    @property
    def codes(self) -> dict[str, int]:
        """The exit code of the last shell step of each stage."""
        return {shell["stage"]: shell["code"] for shell in self.shells if shell["stage"]}


@pytest.fixture(scope="session")
def groovy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groovy]:
    """The JVM, one for the session of each worker."""
    with Groovy(tmp_path_factory.mktemp("groovy") / "stderr") as running:
        yield running


class Groovy:
    """The JVM; it answers one request at a time."""

    def __init__(self, log: Path) -> None:
        refuse_in_fast("a JVM")
        require(shutil.which("java"), "the Jenkinsfile is read by Groovy, and Java is not installed")
        jvm = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8", *_OPENS]
        places = ":".join(map(str, [downloads.groovy_jar(), *downloads.groovy_cps(), SOURCES]))
        self.log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*jvm, "-cp", places, "groovy.ui.GroovyMain", str(SOURCES / "Serve.groovy")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            )  # fmt: skip

    def check(self, pipeline: str, library: Sequence[str] = ()) -> list[str]:
        """What is wrong with it: `3: error: ...` and `3: warning: ...`, by line; `library` names further steps."""
        return self._problems({"do": "check", "text": pipeline, "library": list(library)})

    def check_library(self, step: str) -> list[str]:
        """The same of a step of a shared library."""
        return self._problems({"do": "check library", "text": step})

    def _problems(self, request: Mapping[str, Any]) -> list[str]:
        problems = self._ask(request)["problems"]
        return [f"{one['line']}: {one['severity']}: {one['message']}" for one in problems]

    def read(self, pipeline: str) -> dict[str, Any]:
        """Its `stages`, `parameters`, `options` and `shells`."""
        return self._ask({"do": "read", "text": pipeline})

    def cps(self, program: Mapping[str, Any]) -> dict[str, Any]:
        """What becomes of it in Jenkins' Groovy engine: CpsProgram.groovy has the keys of both."""
        return self._ask({"do": "cps", **program})

    def issues(self, form: str, file: Path) -> list[dict[str, Any]]:
        """What Jenkins' own parser for `form` (native, sarif) reads in the file."""
        jars = str(downloads.analysis_model())
        found: list[dict[str, Any]] = self._ask({"do": "issues", "jars": jars, "format": form, "file": str(file)})[
            "issues"
        ]
        return found

    def fault(self, schema: Path, file: Path) -> str:
        """Why the file is no XML of the schema; empty when it is."""
        found: str = self._ask({"do": "validate", "schema": str(schema), "file": str(file)})["fault"]
        return found

    def run(self, job: Job) -> Ended:
        """Run it to its end."""
        self.start(job)
        return self.ended(job)

    def start(self, job: Job) -> None:
        """Begin to run it; `ended` waits for the end, `abort` hastens it."""
        self._tell(job.request())

    def abort(self) -> None:
        """What a user does with the red button."""
        self._tell({"do": "abort"})

    def ended(self, job: Job) -> Ended:
        trace = self._answer()
        return Ended(
            result=trace["result"],
            stages={stage["name"]: stage["status"] for stage in trace["stages"]},
            post=trace["post"],
            shells=trace["shells"],
            archived=trace["archived"],
            display_name=trace["display_name"],
            description=trace["description"],
            console=job.console.read_text("utf-8"),
            tests=trace.get("tests"),
            issues=trace.get("issues"),
            published=trace["published"],
        )

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._tell(request)
        return self._answer()

    def _tell(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _ANSWER_TIMEOUT_S)
        line = self._process.stdout.readline() if ready else b""
        assert line, f"the JVM gave no answer:\n{self.log.read_text(errors='replace')}"
        answer: dict[str, Any] = json.loads(line)
        assert "bug" not in answer, answer["bug"]
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Its stdin closed, it aborts what runs and ends."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
