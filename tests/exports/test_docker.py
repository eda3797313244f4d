"""The folder for `docker build`: the archive as it is unpacked there, and the image that has its Python."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.exported import build_of, saying
from venvbuild.exports import CONSUMERS, Build, export
from venvbuild.exports.docker import DOCKER


def dockerfile_of(build: Build, folder: Path) -> str:
    made = export(DOCKER, build, folder / "image")
    assert made.file, list(made.problems())
    return (made.file / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("link", "python", "image", "installs"),
    [
        ("/usr/bin/python3.11", "3.11", "debian:12-slim", True),
        ("/usr/bin/python3.13", "3.13", "debian:13-slim", True),
        ("/usr/bin/python3.12", "3.12", "ubuntu:24.04", True),
        ("/usr/local/bin/python3.14", "3.14", "python:3.14-slim", False),
    ],
)
def test_the_image_has_the_python_that_the_archive_links_to(
    tmp_path: Path, link: str, python: str, image: str, installs: bool
) -> None:
    text = dockerfile_of(replace(saying(build_of(tmp_path / "build"), python_version=python), link=link), tmp_path)
    assert re.findall("^FROM --platform=linux/amd64 (\\S+)", text, re.MULTILINE) == [image, image]
    assert ("apt-get install" in text) == installs


def test_an_interpreter_inside_needs_none_of_the_image(tmp_path: Path) -> None:
    build = saying(build_of(tmp_path / "build"), requires={"abi": "none", "glibc": "2.17", "libraries": []})
    assert "apt-get" not in dockerfile_of(replace(build, link="../_base/bin/python3.11"), tmp_path)


def test_the_image_is_of_the_architecture_of_the_build(tmp_path: Path) -> None:
    text = dockerfile_of(
        replace(saying(build_of(tmp_path / "build"), platform="linux_aarch64"), link="/usr/bin/python3.11"), tmp_path
    )
    assert re.findall("^FROM (\\S+)", text, re.MULTILINE) == ["--platform=linux/arm64"] * 2


def test_what_an_interpreter_inside_loads_is_installed_and_loaded(tmp_path: Path) -> None:
    needs = {"abi": "none", "glibc": "2.17", "libraries": ["libssl.so.3", "libz.so.1", "libother.so.7"]}
    build = replace(saying(build_of(tmp_path / "build"), requires=needs), link="../_base/bin/python3.11")
    text = dockerfile_of(build, tmp_path)
    assert "--no-install-recommends libssl3 zlib1g \\\n" in text
    [line] = [line for line in text.splitlines() if line.startswith("RUN [") and "CDLL" in line]
    assert json.loads(line[4:])[3:] == needs["libraries"]
    [found] = [one.finding for one in export(DOCKER, build, tmp_path / "x").verdicts if one.rule.name == "libraries"]
    assert (found.state, "libother.so.7, of which no package is known" in found.saw) == ("NOT CHECKED", True)


@pytest.mark.parametrize("link", ["/usr/bin/python3.10", "/usr/local/bin/python3.10"])
def test_a_link_to_a_python_of_another_version_is_refused(tmp_path: Path, link: str) -> None:
    made = export(DOCKER, replace(build_of(tmp_path / "build"), link=link), tmp_path / "image")
    assert [problem.rule for problem in made.problems()] == ["link"]


def test_what_it_does_with_the_archive_works_and_sees_other_bytes(tmp_path: Path) -> None:
    text = dockerfile_of(build_of(tmp_path / "build"), tmp_path)
    assert "COPY sales.tar.gz /tmp/sales.tar.gz\n" in text
    [step] = re.findall("^RUN (echo .*?[^\\\\])$", text, re.MULTILINE | re.DOTALL)
    script = step.replace("/tmp/sales.tar.gz", "image/sales.tar.gz").replace("/opt/sales", "opt")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    assert (tmp_path / "opt/bin/python").is_symlink()
    (tmp_path / "image/sales.tar.gz").write_bytes(b"other")
    assert subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=False, capture_output=True).returncode != 0


def test_every_line_is_an_instruction_or_a_part_of_one(tmp_path: Path) -> None:
    text = dockerfile_of(build_of(tmp_path / "build"), tmp_path)
    lines = text.replace("\\\n", " ").splitlines()
    assert {line.split(" ")[0] for line in lines} == {"#", "", "FROM", "COPY", "RUN", "ENV", "CMD"}


@pytest.mark.parametrize(("env_name", "tag"), [("sales", "sales"), ("Sales__x..Y-", "sales-x-y")])
def test_the_command_names_an_image_that_docker_takes(tmp_path: Path, env_name: str, tag: str) -> None:
    made = export(CONSUMERS["docker"], saying(build_of(tmp_path / "build"), env_name=env_name), tmp_path / "image")
    assert made.settings[0].text == f"docker build -t {tag} {tmp_path}/image"
