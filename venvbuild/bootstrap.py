"""Sets the tool up on first use and hands over to it. Standard library only: it runs before anything is installed.

The dependencies of `locks/base.txt`, hash-pinned, go into a folder of the user's cache named by the lock's digest and
by this Python, so a changed lock and another Python get a set-up of their own, and two clones share one. It is made
under another name and renamed when whole; a failed set-up leaves nothing. Who uses one holds it (`hold`), and what
nobody holds `venvbuild cache prune` may remove (extras.py).

What runs here gets the store's credentials later. So once a day a set-up is held against the RECORDs of what is in it,
and one that is damaged is made again: beside it, then renamed, so that nobody ever sees half of one.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import hashlib
import importlib.machinery
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# EFBIG is what a limit of the process (ulimit -f) gives, EDQUOT one of the user.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_FEW_INODES = 8
# Under -I neither the checkout nor the folder we are in is on the path; only the checkout comes there.
_HANDED_ON = """
import sys
sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = "venvbuild"
try:
    from venvbuild.main import main
except Exception as error:
    from venvbuild import bootstrap
    bootstrap.start_over(error)
    from venvbuild.main import main
main()
"""
_PYTHON = "bin/python"
_CONFIGURATION = "pyvenv.cfg"
_READ_AT_START = (".pth", ".start")
"""Python opens them without asking what they are, and would wait for the writer of a FIFO."""
_SEAL = "seal"
"""A file of each set-up: the SHA-256 of what no RECORD has one of. Its times are those of the last look at the rest."""
_DAY_S = 24 * 60 * 60
_SKEW_S = 60
"""How far the clock of another machine that shares the cache may be ahead of ours."""
_IN_A_PASSWORD = "in a password write / ? # @ [ as %2F %3F %23 %40 %5B"  # noqa: S105  # an advice
# pip takes any of its options from the environment. For other work of the user, these have it install elsewhere, for
# another Python, or something else; those of the index, the network, the cache, the certificates and the log count.
_OF_OTHER_WORK = (
    "PIP_(__)?(TARGET|PREFIX|ROOT|USER|DRY.RUN|REPORT|PYTHON(.VERSION)?|PLATFORM|IMPLEMENTATION|ABI|(BUILD.)?CONSTRAINT|"
    "REQUIREMENT|REQUIREMENTS.FROM.SCRIPT|GROUP|EDITABLE|ONLY.DEPS|GLOBAL.OPTION)"
)
_REFUSED_OPTION = (
    "Can not (combine|use any)|--python option must be|Could not locate Python|Could not open [a-z]+ file|"
    "ResolutionImpossible|The editable requirement|'--group'|Implying --no-binary|In --require-hashes mode"
)
_SURE_HOST = re.compile(r"(localhost|([\w-]+\.)+[a-zA-Z][\w-]*|([0-9]+\.){3}[0-9]+|\[.*?\])([:/?#]|$)")


class SetUpFailed(Exception):
    """The tool cannot be set up here; `exit_code` is one of docs/reference.md, "Exit codes".

    2: this host lacks something or denies it, or the index is a wrong one. 6: the index does not give what is needed.
    7: a disk is full or fails.
    """

    def __init__(self, exit_code: int, message: str) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class _Terminated(Exception):
    """SIGTERM arrived; raised so that the half-made set-up is removed."""


def main() -> None:
    """Make sure of the set-up and become the tool."""
    lock = REPOSITORY / "locks" / "base.txt"
    with _told():
        if os.environ.get("_VENVBUILD_COMPLETE"):
            # Somebody types and presses TAB: no time to look at anything or to install it, no place for words.
            home = home_of(lock, cache_folder())
            with contextlib.suppress(OSError):
                if hold(home) and not _hindrance(home):
                    _become(home / _PYTHON)
            sys.exit(1)
        python = set_up(lock, cache_folder())
        try:
            _become(python)
        except SetUpFailed:
            # Of what should be a program only the first bytes tell, and they are looked at once a day.
            if not _mended(python.parents[1], lock):
                raise
            _become(python)


def start_over(error: Exception) -> None:
    """Where the tool cannot be imported: if its set-up is damaged, make that again and become the tool once more."""
    with _told():
        if os.environ.get("_VENVBUILD_COMPLETE"):
            sys.exit(1)
        if mend(REPOSITORY / "locks"):
            _become(Path(sys.executable))
        if isinstance(error, OSError):
            raise _of_disk(error, Path(sys.prefix)) from error


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What ends the block is told in words and with an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except SetUpFailed as failure:
        print(f"venvbuild cannot be set up: {_on_screen(str(failure))}", file=sys.stderr)
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except _Terminated:
        sys.exit(143)


def _become(python: Path) -> None:
    """Go on as the tool in this Python; comes back only by an exception."""
    try:
        # Become it: a signal that is sent to us is then sent to the tool.
        os.execv(python, [str(python), "-I", "-c", _HANDED_ON, str(REPOSITORY), *sys.argv[1:]])  # noqa: S606
    except OSError as error:
        raise _not_started(python, error) from error


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/venvbuild`, or `~/.cache/venvbuild`; a relative value counts as unset (XDG Base Directory)."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(configured) if os.path.isabs(configured) else Path.home() / ".cache"
    except RuntimeError:
        raise SetUpFailed(2, "there is no home folder.\n  fix: set HOME, or XDG_CACHE_HOME to a folder") from None
    return base / "venvbuild"


def set_up(lock: Path, cache: Path) -> Path:
    """The Python of an environment holding exactly `lock`; made now if it is not there, or damaged.

    Raises:
        SetUpFailed: ensurepip is missing, the cache cannot be written or used, the index gives other files than the
            lock names (2), it does not give what the lock needs (6), or a disk is full (7).
    """
    home = home_of(lock, cache)
    try:
        if not hold(home) or _hindrance(home) or (_is_due(home) and damage(home, lock)):
            cache.mkdir(parents=True, exist_ok=True)
            _make_under_lock(home, lock)
        elif not os.access(home / _CONFIGURATION, os.R_OK):
            # Of another user: its Python would end with a traceback.
            with contextlib.suppress(FileNotFoundError), open(home / _CONFIGURATION):
                pass
    except OSError as error:
        raise _of_disk(error, cache) from error
    return home / _PYTHON


def mend(locks: Path) -> str:
    """Look now at each set-up of `locks` that this process imports from, and make the damaged ones again.

    What was wrong, in words; empty when they are whole. Raises as `set_up` does.
    """
    found = ""
    for lock in sorted(locks.glob("*.txt")):
        home = home_of(lock, cache_folder())
        # Without its pyvenv.cfg its Python imports nothing from there.
        is_ours = any(path.startswith(f"{home}/") for path in (sys.executable, *sys.path))
        if is_ours and (wrong := _mended(home, lock)):
            found = f"{home}: {wrong}"
    return found


def _mended(home: Path, lock: Path) -> str:
    """What was wrong with it; then it was made again."""
    try:
        if wrong := damage(home, lock):
            _make_under_lock(home, lock)
    except OSError as error:
        raise _of_disk(error, home.parent) from error
    return wrong


def _make_under_lock(home: Path, lock: Path) -> None:
    with locked(home.with_name(f"{home.name}.lock")):
        is_there = os.path.lexists(home)
        # Whoever held the lock may have made it.
        if (wrong := damage(home, lock) if is_there else "") or not is_there:
            _make(home, lock, wrong)
        hold(home)


def home_of(lock: Path, cache: Path) -> Path:
    """The folder of the set-up that holds `lock`, for this Python.

    Raises:
        SetUpFailed: the lock cannot be read.
    """
    try:
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise SetUpFailed(
            2, f"{lock} cannot be read: {error.strerror}\n  fix: check the tool out again, whole and readable"
        ) from error
    # By all that makes it another one, as nothing is ever changed in a folder that somebody may be using: containers of
    # two images may share the cache, in which the Python lies elsewhere, or is for another machine.
    python = f"{os.path.realpath(sys.executable)}{importlib.machinery.EXTENSION_SUFFIXES[0]}"
    place = hashlib.sha256(os.fsencode(python)).hexdigest()[:8]
    return cache / f"tool-{digest}-py{sys.version_info[0]}.{sys.version_info[1]}-{place}"


def hold(home: Path) -> bool:
    """Have a set-up counted as used: from now on, and as long as this process lives, as what it becomes too.

    False when there is none, or somebody is removing it.
    """
    try:
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return home.exists()  # it may be readable to us in parts only
    with contextlib.suppress(OSError):  # the cache may be another user's
        os.utime(folder)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.set_inheritable(folder, True)
    except BlockingIOError:
        os.close(folder)
        return False
    except OSError:  # this file system knows no locks
        os.close(folder)
    return True


def _is_due(home: Path) -> bool:
    """Whether the last look at it was over a day ago, or is one of a time to come, as a clock was wrong."""
    looked = 0.0
    with contextlib.suppress(FileNotFoundError):
        facts = os.lstat(home / _SEAL)
        looked = facts.st_mtime if stat.S_ISREG(facts.st_mode) else 0.0
    # One of another user is neither marked nor made again by us; and one whose Python may not run has an error of its
    # own.
    is_old = not -_SKEW_S <= time.time() - looked <= _DAY_S
    return is_old and os.access(home, os.W_OK) and os.access(home / _PYTHON, os.X_OK)


def _hindrance(home: Path) -> str:
    """Why a Python would not start there, or would wait without end, in words: by a glance at what it reads first."""
    for name in (_PYTHON, _CONFIGURATION):
        try:
            facts = os.stat(home / name)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            return f"{name} is gone, or leads nowhere"
        if not stat.S_ISREG(facts.st_mode):
            return f"{name} is no file"
        may_run = stat.S_IXUSR if facts.st_uid == os.geteuid() else stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
        if name == _PYTHON and not (facts.st_size and facts.st_mode & may_run):
            return f"{name} is no program"
    for folder in home.glob("lib/python*/site-packages"):
        if not folder.is_dir():  # the look at the rest says so
            continue
        with os.scandir(folder) as entries:
            for one in entries:
                if one.name.endswith(_READ_AT_START) and not _is_file(one):
                    return f"{one.name} is no file"
    return ""


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def damage(home: Path, lock: Path) -> str:
    """What is wrong with a set-up of `lock`, in words; empty when it is whole, and then marked as looked at now.

    Each pin of the lock is there. Each file has the size that the RECORD of its distribution says, and one that was
    written to since the last look has the bytes as well. Bytecode has no digest there: what was written to is removed,
    and Python makes it again. Code that no RECORD names is damage.

    Raises:
        OSError: a disk fails, or this user may not look.
    """
    import csv  # five milliseconds, which are for one start a day

    if wrong := _hindrance(home):
        return wrong
    if os.path.lexists(home / _SEAL) and not stat.S_ISREG(os.lstat(home / _SEAL).st_mode):
        return f"{_SEAL} is no file"
    sealed, since = _sealed(home / _SEAL)
    begun = None
    with contextlib.suppress(OSError):  # who may only read it looks again
        os.utime(home)
        # not later than now here, or the next start would take this look for one of a time to come
        begun = min(home.stat().st_mtime_ns, time.time_ns())
    records = _digests(home)
    if not any(name.endswith("/RECORD") for name in records):
        return "what was installed is gone"
    for name in sorted({*sealed, *records}):
        if not records.get(name):
            return f"{name} is gone"
        if sealed and name not in sealed:
            return f"{name} is new"
        if sealed.get(name, records[name]) != records[name]:
            return f"{name} has other bytes"
    if lost := _lost(home, lock):
        return f"{lost} is gone"
    named = set[str]()
    for name in records:
        if name.endswith("/RECORD"):
            try:
                if wrong := next(_differing(home / name, since, named), ""):
                    return wrong
            except (ValueError, csv.Error):
                return f"{name} cannot be read"
    if wrong := next(_added(home, since, named), ""):
        return wrong
    with contextlib.suppress(OSError):
        _write_seal(home, records, begun)
    return ""


def _digests(home: Path) -> dict[str, str]:
    """The SHA-256 of what no RECORD has one of; empty for what should be there and is not.

    Of a link that of where it leads: what is there belongs to the system, and may be updated.
    """
    folders = sorted(home.glob("lib/python*/site-packages/*.dist-info"))
    python = home / _PYTHON
    program = os.fsencode(os.readlink(python)) if python.is_symlink() else python.read_bytes()
    return {_PYTHON: hashlib.sha256(program).hexdigest()} | {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        for file in (home / _CONFIGURATION, *(folder / "RECORD" for folder in folders))
    }


def _lost(home: Path, lock: Path) -> str:
    """The name of a pin of the lock that is not installed there; empty when all are.

    One with a marker is passed over: it may be for others, and the standard library cannot tell.
    """
    folders = home.glob("lib/python*/site-packages/*.dist-info")
    there = {_plain(folder.name.removesuffix(".dist-info")) for folder in folders}
    pins = re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)[^;\n]*$", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return next((name for name, version in pins if _plain(f"{name}-{version}") not in there), "")


def _plain(text: str) -> str:
    """As PEP 503 has names; in the name of a folder a version is written like one."""
    return re.sub("[-_.+]+", "-", text).lower()


def _write_seal(home: Path, digests: Mapping[str, str], looked_ns: int | None = None) -> None:
    """`looked_ns`: when the look began, by the clock of the file system; None where all was made just now."""
    building = home / f".{_SEAL}-{os.getpid()}"
    with _written_by_us_alone():
        building.write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))
    if looked_ns is not None:
        os.utime(building, ns=(looked_ns, looked_ns))
    building.replace(home / _SEAL)


def _sealed(seal: Path) -> tuple[dict[str, str], tuple[int, int]]:
    """Digests by name, and (mtime_ns, ctime_ns) of the last look; nothing, and 0, for a seal that cannot be read.

    0 for one of a time to come, too: since when nothing was written to, nobody knows then.
    """
    try:
        facts = seal.stat()
        digests = {name: digest for digest, name in (line.split("  ", 1) for line in seal.read_text().splitlines())}
        # Not one time: in a cache that was unpacked, or came with an image, every file has a new ctime, the seal too.
        is_ahead = max(facts.st_mtime, facts.st_ctime) > time.time() + _SKEW_S
        return digests, (facts.st_mtime_ns, facts.st_ctime_ns) if digests and not is_ahead else (0, 0)
    except (FileNotFoundError, ValueError):
        return {}, (0, 0)


def _differing(record: Path, since: tuple[int, int], named: set[str]) -> Iterator[str]:
    """What is not as a RECORD says, in words; all that it names comes into `named`. Raises ValueError or csv.Error when
    it is none.
    """
    import csv

    with record.open(newline="", encoding="utf-8") as file:
        for name, digest, size in csv.reader(file):
            path = os.path.join(record.parent.parent, name)
            named.add(path)
            try:
                facts = os.lstat(path)
            except OSError as error:
                if error.errno not in _NOT_THERE:
                    raise
                if digest:
                    yield f"{name} is gone"
                continue
            was_written_to = _was_written_to(facts, since)
            if not digest:
                if was_written_to and name.endswith(".pyc"):
                    with contextlib.suppress(OSError):
                        os.unlink(path)
            elif not stat.S_ISREG(facts.st_mode) or (size and facts.st_size != int(size)):
                yield f"{name} has not the size that its RECORD says"
            elif was_written_to:
                kind, _, expected = digest.partition("=")
                with open(path, "rb") as module:
                    found = base64.urlsafe_b64encode(hashlib.file_digest(module, kind).digest()).decode()
                if found.rstrip("=") != expected:
                    yield f"{name} has other bytes than its RECORD says"


def _was_written_to(facts: os.stat_result, since: tuple[int, int]) -> bool:
    return facts.st_mtime_ns >= since[0] or facts.st_ctime_ns >= since[1]


def _added(home: Path, since: tuple[int, int], named: set[str]) -> Iterator[str]:
    """What Python would run that no RECORD names, in words; bytecode, if it was written to, is removed. Other files it
    asks for nothing, and packages may keep some.
    """
    code = (*importlib.machinery.all_suffixes(), ".pth", ".start")
    folders = [str(folder) for folder in home.glob("lib/python*/site-packages")]
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            for one in entries:
                if one.path in named:
                    continue
                if one.is_dir(follow_symlinks=False):
                    folders.append(one.path)
                elif one.is_symlink() or (one.name.endswith(code) and not folder.endswith("/__pycache__")):
                    yield f"{one.name} is in no RECORD"
                elif one.name.endswith(".pyc"):
                    with contextlib.suppress(OSError):
                        if _was_written_to(one.stat(), since):
                            os.unlink(one.path)


@contextlib.contextmanager
def locked(path: Path, operation: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Two first starts at once: the second waits, then finds the first one's work."""
    # A FIFO of this name would have us wait without end.
    with open(path, "w", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK, 0o666)) as file:
        # Gone with its process, however that ends: there is never a lock that nobody holds.
        fcntl.flock(file, operation)
        yield


