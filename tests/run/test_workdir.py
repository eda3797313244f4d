"""The work dir's record: what is remembered, when a step is up to date, and what is nobody's to touch."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from venvbuild import files
from venvbuild.errors import Problem, UsageError
from venvbuild.run import Checked, Recorded, workdir
from venvbuild.run.workdir import RECORD, WorkDir, way_to_begin


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work"


UNPINNED = workdir.Remembered(what="unpinned", where="", why="", fix="", line=None)
RECORDED = Recorded(
    env_name="sales", python_version="3.11", fail_on_conflicts=True, installer="uv", timeout_s=60,
    min_age_days=0, min_age_except=(), yanked="warn", level=5,
    bytecode=False, python_path=None, bundle_python=False, layout="venv", index_url="https://index/simple", extra_index_urls=("https://x",),
    find_links=(), requirements="requirements.txt", build_url=None, source_revision=None, requirements_sha256="a" * 64,
    requirements_parts=((1, "requirements.txt", 1),),
    locked=False, extras=(), groups=(), allow_sdist=(), interpreter="/usr/bin/python3.11", python_full_version="3.11.7",
)  # fmt: skip


def ended(work: WorkDir, step: str, *outputs: str, key: str = "key", pins: int = 1) -> None:
    """Let `step` run and end well, leaving `outputs`; what it found is the same for each."""
    work.begin(step)
    for name in outputs:
        (work.path / name).write_text(f"{name} of {step}")
    work.finish(step, key=key, outputs=outputs, result=Checked(pins, 0), duration_s=1.23456)


@pytest.fixture
def after_create(path: Path) -> Path:
    """A work dir in which `check` and `create` have ended well."""
    with workdir.open_work_dir(path, "check") as work:
        work.start(RECORDED)
        ended(work, "check", "requirements.txt", pins=2)
        ended(work, "create", "lock.txt")
    return path


def refusal(path: Path, step: str) -> Problem:
    with pytest.raises(UsageError) as caught, workdir.open_work_dir(path, step):
        pass
    return caught.value.problems[0]


def looked_at(path: Path) -> WorkDir:
    found = workdir.recorded_work_dir(path)
    assert found
    return found


def test_what_a_step_found_is_there_for_the_next_process(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "inspect") as work:
        assert work.recorded == RECORDED
        assert work.result(Checked) == Checked(2, 0)
        assert work.result_as_json("check") == {"pins": 2, "warnings": 0, "started_at": "", "said": []}
        assert work.duration_s("check") == 1.235


def test_check_makes_its_folder_and_those_above_it(tmp_path: Path) -> None:
    with workdir.open_work_dir(tmp_path / "a" / "b", "check") as work:
        work.start(None)
    assert (tmp_path / "a" / "b" / RECORD).is_file()


def test_a_work_dir_is_known_by_its_absolute_path(path: Path) -> None:
    path.mkdir()
    with contextlib.chdir(path.parent), workdir.open_work_dir(Path("work"), "check") as work:
        assert work.path == path


def test_a_new_run_begins_with_an_empty_folder(after_create: Path) -> None:
    (after_create / "folder").mkdir()
    (after_create / "link").symlink_to("/nowhere")
    with workdir.open_work_dir(after_create, "check") as work:
        work.start(None)
    assert [entry.name for entry in after_create.iterdir()] == [RECORD]


# --- up to date


def test_a_step_is_up_to_date_until_it_is_asked_for_with_another_key(after_create: Path) -> None:
    work = looked_at(after_create)
    assert work.is_up_to_date("create")
    assert work.is_up_to_date("create", "key")
    assert not work.is_up_to_date("create", "another")


def write(path: Path) -> None:
    path.write_text("by hand")


@pytest.mark.parametrize("change", [write, Path.unlink], ids=["written", "removed"])
def test_a_step_whose_output_changed_is_not_up_to_date(after_create: Path, change: Callable[[Path], None]) -> None:
    change(after_create / "lock.txt")
    assert not looked_at(after_create).is_up_to_date("create")


def test_a_step_is_not_up_to_date_when_the_one_before_it_ran_again(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "check") as work:
        work.finish("check", key="key", outputs=["requirements.txt"], result=Checked(3, 0), duration_s=1.23456)
    assert not looked_at(after_create).is_up_to_date("create")


def test_a_step_that_never_ran_is_not_up_to_date(after_create: Path) -> None:
    assert not looked_at(after_create).is_up_to_date("pack")


def test_a_step_that_began_has_forgotten_itself_and_all_after_it(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "check") as work:
        work.begin("check")
        assert not work.has_ended("check")
        assert not work.has_ended("create")
    assert looked_at(after_create).begun == "check"


def test_a_step_that_began_removes_what_a_killed_one_left(after_create: Path) -> None:
    (after_create / ".venv-half").mkdir()
    (after_create / ".lock").write_text("half")
    with workdir.open_work_dir(after_create, "inspect") as work:
        work.begin("inspect")
    assert not list(after_create.glob(".*"))


def test_the_first_step_that_has_to_run_is_named(after_create: Path) -> None:
    (after_create / "lock.txt").unlink()
    with workdir.open_work_dir(after_create, "pack") as work, pytest.raises(UsageError) as caught:
        work.require("pack")
    (problem,) = caught.value.problems
    assert problem.what == "`pack` needs what `create` makes, and that is missing or changed since"
    assert problem.fix == f"run: venvbuild create --work-dir {after_create}"
    assert (problem.where, problem.rule) == (str(after_create), "STALE")


def test_a_step_after_those_that_are_up_to_date_may_run(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "inspect") as work:
        work.require("inspect")


# --- failures


def test_why_a_step_failed_is_remembered_until_it_runs_again(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "inspect") as work:
        work.begin("inspect")
        work.fail("inspect", 5, [UNPINNED])
    assert looked_at(after_create).failure == {"step": "inspect", "exit_code": 5, "problems": [UNPINNED]}
    with workdir.open_work_dir(after_create, "inspect") as work:
        work.begin("inspect")
    assert looked_at(after_create).failure is None


def test_a_refused_run_leaves_what_is_there_and_tells_what_was_asked(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "check") as work:
        work.refuse(3, [UNPINNED], {"env_name": "other"})
    work = looked_at(after_create)
    assert work.failure == {
        "step": "check", "exit_code": 3, "problems": [UNPINNED], "asked": {"env_name": "other"},
    }  # fmt: skip
    assert (work.recorded, work.is_up_to_date("create")) == (RECORDED, True)


def test_when_a_step_began_or_ended_is_remembered(path: Path) -> None:
    before = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    with workdir.open_work_dir(path, "check") as work:
        work.refuse(3, [], {})
    assert before <= looked_at(path).changed_at <= f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_a_refused_run_in_an_empty_folder_can_be_reported_on(path: Path) -> None:
    with workdir.open_work_dir(path, "check") as work:
        work.refuse(3, [], {})
    failure = looked_at(path).failure
    assert failure
    assert failure["exit_code"] == 3


def test_a_run_that_is_asked_for_again_forgets_the_refusal(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "check") as work:
        work.refuse(3, [], {})
        work.accept()
    assert looked_at(after_create).failure is None


# --- folders that are not ours


def a_strange_file(path: Path) -> None:
    path.mkdir()
    (path / "mine.txt").write_text("mine")


def a_folder_named_like_the_record(path: Path) -> None:
    (path / RECORD).mkdir(parents=True)


@pytest.mark.parametrize("there", [a_strange_file, a_folder_named_like_the_record])
def test_a_folder_with_something_else_in_it_is_left_untouched(path: Path, there: Callable[[Path], None]) -> None:
    there(path)
    before = sorted(path.rglob("*"))
    problem = refusal(path, "check")
    assert problem.what == "the work dir is not empty and not ours; nothing was touched"
    assert (problem.rule, sorted(path.rglob("*"))) == ("NOT_OURS", before)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param("", id="empty"),
        pytest.param('{"schema_version": 1, "settings": {}, "st', id="cut short"),
        pytest.param('{"schema_version": 99, "settings": {}, "steps": {}}', id="another version"),
        pytest.param('{"schema_version": 1, "settings": [], "steps": {}}', id="another shape"),
        pytest.param("[]", id="a list"),
    ],
)
def test_a_record_that_cannot_be_read_is_ours_to_replace_and_not_to_go_on_from(path: Path, record: str) -> None:
    path.mkdir()
    (path / RECORD).write_text(record)
    problem = refusal(path, "create")
    assert problem.what == "the record of the work dir cannot be read, or is another version's"
    assert problem.fix == f"run: venvbuild check --work-dir {path}"
    with workdir.open_work_dir(path, "check") as work:
        work.start(None)
    assert looked_at(path).asked == {}


@pytest.mark.parametrize(
    ("there", "what"),
    [
        pytest.param(lambda path: None, "there is no work dir", id="absent"),
        pytest.param(Path.mkdir, "this is no work dir of venvbuild, or its record is gone", id="empty"),
    ],
)
def test_only_check_takes_a_folder_that_no_run_began_in(path: Path, there: Callable[[Path], object], what: str) -> None:
    there(path)
    problem = refusal(path, "create")
    assert (problem.what, problem.rule) == (what, "STALE")
    assert problem.fix == f"run: venvbuild check --work-dir {path}"


def a_run_without_its_record(path: Path) -> None:
    path.mkdir()
    (path / "venv").mkdir()
    (path / "build.log").write_text("a line\n")
    path.with_name(f"{path.name}.old").write_text("of another time")


def a_file(path: Path) -> None:
    path.write_text("a file")


@pytest.mark.parametrize(
    "there", [a_run_without_its_record, a_strange_file, a_folder_named_like_the_record, a_file, Path.mkdir]
)
def test_where_the_record_is_gone_the_advice_gives_a_work_dir_and_keeps_what_was_there(
    tmp_path: Path, there: Callable[[Path], object]
) -> None:
    path = tmp_path / "work dir"
    there(path)
    before = {one.name for one in tmp_path.rglob("*")}
    *moves, check = refusal(path, "create").fix.removeprefix("run: ").split(" && ")
    assert way_to_begin(path) == f"run: {' && '.join([*moves, check])}"
    for move in moves:
        subprocess.run(shlex.split(move), check=True)
    assert shlex.split(check) == ["venvbuild", "check", "--work-dir", str(path)]
    with workdir.open_work_dir(path, "check") as work:
        work.start(None)
    assert before <= {one.name for one in tmp_path.rglob("*")}


def test_a_file_where_the_work_dir_should_be_is_told(path: Path) -> None:
    path.write_text("a file")
    problem = refusal(path, "check")
    assert problem.what.startswith("the work dir cannot be used: ")
    assert (problem.where, problem.fix) == (str(path), "give another --work-dir")


def test_two_steps_at_once_are_not_let_in(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "inspect") as work:
        work.begin("inspect")
        problem = refusal(after_create, "check")
    assert problem.what == "the work dir is in use: `inspect` is running there"
    assert problem.rule == "IN_USE"
    with workdir.open_work_dir(after_create, "check"):  # the lock ended with the block
        pass


def test_looking_at_a_work_dir_waits_for_nobody(after_create: Path) -> None:
    with workdir.open_work_dir(after_create, "inspect"):
        assert looked_at(after_create).has_ended("create")


def test_there_is_nothing_to_look_at_where_no_run_began(path: Path) -> None:
    assert workdir.recorded_work_dir(path) is None


# --- fingerprints


def grown(folder: Path) -> None:
    (folder / "new").write_text("")


def shrunk(folder: Path) -> None:
    (folder / "deep" / "file").unlink()


def written(folder: Path) -> None:
    os.utime(folder / "deep" / "file", ns=(1, 1))


def made_executable(folder: Path) -> None:
    (folder / "deep" / "file").chmod(0o700)


def replaced_by_a_link(folder: Path) -> None:
    shutil.rmtree(folder / "deep")
    (folder / "deep").symlink_to("elsewhere")


@pytest.mark.parametrize("change", [grown, shrunk, written, made_executable, replaced_by_a_link])
def test_a_folder_has_another_mark_when_anything_in_it_changes(tmp_path: Path, change: Callable[[Path], None]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text("x")
    before = files.fingerprint(tmp_path)
    assert files.fingerprint(tmp_path) == before
    change(tmp_path)
    assert files.fingerprint(tmp_path) != before


def test_a_file_is_told_by_its_bytes_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    os.utime(tmp_path / "b", (1, 1))
    assert files.fingerprint(tmp_path / "a") == files.fingerprint(tmp_path / "b")


def test_what_is_not_there_is_absent(tmp_path: Path) -> None:
    assert files.fingerprint(tmp_path / "no") == "absent"


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    files.remove(tmp_path / "link")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("change", [{"surprise": 1}, {"pins": None}], ids=["a field too many", "a field too few"])
def test_a_result_of_another_version_is_named_and_the_way_on(after_create: Path, change: dict[str, Any]) -> None:
    record = json.loads((after_create / RECORD).read_text())
    result = {**record["steps"]["check"]["result"], **change}
    record["steps"]["check"]["result"] = {name: value for name, value in result.items() if value is not None}
    (after_create / RECORD).write_text(json.dumps(record))
    with pytest.raises(UsageError, match="cannot be read, or is another version's") as caught:
        looked_at(after_create).result(Checked)
    assert caught.value.problems[0].fix == f"run: venvbuild check --work-dir {after_create}"
