"""Pins that cannot be together: one cause each, the one pin whose change cures it, and what is forced.

Each advice is followed to the letter and has to help.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import pinned, supply
from tests.support.wheels import wheel
from venvbuild.environment import closure
from venvbuild.environment.closure import Closure
from venvbuild.errors import ConflictsFound, Problem, ResolutionError


def lock(index: IndexServer, folder: Path, *pins: str, fails: bool = True) -> Closure:
    given = supply(index, folder)
    return closure.lock(pinned(*pins), given, fail_on_conflicts=fails, locked=False, wait=lambda seconds: None)


def conflicts(index: IndexServer, folder: Path, *pins: str) -> tuple[Problem, ...]:
    with pytest.raises(ConflictsFound) as caught:
        lock(index, folder, *pins)
    return caught.value.problems


def followed(problems: tuple[Problem, ...], *pins: str) -> list[str]:
    """The pins after each advice was taken: the line that the problem names, written anew."""
    lines = list(pins)
    for problem in problems:
        found = re.match(r"write (\S+?);", problem.fix)
        assert found, problem.fix
        assert problem.line
        assert lines[problem.line - 1].partition("==")[0] == found[1].partition("==")[0]
        lines[problem.line - 1] = found[1]
    return lines


def versions(locked: Closure, *names: str) -> dict[str, str]:
    return {one.name: one.version for one in locked.distributions if one.name in names}


def forced(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    return [line.partition(": ")[2].partition(" ")[0] for line in said if "is forced" in line]


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("venvbuild"), "propagate", True)


@pytest.fixture
def web(index: IndexServer) -> IndexServer:
    """The shape of fastapi 0.111, pydantic 1.10 and typing-extensions 4.5: one pin is too old for another, and the
    newest of what nobody pinned ask for more than older ones do."""
    for version in ("4.5.0", "4.7.0", "4.8.0", "4.9.0"):
        wheel(index.folder, "typing-extensions", version)
    for version, needed in (("0.11", "pydantic>=1"), ("0.29", "pydantic>=2.5")):
        wheel(index.folder, "typer", version, requires=[needed, "typing-extensions>=4.7"])
    wheel(index.folder, "pydantic", "1.10", requires=["typing-extensions>=4.2"])
    wheel(index.folder, "pydantic", "2.7", requires=["typing-extensions>=4.6"])
    wheel(index.folder, "fastapi", "0.111", requires=["pydantic>=1.7", "typing-extensions>=4.8", "typer"])
    wheel(index.folder, "fastapi", "0.90", requires=["pydantic>=1.7"])
    return index


WEB = ("fastapi==0.111", "pydantic==1.10", "typing-extensions==4.5.0")


def test_one_true_cause_is_one_problem_with_the_pin_that_cures_it(web: IndexServer, tmp_path: Path) -> None:
    problems = conflicts(web, tmp_path, *WEB)
    assert [(one.what, one.where, one.fix) for one in problems] == [
        (
            "fastapi 0.111 needs typing-extensions>=4.8, typing-extensions 4.5.0 is pinned",
            "pins.txt:3",
            "write typing-extensions==4.8.0; tried: with it the other pins stay as they are",
        )
    ]
    assert versions(lock(web, tmp_path, *followed(problems, *WEB)), "typer", "pydantic") == {
        "pydantic": "1.10",
        "typer": "0.11",
    }


def test_only_the_pin_that_contradicts_is_forced(
    web: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    locked = lock(web, tmp_path, *WEB, fails=False)
    assert locked.is_forced
    assert forced(caplog) == ["typing-extensions==4.5.0"]
    assert versions(locked, "typer", "pydantic", "typing-extensions") == {
        "pydantic": "1.10",
        "typer": "0.11",  # of those that pydantic meets, though 0.29 is newer
        "typing-extensions": "4.5.0",
    }


def test_what_others_need_of_a_forced_pin_is_met_where_it_can_be(index: IndexServer, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        wheel(index.folder, "base", version)
        wheel(index.folder, "part", version, requires=[f"base>={version}"])
    wheel(index.folder, "top", "1.0", requires=["base>=2", "part"])
    locked = lock(index, tmp_path, "top==1.0", "base==1.0", fails=False)
    assert versions(locked, "base", "part", "top") == {"base": "1.0", "part": "1.0", "top": "1.0"}


def test_several_who_need_another_version_of_one_pin_are_one_problem(index: IndexServer, tmp_path: Path) -> None:
    for version in ("1.0", "2.0", "3.0"):
        wheel(index.folder, "base", version)
    wheel(index.folder, "left", "1.0", requires=["base>=2"])
    wheel(index.folder, "right", "1.0", requires=["base>=1.5"])
    pins = ("left==1.0", "right==1.0", "base==1.0")
    problems = conflicts(index, tmp_path, *pins)
    (problem,) = problems
    assert problem.where == "pins.txt:3"
    assert re.fullmatch(r"(left|right) 1\.0 needs base>=.*, base 1\.0 is pinned", problem.what)
    assert followed(problems, *pins)[2] == "base==2.0"
    lock(index, tmp_path, *followed(problems, *pins))


def test_one_who_needs_another_version_of_several_pins_is_one_problem(index: IndexServer, tmp_path: Path) -> None:
    for name in ("left", "right"):
        for version in ("1.0", "2.0"):
            wheel(index.folder, name, version)
    wheel(index.folder, "top", "1.0", requires=["left>=1", "right>=1"])
    wheel(index.folder, "top", "2.0", requires=["left>=2", "right>=2"])
    pins = ("top==2.0", "left==1.0", "right==1.0")
    problems = conflicts(index, tmp_path, *pins)
    assert [one.where for one in problems] == ["pins.txt:1"]
    assert problems[0].what == "top 2.0 needs left>=2 and right>=2, left 1.0 and right 1.0 are pinned"
    assert followed(problems, *pins)[0] == "top==1.0"
    lock(index, tmp_path, *followed(problems, *pins))


def test_where_a_newer_version_of_what_is_needed_does_not_help_who_needs_it_is_named(
    index: IndexServer, tmp_path: Path
) -> None:
    for version in ("1.0", "2.0"):
        wheel(index.folder, "base", version)
    wheel(index.folder, "new", "1.0", requires=["base>=1"])
    wheel(index.folder, "new", "2.0", requires=["base>=2"])
    wheel(index.folder, "old", "1.0", requires=["base<2"])
    pins = ("new==2.0", "old==1.0", "base==1.0")
    problems = conflicts(index, tmp_path, *pins)
    assert [(one.where, one.fix.partition(";")[0]) for one in problems] == [("pins.txt:1", "write new==1.0")]
    lock(index, tmp_path, *followed(problems, *pins))


def test_conflicts_that_have_nothing_to_do_with_each_other_are_told_together(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pins = []
    for name in ("one", "two"):
        wheel(index.folder, name, "1.0", requires=[f"base-{name}>=2"])
        for version in ("1.0", "2.0"):
            wheel(index.folder, f"base-{name}", version)
        pins += [f"{name}==1.0", f"base-{name}==1.0"]
    problems = conflicts(index, tmp_path, *pins)
    assert [one.where for one in problems] == ["pins.txt:2", "pins.txt:4"]
    lock(index, tmp_path, *followed(problems, *pins))
    lock(index, tmp_path, *pins, fails=False)
    assert forced(caplog) == ["base-one==1.0", "base-two==1.0"]


def test_what_an_older_version_of_an_unpinned_package_meets_is_no_conflict(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "top", "1.0", requires=["middle"])
    wheel(index.folder, "middle", "1.0", requires=["base"])
    wheel(index.folder, "middle", "2.0", requires=["base>=2"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "base", version)
    wheel(index.folder, "needy", "1.0", requires=["other>=2"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "other", version)
    problems = conflicts(index, tmp_path, "top==1.0", "base==1.0", "needy==1.0", "other==1.0")
    assert [one.where for one in problems] == ["pins.txt:4"]


@pytest.fixture
def deep(index: IndexServer) -> IndexServer:
    """Every version of what `top` needs, and nobody pinned, needs another `base` than is pinned."""
    wheel(index.folder, "top", "1.0", requires=["middle"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "middle", version, requires=["base>=2"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "base", version)
    for number in range(4):
        wheel(index.folder, f"bystander-{number}", "1.0", requires=["base"])
    return index


DEEP = ("top==1.0", "base==1.0", *(f"bystander-{number}==1.0" for number in range(4)))


def test_a_conflict_by_way_of_what_nobody_pinned_tells_the_way(deep: IndexServer, tmp_path: Path) -> None:
    problems = conflicts(deep, tmp_path, *DEEP)
    assert [(one.what, one.where, one.why) for one in problems] == [
        ("middle 2.0 needs base>=2, base 1.0 is pinned", "pins.txt:2", "top 1.0 needs middle")
    ]
    lock(deep, tmp_path, *followed(problems, *DEEP))


def test_a_conflict_by_way_of_what_nobody_pinned_is_forced_alone(
    deep: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    locked = lock(deep, tmp_path, *DEEP, fails=False)
    assert forced(caplog) == ["base==1.0"]
    assert versions(locked, "base", "middle") == {"base": "1.0", "middle": "2.0"}


def test_pins_that_disagree_on_what_nobody_pinned_name_the_one_to_change(index: IndexServer, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        wheel(index.folder, "core", version)
    wheel(index.folder, "left", "1.0", requires=["core<2"])
    wheel(index.folder, "right", "5.0", requires=["core>=2"])
    wheel(index.folder, "right", "4.0", requires=["core"])
    pins = ("left==1.0", "right==5.0")
    problems = conflicts(index, tmp_path, *pins)
    assert [(one.what, one.why, one.where) for one in problems] == [
        ("left 1.0 needs core<2, right 5.0 needs core>=2", "no version of core meets all of them", "pins.txt:2")
    ]
    lock(index, tmp_path, *followed(problems, *pins))


def test_disagreement_beyond_what_pins_need_themselves_is_told_of_the_fewest_pins(
    index: IndexServer, tmp_path: Path
) -> None:
    for version in ("1.0", "2.0"):
        wheel(index.folder, "core", version)
    for side, needed in (("left", "core<2"), ("right", "core>=2")):
        wheel(index.folder, side, "1.0", requires=[f"{side}-part"])
        wheel(index.folder, f"{side}-part", "1.0", requires=[needed])
        wheel(index.folder, f"{side}-bystander", "1.0")
    wheel(index.folder, "right", "2.0")
    pins = ("left-bystander==1.0", "left==1.0", "right-bystander==1.0", "right==1.0")
    problems = conflicts(index, tmp_path, *pins)
    assert [one.what for one in problems] == ["left 1.0 and right 1.0 cannot be installed together"]
    assert "core" in problems[0].why
    lock(index, tmp_path, *followed(problems, *pins))


def test_where_no_other_version_helps_that_is_said(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["base>=2"])
    wheel(index.folder, "base", "1.0")
    wheel(index.folder, "base", "2.0", python="<3.5")
    wheel(index.folder, "base", "3.0", tag="cp311-cp311-win_amd64")
    (problem,) = conflicts(index, tmp_path, "needy==1.0", "base==1.0")
    assert problem.fix == (
        "no other version of base or needy helps while the other pins stay: leave one of them out, or build all the "
        "same with --no-fail-on-conflicts"
    )


def test_a_pin_that_cannot_be_installed_at_all_is_no_conflict(index: IndexServer, tmp_path: Path) -> None:
    for version in ("1.0", "9.0"):
        wheel(index.folder, "thing", version)
    wheel(index.folder, "stuck", "1.0", requires=["thing>5", "thing<5"])
    wheel(index.folder, "stuck", "1.1", requires=["thing>5"])
    wheel(index.folder, "other", "1.0")
    with pytest.raises(ResolutionError) as caught:
        lock(index, tmp_path, "stuck==1.0", "other==1.0")
    (problem,) = caught.value.problems
    assert problem.what == "stuck 1.0 cannot be installed, whatever is chosen for the rest"
    assert (problem.where, problem.rule) == ("pins.txt:1", "UNSATISFIABLE")
    lock(index, tmp_path, *followed(caught.value.problems, "stuck==1.0", "other==1.0"))


def test_a_pin_with_hashes_changes_them_too(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["base>=2"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "base", version)
    hashed = [f"{pin} --hash=sha256:{'0' * 64}" for pin in ("needy==1.0", "base==1.0")]
    (problem,) = conflicts(index, tmp_path, *hashed)
    assert problem.fix.startswith("write base==2.0 without its hashes (the next run ")
