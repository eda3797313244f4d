"""Archives that `tar -czf` made of ordinary environments: restored elsewhere, with what cannot move told."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support import foreign, old_script
from tests.support.old_script import Workspace
from tests.support.tool import Ended, Tool
from tests.support.wheels import wheel
from venvbuild.archive import GZIP_HEADER

VERSION = "venv_20250722_163000"
MAIN = "import sys\ndef main():\n    print('app runs in', sys.prefix)\n"


def wheels(folder: Path) -> list[Path]:
    app = wheel(folder, "app", "1.0", files={"app/__init__.py": MAIN, "app/data.txt": "1"}, scripts={"app": "app:main"},
                requires=["lib==1.0"])  # fmt: skip
    return [app, wheel(folder, "lib", "1.0")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An environment of `python -m venv`, to be copied."""
    folder = tmp_path_factory.mktemp("agent")
    return old_script.small(folder / "workspace", *wheels(folder))


@pytest.fixture
def job(made: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """One to be changed; the place where the environment was made is gone while the test runs."""
    copy = made.copy(tmp_path / "copy")
    made.folder.rename(made.folder.with_name("hidden"))
    yield copy
    made.folder.with_name("hidden").rename(made.folder)


def told(done: Ended) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("warning:")]


def runs(target: Path) -> None:
    assert foreign.run([target / "bin/app"]) == f"app runs in {target}"
    assert foreign.run(["bash", "-c", f'. "{target}/bin/activate"; app; echo $VIRTUAL_ENV']).splitlines() == [
        f"app runs in {target}",
        str(target),
    ]


def test_a_gzip_header_like_ours_makes_no_archive_ours(tool: Tool, job: Workspace) -> None:
    archive = job.pack(tool.folder / "of-java.tar.gz", "venv/")
    plain = gzip.decompress(archive.read_bytes())
    raw = zlib.compressobj(wbits=-15)
    end = zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    archive.write_bytes(GZIP_HEADER + raw.compress(plain) + raw.flush() + end)
    assert tool.run("get", "--from-archive", archive, tool.folder / "got").code == 0
    runs(tool.folder / "got")


@pytest.mark.parametrize(
    "names",
    [("venv/",), ("./venv",), ("-C", "venv", "."), ("-C", "venv", "bin", "lib", "pyvenv.cfg"), ("venv", "copy")],
)
def test_it_runs_elsewhere_whatever_the_top_folder_is_called(
    tool: Tool, job: Workspace, names: tuple[str, ...]
) -> None:
    (job.folder / "copy").write_text("a file beside the environment")
    archive = job.pack(tool.folder / "lone.tar.gz", *names)
    done = tool.run("get", "--from-archive", archive, tool.folder / "got", "--json")
    assert done.code == 0, done.stderr
    assert done.json["cannot_move"] == []
    assert done.json["venv_version"] is None
    runs(tool.folder / "got")
    assert sorted(path.name for path in tool.folder.glob(".venvbuild-get-*")) == []


@pytest.mark.parametrize(
    ("maker", "python"), [("virtualenv", "3.12"), ("uv", "3.13"), ("venv", "3.8"), ("copies", "3.9")]
)
def test_it_runs_elsewhere_whoever_made_it(tool: Tool, tmp_path: Path, maker: str, python: str) -> None:
    job = old_script.workspace(tmp_path / "agent", wheels(tmp_path), python_version=python, maker=maker)
    archive = job.pack(tmp_path / "lone.tar.gz")
    job.forget()
    done = tool.run("get", "--from-archive", archive, tmp_path / "got", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["cannot_move"], told(done)) == ([], [])
    runs(tmp_path / "got")
    for path in (tmp_path / "got").rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in ("pyvenv.cfg", ".venvbuild.json"):
            assert os.fsencode(job.folder) not in path.read_bytes(), path