def _of_disk(error: OSError, cache: Path) -> SetUpFailed:
    """What a failure of the cache's disk means: no room is 7, as a retry may cure it, and all else 2."""
    what = f"{error.strerror}: {error.filename or cache}\n"
    if error.errno == errno.ENOSPC and _has_no_inodes(cache):
        what = f"the disk takes no more files, as it has no inodes left: {error.filename or cache}\n"
    if error.errno in _NO_ROOM:
        return SetUpFailed(7, f"{what}  fix: make room there, or set XDG_CACHE_HOME to a folder on another disk")
    if error.errno in _NO_RIGHT:
        return SetUpFailed(
            2, f"{what}  fix: let this user write there (owner, mode), or set XDG_CACHE_HOME to a folder of their own"
        )
    return SetUpFailed(2, f"{what}  fix: set XDG_CACHE_HOME to a folder that can be written")


def _has_no_inodes(folder: Path) -> bool:
    """As errors.has_no_inodes, which may be what is to be set up."""
    with contextlib.suppress(OSError):
        facts = os.statvfs(next(place for place in (folder, *folder.parents) if place.exists()))
        return facts.f_files > 0 and facts.f_favail < _FEW_INODES and facts.f_bavail > 0
    return False


def _not_started(program: Path | str, error: OSError) -> SetUpFailed:
    fix = "free memory, or end other processes; then run it again"
    if error.errno in _NO_RIGHT:
        fix = "set XDG_CACHE_HOME to a folder whose programs may run: on a disk that is not mounted noexec"
    elif error.errno not in (errno.EAGAIN, errno.ENOMEM):
        fix = "check that it is there and whole, or remove the folder it is in; then run it again"
    return SetUpFailed(2, f"{program} cannot be started: {error.strerror}\n  fix: {fix}")


