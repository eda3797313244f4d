"""The loader in the ZIP: unpacks once, whoever comes first, and only where nobody else can have put something."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.requirement import require
from tests.support.wheels import wheel
from venvbuild.snowflake import native_loader as name_only  # noqa: F401  # nothing happens outside of a ZIP
from venvbuild.snowflake.zip import Content, members_of, write

LOADER = Path(__file__).parents[2] / "venvbuild" / "snowflake" / "native_loader.py"
NATIVE = "import _venvbuild_native, nat._bisect; print(nat._bisect.__spec__.origin, nat.where)"


def extension() -> Path:
    """An extension module of this Python's own."""
    found = sorted(Path(sysconfig.get_config_var("DESTSHARED") or "/nowhere").glob("_bisect.*.so"))
    require(found, "this Python has no extension modules of its own")
    return found[0]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    module = extension()
    files: dict[str, str | bytes] = {"nat/__init__.py": "where = __file__\n", f"nat/{module.name}": module.read_bytes()}
    files |= {f"nat/m{number}.py": "" for number in range(300)}  # to be unpacked takes a moment
    source = wheel(tmp_path, "nat", "1.0", files=files)
    content = Content.of([members_of("nat", source, source.name)], {"_venvbuild_native.py": LOADER.read_bytes()})
    write(content, tmp_path / "out.zip", lambda _: b"{}")
    return tmp_path / "out.zip"


def run(root: Path, temporary: Path, script: str = NATIVE) -> subprocess.CompletedProcess[str]:
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {script}"]
    return subprocess.run(command, env={"TMPDIR": str(temporary)}, capture_output=True, text=True, check=False)


def test_without_it_the_native_part_does_not_import(archive: Path, tmp_path: Path) -> None:
    assert "ModuleNotFoundError" in run(archive, tmp_path / "t", "import nat._bisect").stderr


def test_it_imports_and_the_second_time_from_what_is_unpacked(archive: Path, tmp_path: Path) -> None:
    first, second = run(archive, tmp_path / "t"), run(archive, tmp_path / "t")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert first.stdout.startswith(f"{tmp_path}/t/venvbuild-native-")
    [home] = (tmp_path / "t").iterdir()
    assert len([path for path in home.iterdir() if path.is_dir()]) == 1
    assert home.stat().st_mode & 0o777 == 0o700


def test_many_at_once_find_one_whole_folder(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    script = f"import sys; sys.path.insert(0, {str(archive)!r}); sys.stdin.read(); {NATIVE}"
    command = [sys.executable, "-I", "-S", "-c", script]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, env={"TMPDIR": str(tmp_path / "t")}, **pipes) for _ in range(6)]
    for one in started:  # each is there and waits; now all at once
        assert one.stdin
        one.stdin.close()
        one.stdin = None
    said = [one.communicate()[0] for one in started]
    assert [one.returncode for one in started] == [0] * 6
    assert len(set(said)) == 1


def test_what_is_unpacked_already_is_left_alone(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    assert run(folder, tmp_path / "t").stdout.startswith(f"{folder}/nat/")
    assert list((tmp_path / "t").iterdir()) == []


def test_half_a_folder_is_unpacked_again(archive: Path, tmp_path: Path) -> None:
    run(archive, tmp_path / "t")
    [home] = (tmp_path / "t").iterdir()
    [folder] = [path for path in home.iterdir() if path.is_dir()]
    shutil.rmtree(folder / "nat")
    assert run(archive, tmp_path / "t").returncode == 0


def test_another_zip_of_the_same_name_gets_its_own_folder(archive: Path, tmp_path: Path) -> None:
    before = run(archive, tmp_path / "t").stdout
    source = wheel(tmp_path, "nat", "1.0", files={"nat/__init__.py": "where = 'new'\n", "nat/_bisect.py": ""})
    archive.unlink()
    content = Content.of([members_of("nat", source, source.name)], {"_venvbuild_native.py": LOADER.read_bytes()})
    write(content, archive, lambda _: b"{}")
    after = run(archive, tmp_path / "t").stdout
    assert after.endswith("new\n")
    assert after != before


@pytest.mark.parametrize("how", ["open to all", "a link"])
def test_a_folder_that_others_could_have_filled_is_not_used(archive: Path, tmp_path: Path, how: str) -> None:
    run(archive, tmp_path / "t")
    [home] = (tmp_path / "t").iterdir()
    if how == "open to all":
        home.chmod(0o777)
    else:
        home.rename(tmp_path / "theirs")
        home.symlink_to(tmp_path / "theirs")
    ended = run(archive, tmp_path / "t")
    assert "is not ours alone; remove it, or set TMPDIR to another folder" in ended.stderr
    # followed to the letter
    assert run(archive, tmp_path / "other").returncode == 0
