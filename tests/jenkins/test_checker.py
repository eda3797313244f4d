"""The checker of declarative pipelines: what is right passes, and each rule finds what breaks it, on its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.groovy import Groovy

PIPELINES = Path(__file__).parent / "pipelines"
GOOD, BAD = sorted(PIPELINES.glob("good/*.groovy")), sorted(PIPELINES.glob("bad/*.groovy"))


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_a_good_pipeline_has_no_problem(file: Path, groovy: Groovy) -> None:
    assert groovy.check(file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_pipeline_has_the_problem_that_its_comment_names(file: Path, groovy: Groovy) -> None:
    text = file.read_text("utf-8")
    lines = enumerate(text.splitlines(), start=1)
    [expected] = [f"{number}: {found[1]}" for number, line in lines if (found := re.search(r"// (\w+: .*)", line))]
    [problem] = groovy.check(text)
    assert problem.startswith(expected)


def test_a_tab_or_an_accent_does_not_move_a_line(groovy: Groovy) -> None:
    text = "// é\n\t\npipeline {\n\tagent any\n\tstages {\n\t\tstage('é') {\n\t\t\tstep {}\n\t\t}\n\t}\n}\n"
    assert any(one.startswith("7: error: unknown directive step") for one in groovy.check(text))
