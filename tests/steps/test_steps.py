"""What each step makes of what the steps before it left, in this process, with a folder store."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.support.benches import Bench
from tests.support.index_server import PASSWORD, USER, IndexServer, running
from tests.support.logged import listening
from tests.support.packing import files_of
from tests.support.stored import assert_nothing_torn
from tests.support.supplies import here, own_pip
from tests.support.wheels import sdist, wheel
from venvbuild.archive import FragmentCache
from venvbuild.builds import parse_index, places
from venvbuild.errors import ConflictsFound, IntegrityError, RequirementsRefused, ResolutionError, UsageError
from venvbuild.installed import MANIFEST
from venvbuild.redaction import Redactor
from venvbuild.restore import RestoreOptions, get, verify
from venvbuild.run import Checked, Inspected
from venvbuild.steps import Request
from venvbuild.steps.check import examine
from venvbuild.stores import store_of
from venvbuild.text import count_text, shown_to_all, size_text


@pytest.fixture
def said() -> Iterator[list[str]]:
    with listening() as said:
        yield said


@pytest.fixture
def bench(index: IndexServer, tmp_path: Path) -> Bench:
    """Nothing has run yet; on the index is `needy`, which needs the first of two versions of `other`."""
    wheel(index.folder, "needy", "1.0", requires=["other==1.0"])
    wheel(index.folder, "other", "1.0")
    wheel(index.folder, "other", "2.0")
    return Bench(tmp_path / "bench", index.url())


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Everything up to `describe` has run, for `needy` alone; the index is gone again."""
    folder = tmp_path_factory.mktemp("steps")
    with running(folder / "index") as index, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        wheel(index.folder, "needy", "1.0", requires=["other==1.0"], scripts={"needy": "needy:main"})
        wheel(index.folder, "other", "1.0")
        bench = Bench(folder / "bench", index.url(), {"ENV_NAME": "sales", "BUILD_URL": "https://ci/1"})
        bench.run_until("describe", "needy==1.0")
    return bench


@pytest.fixture
def done(described: Bench, tmp_path: Path) -> Bench:
    """A copy of that, to be changed."""
    return described.copied(tmp_path / "done")


# --- examine


def test_what_was_found_is_recorded_for_the_later_steps(bench: Bench) -> None:
    recorded = bench.using(ENV_NAME="sales", BUILD_URL="https://ci/7").examined("needy==1.0").recorded
    assert recorded.requirements_sha256 == hashlib.sha256(b"needy==1.0\n").hexdigest()
    assert (recorded.env_name, recorded.build_url, recorded.source_revision) == ("sales", "https://ci/7", None)
    assert (recorded.interpreter, recorded.python_version) == (str(here().path), here().version)
    json.dumps(asdict(recorded))


def test_no_credential_is_recorded(bench: Bench) -> None:
    with_them = bench.index_url.replace("://", f"://{USER}:{PASSWORD}@")
    recorded = bench.using(
        VENVBUILD_INDEX_URL=with_them,
        VENVBUILD_EXTRA_INDEX_URLS=with_them,
        VENVBUILD_FIND_LINKS=f"{with_them}/other/",
        BUILD_URL=f"https://{USER}:{PASSWORD}@ci/1",
    ).examined("needy==1.0").recorded  # fmt: skip
    assert recorded.index_url == bench.index_url
    assert recorded.extra_index_urls == (bench.index_url,)
    assert recorded.find_links == (f"{bench.index_url}/other/",)
    assert PASSWORD not in json.dumps(asdict(recorded))


def test_a_folder_of_wheels_is_recorded_by_its_absolute_path(bench: Bench) -> None:
    recorded = bench.using(VENVBUILD_FIND_LINKS="wheels").examined("needy==1.0").recorded
    assert recorded.find_links == (os.path.abspath("wheels"),)


