"""What `doctor` tries, and that nothing it finds keeps it from trying the rest."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from athena.rows import unseen_build
from athena.upkeep import rows_difference, sync_rows
from tests.support.benches import Bench
from tests.support.builds import put_build
from tests.support.index_server import IndexServer
from tests.support.requirement import require
from tests.support.scripted import put_scripted
from tests.support.scripts import REPOSITORY
from tests.support.supplies import here, pretend
from venvbuild import doctor
from venvbuild.doctor import OK, PROBLEM, WARNING, Examined
from venvbuild.errors import QueryEngineError
from venvbuild.stores import Surroundings

SUBJECTS = ["user", "pythons", "uv", "index", "disk", "store", "engine"]


@pytest.fixture
def bench(index: IndexServer, tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", index.url())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user on a machine with room, that is no container, whatever this one is."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(Surroundings, "here", Surroundings)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 12_345_678_901}))


def examined(bench: Bench, ask_engine: Callable[[], object] = lambda: None) -> dict[str, Examined]:
    """By name; the last of several."""
    return {one.name: one for one in doctor.examine(bench.settings(), bench.environ, ask_engine, unseen_build)}


def test_where_all_is_well_each_subject_is_ok(bench: Bench) -> None:
    found = examined(bench)
    assert [(one.name, one.verdict) for one in found.values()] == [(name, OK) for name in SUBJECTS]
    assert found["pythons"].what.startswith(f"builds use {here().full_version}; here are ")
    assert found["uv"].what.startswith("uv ")
    assert found["index"].what.startswith(f"{bench.index_url} answers, from VENVBUILD_INDEX_URL; newest pip ")
    assert found["disk"].what.startswith("12345.7 MB free in ")
    assert found["store"].what == f"{bench.store.url} can be written and is empty"
    assert found["engine"].what == "duckdb answers"


def test_a_free_threaded_python_is_told_as_that(bench: Bench, tmp_path: Path) -> None:
    pretend(replace(here(), soabi="cpython-311t-x86_64-linux-gnu"), tmp_path / "python3.11")
    found = examined(bench.using(PATH=f"{tmp_path}:{bench.environ['PATH']}"))["pythons"]
    assert found.what.startswith(f"builds use {here().full_version}; here are ")
    assert f"{here().full_version} (free-threaded, {tmp_path}/python3.11)" in found.what


def test_a_build_of_a_time_to_come_is_warned_of(bench: Bench) -> None:
    put_build(bench.store, 1)
    assert "ahead" not in examined(bench)["store"].what
    late = put_build(bench.store, 10**9)
    found = examined(bench)["store"]
    assert (found.verdict, found.what.partition(" ")[0]) == (WARNING, late)
    assert f"then remove venv-builds/{late}/metadata.json, " in found.fix


def test_root_is_warned_of(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert examined(bench)["user"].verdict == WARNING


def test_a_python_that_is_not_here_is_a_problem(bench: Bench) -> None:
    found = examined(bench.using(PYTHON_VERSION="3.77"))
    assert (found["pythons"].verdict, "3.77" in found["pythons"].what) == (PROBLEM, True)
    assert list(found) == SUBJECTS


def test_a_uv_that_does_not_run_is_a_problem(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(tmp_path / "absent"))
    found = examined(bench)["uv"]
    assert (found.verdict, found.what) == (PROBLEM, "uv does not run")
    assert str(tmp_path / "absent") in found.why


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        pytest.param("status-503", "the package index is unavailable", id="away"),
        pytest.param("status-401", "the package index refuses access (HTTP 401)", id="refuses"),
        pytest.param("none", "{url} does not have pip", id="none"),
    ],
)
def test_an_index_that_a_build_could_not_use_is_a_problem(
    bench: Bench, index: IndexServer, mode: str, what: str
) -> None:
    found = examined(bench.using(VENVBUILD_INDEX_URL=index.url(mode)))
    assert (found["index"].verdict, found["index"].what) == (PROBLEM, what.format(url=index.url(mode)))
    assert found["index"].fix
    assert list(found) == SUBJECTS


def test_an_index_of_pip_that_is_not_followed_is_warned_of(bench: Bench) -> None:
    found = examined(bench.using(PIP_EXTRA_INDEX_URL="https://elsewhere/simple"))
    assert (found["index"].verdict, "PIP_EXTRA_INDEX_URL" in found["index"].what) == (WARNING, True)


def test_a_disk_with_little_room_is_warned_of(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1_999_999_999}))
    found = examined(bench)["disk"]
    assert (found.verdict, found.fix) == (WARNING, "make room, or set TMPDIR to another folder")


def test_a_store_with_builds_says_so(bench: Bench) -> None:
    bench.store.put_if_absent("venv-builds/venv_20260101_000000/claim.json", b"{}")
    assert examined(bench)["store"].what.endswith("can be written and has builds")
    assert examined(bench)["store"].verdict == OK  # one that was never committed needs no row


def test_a_store_whose_builds_have_no_rows_is_warned_of_and_the_advice_gives_them(bench: Bench) -> None:
    put_scripted(bench.store)
    warned = examined(bench)["store"]
    assert (warned.verdict, warned.fix) == (WARNING, "venvbuild table sync")
    sync_rows(bench.store, bench.folder / "catalog", rows_difference(bench.store))
    assert examined(bench)["store"].verdict == OK


def test_a_store_that_cannot_be_is_a_problem_and_the_rest_is_tried(bench: Bench) -> None:
    found = examined(bench.using(VENVBUILD_STORE="ftp://host/x"))
    assert (found["store"].verdict, found["store"].what) == (PROBLEM, "a store cannot be ftp://")
    assert found["engine"].verdict == OK


def test_a_store_that_goes_with_its_container_is_warned_of_and_in_a_run_of_jenkins_a_problem(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "1 0 0:1 / / rw - overlay overlay rw\n"
    monkeypatch.setattr(Surroundings, "here", lambda environ: Surroundings(environ, own))
    found = examined(bench)["store"]
    assert (found.verdict, "goes with this container" in found.what) == (WARNING, True)
    assert "VENVBUILD_STORE=s3://BUCKET/PREFIX" in found.fix
    found = examined(bench.using(BUILD_TAG="jenkins-envs-1"))["store"]
    assert (found.verdict, "would go with this container" in found.what) == (PROBLEM, True)


def test_a_folder_of_the_path_that_we_may_not_enter_has_no_python_for_us(tmp_path: Path) -> None:
    """As root's, which a job has that root started for somebody; below a folder of pyenv which is root's as well."""
    require(Path("/proc/self").stat().st_uid == 0, "only root can become somebody who has no rights")
    closed = tmp_path / "versions" / "3.11.0" / "bin"
    closed.mkdir(parents=True)
    (closed / "python3").symlink_to("/bin/true")
    (tmp_path / "versions" / "3.11.0").chmod(0o700)
    tmp_path.chmod(0o755)
    script = (
        "import os, sys; from venvbuild import interpreters\n"
        "os.chdir(sys.argv[1]); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for root in ('.', 'versions/3.11.0'):\n"
        "    print(interpreters.installed({'PATH': 'versions/3.11.0/bin', 'PYENV_ROOT': root}))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "()\n()\n"), done.stderr


def test_a_cache_of_another_user_is_a_problem_and_the_rest_is_told(bench: Bench) -> None:
    def ask() -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/cache/venvbuild/catalog")

    found = examined(bench, ask)
    assert found["engine"].verdict == PROBLEM
    assert found["engine"].why.startswith("/cache/venvbuild/catalog")
    assert list(found) == SUBJECTS


def test_an_engine_that_does_not_answer_is_a_problem(bench: Bench) -> None:
    def ask() -> None:
        raise QueryEngineError("it is away", where="https://trino", why="refused", fix="start it")

    assert examined(bench, ask)["engine"] == Examined(
        "engine", PROBLEM, "it is away", "https://trino: refused", "start it"
    )