def _terminate(_signal: int, _frame: object) -> None:
    # One is enough: the second must not cut the tidying short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def _make(home: Path, lock: Path, wrong: str) -> None:
    """`wrong`: what is wrong with the one that is there."""
    _sweep(home)
    if wrong:
        print(f"venvbuild: its own set-up is damaged ({wrong}), installing it again into {home}", file=sys.stderr)
    else:
        print(f"venvbuild: first use, installing the tool's own dependencies into {home}", file=sys.stderr)
    try:
        # In a folder that is ours alone, and for others to read as soon as it is in its place.
        building = _beside(home) / "made"
        with _written_by_us_alone():
            _make_venv(building, home)
            _install(building / "bin" / "python", lock)
        _write_seal(building, _digests(building))
        if os.path.lexists(home):
            # Away in one step: who is at work in it finds the next module in the new one, which has the same.
            home.rename(_beside(home) / "damaged")
        building.rename(home)
    finally:
        _sweep(home)


@contextlib.contextmanager
def _written_by_us_alone() -> Iterator[None]:
    """Others may read what is made now as far as the umask lets them, and may not write: it gets credentials later."""
    before = os.umask(0o022)
    try:
        os.umask(before | 0o022)
        yield
    finally:
        os.umask(before)


def _beside(home: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))