def test_an_unpinned_line_is_refused_with_the_newest_version_of_the_index(bench: Bench) -> None:
    with pytest.raises(RequirementsRefused) as caught:
        bench.examined("other>=1")
    (problem,) = caught.value.problems
    assert problem.where == f"{bench.folder}/pins.txt:1"
    assert problem.fix == "write other==2.0"


def test_an_index_line_that_names_the_index_in_use_is_accepted(bench: Bench) -> None:
    (warning,) = bench.examined(f"-i {bench.index_url}/", "needy==1.0").requirements.warnings
    assert warning.rule == "INDEX_IN_USE"


@pytest.mark.parametrize(
    ("option", "flag"), [("--find-links", "FIND_LINKS"), ("--extra-index-url", "EXTRA_INDEX_URLS")]
)
def test_what_the_hint_of_an_option_line_says_helps(
    option: str, flag: str, bench: Bench, tmp_path: Path, simple: str
) -> None:
    wheel(tmp_path / "more", "rare", "1.0")
    place = str(tmp_path / "more") if option == "--find-links" else simple
    with pytest.raises(RequirementsRefused) as caught:
        bench.examined(f"{option} {place}", "rare==1.0")
    (problem,) = caught.value.problems
    advised, value = problem.fix.removeprefix("remove the line and build with ").split()
    assert (advised, value) == (f"--{flag.lower().replace('_', '-')}", place)
    bench.using(**{f"VENVBUILD_{flag}": value}).run_until("create", "rare==1.0")


@pytest.fixture
def simple(tmp_path: Path) -> Iterator[str]:
    """The URL of another index, which alone has `rare`."""
    with running(tmp_path / "other") as other:
        wheel(other.folder, "rare", "1.0")
        yield other.url()


def test_the_advised_wheel_of_a_file_is_found(bench: Bench, tmp_path: Path) -> None:
    path = wheel(tmp_path / "made", "rare", "1.0")
    with pytest.raises(RequirementsRefused) as caught:
        bench.examined(f"rare @ {path.as_uri()}")
    (problem,) = caught.value.problems
    advised, _, folder = problem.fix.partition(", and build with --find-links ")
    pin = advised.removeprefix("write ")
    bench.using(VENVBUILD_FIND_LINKS=folder).run_until("create", pin)


# --- files that are included


def with_base(bench: Bench, *lines: str) -> Bench:
    bench.folder.mkdir(exist_ok=True)
    (bench.folder / "base.txt").write_text("".join(f"{line}\n" for line in lines))
    return bench


def test_the_build_keeps_the_joined_file(bench: Bench) -> None:
    with_base(bench, "# base", "other==1.0").run_until("inspect", "needy==1.0", "-r base.txt")
    content = (bench.work / places.REQUIREMENTS).read_bytes()
    assert [line for line in content.decode().splitlines() if "==" in line] == ["needy==1.0", "other==1.0"]
    with bench.job("pack") as job:
        assert job.work.recorded.requirements_sha256 == hashlib.sha256(content).hexdigest()
        assert job.work.result(Inspected).installed_packages[:2] == ("needy==1.0", "other==1.0")


def test_a_later_step_tells_a_line_of_an_included_file_by_its_own_place(bench: Bench) -> None:
    with pytest.raises(ConflictsFound) as caught:
        with_base(bench, "# base", "other==2.0").run_until("create", "needy==1.0", "-r base.txt")
    assert [problem.where for problem in caught.value.problems] == [f"{bench.folder}/base.txt:2"]


def test_a_python_that_is_not_here_is_told_with_those_that_are(bench: Bench) -> None:
    with pytest.raises(UsageError, match=r"3\.77") as caught:
        bench.using(PYTHON_VERSION="3.77").examined("needy==1.0")
    assert here().full_version in str(caught.value)


def test_a_name_that_may_be_built_must_be_pinned(bench: Bench) -> None:
    with pytest.raises(UsageError) as caught:
        bench.examined("needy==1.0", allow_sdist=("Needy", "Some_Thing"))
    (problem,) = caught.value.problems
    assert problem.what == f"--allow-sdist names some-thing, which {bench.folder}/pins.txt does not pin"
    assert problem.where == "--allow-sdist"


