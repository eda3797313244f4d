"""Files and folders: what lies in one, how much, whether it changed, how it is removed; and what is mounted where."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path


@dataclass(frozen=True)
class Amount:
    """So many files, and their bytes; what has several names counts once."""

    file_count: int
    size_bytes: int


@dataclass(frozen=True)
class Mount:
    """A line of mountinfo (proc_pid_mountinfo(5))."""

    root: str
    """What of its file system is mounted."""
    point: Path
    """Where; no link is in it."""
    kind: str
    """Of its file system: `overlay`."""


def mounts(mountinfo: str) -> Iterator[Mount]:
    """Those of a text like /proc/self/mountinfo; of two at one place the later one hides the other."""
    for line in mountinfo.split("\n"):
        fields, _, source = line.partition(" - ")
        parts = fields.split(" ")
        if len(parts) >= 6:
            yield Mount(_unescaped(parts[3]), Path(_unescaped(parts[4])), source.partition(" ")[0])


def mountinfo_here() -> str:
    """What is mounted for this process; empty where nothing tells: on another system than Linux."""
    try:
        return os.fsdecode(Path("/proc/self/mountinfo").read_bytes())
    except OSError:
        return ""


def _unescaped(field: str) -> str:
    """Without the octal escapes that the kernel writes for white space and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def walk(folder: Path, leave_out: str = "__pycache__") -> Iterator[tuple[str, os.stat_result]]:
    """(path relative to `folder`, lstat) of everything below it, but for folders of one name; in no order."""
    return ((path, entry.stat(follow_symlinks=False)) for path, entry in entries(folder, leave_out))


def entries(folder: Path, leave_out: str = "__pycache__") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """As `walk`, where not all has to be asked of each: a tenth of a second for 24,000 files."""
    # Not recursive: how deep it goes is the package's choice.
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        with os.scandir(folder / relative) as found:
            for entry in found:
                path = f"{relative}/{entry.name}" if relative else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if entry.name == leave_out:
                        continue
                    waiting.append(path)
                yield path, entry


def amount_of(paths: Iterable[Path]) -> Amount:
    """Of files, and of all that is in folders, as far as it is there and can be read. Links are not followed."""
    seen: dict[tuple[int, int], int] = {}
    for path in paths:
        for found in _all_of(path):
            with contextlib.suppress(OSError):  # others may remove it meanwhile
                facts = os.lstat(found)
                if not stat.S_ISDIR(facts.st_mode):
                    seen[facts.st_dev, facts.st_ino] = facts.st_size
    return Amount(len(seen), sum(seen.values()))


def _all_of(path: Path) -> Iterator[str | Path]:
    yield path
    if not path.is_symlink():
        for place, folders, names in os.walk(path):  # which lists links to folders among the folders
            yield from (os.path.join(place, name) for name in (*folders, *names))


def fingerprint(path: Path) -> str:
    """Changes when the file's bytes change, or when anything in the folder is added, removed or written.

    A folder's files are told by path, type, size and mtime_ns: 24,000 of them take a fifth of a second.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            digest = hashlib.sha256()
            for line in _manifest(path):
                digest.update(line)
            return f"tree:{digest.hexdigest()}"
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return "absent"


def _manifest(folder: Path) -> Iterator[bytes]:
    start = len(os.path.join(folder, ""))
    for place, folders, files in os.walk(folder):
        # A folder lists its entries in any order.
        folders.sort()
        for name in sorted((*files, *folders)):
            path = os.path.join(place, name)
            facts = os.lstat(path)
            # Those of a folder change with each entry, and its entries have lines anyway.
            size_and_time = "" if stat.S_ISDIR(facts.st_mode) else f"{facts.st_size} {facts.st_mtime_ns}"
            yield os.fsencode(f"{path[start:]}\0{stat.filemode(facts.st_mode)}\0{size_and_time}\n")


@contextlib.contextmanager
def regular(path: Path) -> Iterator[BufferedReader]:
    """The file, open for reading: no link is followed, no FIFO waited for, no device opened.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    _refuse_what_is_no_file(os.lstat(path), path)
    with open(path, "rb", opener=_without_links) as file:
        _refuse_what_is_no_file(os.fstat(file.fileno()), path)
        yield file


def _refuse_what_is_no_file(facts: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def remove(entry: Path) -> None:
    """Remove what is there: a folder with all that is in it, a file, or a link, wherever it leads."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def write_whole(path: Path, body: bytes, *, mode: int | None = None, durable: bool = False) -> None:
    """Give `path` these bytes, whole or not at all, whatever stood there: never through a link, and to no other name of
    the file, which may be a hard link into somebody's cache.

    `mode` is as for chmod; without one it is what the umask leaves. `durable`: also when the machine stops.

    Raises:
        OSError: it cannot be written; nothing is left behind. A folder may be in the way.
    """
    building = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        # Under a name that nobody can foretell, and only if it is new: no link is followed.
        with building.open("xb") as file:
            file.write(body)
            if mode is not None:
                # Before it has its name: nobody sees it with another mode. On the open file, whatever the umask left.
                os.fchmod(file.fileno(), mode & 0o7777)
            if durable:
                file.flush()
                # A rename may be on the disk before the bytes are.
                os.fsync(file.fileno())
        building.replace(path)
    except BaseException:
        building.unlink(missing_ok=True)
        raise


def write_new(path: Path, body: bytes) -> None:
    """Make the file `path` of these bytes, whole or not at all; what stands there stays, even a link to nowhere.

    Raises:
        FileExistsError: something stands there.
        OSError: it cannot be written; nothing is left behind.
    """
    building = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        write_whole(building, body)
        try:
            os.link(building, path)
        except OSError as error:
            # A file system without links: between this look and the rename somebody may come, and would lose.
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            building.replace(path)
    finally:
        building.unlink(missing_ok=True)
