"""The hidden folder that an environment is made in: `.venvbuild-get-*`, private to its maker, and removed at the end.

Its maker holds a lock in it, which the kernel gives back however that one ends. So whoever comes next knows which of
these folders somebody is at, and removes the others.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from venvbuild.files import mountinfo_here, mounts

_PREFIX = ".venvbuild-get-"
_LOCK = "lock"
# Never through a link: beside us may be a folder that everybody may write to.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_TRIES = 10


def is_one(entry: os.DirEntry[str]) -> bool:
    """Whether it is such a folder, by its name."""
    return entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False)


@contextlib.contextmanager
def made_in(parent: Path) -> Iterator[Path]:
    """A new one in `parent`, which goes with all that is in it, whatever happened.

    Raises:
        OSError: it cannot be made.
    """
    folder, descriptor, lock = _made(parent)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):  # what led here is to be told
            _remove(folder, descriptor, lock)
        os.close(descriptor)


def sweep(parent: Path, mine: Path) -> list[Path]:
    """Remove what killed ones left in `parent`; those that stay, as somebody is at them or they are another user's.

    `mine` is one of ours, and tells whose others are ours, too: on a disk of the network that need not be who we are.
    """
    owner = mine.stat().st_uid
    with os.scandir(parent) as entries:
        others = [parent / entry.name for entry in entries if is_one(entry) and entry.name != mine.name]
    return [one for one in others if not _swept(one, owner)]


def _made(parent: Path) -> tuple[Path, int, int]:
    """(a new one, its descriptor, that of its lock, which is held)."""
    for _ in range(_MAX_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))  # which lets nobody else in
        with contextlib.ExitStack() as opened, contextlib.suppress(FileNotFoundError, BlockingIOError):
            opened.callback(shutil.rmtree, folder, ignore_errors=True)
            # whoever sweeps may take it for a left one until the lock is held
            descriptor = os.open(folder, _FOLDER)
            opened.callback(os.close, descriptor)
            lock = os.open(_LOCK, _FILE | os.O_CREAT, 0o600, dir_fd=descriptor)
            opened.callback(os.close, lock)
            _lock(lock)
            if os.fstat(lock).st_nlink:
                opened.pop_all()
                return folder, descriptor, lock
    raise FileNotFoundError(errno.ENOENT, "each hidden folder was removed at once", str(parent))


def _lock(lock: int) -> None:
    """Hold it. Raises BlockingIOError: somebody else does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        # where there are no locks, nobody takes it for a left one either
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


def _swept(folder: Path, owner: int) -> bool:
    with contextlib.ExitStack() as held:
        try:
            descriptor = os.open(folder, _FOLDER)
            held.callback(os.close, descriptor)
            if os.fstat(descriptor).st_uid != owner or _has_mounts(folder):
                return False
            try:
                lock = os.open(_LOCK, _FILE, dir_fd=descriptor)
            except FileNotFoundError:
                # Killed before it had one, it is empty. What is in one without a lock is not from us.
                os.rmdir(folder)
                return True
            with contextlib.ExitStack() as unlocked:
                unlocked.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unlocked.pop_all()
            _remove(folder, descriptor, lock)
        except OSError:  # its maker lives, or another one sweeps
            return not os.path.lexists(folder)
        return True


def _remove(folder: Path, descriptor: int, lock: int) -> None:
    """Remove it and give back its lock, which goes last: killed on the way, it is still known whose it is."""
    try:
        for name in os.listdir(descriptor):
            if name != _LOCK:
                _remove_from(descriptor, name)
        os.unlink(_LOCK, dir_fd=descriptor)
    finally:
        os.close(lock)  # before the folder: NFS keeps what is open under another name
    os.rmdir(folder)


def _remove_from(descriptor: int, name: str) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=descriptor)
        return
    # follows no link, also when somebody puts one there meanwhile
    shutil.rmtree(name, dir_fd=descriptor, ignore_errors=True)
    if name in os.listdir(descriptor):
        # an old environment may have folders that its owner made read-only
        for *_, inside in os.fwalk(name, dir_fd=descriptor):
            os.fchmod(inside, 0o700)
        shutil.rmtree(name, dir_fd=descriptor)


def _has_mounts(folder: Path) -> bool:
    inside = Path(os.path.realpath(folder))
    return any(mount.point.is_relative_to(inside) for mount in mounts(mountinfo_here()))
