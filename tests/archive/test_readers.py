"""Every reader sees one ordinary .tar.gz, and in it every file with the right bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path

import pytest

from tests.support.packing import Packable
from tests.support.requirement import require
from venvbuild.archive import compression
from venvbuild.archive.packing import Archive

READERS = Path(__file__).parents[1] / "readers"
WHEELS = {
    "plain": {"plain.py": "x = 1\n", "plain/empty": ""},
    "long": {"d" * 90 + "/" + "f" * 120: "deep", "long/näme ☃.txt": "snow", "long/" + "é" * 60: "many bytes"},
    "large": {"large.bin": "0123456789abcdef" * 20_000},
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Fragments of 100 kB, so that a large file lies over several."""
    monkeypatch.setattr(compression, "PIECE_BYTES", 100_000)
    env = Packable(tmp_path)
    for name, files in WHEELS.items():
        env.install(name, files=files)
    (env.site / "unclaimed").write_bytes(os.urandom(250_000))
    (env.venv / "lib64").symlink_to("lib")
    return env.pack()


def expected(made: Archive) -> dict[str, str]:
    """The sha256 of every file in the environment, by its name in the archive."""
    venv = made.path.parent / "venv"
    files = [path for path in (venv / "lib").rglob("*") if path.is_file()]
    return {f"venv/{path.relative_to(venv)}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def told(output: str) -> dict[str, str]:
    """From lines of digest and name; without what the archive brings itself."""
    pairs = (line.split(" ", 1) for line in output.splitlines())
    return {name: digest for digest, name in pairs if name not in ("venv/bin/rehome", "venv/pyvenv.cfg")}


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


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_tar_unpacks_all_of_it(made: Archive, tmp_path: Path, program: str) -> None:
    require(shutil.which(program), f"{program} is not installed")
    (tmp_path / "out").mkdir()
    run(program, "-xzf", made.path, "-C", tmp_path / "out", LC_ALL="C.UTF-8")
    assert below(tmp_path / "out") == expected(made)


@pytest.mark.parametrize("mode", ["r:gz", "r|gz"])
def test_python_reads_all_of_it_also_as_a_stream(made: Archive, mode: str) -> None:
    found = {}
    with tarfile.open(made.path, mode) as opened:  # type: ignore[call-overload]  # the mode is no literal here
        for member in opened:
            if member.name.startswith("venv/lib/") and member.isreg():
                found[member.name] = hashlib.sha256(opened.extractfile(member).read()).hexdigest()
    assert found == expected(made)


def test_go_reads_all_of_it(made: Archive, tmp_path: Path) -> None:
    require(shutil.which("go"), "Go is not installed")
    env = {"GOCACHE": str(tmp_path / "go"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    assert told(run("go", "run", READERS / "read.go", made.path, **env)) == expected(made)


def test_java_reads_all_of_it(made: Archive) -> None:
    require(shutil.which("java"), "Java is not installed")
    assert told(run("java", READERS / "Read.java", made.path)) == expected(made)
