"""Sets the tool up on first use and hands over to it. Standard library only: it runs before anything is installed.

The dependencies of `locks/base.txt`, hash-pinned, go into a folder of the user's cache named by the lock's digest, so
a changed lock gets a set-up of its own and two clones share one. It is made under another name and renamed when whole;
a failed set-up leaves nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
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
_HANDED_ON = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'venvbuild'; "
    "from venvbuild.main import main; main()"
)


class SetUpFailed(Exception):
    """The tool cannot be set up here; `exit_code` is 2 (this host lacks something) or 6 (the index is unreachable)."""

    def __init__(self, exit_code: int, message: str) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class _Terminated(Exception):
    """SIGTERM arrived; raised so that the half-made set-up is removed."""


def main() -> None:
    """Make sure of the set-up and become the tool."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        python = set_up(REPOSITORY / "locks" / "base.txt", cache_folder())
    except SetUpFailed as failure:
        print(f"venvbuild cannot be set up: {failure}", file=sys.stderr)
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except _Terminated:
        sys.exit(143)
    os.execv(python, [str(python), "-I", "-c", _HANDED_ON, str(REPOSITORY), *sys.argv[1:]])  # noqa: S606


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
        SetUpFailed: ensurepip is missing, the cache cannot be written, or the index does not give what the lock needs.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    home = cache / f"tool-{digest}-py{sys.version_info[0]}.{sys.version_info[1]}"
    python = home / "bin" / "python"
    if python.exists():
        return python
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{home.name}.lock"):
            if not python.exists():
                _make(home, lock)
    except OSError as error:
        raise SetUpFailed(
            7 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 2,
            f"{error.strerror}: {error.filename or cache}\n"
            "  fix: make room or set XDG_CACHE_HOME to a folder that can be written",
        ) from error
    return python


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two first starts at once: the second waits, then finds the first one's work."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _terminate(_signal: int, _frame: object) -> None:
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
    made = _run([sys.executable, "-I", "-m", "venv", str(folder)])
    if made.returncode:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetUpFailed(
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
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--no-input",
        "--disable-pip-version-check",
        "--quiet",
        "--requirement",
        str(lock),
    ]
    installed = _run(command, {name: value for name, value in environ.items() if not name.startswith("PYTHON")})
    if installed.returncode:
        raise SetUpFailed(*_why(installed.stdout))


def _why(output: str) -> tuple[int, str]:
    """What pip's failure means: wrong bytes and a full disk are this host's (2), all else the index's (6)."""
    if "DO NOT MATCH THE HASHES" in output:
        return (
            2,
            "the index gives other files than locks/base.txt names.\n  fix: use an index that mirrors PyPI "
            "unchanged (VENVBUILD_INDEX_URL)\n" + _last_lines(output),
        )
    if "No space left" in output:
        return 7, "the disk is full.\n  fix: make room, or set XDG_CACHE_HOME\n" + _last_lines(output)
    if "Permission denied" in output:
        return 2, "the cache folder cannot be written.\n  fix: make room, or set XDG_CACHE_HOME\n" + _last_lines(output)
    return (
        6,
        "the package index is unreachable or lacks a dependency of the tool.\n  fix: check the network and pip's "
        "index configuration, or set VENVBUILD_INDEX_URL; then run it again\n" + _last_lines(output),
    )


def _run(command: list[str], environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _last_lines(output: str, count: int = 6) -> str:
    """The end of what a program said, with URL user info masked (the redactor is not there yet: stdlib only)."""
    masked = re.sub(r"(?<=://)[^\s/@]+(?=@)", "****", output)
    return "\n".join(f"  | {line}" for line in masked.strip().splitlines()[-count:])


if __name__ == "__main__":
    main()
