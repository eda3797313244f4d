"""What became of the run in a work dir, in a few words: the name and description that Jenkins shows in its list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from venvbuild.builds import places
from venvbuild.errors import ConflictsFound
from venvbuild.run import reported, workdir
from venvbuild.run.results import Uploaded
from venvbuild.run.workdir import STEPS, WorkDir
from venvbuild.text import count_text


@dataclass(frozen=True)
class Summary:
    """One run. What is not known, or not yet, is None."""

    env_name: str | None = None
    python_version: str | None = None
    stopped_at: str | None = "check"
    """The first step that has not ended well; None when all have."""
    package_count: int | None = None
    conflict_count: int | None = None
    """Of the findings that make `is_conflict_free` false, or of the pins that cannot be installed together."""
    venv_version: str | None = None
    """Set once the build is committed."""
    store: str | None = None
    """URI of the store it was sent to, percent-encoded."""

    @property
    def title(self) -> str:
        """`sales py3.11`; `refused` when not even the parameters were accepted."""
        return f"{self.env_name} py{self.python_version}" if self.env_name else "refused"

    @property
    def description(self) -> str:
        """`venv_20250722_083000, 52 packages, conflict free, s3://bucket/team`: the same as text and as HTML."""
        parts = [
            f"stopped at {self.stopped_at}" if self.stopped_at else "",
            self.venv_version or "",
            count_text(self.package_count, "package") if self.package_count is not None else "",
            self.conflicts_text,
            self.store or "",
        ]
        return ", ".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """The fields, and `title` and `description`."""
        return {**asdict(self), "title": self.title, "description": self.description}

    @property
    def conflicts_text(self) -> str:
        """`conflict free`, `3 conflicts`; empty when that is not known."""
        if self.conflict_count is None:
            return ""
        return count_text(self.conflict_count, "conflict") if self.conflict_count else "conflict free"


def summary_of(folder: Path) -> Summary | None:
    """The run in a work dir, whoever is at work there; None when no run has begun in it."""
    work = workdir.recorded_work_dir(folder)
    if work is None:
        return None
    if work.failure and work.failure["step"] == "check":  # what is here was made by an earlier run
        return Summary(*_names(work.failure.get("asked", {})))
    packages = reported.packages(folder) if has_inspected(work) else None
    return Summary(
        *_names(work.asked),
        stopped_at=next((step for step in STEPS if not work.has_ended(step)), None),
        package_count=None if packages is None else len(packages),
        conflict_count=_conflict_count(folder, work),
        **_place(work),
    )


def _names(asked: Mapping[str, object]) -> tuple[str | None, str | None]:
    """The environment's name and the Python, as far as they are known."""
    env_name, python_version = asked.get("env_name"), asked.get("python_version")
    return (str(env_name) if env_name else None, str(python_version) if python_version else None)


def has_inspected(work: WorkDir) -> bool:
    """Whether the reports of `inspect` are of the environment that is there."""
    failure = work.failure
    # conflicts end the step after it has written them
    has_found = failure and failure["step"] == "inspect" and failure["exit_code"] == ConflictsFound.exit_code
    return bool(has_found) or work.has_ended("inspect")


def _conflict_count(folder: Path, work: WorkDir) -> int | None:
    findings = reported.findings(folder) if has_inspected(work) else None
    if findings is not None:
        return len([one for one in findings if one["is_failure"]])
    # pins that the resolver could not bring together end `create`, before anything is inspected
    if work.failure and work.failure["exit_code"] == ConflictsFound.exit_code:
        return len(work.failure["problems"])
    return None


def _place(work: WorkDir) -> dict[str, str]:
    if not work.has_ended("upload"):
        return {}
    build = work.result(Uploaded).metadata
    version = build["venv_version"]
    store = places.store_url(build["venv_archive"], version)
    # A prefix of S3 may hold < or &, which Jenkins may show as HTML; % is there already where a folder's name was odd.
    return {"venv_version": version, "store": quote(store, safe="/:%")}
