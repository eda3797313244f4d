"""The pipelines for Jenkins and Azure of the example: read by what judges such files, and run nowhere."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.support import azure
from tests.support.groovy import Groovy
from tests.support.scripts import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "release"
JENKINSFILE = (EXAMPLE / "Jenkinsfile").read_text("utf-8")
AZURE = EXAMPLE / "azure-pipelines.yml"
COMMAND = "bin/release run --from-tag"


def test_the_checker_of_jenkinsfiles_finds_neither_errors_nor_warnings(groovy: Groovy) -> None:
    assert groovy.check(JENKINSFILE) == []
    assert groovy.check(JENKINSFILE.replace("timestamps()", "timestamp()"))


def test_jenkins_has_one_line_of_shell_with_the_credentials_around_it_for_a_tag(groovy: Groovy) -> None:
    job = groovy.read(JENKINSFILE)
    assert [(one["text"], one["kind"], one["quote"]) for one in job["shells"]] == [(COMMAND, "constant", "'")]
    assert "withCredentials" in job["shells"][0]["inside"]
    assert "tag 'v*'" in JENKINSFILE


def test_the_schema_of_azure_finds_nothing_and_a_mistake_is_found(tmp_path: Path) -> None:
    assert azure.judged(AZURE).returncode == 0
    wrong = tmp_path / "azure-pipelines.yml"
    wrong.write_text(AZURE.read_text("utf-8").replace("displayName:", "displayNme:"))
    assert azure.judged(wrong).returncode == 1


def test_azure_starts_for_a_tag_and_only_the_step_that_publishes_gets_the_secret() -> None:
    read = yaml.safe_load(AZURE.read_text("utf-8"))
    assert read["trigger"] == {"branches": {"exclude": ["*"]}, "tags": {"include": ["v*"]}}
    [step] = [step for step in read["steps"] if "DEVPI_TOKEN" in str(step)]
    assert step["bash"] == COMMAND
    for branch, runs in (("refs/tags/v1.0.0", True), ("refs/heads/v1", False), ("refs/heads/main", False)):
        assert azure.evaluate(step["condition"], {"Build.SourceBranch": branch}, True) is runs
