"""How an archive gets its name: what it may replace, and its sum beside it, whatever happens on the way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.wheels import wheel
from venvbuild.archive import place, placement, refuse_ending, refuse_others, sum_file
from venvbuild.errors import StoreUnavailable, UsageError
from venvbuild.foreign import Wanted, pack


def placed(folder: Path, name: str, body: bytes) -> Path:
    building, output = folder / "building", folder / name
    building.write_bytes(body)
    place(building, output, hashlib.sha256(body).hexdigest())
    return output


@pytest.mark.parametrize(
    "name",
    ["plain.tar.gz", "a name.tgz", "back\\slash\\n.tar.gz", "two\nlines.tgz", "b\\oth\n.tgz", "c\rr.tgz", "-x.tgz",
     " *star.tgz", "é\udcff.tgz"],
)  # fmt: skip
def test_sha256sum_accepts_the_sum_of_any_name(tmp_path: Path, name: str) -> None:
    output = placed(tmp_path, name, b"bytes")
    command = ["sha256sum", "--strict", "-c", f"./{sum_file(output).name}"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    output.write_bytes(b"other")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("killed_at", ["fchmod", "unlink", "rename", "rename again"])
def test_no_sum_lies_beside_the_bytes_of_another_archive(
    tmp_path: Path, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = placed(tmp_path, "a.tgz", b"old")

    def killed(*_: object) -> None:
        os.kill(os.getpid(), 9)

    child = os.fork()
    if not child:
        if killed_at == "fchmod":
            monkeypatch.setattr(os, "fchmod", killed)
        elif killed_at == "unlink":
            monkeypatch.setattr(Path, "unlink", killed)
        else:
            real, count = Path.rename, [killed_at == "rename again"]
            monkeypatch.setattr(Path, "rename", lambda one, to: real(one, to) if count and count.pop() else killed())
        placed(tmp_path, "a.tgz", b"new")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    body = output.read_bytes()
    assert body == (b"new" if killed_at == "rename again" else b"old")
    if sum_file(output).exists():
        assert sum_file(output).read_text().split()[0] == hashlib.sha256(body).hexdigest()
    placed(tmp_path, "a.tgz", b"newer")
    assert sum_file(output).read_text().split()[0] == hashlib.sha256(b"newer").hexdigest()


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("env", "env.tar.gz"),
        ("env.tar", "env.tar.gz"),
        ("env.zip", "env.tar.gz"),
        ("env.TAR.GZ", "env.tar.gz"),
        ("env-1.2", "env-1.2.tar.gz"),
        ("env.tar.zst", "env.tar.gz"),
        ("env.tgz.bak", "env.tgz.bak.tar.gz"),
        ("an env.zip", "'an env.tar.gz'"),
        (".zip", ".zip.tar.gz"),
    ],
)
def test_another_ending_is_refused_with_a_name_that_will_do(name: str, better: str) -> None:
    with pytest.raises(UsageError, match=r"ends in \.tar\.gz or \.tgz") as refused:
        refuse_ending(Path(name))
    assert "Spark" in refused.value.problems[0].why
    assert refused.value.problems[0].fix == f"-o {better}"
    refuse_ending(Path(better.strip("'")))


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("placement")
    return foreign.make("uv", "3.11", folder / "venv", wheel(folder, "app", "1.0"))


def others_file(kind: str, path: Path) -> None:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("my notes\n")
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        folder = path.parent / "folder"
        folder.mkdir(exist_ok=True)
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, "venv")


@pytest.mark.parametrize("kind", ["empty", "text", "link", "another archive"])
@pytest.mark.parametrize("is_sum", [False, True])
def test_a_file_of_somebody_else_is_replaced_only_by_force(tmp_path: Path, venv: Path, kind: str, is_sum: bool) -> None:
    output = tmp_path / "packed.tar.gz"
    theirs = sum_file(output) if is_sum else output
    others_file(kind, theirs)
    before = theirs.readlink() if kind == "link" else theirs.read_bytes()
    with pytest.raises(UsageError, match=r"nothing was touched|cannot be read") as refused:
        pack(venv, output, Wanted(1))
    assert refused.value.problems[0].where == str(theirs)
    assert before == (theirs.readlink() if kind == "link" else theirs.read_bytes())
    assert "--force" in refused.value.problems[0].fix
    made = pack(venv, output, Wanted(1), force=True)
    assert hashlib.sha256(output.read_bytes()).hexdigest() == made.sha256
    assert Path(made.sha256_file).read_bytes() == placement.sum_line(output.name, made.sha256)
    # ours it may replace
    assert pack(venv, output, Wanted(1)) == made
    refuse_others(output)


@pytest.mark.parametrize("count", [0, 1])
def test_a_disk_without_inodes_is_told_and_nothing_is_left(
    venv: Path, few_inodes: Callable[[int], Path], count: int
) -> None:
    folder = few_inodes(count)
    with pytest.raises(StoreUnavailable, match="no inodes left"):
        pack(venv, folder / "a.tgz", Wanted(1))
    assert not list(folder.iterdir())


def test_a_folder_is_replaced_not_even_by_force_and_a_long_name_is_named(tmp_path: Path, venv: Path) -> None:
    (tmp_path / "a.tgz.sha256").mkdir()
    with pytest.raises(UsageError, match="no place for a file"):
        pack(venv, tmp_path / "a.tgz", Wanted(1), force=True)
    for length in (244, 300):
        with pytest.raises(UsageError, match="File name too long") as refused:
            pack(venv, tmp_path / f"{'x' * length}.tgz", Wanted(1))
        assert refused.value.problems[0].fix == "give it a shorter name"
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz.sha256"]
