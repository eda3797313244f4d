"""Temporary folders that may hold a secret: they go with their block, and after SIGKILL with the next that is made.

Its maker holds a lock on the folder, which the kernel gives back however that one ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "venvbuild-publish-"
_MAX_TRIES = 10
# Never through a link: everybody may write beside it.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def made() -> Iterator[Path]:
    """A new one, for us alone; those that killed runs of ours left are removed before.

    Raises:
        OSError: it cannot be made.
    """
    parent = Path(tempfile.gettempdir())
    _sweep(parent)
    folder, descriptor = _made(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _made(parent: Path) -> tuple[Path, int]:
    for _ in range(_MAX_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Whoever sweeps may take it for a left one until the lock is held.
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, _FOLDER)
            if _locked(descriptor) and folder.exists():
                return folder, descriptor
            os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, "each temporary folder was removed at once", str(parent))


def _sweep(parent: Path) -> None:
    for left in parent.glob(f"{PREFIX}*"):
        try:
            descriptor = os.open(left, _FOLDER)
        except OSError:
            continue
        try:
            if os.fstat(descriptor).st_uid == os.getuid() and _locked(descriptor):
                shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Hold it; False where somebody else does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
