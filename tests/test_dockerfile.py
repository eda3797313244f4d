"""The image of an agent: read by hadolint, and held to the tool. No test builds it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.requirement import require
from tests.support.scripts import REPOSITORY

DOCKERFILE = REPOSITORY / "Dockerfile"
TEXT = DOCKERFILE.read_text("utf-8")


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    require(hadolint.exists(), "hadolint is not installed beside the Python of the tests")
    linted = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")
    spoiled = tmp_path / "Dockerfile"
    spoiled.write_text(TEXT.replace("FROM debian:12-slim", "FROM debian"))
    assert "DL3006" in subprocess.run([hadolint, spoiled], capture_output=True, text=True, check=False).stdout


def test_it_copies_what_the_tool_is_made_of_to_where_the_library_looks() -> None:
    copied = re.findall(r"^COPY (\S+) (\S+)$", TEXT, re.MULTILINE)
    assert [source for source, _ in copied] == ["bin", "locks", "athena", "venvbuild"]
    assert all(target == f"/opt/venvbuild/{source}" for source, target in copied)
    assert all((REPOSITORY / source).is_dir() for source, _ in copied)
    assert "env.VENVBUILD_HOME ?: '/opt/venvbuild'" in (REPOSITORY / "vars" / "venvBuild.groovy").read_text()


def test_its_uv_is_the_one_of_the_lock() -> None:
    [version] = re.findall(r"uv==(\S+)", TEXT)
    assert f"\nuv=={version} " in (REPOSITORY / "locks" / "base.txt").read_text()


def test_it_has_every_python_that_the_job_offers() -> None:
    installed = re.search(r"uv python install ([0-9. ]+)", TEXT)
    assert installed is not None
    offered = re.search(r"choices: \[([^\]]*)\]", (REPOSITORY / "Jenkinsfile").read_text())
    assert offered is not None
    debian = "3.11"
    assert {*installed[1].split(), debian} == set(re.findall(r"[0-9.]+", offered[1]))