def test_names_that_may_be_built_are_recorded_once_each(bench: Bench) -> None:
    recorded = bench.examined("other==1.0", "needy==1.0", allow_sdist=("Other", "needy", "other")).recorded
    assert recorded.allow_sdist == (
        "needy",
        "other",
    )


def test_what_another_system_needs_may_be_allowed_and_is_not_built(bench: Bench) -> None:
    marked = "other==1.0 ; sys_platform == 'win32'"
    assert bench.examined("needy==1.0", marked, allow_sdist=("other",)).recorded.allow_sdist == ()


def test_an_index_of_pip_that_is_not_followed_is_mentioned(bench: Bench, said: list[str]) -> None:
    bench.using(PIP_EXTRA_INDEX_URL="https://elsewhere/simple").examined("needy==1.0")
    assert [line for line in said if "PIP_EXTRA_INDEX_URL" in line and line.startswith("WARNING")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(None, None, id="unset"),
        pytest.param("", None, id="empty"),
        pytest.param("https://ci/job/1/", "https://ci/job/1/", id="plain"),
        pytest.param("https://me:hunter22@ci/job/1/", "https://ci/job/1/", id="credentials"),
        pytest.param("https://ci/?token=abcdef", "https://ci/?token=****", id="secret-shaped"),
        pytest.param("caf\udce9", "caf\ufffd", id="no text"),
    ],
)
def test_what_everybody_may_read_holds_no_secret(text: str | None, shown: str | None) -> None:
    assert shown_to_all(text) == shown


# --- check


def test_the_file_is_kept_as_given_and_as_installers_read_it(bench: Bench) -> None:
    made = bench.check("# ours", "Needy == 1.0")
    assert made.outputs == ("requirements.txt", "requirements.normalised.txt")
    assert (bench.work / "requirements.txt").read_text() == "# ours\nNeedy == 1.0\n"
    assert (bench.work / "requirements.normalised.txt").read_text() == "needy==1.0\n"
    assert isinstance(made.result, Checked)
    assert replace(made.result, started_at="") == Checked(1, 0)
    assert made.summary == f"1 pin, Python {here().full_version}"


def test_what_is_odd_about_the_file_is_a_warning_with_its_line(bench: Bench, said: list[str]) -> None:
    made = bench.check("needy==1.0", "other==1.0rc1", "needy==1.0")
    assert made.summary == f"3 pins, Python {here().full_version}, 2 warnings"
    assert f"WARNING: {bench.folder}/pins.txt:2: other==1.0rc1 is a pre-release" in "\n".join(said)


# --- create


def test_create_leaves_the_lock_the_environment_and_how_it_looked(bench: Bench, said: list[str]) -> None:
    bench.check("needy==1.0")
    made = bench.run("create")
    assert made.outputs == ("requirements.lock.txt", "pylock.toml", "venv", "venv.manifest.json", "wheels.json")
    assert (bench.work / f"venv/lib/python{here().version}/site-packages/other.py").is_file()
    assert (bench.work / "requirements.lock.txt").read_text().count("==") == 3
    assert asdict(made.result)["not_pinned"] == ("other",)
    assert "WARNING: 1 package is not pinned by you: other" in said


def test_create_says_who_installed_and_what_is_not_reproducible(bench: Bench, index: IndexServer) -> None:
    sdist(index.folder, "sourced", "1.0")
    bench.check("sourced==1.0", allow_sdist=("sourced",))
    made = bench.run("create")
    assert asdict(made.result)["reproducible"] is False
    assert made.summary.startswith("2 packages by uv ")
    assert asdict(made.result)["installer"] == made.summary.removeprefix("2 packages by ")


