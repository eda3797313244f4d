"""A set-up of the tool that is no longer what was installed is noticed, told in one sentence and made again."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.scripts import REPOSITORY, tool_cache
from tests.support.wheels import wheel
from tests.test_bootstrap import FULL, played, says
from venvbuild import bootstrap
from venvbuild.bootstrap import SetUpFailed
from venvbuild.console import failures

SITE = "lib/python3.11/site-packages"
BYTECODE = f"{SITE}/__pycache__/tiny.cpython-311.pyc"
DAY_S = 24 * 60 * 60


class SetUp:
    """One that was made, by a Python that plays `-m venv` and pip; its distribution is a real wheel, unpacked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.cache, self.lock = folder, folder / "cache" / "venvbuild", folder / "locks" / "base.txt"
        self.lock.parent.mkdir()
        self.lock.write_text("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
        files = {"tiny.py": "x = 1\n", "parts/part.py": "y = 2\n", "tiny-1.0.data/scripts/tiny": "#!/bin/sh\n"}
        made = wheel(folder, "tiny", "1.0", files=files)
        self.installed = folder / "installed"
        with zipfile.ZipFile(made) as archive:
            archive.extractall(self.installed / SITE)
        # As pip does: scripts go into bin, bytecode stands in RECORD without a digest.
        (self.installed / "bin").mkdir()
        (self.installed / SITE / "tiny-1.0.data/scripts/tiny").rename(self.installed / "bin/tiny")
        record = self.installed / SITE / "tiny-1.0.dist-info/RECORD"
        record.write_text(
            record.read_text().replace("tiny-1.0.data/scripts", "../../../bin") + "__pycache__/tiny.cpython-311.pyc,,\n"
        )
        (self.installed / BYTECODE).parent.mkdir()
        (self.installed / BYTECODE).write_bytes(b"bytecode")
        (self.installed / "pyvenv.cfg").write_text("home = /usr/bin\n")
        monkeypatch.setattr(sys, "executable", played(folder, venv=f"cp -R '{self.installed}'/. \"$5\""))
        self.home = bootstrap.home_of(self.lock, self.cache)
        self.make()
        self.files = self.content()

    def make(self) -> Path:
        return bootstrap.set_up(self.lock, self.cache)

    def content(self) -> dict[str, bytes]:
        files = (path for path in self.home.rglob("*") if path.is_file())
        return {str(path.relative_to(self.home)): path.read_bytes() for path in files}

    def grow_old(self) -> None:
        """As if it was made three days ago, and looked at the day before yesterday."""
        for path in self.home.rglob("*"):
            os.utime(path, (time.time() - 3 * DAY_S,) * 2)
        time.sleep(0.02)  # the clock of a file system goes in steps
        os.utime(self.home / "seal", (time.time() - 2 * DAY_S,) * 2)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> SetUp:
    set_up = SetUp(tmp_path, monkeypatch)
    capsys.readouterr()
    return set_up


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def flip_a_bit_and_put_its_time_back(path: Path) -> None:
    before = path.stat()
    flip_a_bit(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def link_elsewhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nobody/has/this")


def put_a_file_in_its_place(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("")


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put_a_folder_in_its_place(path: Path) -> None:
    remove(path)
    path.mkdir()


def link_to_itself(path: Path) -> None:
    remove(path)
    path.symlink_to(path.name)


def put_a_fifo_in_its_place(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


def put_a_device_in_its_place(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def may_not_run(path: Path) -> None:
    path.chmod(0o644)


def may_be_run_by_others_alone(path: Path) -> None:
    path.chmod(0o655)


def remove_all_of(record: Path) -> None:
    (record.parents[1] / "tiny.py").unlink()
    shutil.rmtree(record.parent)


MODULE, RECORD = f"{SITE}/tiny.py", f"{SITE}/tiny-1.0.dist-info/RECORD"
Damage = Callable[[Path], None]
ANYWHERE: list[Damage] = [empty, halve, flip_a_bit, Path.unlink]
NO_FILE: list[Damage] = [put_a_folder_in_its_place, link_to_itself, put_a_fifo_in_its_place, put_a_device_in_its_place]
IN_ITS_PLACE: list[Damage] = [remove, link_to_itself, put_a_fifo_in_its_place, put_a_file_in_its_place]
GONE_OR_NO_FILE: list[Damage] = [Path.unlink, link_elsewhere, *NO_FILE]
AT_ONCE: list[tuple[str, Damage]] = [
    *itertools.product(("bin/python", "pyvenv.cfg"), GONE_OR_NO_FILE),
    ("bin/python", empty),
    ("bin/python", may_not_run),
    ("bin/python", may_be_run_by_others_alone),
    ("bin", link_to_itself),
    *itertools.product((f"{SITE}/own.pth", f"{SITE}/own.start"), (put_a_fifo_in_its_place, link_to_itself)),
    ("seal", put_a_folder_in_its_place),
]
"""What is noticed without a look at all: Python would not start, or would wait for the writer of a FIFO."""
DAMAGES: list[tuple[str, Damage]] = [
    *itertools.product((MODULE, "bin/tiny", RECORD, "pyvenv.cfg", "bin/python"), ANYWHERE),
    *itertools.product((MODULE, "seal"), NO_FILE),
    *itertools.product((f"{SITE}/parts",), IN_ITS_PLACE),
    (SITE, link_to_itself),
    (SITE, put_a_fifo_in_its_place),
    (f"{SITE}/tiny-1.0.dist-info", link_to_itself),
    ("lib", link_to_itself),
    (MODULE, flip_a_bit_and_put_its_time_back),
    (MODULE, link_elsewhere),
    (RECORD, remove_all_of),
    (SITE, put_a_file_in_its_place),
    ("lib", shutil.rmtree),
    ("bin/python", link_elsewhere),
]


@pytest.mark.parametrize(
    ("name", "damage", "is_due"), [*((*one, True) for one in DAMAGES), *((*one, False) for one in AT_ONCE)]
)
def test_a_damaged_set_up_is_made_again_and_told_once(
    made: SetUp, name: str, damage: Damage, is_due: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if is_due:
        made.grow_old()
    damage(made.home / name)
    assert made.make() == made.home / "bin" / "python"
    [sentence] = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"venvbuild: its own set-up is damaged \(.+ (is gone|is gone, or leads nowhere|is no file|is no program|has "
        rf"other bytes.*|has not the size.*)\), installing it again into {made.home}",
        sentence,
    )
    assert made.content() == made.files
    assert sorted(path.name for path in made.cache.iterdir()) == [made.home.name, f"{made.home.name}.lock"]
    made.grow_old()
    made.make()
    assert capsys.readouterr().err == ""


def test_a_set_up_that_is_made_again_by_its_own_python_is_of_the_python_that_this_leads_to(
    made: SetUp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without its pyvenv.cfg it takes itself for that."""
    program, asked = Path(sys.executable), tmp_path / "asked"
    program.write_text(program.read_text().replace("\n", f'\necho "$0" >{asked}\n', 1))
    (made.home / "bin/python").unlink()
    (made.home / "bin/python").symlink_to(program)
    (made.home / "pyvenv.cfg").unlink()
    monkeypatch.setattr(sys, "executable", str(made.home / "bin/python"))
    assert made.make() == made.home / "bin/python"
    assert asked.read_text() == f"{program}\n"


@pytest.mark.parametrize(("name", "damage"), AT_ONCE)
def test_a_press_of_tab_starts_only_what_starts(
    made: SetUp, name: str, damage: Damage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "REPOSITORY", made.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.cache.parent))
    monkeypatch.setenv("_VENVBUILD_COMPLETE", "zsh_complete")
    monkeypatch.setattr("venvbuild.bootstrap.signal.signal", lambda *_: None)
    started: list[Path] = []
    monkeypatch.setattr("venvbuild.bootstrap.os.execv", lambda python, _: started.append(python))
    damage(made.home / name)
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert ended.value.code == 1
    assert started == ([made.home / "bin" / "python"] if name == "seal" else [])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("ahead_s", "is_looked_at"), [(23 * 3600, False), (25 * 3600, True), (-3600, True)])
def test_a_set_up_is_looked_at_once_a_day_and_after_a_clock_was_wrong(
    made: SetUp, ahead_s: int, is_looked_at: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (made.home / MODULE).write_text("")
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + ahead_s)
    made.make()
    assert ("is damaged" in capsys.readouterr().err) == is_looked_at


def test_what_was_damaged_since_a_look_by_a_clock_that_was_ahead_is_found(
    made: SetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flip_a_bit(made.home / MODULE)
    os.utime(made.home / MODULE, (time.time() - 3600,) * 2)
    time.sleep(0.02)  # the clock of a file system goes in steps
    seal = made.home / "seal"
    seal.write_bytes(seal.read_bytes())
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now - 3600)
    made.make()
    assert "tiny.py has other bytes" in capsys.readouterr().err


def test_where_the_clock_of_the_file_system_is_ahead_not_every_start_looks(
    made: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time() - 300
    monkeypatch.setattr("time.time", lambda: now)
    monkeypatch.setattr("time.time_ns", lambda: int(now * 1e9))
    assert bootstrap._is_due(made.home)
    made.make()
    assert not bootstrap._is_due(made.home)


def test_what_is_damaged_while_the_look_goes_on_is_found_by_the_next(
    made: SetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made.grow_old()
    as_it_is = bootstrap._differing

    def meanwhile(record: Path, since: tuple[int, int], named: set[str]) -> Iterator[str]:
        yield from as_it_is(record, since, named)
        flip_a_bit(made.home / MODULE)
        time.sleep(0.02)

    with monkeypatch.context() as looking:
        looking.setattr("venvbuild.bootstrap._differing", meanwhile)
        made.make()
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 2 * DAY_S)
    made.make()
    assert "tiny.py has other bytes" in capsys.readouterr().err


def test_a_look_reads_only_what_was_written_to_and_is_remembered(
    made: SetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made.grow_old()
    read: list[str] = []
    as_it_is = hashlib.file_digest

    def noted(file: BufferedReader, kind: str) -> object:
        read.append(file.name)
        return as_it_is(file, kind)

    monkeypatch.setattr("venvbuild.bootstrap.hashlib.file_digest", noted)
    (made.home / MODULE).write_text("x = 1\n")  # the same
    made.make()
    assert read == [str(made.home / SITE / "tiny.py")]
    assert time.time() - (made.home / "seal").stat().st_mtime < 3600
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "name",
    [
        "evil.pth",
        "evil.start",
        "sitecustomize.py",
        "tiny/__init__.py",
        "tiny.abi3.so",
        "parts/part.cpython-311-x86_64-linux-gnu.so",
        "space/of/names/evil.pyc",
        "evil-1.0.dist-info/RECORD",
    ],
)
def test_code_that_came_to_it_is_damage(made: SetUp, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    added = made.home / SITE / name
    added.parent.mkdir(parents=True, exist_ok=True)
    added.write_text("")
    made.grow_old()
    made.make()
    assert re.search(rf"set-up is damaged \(\S*{added.name} is (new|in no RECORD)\)", capsys.readouterr().err)
    assert made.content() == made.files


def test_a_link_to_code_elsewhere_is_damage(made: SetUp, capsys: pytest.CaptureFixture[str]) -> None:
    (made.folder / "elsewhere").mkdir()
    (made.home / SITE / "evil").symlink_to(made.folder / "elsewhere")
    made.grow_old()
    made.make()
    assert "(evil is in no RECORD)" in capsys.readouterr().err
    assert made.content() == made.files


def test_what_came_to_it_and_is_no_code_is_left_and_bytecode_made_again(
    made: SetUp, capsys: pytest.CaptureFixture[str]
) -> None:
    made.grow_old()
    made.make()
    kept, new = (made.home / SITE / name for name in ("parts/cache.json", "parts/__pycache__/part.cpython-311.pyc"))
    new.parent.mkdir()
    for path in (kept, new):
        path.write_text("")
    os.utime(made.home / "seal", (time.time() - 2 * DAY_S,) * 2)
    made.make()
    assert (kept.exists(), new.exists(), capsys.readouterr().err) == (True, False, "")


@pytest.mark.parametrize("damage", [flip_a_bit, flip_a_bit_and_put_its_time_back, put_a_fifo_in_its_place])
@pytest.mark.parametrize("has_seal", [True, False])
def test_bytecode_that_may_have_been_written_to_is_left_to_python_to_make_again(
    made: SetUp, damage: Damage, has_seal: bool
) -> None:
    made.grow_old()
    made.make()
    assert (made.home / BYTECODE).exists()
    made.grow_old()
    damage(made.home / BYTECODE)
    if not has_seal:  # nobody knows since when
        os.utime(made.home / BYTECODE, (0, 0))
        (made.home / "seal").unlink()
    made.make()
    assert not (made.home / BYTECODE).exists()
    assert (made.home / MODULE).exists()


@pytest.mark.parametrize("damage", [put_a_fifo_in_its_place, put_a_device_in_its_place, link_to_itself])
@pytest.mark.parametrize("folder", ["", "parts/", "space/of/names/"])
def test_bytecode_that_python_would_wait_for_is_gone_after_a_look(made: SetUp, folder: str, damage: Damage) -> None:
    made.grow_old()
    bytecode = made.home / SITE / folder / "__pycache__/part.cpython-311.pyc"
    bytecode.parent.mkdir(parents=True, exist_ok=True)
    bytecode.touch()
    damage(bytecode)
    assert made.make() == made.home / "bin" / "python"
    assert not os.path.lexists(bytecode)


def test_a_set_up_of_before_there_were_seals_is_looked_at_as_well(
    made: SetUp, capsys: pytest.CaptureFixture[str]
) -> None:
    (made.home / "seal").unlink()
    made.make()
    assert capsys.readouterr().err == ""
    assert (made.home / "seal").exists()
    (made.home / "seal").unlink()
    flip_a_bit(made.home / MODULE)
    made.make()
    assert "tiny.py has other bytes than its RECORD says" in capsys.readouterr().err


def add_distribution(made: SetUp, name: str) -> None:
    record = made.home / SITE / f"{name}.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("")


@pytest.mark.parametrize("has_seal", [True, False])
def test_a_set_up_that_lacks_a_pin_of_the_lock_is_made_again_whatever_its_seal_says(
    made: SetUp, has_seal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it was left by a pip that was told to install elsewhere: pip alone is in it."""
    shutil.rmtree(made.home / SITE)
    add_distribution(made, "pip-24.0")
    (made.home / "seal").unlink()
    if has_seal:
        bootstrap._write_seal(made.home, bootstrap._digests(made.home))
        made.grow_old()
    made.make()
    assert "set-up is damaged (tiny is gone), installing it again" in capsys.readouterr().err
    assert made.content() == made.files


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ("tiny==1.0 \\\n    --hash=sha256:00\n    # via other==1.0", ""),
        ("TINY==1.0 --hash=sha256:00", ""),
        ("tiny==1.1 \\\n    --hash=sha256:00", "tiny is gone"),
        ("tiny-er==1.0 \\", "tiny-er is gone"),
        ("other==1.0 ; sys_platform == 'win32' \\", ""),
        ("Zope.Inter-face[test]==1.0.post1+cu118 \\", ""),
    ],
)
def test_a_pin_is_there_by_its_name_in_any_spelling_and_its_version_and_one_with_a_marker_is_passed_over(
    made: SetUp, pin: str, said: str
) -> None:
    add_distribution(made, "zope_inter_face-1.0.post1+cu118")
    (made.home / "seal").unlink()
    lock = made.folder / "other.txt"
    lock.write_text(f"{pin}\n")
    assert bootstrap.damage(made.home, lock) == said


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [empty, halve, flip_a_bit, fill_with_zeros, Path.unlink])
def test_a_damaged_seal_vouches_for_nothing(made: SetUp, damage: Damage, capsys: pytest.CaptureFixture[str]) -> None:
    made.grow_old()
    flip_a_bit_and_put_its_time_back(made.home / MODULE)
    time.sleep(0.02)
    damage(made.home / "seal")
    if (made.home / "seal").exists():
        os.utime(made.home / "seal", (time.time() - 2 * DAY_S,) * 2)
    made.make()
    assert "its own set-up is damaged" in capsys.readouterr().err
    assert made.content() == made.files


def test_what_cannot_be_made_again_stays_for_who_may_look_and_is_not_run(
    made: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.grow_old()
    (made.home / MODULE).write_text("")
    program = Path(sys.executable)
    whole = program.read_text()
    program.write_text(f"#!/bin/sh\n{says(FULL)}\n")
    for _ in range(2):
        with pytest.raises(SetUpFailed, match="make room") as failed:
            made.make()
        assert failed.value.exit_code == 7
        assert sorted(path.name for path in made.cache.iterdir()) == [made.home.name, f"{made.home.name}.lock"]
        assert (made.home / MODULE).read_bytes() == b""
    program.write_text(whole)
    made.make()
    assert made.content() == made.files


def test_a_bug_of_a_damaged_set_up_is_none_and_the_next_run_has_a_whole_one(
    made: SetUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "REPOSITORY", made.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.cache.parent))
    monkeypatch.setattr(sys, "path", [*sys.path, str(made.home / SITE)])
    bug = AttributeError("module 'tiny' has no attribute 'x'")
    assert failures.told(bug, as_json=False) == 1
    assert "a bug in venvbuild" in capsys.readouterr().err
    (made.home / MODULE).write_text("")
    assert failures.told(bug, as_json=False) == 7
    said = capsys.readouterr().err
    assert "error: the tool's own set-up was damaged\n" in said
    assert "fix: it is made again: run the same command once more\n" in said
    assert made.content() == made.files
    (made.home / MODULE).write_text("")
    Path(sys.executable).write_text(f"#!/bin/sh\n{says(FULL)}\n")
    assert failures.told(bug, as_json=False) == 7
    assert "error: the tool's own set-up is damaged and cannot be made again\n" in capsys.readouterr().err


def test_the_wheels_of_our_own_lock_have_right_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every look would find damage."""
    name = bootstrap.home_of(REPOSITORY / "locks" / "base.txt", Path()).name
    for home in (tool_cache() / "venvbuild").glob(f"{name.rpartition('-py')[0]}-*[!k]"):
        (home / "seal").unlink(missing_ok=True)
        with monkeypatch.context() as others_use_its_bytecode:
            others_use_its_bytecode.setattr("venvbuild.bootstrap.os.unlink", lambda _: None)
            assert bootstrap.damage(home, REPOSITORY / "locks" / "base.txt") == ""


@pytest.mark.parametrize(
    ("umask", "mode"), [(0o022, 0o755), (0o002, 0o755), (0, 0o755), (0o027, 0o750), (0o077, 0o700)]
)
def test_others_may_read_a_set_up_as_the_umask_says_and_never_write_to_it(made: SetUp, umask: int, mode: int) -> None:
    shutil.rmtree(made.home)
    before = os.umask(umask)
    try:
        made.make()
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    folders = {path.stat().st_mode & 0o777 for path in (made.home, made.home / "bin")}
    assert (folders, (made.home / "seal").stat().st_mode & 0o777) == ({mode}, mode & 0o644)
    assert made.content() == made.files


def test_who_may_only_read_a_set_up_of_another_user_uses_it(made: SetUp) -> None:
    require(os.geteuid() == 0, "only root can become somebody who has no rights")
    made.grow_old()
    # As somebody else, below folders which only root may enter; `access` is asked for the one that we are then.
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from venvbuild import bootstrap; from pathlib import Path\n"
        "os.chdir(sys.argv[2]); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(bootstrap._is_due(Path('.')))"
    )
    for path in made.home.rglob("*"):
        path.chmod(0o755)
    said = {}
    for mode in (0o755, 0o777):
        made.home.chmod(mode)
        command = [os.path.realpath("/proc/self/exe"), "-c", script, str(REPOSITORY), str(made.home)]
        said[mode] = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == {0o755: "False\n", 0o777: "True\n"}
