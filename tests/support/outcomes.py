"""Outcomes of runs: of real ones in a work dir, and one made up for what is hard to build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.support.tool import Tool
from venvbuild.builds import Metadata
from venvbuild.run import STEPS, Complaint, Outcome, Package, Pin, Step, Summary, outcome_of


def run(tool: Tool, *pins: str, until: str = "inspect", code: int = 0, **env: str) -> Outcome:
    """The outcome of these pins after the steps; only the last may end otherwise than well."""
    file = tool.requirements(*pins)
    for step in STEPS[: STEPS.index(until) + 1]:
        done = tool.run(step, "--work-dir", tool.work, *(("-r", file) if step == "check" else ()), **env)
        assert done.code == (code if step == until else 0), done.stderr
    return read(tool.work)


def read(folder: Path) -> Outcome:
    found = outcome_of(folder)
    assert found
    return found


def made_up(**changes: Any) -> Outcome:
    """A run with a conflict whose every fact is known."""
    conflict = Complaint(
        "needy 1.0 needs other==1.0, other 2.0 is installed", "pins.txt:2", fix="pin other==1.0", kind="version",
        chain=("needy 1.0",), packages=("needy", "other"), line=2,
    )  # fmt: skip
    return replace(
        Outcome(
            summary=Summary("sales", "3.11", None, 2, 1, "venv_20261121_063000", "file:///store"),
            requirements_file="pins.txt",
            exit_code=0,
            steps=tuple(Step(name, "passed", 1.5) for name in STEPS),
            problems=(),
            conflicts=(conflict,),
            notes=(),
            pins=(Pin("needy", "needy==1.0", "1.0", 2, "installed"), Pin("other", "other==2.0", "2.0", 3, "installed")),
            packages=(Package("needy", "1.0", 2_000_000, ("other",), True), Package("other", "2.0", 500, (), True)),
            build_url="https://ci.example.com/job/environments/42/",
            source_revision="0123456789abcdef",
            metadata=cast(Metadata, {
                "venv_version": "venv_20261121_063000", "archive_size_bytes": 1000, "files": {"claim.json": {}},
                "venv_archive": "file:///store/venv-builds/venv_20261121_063000/venv_20261121_063000.tar.gz",
            }),
            last_lines=("one", "two"),
            ended_at="2026-11-21T06:31:12Z",
        ),
        **changes,
    )  # fmt: skip


def many_packages(count: int) -> tuple[Package, ...]:
    """Packages of which each needs the next ones, `hub`, and its own number of others: 3 lines each or so."""
    names = [f"package-number-{number:03}" for number in range(count)]
    return (
        Package("hub", "1.0", 5000, (), False),
        *(
            Package(name, "1.0", 1000 * place, ("hub", *names[place * 3 + 1 : place * 3 + 4]), place % 2 == 0)
            for place, name in enumerate(names)
        ),
    )
