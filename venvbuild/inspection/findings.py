"""What is not as it should be in an environment: one record for every kind, and the sentence people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from venvbuild.installed import Distribution

FAILING = frozenset({"missing", "version", "python", "extra", "url", "platform", "duplicate", "metadata"})
# Never a failure. Real packages are in cycles (kedro and kedro-telemetry) and own paths together.
REPORTED = frozenset({"unknown-extra", "files", "overlap", "cycle"})


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    type: str
    """One of FAILING or REPORTED."""
    distribution: str
    """PEP 503 name of the distribution it is about; empty for the requirements file itself."""
    label: str
    """How `distribution` is called in the sentence: `httpx 0.27.0`, `httpx[http2] 0.27.0`, `the requirements file`."""
    version: str | None = None
    requirement: str = ""
    """Without its marker; a version specifier when the type is python."""
    found: str = ""
    """What is there instead: `httpcore 0.18.0`."""
    chain: tuple[str, ...] = ()
    """From a pin of the requirements file to the distribution, `name version` each; empty when no pin leads there."""
    fix: str = ""
    files: tuple[str, ...] = ()
    """Paths relative to site-packages, at most 100; only for files and overlap."""
    file_count: int = 0

    @property
    def is_failure(self) -> bool:
        """Whether an environment with this finding is not conflict free."""
        return self.type in FAILING

    @property
    def sentence(self) -> str:
        """`httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed`: one line, no final stop."""
        return _SENTENCES[self.type].format(
            label=self.label, requirement=self.requirement, found=self.found, files=_few(self.files, self.file_count)
        )

    def as_json(self) -> dict[str, Any]:
        """One entry of conflicts.json."""
        return {
            "type": self.type,
            "is_failure": self.is_failure,
            "sentence": self.sentence,
            "fix": self.fix,
            "distribution": self.distribution,
            "version": self.version,
            "requirement": self.requirement,
            "found": self.found,
            "chain": list(self.chain),
            "files": list(self.files),
            "file_count": self.file_count,
        }


_SENTENCES = {
    "missing": "{label} needs {requirement}, which is not installed",
    "version": "{label} needs {requirement}, {found} is installed",
    "python": "{label} needs Python {requirement}, this is Python {found}",
    "extra": "{label} needs {requirement}, which is not installed",
    "url": "{label} needs {requirement}, {found} is installed",
    "platform": "{label} is built for {found}, which this platform does not support",
    "duplicate": "{label} is installed more than once: {found}",
    "metadata": "{label} {found}",
    "unknown-extra": "{label} needs {requirement}, {found} has no such extra",
    "files": "{label} is not as its RECORD says: {found}: {files}",
    "overlap": "{label} and {found} own the same path: {files}",
    "cycle": "{label} and {found} need each other",
}


def render(findings: Iterable[Finding]) -> str:
    """A line for each finding: the sentence of conflicts.txt."""
    return "".join(f"{finding.sentence}\n" for finding in findings)


def about(distribution: Distribution, kind: str, **facts: Any) -> Finding:
    """A finding about an installed distribution; `facts` are the other fields of `Finding`."""
    facts.setdefault("label", distribution.label)
    return Finding(kind, distribution.canonical_name, version=distribution.version, **facts)


def _few(paths: Sequence[str], count: int) -> str:
    more = f" and {count - 3} more" if count > 3 else ""
    return ", ".join(paths[:3]) + more