def _sweep(home: Path) -> None:
    """Remove what lies beside it: of this set-up, or of one that was killed. Under the lock."""
    for leftover in home.parent.glob(f".{home.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _make_venv(folder: Path, home: Path) -> None:
    # Of the Python of a set-up the one that it is a link to: without pyvenv.cfg it takes itself for that.
    is_made_by_us = Path(sys.executable).is_relative_to(home.parent)
    python = os.path.realpath(sys.executable) if is_made_by_us else sys.executable
    # pip by a command of its own: module venv keeps to itself what ensurepip says of a full disk.
    commands = (
        [python, "-I", "-m", "venv", "--without-pip", str(folder)],
        [str(folder / "bin" / "python"), "-I", "-m", "ensurepip", "--upgrade", "--default-pip"],
    )
    for command in commands:
        made = _run(command)
        if made.returncode:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise _of_host(made) or SetUpFailed(
                2,
                f"{python} cannot make a virtual environment with pip (module venv or ensurepip is "
                f"missing or broken).\n  fix: Debian, Ubuntu: apt-get install python{version}-venv\n"
                + _last_lines(made.stdout),
            )


def _install(python: Path, lock: Path) -> None:
    """Install `lock` by pip with its own configuration, or from VENVBUILD_INDEX_URL (passed on by environment only).

    But for what that says of where and for what pip installs: this is for us alone.
    """
    environ = dict(os.environ)
    for variable in ("VENVBUILD_INDEX_URL", "PIP_INDEX_URL"):
        if environ.get(variable):
            environ["PIP_INDEX_URL"] = _index_url(environ[variable], variable)
            break
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        # What runs here gets the store's credentials later: no byte but those of the lock.
        "--require-hashes",
        "--only-binary",  # an sdist would run its setup.py
        ":all:",
        "--no-input",  # asked for a password with nobody there, pip ends with a traceback
        "--disable-pip-version-check",  # else pip asks the index for itself
        "--no-user",  # of other work as well, in pip.conf; the rest no option takes back
        "--target=",
        "--quiet",
        "--requirement",
        str(lock),
    ]
    # A PYTHONPATH or PYTHONHOME of the job would be pip's too.
    others = [name for name in environ if re.fullmatch(f"PYTHON.*|(?i:{_OF_OTHER_WORK})", name)]
    installed = _run(command, {name: value for name, value in environ.items() if name not in others})
    if installed.returncode:
        raise _of_pip(installed, lock)
    if lost := _lost(python.parents[1], lock):
        raise _of_configuration(f"pip ended well and did not install {lost} into the set-up")


