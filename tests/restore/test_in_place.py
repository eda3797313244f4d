"""Targets that cannot be replaced by a rename: mount points, folders whose parent may not be written, lower layers."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import Made, archive, environment, file, folder
from tests.support.supplies import here
from tests.support.users import NOBODY, as_user, require_open_clone
from tests.support.volumes import Mounts
from venvbuild.archive import FragmentCache
from venvbuild.errors import UsageError
from venvbuild.restore import restoring, targets
from venvbuild.restore.restoring import Restored, RestoreOptions

BASE = environment(here().version)
ONE = archive(BASE, [folder("lib/a"), file("lib/a/x.py", b"a" * 5000)], [file("one/b.py", b"b")])
TWO = archive(BASE, [folder("lib/a"), file("lib/a/x.py", b"2" * 5000)], [file("two.py")])
WHOLE = {".venvbuild.json", "bin", "lib", "pyvenv.cfg"}


def got(target: Path, made: Made = ONE) -> Restored:
    """Restored by whoever runs this."""
    machine = RestoreOptions(lambda _: here(), FragmentCache(Path("/nonexistent/cache")), "99.0", lambda *_: None)
    return restoring.from_archive(written(target, made), target, machine)


def written(target: Path, made: Made) -> Path:
    place = target.parents[1] / f"archive {len(made.body)}"
    return place / "made.tar.gz" if place.exists() else made.written(place)


def tops(target: Path) -> set[str]:
    return {path.name for path in target.iterdir()}


def everything(target: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in target.rglob("*")}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "place" / "venv").mkdir(parents=True)
    return tmp_path / "place" / "venv"


def a_tmpfs(target: Path, mounts: Mounts) -> None:
    mounts.tmpfs(target)


def a_tmpfs_below_a_link(target: Path, mounts: Mounts) -> None:
    target.parent.rename(target.parents[1] / "a place")
    target.parent.symlink_to("a place")
    mounts.tmpfs(target)


def a_folder_of_the_same_disk(target: Path, mounts: Mounts) -> None:
    (target.parents[1] / "host").mkdir()
    mounts.bind(target.parents[1] / "host", target)


def a_folder_of_another_disk(target: Path, mounts: Mounts) -> None:
    (target.parents[1] / "disk").mkdir()
    (mounts.tmpfs(target.parents[1] / "disk") / "host").mkdir()
    mounts.bind(target.parents[1] / "disk" / "host", target)


def a_fresh_disk(target: Path, mounts: Mounts) -> None:
    (mounts.tmpfs(target) / "lost+found").mkdir(mode=0o700)


@pytest.mark.parametrize(
    "there", [a_tmpfs, a_tmpfs_below_a_link, a_folder_of_the_same_disk, a_folder_of_another_disk, a_fresh_disk]
)
def test_a_mount_point_is_filled_where_it_is_and_again(
    there: Callable[[Path, Mounts], None], target: Path, mounts: Mounts
) -> None:
    there(target, mounts)
    own, before = tops(target), target.stat()
    for made, more in ((ONE, "one"), (TWO, "two.py"), (ONE, "one")):
        restored = got(target, made)
        assert tops(target) == WHOLE | {more} | own
        says: list[str | Path] = [target / "bin" / "python", "-c", "import sys; print(sys.prefix)"]
        assert subprocess.run(says, capture_output=True, text=True, check=True).stdout == f"{target}\n"
        (warning,) = restored.warnings
        assert warning.as_line().startswith(f"{target}: the folder was filled in place, which is not done at once: ")
        assert warning.why == "it is a mount point"
        assert tops(target.parent) == {"venv"}
    after = target.stat()
    assert (after.st_ino, after.st_uid, after.st_mode) == (before.st_ino, before.st_uid, before.st_mode)


@pytest.mark.parametrize(
    ("mode", "owner", "why"),
    [(0o755, NOBODY, "nothing can be put beside it: Permission denied"), (0o1777, 12, "only its owner may rename it")],
    ids=["not writable", "sticky"],
)
def test_a_folder_among_those_of_others_is_filled_where_it_is(
    open_folder: Path, mode: int, owner: int, why: str
) -> None:
    require_open_clone()
    target = open_folder / "place" / "venv"
    target.mkdir(parents=True)
    target.chmod(0o777)
    os.chown(target, owner, owner)
    target.parent.chmod(mode)
    for made, more in ((ONE, "one"), (TWO, "two.py")):
        written(target, made)

        def fill(made: Made = made) -> str:
            return got(target, made).warnings[0].why

        assert as_user(NOBODY, fill) == why
        assert tops(target) == WHOLE | {more}
        assert tops(target.parent) == {"venv"}


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_fetched(
    open_folder: Path, mounts: Mounts
) -> None:
    (open_folder / "venv").mkdir()

    def refusal() -> str:
        with pytest.raises(UsageError) as caught, targets.staged(open_folder / "venv"):
            pass
        return caught.value.problems[0].what

    open_folder.chmod(0o777)
    assert as_user(NOBODY, refusal) == "no access: Permission denied"
    mounts.tmpfs(open_folder / "venv", "size=1m,mode=777")
    subprocess.run(["mount", "-o", "remount,ro", open_folder / "venv"], check=True)
    assert refusal() == "no access: Read-only file system"


def test_a_mount_point_that_holds_something_is_refused(target: Path, mounts: Mounts) -> None:
    (mounts.tmpfs(target) / "mine").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        got(target)
    assert tops(target) == {"mine"}


def test_what_a_disk_has_of_its_own_is_somebodys_in_an_ordinary_folder(target: Path) -> None:
    (target / "lost+found").mkdir()
    with pytest.raises(UsageError, match="nothing was touched"):
        got(target)


def test_what_is_mounted_in_an_environment_is_not_removed_with_it(target: Path, mounts: Mounts) -> None:
    got(target)
    (target / "share").mkdir()
    (mounts.tmpfs(target / "share") / "precious").write_text("")
    with pytest.raises(UsageError, match="something is mounted in the target") as caught:
        got(target, TWO)
    assert (target / "share" / "precious").exists()
    command = shlex.split(caught.value.problems[0].fix.partition(", or")[0])
    assert command == ["umount", str(target / "share")]
    subprocess.run(command, check=True)
    got(target, TWO)
    assert tops(target) == {*WHOLE, "two.py"}


def test_an_environment_of_a_lower_layer_is_replaced(tmp_path: Path, mounts: Mounts) -> None:
    (tmp_path / "image" / "opt").mkdir(parents=True)
    got(tmp_path / "image" / "opt" / "venv")
    (tmp_path / "container").mkdir()
    mounts.layered(tmp_path / "image", tmp_path / "container")
    target = tmp_path / "container" / "opt" / "venv"
    (warning,) = got(target, TWO).warnings
    assert "lower layer" in warning.why
    assert tops(target) == {*WHOLE, "two.py"}
    assert (target / "lib" / "a" / "x.py").read_bytes() == b"2" * 5000
    assert tops(target.parent) == {"venv"}


@pytest.mark.parametrize(("old", "renames"), [(None, 4), (ONE, 8)], ids=["empty", "ours"])
def test_whichever_rename_fails_all_is_as_it_was(
    target: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch, old: Made | None, renames: int
) -> None:
    mounts.tmpfs(target)
    if old:
        got(target, old)
    before = everything(target)
    real, left = Path.rename, 0

    def failing(path: Path, to: Path) -> Path:
        nonlocal left
        left -= target in (path.parent, to.parent)
        if left == 0:
            left = -1000  # what moves it back succeeds
            raise OSError(5, "as the test wants it")
        return real(path, to)

    monkeypatch.setattr(Path, "rename", failing)
    for number in range(1, renames + 1):
        left = number
        with pytest.raises(Exception, match="as the test wants it"):
            got(target, TWO)
        assert everything(target) == before
    left = renames + 1
    got(target, TWO)  # that were all
    assert tops(target) == {*WHOLE, "two.py"}