def test_contradicting_pins_end_create_unless_they_are_forced(bench: Bench) -> None:
    bench.check("needy==1.0", "other==2.0")
    with pytest.raises(ConflictsFound, match=r"needy 1\.0 needs other==1\.0, other 2\.0 is pinned"):
        bench.run("create")
    forcing = bench.using(FAIL_ON_CONFLICTS="false")
    forcing.check("needy==1.0", "other==2.0")
    made = forcing.run("create")
    assert (asdict(made.result)["is_forced"], made.summary[-13:]) == (True, ", pins forced")


def test_files_of_two_packages_are_told(bench: Bench, index: IndexServer) -> None:
    for name in ("one", "two"):
        wheel(index.folder, name, "1.0", files={"shared.py": f"whose = '{name}'\n"})
    bench.check("one==1.0", "two==1.0")
    made = bench.run("create")
    path = f"lib/python{here().version}/site-packages/shared.py"
    assert asdict(made.result)["overlaps"] == {path: ("one", "two")}
    assert (bench.work / "venv" / path).read_text() == "whose = 'two'\n"


def test_a_large_download_is_told_before_it_begins(bench: Bench, index: IndexServer, said: list[str]) -> None:
    index.sizes["needy-1.0-py3-none-any.whl"] = 3 * 10**9
    bench.using(VENVBUILD_INDEX_URL=index.url("json")).check("needy==1.0")
    bench.using(VENVBUILD_INDEX_URL=index.url("json")).run("create")
    told = next(number for number, line in enumerate(said) if line.startswith("WARNING: up to 3.0 GB are fetched"))
    assert not [line for line in said[:told] if "/files/" in line or " pip install " in line]
    assert [line for line in said[told:] if " pip install " in line]


def test_the_places_that_check_recorded_count_with_the_credentials_of_now(bench: Bench, index: IndexServer) -> None:
    with_them = bench.using(VENVBUILD_INDEX_URL=index.url_with_credentials)
    with_them.check("other==1.0")
    with pytest.raises(UsageError, match="refuses access"):
        bench.run("create")  # its own index would let it in, but is not the one of the record
    with_them.run("create")
    assert (bench.work / "venv").is_dir()
    assert PASSWORD not in (bench.work / "venvbuild-work.json").read_text()


def test_a_locked_file_must_be_its_own_closure(bench: Bench) -> None:
    bench.check("needy==1.0", locked=True)
    with pytest.raises(RequirementsRefused, match="is not its own closure"):
        bench.run("create")


def test_a_pin_that_is_not_there_ends_create(bench: Bench) -> None:
    bench.check("needy==7.0")
    with pytest.raises(ResolutionError, match=r"there is no version needy==7\.0"):
        bench.run("create")


def test_an_interpreter_that_was_replaced_since_is_noticed(done: Bench) -> None:
    record = json.loads((done.work / "venvbuild-work.json").read_text())
    record["settings"]["python_full_version"] = "3.1.4"
    (done.work / "venvbuild-work.json").write_text(json.dumps(record))
    with pytest.raises(UsageError) as caught:
        done.run("pack")
    (problem,) = caught.value.problems
    assert problem.what == f"Python 3.1.4 is no longer at {here().path}"
    assert (problem.fix, problem.rule) == (f"run: venvbuild check --work-dir {done.work}", "STALE")


# --- inspect


def test_inspect_leaves_every_report_and_what_describe_needs(described: Bench) -> None:
    with described.job("describe") as job:
        found = job.work.result(Inspected)
    pip = own_pip()
    assert found == Inspected(("needy==1.0", "other==1.0", pip), (), {"abi": "none", "glibc": None})
    assert json.loads((described.work / "installed_packages.json").read_text()) == ["needy==1.0", "other==1.0", pip]
    assert "needy==1.0" in (described.work / "pipdeptree.txt").read_text()


def test_conflicts_end_inspect_after_its_reports_are_written(done: Bench) -> None:
    shutil.rmtree(done.work / f"venv/lib/python{here().version}/site-packages/other-1.0.dist-info")
    with pytest.raises(ConflictsFound) as caught:
        done.run("inspect")
    (problem,) = caught.value.problems
    assert problem.what == "needy 1.0 needs other==1.0, which is not installed"
    assert (problem.where, problem.rule) == ("conflicts.txt", "CONFLICT")
    assert (done.work / "conflicts.txt").read_text() == f"{problem.what}\n"