def _of_configuration(what: str, said: str = "") -> SetUpFailed:
    fix = (
        "take what says where or for what pip installs (prefix, root, dry-run, python, platform, constraint, "
        "requirement ...) out of pip's configuration (pip config list), or set PIP_CONFIG_FILE=/dev/null, and "
        "VENVBUILD_INDEX_URL to the index"
    )
    return SetUpFailed(2, f"{what}: its configuration is for other work.\n  fix: {fix}\n{_last_lines(said)}".rstrip())


def _index_url(text: str, variable: str) -> str:
    """`text` unless a password in it was not escaped: pip would take a piece of it for the port, and show that."""
    rest = text.partition("://")[2] or text
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    place = authority.rpartition("@")[2]
    has_password = ":" in authority or "@" in authority
    # As in redaction/addresses.py: host.example:8081/me@team/simple is a path.
    is_sure = _SURE_HOST.match(place) and not _SURE_HOST.match(rest.rpartition("@")[2])
    is_misread = has_password and "@" in rest[len(authority) :] and not is_sure
    if is_misread or not re.fullmatch(r"(\[.*\]|[^:\[\]]*)(:[0-9]*)?", place):
        raise SetUpFailed(2, f"{variable} is no URL of a package index.\n  fix: {_IN_A_PASSWORD}")
    return text


