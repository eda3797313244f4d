"""Lists the files of an environment and reads them, share by share, beside the process that started it: `reading`.

    python -I -S hash_files.py ENVIRONMENT FOLDER NUMBER

FOLDER has `base`, the paths that are not to be read; paths are relative to ENVIRONMENT, each ended by a NUL. It gets
`paths`, all others that are there, from number 0 of the helpers if it has none yet. Of those a share N is each 64th
from the Nth on: whoever makes the folder FOLDER/N reads that share. At the end there is `seen-NUMBER`: a `RECORD` of
each file, a byte before each share telling which it is.

Nothing heavy is imported: to start would take longer than it saves.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

SHARES = 64
RECORD = struct.Struct("<QqqQQ32s?")
"""Size (bytes), mtime and ctime (ns), mode, inode, SHA-256, whether it was read; all 0 of what is no readable file."""
UNREAD = bytes(RECORD.size)
POLL_S = 0.005
_CHUNK = 1 << 20


def main(environment: str, folder: str, number: str) -> None:
    """List them, and read what nobody else reads; it ends when nothing is left, or when `folder` is gone."""
    paths = _paths_of(environment, folder, number)
    read = reader(environment)
    shares = (bytes([share]) + b"".join(map(read, share_of(paths, share))) for share in taken(folder))
    _write_whole(os.path.join(folder, seen_by(int(number))), b"".join(shares))


def _paths_of(environment: str, folder: str, number: str) -> Sequence[str]:
    while os.path.isdir(folder):
        try:
            return read_paths(folder, "paths")
        except FileNotFoundError:
            if number == "0":
                write_paths(folder, "paths", paths_of(environment, frozenset(read_paths(folder, "base"))))
            else:
                time.sleep(POLL_S)
    return ()


def seen_by(number: int) -> str:
    """The name of the file in which that helper tells what it read."""
    return f"seen-{number}"


def paths_of(environment: str, base: Collection[str]) -> list[str]:
    """Of all that is no folder, but for `base`; and at the end folders with nothing in them, followed by a `/`."""
    found, empty = list[str](), list[str]()
    start = len(os.path.join(environment, ""))
    for place, folders, names in os.walk(environment, onerror=_raised):
        inside = place[start:] + "/" if place[start:] else ""
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        found += (path for path in (inside + name for name in (*names, *links)) if path not in base)
        if inside and not names and not folders and inside[:-1] not in base:
            empty.append(inside)
    return found + empty


def read_paths(folder: str, name: str) -> list[str]:
    """Those of a file that `write_paths` wrote."""
    with open(os.path.join(folder, name), "rb") as file:
        return [os.fsdecode(path) for path in file.read().split(b"\0")[:-1]]


def write_paths(folder: str, name: str, paths: Iterable[str]) -> None:
    """Into a file of `folder`, whole or not at all."""
    _write_whole(os.path.join(folder, name), b"".join(os.fsencode(path) + b"\0" for path in paths))


def share_of(paths: Sequence[str], share: int) -> Sequence[str]:
    """Not in a row, since the large files of a package follow each other."""
    return paths[share::SHARES]


def taken(folder: str) -> Iterator[int]:
    """Shares that nobody has taken before; none when `folder` is gone."""
    for share in range(SHARES):
        try:
            os.mkdir(os.path.join(folder, str(share)))
        except FileExistsError:
            continue
        except OSError:
            return
        yield share


def reader(environment: str) -> Callable[[str], bytes]:
    """Who gives the `RECORD` of a file of `environment`."""
    buffer = memoryview(bytearray(_CHUNK))
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

    def read(path: str) -> bytes:
        try:
            # os.open and not open(): of tens of thousands of small files, making the file objects would be half the
            # time. A link in the place of a file is not followed, and a pipe not waited for.
            descriptor = os.open(f"{environment}/{path}", flags)
        except (OSError, ValueError):
            return UNREAD
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return UNREAD
            count = done = os.readv(descriptor, [buffer])
            digest = hashlib.sha256(buffer[:count])
            # without the read that finds nothing more: the digest tells whether a file grew meanwhile or was cut
            while count and done < facts.st_size:
                count = os.readv(descriptor, [buffer])
                digest.update(buffer[:count])
                done += count
            times = facts.st_mtime_ns, facts.st_ctime_ns
            return RECORD.pack(facts.st_size, *times, facts.st_mode, facts.st_ino, digest.digest(), True)
        except OSError:
            return UNREAD
        finally:
            os.close(descriptor)

    return read


def _write_whole(path: str, body: bytes) -> None:
    with open(f"{path}.part", "wb") as file:
        file.write(body)
    os.rename(f"{path}.part", path)


def _raised(error: OSError) -> None:
    raise error


if __name__ == "__main__":
    main(*sys.argv[1:])
