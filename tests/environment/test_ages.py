"""What is too new, withdrawn or in quarantine: the verdicts on pins, and on what nobody pinned."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.benches import Bench
from tests.support.index_server import IndexServer
from tests.support.supplies import here, supply
from tests.support.wheels import sdist, wheel
from venvbuild import pipeline
from venvbuild.environment import Closure, CompileRequest, LockedDistribution, compile_files, judge_lock
from venvbuild.environment.wanted import pip_version
from venvbuild.errors import IndexUnavailable, Problem, RequirementsRefused, ResolutionError, VenvBuildError
from venvbuild.run import Checked, Created, outcome_of

PIP = f"pip-{pip_version(here().version)}-py3-none-any.whl"


def ago(days: float) -> str:
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%S.%fZ}"


@pytest.fixture
def aged(index: IndexServer) -> IndexServer:
    """An index with `tiny` of 8, 6 and 0 days, `needy` that needs any of it, and an old pip."""
    for version, days in (("1.0", 8), ("2.0", 6), ("3.0", 0)):
        index.uploaded[wheel(index.folder, "tiny", version).name] = ago(days)
    index.uploaded[wheel(index.folder, "needy", "1.0", requires=["tiny"]).name] = ago(30)
    index.uploaded[PIP] = ago(300)
    return index


@pytest.fixture
def bench(aged: IndexServer, tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", aged.url("json"))


@pytest.fixture
def week(bench: Bench) -> Bench:
    """The same, by which nothing of the last seven days may be built."""
    return bench.using(VENVBUILD_MIN_AGE_DAYS="7")


def refused(error: type[VenvBuildError], bench: Bench, *lines: str, until: str = "check") -> tuple[Problem, ...]:
    with pytest.raises(error) as caught:
        bench.run_until(until, *lines)
    return caught.value.problems


def locked(bench: Bench) -> str:
    return (bench.work / "requirements.lock.txt").read_text()


# --- ages


@pytest.mark.parametrize(("version", "is_too_new"), [("1.0", False), ("2.0", True), ("3.0", True)])
def test_a_pin_that_is_too_new_is_refused_with_its_time_and_what_is_old_enough(
    week: Bench, aged: IndexServer, version: str, is_too_new: bool
) -> None:
    if not is_too_new:
        week.run_until("create", f"tiny=={version}")
        return
    [problem] = refused(RequirementsRefused, week, "# mine", f"tiny=={version}")
    uploaded = aged.uploaded[f"tiny-{version}-py3-none-any.whl"]
    assert (problem.rule, problem.where.rpartition("/")[2], problem.line) == ("TOO_NEW", "pins.txt:2", 2)
    assert problem.what == f"tiny=={version} was uploaded {uploaded[:19]}Z"
    assert problem.fix.startswith("write tiny==1.0, the newest that is old enough; or build it from 20")
    # a hint is a promise
    week.run_until("create", "tiny==1.0")


def test_all_pins_that_are_too_new_are_told_at_once(week: Bench, aged: IndexServer) -> None:
    aged.uploaded[wheel(aged.folder, "other", "1.0").name] = ago(1)
    problems = refused(RequirementsRefused, week, "tiny==3.0", "needy==1.0", "other==1.0")
    assert [one.what.split()[0] for one in problems] == ["tiny==3.0", "other==1.0"]
    assert "leave out other, of which no version is old enough" in problems[1].fix


def test_what_nobody_pinned_is_resolved_among_what_is_old_enough(bench: Bench, week: Bench) -> None:
    bench.run_until("create", "needy==1.0")
    assert "tiny==3.0" in locked(bench)
    week.run_until("create", "needy==1.0")
    assert "tiny==1.0" in locked(week)


def test_an_exception_needs_its_name_and_tells_its_reason(week: Bench) -> None:
    excepted = week.using(VENVBUILD_MIN_AGE_EXCEPT="Tiny: we publish it; other: who knows")
    excepted.run_until("create", "tiny==3.0", "needy==1.0")
    unused = "min_age_except: it names what nothing in this build uses: other"
    with excepted.job("create") as job:
        [said] = job.work.result(Checked).said
        assert job.work.result(Created).said == (unused,)
    assert re.fullmatch(
        r"pins.txt:1: tiny==3.0 was uploaded \S+Z, which is allowed though min_age_days is 7; why: we publish it", said
    )
    # and of what nobody pinned
    excepted.run_until("create", "needy==1.0")
    assert "tiny==3.0" in locked(excepted)
    with excepted.job("create") as job:
        assert "tiny==3.0 was uploaded" in job.work.result(Created).said[0]
        assert job.work.result(Created).said[1:] == (unused,)


def test_an_exception_for_what_a_source_is_built_with_is_used(
    week: Bench, aged: IndexServer, caplog: pytest.LogCaptureFixture
) -> None:
    aged.uploaded[wheel(aged.folder, "tool", "1.0").name] = ago(1)
    backend = '[build-system]\nrequires = ["tool"]\nbuild-backend = "_backend"\nbackend-path = ["."]\n'
    plain = sdist(aged.folder, "plain", "1.0")
    with tarfile.open(plain) as archive:
        member = archive.extractfile("plain-1.0/_backend.py")
        assert member
        files: dict[str, str | bytes] = {"_backend.py": member.read(), "sourced.py": "x = 1\n"}
    aged.uploaded[sdist(aged.folder, "sourced", "1.0", pyproject=backend, files=files).name] = ago(30)
    excepted = week.using(VENVBUILD_MIN_AGE_EXCEPT="tool: ours; tol: misspelt")
    excepted.check("sourced==1.0", allow_sdist=("sourced",))
    excepted.run("create")
    with excepted.job("create") as job:
        [said] = job.work.result(Created).said
    assert said.endswith("it names what nothing in this build uses: tol")
    assert any(one.levelname == "WARNING" and said in one.message for one in caplog.records)


def test_what_a_pin_needs_and_is_nowhere_old_enough_is_refused_by_name(week: Bench, aged: IndexServer) -> None:
    aged.uploaded[wheel(aged.folder, "newer", "1.0", requires=["tiny>=2"]).name] = ago(30)
    [problem] = refused(RequirementsRefused, week, "newer==1.0", until="create")
    assert problem.what.startswith("tiny==3.0 was uploaded ")
    found = re.search(r"VENVBUILD_MIN_AGE_EXCEPT='(tiny: REASON)'$", problem.fix)
    assert found
    assert "write tiny" not in problem.fix
    assert problem.where == "needed by newer"
    assert "the newest that is old enough, tiny==1.0, does not do" in problem.why
    week.using(VENVBUILD_MIN_AGE_EXCEPT=found[1]).run_until("create", "newer==1.0")


def test_pins_that_contradict_each_other_are_told_as_without_an_age(week: Bench, aged: IndexServer) -> None:
    aged.uploaded[wheel(aged.folder, "older", "1.0", requires=["absent==7"]).name] = ago(30)
    [problem] = refused(ResolutionError, week, "older==1.0", until="create")
    assert "absent" in problem.what


def test_a_file_that_came_later_to_an_old_version_is_not_in_the_lock(week: Bench, aged: IndexServer) -> None:
    python = here().version.replace(".", "")
    better = wheel(aged.folder, "tiny", "1.0", tag=f"cp{python}-none-any", files={"tiny.py": "evil = 1\n"})
    aged.uploaded[better.name] = ago(1)
    week.run_until("inspect", "tiny==1.0")
    assert locked(week).split("tiny==1.0")[1].count("--hash") == 1
    records = {one["name"]: one for one in json.loads((week.work / "packages.json").read_bytes())}
    assert records["tiny"]["wheel"] == "tiny-1.0-py3-none-any.whl"


def test_a_pin_that_names_the_new_file_by_its_hash_is_too_new(week: Bench, aged: IndexServer) -> None:
    better = wheel(aged.folder, "tiny", "1.0", tag="py2.py3-none-any")
    aged.uploaded[better.name] = ago(1)
    lines = [
        f"{name}=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
        for name, version, file in (("tiny", "1.0", better), ("pip", PIP.split("-")[1], aged.folder / PIP))
    ]
    [problem] = refused(RequirementsRefused, week, *lines)
    assert problem.what.startswith("tiny==1.0 was uploaded ")


@pytest.mark.parametrize("mode", ["ok", "json"])
def test_an_index_that_tells_no_times_is_refused_where_they_are_needed(
    aged: IndexServer, tmp_path: Path, mode: str
) -> None:
    aged.uploaded.clear()
    without = Bench(tmp_path / "bench", aged.url(mode))
    without.run_until("create", "tiny==1.0")
    [problem] = refused(RequirementsRefused, without.using(VENVBUILD_MIN_AGE_DAYS="7"), "tiny==1.0")
    assert (problem.what, problem.where) == ("the index tells no upload times", aged.url(mode))
    without.using(VENVBUILD_MIN_AGE_DAYS="0").run_until("create", "tiny==1.0")


def test_one_file_without_a_time_is_refused_by_name(week: Bench, aged: IndexServer) -> None:
    wheel(aged.folder, "other", "1.0")
    [problem] = refused(RequirementsRefused, week, "tiny==1.0", "other==1.0")
    assert problem.what == "the index does not tell when other==1.0 was uploaded"
    week.using(VENVBUILD_MIN_AGE_EXCEPT="other: it has none").run_until("create", "tiny==1.0", "other==1.0")


def test_the_pip_of_every_environment_is_judged_too(week: Bench, aged: IndexServer) -> None:
    aged.uploaded[PIP] = ago(2)
    aged.uploaded[wheel(aged.folder, "pip", "20.0").name] = ago(400)
    [problem] = refused(RequirementsRefused, week, "tiny==1.0")
    assert problem.fix.startswith("write pip==20.0, ")
    week.run_until("create", "tiny==1.0", "pip==20.0")


def test_compile_pins_what_is_old_enough_and_tells_what_is_not(week: Bench, aged: IndexServer, tmp_path: Path) -> None:
    wanted, output = tmp_path / "wanted.in", tmp_path / "pinned.txt"
    wanted.write_text("tiny\nneedy\n")
    compile_files(CompileRequest((wanted,), output), week.settings(), week.environ)
    assert "\ntiny==1.0 " in output.read_text()
    week.run_until("create", *output.read_text().splitlines())
    wanted.write_text("tiny>=2\n")
    with pytest.raises(RequirementsRefused) as caught:
        compile_files(CompileRequest((wanted,), tmp_path / "other.txt"), week.settings(), week.environ, lambda _: None)
    assert caught.value.problems[0].what.startswith("tiny==3.0 was uploaded ")


def test_compile_refuses_what_check_would(aged: IndexServer, bench: Bench, tmp_path: Path) -> None:
    wanted, output = tmp_path / "wanted.in", tmp_path / "pinned.txt"
    wanted.write_text("tiny\n")
    aged.statuses["tiny"] = ("quarantined", "malware")
    with pytest.raises(RequirementsRefused, match="tiny is quarantined"):
        compile_files(CompileRequest((wanted,), output), bench.settings(), bench.environ)
    assert not output.exists()


# --- files in several places, and what builds are made with


def test_a_copy_in_a_folder_of_links_does_not_make_a_file_new(week: Bench, aged: IndexServer, tmp_path: Path) -> None:
    copy = tmp_path / "links" / "tiny-1.0-py3-none-any.whl"
    copy.parent.mkdir()
    copy.write_bytes((aged.folder / copy.name).read_bytes())
    week.using(VENVBUILD_FIND_LINKS=str(copy.parent)).run_until("create", "tiny==1.0")
    assert "--hash" in locked(week).split("tiny==1.0")[1]


def test_what_an_sdist_is_built_with_is_judged_before_it_is_installed(aged: IndexServer, bench: Bench) -> None:
    wheel(aged.folder, "tool", "1.0")
    requires = '[build-system]\nrequires = ["tool"]\nbuild-backend = "tool"\n'
    sdist(aged.folder, "sourced", "1.0", pyproject=requires)
    aged.statuses["tool"] = ("quarantined", "malware")
    bench.check("sourced==1.0", allow_sdist=("sourced",))
    with pytest.raises(RequirementsRefused) as caught:
        bench.run("create")
    [problem] = caught.value.problems
    assert (problem.what, problem.where) == (
        "tool is quarantined",
        "sourced-1.0.tar.gz: [build-system] requires",
    )


@pytest.mark.parametrize("yanked", ["warn", "refuse"])
def test_of_a_version_that_is_yanked_in_part_the_other_file_is_installed(
    aged: IndexServer, bench: Bench, yanked: str
) -> None:
    python = here().version.replace(".", "")
    better = wheel(aged.folder, "tiny", "1.0", tag=f"cp{python}-none-any")
    aged.yanked[better.name] = "the wrong file"
    bench.using(VENVBUILD_YANKED=yanked).run_until("inspect", "tiny==1.0")
    records = {one["name"]: one for one in json.loads((bench.work / "packages.json").read_bytes())}
    assert (records["tiny"]["wheel"], records["tiny"]["is_yanked"]) == ("tiny-1.0-py3-none-any.whl", False)


@pytest.mark.parametrize("hashes", [(), ("sha256",), ("sha512",)])
def test_of_what_is_built_its_source_is_judged(aged: IndexServer, bench: Bench, hashes: tuple[str, ...]) -> None:
    # with a hash of the source a wheel that fits is not taken
    tag = "py3-none-any" if hashes else "py3-none-win_amd64"
    aged.uploaded[wheel(aged.folder, "plat", "1.0", tag=tag).name] = ago(30)
    source = sdist(aged.folder, "plat", "1.0")
    aged.yanked[source.name], aged.uploaded[source.name] = "it bites", ago(1)
    digests = [f" --hash={kind}:{hashlib.new(kind, source.read_bytes()).hexdigest()}" for kind in hashes]
    line, allowed = "".join(["plat==1.0", *digests]), {"allow_sdist": ("plat",)}
    if digests:
        pip = hashlib.sha256((aged.folder / PIP).read_bytes()).hexdigest()
        line += f"\npip=={pip_version(here().version)} --hash=sha256:{pip}"
    rules = {"YANKED": {"VENVBUILD_YANKED": "refuse"}, "TOO_NEW": {"VENVBUILD_MIN_AGE_DAYS": "7"}}
    if "sha512" in hashes:  # with an age nobody sees the file that this names, so that nothing is built
        del rules["TOO_NEW"]
    for rule, env in rules.items():
        with pytest.raises(RequirementsRefused) as caught:
            bench.using(**env).run_until("create", line, **allowed)
        assert [one.rule for one in caught.value.problems] == [rule]
    bench.run_until("inspect", line, **allowed)
    records = {one["name"]: one for one in json.loads((bench.work / "packages.json").read_bytes())}
    assert (records["plat"]["is_yanked"], records["plat"]["yanked_reason"]) == (True, "it bites")
    with bench.job("create") as job:
        said = [*job.work.result(Checked).said, *job.work.result(Created).said]
    assert [one for one in said if "plat" in one] == ["pins.txt:1: plat==1.0 is yanked; why: it bites"]


def test_a_constraint_that_is_too_new_is_told_with_its_line(week: Bench, aged: IndexServer, tmp_path: Path) -> None:
    wanted, limits = tmp_path / "wanted.in", tmp_path / "limits.txt"
    wanted.write_text("needy\n")
    limits.write_text("# ours\ntiny==3.0\n")
    request = CompileRequest((wanted,), tmp_path / "pinned.txt", constraints=(limits,))
    with pytest.raises(RequirementsRefused) as caught:
        compile_files(request, week.settings(), week.environ, lambda _: None)
    [problem] = caught.value.problems
    assert problem.what.startswith("tiny==3.0 was uploaded ")
    assert problem.where.endswith("limits.txt:2")


# --- states


@pytest.mark.parametrize("mode", ["ok", "json"])
def test_a_yanked_pin_is_told_once_with_its_line_and_what_to_write(
    aged: IndexServer, tmp_path: Path, mode: str
) -> None:
    aged.yanked["tiny-2.0-py3-none-any.whl"] = "it bites"
    bench = Bench(tmp_path / "bench", aged.url(mode))
    bench.run_until("create", "# mine", "tiny==2")
    with bench.job("create") as job:
        said = [*job.work.result(Checked).said, *job.work.result(Created).said]
    assert said == ["pins.txt:2: tiny==2.0 is yanked; why: it bites"]
    [problem] = refused(RequirementsRefused, bench.using(VENVBUILD_YANKED="refuse"), "# mine", "tiny==2")
    assert (problem.what, problem.line) == ("tiny==2.0 is yanked", 2)
    assert problem.fix == "write tiny==1.0 or tiny==3.0, the nearest that is not"


def test_what_was_yanked_within_the_hour_is_noticed_by_the_resolver(bench: Bench, aged: IndexServer) -> None:
    bench.check("tiny==2.0")
    aged.yanked["tiny-2.0-py3-none-any.whl"] = "just now"
    bench.run("create")
    with bench.job("create") as job:
        assert [*job.work.result(Created).said] == ["pins.txt:1: tiny==2.0 is yanked; why: just now"]


@pytest.mark.parametrize("mode", ["ok", "json"])
@pytest.mark.parametrize("has_files", [True, False])
def test_a_quarantined_project_is_refused(aged: IndexServer, tmp_path: Path, mode: str, has_files: bool) -> None:
    if has_files:
        wheel(aged.folder, "bad", "1.0")
    aged.statuses["bad"] = ("quarantined", "malware")
    bench = Bench(tmp_path / "bench", aged.url(mode))
    [problem] = refused(RequirementsRefused, bench, "tiny==1.0", "bad==1.0")
    assert (problem.rule, problem.what, problem.why, problem.line) == (
        "QUARANTINED",
        "bad is quarantined",
        "malware",
        2,
    )
    # and where nobody pinned it
    wheel(aged.folder, "trusting", "1.0", requires=["bad"])
    [problem] = refused(RequirementsRefused, bench, "trusting==1.0", until="create")
    assert (problem.rule, problem.what, problem.where) == ("QUARANTINED", "bad is quarantined", "needed by trusting")


@pytest.mark.parametrize("status", ["active", "archived", "deprecated", "something-new"])
def test_any_other_status_is_built_and_kept(aged: IndexServer, bench: Bench, status: str) -> None:
    aged.statuses["tiny"] = (status, "")
    bench.run_until("inspect", "tiny==1.0")
    [record] = [one for one in json.loads((bench.work / "packages.json").read_bytes()) if one["name"] == "tiny"]
    assert record["project_status"] == status


def test_a_warning_of_an_included_file_names_that_file(aged: IndexServer, bench: Bench) -> None:
    aged.yanked["tiny-2.0-py3-none-any.whl"] = "see https://me:s3cr3tCanary@host/x"
    (bench.folder / "sub").mkdir(parents=True)
    (bench.folder / "sub" / "pins.txt").write_text("# theirs\ntiny==2.0\n")
    bench.run_until("create", "-r sub/pins.txt")
    with bench.job("create") as job:
        said = job.work.result(Checked).said[-1]
        notes = outcome_of(bench.work)
    assert said.startswith("sub/pins.txt:2: tiny==2.0 is yanked")
    assert notes
    note = notes.notes[-1]
    assert (note.where, note.line) == ("sub/pins.txt:2", None)
    kept = [path for path in [*bench.work.glob("*.json"), *bench.folder.rglob("releases/*.json")] if path.is_file()]
    assert kept
    assert not [path for path in kept if b"s3cr3tCanary" in path.read_bytes()]


# --- who is asked


def test_a_build_asks_for_each_page_once_and_the_next_one_for_none(bench: Bench, aged: IndexServer) -> None:
    request, pages = bench.request("needy==1.0"), [f"/json/simple/{name}/" for name in ("needy", "pip", "tiny")]
    for expected in (pages, []):
        aged.ours.clear()
        folder = bench.folder / f"work-{len(expected)}"
        pipeline.build(request, bench.settings(), bench.environ, folder, pipeline.Silent())
        assert sorted(path for path in aged.ours if "/simple/" in path) == expected


def test_steps_share_what_was_told_to_one_of_them(bench: Bench, aged: IndexServer) -> None:
    bench.run_until("inspect", "needy==1.0")
    aged.ours.clear()
    bench.run_until("inspect", "needy==1.0")
    assert aged.ours == []


def test_an_index_that_is_away_fails_check_only_where_it_is_needed(aged: IndexServer, tmp_path: Path) -> None:
    away = Bench(tmp_path / "bench", aged.url("status-503"))
    away.check("tiny==1.0")
    for strict in (away.using(VENVBUILD_MIN_AGE_DAYS="7"), away.using(VENVBUILD_YANKED="refuse")):
        refused(IndexUnavailable, strict, "tiny==1.0")


def test_who_restores_does_not_wait_for_an_index_that_hangs(
    aged: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []

    def hang(*_: object, timeout: float) -> None:
        waited.append(timeout)
        raise TimeoutError

    monkeypatch.setattr("urllib.request.OpenerDirector.open", hang)
    closure = Closure((LockedDistribution("tiny", "1.0", ("sha256:0",)),), (), is_forced=False)
    verdict = judge_lock(closure, "lock.txt", supply(aged, tmp_path / "scratch"))
    assert not verdict.refused
    # by itself the index of this supply waits for 20
    assert waited == [3.0]
