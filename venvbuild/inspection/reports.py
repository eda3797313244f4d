"""Says what is in an environment, and what is wrong with it, by reading its files: the reports and the verdict.

Nothing of the environment is run or imported, not even its interpreter: a `.pth` or `.start` file in it would run too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from venvbuild.errors import VenvBuildError
from venvbuild.files import write_whole
from venvbuild.inspection.conflicts import find_conflicts
from venvbuild.inspection.dependencies import Root, dependencies
from venvbuild.inspection.findings import Finding, render
from venvbuild.inspection.packages import entries
from venvbuild.inspection.tree import TREES, drawn_trees
from venvbuild.installed import distributions_of
from venvbuild.interpreters import Target
from venvbuild.machine import Requires, of_wheels
from venvbuild.process import Completed, run
from venvbuild.redaction import REDACTOR

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspection:
    """What is in an environment and what is wrong with it."""

    installed_packages: tuple[str, ...]
    """`name==version` of every distribution, pip included: PEP 503 names, sorted as strings, each once."""
    findings: tuple[Finding, ...]
    """Everything noticed, failing or not; the entries of conflicts.json. Redacted."""
    conflicts: tuple[str, ...]
    """The sentences of the failing findings; the lines of conflicts.txt. Redacted."""
    requires: Requires
    """What its wheels ask of a machine: `abi` and `glibc`."""
    reports: tuple[str, ...]
    """Names of the files that were written, sorted."""

    @property
    def is_conflict_free(self) -> bool:
        """Whether no finding is a failing one."""
        return not self.conflicts


Advice = Callable[[Sequence[Finding]], Mapping[Finding, str]]
"""From findings to a better fix than their own, for those that it knows one of."""


def inspect(
    venv: Path,
    roots: Iterable[Root],
    target: Target,
    output: Path,
    run: Callable[..., Completed] = run,
    advice: Advice | None = None,
    wheels: Mapping[str, Mapping[str, Any]] | None = None,
) -> Inspection:
    """Read the environment `venv`, made for `target`, and write the reports into the folder `output`.

    `pipdeptree.txt .json .dot` (and `.svg` where Graphviz' `dot` is on the PATH), `installed_packages.txt .json`,
    `packages.json`, `conflicts.json` (always) and `conflicts.txt` (only when there are conflicts; one of an earlier run
    is removed). Each appears under its name when it is whole. Equal environments give equal bytes. Conflicts are no
    error here: the caller decides.

    `wheels` is what packages.json is to say of the wheel of a distribution, by canonical name and field.

    Raises:
        VenvBuildError: pipdeptree failed; the other reports are there all the same.
    """
    roots = tuple(roots)
    distributions = distributions_of(venv, target.marker_environment["python_version"])
    found = find_conflicts(distributions, roots, target)
    better = advice(found) if advice else {}
    # Here, before any of it is in a file: what they say comes from packages, and may be a URL with a password.
    findings = tuple(_redacted(replace(finding, fix=better.get(finding, finding.fix))) for finding in found)
    conflicts = tuple(finding.sentence for finding in findings if finding.is_failure)
    packages = tuple(sorted({one.pin for one in distributions if one.pin}))
    needs = dependencies(distributions, roots, target)
    output.mkdir(parents=True, exist_ok=True)
    reports = {
        "installed_packages.txt": "".join(f"{package}\n" for package in packages),
        "installed_packages.json": _json(packages),
        "packages.json": _json(entries(distributions, needs, roots, wheels or {}, REDACTOR.redact)),
        "conflicts.json": _json([finding.as_json() for finding in findings]),
        "conflicts.txt": render(finding for finding in findings if finding.is_failure) or None,
    }
    # Before the trees: if pipdeptree fails, the verdict is there all the same.
    _write(output, reports)
    try:
        trees = drawn_trees(distributions, needs, roots, run)
    except VenvBuildError:
        _write(output, dict.fromkeys((*TREES, "pipdeptree.svg")))  # those of an earlier run would be taken for ours
        raise
    _write(output, trees)
    written = tuple(sorted(name for name, text in {**reports, **trees}.items() if text is not None))
    return Inspection(packages, findings, conflicts, of_wheels(distributions, target), written)


def _redacted(finding: Finding) -> Finding:
    texts: dict[str, Any] = {field.name: getattr(finding, field.name) for field in fields(finding)}
    for name, value in texts.items():
        if isinstance(value, str):
            texts[name] = REDACTOR.redact(value)
        elif isinstance(value, tuple):
            texts[name] = tuple(map(REDACTOR.redact, value))
    return replace(finding, **texts)


def _json(value: Any) -> str:
    # People read these too.
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _write(output: Path, reports: Mapping[str, str | None]) -> None:
    """Write each report, whole or not at all; one that is None must not be there."""
    for name, text in reports.items():
        target = output / name
        if text is None:
            target.unlink(missing_ok=True)
            continue
        write_whole(target, text.encode())