def test_what_cannot_move_is_named_and_the_rest_runs(tool: Tool, job: Workspace, made: Workspace) -> None:
    packages = job.venv / "lib/python3.11/site-packages"
    (packages / "outside.pth").write_text("/srv/elsewhere\n")
    (packages / "held.py").write_text(f"PLACE = {str(made.venv)!r}\n")
    (job.venv / "share").symlink_to("/usr/share")
    (job.venv / "inside").symlink_to(made.venv / "lib")
    (packages / "__editable__.mine-1.0.pth").write_text("/srv/mine\n")
    configuration = (job.venv / "pyvenv.cfg").read_text()
    (job.venv / "pyvenv.cfg").write_text(configuration.replace("packages = false", "packages = true"))
    archive = job.pack(tool.folder / "lone.tar.gz")
    done = tool.run("get", "--from-archive", archive, tool.folder / "got", "--json")
    assert done.code == 0, done.stderr
    said = "\n".join(told(done))
    for what in (
        "/srv/elsewhere is outside",
        "held.py holds the environment's path",
        "share is a link that leads out",
        "__editable__.mine-1.0.pth is of an editable install",
        "include-system-site-packages = true",
    ):
        assert what in said
        assert what in str(done.json["cannot_move"])
    assert len(told(done)) == len(done.json["cannot_move"]) == 5
    assert all(one["why"] and one["fix"] for one in done.json["cannot_move"])
    runs(tool.folder / "got")
    assert os.readlink(tool.folder / "got/inside") == "lib"
    assert not os.path.lexists(tool.folder / "got/share")


def test_what_is_for_another_machine_is_refused_and_nothing_is_left(tool: Tool, job: Workspace) -> None:
    wheel_file = job.venv / "lib/python3.11/site-packages/lib-1.0.dist-info/WHEEL"
    wheel_file.write_text(wheel_file.read_text().replace("py3-none-any", "cp311-cp311-macosx_11_0_arm64"))
    archive = job.pack(tool.folder / "lone.tar.gz")
    before = sorted(tool.folder.iterdir())
    done = tool.run("get", "--from-archive", archive, tool.folder / "got")
    assert done.code == 2
    assert "lib 1.0 is for cp311-cp311-macosx_11_0_arm64" in done.stderr
    assert sorted(tool.folder.iterdir()) == before


def test_an_archive_of_no_environment_is_refused_by_a_sentence(tool: Tool) -> None:
    (tool.folder / "docs").mkdir()
    with tarfile.open(tool.folder / "docs.tar.gz", "w:gz") as archive:
        archive.add(tool.folder / "docs", "docs")
    done = tool.run("get", "--from-archive", tool.folder / "docs.tar.gz", tool.folder / "got")
    assert done.code == 8
    assert "it holds no virtual environment, as there is no pyvenv.cfg in it" in done.stderr


def test_a_build_of_a_script_is_got_from_its_store(tool: Tool, job: Workspace) -> None:
    build = job.write(Path(tool.store), VERSION)
    before = old_script.contents(Path(tool.store))
    done = tool.run("get", VERSION, tool.folder / "got", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["venv_version"], done.json["archive_sha256"]) == (VERSION, None)
    assert done.json["bytes_fetched"] == (build / f"{VERSION}.tar.gz").stat().st_size
    runs(tool.folder / "got")
    assert old_script.contents(Path(tool.store)) == before
    again = tool.run("get", VERSION, tool.folder / "got", "--compile")
    assert again.code == 0, again.stderr
    assert list((tool.folder / "got").rglob("lib.cpython-311.pyc"))
    copied = tool.run("get", "--from-archive", build / f"{VERSION}.tar.gz", tool.folder / "too", "--json")
    assert copied.json["venv_version"] == VERSION


def test_where_its_archive_is_gone_the_message_says_where_it_should_be(tool: Tool, job: Workspace) -> None:
    build = job.write(Path(tool.store), VERSION, venv_archive="https://me:hunter2@example.org/x/venv.tar.gz")
    (build / f"{VERSION}.tar.gz").unlink()
    done = tool.run("get", VERSION, tool.folder / "got", "--json")
    assert done.code == 9
    (problem,) = done.json["error"]["problems"]
    assert problem["why"] == "its metadata.json says that it is at https://example.org/x/venv.tar.gz"
    assert "hunter2" not in done.stdout + done.stderr
    assert problem["fix"].startswith("copy it to that place, or copy it here and name the file: venvbuild get")
    copied = job.pack(tool.folder / "venv.tar.gz")
    assert tool.run("get", "--from-archive", copied, tool.folder / "got").code == 0
    copied.rename(Path(unquote(problem["where"].removeprefix("file://"))))
    assert tool.run("get", VERSION, tool.folder / "too").code == 0


