"""Says what is in an environment, and what is wrong with it, by reading its files: the reports and the verdict.

Nothing of the environment is run or imported, not even its interpreter: a `.pth` file in it would run with it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from venvbuild.conflicts import find_conflicts
from venvbuild.errors import VenvBuildError
from venvbuild.findings import Finding, render
from venvbuild.graph import components
from venvbuild.installed import Distribution, distributions_in, site_packages_folders
from venvbuild.interpreters import Target
from venvbuild.machine import of_wheels
from venvbuild.needs import Need, Root, needs
from venvbuild.process import CommandFailed, Completed, clean_environment, run
from venvbuild.redaction import REDACTOR

log = logging.getLogger(__name__)

_TREES = {"pipdeptree.txt": "text", "pipdeptree.json": "json", "pipdeptree.dot": "graphviz-dot"}
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Inspection:
    """What is in an environment and what is wrong with it."""

    installed_packages: tuple[str, ...]
    """`name==version` of every distribution, pip included: PEP 503 names, sorted as strings, each once."""
    findings: tuple[Finding, ...]
    """Everything noticed, failing or not; the entries of conflicts.json. Redacted."""
    conflicts: tuple[str, ...]
    """The sentences of the failing findings; the lines of conflicts.txt. Redacted."""
    requires: Mapping[str, str | None]
    """What a machine must have to run it: `abi` and `glibc`, see `requires`."""
    reports: tuple[str, ...]
    """Names of the files that were written, sorted."""

    @property
    def is_conflict_free(self) -> bool:
        """Whether no finding is a failing one."""
        return not self.conflicts


def inspect(
    venv: Path, roots: Iterable[Root], target: Target, output: Path, run: Callable[..., Completed] = run
) -> Inspection:
    """Read the environment `venv`, made for `target`, and write the reports into the folder `output`.

    `pipdeptree.txt .json .dot` (and `.svg` where Graphviz' `dot` is on the PATH), `installed_packages.txt .json`,
    `conflicts.json` (always) and `conflicts.txt` (only when there are conflicts; one of an earlier run is removed).
    Each appears under its name when it is whole. Equal environments give equal bytes. Conflicts are no error here: the
    caller decides.

    Raises:
        VenvBuildError: pipdeptree failed; the other reports are there all the same.
    """
    roots = tuple(roots)
    distributions = distributions_in(site_packages_folders(venv, target.marker_environment["python_version"]))
    findings = tuple(map(_redacted, find_conflicts(distributions, roots, target)))
    conflicts = tuple(finding.sentence for finding in findings if finding.is_failure)
    packages = tuple(sorted({one.pin for one in distributions if one.pin}))
    output.mkdir(parents=True, exist_ok=True)
    reports = {
        "installed_packages.txt": "".join(f"{package}\n" for package in packages),
        "installed_packages.json": _json(packages),
        "conflicts.json": _json([finding.as_json() for finding in findings]),
        "conflicts.txt": render(finding for finding in findings if finding.is_failure) or None,
    }
    _write(output, reports)
    try:
        trees = _trees(distributions, needs(distributions, roots, target), roots, run)
    except VenvBuildError:
        _write(output, dict.fromkeys((*_TREES, "pipdeptree.svg")))  # those of an earlier run would be taken for ours
        raise
    _write(output, trees)
    written = tuple(sorted(name for name, text in {**reports, **trees}.items() if text is not None))
    return Inspection(packages, findings, conflicts, of_wheels(distributions, target), written)


def _trees(
    distributions: Sequence[Distribution], found: Iterable[Need], roots: Iterable[Root], run: Callable[..., Completed]
) -> dict[str, str | None]:
    """The dependency tree in each form; pipdeptree runs from our own environment and never sees the real one.

    With `--path` it judges markers by the Python that runs it (4.2.14; also when `--python` names another one), and
    with `--python` alone it runs that Python, `.pth` files and all. So it gets a folder of its own which holds, for
    each distribution, only its name, its version and what it needs on the target: nothing that could be a secret.
    """
    env = clean_environment()
    with tempfile.TemporaryDirectory(prefix="venvbuild-inspect-") as temporary:
        folder = Path(temporary)
        found, roots = tuple(found), tuple(roots)
        _write_stand_ins(folder / "all", distributions, found, roots)
        _write_stand_ins(folder / "opened", distributions, _opened(found, roots), roots)
        trees: dict[str, str | None] = {
            name: _pipdeptree(folder / ("opened" if form == "text" else "all"), form, env, run)
            for name, form in _TREES.items()
        }
        trees["pipdeptree.svg"] = _drawing(folder, str(trees["pipdeptree.dot"]), env, run)
    return trees


def _opened(found: Sequence[Need], roots: Iterable[Root]) -> list[Need]:
    """The needs, less those that hide a cycle: pipdeptree starts its text at what nobody needs, so that kedro, which
    kedro-telemetry needs, would be nowhere in it. Each such cycle is opened at a pin of the requirements file.
    """
    edges: dict[str, list[str]] = {}
    for need in found:
        edges.setdefault(need.dependent.canonical_name, []).append(need.name)
        edges.setdefault(need.name, [])
    pinned = {root.canonical_name for root in roots}
    inside: dict[str, int] = {}
    tops: dict[int, str] = {}
    for number, names in enumerate(components(edges)):
        inside.update(dict.fromkeys(names, number))
        tops[number] = next((name for name in names if name in pinned), names[0])
    for name, others in edges.items():
        for other in others:
            if inside[name] != inside[other]:
                tops.pop(inside[other], None)  # something above it leads there
    return [need for need in found if tops.get(inside[need.name]) != need.name]


def _write_stand_ins(
    folder: Path, distributions: Sequence[Distribution], found: Iterable[Need], roots: Iterable[Root]
) -> None:
    # pipdeptree does not know the requirements file: what an extra in it asks for is shown as always needed.
    always = {(root.canonical_name, canonicalize_name(extra)) for root in roots for extra in root.extras}
    lines: dict[int, set[str]] = {}
    for need in found:
        of_dependent = lines.setdefault(id(need.dependent), set())
        is_extra = need.extra and (need.dependent.canonical_name, need.extra) not in always
        of_dependent.add(f"Requires-Dist: {need.text_without_url}" + f' ; extra == "{need.extra}"' * bool(is_extra))
        if need.extra:
            of_dependent.add(f"Provides-Extra: {need.extra}")
    folder.mkdir()
    for number, distribution in enumerate(one for one in distributions if one.pin):
        version = str(distribution.pin).partition("==")[2]
        stand_in = folder / f"{distribution.canonical_name.replace('-', '_')}-{number}.dist-info"
        stand_in.mkdir()
        metadata = [
            "Metadata-Version: 2.1",
            f"Name: {distribution.name}",
            f"Version: {version}",
            *sorted(lines.get(id(distribution), ())),
        ]
        (stand_in / "METADATA").write_text("\n".join(metadata) + "\n", encoding="utf-8")


def _pipdeptree(folder: Path, form: str, env: Mapping[str, str], run: Callable[..., Completed]) -> str:
    # Its warnings and its exit code judge cycles as failures: the verdict is ours (find_conflicts).
    command = [
        sys.executable,
        "-I",
        "-m",
        "pipdeptree",
        "--path",
        folder,
        "--warn",
        "silence",
        "--encoding",
        "utf-8",
        "--extras",
        "explicit",
        "-o",
        form,
    ]
    try:
        return run(command, env=env, timeout_s=_TIMEOUT_S).stdout
    except (CommandFailed, OSError) as error:
        said = error.output if isinstance(error, CommandFailed) else str(error)
        raise VenvBuildError(
            f"pipdeptree could not write the dependency tree as {form}",
            why=" ".join(said.split())[-500:] or "it said nothing",
            fix="install venvbuild's own environment again; the other reports are written",
        ) from error


def _drawing(folder: Path, dot: str, env: Mapping[str, str], run: Callable[..., Completed]) -> str | None:
    """The tree as SVG; None where Graphviz is absent or fails, for a picture is no reason to lose a build."""
    program = shutil.which("dot", path=env.get("PATH", ""))
    if program is None:
        return None
    source = folder / "tree.dot"
    source.write_text(dot, encoding="utf-8")
    try:
        return run([program, "-Tsvg", source], env=env, timeout_s=_TIMEOUT_S).stdout or None
    except (CommandFailed, OSError) as error:
        log.warning("no pipdeptree.svg: %s", error)
        return None


def _redacted(finding: Finding) -> Finding:
    texts: dict[str, Any] = {field.name: getattr(finding, field.name) for field in fields(finding)}
    for name, value in texts.items():
        if isinstance(value, str):
            texts[name] = REDACTOR.redact(value)
        elif isinstance(value, tuple):
            texts[name] = tuple(map(REDACTOR.redact, value))
    return replace(finding, **texts)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _write(output: Path, reports: Mapping[str, str | None]) -> None:
    """Write each report, whole or not at all; one that is None must not be there."""
    for name, text in reports.items():
        target = output / name
        if text is None:
            target.unlink(missing_ok=True)
            continue
        beside = target.with_name(f".{name}.part")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, target)
