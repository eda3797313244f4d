"""Packages that only some commands need, added by the first command that needs them; set-ups that go again.

Each extra of setup.cfg has a lock, `locks/<extra>.txt`, of what it needs beside the base. It is installed as the tool
itself is in a checkout (bootstrap.py), into a folder of the cache named by the lock's digest: also where the tool was
installed by uv or pipx, whose environments have no pip and are not ours to change.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

from venvbuild import bootstrap
from venvbuild.errors import IndexUnavailable, StoreUnavailable, UsageError, VenvBuildError

_OF_ENGINES = {"trino": "trino"}
"""Engine, and the module that it needs -> the extra."""
_SET_UP = re.compile(r"\.?(tool-[0-9a-f]{16}-py[0-9]+\.[0-9]+-[0-9a-f]{8})(?:-\w+)?")
"""A set-up's folder; while it is made or removed it begins with a dot and has an end of its own."""
_FAILURES = {6: IndexUnavailable, 7: StoreUnavailable}


def add_for_engine(engine: str, cache: Path) -> None:
    """Make the client of a query engine importable; raises as `add` does."""
    if engine in _OF_ENGINES:
        add(_OF_ENGINES[engine], engine, cache)


def locks_folder() -> Path:
    """Where the locks are: in the checkout, or where setup.cfg has an installation put them."""
    of_checkout = bootstrap.REPOSITORY / "locks"
    return of_checkout if of_checkout.is_dir() else Path(sysconfig.get_path("data"), "share", "venvbuild", "locks")


def add(extra: str, module: str, cache: Path, locks: Path | None = None) -> None:
    """Make `module` importable, by what is installed already or by the lock of `extra`, installed now if need be.

    Raises:
        UsageError: the tool was installed without it, or this machine cannot set it up.
        IndexUnavailable, StoreUnavailable: the index does not give it, the disk is full.
    """
    if _can_import(module):
        return
    python = _set_up(extra, cache, locks)
    # Behind everything else: what the base has stays in force.
    sys.path += map(str, python.parent.parent.glob("lib/python*/site-packages"))
    # Import remembers what it did not find (importlib), and the folder is newer than that.
    importlib.invalidate_caches()


def python_with(extra: str, modules: Iterable[str], cache: Path, locks: Path | None = None) -> Path:
    """A Python for `python -I -m MODULE` with any of `modules`: our own where they are all installed, else that of the
    lock of `extra`, set up now if need be. For programs of others, which then share no process with us.

    Raises as `add` does.
    """
    if all(map(_can_import, modules)):
        return Path(sys.executable)
    return _set_up(extra, cache, locks)


def _set_up(extra: str, cache: Path, locks: Path | None) -> Path:
    lock = (locks or locks_folder()) / f"{extra}.txt"
    if not lock.is_file():
        raise UsageError(f"this needs the extra {extra}", fix=f"pip install 'venvbuild[{extra}]'")
    try:
        return bootstrap.set_up(lock, cache)
    except bootstrap.SetUpFailed as failure:
        raise refused(f"the extra {extra} cannot be set up", failure, "see above; or install it with pip") from failure


def _can_import(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of `a.b` also when there is no `a`
        return False


def unused(cache: Path, unused_s: float) -> list[Path]:
    """The set-ups in `cache` that nobody has started for so long, but not this one; what was left half-made, too."""
    found = []
    for home in sorted(cache.glob("*tool-*")):
        with contextlib.suppress(OSError):  # somebody else may remove it, too
            is_one = _SET_UP.fullmatch(home.name) and home.is_dir() and not home.is_symlink()
            if is_one and home.stat().st_mtime <= time.time() - unused_s and not home.samefile(sys.prefix):
                found.append(home)
    return found


def remove(home: Path) -> bool:
    """Remove what `unused` found; False when somebody holds it, and then it is as it was.

    Raises:
        OSError: it cannot be removed.
    """
    named = _SET_UP.fullmatch(home.name)
    assert named
    at_once = fcntl.LOCK_EX | fcntl.LOCK_NB
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(bootstrap.locked(home.with_name(f"{named[1]}.lock"), at_once))
            folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, folder)
            fcntl.flock(folder, at_once)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        # By one rename: who starts now finds all of it or nothing.
        gone = home.with_name(f".{named[1]}-gone{os.getpid()}")
        home.rename(gone)
    with contextlib.suppress(FileNotFoundError):  # whoever makes this set-up anew removes it, too
        shutil.rmtree(gone)
    return True


def refused(what: str, failure: bootstrap.SetUpFailed, fix: str) -> VenvBuildError:
    """A set-up that cannot be made, as an error with its exit code."""
    return _FAILURES.get(failure.exit_code, UsageError)(what, why=str(failure), fix=fix)
