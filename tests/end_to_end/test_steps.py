"""The seven steps one by one, as Jenkins runs them: what they remember, refuse and repeat."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import tarfile
import time
from pathlib import Path

import pytest

from athena.index import Compactor
from tests.support.tool import REPOSITORY, Tool
from tests.support.wheels import wheel
from venvbuild.builds import evidence, last_day
from venvbuild.run import STEPS
from venvbuild.stores import open_store

pytestmark = pytest.mark.traced


@pytest.fixture
def tool(tool: Tool) -> Tool:
    wheel(tool.index.folder, "good", "1.0")
    return tool


def step(tool: Tool, name: str, *more: str, code: int = 0, **env: str | None) -> str:
    """Run one step on the work dir; what it said on stderr."""
    file = ("-r", "requirements.txt") if name == "check" else ()
    done = tool.run(name, "--work-dir", tool.work, *file, *more, **env)
    assert done.code == code, done.stderr
    return done.stderr


@pytest.fixture
def described(tool: Tool) -> Tool:
    tool.requirements("good==1.0")
    for name in STEPS[:5]:
        step(tool, name)
    return tool


def test_the_seven_steps_make_what_build_makes(described: Tool) -> None:
    step(described, "upload")
    step(described, "register")
    [build] = described.run("list", "--json").json
    assert build["installed_packages"] == ["good==1.0", "pip==26.3"]
    assert set(build["duration_s"]) == set(STEPS[:5])


def test_a_step_that_has_nothing_to_do_says_so(described: Tool) -> None:
    for name in STEPS[:5]:
        assert "unchanged" in step(described, name), name
    assert "unchanged" not in step(described, "inspect", "--again")


def test_upload_and_register_are_not_done_twice(described: Tool) -> None:
    step(described, "upload")
    assert "unchanged" in step(described, "upload")
    step(described, "register")
    assert "unchanged" in step(described, "register")
    assert len(list(Path(described.store, "venv-builds").iterdir())) == 1


def test_to_build_again_in_a_work_dir_is_to_begin_with_check_again(described: Tool) -> None:
    for name in STEPS[5:]:
        step(described, name)
    [first] = described.run("list", "--json").json
    described.stored(first["venv_version"]).joinpath("conflicts.json").write_text("[ ]", "utf-8")
    before = described.run("table", "check", "--deep", "--json").json["error"]["problems"]
    assert [one["fix"] for one in before] == [evidence.MEND]
    for name in STEPS:
        assert "unchanged" in step(described, name), name
    said = step(described, "upload", "--again", code=8)
    assert "the store holds other bytes than ours" in said
    assert "fix: find out who writes there; nothing that is there was changed\n" in said
    assert described.run("table", "check", "--deep", "--json").json["error"]["problems"] == before
    page = (REPOSITORY / "docs" / "stores.md").read_text("utf-8")
    assert "the same `venvbuild check` and `--again`, then run all the others" in page
    step(described, "check", "--again")
    for name in STEPS[1:]:
        assert "unchanged" not in step(described, name), name
    second, again = described.run("list", "--json").json
    assert (again["venv_version"], second["venv_version"] > again["venv_version"]) == (first["venv_version"], True)
    assert described.run("verify", second["venv_version"]).code == 0


def test_register_again_after_build_is_the_same_row(tool: Tool) -> None:
    assert tool.run("build", "-r", tool.requirements("good==1.0"), "--work-dir", tool.work).code == 0
    step(tool, "register", "--again")


def test_a_repacked_build_is_uploaded_as_it_is_now(tool: Tool) -> None:
    assert tool.run("build", "-r", tool.requirements("good==1.0"), "--work-dir", tool.work).code == 0
    step(tool, "pack", "--level", "9")
    step(tool, "describe")
    step(tool, "upload")
    step(tool, "register")
    newest = tool.run("list", "--json", "--limit", "1").json[0]
    [archive] = tool.stored(newest["venv_version"]).glob("*.tar.gz")
    assert archive.read_bytes() == (tool.work / "venv.tar.gz").read_bytes()


def test_a_build_of_a_day_that_the_index_covers_is_found_when_register_ends(described: Tool) -> None:
    step(described, "upload")
    Compactor(open_store(described.store), described.folder / "cache").compact(last_day())
    assert described.run("find", "good", "--json").json == []
    step(described, "register")
    [build] = described.run("find", "good", "--json").json
    assert build["matches"] == ["good==1.0"]
    assert described.run("table", "check").code == 0


def test_register_refuses_a_store_that_upload_did_not_use(described: Tool, tmp_path: Path) -> None:
    step(described, "upload")
    said = step(described, "register", "--store", str(tmp_path / "another"), code=2)
    assert f"--store {described.store}" in said
    assert not (tmp_path / "another").exists()


def test_what_a_killed_step_left_is_swept(described: Tool) -> None:
    (described.work / ".venv-killed").mkdir()
    (described.work / ".lock-killed.txt").write_text("")
    step(described, "inspect", "--again")
    assert not list(described.work.glob(".*"))


def test_another_store_gets_a_build_of_its_own(described: Tool, tmp_path: Path) -> None:
    step(described, "upload")
    step(described, "upload", "--store", str(tmp_path / "another"))
    assert len(list((tmp_path / "another/venv-builds").iterdir())) == 1


@pytest.mark.parametrize("name", STEPS[1:])
def test_a_step_without_the_one_before_it_names_that_one(tool: Tool, name: str) -> None:
    tool.requirements("good==1.0")
    step(tool, "check")
    before = "create" if name != "create" else "check"
    if name == "create":
        (tool.work / "requirements.txt").write_text("good==2.0\n")
    said = step(tool, name, code=2)
    assert f"run: venvbuild {before} --work-dir {tool.work}" in said


def test_a_step_without_a_work_dir_says_how_to_start_one(tool: Tool) -> None:
    assert f"run: venvbuild check --work-dir {tool.work}" in step(tool, "create", code=2)
    assert not tool.work.exists()


def test_what_was_changed_by_hand_is_stale(described: Tool) -> None:
    (described.work / "venv/lib/python3.11/site-packages/good.py").write_text("x = 2\n")
    assert "run: venvbuild create" in step(described, "pack", code=2)


def test_what_was_changed_by_hand_and_looks_as_before_is_not_packed(described: Tool) -> None:
    file = described.work / "venv/lib/python3.11/site-packages/good.py"
    before, body = file.stat(), file.read_bytes()
    file.write_bytes(bytes([*body[:-1], body[-1] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    said = step(described, "pack", "--again", code=8)
    assert "good.py was changed since `create` read it" in said
    assert "run `venvbuild create --again`, and then the steps behind it" in said
    for name in ("create", "inspect", "pack"):
        step(described, name, *(["--again"] if name == "create" else []))
    assert file.read_bytes() == body


def test_a_step_that_ran_again_makes_those_after_it_stale(described: Tool) -> None:
    step(described, "create", "--again")
    assert "run: venvbuild inspect" in step(described, "pack", code=2)


def test_other_settings_start_the_run_anew(described: Tool) -> None:
    assert "unchanged" in step(described, "check")
    assert "unchanged" not in step(described, "check", "--env-name", "other")
    assert "run: venvbuild create" in step(described, "inspect", code=2)


def test_later_steps_read_what_check_wrote_down(tool: Tool) -> None:
    tool.requirements("good==1.0")
    step(tool, "check", ENV_NAME="sales", PYTHON_VERSION="3.12", FAIL_ON_CONFLICTS="false")
    for name in STEPS[1:]:
        step(tool, name, ENV_NAME="ignored", PYTHON_VERSION="3.9")
    [build] = tool.run("list", "--json").json
    assert (build["env_name"], build["python_version"]) == ("sales", "3.12")


@pytest.mark.parametrize("content", ["my-file.txt", "venv/", "requirements.txt"])
def test_a_folder_that_is_not_ours_is_left_alone(tool: Tool, content: str) -> None:
    tool.requirements("good==1.0")
    tool.work.mkdir()
    path = tool.work / content
    path.mkdir() if content.endswith("/") else path.write_text("mine")
    said = step(tool, "check", code=2)
    assert "nothing was touched" in said
    assert [entry.name for entry in tool.work.iterdir()] == [path.name]


def test_a_file_as_work_dir_is_refused(tool: Tool) -> None:
    tool.requirements("good==1.0")
    tool.work.write_text("a file")
    step(tool, "check", code=2)
    assert tool.work.read_text() == "a file"


def test_check_empties_our_own_folder(described: Tool) -> None:
    step(described, "check", "--again")
    assert not (described.work / "venv").exists()


def test_a_second_step_is_told_which_one_is_running(described: Tool) -> None:
    record = json.loads((described.work / "venvbuild-work.json").read_text())
    (described.work / "venvbuild-work.json").write_text(json.dumps({**record, "running": "create"}))
    descriptor = os.open(described.work, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert "`create` is running there" in step(described, "inspect", code=2)
    finally:
        os.close(descriptor)
    step(described, "inspect", "--again")


def test_a_work_dir_may_be_moved_between_steps(described: Tool) -> None:
    moved = described.folder / "moved work dir"
    shutil.move(described.work, moved)
    described.work = moved
    step(described, "upload")


def test_a_conflict_is_written_down_before_the_job_fails(tool: Tool) -> None:
    """An upper bound on Python, which uv ignores: the one conflict that resolving cannot find."""
    wheel(tool.index.folder, "picky", "1.0", python="<3.9")
    tool.requirements("picky==1.0")
    step(tool, "check")
    step(tool, "create")
    step(tool, "inspect", code=5)
    assert (tool.work / "conflicts.txt").read_text().startswith("picky 1.0 needs Python <3.9, this is Python 3.11")
    step(tool, "pack", code=2)


def test_without_a_requirements_file_check_says_so(tool: Tool) -> None:
    assert "requirements.txt" in step(tool, "check", code=2)


def test_pack_takes_flags_of_its_own(described: Tool) -> None:
    before = (described.work / "venv.tar.gz").stat().st_size
    assert "unchanged" not in step(described, "pack", "--level", "1")
    assert (described.work / "venv.tar.gz").stat().st_size >= before
    assert "unchanged" in step(described, "pack", "--level", "1")


def test_pack_puts_bytecode_in_and_takes_it_out_again(described: Tool) -> None:
    packed = described.work / "venv.tar.gz"
    plain = packed.read_bytes()
    step(described, "pack", "--bytecode")
    assert "good.cpython-311.pyc" in listing(packed)
    assert "unchanged" in step(described, "pack", "--bytecode")
    assert "unchanged" in step(described, "create")
    step(described, "pack")
    assert packed.read_bytes() == plain


def test_what_check_writes_down_about_bytecode_counts_until_pack_says_otherwise(described: Tool) -> None:
    for name in ("check", "create", "inspect", "pack"):
        step(described, name, VENVBUILD_BYTECODE="yes" if name == "check" else None)
    assert ".pyc" in listing(described.work / "venv.tar.gz")
    step(described, "pack", "--no-bytecode")
    assert ".pyc" not in listing(described.work / "venv.tar.gz")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_pack_that_is_ended_while_it_compiles_leaves_nothing(tool: Tool, number: signal.Signals, code: int) -> None:
    slow = "x = 1\n" * 300_000  # a second each
    wheel(tool.index.folder, "slow", "1.0", files={f"slow{module}.py": slow for module in range(8)})
    tool.requirements("slow==1.0")
    for name in ("check", "create", "inspect"):
        step(tool, name)
    running = tool.start("pack", "--bytecode", "--work-dir", tool.work)
    while not list(tool.work.glob(".venv.tar.gz-*/lib")):
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(number)
    running.communicate(timeout=20)
    assert running.returncode == code
    assert [path.name for path in tool.work.iterdir() if "venv.tar.gz" in path.name] == []


def listing(packed: Path) -> str:
    with tarfile.open(packed) as opened:
        return "\n".join(opened.getnames())


def test_json_of_a_step_is_one_value(tool: Tool) -> None:
    tool.requirements("good==1.0")
    found = tool.run("check", "--json", "--work-dir", tool.work).json
    assert {name: found[name] for name in ("pins", "warnings", "said")} == {"pins": 1, "warnings": 0, "said": []}


def test_an_alias_is_moved_to_the_build_of_the_work_dir_once_it_is_registered(tool: Tool) -> None:
    wheel(tool.index.folder, "tiny", "1.0")
    tool.run("check", "-r", tool.requirements("tiny==1.0"), ENV_NAME="sales")
    early = tool.run("promote", "prod")
    assert (early.code, "no registered build is here" in early.stderr) == (2, True)
    built = tool.run("build", "--json", "-r", tool.requirements("tiny==1.0"), "--work-dir", "work", ENV_NAME="sales")
    moved = tool.run("promote", "--work-dir", "work", "prod", "--json")
    assert (moved.code, moved.json["env_name"]) == (0, "sales"), moved.stderr
    assert moved.json["venv_version"] == built.json["venv_version"]
    assert tool.run("promote", "a", "b", "c").code == 2
