"""What pins need, nobody pinned, and has no wheel: who needs it, and the lines to add. Each advice is followed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import here, pinned, supply
from tests.support.wheels import sdist, wheel
from venvbuild.environment import closure
from venvbuild.environment.closure import Closure
from venvbuild.environment.sdists import build_sdists
from venvbuild.errors import ConflictsFound, Problem, ResolutionError

TARGET = f"Python {here().version} on {here().platform}"
MINOR = int(here().version.partition(".")[2])


def lock(index: IndexServer, folder: Path, *lines: str, sdists: Sequence[str] = ()) -> Closure:
    given, pins = supply(index, folder, sdists=sdists), pinned(*lines)
    given = build_sdists(pins, given) if sdists else given
    return closure.lock(pins, given, fail_on_conflicts=True, locked=False, wait=lambda seconds: None)


def problems(index: IndexServer, folder: Path, *pins: str) -> tuple[Problem, ...]:
    with pytest.raises(ResolutionError) as caught:
        lock(index, folder, *pins)
    return caught.value.problems


@pytest.fixture
def dbt(index: IndexServer) -> IndexServer:
    """The shape of dbt-core 1.8.6: two of what it needs are there as source only."""
    wheel(index.folder, "dbt-core", "1.8.6", requires=["logbook<1.6,>=1.5", "tracker<0.1,>=0.0.2", "agate"])
    wheel(index.folder, "agate", "1.9")
    for version in ("1.5.2", "1.5.3", "1.7.0"):
        sdist(index.folder, "logbook", version)
    wheel(index.folder, "logbook", "1.8.0")
    sdist(index.folder, "tracker", "0.0.2")
    return index


def test_a_pin_whose_needs_are_only_source_builds_by_following_the_messages(dbt: IndexServer, tmp_path: Path) -> None:
    told = problems(dbt, tmp_path / "one", "dbt-core==1.8.6")
    assert [(one.what, one.where) for one in told] == [
        (f"dbt-core 1.8.6 needs logbook<1.6,>=1.5, and no such version has a wheel for {TARGET}", "pins.txt:1"),
        (f"dbt-core 1.8.6 needs tracker<0.1,>=0.0.2, and no such version has a wheel for {TARGET}", "pins.txt:1"),
    ]
    added = [re.findall(r"add the line (\S+)", one.fix)[0] for one in told]
    allowed = [re.findall(r"--allow-sdist (\S+)", one.fix)[0] for one in told]
    assert added == ["logbook==1.5.3", "tracker==0.0.2"]
    locked = lock(dbt, tmp_path / "two", "dbt-core==1.8.6", *added, sdists=allowed)
    assert {one.name for one in locked.distributions} >= {"dbt-core", "logbook", "tracker", "agate"}


def test_the_chain_of_who_needs_it_begins_at_a_pin(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "top", "1.0", requires=["middle>=2"])
    wheel(index.folder, "middle", "2.0", requires=["deep"])
    sdist(index.folder, "deep", "1.0")
    wheel(index.folder, "other", "1.0")
    (problem,) = problems(index, tmp_path, "other==1.0", "top==1.0")
    assert problem.what == f"middle 2.0 needs deep, and no such version has a wheel for {TARGET}"
    assert (problem.why, problem.where) == ("top 1.0 needs middle>=2, middle 2.0 needs deep", "pins.txt:2")
    lock(index, tmp_path / "two", "other==1.0", "top==1.0", "deep==1.0", sdists=["deep"])


def test_what_an_older_version_does_not_need_is_not_lacking(index: IndexServer, tmp_path: Path) -> None:
    """The conflict is the reason, though the newest `middle` needs what has no wheel."""
    wheel(index.folder, "top", "1.0", requires=["middle", "base>=2"])
    wheel(index.folder, "middle", "1.0")
    wheel(index.folder, "middle", "2.0", requires=["deep"])
    sdist(index.folder, "deep", "1.0")
    for version in ("1.0", "2.0"):
        wheel(index.folder, "base", version)
    with pytest.raises(ConflictsFound, match=r"base 1\.0 is pinned") as caught:
        lock(index, tmp_path, "top==1.0", "base==1.0")
    assert "deep" not in str(caught.value)


def test_another_python_is_named_where_it_has_a_wheel(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["native>1"])
    wheel(index.folder, "native", "2.0", tag=f"cp3{MINOR - 1}-cp3{MINOR - 1}-manylinux_2_17_x86_64")
    (problem,) = problems(index, tmp_path, "needy==1.0")
    assert problem.fix == f"use another Python that it has a wheel for: --python 3.{MINOR - 1}"


def test_where_nothing_helps_that_is_said(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["native>1"])
    wheel(index.folder, "native", "2.0", tag="cp311-cp311-win_amd64")
    wheel(index.folder, "native", "1.0")
    (problem,) = problems(index, tmp_path, "needy==1.0")
    assert problem.what == f"needy 1.0 needs native>1, and no such version has a wheel for {TARGET}"
    assert problem.fix.startswith("no other Python and no source of native helps")


def test_a_version_that_the_index_does_not_have_is_told(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["base>=3"])
    wheel(index.folder, "base", "2.0")
    (problem,) = problems(index, tmp_path, "needy==1.0")
    assert problem.what == "needy 1.0 needs base>=3, and the index has no such version"
    assert (problem.why, problem.rule) == ("the newest of base is 2.0", "NO_SUCH_VERSION")


def test_a_package_that_the_index_does_not_have_is_told(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["private-thing>=2"])
    (problem,) = problems(index, tmp_path, "needy==1.0")
    assert problem.what == "needy 1.0 needs private-thing>=2, and the index has no package 'private-thing'"
    assert (problem.rule, problem.where) == ("NO_SUCH_PROJECT", "pins.txt:1")


def test_a_conflict_beside_it_is_told_in_the_same_run(dbt: IndexServer, tmp_path: Path) -> None:
    wheel(dbt.folder, "needy", "1.0", requires=["base>=2"])
    for version in ("1.0", "2.0"):
        wheel(dbt.folder, "base", version)
    told = problems(dbt, tmp_path, "dbt-core==1.8.6", "needy==1.0", "base==1.0")
    assert [one.rule for one in told] == ["NO_WHEEL", "NO_WHEEL", "CONFLICT"]
    assert told[-1].fix.startswith("write base==2.0;")


def test_a_line_to_add_to_a_file_with_hashes_has_one(dbt: IndexServer, tmp_path: Path) -> None:
    hashed = f"dbt-core==1.8.6 --hash=sha256:{'0' * 64}"
    told = problems(dbt, tmp_path, hashed)
    assert re.search(r"add the line logbook==1\.5\.3 --hash=sha256:[0-9a-f]{64} and", told[0].fix)
