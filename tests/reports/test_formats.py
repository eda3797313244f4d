"""junit.xml, issues.json, report.sarif and summary.md, read by those they are for."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from tests.support import downloads
from tests.support.groovy import Groovy
from tests.support.outcomes import made_up, read, run
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.reports import issues, junit, markdown, page, sarif
from venvbuild.reports.writing import FORMATS, write_reports
from venvbuild.run import STEPS, Complaint, Outcome, Package, Pin, Step, Summary

HOSTILE = (
    "]]> <script>alert(1)</script> & \"'`|*_[x](javascript:1) \x00\x08\x1b[31m\x85\ufffe\ud800\u202e " + "x" * 5000
)
HUGE = HOSTILE + "x" * (1 << 20)


@pytest.fixture
def hostile(tool: Tool) -> Outcome:
    """A run whose every report was made by an enemy: a megabyte with everything that means something somewhere."""
    if not _made:
        _made.append(_hostile(tool))
    return _made[0]


_made: list[Outcome] = []
"""What `hostile` is, once it was asked for: it never changes."""


def _hostile(tool: Tool) -> Outcome:
    wheel(tool.index.folder, "good", "1.0")
    run(tool, "good==1.0")
    finding = {"type": HOSTILE, "is_failure": True, "sentence": HUGE, "fix": HOSTILE, "distribution": HOSTILE,
               "requirement": HOSTILE, "found": HOSTILE, "chain": [HOSTILE, HOSTILE]}  # fmt: skip
    (tool.work / "conflicts.json").write_text(json.dumps([finding, {**finding, "is_failure": False}]))
    tree = [{"package": {"key": HOSTILE}, "dependencies": [{"key": HOSTILE}]}]
    (tool.work / "pipdeptree.json").write_text(json.dumps(tree))
    (tool.work / "build.log").write_text(HUGE + "\n", "utf-8", "surrogatepass")
    record = json.loads((tool.work / "venvbuild-work.json").read_text())
    fault = {"where": HOSTILE, "why": HUGE, "fix": HOSTILE}
    record["failed"] = {"step": "pack", "exit_code": 8, "problems": [{"what": f"{n}{HOSTILE}", **fault} for n in "123"]}
    record["settings"].update(build_url=HOSTILE, source_revision=HOSTILE, env_name=HOSTILE, requirements=HOSTILE)
    (tool.work / "venvbuild-work.json").write_text(json.dumps(record))
    return read(tool.work)


def written(render: Callable[[Outcome], str], outcome: Outcome, folder: Path) -> Path:
    file = folder / "written.json"  # the parser goes by the name, too
    file.write_text(render(outcome), "utf-8")
    return file


def test_a_format_need_not_care_what_a_screen_obeys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("venvbuild.reports.writing.FORMATS", {"new.txt": lambda _: "a\x1b[2J\ud800\ufffe\n\tb\n"})
    assert (write_reports(made_up(), tmp_path) / "new.txt").read_text("utf-8") == "a\\x1b[2J\\ud800\\ufffe\n\tb\n"


# --- junit.xml


def cases(outcome: Outcome) -> dict[str, list[tuple[str, str]]]:
    """By suite, each case and what became of it."""
    suites = ET.fromstring(junit.render(outcome))
    return {
        suite.attrib["name"]: [(case.attrib["name"], case[0].tag if len(case) else "passed") for case in suite]
        for suite in suites
    }


def test_junit_has_a_case_for_each_step_pin_and_conflict() -> None:
    assert cases(made_up()) == {
        "steps": [(name, "passed") for name in STEPS],
        "requirements": [("needy==1.0", "passed"), ("other==2.0", "passed")],
        "conflicts": [("needy 1.0 needs other==1.0, other 2.0 is installed", "failure")],
    }


def test_junit_fails_a_step_whose_reason_was_not_kept() -> None:
    lost = made_up(problems=(), conflicts=(), exit_code=4, steps=(Step("check", "failed", 0.1),))
    assert 'message="it failed, and the reason was not kept"' in junit.render(lost)


def test_junit_counts_its_cases() -> None:
    pins = tuple(
        Pin("a", f"a=={n}", f"{n}", n, status) for n, status in enumerate(("absent", "not run", "installed"), 1)
    )
    suites = ET.fromstring(junit.render(made_up(pins=pins)))
    numbers = [[suite.attrib[name] for name in ("name", "tests", "failures", "skipped", "errors")] for suite in suites]
    assert numbers == [
        ["steps", "7", "0", "0", "0"], ["requirements", "3", "1", "1", "0"], ["conflicts", "1", "1", "0", "0"],
    ]  # fmt: skip


def test_junit_never_passes_what_did_not_run() -> None:
    steps = (Step("check", "passed", 0.1), Step("create", "failed", None), Step("inspect", "not run", None))
    problem = Complaint("there is no absent 1.0", "pins.txt:2", line=2)
    pins = (Pin("good", "good==1.0", "1.0", 1, "not run"), Pin("absent", "absent==1.0", "1.0", 2, "not run"))
    stopped = made_up(steps=steps, pins=pins, problems=(problem,), conflicts=(), summary=Summary("a", "3.11", "create"))
    assert cases(stopped) == {
        "steps": [("check", "passed"), ("create", "failure"), ("inspect", "skipped")],
        "requirements": [("good==1.0", "skipped"), ("absent==1.0", "failure")],
        "conflicts": [],
    }


def test_junit_fails_a_pin_that_is_installed_otherwise_and_skips_one_that_is_not_meant() -> None:
    pins = (
        Pin("a", "a==1", "1", 1, "differs", "2"),
        Pin("b", "b==1", "1", 2, "absent"),
        Pin("c", "c==1", "1", 3, "not meant"),
    )
    text = junit.render(made_up(pins=pins))
    assert [how for _, how in cases(made_up(pins=pins))["requirements"]] == ["failure", "failure", "skipped"]
    assert 'message="a 2 is installed"' in text
    assert 'message="b is not installed"' in text


def test_junit_names_a_refused_line_by_its_place(tool: Tool) -> None:
    refused = cases(run(tool, "good", "x==1.*", until="check", code=3))
    file = tool.folder / "requirements.txt"
    assert refused["requirements"] == [(f"{file}:1", "failure"), (f"{file}:2", "failure")]
    assert refused["steps"][0] == ("check", "failure")


@pytest.mark.parametrize("state", ["made up", "hostile"])
def test_junit_is_valid_for_jenkins(groovy: Groovy, state: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    outcome = request.getfixturevalue("hostile") if state == "hostile" else made_up()
    file = written(junit.render, outcome, tmp_path)
    assert groovy.fault(downloads.junit_schema(), file) == ""
    assert file.stat().st_size < 200_000


def test_the_schema_finds_a_fault(groovy: Groovy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(junit.render(made_up()).replace("<testcase name", "<testcase nome"))
    assert "nome" in groovy.fault(downloads.junit_schema(), tmp_path / "file")


# --- issues.json and report.sarif


@pytest.mark.parametrize(("render", "form"), [(issues.render, "native"), (sarif.render, "sarif")])
def test_jenkins_own_parser_finds_a_conflict_at_its_pin(
    groovy: Groovy, render: Callable[[Outcome], str], form: str, tmp_path: Path
) -> None:
    note = Complaint("a and b own the same path", kind="overlap")
    found = groovy.issues(form, written(render, made_up(notes=(note,)), tmp_path))
    assert [(one["file"], one["line"], one["severity"], one["type"]) for one in found] == [
        ("pins.txt", 2, "ERROR" if form == "native" else "HIGH", "version"),
        ("pins.txt", 0, "LOW", "overlap"),
    ]
    assert "needy 1.0 needs other==1.0, other 2.0 is installed" in found[0]["message"]
    assert "pin other==1.0" in found[0]["description" if form == "native" else "message"]


@pytest.mark.parametrize(("render", "form"), [(issues.render, "native"), (sarif.render, "sarif")])
def test_jenkins_own_parser_reads_what_an_enemy_wrote(
    groovy: Groovy, render: Callable[[Outcome], str], form: str, hostile: Outcome, tmp_path: Path
) -> None:
    found = groovy.issues(form, written(render, hostile, tmp_path))
    assert len(found) == 5
    assert "<script>" not in str([one["description"] for one in found])


def test_a_run_without_faults_has_no_issues(groovy: Groovy, tmp_path: Path) -> None:
    well = made_up(conflicts=())
    assert groovy.issues("native", written(issues.render, well, tmp_path)) == []
    assert groovy.issues("sarif", written(sarif.render, well, tmp_path)) == []


def test_packages_that_need_each_other_are_no_issue_and_no_case() -> None:
    both = {"a": ("b",), "b": ("a",)}
    packages = tuple(Package(name, "1.0", 5, needs, True) for name, needs in both.items())
    cycle = Complaint(
        "a 1.0 and b 1.0 need each other", "pins.txt:2", fix="nothing: it is allowed", kind="cycle", line=2
    )
    ring = made_up(conflicts=(), notes=(cycle,), packages=packages)
    assert json.loads(issues.render(ring))["issues"] == []
    assert json.loads(sarif.render(ring))["runs"][0]["results"] == []
    assert cycle.what not in junit.render(ring)
    assert cycle.what in page.render(ring)
    assert cycle.what in markdown.render(ring)


@pytest.mark.parametrize("state", ["made up", "hostile", "well"])
def test_sarif_is_valid(state: str, request: pytest.FixtureRequest) -> None:
    outcome = request.getfixturevalue("hostile") if state == "hostile" else made_up()
    text = sarif.render(replace(outcome, conflicts=()) if state == "well" else outcome)
    schema = json.loads(downloads.sarif_schema())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(json.loads(text))) == []
    spoiled = text.replace('"level"', '"lavel"', 1).replace('"runs"', '"rans"', 1)
    assert list(validator.iter_errors(json.loads(spoiled)))


# --- summary.md


def test_the_summary_has_conflicts_before_packages() -> None:
    text = markdown.render(made_up())
    assert text.startswith("# sales py3.11: 1 conflict\n")
    places = [text.index(part) for part in ("venv_20261121_063000", "needy 1.0 needs", "fix: pin other", "Largest")]
    assert places == sorted(places)
    assert "| needy | 1.0 | 2.0 MB |" in text


def test_the_summary_lets_no_markup_through(hostile: Outcome) -> None:
    text = markdown.render(hostile)
    assert "<script>" not in text
    assert "](javascript" not in text
    assert "\\<script\\>" in text


def test_only_the_job_becomes_a_link_in_the_summary() -> None:
    lure = Complaint("HTTPS://evil.example", "http://evil.example:1", "www.evil.example", "ftp://evil.example WWW.x")
    text = markdown.render(made_up(notes=(lure,)))
    assert "- job: <https://ci.example.com/job/environments/42/>\n" in text
    assert re.findall(r"\w+\\?(?:://|\.)(?=evil|x)", text) == [
        "http\\://", "HTTPS\\://", "www\\.", "ftp\\://", "WWW\\.",
    ]  # fmt: skip


def test_a_revision_is_short_in_the_summary() -> None:
    assert "- revision: 0123456789ab\n" in markdown.render(made_up(source_revision="0123456789abcdef" * 2 + "01234567"))


@pytest.mark.parametrize("address", ["javascript:x", "https://x> <b>", "https://x\n# y", "http://\u00e9<"])
def test_an_address_of_a_job_that_is_none_is_text_in_the_summary(address: str) -> None:
    assert f"<{address}" not in markdown.render(made_up(build_url=address))


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_grows_with_what_it_is_given(name: str, hostile: Outcome) -> None:
    assert len(FORMATS[name](hostile).encode()) < 300_000
