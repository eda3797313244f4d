"""One archive as a build: what is in it counts, whatever its metadata says."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import old_script
from tests.support.old_script import Workspace
from tests.support.scripted import DOCUMENT
from tests.support.wheels import wheel
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.importing.making import Made, Making, make
from venvbuild.importing.sources import candidates, open_source
from venvbuild.interpreters import Interpreter, NoInterpreter
from venvbuild.stores import open_store

SITE = "lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An environment with a conflict, and a requirement for another Python."""
    folder = tmp_path_factory.mktemp("agent")
    app = wheel(folder, "app", "1.0", requires=["lib>=2", "older; python_version < '3.9'"])
    return old_script.small(folder / "workspace", app, wheel(folder, "lib", "1.0"))


@pytest.fixture
def job(made: Workspace, tmp_path: Path) -> Workspace:
    return made.copy(tmp_path / "copy")


def of(job: Workspace, folder: Path, making: Making | None = None, **fields: Any) -> Made:
    """What is made of a build of the job, whose metadata.json has these fields."""
    build = folder / "source"
    build.mkdir()
    archive = job.pack(build / "venv.tar.gz")
    if (job.folder / "requirements.txt").is_file():
        (build / "requirements.txt").write_bytes((job.folder / "requirements.txt").read_bytes())
    (build / "metadata.json").write_text(json.dumps({**json.loads(DOCUMENT), **fields}))
    (candidate,) = candidates(open_source(str(build), partial(open_store, cache=None)))
    (folder / "made").mkdir()
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    return make(candidate, archive, sha256, folder / "made", making or Making("old", 1, None))


def nowhere(python_version: str) -> Interpreter:
    raise NoInterpreter(python_version, "nobody installed it", "install it", is_fetchable=False)


def test_its_packages_conflicts_and_requires_are_those_in_it(job: Workspace, tmp_path: Path) -> None:
    found = of(job, tmp_path).description
    assert found["installed_packages"] == ["app==1.0", "lib==1.0"]
    assert found["package_count"] == 2
    (conflict,) = found["conflicts"]
    assert "app 1.0" in conflict
    assert not found["is_conflict_free"]
    assert found["python_full_version"].startswith("3.11.")
    assert found["requires"]["abi"] == "none"
    assert not found["reproducible"]
    assert found["installer"] == "uv"
    assert all(seconds == round(seconds, 3) for seconds in found["duration_s"].values())


def test_where_the_metadata_says_another_thing_a_note_tells_it(job: Workspace, tmp_path: Path) -> None:
    notes = of(job, tmp_path, installed_packages=["app==1.1", "gone==1.0"]).notes
    assert "metadata.json says app 1.1, and the archive 1.0" in notes
    assert "the archive does not have, and metadata.json names, gone 1.0" in notes
    assert "the archive has, and metadata.json does not name, lib 1.0" in notes
    assert "metadata.json tells that nothing conflicts, and 1 conflict found" in notes


def test_without_its_python_it_is_judged_for_the_version_in_its_pyvenv_cfg(job: Workspace, tmp_path: Path) -> None:
    configuration = job.venv / "pyvenv.cfg"
    configuration.write_text(configuration.read_text().replace("version = 3.11.", "version = 3.8."))
    (job.venv / "lib/python3.11").rename(job.venv / "lib/python3.8")
    found = of(job, tmp_path, Making("old", 1, None, nowhere))
    assert any("conflicts were judged without it, as for any CPython 3.8." in note for note in found.notes)
    assert any("older" in conflict for conflict in found.description["conflicts"])
    assert found.description["platform"] == f"{sys.platform}_{platform.machine()}"


def test_the_patch_version_is_that_of_the_environment(job: Workspace, tmp_path: Path) -> None:
    configuration = job.venv / "pyvenv.cfg"
    lines = configuration.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("version")]
    configuration.write_text("\n".join([*kept, "version = 3.11.0", ""]))
    assert of(job, tmp_path).description["python_full_version"] == "3.11.0"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("--extra-index-url=https://me:hunter2secret@x.org/simple\napp==1.0\n",
         "--extra-index-url=https://x.org/simple\napp==1.0\n"),
        ("-i https://hunter2secret@x.org/simple https://a:hunter2secret@y.org/z\n",
         "-i https://x.org/simple https://y.org/z\n"),
        ("lib @ git+https://a:hunter2secret@h.org/lib.git@v1 ; x\r\n", "lib @ git+https://h.org/lib.git@v1 ; x\r\n"),
    ],
)  # fmt: skip
def test_its_requirements_are_kept_without_credentials(job: Workspace, tmp_path: Path, written: str, kept: str) -> None:
    (job.folder / "requirements.txt").write_bytes(written.encode())
    found = of(job, tmp_path)
    assert found.files["requirements.txt"].read_bytes() == kept.encode()
    assert found.description["requirements_sha256"] == hashlib.sha256(kept.encode()).hexdigest()


def test_requirements_that_are_too_large_to_be_some_are_refused(job: Workspace, tmp_path: Path) -> None:
    (job.folder / "requirements.txt").write_bytes(bytes(17_000_000))
    with pytest.raises(IntegrityError, match="more than 16000000"):
        of(job, tmp_path)


def test_without_requirements_they_are_what_is_installed(job: Workspace, tmp_path: Path) -> None:
    lines = of(job, tmp_path).files["requirements.txt"].read_text().splitlines()
    assert lines[1:] == ["app==1.0", "lib==1.0"]


def test_the_archive_is_one_of_ours(job: Workspace, made: Workspace, tmp_path: Path) -> None:
    direct_url = job.venv / SITE / "lib-1.0.dist-info/direct_url.json"
    direct_url.write_text(json.dumps({"url": "file:///home/me/lib", "dir_info": {}}))
    (job.venv / SITE / "__pycache__").mkdir()
    (job.venv / SITE / "__pycache__/lib.cpython-311.pyc").write_bytes(b"old")
    found = of(job, tmp_path)
    with tarfile.open(found.files["venv.tar.gz"]) as archive:
        names = archive.getnames()
        configuration = archive.extractfile("venv/pyvenv.cfg")
        assert configuration
        assert b"home" not in configuration.read()
    assert "venv/bin/rehome" in names
    assert not [name for name in names if name.endswith((".pyc", "direct_url.json"))]
    assert set(found.files) >= {"requirements.txt", "archive_index.json", "installed_packages.json", "pipdeptree.json"}
    assert found.description["archive_size_bytes"] == found.files["venv.tar.gz"].stat().st_size


def test_what_cannot_move_is_refused_by_name_all_of_it(job: Workspace, made: Workspace, tmp_path: Path) -> None:
    (job.venv / SITE / "out.pth").write_text("/srv/elsewhere\n")
    (job.venv / SITE / "held.py").write_text(f"PLACE = {str(made.venv)!r}\n")
    (job.venv / "share").symlink_to("/usr/share")
    with pytest.raises(IntegrityError) as refused:
        of(job, tmp_path)
    said = "\n".join(problem.as_line() for problem in refused.value.problems)
    for what in ("/srv/elsewhere is outside", "held.py", "share is a link that leads out"):
        assert what in said


def test_wheels_for_another_machine_are_refused(job: Workspace, tmp_path: Path) -> None:
    wheel_file = job.venv / SITE / "lib-1.0.dist-info/WHEEL"
    wheel_file.write_text(wheel_file.read_text().replace("py3-none-any", "cp311-cp311-win_amd64"))
    with pytest.raises(UsageError, match=r"lib 1\.0 is for cp311-cp311-win_amd64"):
        of(job, tmp_path)