def test_it_is_verified_as_far_as_it_goes(tool: Tool, job: Workspace) -> None:
    job.write(Path(tool.store), VERSION)
    done = tool.run("verify", VERSION, "--json")
    assert done.code == 0, done.stderr
    assert done.json["file_count"] == 6
    assert any("--restore" in what for what in done.json["not_checked"])
    done = tool.run("verify", VERSION, "--restore", "--json")
    assert done.json["imported"] == ["app", "lib"]
    assert not any("--restore" in what for what in done.json["not_checked"])
    said = tool.run("verify", VERSION, "--restore").stdout.splitlines()
    assert said[0].startswith(f"{VERSION}  made by a script, in agreement with itself: 6 files")
    assert "NOT CHECKED  the sha256 of its files: its metadata.json names none" in said


def damage_archive(build: Path) -> None:
    archive = build / f"{VERSION}.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1000])


def damage_list(build: Path) -> None:
    path = build / "installed_packages.json"
    path.write_text(path.read_text().replace("lib==1.0", "lib==2.0"))


def damage_tree(build: Path) -> None:
    path = build / "pipdeptree.json"
    path.write_text(path.read_text().replace('"lib"', '"other"'))


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (damage_archive, "it is cut off"),
        (damage_list, "metadata.json says lib 1.0, and installed_packages.json 2.0"),
        (damage_tree, "pipdeptree.json does not have, and metadata.json names, lib 1.0"),
        (lambda build: (build / "requirements.txt").unlink(), "it is not in the store, and metadata.json names it"),
        (lambda build: (build / f"{VERSION}.tar.gz").unlink(), f"the archive of {VERSION} is not in this store"),
        (lambda build: (build / "installed_packages.json").write_text("{"), "it cannot be read"),
    ],
)
def test_what_does_not_agree_is_named(tool: Tool, job: Workspace, damage: Callable[[Path], object], what: str) -> None:
    damage(job.write(Path(tool.store), VERSION))
    done = tool.run("verify", VERSION)
    assert done.code == 8
    assert what in done.stderr


def test_packages_of_the_archive_that_the_metadata_does_not_name_are_a_problem(tool: Tool, job: Workspace) -> None:
    build = job.write(Path(tool.store), VERSION)
    for name in ("metadata.json", "installed_packages.json", "pipdeptree.json", "installed_packages.txt"):
        path = build / name
        path.write_text(path.read_text().replace('"lib"', '"mine"').replace("lib==", "mine=="))
    assert tool.run("verify", VERSION).code == 0
    done = tool.run("verify", VERSION, "--restore")
    assert done.code == 8
    assert "the archive has, and metadata.json does not name, lib 1.0" in done.stderr


def test_rebuilding_one_is_refused_with_what_can_be_done(tool: Tool, job: Workspace) -> None:
    build = job.write(Path(tool.store), VERSION)
    done = tool.run("get", VERSION, tool.folder / "got", "--rebuild", "--json")
    assert done.code == 2
    (problem,) = done.json["error"]["problems"]
    assert problem["what"] == f"{VERSION} has no lock, so it cannot be rebuilt"
    advice = f"venvbuild build -r {build / 'requirements.txt'} --env-name NAME --python 3.11"
    assert problem["fix"].endswith(advice)
    wheels(tool.index.folder)
    built = tool.run(*advice.replace("NAME", "sales").split()[1:], "--json")
    assert built.code == 0, built.stderr
    for write in (lambda path: path.write_text("app\n"), lambda path: os.truncate(path, 40 << 30)):
        write(build / "requirements.txt")
        done = tool.run("get", VERSION, tool.folder / "got", "--rebuild", "--json")
        assert done.json["error"]["problems"][0]["fix"] == "restore its archive, without --rebuild"
