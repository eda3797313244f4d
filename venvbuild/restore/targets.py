"""The folder that an environment is restored to: may it be replaced, is there room, and how it gets its name at once.

Until the last step nothing has the target's name; killed anywhere, what stood there stands there, and beside it at most
a hidden folder `.venvbuild-get-*`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from venvbuild.archive import MARKER
from venvbuild.errors import StoreUnavailable, UsageError, of_disk

_STAGING = ".venvbuild-get-"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # <fcntl.h> and <linux/fs.h>


def check(target: Path) -> None:
    """Refuse a target that is not ours to replace, and touch nothing of it."""
    if not target.parent.is_dir():
        raise UsageError("there is no such folder", where=str(target.parent), fix=f"mkdir -p '{target.parent}'")
    if not os.path.lexists(target) or is_ours(target):
        return
    if target.is_symlink() or not target.is_dir() or any(target.iterdir()):
        raise UsageError(
            "the target is there, not empty, and not made by `venvbuild get`; nothing was touched",
            where=str(target),
            fix="give an absent or empty folder",
            rule="NOT_OURS",
        )


def is_ours(target: Path) -> bool:
    """Whether `get` made the folder `target`."""
    try:
        marker = target / MARKER
        # a link lets somebody else's folder pass for ours
        if target.is_symlink() or marker.is_symlink():
            return False
        return json.loads(marker.read_bytes())["made_by"] == "venvbuild get"  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def check_room(target: Path, size_bytes: int) -> None:
    """Refuse, before anything is fetched, what the disk has no room for (StoreUnavailable)."""
    free = shutil.disk_usage(target.parent).free
    if free < size_bytes:
        raise StoreUnavailable(
            f"the disk has no room: restoring takes {size_bytes} bytes, {free} are free",
            where=str(target.parent),
            fix="make room, or give a target on another disk",
        )


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A private folder beside the target, removed at the end, whatever happened."""
    with contextlib.ExitStack() as stack:
        try:
            # beside the target, as a rename does not leave its file system; mkdtemp lets nobody else in
            staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=target.parent))
            stack.callback(shutil.rmtree, staging, ignore_errors=True)  # what led here is to be told
            yield staging
        except OSError as error:
            raise of_disk(error, str(target)) or UsageError(
                f"the target cannot be written: {error.strerror}",
                where=str(error.filename or target),
                fix="give another target",
            ) from error


def put_in_place(venv: Path, target: Path, aside: Path) -> None:
    """Give `venv` the target's name: in one step where the target is absent, empty, or the system can exchange two
    names (Linux); else in two, and back when the second fails.
    """
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


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names at once (renameat2, Linux 3.15, glibc 2.28); False where that cannot be."""
    # Python has no call for it
    swap = getattr(ctypes.CDLL(None), "renameat2", None)
    if swap is None:
        return False
    done: int = swap(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
