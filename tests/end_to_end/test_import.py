"""Builds and archives of a script, imported: whole builds of ours, and of what cannot be one a sentence."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.athena.test_taking_out import follow
from tests.athena.test_taking_out import lines as lines_of
from tests.support import foreign, old_script, s3_servers
from tests.support.old_script import Workspace
from tests.support.s3_servers import S3Server
from tests.support.scripted import DOCUMENT
from tests.support.sizes import HEAVY, sizes
from tests.support.stored import assert_nothing_torn, committed
from tests.support.tool import Ended, Tool
from tests.support.wheels import wheel
from venvbuild.builds import places
from venvbuild.stores import open_store

DOCUMENTS_OWN = "venv_20250722_163000"
MAIN = "import sys\ndef main():\n    print('app {} runs in', sys.prefix)\n"
SITE = "lib/python3.11/site-packages"
PIP = ("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")


def app(folder: Path, version: str) -> Path:
    return wheel(folder, "app", version, files={"app/__init__.py": MAIN.format(version)}, scripts={"app": "app:main"},
                 requires=["lib==1.0"])  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("agent")
    return old_script.small(folder / "workspace", app(folder, "1.0"), wheel(folder, "lib", "1.0"))


@pytest.fixture
def job(made: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """One to be changed; the place where the environment was made is gone while the test runs."""
    copy = made.copy(tmp_path / "copy")
    made.folder.rename(made.folder.with_name("hidden"))
    yield copy
    made.folder.with_name("hidden").rename(made.folder)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Where the builds to be imported are."""
    return tmp_path / "old builds"


def imported(tool: Tool, *arguments: str | Path, env_name: str = "old") -> Ended:
    (tool.folder / "tmp").mkdir(exist_ok=True)
    return tool.run("import", *arguments, "--env-name", env_name, TMPDIR=str(tool.folder / "tmp"))


def lines(done: Ended) -> list[list[str]]:
    """The words of each line: what became of it, the version, the archive."""
    return [line.split("  ") for line in done.stdout.splitlines()]


def outcomes(done: Ended) -> list[str]:
    return [words[0] for words in lines(done)]


def in_store(tool: Tool) -> list[dict[str, object]]:
    """The metadata of every build there, the oldest first; none is torn, and each has its row."""
    store = open_store(tool.store)
    seen = assert_nothing_torn(store)
    rows = [entry.key.rpartition("/")[2].removesuffix(".json") for entry in store.list("venv-catalog/builds/")]
    assert sorted(rows) == sorted(seen)
    return [seen[version] for version in sorted(seen)]


def of_the_document(folder: Path, store: Path) -> Path:
    """The build of the document, its metadata.json word for word; a console script of it is `kedro`."""
    main = "import sys\ndef main():\n    print('kedro runs in', sys.prefix)\n"
    kedro = wheel(folder, "kedro", "0.18.14", files={"kedro.py": main}, scripts={"kedro": "kedro:main"})
    pins = [wheel(folder, "pandas", "1.5.3", requires=["numpy>=1.21"]), wheel(folder, "numpy", "1.24.4")]
    job = old_script.workspace(folder / "workspace", [kedro, *pins], python_version="3.10")
    build = job.write(store, DOCUMENTS_OWN)
    (build / "metadata.json").write_text(DOCUMENT)
    job.forget()
    return build


def of_a_team(folder: Path, store: Path, count: int) -> None:
    """So many builds of one job, each with another version of its app, named by a clock eight hours before UTC's."""
    job = old_script.workspace(folder / "workspace", [wheel(folder, "lib", "1.0")])
    for number in range(count):
        foreign.run([job.venv / "bin/python", *PIP, app(folder, f"1.{number}")])
        job.write(store, f"venv_20250710_{8 + number // 60:02}{number % 60:02}00",
                  created_at=f"2025-07-10T{number // 60:02}:{number % 60:02}:00Z")  # fmt: skip
    job.forget()


