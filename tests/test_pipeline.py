"""When a step runs, what its listener is told, and what is remembered of one that did not end well."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from athena.index import CURRENT
from tests.support.benches import Bench
from tests.support.index_server import IndexServer, running
from tests.support.logged import listening
from tests.support.stored import assert_nothing_torn
from tests.support.wheels import wheel
from venvbuild import pipeline
from venvbuild.builds import places
from venvbuild.errors import IntegrityError, RequirementsRefused, ResolutionError, UsageError
from venvbuild.redaction import Redactor
from venvbuild.run import STEPS, Registered, WorkDir, recorded_work_dir, remember_refusal
from venvbuild.steps import Job, Made, describe

SECRET = "correct-horse-battery-7"


@dataclass
class Recording:
    """A listener that keeps what it was told."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def began(self, step: str) -> None:
        self.told.append((step, "began"))

    def ended(self, step: str, seconds: float, summary: str) -> None:
        self.told.append((step, summary if summary == "unchanged" and seconds == 0 else "ended"))


@pytest.fixture(autouse=True)
def said() -> Iterator[list[str]]:
    """The log, which each test has for itself."""
    with listening() as said:
        yield said


@pytest.fixture(autouse=True)
def _knows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()
    redactor.hide(SECRET)
    monkeypatch.setattr("venvbuild.run.failures.REDACTOR", redactor)


