"""A folder in the place of another one: owner, group, mode and ACL, of it and of what is made in it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.archives import archive, environment, file, folder
from tests.support.requirement import require
from tests.support.supplies import here
from tests.support.users import NOBODY, as_user, require_open_clone
from venvbuild.archive import FragmentCache
from venvbuild.restore import restoring
from venvbuild.restore.restoring import Restored, RestoreOptions

TEAM = 1234
MADE = archive(environment(here().version), [folder("lib/a"), folder("lib/a/b"), file("lib/a/b/x.py")])
# struct posix_acl_xattr (linux/posix_acl_xattr.h): rwx for the owner and for the user 1234, r-x for the others.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 7, 0xFFFFFFFF), (2, 7, 1234), (4, 5, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF), (32, 5, 0xFFFFFFFF))
)
ACLS = ("system.posix_acl_access", "system.posix_acl_default")


@pytest.fixture
def target(open_folder: Path) -> Path:
    """A folder that root made."""
    require(os.geteuid() == 0, "only root can give a folder away")
    target = open_folder / "venv"
    target.mkdir()
    return target


def got(target: Path) -> Restored:
    machine = RestoreOptions(lambda _: here(), FragmentCache(target.parent / "cache"), "99.0", lambda *_: None)
    made = MADE.written(target.parent / "archive")
    (target.parent / "archive").chmod(0o755)
    return restoring.from_archive(made, target, machine)


@pytest.fixture(params=[0o022, 0o077], ids=["umask 022", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mode", [0o2775, 0o770, 0o700, 0o3777])
def test_owner_group_and_mode_of_a_made_target_stay_however_often_it_is_filled(target: Path, mode: int) -> None:
    os.chown(target, NOBODY, TEAM)
    target.chmod(mode)
    for _ in range(2):
        restored = got(target)
        facts = target.stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777) == (NOBODY, TEAM, mode)
        assert restored.warnings == ()  # at once, all the same
        inside = (target / "lib" / "a" / "b").stat()
        has_setgid = bool(mode & 0o2000)
        assert (inside.st_gid, inside.st_mode & 0o7777) == ((TEAM, 0o2755) if has_setgid else (os.getgid(), 0o755))
        for name in ("lib/a/b/x.py", "pyvenv.cfg", "bin/activate.sh", ".venvbuild.json"):
            assert (target / name).stat().st_gid == inside.st_gid


def test_a_new_target_is_as_its_folder_makes_new_ones(target: Path) -> None:
    target.rmdir()
    os.chown(target.parent, 0, TEAM)
    target.parent.chmod(0o2775)
    got(target)
    assert [(path.stat().st_gid, path.stat().st_mode & 0o7777) for path in (target, target / "lib" / "a")] == [
        (TEAM, 0o2755)
    ] * 2


def test_a_plain_target_in_a_folder_with_setgid_stays_plain(target: Path) -> None:
    target.parent.chmod(0o2755)
    os.chown(target.parent, 0, TEAM)
    got(target)
    for path in (target, target / "lib" / "a", target / "lib" / "a" / "b" / "x.py"):
        assert (path.stat().st_gid, path.stat().st_mode & 0o2000) == (0, 0)


def test_an_acl_stays_and_is_given_to_what_is_made(target: Path) -> None:
    try:
        for name in ACLS:
            os.setxattr(target, name, ACL)
    except OSError as error:
        require(False, f"this file system has no ACLs: {error.strerror}")
    for _ in range(2):
        assert got(target).warnings == ()
        assert [os.getxattr(target, name) for name in ACLS] == [ACL, ACL]
        assert os.getxattr(target / "lib" / "a", ACLS[1]) == ACL
        assert ACLS[0] in os.listxattr(target / "pyvenv.cfg")


def test_what_cannot_be_given_to_another_folder_makes_it_filled_in_place(target: Path) -> None:
    require_open_clone()
    target.parent.chmod(0o777)
    target.chmod(0o777)
    before = target.stat()

    def fill() -> str:
        # nobody cannot make a folder that is root's
        return got(target).warnings[0].why

    why = as_user(NOBODY, fill)
    assert "its owner, group or attributes" in str(why)
    after = target.stat()
    assert (after.st_ino, after.st_uid, after.st_mode) == (before.st_ino, 0, before.st_mode)
    assert (target / "pyvenv.cfg").stat().st_uid == NOBODY