@HEAVY
@pytest.mark.parametrize("counts", sizes((2, 1), (50, 10)))
def test_fifty_builds_of_scripts_beside_ten_of_ours_become_fifty_whole_builds(
    tool: Tool, tmp_path: Path, counts: tuple[int, int]
) -> None:
    theirs, ours = counts
    old = Path(tool.store)
    of_the_document(tmp_path / "agent 1", old)
    of_a_team(tmp_path / "agent 2", old, theirs - 1)
    main = "import sys\ndef main():\n    print('good runs in', sys.prefix)\n"
    wheel(tool.index.folder, "good", "1.0", files={"good.py": main}, scripts={"good": "good:main"})
    built = [tool.build("good==1.0").json["venv_version"] for _ in range(ours)]
    for number, (version, name) in enumerate([(DOCUMENTS_OWN, "kedro"), (built[0], "good")]):
        got = tool.run("get", version, tmp_path / f"got-{number}")
        assert got.code == 0, got.stderr
        assert foreign.run([tmp_path / f"got-{number}/bin/{name}"]) == f"{name} runs in {tmp_path / f'got-{number}'}"
    before = old_script.contents(old)

    tool.env["VENVBUILD_STORE"] = tool.store = str(tmp_path / "new")
    done = imported(tool, old)
    assert done.code == 0, done.stderr
    assert sorted(outcomes(done)) == ["done"] * theirs + ["left"] * ours
    assert done.stderr.count("venvbuild made it: copy it with its store") == ours
    assert old_script.contents(old) == before
    builds = in_store(tool)
    assert len(builds) == theirs
    said = [str(build["imported_from"]["created_at"]) for build in builds]  # type: ignore[index]
    assert said == sorted(said)
    assert said[-1] == "2025-07-22T08:30:00Z"
    for build in builds:
        verified = tool.run("verify", str(build["venv_version"]), "--restore")
        assert verified.code == 0, verified.stderr
        assert "  whole: " in verified.stdout
    newest = tool.run("get", "old@latest", tmp_path / "newest")
    assert newest.code == 0, newest.stderr
    assert foreign.run([tmp_path / "newest/bin/kedro"]) == f"kedro runs in {tmp_path / 'newest'}"
    found = tool.run("find", "app==1.0", "--env-name", "old", "--json").json
    assert [one["venv_version"] for one in found] == [builds[0]["venv_version"]]

    again = imported(tool, old)
    assert again.code == 0, again.stderr
    assert outcomes(again) == ["left"] * (theirs + ours)
    assert in_store(tool) == builds


def test_what_a_build_says_of_itself_is_what_is_in_it(tool: Tool, job: Workspace, old: Path) -> None:
    secret = "-i https://me:hunter2@example.org/simple\napp==1.0  # ours\n"
    build = job.write(old, DOCUMENTS_OWN, installed_packages=["App==0.9"], conflicts=["app 1.0 requires x"],
                      is_conflict_free=False, venv_archive="s3://gone/elsewhere/venv.tar.gz")  # fmt: skip
    (build / "requirements.txt").write_text(secret)
    done = imported(tool, old)
    assert done.code == 0, done.stderr
    (made,) = in_store(tool)
    archive = build / f"{DOCUMENTS_OWN}.tar.gz"
    assert made["imported_from"] == {
        "archive": archive.as_uri(),
        "archive_sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "venv_version": DOCUMENTS_OWN,
        "created_at": "2025-07-22T08:30:00Z",
    }
    assert (made["installed_packages"], made["conflicts"], made["reproducible"]) == (
        ["app==1.0", "lib==1.0"],
        [],
        False,
    )
    assert "metadata.json says app 0.9, and the archive 1.0" in done.stderr
    assert "metadata.json tells of a conflict (app 1.0 requires x), and none is found" in done.stderr
    kept = tool.stored(str(made["venv_version"])) / "requirements.txt"
    assert kept.read_text() == secret.replace("me:hunter2@", "")
    assert "hunter2" not in done.stdout + done.stderr


def test_a_lone_archive_becomes_a_build_whose_requirements_are_what_is_installed(
    tool: Tool, job: Workspace, tmp_path: Path
) -> None:
    done = imported(tool, job.pack(tmp_path / "lone.tar.gz"), "--json")
    assert done.code == 0, done.stderr
    (made,) = in_store(tool)
    (told,) = done.json
    assert (told["outcome"], told["venv_version"], told["source_version"]) == ("done", made["venv_version"], None)
    stored = tool.stored(str(made["venv_version"]))
    assert (stored / "requirements.txt").read_text().splitlines()[1:] == ["app==1.0", "lib==1.0"]
    got = tool.run("get", str(made["venv_version"]), tmp_path / "got")
    assert got.code == 0, got.stderr
    assert foreign.run([tmp_path / "got/bin/app"]) == f"app 1.0 runs in {tmp_path / 'got'}"
    refused = tool.run("get", str(made["venv_version"]), tmp_path / "rebuilt", "--rebuild", "--json")
    assert refused.code == 2
    (problem,) = refused.json["error"]["problems"]
    assert "it was imported" in problem["why"]
    advice = problem["fix"].partition("or build it anew from its pins: ")[2]
    app(tool.index.folder, "1.0")
    wheel(tool.index.folder, "lib", "1.0")
    rebuilt = tool.run(*shlex.split(advice)[1:])
    assert rebuilt.code == 0, rebuilt.stderr