@pytest.fixture
def bench(index: IndexServer, tmp_path: Path) -> Bench:
    """Nothing has run yet; `tiny` is on the index."""
    wheel(index.folder, "tiny", "1.0")
    return Bench(tmp_path / "bench", index.url())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A whole build of `tiny`; what its listener was told is in `told.json`, what came back in `metadata.json`."""
    folder = tmp_path_factory.mktemp("pipeline")
    with running(folder / "index") as index, pytest.MonkeyPatch.context() as patch, listening():
        patch.setenv("HOME", str(folder / "home"))
        wheel(index.folder, "tiny", "1.0")
        bench, listener = Bench(folder / "bench", index.url()), Recording()
        request = bench.request("tiny==1.0")
        made = pipeline.build(request, bench.settings(), bench.environ, bench.work, listener)
        (bench.folder / "told.json").write_text(json.dumps(listener.told))
        (bench.folder / "metadata.json").write_text(json.dumps(made))
    return bench


@pytest.fixture
def done(built: Bench, tmp_path: Path) -> Bench:
    """A copy of that, to be gone on with; its store is a new one."""
    return built.copied(tmp_path / "done")


def check(bench: Bench, *lines: str, again: bool = False) -> list[tuple[str, str]]:
    """Run `check`; what the listener was told."""
    listener = Recording()
    pipeline.check(bench.request(*lines), bench.settings(), bench.environ, bench.work, listener, again=again)
    return listener.told


def run(bench: Bench, step: str, *, again: bool = False, **options: Any) -> list[tuple[str, str]]:
    """Run another step; what the listener was told."""
    listener = Recording()
    pipeline.run_step(step, bench.settings(), bench.environ, bench.work, listener, again=again, options=options)
    return listener.told


def looked_at(bench: Bench) -> WorkDir:
    found = recorded_work_dir(bench.work)
    assert found
    return found


def failure(bench: Bench) -> dict[str, Any]:
    return dict(looked_at(bench).failure or {})


# --- a whole build


def test_a_build_runs_every_step_once_in_order(built: Bench) -> None:
    told = json.loads((built.folder / "told.json").read_text())
    assert told == [[step, what] for step in STEPS for what in ("began", "ended")]


def test_a_build_gives_the_metadata_of_what_it_committed(built: Bench) -> None:
    ((version, stored),) = assert_nothing_torn(built.store).items()
    assert json.loads((built.folder / "metadata.json").read_text()) == stored
    assert stored["venv_version"] == version


def test_a_build_has_its_row_in_the_catalog(built: Bench) -> None:
    ((version, _),) = assert_nothing_torn(built.store).items()
    (row,) = built.store.list("venv-catalog/builds/")
    assert row.key == looked_at(built).result(Registered).row
    assert version in row.key


def test_every_step_can_be_read_of_in_the_build_log(built: Bench) -> None:
    text = (built.work / places.BUILD_LOG).read_text()
    assert [step for step in STEPS[1:] if f"DEBUG step {step}\n" not in text] == []


def test_the_store_is_judged_before_anything_is_done(bench: Bench) -> None:
    wrong, listener = bench.using(VENVBUILD_STORE="ftp://host/x"), Recording()
    with pytest.raises(UsageError, match="a store cannot be ftp://"):
        pipeline.build(wrong.request("tiny==1.0"), wrong.settings(), wrong.environ, wrong.work, listener)
    assert (listener.told, wrong.work.exists()) == ([], False)


def test_a_build_that_is_refused_leaves_no_folder(bench: Bench) -> None:
    with pytest.raises(RequirementsRefused):
        pipeline.build(bench.request("tiny"), bench.settings(), bench.environ, bench.work, Recording())
    assert not bench.work.exists()


def test_a_build_starts_afresh_where_another_was(bench: Bench) -> None:
    check(bench, "tiny==1.0")
    (bench.work / "left").write_text("over")
    with pytest.raises(ResolutionError):
        pipeline.build(bench.request("tiny==7.0"), bench.settings(), bench.environ, bench.work, Recording())
    assert not (bench.work / "left").exists()
    assert (bench.work / "requirements.txt").read_text() == "tiny==7.0\n"


# --- check


def test_a_check_of_the_same_is_not_run_again(bench: Bench) -> None:
    assert check(bench, "tiny==1.0") == [("check", "began"), ("check", "ended")]
    assert check(bench, "tiny==1.0") == [("check", "began"), ("check", "unchanged")]


def test_a_check_that_is_asked_to_run_again_does(bench: Bench) -> None:
    check(bench, "tiny==1.0")
    assert check(bench, "tiny==1.0", again=True)[-1] == ("check", "ended")


@pytest.mark.parametrize(
    ("lines", "env"),
    [
        pytest.param(["tiny==1.0", "# more"], {}, id="the file"),
        pytest.param(["tiny==1.0"], {"ENV_NAME": "other"}, id="a setting"),
        pytest.param(["tiny==1.0"], {"GIT_COMMIT": "abc"}, id="the revision"),
    ],
)
def test_a_check_of_something_else_starts_a_new_run(bench: Bench, lines: list[str], env: dict[str, str]) -> None:
    check(bench, "tiny==1.0")
    (bench.work / "left").write_text("over")
    assert check(bench.using(**env), *lines)[-1] == ("check", "ended")
    assert not (bench.work / "left").exists()


def test_a_refused_check_is_remembered_and_what_was_there_stays(bench: Bench) -> None:
    check(bench, "tiny==1.0")
    with pytest.raises(RequirementsRefused):
        check(bench.using(ENV_NAME="other"), "tiny")
    failed = failure(bench)
    assert (failed["step"], failed["exit_code"], failed["asked"]["env_name"]) == ("check", 3, "other")
    assert failed["problems"][0]["where"] == f"{bench.folder}/pins.txt:1"
    assert (bench.work / "requirements.txt").read_text() == "tiny==1.0\n"


def test_a_refusal_is_forgotten_when_the_run_that_is_there_is_asked_for(bench: Bench) -> None:
    check(bench, "tiny==1.0")
    with pytest.raises(RequirementsRefused):
        check(bench, "tiny")
    assert check(bench, "tiny==1.0")[-1] == ("check", "unchanged")
    assert failure(bench) == {}


def test_a_refusal_holds_no_secret(bench: Bench) -> None:
    error = UsageError(f"bad {SECRET}", where=f"https://{SECRET}/", why=SECRET, fix=f"change {SECRET}")
    remember_refusal(error, bench.work, {"env_name": "sales"})
    assert failure(bench)["problems"] == [
        {"what": "bad ****", "where": "https://****/", "why": "****", "fix": "change ****", "line": None}
    ]


def test_a_refusal_is_not_written_into_a_folder_that_is_not_ours(bench: Bench) -> None:
    bench.work.mkdir(parents=True)
    (bench.work / "mine").write_text("mine")
    remember_refusal(UsageError("bad"), bench.work, {})
    assert [entry.name for entry in bench.work.iterdir()] == ["mine"]


# --- the other steps


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_that_has_nothing_to_do_says_so(done: Bench, built: Bench, step: str) -> None:
    """`upload` and `register` for the store that they were run for."""
    assert run(done.using(VENVBUILD_STORE=str(built.folder / "store")), step) == [(step, "unchanged")]


def test_a_step_that_is_asked_to_run_again_does(done: Bench) -> None:
    assert run(done, "describe", again=True) == [("describe", "began"), ("describe", "ended")]


def test_a_step_with_another_option_runs_again(done: Bench) -> None:
    assert run(done, "pack", level=1)[-1] == ("pack", "ended")
    assert run(done, "pack", level=1) == [("pack", "unchanged")]


def test_another_store_gets_the_build_too(done: Bench) -> None:
    assert run(done.using(VENVBUILD_STORE=str(done.folder / "second")), "upload")[-1] == ("upload", "ended")
    assert (done.folder / "second" / "venv-builds").is_dir()


@pytest.mark.parametrize(
    ("name", "step", "earlier"),
    [("venv/new.py", "pack", "create"), ("venv.tar.gz", "describe", "pack"), ("metadata.json", "register", "describe")],
)
def test_a_step_after_one_whose_work_has_changed_is_refused(done: Bench, name: str, step: str, earlier: str) -> None:
    (done.work / name).write_text("changed")
    with pytest.raises(UsageError) as caught:
        run(done, step)
    (problem,) = caught.value.problems
    assert problem.what == f"`{step}` needs what `{earlier}` makes, and that is missing or changed since"
    assert problem.fix == f"run: venvbuild {earlier} --work-dir {done.work}"


def test_a_step_that_ran_again_makes_those_after_it_stale(done: Bench) -> None:
    run(done, "pack", again=True)
    with pytest.raises(UsageError, match="`upload` needs what `describe` makes"):
        run(done, "upload")


def test_the_row_goes_where_the_build_is(done: Bench, built: Bench) -> None:
    with pytest.raises(UsageError, match="the build is in another store") as caught:
        run(done, "register")
    (problem,) = caught.value.problems
    assert problem.where == done.store.url
    assert problem.why == f"upload sent it to {built.store.url}"
    assert f"--store {built.store.url}" in problem.fix


def test_a_damaged_index_of_the_catalog_keeps_no_build_from_its_row(done: Bench, said: list[str]) -> None:
    run(done, "upload", again=True)
    done.store.put_if_absent(CURRENT, b"damaged")
    assert run(done, "register")[-1] == ("register", "ended")
    assert any(line.startswith("WARNING: the build is not in the index: ") for line in said)


# --- what goes wrong


def test_why_a_step_failed_is_remembered(bench: Bench) -> None:
    check(bench, "tiny==7.0")
    with pytest.raises(ResolutionError):
        run(bench, "create")
    failed = failure(bench)
    assert (failed["step"], failed["exit_code"]) == ("create", 4)
    assert failed["problems"][0]["what"] == "there is no version tiny==7.0"
    assert not looked_at(bench).has_ended("create")


def raising(error: BaseException) -> Callable[[Job], Made]:
    def step(job: Job) -> Made:
        raise error

    return step


@pytest.mark.parametrize(
    ("error", "exit_code", "what"),
    [
        pytest.param(KeyError("x"), 1, "a bug in venvbuild: KeyError: 'x'", id="bug"),
        pytest.param(OSError(errno.ENOSPC, "No space left"), 7, "the disk fails: No space left", id="full disk"),
        pytest.param(OSError(errno.EACCES, "Denied"), 2, "no access: Denied", id="no right"),
        pytest.param(
            OSError(errno.ENOENT, "Gone"), 1, "a bug in venvbuild: FileNotFoundError: [Errno 2] Gone", id="no file"
        ),
        pytest.param(IntegrityError(f"holds {SECRET}"), 8, "holds ****", id="redacted"),
        pytest.param(ValueError("a\nb\x1b[31m"), 1, r"a bug in venvbuild: ValueError: a\nb\x1b[31m", id="printable"),
    ],
)
def test_whatever_ends_a_step_is_remembered_and_goes_on(
    done: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, exit_code: int, what: str
) -> None:
    monkeypatch.setattr(describe, "run", raising(error))
    with pytest.raises(type(error)) as caught:
        run(done, "describe", again=True)
    assert caught.value is error
    assert (failure(done)["exit_code"], failure(done)["problems"][0]["what"]) == (exit_code, what)


def test_a_bug_is_to_be_reported_with_the_log(done: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "run", raising(KeyError("x" * 10_000)))
    with pytest.raises(KeyError):
        run(done, "describe", again=True)
    (problem,) = failure(done)["problems"]
    assert (problem["where"], problem["fix"]) == (str(done.work / places.BUILD_LOG), "report it with the traceback")
    assert len(problem["what"]) < 600


def test_an_interrupted_step_failed_for_no_reason_that_is_known(done: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "run", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(done, "describe", again=True)
    assert (looked_at(done).begun, failure(done)) == ("describe", {})