def _of_host(ended: subprocess.CompletedProcess[str]) -> SetUpFailed | None:
    """What on this host made a program fail, by what it said: a full disk (7), something denied or ended (2)."""
    for line in ended.stdout.splitlines():
        if any(words in line for words in ("new connection", "connection broken", "connection error")):
            continue  # no word about a disk: a firewall denies, too
        if any(os.strerror(number) in line for number in _NO_ROOM):
            return SetUpFailed(
                7,
                "a disk is full or fails.\n  fix: make room there, or set XDG_CACHE_HOME (TMPDIR where pip unpacks) to "
                f"a folder on another disk\n{_last_lines(line)}",
            )
        if any(f"[Errno {number}] {os.strerror(number)}" in line for number in _NO_RIGHT):
            return SetUpFailed(
                2,
                "a file or folder of this host cannot be used.\n  fix: let this user write there and run what is there "
                "(owner, mode, mount option noexec), or set XDG_CACHE_HOME to a folder of their own\n"
                + _last_lines(line),
            )
        if "No usable temporary directory" in line:
            # It says the same of a folder that is full and of one that is denied.
            is_full = any(map(_has_no_room, re.findall("'([^']+)'", line)))
            return SetUpFailed(
                7 if is_full else 2,
                "no temporary folder can be written.\n  fix: make room in it, or set TMPDIR to another\n"
                + _last_lines(line),
            )
    if ended.returncode < 0:
        return SetUpFailed(
            2,
            f"{ended.args[0]} was ended by signal {-ended.returncode}.\n  fix: if memory ran out, free some; then run "
            f"it again\n{_last_lines(ended.stdout)}".rstrip(),
        )
    return None