def test_an_archive_that_pack_made_is_imported_too(tool: Tool, job: Workspace, tmp_path: Path) -> None:
    packed = tool.run("pack", "--venv", job.venv, "-o", tmp_path / "packed.tar.gz")
    assert packed.code == 0, packed.stderr
    done = imported(tool, tmp_path / "packed.tar.gz")
    assert done.code == 0, done.stderr
    (made,) = in_store(tool)
    assert tool.run("verify", str(made["venv_version"]), "--restore").code == 0


def test_where_its_python_is_not_here_it_is_imported_all_the_same(tool: Tool, job: Workspace, tmp_path: Path) -> None:
    configuration = job.venv / "pyvenv.cfg"
    configuration.write_text(configuration.read_text().replace("3.11", "3.42"))
    (job.venv / "lib/python3.11").rename(job.venv / "lib/python3.42")
    done = imported(tool, job.pack(tmp_path / "lone.tar.gz"))
    assert done.code == 0, done.stderr
    assert "Python 3.42 is not here: conflicts were judged without it" in done.stderr
    (made,) = in_store(tool)
    assert made["python_version"] == "3.42"
    assert str(made["python_full_version"]).startswith("3.42.")


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def for_python_3_6(venv: Path) -> None:
    changed(venv / "pyvenv.cfg", "version = 3.11", "version = 3.6")
    (venv / "lib/python3.11").rename(venv / "lib/python3.6")


def climbing(archive: Path) -> None:
    with tarfile.open(archive) as whole:
        whole.extractall(archive.parent / "out", filter="fully_trusted")
    rename = "s,^venv/bin/app$,venv/../../escaped,"
    foreign.run(["tar", "-P", "--transform", rename, "-czf", archive, "-C", archive.parent / "out", "venv/"])
    shutil.rmtree(archive.parent / "out")


IN_THE_VENV: dict[str, Callable[[Path], object]] = {
    "editable": lambda venv: (venv / SITE / "__editable__.mine-1.0.pth").write_text("/srv/mine\n"),
    "other-machine": lambda venv: changed(
        venv / SITE / "lib-1.0.dist-info/WHEEL", "py3-none-any", "cp311-cp311-macosx_11_0_arm64"
    ),
    "no-version": lambda venv: (venv / "pyvenv.cfg").write_text("home = /usr/bin\n"),
    "no-environment": lambda venv: (venv / "pyvenv.cfg").unlink(),
    "system": lambda venv: changed(venv / "pyvenv.cfg", "packages = false", "packages = true"),
    "old-python": for_python_3_6,
}
OF_THE_ARCHIVE: dict[str, Callable[[Path], object]] = {
    "cut": lambda archive: archive.write_bytes(archive.read_bytes()[:-500]),
    "gone": lambda archive: archive.unlink(),
    "empty": lambda archive: archive.write_bytes(b""),
    "climbs": climbing,
}
BROKEN = (*IN_THE_VENV, *OF_THE_ARCHIVE)


def put_broken(job: Workspace, old: Path, name: str) -> None:
    """A build of the script, with this wrong."""
    copy = job.copy(old.parent / f"broken {name}")
    if name in IN_THE_VENV:
        IN_THE_VENV[name](copy.venv)
    build = old / name
    build.mkdir(parents=True)
    archive = copy.pack(build / f"{DOCUMENTS_OWN}.tar.gz")
    (build / "metadata.json").write_text(DOCUMENT)
    if name in OF_THE_ARCHIVE:
        OF_THE_ARCHIVE[name](archive)
    copy.forget()


