"""report.sarif: each conflict and problem at its line of the requirements file, as SARIF 2.1.0 (OASIS)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from venvbuild import __version__
from venvbuild.reports import issues
from venvbuild.run import Complaint, Outcome

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"ERROR": "error", "LOW": "note"}
_RULES = {
    "problem": "The run stopped",
    "pins": "Pins contradict each other",
    "missing": "A package that is needed is not installed",
    "version": "A package is installed in a version that another does not take",
    "python": "A package does not take this Python",
    "extra": "What an extra needs is not installed",
    "url": "A package was not installed from where another wants it",
    "platform": "A package is built for another platform",
    "duplicate": "A package is installed more than once",
    "metadata": "A package's metadata cannot be read",
    "unknown-extra": "An extra is asked for that there is not",
    "files": "Files are not as the package's RECORD says",
    "overlap": "Two packages own one file",
    "warning": "Something was warned of",
}
_Object = dict[str, Any]
"""An object of SARIF, under its names."""


def render(outcome: Outcome) -> str:
    """The file's text."""
    results = [_result(complaint, severity, outcome) for complaint, _, severity in issues.found(outcome)]
    rules = [{"id": rule, "shortDescription": {"text": _RULES.get(rule, rule)}} for rule in _used(results)]
    driver = {"name": "venvbuild", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _used(results: list[_Object]) -> list[str]:
    return sorted({result["ruleId"] for result in results})


def _result(complaint: Complaint, severity: str, outcome: Outcome) -> _Object:
    result: _Object = {
        "ruleId": complaint.kind or "problem",
        "level": _LEVELS[severity],
        "message": {"text": complaint.text},
    }
    if outcome.requirements_file:
        place: _Object = {"artifactLocation": {"uri": quote(outcome.requirements_file)}}  # SARIF wants a URI
        if complaint.line:
            place["region"] = {"startLine": complaint.line}
        result["locations"] = [{"physicalLocation": place}]
    return result
