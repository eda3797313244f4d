"""What goes wrong, in four parts, with the exit code that is promised for its class."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from venvbuild import errors
from venvbuild.errors import Problem, StoreUnavailable, UsageError, VenvBuildError

CLASSES = tuple(kind for kind in VenvBuildError.__subclasses__() if kind.__module__ == errors.__name__)
REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        pytest.param(Problem("it broke"), "it broke", id="what"),
        pytest.param(Problem("it broke", "a.txt:3"), "a.txt:3: it broke", id="where"),
        pytest.param(Problem("it broke", why="old"), "it broke; why: old", id="why"),
        pytest.param(Problem("it broke", fix="mend it"), "it broke; fix: mend it", id="fix"),
        pytest.param(Problem("a", "b", "c", "d", "RULE"), "b: a; why: c; fix: d", id="all, without the rule"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, line: str) -> None:
    assert problem.as_line() == line


def test_a_problem_in_json_has_its_four_parts() -> None:
    assert Problem("a", "b", "c", "d", "RULE").as_json() == {"what": "a", "where": "b", "why": "c", "fix": "d"}


def test_an_error_reads_as_its_problem() -> None:
    error = UsageError("it broke", where="here", why="old", fix="mend it", rule="OLD")
    assert str(error) == "here: it broke; why: old; fix: mend it"
    assert error.problems == (Problem("it broke", "here", "old", "mend it", "OLD"),)


def test_an_error_of_several_problems_reads_as_all_of_them() -> None:
    error = UsageError.of(Problem(what, "here") for what in ("one", "two"))
    assert type(error) is UsageError
    assert str(error) == "here: one\nhere: two"
    assert [one.what for one in error.problems] == ["one", "two"]


def test_no_two_classes_have_one_exit_code() -> None:
    assert sorted([VenvBuildError.exit_code, *(kind.exit_code for kind in CLASSES)]) == list(range(1, 12))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_codes_are_those_of_the_reference_and_of_the_module(kind: type[VenvBuildError]) -> None:
    assert re.search(rf"{kind.__name__} +{kind.exit_code}\b", errors.__doc__ or "")
    assert re.search(rf"^\| `?{kind.exit_code}`? \|", REFERENCE.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("ending", [errors.Terminated, errors.StdoutClosed])
def test_what_ends_us_from_outside_is_caught_as_no_failure(ending: type[BaseException]) -> None:
    assert not issubclass(ending, Exception)


@pytest.mark.parametrize(
    ("number", "kind", "what"),
    [
        pytest.param(errno.ENOSPC, StoreUnavailable, "the disk fails: words", id="full"),
        pytest.param(errno.EDQUOT, StoreUnavailable, "the disk fails: words", id="quota"),
        pytest.param(errno.EIO, StoreUnavailable, "the disk fails: words", id="broken"),
        pytest.param(errno.EACCES, UsageError, "no access: words", id="mode"),
        pytest.param(errno.EPERM, UsageError, "no access: words", id="owner"),
        pytest.param(errno.EROFS, UsageError, "no access: words", id="read-only"),
    ],
)
def test_a_disk_without_room_may_be_tried_again_and_one_without_right_not(
    number: int, kind: type[VenvBuildError], what: str
) -> None:
    error = errors.of_disk(OSError(number, "words", "/a/file"), "/a")
    assert type(error) is kind
    assert error.problems[0].what == what
    assert error.problems[0].where == "/a/file"


def test_a_failure_of_a_disk_without_a_name_is_told_by_the_folder() -> None:
    error = errors.of_disk(OSError(errno.ENOSPC, "words"), "/a")
    assert error
    assert error.problems[0].where == "/a"


def test_another_failure_is_none_of_a_disk() -> None:
    assert errors.of_disk(OSError(errno.ENOENT, "words")) is None


def test_a_disk_without_inodes_lacks_no_bytes(
    tmp_path: Path, full_disk: Path, few_inodes: Callable[[int], Path]
) -> None:
    for folder, what in ((few_inodes(3), "no inodes left"), (full_disk, "No space left on device")):
        writes = ((folder / str(number)).write_bytes(bytes(8)) for number in range(5))
        with pytest.raises(OSError, match="No space left on device") as failed:
            list(writes)
        found = errors.of_disk(failed.value, str(folder))
        assert isinstance(found, StoreUnavailable)
        assert what in found.problems[0].what
    for folder, is_lacking in ((tmp_path / "few inodes", True), (full_disk, False)):
        assert errors.has_no_inodes(f"{folder}/not/there") is is_lacking
