"""Sets the tool up on first use and hands over to it. Standard library only: it runs before anything is installed.

The dependencies of `locks/base.txt`, hash-pinned, go into a folder of the user's cache named by the lock's digest and
by this Python, so a changed lock and another Python get a set-up of their own, and two clones share one. It is made
under another name and renamed when whole; a failed set-up leaves nothing. Who uses one holds it (`hold`), and what
nobody holds `venvbuild cache prune` may remove (extras.py).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.machinery
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# EFBIG is what a limit of the process (ulimit -f) gives, EDQUOT one of the user.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
# Under -I neither the checkout nor the folder we are in is on the path; only the checkout comes there.
_HANDED_ON = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'venvbuild'; "
    "from venvbuild.main import main; main()"
)


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
    signal.signal(signal.SIGTERM, _terminate)
    try:
        if os.environ.get("_VENVBUILD_COMPLETE") and not _is_set_up():
            sys.exit(1)  # somebody types and presses TAB: no time to install anything, no place for words
        _become(set_up(REPOSITORY / "locks" / "base.txt", cache_folder()))
    except SetUpFailed as failure:
        print(f"venvbuild cannot be set up: {failure}", file=sys.stderr)
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except _Terminated:
        sys.exit(143)


def _is_set_up() -> bool:
    return (home_of(REPOSITORY / "locks" / "base.txt", cache_folder()) / "bin" / "python").exists()


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
    """The Python of an environment holding exactly `lock`; made now if it is not there.

    Raises:
        SetUpFailed: ensurepip is missing, the cache cannot be written or used, the index gives other files than the
            lock names (2), it does not give what the lock needs (6), or a disk is full (7).
    """
    home = home_of(lock, cache)
    python = home / "bin" / "python"
    try:
        if hold(home) and python.exists():
            return python
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{home.name}.lock"):
            if not python.exists():  # whoever held the lock may have made it
                _make(home, lock)
            hold(home)
    except OSError as error:
        raise _of_disk(error, cache) from error
    return python


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


@contextlib.contextmanager
def locked(path: Path, operation: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Two first starts at once: the second waits, then finds the first one's work."""
    with path.open("w") as file:
        # Gone with its process, however that ends: there is never a lock that nobody holds.
        fcntl.flock(file, operation)
        yield


def _of_disk(error: OSError, cache: Path) -> SetUpFailed:
    """What a failure of the cache's disk means: no room is 7, as a retry may cure it, and all else 2."""
    what = f"{error.strerror}: {error.filename or cache}\n"
    if error.errno in _NO_ROOM:
        return SetUpFailed(7, f"{what}  fix: make room there, or set XDG_CACHE_HOME to a folder on another disk")
    if error.errno in _NO_RIGHT:
        return SetUpFailed(
            2, f"{what}  fix: let this user write there (owner, mode), or set XDG_CACHE_HOME to a folder of their own"
        )
    return SetUpFailed(2, f"{what}  fix: set XDG_CACHE_HOME to a folder that can be written")


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


def _make(home: Path, lock: Path) -> None:
    for leftover in home.parent.glob(f".{home.name}-*"):  # of a set-up that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    print(f"venvbuild: first use, installing the tool's own dependencies into {home}", file=sys.stderr)
    building = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
    try:
        _make_venv(building)
        _install(building / "bin" / "python", lock)
        if home.exists():  # a leftover without bin/python: its interpreter was removed from this host
            shutil.rmtree(home)
        building.rename(home)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _make_venv(folder: Path) -> None:
    # pip by a command of its own: module venv keeps to itself what ensurepip says of a full disk.
    commands = (
        [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)],
        [str(folder / "bin" / "python"), "-I", "-m", "ensurepip", "--upgrade", "--default-pip"],
    )
    for command in commands:
        made = _run(command)
        if made.returncode:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise _of_host(made) or SetUpFailed(
                2,
                f"{sys.executable} cannot make a virtual environment with pip (module venv or ensurepip is "
                f"missing or broken).\n  fix: Debian, Ubuntu: apt-get install python{version}-venv\n"
                + _last_lines(made.stdout),
            )


def _install(python: Path, lock: Path) -> None:
    """Install `lock` by pip with its own configuration, or from VENVBUILD_INDEX_URL (passed on by environment only)."""
    environ = dict(os.environ)
    if environ.get("VENVBUILD_INDEX_URL"):
        environ["PIP_INDEX_URL"] = environ["VENVBUILD_INDEX_URL"]
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
        "--quiet",
        "--requirement",
        str(lock),
    ]
    # A PYTHONPATH or PYTHONHOME of the job would be pip's too.
    installed = _run(command, {name: value for name, value in environ.items() if not name.startswith("PYTHON")})
    if installed.returncode:
        raise _of_pip(installed, lock)


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
            return SetUpFailed(
                2,
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


def _of_pip(ended: subprocess.CompletedProcess[str], lock: Path) -> SetUpFailed:
    """What pip's failure means: other bytes are a wrong index (2); what this host does not do counts before the index.

    pip says the same of an index that is away, refuses us, or lacks a file (6, as a retry may cure most of it).
    """
    if "DO NOT MATCH THE HASHES" in ended.stdout:
        return SetUpFailed(
            2,
            f"the index gives other files than locks/{lock.name} names.\n  fix: use an index that mirrors PyPI "
            "unchanged (VENVBUILD_INDEX_URL)\n" + _last_lines(ended.stdout),
        )
    return _of_host(ended) or SetUpFailed(
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
    """The end of what a program said, with URL user info masked (the redactor is not there yet: stdlib only)."""
    masked = re.sub(r"(?<=://)[^\s/@]+(?=@)", "****", output)
    return "\n".join(f"  | {line}" for line in masked.strip().splitlines()[-count:])


if __name__ == "__main__":
    main()
