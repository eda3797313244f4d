"""What helps where a pin cannot be installed: only what the index has for this Python and platform."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.support.index_server import IndexServer
from tests.support.supplies import here, pinned
from tests.support.wheels import sdist, wheel
from venvbuild.environment import alternatives
from venvbuild.environment.contradictions import explain
from venvbuild.environment.diagnosis import why_not
from venvbuild.environment.wanted import Wanted, wanted_by
from venvbuild.errors import Problem, ResolutionError
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


def test_near_is_what_is_admitted_among_the_nearest() -> None:
    versions = [Version(f"{number}.0") for number in range(1, 30)]
    found = alternatives.near(Version("15.0"), versions, lambda one: one.major % 3 == 2)
    assert [str(one) for one in found] == ["14.0", "17.0"]
    assert alternatives.near(Version("15.0"), versions, lambda one: one.major in (1, 29)) == ()


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


def test_what_is_to_be_written_says_where_and_that_the_hashes_change() -> None:
    pin = Wanted("tiny", "1.0", frozenset({"fast"}), "pins.txt:3", frozenset({"sha256:00"}))
    anew = " without its hashes (the next run gives the command that adds the new ones)"
    versions = [Version("0.9"), Version("1.1")]
    assert alternatives.written(pin, versions) == f"tiny[fast]==0.9 or tiny[fast]==1.1{anew}"
    assert alternatives.written(replace(pin, also=("pins.txt:7",)), versions[:1]) == (
        f"tiny[fast]==0.9 on lines 3 and 7{anew}"
    )
    elsewhere = replace(pin, also=("pins.txt:7", "more.txt:1"), hashes=frozenset())
    assert alternatives.written(elsewhere, versions[:1]) == "tiny[fast]==0.9 on pins.txt:3, pins.txt:7 and more.txt:1"
    assert alternatives.written(pin, []) == ""


# --- beside other pins


def told_beside(index: IndexServer, *pins: str) -> list[str]:
    """What is to be done about those of the pins that cannot be installed."""
    wanted = wanted_by(pinned(*pins), here(), ())
    with pytest.raises(ResolutionError) as caught:
        explain(wanted, PackageIndex(index.url()), here())
    return [problem.fix for problem in caught.value.problems]


def test_a_version_that_another_pin_does_not_allow_is_no_advice(index: IndexServer) -> None:
    for version in ("1.0", "3.0", "4.0"):
        wheel(index.folder, "native", version)
    sdist(index.folder, "native", "2.0")
    wheel(index.folder, "needy", "1.0", requires=["native>1,!=3.0"])
    assert told_beside(index, "native==2.0", "needy==1.0")[0].startswith("you decide: write native==4.0, the nearest")
    wheel(index.folder, "strict", "1.0", requires=["native==2.0"])
    assert told_beside(index, "native==2.0", "strict==1.0") == [
        "allow its source, whose code then runs on this machine and may need a compiler and libraries: "
        "--allow-sdist native"
    ]


def test_a_version_that_needs_another_of_a_pin_is_no_advice(index: IndexServer) -> None:
    for version, needs in (("3.0", "base>=2"), ("4.0", "base; python_version < '3'"), ("5.0", "base==1.0")):
        wheel(index.folder, "plug", version, requires=[needs, "plug-more>=7; extra == 'more'"])
    sdist(index.folder, "plug", "2.0")
    wheel(index.folder, "base", "1.0")
    wheel(index.folder, "plug-more", "1.0")
    assert "write plug==4.0, the nearest" in told_beside(index, "plug==2.0", "base==1.0")[0]
    assert told_beside(index, "plug[more]==2.0", "plug-more==1.0")[0].startswith("allow its source")


def test_where_no_version_fits_the_others_the_nearest_goes_with_a_change_of_theirs(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0")
    wheel(index.folder, "native", "2.0", tag="cp38-cp38-win_amd64")
    wheel(index.folder, "strict", "1.0", requires=["native==2.0"])
    assert told_beside(index, "native==2.0", "strict==1.0") == [
        "write native==1.0, the nearest with a wheel, and change the pins that it does not fit"
    ]
    assert told_beside(index, "native==9.0", "strict==1.0") == ["write one that exists, for instance native==1.0"]


def test_another_python_is_named_only_where_all_pins_have_a_wheel_for_it(index: IndexServer) -> None:
    before = f"cp3{MINOR - 2}"
    for tag in (OTHER, before):
        wheel(index.folder, "native", "1.0", tag=f"{tag}-{tag}-{LINUX}")
    for tag in (HERE, before):
        wheel(index.folder, "also", "1.0", tag=f"{tag}-{tag}-{LINUX}")
    wheel(index.folder, "pure", "1.0")
    sdist(index.folder, "sourced", "1.0")
    fixes = told_beside(index, "native==1.0", "also==1.0", "pure==1.0", "sourced==1.0")
    assert fixes[0] == f"use another Python that it has one for: --python 3.{MINOR - 2}"
    wheel(index.folder, "new", "1.0", python=f">=3.{MINOR}")
    assert told_beside(index, "native==1.0", "new==1.0")[0].startswith("no other version, no other Python")


def test_one_pin_on_two_lines_is_one_problem_with_both(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    assert told_beside(index, "tiny==2.0", "tiny[fast]==2.0") == [
        "write one that exists, for instance tiny[fast]==1.0 on lines 1 and 2"
    ]


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


def test_a_wheel_for_free_threaded_pythons_alone_is_told_as_that(index: IndexServer) -> None:
    for tag in (f"cp314-cp314t-{LINUX}", f"cp315-abi3t-{LINUX}", f"cp315-abi3.abi3t-{LINUX}", f"cp314-cp314-{LINUX}"):
        wheel(index.folder, "native", "1.0", tag=tag)
    files = project(index, "native").files
    assert alternatives.tags_text(files, here()) == (
        f"cp314-{LINUX}, cp314t-{LINUX}, cp315-{LINUX}, cp315-abi3t-{LINUX}"
    )
    assert "3.14" not in alternatives.other_pythons([file for file in files if "cp314t" in file.filename], here())


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
