"""What is not as it should be, as a sentence and as JSON."""

from __future__ import annotations

import json

import pytest

from tests.inspection.test_conflicts import distribution
from venvbuild.inspection import findings
from venvbuild.inspection.findings import FAILING, REPORTED, Finding

KINDS = {
    "missing": "a 1.0 needs b>=2, which is not installed",
    "version": "a 1.0 needs b>=2, b 1.0 is installed",
    "python": "a 1.0 needs Python b>=2, this is Python b 1.0",
    "extra": "a 1.0 needs b>=2, which is not installed",
    "url": "a 1.0 needs b>=2, b 1.0 is installed",
    "platform": "a 1.0 is built for b 1.0, which this platform does not support",
    "duplicate": "a 1.0 is installed more than once: b 1.0",
    "metadata": "a 1.0 b 1.0",
    "unknown-extra": "a 1.0 needs b>=2, b 1.0 has no such extra",
    "files": "a 1.0 is not as its RECORD says: b 1.0: x, y",
    "overlap": "a 1.0 and b 1.0 own the same path: x, y",
    "cycle": "a 1.0 and b 1.0 need each other",
}


def finding(kind: str, *, count: int = 2) -> Finding:
    return Finding(kind, "a", "a 1.0", "1.0", "b>=2", "b 1.0", files=("x", "y", "z", "u")[:count], file_count=count)


@pytest.mark.parametrize(("kind", "sentence"), KINDS.items(), ids=KINDS)
def test_each_kind_has_its_sentence(kind: str, sentence: str) -> None:
    assert finding(kind).sentence == sentence


def test_every_kind_is_a_failure_or_a_note_and_none_both() -> None:
    assert set(KINDS) == FAILING | REPORTED
    assert not FAILING & REPORTED


@pytest.mark.parametrize(("kind", "is_failure"), [("missing", True), ("metadata", True), ("cycle", False)])
def test_only_some_kinds_fail_a_job(kind: str, is_failure: bool) -> None:
    assert finding(kind).is_failure is is_failure
    assert finding(kind).as_json()["is_failure"] is is_failure


@pytest.mark.parametrize(
    ("count", "files"), [(1, "x"), (3, "x, y, z"), (4, "x, y, z and 1 more")], ids=["one", "three", "four"]
)
def test_of_many_files_three_are_named(count: int, files: str) -> None:
    assert finding("overlap", count=count).sentence.endswith(f": {files}")


def test_in_json_a_finding_has_all_its_fields_and_its_sentence() -> None:
    written = finding("version").as_json()
    assert json.loads(json.dumps(written)) == written
    assert (written["type"], written["sentence"], written["files"]) == ("version", KINDS["version"], ["x", "y"])


def test_a_report_is_a_line_for_each() -> None:
    assert findings.render([finding("missing"), finding("cycle")]) == f"{KINDS['missing']}\n{KINDS['cycle']}\n"
    assert findings.render([]) == ""


def test_a_finding_about_a_distribution_carries_its_name_and_version() -> None:
    made = findings.about(distribution("Some-Thing"), "missing", requirement="b>=2")
    assert (made.distribution, made.version) == ("some-thing", "1.0")
    assert made.sentence == "Some-Thing 1.0 needs b>=2, which is not installed"


def test_a_finding_may_call_a_distribution_by_another_name() -> None:
    assert findings.about(distribution("a"), "missing", label="a[x] 1.0", requirement="b").sentence.startswith("a[x]")
