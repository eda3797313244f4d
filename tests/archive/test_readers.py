"""Every reader sees one ordinary .tar.gz, and in it every file with the right bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from tests.support import newer_pythons
from tests.support.packing import Packable
from tests.support.requirement import require
from venvbuild import interpreters
from venvbuild.archive import Member, compression
from venvbuild.archive.packing import Archive
from venvbuild.installed import relocated_scripts

READERS = Path(__file__).parents[1] / "readers"
WHEELS = {
    "plain": {"plain.py": "x = 1\n", "plain/empty": ""},
    "long": {"d" * 90 + "/" + "f" * 120: "deep", "long/näme ☃.txt": "snow", "long/" + "é" * 60: "many bytes"},
    "large": {"large.bin": "0123456789abcdef" * 20_000},
}


TOOL = "import plain, sys\nprint('plain runs in', sys.prefix)\n"


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packable:
    """Fragments of 100 kB, so that a large file lies over several."""
    monkeypatch.setattr(compression, "PIECE_BYTES", 100_000)
    env = Packable(tmp_path)
    for name, files in WHEELS.items():
        env.install(name, files=files)
    (env.site / "unclaimed").write_bytes(os.urandom(250_000))
    (env.venv / "lib64").symlink_to("lib")
    (env.venv / "bin/tool").write_text(f"#!{env.venv}/bin/python\n{TOOL}")
    (env.venv / "bin/tool").chmod(0o755)
    (env.venv / "_scripts").mkdir()
    for one in relocated_scripts(env.venv, [str(env.venv)]).scripts:
        for name, content, _ in one.files:
            (env.venv / name).write_bytes(content)
    return env


@pytest.fixture
def made(env: Packable) -> Archive:
    return env.pack()


@pytest.fixture
def without_python(env: Packable) -> Archive:
    return env.pack("without.tar.gz", python_path="none")


def expected(made: Archive) -> dict[str, str]:
    """The sha256 of every file in the environment, by its name in the archive."""
    venv = made.path.parent / "venv"
    files = [path for path in (venv / "lib").rglob("*") if path.is_file()]
    return {f"venv/{path.relative_to(venv)}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def told(output: str) -> dict[str, str]:
    """From lines of digest and name; without what the archive brings itself."""
    pairs = (line.split(" ", 1) for line in output.splitlines())
    return {name: digest for digest, name in pairs if name.startswith("venv/lib/")}


def below(folder: Path) -> dict[str, str]:
    files = [path for path in (folder / "venv/lib").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(*command: str | Path, **env: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_gzip_finds_it_whole(made: Archive) -> None:
    run("gzip", "-t", made.path)
    assert len(zlib.decompress(made.path.read_bytes(), 31)) == made.plain_bytes


@pytest.mark.parametrize("program", ["tar", "bsdtar", "busybox tar"])
def test_tar_unpacks_all_of_it_and_it_runs(made: Archive, tmp_path: Path, program: str) -> None:
    command = program.split()
    require(shutil.which(command[0]), f"{program} is not installed")
    (tmp_path / "out").mkdir()
    run(*command, "-xzf", made.path, "-C", tmp_path / "out", LC_ALL="C.UTF-8")
    assert below(tmp_path / "out") == expected(made)
    runs(tmp_path / "out")


def runs(folder: Path) -> None:
    """What was unpacked there, once it is re-homed."""
    run("sh", folder / "venv/bin/rehome", sys.executable)
    assert run(folder / "venv/bin/tool") == f"plain runs in {folder}/venv\n"
    for name in ("python3", "python3.11"):
        assert run(folder / "venv/bin" / name, "-c", "import plain; print(plain.x)") == "1\n"


def test_a_free_threaded_python_is_none_for_it(made: Archive, tmp_path: Path) -> None:
    run("tar", "-xzf", made.path, "-C", tmp_path)
    threaded = tmp_path / "python"
    code = "import sys; sys.abiflags = 't'; exec(sys.argv.pop(1))"
    threaded.write_text(f'#!/bin/sh\nshift 3\nexec {sys.executable} -I -S -c "{code}" "$@"\n')
    threaded.chmod(0o755)
    command: list[str | Path] = ["sh", tmp_path / "venv/bin/rehome", threaded]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"rehome: {threaded} is no Python 3.11 that runs here\n")
    threaded.write_text(threaded.read_text().replace("'t'", "''"))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


# PEP 706: what `filter=None` means, which is `data` since Python 3.14.
AS_SINCE_3_14 = "import shutil, sys, tarfile; tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter); "
UNPACK = "shutil.unpack_archive(sys.argv[1], sys.argv[2])"


def newest_python() -> Path:
    """One of 3.14 or newer where there is one; else that of the tests, which is told to do as 3.14 does."""
    found = [one for one in interpreters.installed(os.environ) if int(one.version.split(".")[1]) >= 14]
    return found[-1].path if found else newer_pythons.program_if_any("3.15") or Path(sys.executable)


@pytest.mark.parametrize(
    "code",
    [UNPACK, "sys.argv[1:1] = ['-e']; tarfile.main()", "tarfile.open(sys.argv[1]).extractall(sys.argv[2])"],
    ids=["shutil", "python -m tarfile", "extractall"],
)
def test_python_unpacks_by_its_own_filter_what_has_no_link_out_and_it_runs(
    made: Archive, without_python: Archive, tmp_path: Path, code: str
) -> None:
    (tmp_path / "out").mkdir()
    run(newest_python(), "-c", AS_SINCE_3_14 + code, without_python.path, tmp_path / "out")
    assert not os.path.lexists(tmp_path / "out/venv/bin/python")
    runs(tmp_path / "out")
    (tmp_path / "refused").mkdir()
    done = subprocess.run(
        [newest_python(), "-c", AS_SINCE_3_14 + code, made.path, tmp_path / "refused"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "'venv/bin/python' is a link to an absolute path" in done.stderr


def test_without_a_python_of_the_machine_the_links_to_one_inside_stay(env: Packable) -> None:
    inside = {"bin/python": Member("bin/python", "l", 0o777, link="../_base/bin/python3.11")}
    with tarfile.open(env.pack(python_path="none", instead=inside).path) as opened:
        links = {one.name: one.linkname for one in opened if one.name.startswith("venv/bin/python")}
    assert links == {"venv/bin/python": "../_base/bin/python3.11", "venv/bin/python3": "python",
                     "venv/bin/python3.11": "python"}  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [UNPACK.replace(")", ", filter='tar')"), "sys.argv[1:1] = ['--filter', 'tar', '-e']; tarfile.main()"],
    ids=["shutil", "python -m tarfile"],
)
def test_python_unpacks_by_the_filter_for_tars_what_has_and_it_runs(made: Archive, tmp_path: Path, code: str) -> None:
    (tmp_path / "out").mkdir()
    run(newest_python(), "-c", AS_SINCE_3_14 + code, made.path, tmp_path / "out")
    assert os.readlink(tmp_path / "out/venv/bin/python") == "/usr/bin/python3.11"
    runs(tmp_path / "out")


@pytest.mark.parametrize("mode", ["r:gz", "r|gz"])
def test_python_reads_all_of_it_also_as_a_stream(made: Archive, mode: str) -> None:
    found = {}
    with tarfile.open(made.path, mode) as opened:  # type: ignore[call-overload]  # the mode is no literal here
        for member in opened:
            if member.name.startswith("venv/lib/") and member.isreg():
                found[member.name] = hashlib.sha256(opened.extractfile(member).read()).hexdigest()
    assert found == expected(made)


def test_go_unpacks_all_of_it_and_it_runs(made: Archive, tmp_path: Path) -> None:
    require(shutil.which("go"), "Go is not installed")
    env = {"GOCACHE": str(tmp_path / "go"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    (tmp_path / "out").mkdir()
    assert told(run("go", "run", READERS / "read.go", made.path, tmp_path / "out", **env)) == expected(made)
    runs(tmp_path / "out")


def test_java_reads_all_of_it(made: Archive) -> None:
    require(shutil.which("java"), "Java is not installed")
    assert told(run("java", READERS / "Read.java", made.path)) == expected(made)
