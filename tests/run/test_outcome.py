"""What became of a run, for those who tell people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.outcomes import made_up, read, run
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.graph import tops
from venvbuild.run import outcome
from venvbuild.run.outcome import Package


@pytest.fixture
def tool(tool: Tool) -> Tool:
    folder = tool.index.folder
    wheel(folder, "good", "1.0", files={"good.py": "x" * 5000})
    wheel(folder, "above", "1.0", requires=["good"])
    wheel(folder, "needy", "1.0", requires=["good==2.0"])
    wheel(folder, "old", "1.0", python="<3.9")
    return tool


def test_a_run_that_is_well_so_far_has_pins_packages_and_sizes(tool: Tool) -> None:
    found = run(tool, "above==1.0", "good==1.0 ; python_version >= '3'", "old==1.0 ; python_version < '3'")
    assert [(pin.requirement, pin.line, pin.status) for pin in found.pins] == [
        ("above==1.0", 1, "installed"), ("good==1.0", 2, "installed"), ("old==1.0", 3, "not meant"),
    ]  # fmt: skip
    packages = {package.name: package for package in found.packages}
    assert set(packages) == {"above", "good", "pip"}
    assert packages["above"].needs == ("good",)
    assert (packages["above"].is_pinned, packages["pip"].is_pinned) == (True, False)
    assert 5000 < (packages["good"].size_bytes or 0) < 6000
    assert [step.status for step in found.steps] == ["passed"] * 3 + ["not run"] * 4
    assert (found.exit_code, found.problems, found.conflicts, found.verdict) == (0, (), (), "stopped at pack")


def test_a_pin_of_an_included_file_has_its_own_place(tool: Tool) -> None:
    (tool.folder / "base.txt").write_text("# base\ngood==1.0\n")
    found = run(tool, "above==1.0", "-r base.txt")
    assert [(Path(pin.where).name, pin.line, pin.status) for pin in found.pins] == [
        ("requirements.txt:1", 1, "installed"), ("base.txt:2", 0, "installed"),
    ]  # fmt: skip


def test_an_equal_version_that_is_spelt_otherwise_is_the_pins(tool: Tool) -> None:
    wheel(tool.index.folder, "spelt", "1.0.0")
    assert [pin.status for pin in run(tool, "spelt==1.0", until="create").pins] == ["installed"]


def test_without_its_environment_a_run_still_has_packages(tool: Tool) -> None:
    run(tool, "good==1.0")
    shutil.rmtree(tool.work / "venv")
    assert [(one.name, one.size_bytes) for one in read(tool.work).packages] == [("good", None), ("pip", None)]


def test_pins_that_contradict_each_other_are_conflicts_at_their_lines(tool: Tool) -> None:
    found = run(tool, "needy==1.0", "good==1.0", until="create", code=5)
    assert [(one.what, one.line, one.kind) for one in found.conflicts] == [
        ("needy 1.0 needs good==2.0, good 1.0 is pinned", 2, "pins")
    ]
    assert (found.exit_code, found.problems, found.verdict) == (5, (), "stopped at create")
    assert [step.status for step in found.steps][:3] == ["passed", "failed", "not run"]
    assert {pin.status for pin in found.pins} == {"not run"}


def test_conflicts_of_what_is_installed_lead_to_the_pin(tool: Tool) -> None:
    wheel(tool.index.folder, "top", "1.0", requires=["old"])
    [conflict] = run(tool, "good==1.0", "top==1.0", code=5).conflicts
    assert conflict.what.startswith("old 1.0 needs Python <3.9")
    assert (conflict.kind, conflict.line, conflict.chain) == ("python", 2, ("top 1.0", "old 1.0"))


def test_a_package_that_is_not_there_is_a_problem_at_its_line(tool: Tool) -> None:
    found = run(tool, "good==1.0", "absent==1.0", until="create", code=4)
    assert [problem.line for problem in found.problems] == [2]
    assert found.exit_code == 4


def test_a_refused_file_has_its_problems_and_nothing_of_an_earlier_run(tool: Tool) -> None:
    run(tool, "good==1.0")
    found = run(tool, "good", "x @ https://example.com/x.whl", until="check", code=3, ENV_NAME="other")
    assert [problem.line for problem in found.problems] == [1, 2]
    assert (found.summary.env_name, found.pins, found.packages, found.last_lines) == ("other", (), (), ())
    assert [step.status for step in found.steps] == ["failed"] + ["not run"] * 6


def test_what_a_run_took_is_known_of_a_whole_one_only(tool: Tool) -> None:
    assert run(tool, "good==1.0").seconds is None
    whole = run(tool, "good==1.0", until="register")
    assert whole.seconds == sum(step.seconds or 0 for step in whole.steps)
    assert whole.ended_at == json.loads((tool.work / "venvbuild-work.json").read_text())["changed_at"]


def test_a_run_that_was_cut_short_says_so(tool: Tool) -> None:
    run(tool, "good==1.0", until="check")
    record = json.loads((tool.work / "venvbuild-work.json").read_text())
    (tool.work / "venvbuild-work.json").write_text(json.dumps({**record, "running": "create"}))
    assert [step.status for step in read(tool.work).steps][:3] == ["passed", "not ended", "not run"]


def test_a_step_that_fails_again_takes_back_what_came_after_it(tool: Tool) -> None:
    run(tool, "good==1.0", until="register")
    next(tool.index.folder.rglob("good-*.whl")).unlink()
    elsewhere = {"XDG_CACHE_HOME": str(tool.folder / "another cache")}
    assert tool.run("create", "--again", "--work-dir", tool.work, **elsewhere).code == 4
    found = read(tool.work)
    assert [step.status for step in found.steps] == ["passed", "failed"] + ["not run"] * 5
    assert (found.metadata, found.packages) == (None, ())


def test_findings_about_an_environment_that_was_replaced_are_not_told(tool: Tool) -> None:
    assert run(tool, "above==1.0", "good==1.0", "old==1.0", code=5).conflicts
    assert tool.run("create", "--again", "--work-dir", tool.work).code == 0
    found = read(tool.work)
    assert (found.conflicts, found.notes, {one.needs for one in found.packages}) == ((), (), {()})


def test_a_bug_ends_a_run_and_is_told(tool: Tool) -> None:
    run(tool, "good==1.0", until="pack")
    record = json.loads((tool.work / "venvbuild-work.json").read_text())
    record["steps"]["pack"]["result"]["base_requires"] = {"abi": None}
    (tool.work / "venvbuild-work.json").write_text(json.dumps(record))
    assert tool.run("describe", "--work-dir", tool.work).code == 1
    found = read(tool.work)
    assert [step.status for step in found.steps][4:] == ["failed", "not run", "not run"]
    assert (found.exit_code, [one.what for one in found.problems]) == (
        1,
        ["a bug in venvbuild: KeyError: 'glibc'"],
    )


def test_what_is_told_of_a_bug_holds_no_secret(tool: Tool) -> None:
    run(tool, "good==1.0", until="pack")
    (tool.work / "metadata.json").mkdir()
    listed = {"VENVBUILD_SECRET_NAMES": "MY_PLACE", "MY_PLACE": f"{tool.work}/metadata.json"}
    assert tool.run("describe", "--work-dir", tool.work, **listed).code == 1
    assert "metadata.json" not in str(json.loads((tool.work / "venvbuild-work.json").read_text())["failed"])
    assert [one.what for one in read(tool.work).problems] == [
        "a bug in venvbuild: IsADirectoryError: [Errno 21] Is a directory: '****'"
    ]


def test_no_secret_and_nothing_unprintable_of_a_log_comes_through(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tool, "good==1.0", until="check")
    (tool.work / "build.log").write_bytes(b"a\x1b[31m https://u:hunter22@h/ \xff\n" + b"x" * (1 << 20) + b"\nlast\n")
    lines = read(tool.work).last_lines
    assert "hunter22" not in str(lines)
    assert all(line.isprintable() and len(line) <= 500 for line in lines)
    assert lines[-1] == "last"


def test_the_last_lines_leave_commands_out_and_keep_what_they_said(tool: Tool) -> None:
    run(tool, "good==1.0", until="check")
    start = "2026-11-21T06:30:00Z"
    log = [f"{start} DEBUG + uv x 'a", "b'", f"{start} DEBUG | hint", f"{start} INFO bug", "Traceback", "  File"]
    (tool.work / "build.log").write_text("\n".join(log))
    assert list(read(tool.work).last_lines) == log[2:]


def test_where_no_run_has_begun_there_is_nothing(tmp_path: Path) -> None:
    assert outcome.outcome_of(tmp_path) is None


def package(name: str, *needs: str, is_pinned: bool = False) -> Package:
    return Package(name, "1.0", None, needs, is_pinned)


def test_what_nobody_needs_is_on_top_and_of_a_ring_one_pinned() -> None:
    packages = [
        package("a", "b"),
        package("b"),
        package("k", "t", "b"),
        package("t", "k", is_pinned=True),
        package("self", "self"),
    ]
    assert [one.name for one in tops(packages)] == ["a", "self", "t"]


def test_a_ring_that_something_leads_to_is_not_on_top() -> None:
    assert [one.name for one in tops([package("a", "k"), package("k", "t"), package("t", "k")])] == ["a"]


def test_a_conflict_as_text_has_its_chain_and_fix() -> None:
    [conflict] = made_up().conflicts
    assert conflict.text == "needy 1.0 needs other==1.0, other 2.0 is installed\nfix: pin other==1.0"