def _has_no_room(folder: str) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return error.errno in _NO_ROOM
    return False


def _of_pip(ended: subprocess.CompletedProcess[str], lock: Path) -> SetUpFailed:
    """What pip's failure means: other bytes are a wrong index (2), as is an option that pip was configured with and
    cannot use here; what this host does not do counts before the index.

    pip says the same of an index that is away, refuses us, or lacks a file (6, as a retry may cure most of it).
    """
    if "DO NOT MATCH THE HASHES" in ended.stdout:
        return SetUpFailed(
            2,
            f"the index gives other files than locks/{lock.name} names.\n  fix: use an index that mirrors PyPI "
            "unchanged (VENVBUILD_INDEX_URL)\n" + _last_lines(ended.stdout),
        )
    # Nothing of what it said: a piece of the password is in it.
    if re.search("Port could not be cast|nonnumeric port|Invalid IPv6 URL|Invalid URL", ended.stdout):
        return SetUpFailed(
            2, f"pip is configured with an index that is no URL.\n  fix: correct its index-url; {_IN_A_PASSWORD}"
        )
    if of_host := _of_host(ended):
        return of_host
    if re.search(_REFUSED_OPTION, ended.stdout):
        return _of_configuration("pip refuses to install into the set-up", ended.stdout)
    return SetUpFailed(
        6,
        "the package index is unreachable, refuses access or lacks a dependency of the tool.\n  fix: check the network "
        "and pip's index configuration with its credentials, or set VENVBUILD_INDEX_URL; then run it again\n"
        + _last_lines(ended.stdout),
    )


def _run(command: list[str], environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",  # what it says is shown, and need not be text
            check=False,
        )
    except OSError as error:
        raise _not_started(command[0], error) from error


def _last_lines(output: str, count: int = 6) -> str:
    """The end of what a program said, without what may be credentials (the redactor is not there yet: stdlib only).

    All before the last `@` of a word is taken for such: in a password that was not escaped anything may be.
    """
    lines = re.sub(r"\S+@", _masked, output).strip().splitlines()
    return "\n".join(f"  | {line}" for line in lines[-count:])


def _on_screen(text: str) -> str:
    """With what a terminal would obey as `\\x1b`: pip tells what an index said. (text.py does it for all others.)"""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def _masked(found: re.Match[str]) -> str:
    scheme, separator, _ = found[0].partition("://")
    return f"{scheme}{separator}****@" if separator else "****@"


if __name__ == "__main__":
    main()
