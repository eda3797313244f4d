"""Why an installer failed, asked of the index: each reason with its place, its why and its fix."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import here
from tests.support.wheels import sdist, wheel
from venvbuild.environment import diagnosis
from venvbuild.environment.contradictions import Walk, explain
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import IndexUnavailable, IntegrityError, Problem, ResolutionError, UsageError, VenvBuildError
from venvbuild.package_index import PackageIndex

PYTHON, FULL, PLATFORM = here().version, here().full_version, here().platform


def explained(index: IndexServer, *pins: str | Wanted) -> Walk:
    walk = explain([wanted(pin) for pin in pins], PackageIndex(index.url()), here())
    walk.begin(walk.pins)
    return walk


def wanted(pin: str | Wanted, **more: Any) -> Wanted:
    if isinstance(pin, Wanted):
        return pin
    name, _, version = pin.partition("==")
    return Wanted(name, version, where="pins.txt:1", **more)


def the_problem(index: IndexServer, *pins: str | Wanted) -> Problem:
    with pytest.raises(ResolutionError) as caught:
        explained(index, *pins)
    (problem,) = caught.value.problems
    return problem


def contradictions(found: Walk) -> list[tuple[str, str]]:
    """What pins disagree on, and who asks for what."""
    return [
        (one.needed, ", ".join(f"{ask.label} needs {ask.needs}" for ask in one.asks)) for one in found.contradictions()
    ]


def test_pins_that_are_all_there_have_no_problem(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0", requires=["other>=1"])
    wheel(index.folder, "other", "1.0")
    assert explained(index, "tiny==1.0").contradictions() == []


def test_a_name_that_the_index_does_not_have_is_told(index: IndexServer) -> None:
    problem = the_problem(index, "tyni==1.0")
    assert (problem.what, problem.where) == ("there is no package 'tyni' on the index", "pins.txt:1")
    assert (problem.rule, problem.fix[:16]) == ("NO_SUCH_PROJECT", "correct the name")


@pytest.mark.parametrize(
    ("version", "fix"),
    [
        pytest.param("1.4.7", "write one that exists, for instance tiny==1.4 or tiny==20.1", id="between"),
        pytest.param("0.0.1", "write one that exists, for instance tiny==0.1", id="below all"),
        pytest.param("77", "write one that exists, for instance tiny==20.1", id="above all"),
    ],
)
def test_a_version_that_is_not_there_comes_with_one_that_is(index: IndexServer, version: str, fix: str) -> None:
    for there in ("0.1", "0.2", "0.3", "1.3", "1.4", "20.1"):
        wheel(index.folder, "tiny", there)
    problem = the_problem(index, f"tiny=={version}")
    assert (problem.rule, problem.fix) == ("NO_SUCH_VERSION", fix)
    assert problem.why == "the index has 6: 0.2, 0.3, 1.3, 1.4, 20.1"


def test_a_version_for_another_python_says_which_it_needs(index: IndexServer) -> None:
    wheel(index.folder, "old", "1.0", python="<3.9")
    problem = the_problem(index, "old==1.0")
    assert problem.what == f"old==1.0 does not support Python {FULL}"
    assert (problem.why, problem.rule) == ("it needs Python <3.9", "REQUIRES_PYTHON")


def test_a_version_for_other_platforms_says_for_which(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag="cp311-cp311-win_amd64")
    wheel(index.folder, "native", "1.0", tag="cp310-cp310-macosx_11_0_arm64")
    problem = the_problem(index, "native==1.0")
    assert problem.what == f"native==1.0 has no wheel for Python {PYTHON} on {PLATFORM}"
    assert problem.why == "its wheels are for cp310-macosx_11_0_arm64, cp311-win_amd64"
    assert problem.rule == "NO_WHEEL"


def test_a_marker_is_no_advice_where_another_pin_needs_it_here(index: IndexServer) -> None:
    wheel(index.folder, "native", "1.0", tag="cp311-cp311-win_amd64")
    wheel(index.folder, "needy", "1.0", requires=["native"])
    assert "sys_platform" in the_problem(index, "native==1.0").fix
    assert "sys_platform" not in the_problem(index, "native==1.0", "needy==1.0").fix


def test_of_many_platforms_only_some_are_named(index: IndexServer) -> None:
    for number in range(8):
        wheel(index.folder, "native", "1.0", tag=f"cp{30 + number}-none-win32")
    assert the_problem(index, "native==1.0").why.endswith("cp35-win32 and 2 more")


def test_what_is_only_source_says_how_to_allow_it(index: IndexServer) -> None:
    sdist(index.folder, "sourced", "1.0")
    problem = the_problem(index, "sourced==1.0")
    assert problem.what == "sourced==1.0 has no wheel at all, only source"
    assert problem.fix.endswith(": --allow-sdist sourced")


def test_source_that_is_allowed_is_no_problem(index: IndexServer) -> None:
    sdist(index.folder, "sourced", "1.0")
    assert explained(index, wanted("sourced==1.0", sdist_allowed=True)).contradictions() == []


def test_every_pin_that_is_not_there_is_told_at_once(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    with pytest.raises(ResolutionError) as caught:
        explained(index, "absent==1.0", "tiny==1.0", "tiny==2.0")
    assert [one.rule for one in caught.value.problems] == ["NO_SUCH_PROJECT", "NO_SUCH_VERSION"]


def test_a_local_version_meets_the_pin_without_one(index: IndexServer) -> None:
    wheel(index.folder, "torch", "1.0+cu118")
    assert explained(index, "torch==1.0").contradictions() == []


def test_a_pin_that_another_does_not_allow_is_a_contradiction(index: IndexServer) -> None:
    wheel(index.folder, "needy", "1.0", requires=["other<2,>=1"])
    wheel(index.folder, "other", "2.0")
    found = explained(index, "needy==1.0", Wanted("other", "2.0", where="pins.txt:9"))
    assert contradictions(found) == [("other", "needy 1.0 needs other<2,>=1")]


@pytest.mark.parametrize(
    ("line", "is_asked"),
    [
        pytest.param("other==1.0 ; python_version < '3'", False, id="false here"),
        pytest.param("other==1.0 ; python_version > '3'", True, id="true here"),
        pytest.param("other==1.0 ; extra == 'more'", False, id="of an extra nobody asks for"),
        pytest.param("other==1.0 ; extra == 'some'", True, id="of the extra that is asked for"),
        pytest.param("other @ https://host/other-1.0.whl", False, id="a URL, which no pin can meet"),
        pytest.param("other = 1.0, surely", False, id="no requirement"),
    ],
)
def test_only_what_holds_here_contradicts(index: IndexServer, line: str, is_asked: bool) -> None:
    wheel(index.folder, "needy", "1.0", extras=["some", "more"], requires=[line])
    wheel(index.folder, "other", "2.0")
    found = explained(index, Wanted("needy", "1.0", frozenset({"some"})), "other==2.0")
    assert bool(found.contradictions()) == is_asked


def test_extras_that_anyone_asks_for_are_gathered(index: IndexServer) -> None:
    wheel(index.folder, "asker", "1.0", requires=["base[fast,Safe_One]"])
    wheel(index.folder, "base", "1.0", extras=["fast", "safe-one", "slow"])
    found = explained(index, "asker==1.0", Wanted("base", "1.0", frozenset({"slow"})))
    assert found.extras["base"] == {"fast", "safe-one", "slow"}


def test_two_who_ask_for_different_versions_are_named_together(index: IndexServer) -> None:
    wheel(index.folder, "left", "1.0", requires=["other<2"])
    wheel(index.folder, "right", "1.0", requires=["other>=2"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "other", version)
    assert contradictions(explained(index, "left==1.0", "right==1.0")) == [
        ("other", "left 1.0 needs other<2, right 1.0 needs other>=2")
    ]


def test_packages_that_need_each_other_are_walked_once(index: IndexServer) -> None:
    wheel(index.folder, "one", "1.0", requires=["two"])
    wheel(index.folder, "two", "1.0", requires=["one"])
    assert explained(index, "one==1.0").contradictions() == []


# --- the files of a closure


def digest(file: Path) -> str:
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def explain_files(index: IndexServer, *pins: Wanted, mode: str = "ok") -> None:
    diagnosis.explain_files(pins, PackageIndex(index.url(mode)), here())


def test_files_that_are_there_and_right_are_no_reason(index: IndexServer) -> None:
    made = wheel(index.folder, "tiny", "1.0")
    explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({digest(made)})))


@pytest.mark.parametrize(
    ("mode", "kind", "said"),
    [
        pytest.param("wrong", IntegrityError, "tiny-1.0-py3-none-any.whl has other bytes than promised", id="bytes"),
        pytest.param("cut", IndexUnavailable, "cut after", id="cut off"),
        pytest.param("file-404", ResolutionError, "listed by the index but is not there", id="gone"),
        pytest.param("file-403", UsageError, "refuses access", id="forbidden"),
        pytest.param("file-503", IndexUnavailable, "HTTP 503", id="away"),
    ],
)
def test_what_is_wrong_with_a_file_decides_the_class(
    index: IndexServer, mode: str, kind: type[VenvBuildError], said: str
) -> None:
    made = wheel(index.folder, "tiny", "1.0")
    with pytest.raises(kind, match=said):
        explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({digest(made)})), mode=mode)


def test_a_file_with_no_hash_of_the_closure_is_not_even_read(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    with pytest.raises(IntegrityError, match=r"no file of tiny 1\.0 has one of the hashes given") as caught:
        explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({"sha256:" + "0" * 64})))
    assert caught.value.problems[0].where == index.url()
    assert not [path for path, _ in index.requests if "/files/" in path]


def test_a_hash_that_the_index_does_not_tell_is_held_against_the_bytes(index: IndexServer) -> None:
    file = wheel(index.folder, "tiny", "1.0")
    right = "sha512:" + hashlib.sha512(file.read_bytes()).hexdigest()
    explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({right})))
    with pytest.raises(IntegrityError, match=r"no file of tiny 1\.0 has one of the hashes given") as caught:
        explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({"sha512:" + "0" * 128})))
    assert right[:60] in caught.value.problems[0].why
    index.hash_kind = "sha512"  # of which our own page says nothing
    explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({right})))
    with pytest.raises(IntegrityError, match="other bytes than promised"):
        explain_files(index, Wanted("tiny", "1.0", hashes=frozenset({"sha512:" + "0" * 128})))


def test_all_files_with_the_first_kind_of_fault_are_told_at_once(index: IndexServer) -> None:
    pins = [
        Wanted(name, "1.0", hashes=frozenset({digest(wheel(index.folder, name, "1.0"))})) for name in ("one", "two")
    ]
    with pytest.raises(ResolutionError) as caught:
        explain_files(index, pins[0], Wanted("gone", "1.0"), pins[1], mode="file-404")
    assert [one.what.partition(" is listed")[0] for one in caught.value.problems] == [
        "one-1.0-py3-none-any.whl", "there is no package 'gone' on the index", "two-1.0-py3-none-any.whl",
    ]  # fmt: skip


def test_faults_of_other_kinds_wait_until_the_first_is_mended(index: IndexServer) -> None:
    wheel(index.folder, "other", "1.0")
    with pytest.raises(ResolutionError) as caught:
        explain_files(index, Wanted("gone", "1.0"), Wanted("other", "1.0", hashes=frozenset({"sha256:" + "0" * 64})))
    assert [one.rule for one in caught.value.problems] == ["NO_SUCH_PROJECT"]
