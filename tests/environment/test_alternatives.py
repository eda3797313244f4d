"""What helps where a pin cannot be installed: only what the index has for this Python and platform."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.support.index_server import IndexServer
from tests.support.supplies import here
from tests.support.wheels import sdist, wheel
from venvbuild.environment import alternatives
from venvbuild.environment.diagnosis import why_not
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem
from venvbuild.package_index import PackageIndex, Project

MINOR = int(here().version.partition(".")[2])
HERE, OTHER = f"cp3{MINOR}", f"cp3{MINOR - 1}"
LINUX = "manylinux_2_17_x86_64"


def project(index: IndexServer, name: str) -> Project:
    found = PackageIndex(index.url()).project(name)
    assert found
    return found


def told(index: IndexServer, pin: str, *extras: str) -> Problem:
    """Why `pin` cannot be installed."""
    name, _, version = pin.partition("==")
    (problem,) = why_not(Wanted(name, version, frozenset(extras), where="pins.txt:1"), project(index, name), here())
    return problem


def test_versions_that_nobody_should_take_are_no_advice(index: IndexServer) -> None:
    for version in ("1.0", "1.1", "1.2rc1"):
        wheel(index.folder, "tiny", version)
    wheel(index.folder, "tiny", "1.3", python="<3.5")
    wheel(index.folder, "tiny", "1.4", tag="cp311-cp311-win_amd64")
    sdist(index.folder, "tiny", "1.5")
    index.yanked[wheel(index.folder, "tiny", "1.6").name] = "broken"
    assert alternatives.installable(project(index, "tiny"), here()) == [Version("1.0"), Version("1.1")]


@pytest.mark.parametrize(
    ("specifier", "version"),
    [("", "1.1"), ("<1.1", "1.0"), (">=2.0rc1", "2.0rc2"), (">=3", None)],
)
def test_the_newest_is_of_those_that_may_be_advised(index: IndexServer, specifier: str, version: str | None) -> None:
    for there in ("1.0", "1.1", "2.0rc2"):
        wheel(index.folder, "tiny", there)
    found = alternatives.newest(project(index, "tiny"), here(), SpecifierSet(specifier))
    assert found == (Version(version) if version else None)


def test_the_newest_of_what_is_only_source_is_its_newest_source(index: IndexServer) -> None:
    for version in ("1.0", "1.1"):
        sdist(index.folder, "sourced", version)
    assert alternatives.newest(project(index, "sourced"), here(), SpecifierSet()) == Version("1.1")


@pytest.mark.parametrize(
    ("version", "nearest"),
    [("1.9", ["1.2", "1.10"]), ("1.10", ["1.2"]), ("0.9", ["1.2"]), ("1.2.post1", ["1.2", "1.10"])],
)
def test_near_is_by_the_order_of_versions_on_either_side(version: str, nearest: list[str]) -> None:
    found = alternatives.near(Version(version), map(Version, ("1.2", "1.10")))
    assert [str(one) for one in found] == nearest


def test_other_versions_with_a_wheel_are_named_with_the_extras(index: IndexServer) -> None:
    wheel(index.folder, "native", "2.0", tag="cp311-cp311-win_amd64")
    for version in ("1.0", "3.0"):
        wheel(index.folder, "native", version)
    assert told(index, "native==2.0", "fast").fix == (
        "you decide: write native[fast]==1.0 or native[fast]==3.0, the nearest with a wheel; or if only Windows needs "
        "it, write native[fast]==2.0 ; sys_platform == 'win32'"
    )


def test_versions_for_a_pin_with_hashes_say_that_they_change_too() -> None:
    pin = Wanted("tiny", "1.0", hashes=frozenset({"sha256:00"}))
    assert alternatives.written(pin, [Version("0.9"), Version("1.1")]) == "tiny==0.9 or tiny==1.1 with its hashes"
    assert alternatives.written(pin, []) == ""


def test_another_python_is_named_where_it_has_a_wheel_for_this_platform(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag=f"{OTHER}-{OTHER}-{LINUX}")
    wheel(index.folder, "native", "1.0", tag="cp38-cp38-win_amd64")
    assert told(index, "native==1.0").fix == f"use another Python that it has one for: --python 3.{MINOR - 1}"


def test_a_python_that_the_version_excludes_is_not_named(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag=f"cp38-abi3-{LINUX}", python="<3.5")
    assert told(index, "native==1.0").fix.startswith("no other version of it has a wheel for this Python")


def test_the_python_that_a_version_needs_is_named(index: IndexServer) -> None:
    wheel(index.folder, "new", "2.0", python=f">=3.{MINOR + 1}")
    wheel(index.folder, "new", "1.0")
    assert told(index, "new==2.0").fix == (
        f"you decide: write new==1.0, the nearest for this Python; or use another Python: --python 3.{MINOR + 1}"
    )


def test_a_source_is_offered_with_what_it_means(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag=f"{HERE}-{HERE}-macosx_11_0_arm64")
    sdist(index.folder, "native", "1.0")
    assert told(index, "native==1.0").fix == (
        "you decide: allow its source, whose code then runs on this machine and may need a compiler and libraries: "
        "--allow-sdist native; or if only macOS needs it, write native==1.0 ; sys_platform == 'darwin'"
    )


def test_wheels_for_another_machine_of_this_system_are_no_case_for_a_marker(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag=f"{HERE}-{HERE}-manylinux_2_17_s390x")
    assert told(index, "native==1.0").fix.startswith("no other version, no other Python and no source of it helps")


def test_where_a_marker_is_all_that_helps_that_is_said(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag=f"{HERE}-{HERE}-win_amd64")
    assert told(index, "native==1.0").fix == (
        "if only Windows needs it, write native==1.0 ; sys_platform == 'win32'; nothing else helps"
    )


def test_wheels_for_two_other_systems_are_no_case_for_a_marker(index: IndexServer) -> None:
    for platform in ("win_amd64", "macosx_11_0_arm64"):
        wheel(index.folder, "native", "1.0", tag=f"{HERE}-{HERE}-{platform}")
    assert "sys_platform" not in told(index, "native==1.0").fix


def test_tags_are_listed_with_those_of_this_platform_first(index: IndexServer) -> None:
    for tag in ("cp39-cp39-win_amd64", f"cp310-cp310-{LINUX}", f"cp39-cp39-{LINUX}", "cp39-cp39-musllinux_1_1_x86_64"):
        wheel(index.folder, "native", "1.0", tag=tag)
    files = project(index, "native").files
    assert alternatives.tags_text(files, here()) == (
        f"cp39-{LINUX}, cp310-{LINUX}, cp39-musllinux_1_1_x86_64, cp39-win_amd64"
    )


@pytest.mark.parametrize(
    ("name", "there", "fix"),
    [
        pytest.param(
            "torch",
            "2.1.0",
            "you decide: write torch==2.1.0, the build of this index; or name the index that has it: "
            "--extra-index-urls https://download.pytorch.org/whl/cu118",
            id="the public one is there",
        ),
        pytest.param(
            "torch",
            "2.2.0",
            "you decide: name the index that has it: --extra-index-urls https://download.pytorch.org/whl/cu118; "
            "or write torch==2.2.0, the nearest here",
            id="it is not",
        ),
        pytest.param(
            "tiny",
            "2.1.0",
            "you decide: write tiny==2.1.0, the build of this index; or name the index that has it: "
            "--extra-index-urls URL",
            id="of nobody known",
        ),
    ],
)
def test_a_local_version_names_the_public_one_and_the_setting_for_its_index(
    index: IndexServer, name: str, there: str, fix: str
) -> None:
    wheel(index.folder, name, there)
    assert told(index, f"{name}==2.1.0+cu118").fix == fix


def test_a_version_that_is_not_there_has_no_advice_that_this_python_cannot_take(
    index: IndexServer, tmp_path: Path
) -> None:
    wheel(index.folder, "tiny", "1.0", python="<3.5")
    wheel(index.folder, "tiny", "2.0")
    assert told(index, "tiny==1.5").fix == "write one that exists, for instance tiny==2.0"


def test_where_there_are_only_pre_releases_the_nearest_is_named(index: IndexServer) -> None:
    for version in ("0.5a1", "1.0rc1"):
        wheel(index.folder, "early", version)
    assert told(index, "early==3.0").fix == "write early==1.0rc1, a pre-release: nothing else of it is for this Python"


def test_another_python_is_named_only_where_it_helps(index: IndexServer) -> None:
    wheel(index.folder, "older", "1.0", tag=f"{OTHER}-{OTHER}-{LINUX}")
    assert told(index, "older==3.0").fix == f"use another Python, which it has a wheel for: --python 3.{MINOR - 1}"
    wheel(index.folder, "windows", "1.0", tag="py3-none-win_amd64")
    assert told(index, "windows==3.0").fix.startswith("choose another package: no version of windows ")
