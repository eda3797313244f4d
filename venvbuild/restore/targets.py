"""The folder that an environment is restored to: may it be replaced, is there room, and how it gets its environment.

Mostly by one rename: until then nothing has the target's name; killed anywhere, what stood there stands there. A mount
point cannot be renamed, nor can a folder whose parent may not be written: these are filled where they are, by renames
of what is at the top, pyvenv.cfg last. Killed on the way, the target is one of ours, for the next `get` to replace.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from venvbuild.archive import MAKERS, MARKER
from venvbuild.errors import StoreUnavailable, UsageError, of_disk
from venvbuild.files import mountinfo_here, mounts, remove, write_whole
from venvbuild.restore import likeness, staging

_CONFIGURATION = "pyvenv.cfg"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # <fcntl.h> and <linux/fs.h>
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
_OF_THE_DISK = ("lost+found", ".snapshot")
"""What a file system (ext4, one of the network) has at its top, and nobody put there."""
_WAIT_S = (0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True)
class Place:
    """Where an environment is made, on its way to `target`."""

    target: Path
    folder: Path
    """Private, on the target's file system."""
    in_place: str
    """Why the target is filled where it is; empty when it is replaced by one rename."""
    before: int | None
    """When the environment was made that stood there; None: there was none."""


def check(target: Path) -> None:
    """Refuse a target that is not ours to replace, and touch nothing of it."""
    if not target.parent.is_dir():
        raise UsageError("there is no such folder", where=str(target.parent), fix=f"mkdir -p '{target.parent}'")
    if not os.path.lexists(target):
        return
    if target.is_symlink():
        raise UsageError(
            "the target is a symbolic link, and not made by `venvbuild get`; nothing was touched",
            where=str(target),
            fix=f"give what it leads to: '{os.path.realpath(target)}'",
            rule="NOT_OURS",
        )
    if is_ours(target):
        _refuse_mounts_in(target)
    elif not target.is_dir() or not _is_empty(target):
        raise UsageError(
            "the target is there, not empty, and not made by `venvbuild get`; nothing was touched",
            where=str(target),
            fix="give an absent or empty folder",
            rule="NOT_OURS",
        )


def is_ours(target: Path) -> bool:
    """Whether `get` made the folder `target`, or a file of `export --for run`."""
    try:
        marker = target / MARKER
        # a link lets somebody else's folder pass for ours
        if target.is_symlink() or marker.is_symlink():
            return False
        return json.loads(marker.read_bytes())["made_by"] in MAKERS
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def check_room(target: Path, size_bytes: int) -> None:
    """Refuse, before anything is fetched, what the disk has no room for (StoreUnavailable)."""
    folder = target if target.is_dir() else target.parent
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise StoreUnavailable(
            f"the disk has no room: restoring takes {size_bytes} bytes, {free} are free",
            where=str(folder),
            fix="make room, or give a target on another disk",
        )


def others_reach(target: Path) -> bool:
    """Whether some other user than root can come to what is, or will be, at `target`."""
    folders = [target, *target.parents] if target.is_dir() else target.parents
    modes = [(facts.st_mode, facts.st_uid) for facts in (folder.stat() for folder in folders)]
    return all(mode & 0o011 or (owner and mode & 0o100) for mode, owner in modes)


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Place]:
    """Where an environment for `target` is made; what is there at the end goes, whatever happened.

    How the target will be filled is known before anything is fetched. What killed ones left, beside the target and in
    it, is removed.
    """
    with contextlib.ExitStack() as stack:
        try:
            yield _place(target, stack)
        except OSError as error:
            raise of_disk(error, str(target)) or UsageError(
                f"the target cannot be written: {error.strerror}",
                where=str(error.filename or target),
                fix="give another target",
            ) from error


def put_in_place(venv: Path, place: Place) -> str:
    """Make `venv` the target: in one step where the target is absent, empty, or the system can exchange two names
    (Linux); else in two, and back when the second fails. Why it was filled where it is instead, if it was.

    An owner, a group, a mode and an ACL that the target has stay.

    Raises:
        UsageError: another `get` put an environment there meanwhile.
    """
    target, aside = place.target, place.folder / "replaced"
    _refuse_another(place)
    if place.in_place:
        _fill(venv, target, aside)
        return place.in_place
    if target.is_dir():
        likeness.give(venv, target)
    else:
        venv.chmod(0o755 | venv.stat().st_mode & stat.S_ISGID)  # it was private while it was unpacked
    try:
        _rename(venv, target, aside)
    except OSError as error:
        # a folder of a lower layer (overlay, in an image) cannot be renamed; what is in it can be removed
        if error.errno != errno.EXDEV or not is_ours(target):
            raise
        _fill(venv, target, aside)
        return "its folders are of a lower layer of this file system, which cannot be renamed"
    return ""


def _place(target: Path, stack: contextlib.ExitStack) -> Place:
    before = _made_at(target)
    in_place = _why_in_place(target) if target.is_dir() else ""
    parent = target if in_place else target.parent
    # on the target's file system, as a rename does not leave it
    folder = stack.enter_context(staging.made_in(parent))
    if not in_place:
        # at the end again: what a killed one was at may need a moment to end
        stack.callback(_sweep_beside, target, folder)
        _sweep_beside(target, folder)
    if target.is_dir():
        _sweep_inside(target, folder)
        if not in_place:
            likeness.inherit(folder, target)
    place = Place(target, folder, in_place, before)
    _refuse_another(place)  # who was at work there may have come to the end
    return place