def test_two_owners_of_a_path_are_told_with_their_lines_and_what_to_do(
    bench: Bench, index: IndexServer, said: list[str]
) -> None:
    for name in ("one", "two"):
        wheel(index.folder, name, "1.0", files={"shared.py": f"whose = '{name}'\n"})
    bench.run_until("inspect", "one==1.0", "needy==1.0", "two==1.0")
    assert [line for line in said if line.startswith("WARNING") and " own " in line] == [
        f"WARNING: {bench.folder}/pins.txt:1, 3: one 1.0 and two 1.0 own the same path: shared.py; "
        "fix: keep one of them in the requirements file: one or two"
    ]


@pytest.mark.parametrize(
    ("sound", "fix"),
    [
        pytest.param(["2.0.2", "2.1"], "write old==2.0.2 on line 2", id="of its own line"),
        pytest.param(["1.9", "2.2.0", "2.2.1", "2.3", "3.0"], "write old==2.2.1 on line 2", id="of the next above"),
    ],
)
def test_metadata_that_cannot_be_read_names_a_release_that_can(
    sound: list[str], fix: str, bench: Bench, index: IndexServer
) -> None:
    for version in ("2.0.1", "2.0.3"):
        wheel(index.folder, "old", version, requires=["other (>dev)"])
    for version in sound:
        wheel(index.folder, "old", version, requires=["other>=1"])
    with pytest.raises(ConflictsFound) as caught:
        bench.run_until("inspect", "other==1.0", "old==2.0.1")
    (problem,) = caught.value.problems
    assert problem.fix == f"{fix}, the newest release of its line whose metadata can be read"
    assert json.loads((bench.work / "conflicts.json").read_text())[0]["fix"] == problem.fix


def test_conflicts_that_are_allowed_are_warned_of_and_told(bench: Bench, said: list[str]) -> None:
    made = bench.using(FAIL_ON_CONFLICTS="false").run_until("inspect", "needy==1.0", "other==2.0")
    sentence = "needy 1.0 needs other==1.0, other 2.0 is installed"
    assert (asdict(made.result)["conflicts"], made.summary) == ((sentence,), "3 packages, 1 conflict")
    assert f"WARNING: conflict: {sentence}" in said


# --- pack


def test_pack_leaves_an_archive_and_its_index(described: Bench) -> None:
    files = files_of(described.work / "venv.tar.gz")
    assert files[f"lib/python{here().version}/site-packages/needy.py"] == b"x = 1\n"
    index = parse_index((described.work / places.ARCHIVE_INDEX).read_bytes())
    assert index.archive_size_bytes == (described.work / "venv.tar.gz").stat().st_size
    assert [one.distribution for one in index.fragments] == [None, "needy", "other", "pip", None]


def test_a_package_in_a_lib64_of_its_own_is_seen_by_every_step(done: Bench, tmp_path: Path) -> None:
    venv, site = done.work / "venv", f"python{here().version}/site-packages"
    (venv / "lib64").unlink()
    (venv / "lib64" / site).mkdir(parents=True)
    for path in (venv / "lib" / site).glob("other*"):
        path.rename(venv / "lib64" / site / path.name)
    (venv / "lib" / site / "lib64.pth").write_text(f"../../../lib64/{site}\n")
    (done.work / MANIFEST).write_text("{}")  # as if `create` had made it so
    lib_only = parse_index((done.work / places.ARCHIVE_INDEX).read_bytes())

    for step in ("inspect", "pack", "describe", "upload"):
        made = done.run(step)
    described = json.loads((done.work / places.METADATA).read_text())
    assert described["installed_packages"][:2] == ["needy==1.0", "other==1.0"]
    assert files_of(done.work / "venv.tar.gz")[f"lib64/{site}/other.py"] == b"x = 1\n"
    index = parse_index((done.work / places.ARCHIVE_INDEX).read_bytes())
    assert [one.distribution for one in index.fragments] == [None, "needy", "other", "pip", None]
    assert index.content_sha256 not in ("", lib_only.content_sha256)

    machine = RestoreOptions(
        lambda _: here(), FragmentCache(tmp_path / "cache"), "99.0", lambda *_: None, compiles=True
    )
    version = asdict(made.result)["metadata"]["venv_version"]
    found = verify(done.store, version, machine=machine)
    assert (found.problems, found.imported) == ((), ("needy", "other", "pip"))
    get(done.store, version, tmp_path / "restored", machine)
    assert list((tmp_path / "restored" / "lib64" / site / "__pycache__").glob("other.*.pyc"))


