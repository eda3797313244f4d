"""How rules judge, on both sides of their borders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.exported import build_of, saying
from venvbuild.exports import Build
from venvbuild.exports.rules import Source, archive_at_most, glibc_finding, has_link, has_package, link_leads_to

PAGE = Source("https://example.com", "2026-11-29")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_of(tmp_path_factory.mktemp("built") / "build")


@pytest.mark.parametrize(
    ("needs", "state"), [(None, "met"), ("2.9", "met"), ("2.34", "met"), ("2.35", "broken"), ("3.0", "broken")]
)
def test_versions_of_glibc_are_numbers(build: Build, needs: str | None, state: str) -> None:
    assert glibc_finding(saying(build, requires={"abi": "cp311", "glibc": needs}), "2.34").state == state


def test_an_interpreter_inside_needs_no_link(build: Build) -> None:
    bundled = replace(saying(build, requires={"abi": "none", "glibc": None, "libraries": []}), link="../_base/bin/x")
    for rule in (has_link(PAGE), link_leads_to(lambda version: [f"/usr/bin/python{version}"], "", PAGE)):
        assert rule.judge(bundled, None).state == "met"


def test_a_size_is_that_of_what_was_made(build: Build, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(bytes(2))
    rule = archive_at_most(1, "", PAGE)
    assert rule.judge(build, made).state == "broken"
    made.write_bytes(bytes(1))
    assert rule.judge(build, made).state == "met"


@pytest.mark.parametrize(
    ("there", "state", "way_out"),
    [
        ("two==2.0", "met", ""),
        ("two==1.0", "met", ""),
        ("two==3.0", "broken", "write two==2.0 into requirements.txt, and build it again"),
        ("one==2.0", "broken", "write two==2.0 into requirements.txt, and build it again"),
    ],
)
def test_a_package_is_inside_in_a_version_for_the_python(build: Build, there: str, state: str, way_out: str) -> None:
    rule = has_package("two", {"3.13": ("3.0",), "3.11": ("2.0", "1.0")}, "", PAGE)
    found = rule.judge(saying(build, installed_packages=[there]), None)
    assert (found.state, found.fix) == (state, way_out)


@pytest.mark.parametrize(("there", "way_out"), [("one==1", "write two==3.0 into requirements.txt"), ("two==3.0", "")])
def test_with_another_python_goes_the_package_for_that(build: Build, there: str, way_out: str) -> None:
    rule = has_package("two", {"3.13": ("3.0",), "3.11": ("2.0", "1.0")}, "", PAGE)
    found = rule.judge(saying(build, python_version="3.9", installed_packages=[there]), None)
    assert (found.state, found.fix, found.flags) == ("broken", way_out, ("--python", "3.13"))


@pytest.mark.parametrize(
    ("link", "state"),
    [
        ("/usr/bin/python3.11", "met"), ("/opt/x/bin/python", "met"), ("/usr/bin/python3", "met"),
        ("/usr/bin/python3.13", "broken"), ("/usr/bin/python3.1", "broken"), (None, "broken"),
    ],
)  # fmt: skip
def test_a_link_leads_to_no_python_of_another_version(build: Build, link: str | None, state: str) -> None:
    found = has_link(PAGE).judge(replace(build, link=link), None)
    assert (found.state, bool(found.flags)) == (state, state == "broken")