def _why_in_place(target: Path) -> str:
    """Why the folder `target` cannot be replaced by another one; empty when it can."""
    if _is_mount_point(target):
        return "it is a mount point"
    if not os.access(target, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    parent, there = target.parent.stat(), target.stat()
    if parent.st_mode & stat.S_ISVTX and os.geteuid() not in (0, parent.st_uid, there.st_uid):
        return "only its owner may rename it"
    with contextlib.ExitStack() as stack:
        try:
            trial = stack.enter_context(staging.made_in(target.parent))
        except OSError as error:
            if error.errno not in _NO_RIGHT:
                raise
            return f"nothing can be put beside it: {error.strerror}"
        try:
            likeness.inherit(trial, target)
            (trial / "like it").mkdir(0o700)
            likeness.give(trial / "like it", target)
        except OSError as error:
            return f"its owner, group or attributes cannot be given to another folder: {error.strerror}"
    return ""


def _sweep_beside(target: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):  # its parent may be one that cannot be listed
        staging.sweep(target.parent, folder)


def _sweep_inside(target: Path, folder: Path) -> None:
    """Remove what killed ones left in the target; one that lives, there, is a reason to give up."""
    left = staging.sweep(target, folder)
    # Of two that began at once one gives up first, and the other sees it gone.
    first = all(folder.name < one.name for one in left)
    for wait_s in _WAIT_S if first else _WAIT_S[:-2]:
        if not left:
            return
        time.sleep(wait_s)
        left = staging.sweep(target, folder)
    if left:
        raise UsageError(
            "another `venvbuild get` is at work in the target",
            where=str(left[0]),
            fix=f"wait until it has ended; where there is none, rm -r '{left[0]}'",
            rule="IN_USE",
        )


def _is_mount_point(target: Path) -> bool:
    real = Path(os.path.realpath(target))
    # a bind mount may be of the same device as what is around it
    return os.path.ismount(real) or any(mount.point == real for mount in mounts(mountinfo_here()))


def _refuse_mounts_in(target: Path) -> None:
    real = Path(os.path.realpath(target))
    for mount in mounts(mountinfo_here()):
        if mount.point != real and mount.point.is_relative_to(real):
            raise UsageError(
                "something is mounted in the target, and would be lost with it; nothing was touched",
                where=str(mount.point),
                fix=f"umount '{mount.point}', or give another target",
                rule="NOT_OURS",
            )


def _is_empty(target: Path) -> bool:
    try:
        return not _names_in(target)
    except OSError as error:
        raise of_disk(error, str(target)) or error from error


def _names_in(target: Path) -> list[str]:
    """What is in the folder `target`, but for what is the disk's own, and what is left of a `get`."""
    own = _OF_THE_DISK if _is_mount_point(target) else ()
    with os.scandir(target) as entries:
        return [
            entry.name
            for entry in entries
            if not staging.is_one(entry) and not (entry.name in own and entry.is_dir(follow_symlinks=False))
        ]


def _refuse_another(place: Place) -> None:
    if _made_at(place.target) != place.before:
        raise UsageError(
            "another `venvbuild get` put an environment there meanwhile; that one stands, this one is thrown away",
            where=str(place.target),
            fix="run it again, if this one is wanted there",
            rule="IN_USE",
        )


def _made_at(target: Path) -> int | None:
    """When `get` made what is at `target`, in nanoseconds; None when it did not."""
    try:
        return (target / MARKER).lstat().st_mtime_ns
    except OSError:
        return None


def _rename(venv: Path, target: Path, aside: Path) -> None:
    try:
        venv.rename(target)  # over an empty folder too
    except OSError:
        if not is_ours(target):
            raise
        # exchanged, the old one is in the staging folder, and goes with it
        if not _exchange(venv, target):
            target.rename(aside)
            try:
                venv.rename(target)
            except BaseException:
                aside.rename(target)
                raise


def _fill(venv: Path, target: Path, aside: Path) -> None:
    """Move what is in `venv` into `target`, and what was there to `aside`; all of it back when one step fails."""
    aside.mkdir(0o700)
    old = (target / MARKER).read_bytes() if is_ours(target) else None
    done: list[tuple[Path, Path]] = []

    def move(one: Path, other: Path) -> None:
        one.rename(other)
        done.append((one, other))

    try:
        for name in _in_order(_names_in(target)):
            try:
                move(target / name, aside / name)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                remove(target / name)
        # from here on it is ours, whatever becomes of us
        (venv / MARKER).replace(target / MARKER)
        for name in reversed(_in_order(os.listdir(venv))):
            move(venv / name, target / name)
    except BaseException:
        for one, other in reversed(done):
            with contextlib.suppress(OSError):
                other.rename(one)
        if old is None:
            (target / MARKER).unlink(missing_ok=True)
        else:
            write_whole(target / MARKER, old, mode=0o644)
        raise


def _in_order(names: list[str]) -> list[str]:
    """As they are taken away: first what makes a folder an environment; the marker is not moved but replaced."""
    return sorted({*names} - {MARKER}, key=lambda name: name != _CONFIGURATION)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names at once (renameat2, Linux 3.15, glibc 2.28); False where that cannot be."""
    # Python has no call for it
    swap = getattr(ctypes.CDLL(None), "renameat2", None)
    if swap is None:
        return False
    done: int = swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