def test_pack_goes_by_its_own_options_before_those_that_check_recorded(done: Bench) -> None:
    before = parse_index((done.work / places.ARCHIVE_INDEX).read_bytes())
    done.run("pack", level=9, python_path="/opt/python/bin/python")
    after = parse_index((done.work / places.ARCHIVE_INDEX).read_bytes())
    assert (before.level, after.level) == (5, 9)
    assert before.content_sha256 != after.content_sha256


def test_in_either_layout_a_build_holds_the_same_and_is_got_and_verified(done: Bench, tmp_path: Path) -> None:
    before = parse_index((done.work / places.ARCHIVE_INDEX).read_bytes())
    for step, options in (("pack", {"layout": "flat"}), ("describe", {}), ("upload", {})):
        made = done.run(step, **options)
    metadata = asdict(made.result)["metadata"]
    assert (metadata["archive_root"], metadata["schema_version"]) == ("", 2)
    assert metadata["content_sha256"] == before.content_sha256
    machine = RestoreOptions(lambda _: here(), FragmentCache(tmp_path / "cache"), "99.0", lambda *_: None)
    found = verify(done.store, metadata["venv_version"], machine=machine)
    assert (found.problems, found.imported) == ((), ("needy", "other", "pip"))
    get(done.store, metadata["venv_version"], tmp_path / "restored", machine)
    assert (tmp_path / "restored/bin/needy").is_file()


def test_the_archive_is_the_same_wherever_it_is_packed(described: Bench, done: Bench) -> None:
    made = done.run("pack")
    assert (done.work / "venv.tar.gz").read_bytes() == (described.work / "venv.tar.gz").read_bytes()
    assert asdict(made.result)["sha256"] == hashlib.sha256((done.work / "venv.tar.gz").read_bytes()).hexdigest()
    assert asdict(made.result)["base_requires"] is None


def test_a_file_with_the_path_of_the_work_dir_is_not_packed(done: Bench) -> None:
    (done.work / "venv" / "bin" / "needy").write_text(f"#!{done.work}/venv/bin/python\n")
    with pytest.raises(IntegrityError, match=r"bin/needy holds a path of this build; the archive is not made"):
        done.run("pack")


