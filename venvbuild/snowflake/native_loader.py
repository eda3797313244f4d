"""Makes native packages of a ZIP importable: put into the ZIP as `_venvbuild_native`, and imported first.

    import _venvbuild_native
    import pandas

Python loads no extension module from a ZIP. So the ZIP is unpacked once, into the temporary folder, and takes its own
place on `sys.path`. Where the ZIP is unpacked already (Snowflake may do that) nothing is done. Runs on Python 3.10 to
3.14 and needs nothing but the standard library.
"""

import fcntl
import importlib
import os
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib


def _use_unpacked() -> None:
    archive = os.path.dirname(os.path.abspath(__file__))
    if os.path.isdir(archive):
        return
    folder = _folder_of(archive)
    sys.path[:] = [folder if os.path.abspath(entry) == archive else entry for entry in sys.path]
    if folder not in sys.path:
        sys.path.insert(0, folder)
    for entry in [entry for entry in sys.path_importer_cache if entry.startswith(archive)]:
        del sys.path_importer_cache[entry]
    importlib.invalidate_caches()


def _folder_of(archive: str) -> str:
    """The folder that the ZIP is unpacked in, by whoever was first."""
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        # By what is in it: two ZIPs of one name must not meet.
        key = f"{_crc_of(members):08x}-{os.stat(archive).st_size}"
        home = os.path.join(tempfile.gettempdir(), f"venvbuild-native-{os.getuid()}")
        _make_private(home)
        folder = os.path.join(home, key)
        with open(folder + ".lock", "a") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            if not _is_whole(folder, members):
                # Cleaners of temporary folders leave half of one.
                shutil.rmtree(folder, ignore_errors=True)
                making = tempfile.mkdtemp(prefix=key + ".", dir=home)
                try:
                    opened.extractall(making)
                    os.rename(making, folder)
                except BaseException:
                    shutil.rmtree(making, ignore_errors=True)
                    raise
    return folder


def _crc_of(members: "list[zipfile.ZipInfo]") -> int:
    crc = 0
    for member in members:
        crc = zlib.crc32(f"{member.filename} {member.CRC} {member.file_size}\n".encode(), crc)
    return crc


def _make_private(home: str) -> None:
    """A folder that nobody else can have put something into."""
    try:
        os.mkdir(home, 0o700)
    except FileExistsError:
        facts = os.lstat(home)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            raise RuntimeError(f"{home} is not ours alone; remove it, or set TMPDIR to another folder") from None


def _is_whole(folder: str, members: "list[zipfile.ZipInfo]") -> bool:
    try:
        return all(
            member.is_dir() or os.path.getsize(os.path.join(folder, member.filename)) == member.file_size
            for member in members
        )
    except OSError:
        return False


_use_unpacked()