SENTENCES = {
    "cut": "the archive is refused: it is cut off",
    "gone": "its archive is not beside its metadata.json; why: metadata.json says that it is at s3://your-bucket/venv-",
    "empty": "the archive is refused: it is cut off",
    "no-environment": "it holds no virtual environment, as there is no pyvenv.cfg in it",
    "editable": "__editable__.mine-1.0.pth is of an editable install",
    "climbs": "its name is not a plain path below the folder that it is unpacked in",
    "other-machine": "lib 1.0 is for cp311-cp311-macosx_11_0_arm64",
    "no-version": "its pyvenv.cfg does not say the version of its Python, X.Y.Z",
    "system": "include-system-site-packages = true",
    "old-python": "the environment is for Python 3.6",
}


def test_of_broken_ones_there_is_a_sentence_and_the_others_are_done(
    tool: Tool, job: Workspace, old: Path, tmp_path: Path
) -> None:
    for name in BROKEN:
        put_broken(job, old, name)
    whole = job.write(old, DOCUMENTS_OWN)
    torn = shutil.copytree(job.write(tmp_path / "other", "venv_20250101_000000"), old / "torn")
    (torn / "metadata.json").write_text("{")
    (job.venv / "more").write_text("more")
    job.pack(torn / "venv_20250101_000000.tar.gz")
    before = old_script.contents(old)
    done = imported(tool, old)
    assert done.code == 8
    assert sorted(outcomes(done)) == ["done"] * 2 + ["not done"] * len(BROKEN)
    for name in BROKEN:
        said = [line for line in done.stderr.splitlines() if f"/{name}/" in line]
        assert any(SENTENCES[name] in line for line in said), (name, said)
    assert "metadata.json is no JSON, so the archive alone was read" in done.stderr
    sources = [str(build["imported_from"]["archive"]) for build in in_store(tool)]  # type: ignore[index]
    # that of the other says nothing: it counts as of when it was written
    assert sources == [(whole / f"{DOCUMENTS_OWN}.tar.gz").as_uri(), (torn / "venv_20250101_000000.tar.gz").as_uri()]
    assert old_script.contents(old) == before
    assert list((tool.folder / "tmp").iterdir()) == []
    assert not list(tool.folder.rglob("escaped"))
    assert set(done.stderr.splitlines()[-1].split(", ")) == {"2 done", f"{len(BROKEN)} not done"}

    # what the sentences advise
    assert "copy the archive to that folder, and import it again" in done.stderr
    (job.venv / "more").write_text("and more")
    job.pack(old / "gone/venv.tar.gz")
    assert "write `version = X.Y.Z` into pyvenv.cfg, and pack the environment again" in done.stderr
    (job.venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.4\n")
    job.pack(old / f"no-version/{DOCUMENTS_OWN}.tar.gz")
    again = imported(tool, old)
    assert sorted(outcomes(again)) == ["done"] * 2 + ["left"] * 2 + ["not done"] * (len(BROKEN) - 2)


def test_one_reason_is_the_exit_code(tool: Tool, job: Workspace, old: Path) -> None:
    put_broken(job, old, "no-version")
    assert imported(tool, old).code == 2
    put_broken(job, old, "gone")
    assert imported(tool, old / "gone").code == 9
    assert imported(tool, old).code == 8


@pytest.mark.parametrize("name", ["moto", "versitygw"])
def test_from_s3_to_s3(
    tool: Tool, job: Workspace, old: Path, request: pytest.FixtureRequest, s3_environment: None, name: str
) -> None:
    server: S3Server = request.getfixturevalue(f"{name}_server")
    bucket = server.new_bucket()
    job.write(old, DOCUMENTS_OWN)
    (job.venv / "more").write_text("more")
    (old / "lone").mkdir()
    job.pack(old / "lone/one.tar.gz")
    for key, body in old_script.contents(old).items():
        server.client().put_object(Bucket=bucket, Key=f"team/old/{key}", Body=body)
    tool.env.update(s3_servers.ENVIRONMENT, VENVBUILD_STORE=f"s3://{bucket}/new", AWS_ENDPOINT_URL=server.endpoint_url)
    lone = imported(tool, f"s3://{bucket}/team/old/lone/one.tar.gz")
    assert lone.code == 0, lone.stderr
    done = imported(tool, f"s3://{bucket}/team/old/")
    assert done.code == 0, done.stderr
    seen = committed(open_store(f"s3://{bucket}/new", endpoint_url=server.endpoint_url))
    theirs = f"s3://{bucket}/team/old/venv-builds/{DOCUMENTS_OWN}/{DOCUMENTS_OWN}.tar.gz"
    first, second = (seen[version]["imported_from"]["archive"] for version in sorted(seen))  # type: ignore[index]
    assert (first, second) == (f"s3://{bucket}/team/old/lone/one.tar.gz", theirs)
    assert sorted(outcomes(done)) == ["done", "left"]
    verified = tool.run("verify", max(seen), "--restore")
    assert verified.code == 0, verified.stderr
    nothing = imported(tool, f"s3://{bucket}/absent")
    assert nothing.code == 9
    assert f"s3://{bucket}/absent" in nothing.stderr


def test_a_dry_run_says_what_would_be_done_and_makes_nothing(tool: Tool, job: Workspace, old: Path) -> None:
    job.write(old, DOCUMENTS_OWN)
    shutil.copytree(old, old / "a copy")
    put_broken(job, old, "editable")
    before = old_script.contents(tool.folder)
    done = imported(tool, old, "--dry-run")
    assert done.code == 8
    assert sorted(outcomes(done)) == ["left", "not done", "would be done"]
    assert SENTENCES["editable"] in done.stderr
    assert old_script.contents(tool.folder) == before
    assert not Path(tool.store).exists()
    assert not (Path(os.environ["HOME"]) / ".cache/venvbuild/fragments").exists()


def test_killed_after_the_first_the_same_command_does_the_rest(tool: Tool, job: Workspace, old: Path) -> None:
    for number in range(3):
        (job.venv / "more").write_text(str(number))
        job.write(old, f"venv_2025010{number + 1}_000000")
    running = tool.start("import", old, "--env-name", "old", TMPDIR=str(tool.folder))
    assert running.stdout
    first = running.stdout.readline()
    running.kill()
    running.communicate()
    assert first.startswith("done  venv_")
    done = imported(tool, old)
    assert done.code == 0, done.stderr
    assert outcomes(done)[0] == "left"
    assert "done" in outcomes(done)
    builds = in_store(tool)
    assert len({build["imported_from"]["archive_sha256"] for build in builds}) == 3  # type: ignore[index]
    assert len(builds) == 3


def test_who_already_has_builds_of_that_name_is_warned(tool: Tool, job: Workspace, tmp_path: Path) -> None:
    wheel(tool.index.folder, "good", "1.0")
    assert tool.build("good==1.0", ENV_NAME="sales").code == 0
    done = imported(tool, job.pack(tmp_path / "lone.tar.gz"), env_name="sales")
    assert done.code == 0, done.stderr
    assert "warning: sales has 1 build of its own" in done.stderr
    unnamed = tool.run("import", tmp_path / "lone.tar.gz")
    assert unnamed.code == 2
    assert "--env-name NAME" in unnamed.stderr


def test_a_store_that_would_go_with_the_run_is_refused_before_anything_is_read(tool: Tool) -> None:
    run = {"BUILD_TAG": "jenkins-job-1", "WORKSPACE": str(tool.folder)}
    done = tool.run("import", "absent", "--env-name", "old", **run)
    assert done.code == 2
    assert "the store would go with the workspace" in done.stderr


@pytest.mark.parametrize("has_entry", [False, True], ids=["alone", "with an entry"])
def test_the_command_that_other_messages_advise_is_this_one(tool: Tool, job: Workspace, *, has_entry: bool) -> None:
    bad = "venv_20251399_163000"
    job.write(Path(tool.store), bad)
    if has_entry:
        open_store(tool.store).put_if_absent(places.environment_entry("old", bad), b"")
    refused = tool.run("show", bad, "--json")
    assert refused.code == 8
    (problem,) = refused.json["error"]["problems"]
    told = re.fullmatch(
        r"make one that has a version of it: (.*); then take this build out \(docs/stores\.md\)", problem["fix"]
    )
    assert told
    done = tool.run(*shlex.split(told[1].replace("NAME", "old"))[1:])
    assert done.code == 0, done.stderr
    assert outcomes(done) == ["done"]
    assert tool.run("table", "check").code == 11
    for line in lines_of("Taking a build out")[1:]:  # no alias
        assert follow(tool, line, STORE=tool.store, VERSION=bad) == 0, line
    assert tool.run("show", "old@latest").code == 0