def test_a_file_with_a_secret_of_this_run_is_not_packed(done: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()
    redactor.hide(PASSWORD)
    monkeypatch.setattr("venvbuild.steps.pack.REDACTOR", redactor)
    (done.work / "venv" / "bin" / "needy").write_text(f"# {PASSWORD}\n")
    with pytest.raises(IntegrityError, match="bin/needy holds a secret"):
        done.run("pack")


# --- describe


def test_describe_says_all_but_what_the_claim_gives(described: Bench) -> None:
    written = json.loads((described.work / places.METADATA).read_text())
    packed = described.work / "venv.tar.gz"
    assert written["archive_sha256"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert (written["env_name"], written["build_url"], written["package_count"]) == ("sales", "https://ci/1", 3)
    assert (written["is_conflict_free"], written["reproducible"]) == (True, True)
    assert (written["archive_root"], written["schema_version"]) == ("venv", 1)
    assert written["duration_s"] == dict.fromkeys(("check", "create", "inspect", "pack"), 0.5)
    assert "venv_version" not in written


@pytest.mark.parametrize(
    ("step", "record"),
    [
        pytest.param("check", {"env_name": "no/slash"}, id="a name"),
        pytest.param("check", {"build_url": 7}, id="a type"),
        pytest.param("inspect", {"installed_packages": ("Needy==1.0",)}, id="a package"),
        pytest.param("inspect", {"requires": {"abi": 311, "glibc": None}}, id="a type inside"),
        pytest.param("pack", {"sha256": "b" * 63}, id="a digest"),
    ],
)
def test_describe_refuses_what_upload_could_not_commit(done: Bench, step: str, record: dict[str, object]) -> None:
    book = json.loads((done.work / "venvbuild-work.json").read_text())
    (book["settings"] if step == "check" else book["steps"][step]["result"]).update(record)
    (done.work / "venvbuild-work.json").write_text(json.dumps(book))
    (done.work / places.METADATA).unlink()
    with pytest.raises(IntegrityError, match="the metadata is not valid"):
        done.run("describe")
    assert not (done.work / places.METADATA).exists()


# --- upload


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"installed_packages": ["Needy==1.0"]}, "installed_packages/0", id="a package"),
        pytest.param(
            {"requires": {"abi": None, "glibc": None, "cuda": "12"}}, "requires", id="an unknown field inside"
        ),
        pytest.param({"venv_archive": "s3://else/where"}, r"\(the whole\)", id="of the claim"),
    ],
)
def test_what_is_no_metadata_is_refused_before_a_version_is_claimed(
    done: Bench, changes: dict[str, object], field: str
) -> None:
    path = done.work / places.METADATA
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(IntegrityError, match=f"metadata.json: {field}: the metadata is not valid"):
        done.run("upload")
    assert list(done.store.list("")) == []


def test_upload_commits_the_build_with_all_its_files(done: Bench) -> None:
    made = done.run("upload")
    ((version, stored),) = assert_nothing_torn(done.store).items()
    assert made.summary == f"{version} in {done.store.url}"
    assert asdict(made.result)["metadata"] == stored
    assert {"requirements.txt", "requirements.lock.txt", "conflicts.json", f"{version}.tar.gz"} <= set(
        stored["files"]  # type: ignore[call-overload]
    )


def test_upload_tells_how_long_describe_took(done: Bench) -> None:
    assert asdict(done.run("upload").result)["metadata"]["duration_s"]["describe"] == 0.5


def test_upload_again_is_the_same_build(done: Bench) -> None:
    first = done.run("upload")
    assert done.run("upload").result == first.result
    assert len(assert_nothing_torn(done.store)) == 1


def test_a_store_that_is_no_address_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="a store cannot be ftp://; fix: write a folder"):
        store_of(bench.using(VENVBUILD_STORE="ftp://host/x").settings())


# --- words


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 pins"), (1, "1 pin"), (2, "2 pins")], ids=["none", "one", "several"]
)
def test_a_count_has_its_plural(number: int, text: str) -> None:
    assert count_text(number, "pin") == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0.0 kB"), (1_500, "1.5 kB"), (99_999, "100.0 kB"), (100_000, "0.1 MB"), (12_345_678, "12.3 MB")],
)
def test_a_size_is_told_in_the_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text


# --- a pylock.toml


def locked(bench: Bench, **versions: str) -> Request:
    """For a pylock.toml of these versions, with the hashes of the index."""
    lines = ['lock-version = "1.0"', 'created-by = "uv"', 'extras = ["web"]']
    for name, number in versions.items():
        path = bench.folder.parent / "index" / f"{name}-{number}-py3-none-any.whl"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        wheels = f'wheels = [{{ path = "{path.name}", hashes = {{ sha256 = "{digest}" }} }}]'
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{number}"', wheels]
    bench.folder.mkdir(exist_ok=True)
    path = bench.folder / "pylock.toml"
    path.write_text("".join(f"{line}\n" for line in lines))
    return Request(path)


