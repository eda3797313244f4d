"""issues.json: each conflict and problem at its line of the requirements file, in the format of Jenkins' warnings-ng.

Source: the "native" parser of edu.hm.hafner:analysis-model.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from venvbuild.run import Complaint, Outcome

_CLASS = "io.jenkins.plugins.analysis.core.restapi.ReportApi"


def render(outcome: Outcome) -> str:
    """The file's text."""
    issues = [_issue(complaint, category, severity, outcome) for complaint, category, severity in found(outcome)]
    return json.dumps({"_class": _CLASS, "size": len(issues), "issues": issues}, indent=1) + "\n"


def found(outcome: Outcome) -> Iterator[tuple[Complaint, str, str]]:
    """Everything to be mended, each with its category (`problem`, `conflict`, `note`) and severity (`ERROR`, `LOW`)."""
    # packages that need each other are allowed to, and nobody could mend it: the page alone notes that
    yield from ((one, "problem", "ERROR") for one in outcome.problems)
    yield from ((one, "conflict", "ERROR") for one in outcome.conflicts)
    yield from ((one, "note", "LOW") for one in outcome.notes if one.kind != "cycle")


def _issue(complaint: Complaint, category: str, severity: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "fileName": outcome.requirements_file or "-",  # warnings-ng's own mark for no file
        "lineStart": complaint.line or 0,
        "severity": severity,
        "category": category,
        "type": complaint.kind or category,
        "message": complaint.headline,
        # The only part that Jenkins takes for HTML.
        "description": "".join(f"<p>{html.escape(line)}</p>" for line in complaint.text.split("\n")[1:]),
    }