def test_a_pylock_is_kept_as_given_beside_its_pins(bench: Bench) -> None:
    request = locked(bench, needy="1.0", other="1.0")
    made = bench.check_of(request)
    assert made.outputs == ("requirements.txt", "requirements.normalised.txt", "pylock.given.toml")
    given = request.requirements.read_bytes()
    assert (bench.work / "pylock.given.toml").read_bytes() == given
    assert bench.run("create").summary.startswith("3 packages by uv")
    assert (bench.work / "pylock.toml").is_file()
    with bench.job("inspect") as job:
        assert job.work.recorded.requirements_sha256 == hashlib.sha256(given).hexdigest()


def test_what_is_wrong_later_is_told_at_the_line_of_the_lock_and_changed_where_that_was_made(bench: Bench) -> None:
    bench.check_of(locked(bench, needy="1.0", other="2.0"))
    with pytest.raises(ConflictsFound) as caught:
        bench.run("create")
    [problem] = caught.value.problems
    assert problem.where == f"{bench.folder}/pylock.toml:8"
    assert problem.fix.startswith("have other==1.0 where the lock was made, and lock again; tried: ")


def test_what_the_lock_lacks_and_may_not_be_built_is_changed_where_that_was_made(
    bench: Bench, index: IndexServer
) -> None:
    index.yanked[wheel(index.folder, "dep", "1.0").name] = "it bites"
    wheel(index.folder, "exact", "1.0", requires=["dep==1.0"])
    wheel(index.folder, "exact", "2.0")
    strict = bench.using(VENVBUILD_YANKED="refuse")
    strict.check_of(locked(bench, exact="1.0"))
    with pytest.raises(RequirementsRefused) as caught:
        strict.run("create")
    [problem] = caught.value.problems
    assert (problem.where, problem.fix) == (
        "needed by exact",
        "have exact==2.0 where the lock was made, and lock again; tried: with it the other pins stay as they are; "
        "or let it be built, with VENVBUILD_YANKED=warn, and have dep==1.0 where the lock was made, and lock again",
    )
    strict.check_of(locked(bench, exact="2.0"))
    assert strict.run("create").summary.startswith("2 packages")
    lenient = bench.using(VENVBUILD_YANKED="warn")
    lenient.check_of(locked(bench, exact="1.0", dep="1.0"))
    assert lenient.run("create").summary.startswith("3 packages")


def test_a_size_in_the_lock_is_that_of_the_file(bench: Bench) -> None:
    request = locked(bench, other="1.0")
    given = request.requirements.read_text()
    size = (bench.folder.parent / "index" / "other-1.0-py3-none-any.whl").stat().st_size
    for more in (1, 0):
        request.requirements.write_text(given.replace("hashes = ", f"size = {size + more}, hashes = "))
        bench.check_of(request)
        if more:
            with pytest.raises(IntegrityError) as caught:
                bench.run("create")
            [problem] = caught.value.problems
            assert (problem.where, problem.rule) == (f"{bench.folder}/pylock.toml:4", "WRONG_SIZE")
            assert problem.fix.endswith("what changes a pin is done where the lock was made, and then lock again")
    assert bench.run("create").summary.startswith("2 packages")


def test_other_extras_of_the_same_file_are_another_run(bench: Bench) -> None:
    request = locked(bench, needy="1.0", other="1.0")
    records = [
        examine(one, bench.settings(), bench.environ).recorded for one in (request, replace(request, extras=("web",)))
    ]
    assert [one.extras for one in records] == [(), ("web",)]


def test_a_file_that_was_no_pylock_leaves_none_of_an_earlier_run(bench: Bench) -> None:
    bench.check_of(locked(bench, needy="1.0", other="1.0"))
    bench.check("needy==1.0")
    assert not (bench.work / "pylock.given.toml").exists()
